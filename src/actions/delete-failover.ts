import { completeSpec } from "../failover/complete.ts";
import type { Failover } from "../failover/failover.ts";
import {
  guardFreeze,
  guardOperation,
  guardRevision,
  guardUnderneath,
  refusal,
  targetFacts,
  withoutOverridden,
} from "../failover/guards.ts";
import { newOperation } from "../failover/operations.ts";
import { fail, ok, type Origin, type Result } from "../failover/results.ts";
import {
  commit,
  insertEvents,
  OperationUnderWay,
  RevisionConflict,
  updateIntent,
} from "../store/failovers.ts";
import { saveAftermath } from "../store/drills.ts";
import { insertOperation } from "../store/operations.ts";
import { deleteLeases } from "../store/leases.ts";
import type { Context } from "./context.ts";
import { aloneWith } from "./load.ts";
import { readUnderneath } from "./look.ts";
import { eventOf } from "./record.ts";
import { sayWhatVisitorsGet } from "./store-move.ts";

export interface DeleteRequest {
  readonly mode: "destroy" | "orphan";
  readonly revision: number;
  readonly override: readonly string[];
  readonly reason?: string;
}

/** Stores the intent to be rid of a failover; from then on cron finishes it, whatever happens. */
export function deleteFailover(
  context: Context,
  reference: string,
  request: DeleteRequest,
  origin: Origin,
): Promise<Result<{ operationId: string }>> {
  return aloneWith(context, reference, async (record) => {
    const { failover, operation, leases } = record;
    const [stale] = guardRevision(failover, request.revision);
    if (stale !== undefined) return fail("revision-mismatch", stale.message, { refusals: [stale] });
    if (failover.deleting === request.mode && operation !== null) return ok({ operationId: operation.id });
    if (failover.deleting !== null) {
      return fail("deleting", `the failover is being deleted already, with mode=${failover.deleting}`);
    }
    const { hostname } = failover.input;
    const inProduction = failover.stage === "production" && request.mode === "destroy";
    const underneath = inProduction ? await readUnderneath(context, failover, hostname) : null;
    const { health } = targetFacts(record, record.health, context.clock.now());
    const visitorsGet = inProduction ? (underneath?.records ?? null) : [];
    const refusals = [
      ...guardOperation(operation),
      ...(failover.stage === "production"
        ? [
            refusal(
              "in-production",
              `${hostname} is in production: demote the failover first, or override with a reason`,
              { hostname },
            ),
          ]
        : []),
      ...(inProduction ? guardUnderneath(hostname, underneath, health) : []),
      ...(inProduction ? guardFreeze(record.freeze) : []),
    ];
    const left = withoutOverridden(refusals, request.override);
    if (left.length > 0) {
      return fail("refused", `deleting is refused: ${left.map(({ message }) => message).join("; ")}`, {
        refusals: left,
      });
    }
    const now = context.clock.now();
    const going: Failover = {
      ...failover,
      deleting: request.mode,
      revision: failover.revision + 1,
      updatedAt: now,
    };
    const message = inProduction
      ? `being deleted; ${sayWhatVisitorsGet(hostname, visitorsGet)}`
      : "being deleted";
    const started = newOperation(
      { id: context.newId("op"), failoverId: failover.id, kind: "delete", message, origin },
      ["load balancer", "secondary pool", "primary pool", "monitor"],
      { mode: request.mode, stage: failover.stage, underneath: visitorsGet },
      now,
    );
    const { test_hostname: testHostname } = completeSpec(failover.input, failover.facts);
    const data = {
      mode: request.mode,
      before: { deleting: null },
      after: { deleting: request.mode },
      reason: request.reason ?? null,
      operation_id: started.id,
      visitors_get: visitorsGet,
    };
    try {
      await commit(context.db, [
        updateIntent(context.db, going, testHostname, failover.revision, now),
        ...deleteLeases(context.db, leases),
        insertOperation(context.db, context.accountId, started),
        ...(record.unrestoredDrill === null
          ? []
          : [
              saveAftermath(context.db, record.unrestoredDrill, {
                restoredAt: null,
                takenOverBy: `the deletion ${started.id} of ${origin.actor.name}`,
              }),
            ]),
        ...insertEvents(context.db, context.accountId, [
          eventOf(context, "failover.delete_started", failover.id, origin, data),
        ]),
      ]);
    } catch (error) {
      if (error instanceof OperationUnderWay || error instanceof RevisionConflict)
        return fail("refused", error.message);
      throw error;
    }
    return ok({ operationId: started.id });
  });
}
