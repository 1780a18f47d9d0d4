// Checks of this service itself: whether it looks at the failover as often as it promises.
import { fail, pass, unknown, warn, type Check } from "./check.ts";
import { DOCUMENTATION } from "./documentation.ts";

const LATE_AFTER_MS = 180_000;
const DEAD_AFTER_MS = 900_000;
/** A tick's probes arrive within it. */
const TICK_MS = 60_000;

function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return seconds < 120 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`;
}

const instant = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

export const SERVICE_CHECKS: readonly Check[] = [
  {
    id: "cron-fresh",
    asks: "Has the cron trigger run within the last three minutes?",
    worst: "fail",
    means: "meanwhile nothing is healed, and no outage is noticed",
    remedy:
      "Check in the dashboard, under the Worker's settings, that its cron trigger is there, and look into its log for errors.",
    documentation: DOCUMENTATION.cron,
    judge: ({ now, lastTickAt }) => {
      const evidence = { last_tick_at: instant(lastTickAt) };
      if (lastTickAt === null) return warn("the cron trigger has not run yet", evidence);
      const age = now - lastTickAt;
      const found = `the Worker's cron trigger, which fires every minute, last ran ${duration(age)} ago`;
      if (age <= LATE_AFTER_MS) return pass(found, evidence);
      return age <= DEAD_AFTER_MS ? warn(found, evidence) : fail(found, evidence);
    },
  },
  {
    id: "probes-arriving",
    asks: "Do the probes of each tick arrive, so that the queue is draining?",
    worst: "warn",
    means: "our own look at the endpoints is old, and it is not known who serves",
    remedy: "Check the queue's backlog and its dead-letter queue in the dashboard, and the consumer's log.",
    documentation: DOCUMENTATION.queueMetrics,
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
            `no probe of this failover has arrived for ${duration(behind)}, although the cron trigger asks for them every minute`,
            evidence,
          );
    },
  },
];
