import { completeSpec } from "../failover/complete.ts";
import type { Failover } from "../failover/failover.ts";
import { canBeHealed } from "../failover/foreign.ts";
import { guardRevision } from "../failover/guards.ts";
import { newOperation } from "../failover/operations.ts";
import { fail, ok, type Origin, type Result } from "../failover/results.ts";
import { commit, insertEvents, updateIntent } from "../store/failovers.ts";
import { findPendingReconcile, insertOperation } from "../store/operations.ts";
import type { Context } from "./context.ts";
import { keepOutcome, okForGood } from "./idempotency-keys.ts";
import type { ReconcileAsked } from "./coordinator-port.ts";
import { aloneWith } from "./load.ts";
import { eventOf } from "./record.ts";

/** The failover as it is wanted once everything is asked for: nothing adopted, and nothing kept where that is asked too. */
function withoutExceptions(failover: Failover, healForeign: boolean): Failover {
  const { imported } = failover;
  const kept = imported?.kept.filter(({ role, path }) => !healForeign || !canBeHealed(role, path)) ?? [];
  return { ...failover, adopted: [], imported: imported === null ? null : { ...imported, kept } };
}

/** A person asks for everything to be put in place now: nothing is held back by policy, grace time or an adoption. */
export function startReconcile(
  context: Context,
  reference: string,
  request: ReconcileAsked,
  origin: Origin,
): Promise<Result<{ operationId: string }>> {
  return aloneWith(context, reference, async ({ failover }) => {
    const [stale] = guardRevision(failover, request.revision);
    if (stale !== undefined) return fail("revision-mismatch", stale.message, { refusals: [stale] });
    if (failover.deleting !== null) return fail("deleting", "the failover is being deleted");
    // One that waits will do what this one would.
    const { healForeign = false } = request;
    const pending = await findPendingReconcile(context.db, failover.id);
    const exceptions = withoutExceptions(failover, healForeign);
    const ended = {
      adopted: failover.adopted,
      kept: failover.imported?.kept.filter((one) => !exceptions.imported?.kept.includes(one)) ?? [],
    };
    const ends = ended.adopted.length + ended.kept.length > 0;
    if (pending !== null && !ends && !healForeign) return okForGood(context, { operationId: pending });
    const operation = newOperation(
      {
        id: context.newId("op"),
        failoverId: failover.id,
        kind: "reconcile",
        message: "about to look",
        origin,
      },
      ["reconcile"],
      { heal_foreign: healForeign },
      context.clock.now(),
    );
    // Everything means also what somebody else did and a person once accepted.
    const now = context.clock.now();
    const changed = { ...exceptions, revision: failover.revision + 1, updatedAt: now };
    const { test_hostname: testHostname } = completeSpec(failover.input, failover.facts);
    const events = [
      ...(ended.adopted.length === 0
        ? []
        : [
            eventOf(context, "drift.adoption_ended", failover.id, origin, {
              ended: ended.adopted,
              operation_id: operation.id,
            }),
          ]),
      ...(ended.kept.length === 0
        ? []
        : [
            eventOf(context, "import.keeping_ended", failover.id, origin, {
              ended: ended.kept,
              operation_id: operation.id,
            }),
          ]),
    ];
    await commit(context.db, [
      insertOperation(context.db, context.accountId, operation),
      ...(ends ? [updateIntent(context.db, changed, testHostname, failover.revision, now)] : []),
      ...insertEvents(context.db, context.accountId, events),
      ...keepOutcome(context, { operationId: operation.id }),
    ]);
    return ok({ operationId: operation.id });
  });
}
