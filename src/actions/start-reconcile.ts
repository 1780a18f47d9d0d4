import { completeSpec } from "../failover/complete.ts";
import { guardRevision } from "../failover/guards.ts";
import { newOperation } from "../failover/operations.ts";
import { fail, ok, type Origin, type Result } from "../failover/results.ts";
import { commit, insertEvents, updateIntent } from "../store/failovers.ts";
import { findPendingReconcile, insertOperation } from "../store/operations.ts";
import type { Context } from "./context.ts";
import { aloneWith } from "./load.ts";
import { eventOf } from "./record.ts";

/** A person asks for everything to be put in place now: nothing is held back by policy, grace time or an adoption. */
export function startReconcile(
  context: Context,
  reference: string,
  request: { revision?: number },
  origin: Origin,
): Promise<Result<{ operationId: string }>> {
  return aloneWith(context, reference, async ({ failover }) => {
    const [stale] = guardRevision(failover, request.revision);
    if (stale !== undefined) return fail("revision-mismatch", stale.message, { refusals: [stale] });
    if (failover.deleting !== null) return fail("deleting", "the failover is being deleted");
    // One that waits will do what this one would.
    const pending = await findPendingReconcile(context.db, failover.id);
    if (pending !== null && failover.adopted.length === 0) return ok({ operationId: pending });
    const operation = newOperation(
      {
        id: context.newId("op"),
        failoverId: failover.id,
        kind: "reconcile",
        message: "about to look",
        origin,
      },
      ["reconcile"],
      {},
      context.clock.now(),
    );
    // Everything means also what somebody else did and a person once accepted.
    const ends = failover.adopted.length > 0;
    const now = context.clock.now();
    const changed = { ...failover, adopted: [], revision: failover.revision + 1, updatedAt: now };
    const { test_hostname: testHostname } = completeSpec(failover.input, failover.facts);
    const data = { ended: failover.adopted, operation_id: operation.id };
    await commit(context.db, [
      insertOperation(context.db, context.accountId, operation),
      ...(ends ? [updateIntent(context.db, changed, testHostname, failover.revision, now)] : []),
      ...insertEvents(
        context.db,
        context.accountId,
        ends ? [eventOf(context, "drift.adoption_ended", failover.id, origin, data)] : [],
      ),
    ]);
    return ok({ operationId: operation.id });
  });
}
