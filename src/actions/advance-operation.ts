import { describeRest } from "../failover/foreign.ts";
import { currentStep, hasEnded, operationEnds, stepEnds, stepWaits } from "../failover/operations.ts";
import type { Operation } from "../failover/results.ts";
import { commit, insertEvents, type FailoverRecord } from "../store/failovers.ts";
import { insertOperation, loadOperation, saveOperation } from "../store/operations.ts";
import { isOutOfTime, nextTry, type Advance } from "./advance.ts";
import { advanceDelete } from "./advance-delete.ts";
import { advanceDrill } from "./advance-drill.ts";
import { advanceMove } from "./advance-move.ts";
import { advanceSwitch } from "./advance-switch.ts";
import type { Context } from "./context.ts";
import { loadRecord } from "./load.ts";
import { advanceApproval } from "./decide-approval.ts";
import { eventOf } from "./record.ts";
import { advanceScheduled } from "./schedule-switch.ts";
import { reconcile, type SnapshotFor } from "./reconcile.ts";

/** One alarm takes an operation through as many steps as need no waiting. */
const MOST_STEPS = 8;

async function advanceReconcile(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
  snapshotFor: SnapshotFor,
): Promise<Advance> {
  const { origin } = operation;
  const healForeign = operation.state["heal_foreign"] === true;
  const request = { asked: true, healForeign, origin, priority: "person" } as const;
  const result = await reconcile(context, record, snapshotFor, request);
  const now = context.clock.now();
  const stays = healForeign ? describeRest(result.status.foreign) : null;
  const message = result.inPlace && stays !== null ? stays : result.message;
  const found = { sync: result.sync, message };
  if (result.inPlace) {
    const done = stepEnds(operation, "reconcile", "succeeded", message, now);
    return { operation: operationEnds(done, "succeeded", message, found, now) };
  }
  if (result.sync === "blocked" || isOutOfTime(context, operation)) {
    const failed = stepEnds(operation, "reconcile", "failed", result.message, now);
    return { operation: operationEnds(failed, "failed", result.message, found, now) };
  }
  return { operation: stepWaits(operation, "reconcile", result.message, nextTry(context, operation), now) };
}

function dispatch(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
  snapshotFor: SnapshotFor,
): Promise<Advance> {
  switch (operation.kind) {
    case "reconcile":
      return advanceReconcile(context, record, operation, snapshotFor);
    case "promote":
    case "demote":
      return advanceMove(context, record, operation, snapshotFor);
    case "switch-over":
      return advanceSwitch(context, record, operation, snapshotFor);
    case "scheduled-switch-over":
      return advanceScheduled(context, record, operation);
    case "approval":
      return Promise.resolve(advanceApproval(context, operation));
    case "drill":
      return advanceDrill(context, record, operation, snapshotFor);
    case "delete":
      return advanceDelete(context, record, operation, snapshotFor);
    default:
      return operation.kind satisfies never;
  }
}

/** A failover that is going, or gone, is wanted in no other way. */
async function abort(context: Context, operation: Operation, why: string): Promise<void> {
  const ended = operationEnds(operation, "aborted", why, null, context.clock.now());
  await commit(context.db, [saveOperation(context.db, ended)]);
}

/**
 * Takes an operation as far as it goes without waiting. Each step may be repeated, lost or cut in half: it looks at
 * what is there before it acts. Nothing but this advances an operation.
 */
export function advanceOperation(
  context: Context,
  given: { readonly id: string; readonly failoverId: string },
  snapshotFor: SnapshotFor,
): Promise<void> {
  return context.alone(given.failoverId, async () => {
    const found = await loadOperation(context.db, context.accountId, given.id);
    if (found === null) return;
    let operation = found;
    for (let steps = 0; steps < MOST_STEPS; steps += 1) {
      if (hasEnded(operation) || (operation.dueAt ?? 0) > context.clock.now()) return;
      const record = await loadRecord(context, operation.failoverId);
      if (!record.ok) {
        await abort(context, operation, "the failover does not exist any more");
        return;
      }
      if (record.value.failover.deleting !== null && operation.kind !== "delete") {
        await abort(context, operation, "the failover is being deleted");
        return;
      }
      const advance = await dispatch(context, record.value, operation, snapshotFor);
      const events = [...(advance.events ?? [])];
      if (advance.operation.status === "failed") {
        const { id, kind, message, failoverId, origin } = advance.operation;
        const step = currentStep(operation)?.name ?? null;
        events.push(
          eventOf(context, "operation.failed", failoverId, origin, { operation_id: id, kind, step, message }),
        );
      }
      await commit(context.db, [
        ...(advance.writes ?? []),
        saveOperation(context.db, advance.operation),
        ...(advance.next === undefined ? [] : [insertOperation(context.db, context.accountId, advance.next)]),
        ...insertEvents(context.db, context.accountId, events),
      ]);
      operation = advance.operation;
    }
  });
}
