import { guardRevision } from "../failover/guards.ts";
import { newOperation } from "../failover/operations.ts";
import { fail, ok, type Origin, type Result } from "../failover/results.ts";
import { commit } from "../store/failovers.ts";
import { insertOperation } from "../store/operations.ts";
import type { Context } from "./context.ts";
import { aloneWith } from "./load.ts";

/** A person asks for everything to be put in place now: nothing is held back by policy or grace time. */
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
    await commit(context.db, [insertOperation(context.db, context.accountId, operation)]);
    return ok({ operationId: operation.id });
  });
}
