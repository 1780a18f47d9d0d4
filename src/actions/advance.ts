import type { FailoverEvent, Operation } from "../failover/results.ts";
import type { Write } from "../store/failovers.ts";
import type { Context } from "./context.ts";

/** What a step came to: the operation as it is now, and what has to be written together with it. */
export interface Advance {
  readonly operation: Operation;
  readonly events?: readonly FailoverEvent[];
  readonly writes?: readonly Write[];
  /** Begins with the end of this one. */
  readonly next?: Operation;
}

const SOONEST_MS = 5_000;
const LATEST_MS = 60_000;

/** When to look again: ever less often, because each look costs calls that others need as well. */
export function nextTry(context: Context, { createdAt }: Operation): number {
  const now = context.clock.now();
  return now + Math.min(LATEST_MS, Math.max(SOONEST_MS, (now - createdAt) / 2));
}

/** While Cloudflare refuses every call of ours nothing can be done, and nothing is given up. */
export function isOutOfTime(context: Context, { deadlineAt }: Operation): boolean {
  return context.clock.now() >= deadlineAt && context.budget.blockedUntil() === null;
}
