import { hasEnded, operationEnds } from "../failover/operations.ts";
import { fail, ok, type Origin, type Result } from "../failover/results.ts";
import { commit, insertEvents } from "../store/failovers.ts";
import { loadOperation, saveOperation } from "../store/operations.ts";
import type { Context } from "./context.ts";
import { withdraw } from "./decide-approval.ts";
import { keepOutcome, okForGood } from "./idempotency-keys.ts";
import { eventOf } from "./record.ts";

/** What hasn't begun needs no undoing. */
export async function cancel(
  context: Context,
  operationId: string,
  origin: Origin,
): Promise<Result<{ operationId: string }>> {
  const found = await loadOperation(context.db, context.accountId, operationId);
  if (found === null) return fail("not-found", `there is no operation ${operationId}`);
  return context.alone(found.failoverId, async () => {
    const operation = await loadOperation(context.db, context.accountId, operationId);
    if (operation === null) return fail("not-found", `there is no operation ${operationId}`);
    const { kind, status, failoverId, message } = operation;
    if (kind !== "scheduled-switch-over" && kind !== "approval")
      return fail(
        "refused",
        `a ${kind} can't be cancelled: only what waits for its hour or for approval can`,
      );
    if (status === "aborted") return okForGood(context, { operationId });
    if (hasEnded(operation)) return fail("refused", `it has ${status} already: ${message}`);
    if (kind === "approval") return withdraw(context, operation, origin);
    const now = context.clock.now();
    await commit(context.db, [
      saveOperation(context.db, operationEnds(operation, "aborted", "cancelled", null, now)),
      ...insertEvents(context.db, context.accountId, [
        eventOf(context, "failover.switch_over_cancelled", failoverId, origin, { operation_id: operationId }),
      ]),
      ...keepOutcome(context, { operationId }),
    ]);
    return ok({ operationId });
  });
}
