// Decides whether a broken deployment is rolled back, and what the next step of a rollback is.
import { describeDeployment, type Deployment, type ProjectWatch } from "./deploys.ts";

export interface Rollback {
  readonly from: Deployment;
  readonly to: Deployment;
  /** `sent`: its outcome isn't known yet. `verifying`: it took effect, and is looked at. */
  readonly status: "wanted" | "sent" | "verifying" | "done" | "failed";
  /** How often it was sent. */
  readonly attempts: number;
  /** Milliseconds since the epoch, as all instants here. */
  readonly startedAt: number;
  /** Until then a request that was sent may still take effect; null where none is open. */
  readonly deadlineAt: number | null;
  /** Whether Cloudflare was seen to serve `to` since: only then is `from` news when it is seen again. */
  readonly confirmed: boolean;
}

/** What a failover that shares the project wants done about a broken deployment. */
export interface Wish {
  readonly name: string;
  readonly policy: "report" | "rollback";
  readonly paused: boolean;
}

export type RollbackDecision =
  | { readonly kind: "none" }
  /** Nobody asked for it, or it isn't possible; the sentence says which. */
  | { readonly kind: "report"; readonly why: string }
  | { readonly kind: "rollback"; readonly to: Deployment };

const MOST_ATTEMPTS = 3;
/** After that it is given up: by then people know. */
const GIVES_UP_AFTER_MS = 600_000;
/** A request that was sent lands within this time or not at all. */
export const LANDS_WITHIN_MS = 60_000;

function namesOf(wishes: readonly Wish[]): string {
  return wishes.map(({ name }) => name).join(", ");
}

/**
 * Going back needs a place to go back to that was good for every endpoint, and the wish of all that share the project.
 * A freeze doesn't hold it back: it restores.
 */
export function decideRollback(watch: ProjectWatch, wishes: readonly Wish[]): RollbackDecision {
  const { verification, verified, rolledBack } = watch;
  const { deployment } = verification;
  const broken = verification.endpoints.filter(({ outcome }) => outcome === "broken");
  if (broken.length === 0 || verification.why === "first-seen") return { kind: "none" };
  const report = (why: string): RollbackDecision => ({ kind: "report", why });
  const against = wishes.filter(({ policy }) => policy === "report");
  if (against.length === wishes.length) return report("on_broken_deploy is report");
  if (against.length > 0)
    return report(`the failovers that share the project disagree: ${namesOf(against)} only reports`);
  const paused = wishes.filter(({ paused: isPaused }) => isPaused);
  if (paused.length > 0) return report(`${namesOf(paused)} is paused`);
  if (verification.why === "rolled-back") return report("it is itself what was rolled back to");
  if (rolledBack.includes(deployment.id)) return report("it was rolled back once already, and came back");
  if (verified === null) return report("no earlier deployment was ever found good");
  if (verified.id === deployment.id) return report("it is itself the last one that was found good");
  // Who gets no answer at all may be the one who is cut off.
  const isCertain = broken.some(({ looks }) =>
    looks.some(({ found, answered }) => found === "bad" && answered),
  );
  if (!isCertain) return report("no answer came at all, which may be the fault of the way there");
  return { kind: "rollback", to: verified };
}

export function beginRollback(from: Deployment, to: Deployment, now: number): Rollback {
  return {
    from,
    to,
    status: "wanted",
    attempts: 0,
    startedAt: now,
    deadlineAt: null,
    confirmed: false,
  };
}

export type RollbackStep =
  /** Cloudflare serves the earlier one: ours, or a person was faster. */
  | { readonly step: "landed" }
  /** Somebody deployed meanwhile: there is nothing to undo any more. */
  | { readonly step: "overtaken" }
  | { readonly step: "send" }
  | { readonly step: "wait"; readonly until: number }
  | { readonly step: "fail"; readonly why: string };

/** The next step, after it was read afresh what is served and whether the earlier deployment is still there. */
export function nextRollbackStep(
  rollback: Rollback,
  servingId: string | null,
  target: "there" | "gone",
  now: number,
): RollbackStep {
  const { from, to, attempts, deadlineAt, startedAt } = rollback;
  if (servingId === to.id) return { step: "landed" };
  if (servingId !== from.id) return { step: "overtaken" };
  if (deadlineAt !== null && now < deadlineAt && deadlineAt - now <= LANDS_WITHIN_MS)
    return { step: "wait", until: Math.min(deadlineAt, now + 5_000) };
  if (target === "gone")
    return { step: "fail", why: `the deployment ${describeDeployment(to)} does not exist any more` };
  if (attempts >= MOST_ATTEMPTS || now - startedAt > GIVES_UP_AFTER_MS)
    return { step: "fail", why: `Cloudflare did not roll it back, after ${attempts} requests` };
  return { step: "send" };
}
