// Checks of this service itself: whether it looks at the failover as often as it promises.
import { fail, pass, unknown, warn, type Check } from "./check.ts";

const LATE_AFTER_MS = 180_000;
const DEAD_AFTER_MS = 900_000;
/** A tick's probes arrive within it. */
const TICK_MS = 60_000;

const instant = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

export const SERVICE_CHECKS: readonly Check[] = [
  {
    id: "cron-fresh",
    asks: "Has the cron trigger run within the last three minutes?",
    worst: "fail",
    means: "nothing is healed or noticed meanwhile",
    remedy: "Check in the dashboard that the Worker's cron trigger is deployed, and its log for errors.",
    documentation: "Cron Triggers",
    judge: ({ now, lastTickAt }) => {
      const evidence = { last_tick_at: instant(lastTickAt) };
      if (lastTickAt === null) return warn("the cron trigger has not run yet", evidence);
      const age = now - lastTickAt;
      const found = `the last tick began ${Math.max(0, Math.round(age / 1000))} seconds ago`;
      if (age <= LATE_AFTER_MS) return pass(found, evidence);
      return age <= DEAD_AFTER_MS ? warn(found, evidence) : fail(found, evidence);
    },
  },
  {
    id: "probes-arriving",
    asks: "Do the probes of each tick arrive, so that the queue is draining?",
    worst: "warn",
    means: "our witness knows nothing new, and who serves is unknown",
    remedy: "Check the queue's backlog and its dead-letter queue in the dashboard, and the consumer's log.",
    documentation: "Queues metrics",
    follows: ["cron-fresh"],
    judge: ({ now, failover, lastTickAt, lastSampleAt }) => {
      if (failover === null) return pass("a spec that is not saved is not probed", {});
      const evidence = { last_tick_at: instant(lastTickAt), last_sample_at: instant(lastSampleAt) };
      const isNew = now - failover.createdAt < 3 * TICK_MS;
      if (lastTickAt === null || (lastSampleAt === null && isNew))
        return unknown("no probes are due yet", evidence);
      const behind = lastTickAt - (lastSampleAt ?? failover.createdAt);
      return behind <= 2 * TICK_MS
        ? pass("the probes of the last ticks arrived", evidence)
        : warn(
            `the latest probes are ${Math.round(behind / 1000)} seconds older than the last tick`,
            evidence,
          );
    },
  },
];
