import type { Failover } from "../failover/failover.ts";
import { guardFreeze, withoutOverridden } from "../failover/guards.ts";
import { fail, ok, type FleetSwitchView, type Origin, type Result } from "../failover/results.ts";
import { isSelected, unknownNames, type FleetSelection } from "../failover/selection.ts";
import { commit, insertEvents, loadRecords, type FailoverRecord } from "../store/failovers.ts";
import { insertOperation } from "../store/operations.ts";
import type { Context } from "./context.ts";
import { keepOutcome } from "./idempotency-keys.ts";
import type { FleetSwitchRequest } from "./coordinator-port.ts";
import { inParallel } from "./in-parallel.ts";
import { scheduledOperation } from "./schedule-switch.ts";
import { judgeSwitch } from "./start-switch.ts";

/** More at once would eat the requests of whoever needs them meanwhile: each failover costs a few to judge and to move. */
const MOST_AT_ONCE = 50;
const WIDTH = 5;

async function select(
  context: Context,
  selection: FleetSelection,
): Promise<Result<readonly FailoverRecord[]>> {
  const all = await loadRecords(
    context.db,
    context.accountId,
    { all: true },
    context.clock.now(),
    () => undefined,
  );
  const invalid = (pointer: string, message: string) =>
    fail("invalid", message, { errors: [{ pointer, message }] });
  const unknown = unknownNames(
    selection,
    all.map(({ failover }) => failover.name),
  );
  if (unknown.length > 0)
    return invalid("/selector/names", `there is no failover called ${unknown.join(", ")}`);
  const chosen = all.filter(({ failover }) => failover.deleting === null && isSelected(selection, failover));
  if (chosen.length === 0) return invalid("/selector", "no failover fits the selector");
  return chosen.length > MOST_AT_ONCE
    ? invalid("/selector", `fits ${chosen.length} failovers; at most ${MOST_AT_ONCE} are moved by one call`)
    : ok(chosen);
}

/** By a lease alone it isn't there for good, and another lease renews that one. */
function isThere({ active, settledActive }: Failover, { to }: FleetSwitchRequest): boolean {
  return active === to && settledActive === to;
}

/** Says for each what would become of it, and stands against it now. */
async function rehearse(
  context: Context,
  records: readonly FailoverRecord[],
  request: FleetSwitchRequest,
): Promise<FleetSwitchView["items"]> {
  const found = new Map<string, FleetSwitchView["items"][number]>();
  await inParallel(records, WIDTH, async (record) => {
    const { id, name } = record.failover;
    const judged = await judgeSwitch(context, record, request.to, request);
    const refusals = judged.ok ? [] : (judged.failure.refusals ?? []);
    const outcome = judged.ok ? (isThere(record.failover, request) ? "already" : "switch") : "refused";
    found.set(id, { failoverId: id, name, outcome, refusals, operationId: null });
  });
  return records.flatMap(({ failover }) => found.get(failover.id) ?? []);
}

/**
 * Switches over many at once. Confirmed, all of them are stored in one batch, each as an operation of its own that is
 * due now and judged when its turn comes: whatever dies in between, the rest goes on.
 */
export async function switchFleet(
  context: Context,
  request: FleetSwitchRequest,
  origin: Origin,
): Promise<Result<FleetSwitchView>> {
  const selected = await select(context, request.selection);
  if (!selected.ok) return selected;
  const records = selected.value;
  if (!request.confirm) return ok({ dryRun: true, items: await rehearse(context, records, request) });
  // What is judged one by one is what differs; this stands against all of them.
  const [frozen] = withoutOverridden(guardFreeze(records[0]?.freeze ?? null), request.override ?? []);
  if (frozen !== undefined)
    return fail("refused", `switching the fleet over is refused: ${frozen.message}`, { refusals: [frozen] });
  const { selection: _, confirm: __, ...one } = request;
  const at = context.clock.now();
  const wanted = records.filter(({ failover }) => !isThere(failover, request));
  const begun = wanted.map(({ failover }) => ({
    failover,
    ...scheduledOperation(context, failover.id, { ...one, at }, origin),
  }));
  const items = records.map(({ failover: { id, name } }) => {
    const operationId = begun.find(({ failover }) => failover.id === id)?.operation.id ?? null;
    const outcome = operationId === null ? ("already" as const) : ("switch" as const);
    return { failoverId: id, name, outcome, refusals: [], operationId };
  });
  const view: FleetSwitchView = { dryRun: false, items };
  await commit(context.db, [
    ...begun.map(({ operation }) => insertOperation(context.db, context.accountId, operation)),
    ...insertEvents(
      context.db,
      context.accountId,
      begun.map(({ event }) => event),
    ),
    ...keepOutcome(context, view),
  ]);
  return ok(view);
}
