// Decides whether what a Pages project serves now is news.
import { beginVerification, type Deployment, type ProjectWatch, type Served } from "./deploys.ts";

/** More than anybody rolls back before it is deployed anew. */
const KEPT_ROLLED_BACK = 20;

/** The watch with a new verification of what is served now. */
export function verifyAnew(
  watch: ProjectWatch,
  deployment: Deployment,
  why: "deployed" | "rolled-back",
  noticedBy: string,
  served: readonly Served[],
  now: number,
): ProjectWatch {
  return { ...watch, verification: beginVerification(deployment, why, noticedBy, served, now), dueAt: now };
}

/** The rollback took effect: what it returned to is looked at, and what it left is never rolled back again. */
export function landRollback(
  watch: ProjectWatch,
  confirmed: boolean,
  served: readonly Served[],
  now: number,
): ProjectWatch {
  const { rollback, verification } = watch;
  if (rollback === null) return watch;
  const verifying = { ...rollback, status: "verifying" as const, deadlineAt: null, confirmed };
  const rolledBack = [...watch.rolledBack, rollback.from.id].slice(-KEPT_ROLLED_BACK);
  const next = { ...watch, rollback: verifying, rolledBack };
  return verifyAnew(next, rollback.to, "rolled-back", verification.noticedBy, served, now);
}

/** Null where nothing is new. `noticedBy` is what told us to look. */
export function noticeServing(
  watch: ProjectWatch | null,
  project: string,
  serving: Deployment | null,
  served: readonly Served[],
  noticedBy: string,
  now: number,
): ProjectWatch | null {
  if (serving === null) return null;
  if (watch === null) {
    const verification = beginVerification(serving, "first-seen", noticedBy, served, now);
    return { project, verification, verified: null, rollback: null, rolledBack: [], dueAt: null };
  }
  const { rollback, verification } = watch;
  if (serving.id === verification.deployment.id) {
    const isConfirmation = rollback !== null && !rollback.confirmed && rollback.to.id === serving.id;
    return isConfirmation ? { ...watch, rollback: { ...rollback, confirmed: true } } : null;
  }
  if (rollback !== null) {
    const isOpen = rollback.status === "wanted" || rollback.status === "sent";
    if (isOpen && serving.id === rollback.to.id) return landRollback(watch, true, served, now);
    // Cloudflare said that it rolled back and still names the one before: whether it ever names the other is open.
    if (!isOpen && !rollback.confirmed && serving.id === rollback.from.id) return null;
  }
  return verifyAnew({ ...watch, rollback: null }, serving, "deployed", noticedBy, served, now);
}
