import type { Failover, Side } from "../failover/failover.ts";
import { guardFreeze, withoutOverridden } from "../failover/guards.ts";
import {
  fail,
  ok,
  type FailoverEvent,
  type FleetSwitchView,
  type Operation,
  type Origin,
  type Refusal,
  type Result,
} from "../failover/results.ts";
import { isSelected, unknownNames, type FleetSelection } from "../failover/selection.ts";
import { commit, insertEvents, loadRecords, type FailoverRecord } from "../store/failovers.ts";
import { insertOperation } from "../store/operations.ts";
import { approvalOperation } from "./ask-approval.ts";
import type { Context } from "./context.ts";
import { keepOutcome } from "./idempotency-keys.ts";
import type { FleetSwitchRequest, SwitchRequest } from "./coordinator-port.ts";
import { inParallel } from "./in-parallel.ts";
import { scheduledOperation } from "./schedule-switch.ts";
import { judgeSwitch } from "./start-switch.ts";
import { asksApproval, unapproved, weighSwitch } from "./switch-over.ts";

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
    const would = asksApproval(record, request) ? ("approval" as const) : ("switch" as const);
    const outcome = judged.ok ? (isThere(record.failover, request) ? "already" : would) : "refused";
    found.set(id, { failoverId: id, name, outcome, refusals, operationId: null });
  });
  return records.flatMap(({ failover }) => found.get(failover.id) ?? []);
}

/** Those that another person has to approve are judged at once: what they do is what is approved. */
async function askEach(
  context: Context,
  records: readonly FailoverRecord[],
  request: SwitchRequest & { readonly to: Side },
  origin: Origin,
) {
  const found: {
    readonly failoverId: string;
    readonly outcome: "approval" | "refused";
    readonly refusals: readonly Refusal[];
    readonly operation?: Operation;
    readonly event?: FailoverEvent;
  }[] = [];
  await inParallel(records, WIDTH, async (record) => {
    const failoverId = record.failover.id;
    const weighed = await weighSwitch(context, record, request);
    if (!weighed.ok) {
      found.push({ failoverId, outcome: "refused", refusals: weighed.failure.refusals ?? [] });
      return;
    }
    const { prospect } = weighed.value;
    const asked = await approvalOperation(context, failoverId, prospect, { ...request }, origin);
    found.push({ failoverId, outcome: "approval", refusals: [], ...asked });
  });
  return found;
}

/**
 * Switches over many at once. Confirmed, all of them are stored in one batch, each as an operation of its own that is
 * due now and judged when its turn comes, or waits for approval: whatever dies in between, the rest goes on.
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
  const begun = records
    .filter((record) => !isThere(record.failover, request) && !asksApproval(record, request))
    .map(({ failover }) => ({
      failoverId: failover.id,
      outcome: "switch" as const,
      refusals: [],
      ...scheduledOperation(context, failover.id, { ...one, at }, origin),
    }));
  const asked = await askEach(
    context,
    records.filter((record) => !isThere(record.failover, request) && asksApproval(record, request)),
    one,
    origin,
  );
  const all = [...begun, ...asked];
  const items = records.map(({ failover: { id, name } }) => {
    const found = all.find(({ failoverId }) => failoverId === id);
    const { outcome = "already" as const, refusals = [], operation } = found ?? {};
    return { failoverId: id, name, outcome, refusals, operationId: operation?.id ?? null };
  });
  const view: FleetSwitchView = { dryRun: false, items };
  await commit(context.db, [
    ...all.flatMap(({ operation }) =>
      operation === undefined ? [] : [insertOperation(context.db, context.accountId, operation)],
    ),
    ...insertEvents(context.db, context.accountId, [
      ...all.flatMap(({ event }) => event ?? []),
      ...records
        .filter(({ failover: { id } }) => begun.some(({ failoverId }) => failoverId === id))
        .flatMap((record) => unapproved(context, record, request, origin)),
    ]),
    ...keepOutcome(context, view),
  ]);
  return ok(view);
}
