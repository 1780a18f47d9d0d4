import { describeAffinity } from "../failover/affinity.ts";
import { judgeLook } from "../failover/bake.ts";
import { completeSpec } from "../failover/complete.ts";
import { otherSide, type Failover, type Side } from "../failover/failover.ts";
import { activeNow, leasesInForce, restoredLeases, type Lease } from "../failover/leases.ts";
import { carriesMarker, markerOf } from "../failover/marker.ts";
import { currentStep, operationEnds, stepEnds, stepWaits } from "../failover/operations.ts";
import type { Operation, Serving } from "../failover/results.ts";
import { cantBeTold, IN_A_ROW } from "../failover/serving.ts";
import { updateIntent, type FailoverRecord } from "../store/failovers.ts";
import { deleteLeases, insertLease } from "../store/leases.ts";
import { insertSamples } from "../store/samples.ts";
import { isOutOfTime, nextTry, type Advance } from "./advance.ts";
import type { Context } from "./context.ts";
import { leaseEnded, leaseRenewed } from "./end-leases.ts";
import { readById } from "./observe.ts";
import { probeNow } from "./probe-now.ts";
import { eventOf } from "./record.ts";
import { reconcile, type SnapshotFor } from "./reconcile.ts";

const BETWEEN_LOOKS_MS = 2_000;
/** Longer than a change takes on its way through Cloudflare's edge. */
const PROVEN_BAD_MS = 20_000;

interface SwitchState {
  readonly from: Side;
  readonly to: Side;
  /** Under which visitors come; null while the zone isn't known. */
  readonly hostname: string | null;
  /** What was settled before: a roll-back returns there. */
  readonly settledBefore: Side;
  readonly settledBy: Failover["settledBy"];
  readonly settledAt: number;
  readonly leaseId: string | null;
  /** What moved traffic until then. */
  readonly ended: readonly Lease[];
  /** Who served visitors when it was asked for. */
  readonly servedBefore: Serving;
  /** Good observations in a row so far. */
  readonly seen: number;
  readonly indistinguishable?: boolean;
  /** When Cloudflare had taken the write; ms since the epoch, as the others. */
  readonly acknowledgedAt?: number;
  /** When the target was first seen to serve, and the other was last seen to. */
  readonly firstResponseAt?: number;
  readonly lastOtherResponseAt?: number;
  /** Since when every look got a definite bad answer that comes from neither endpoint. */
  readonly badSince?: number;
}

const stateOf = (operation: Operation) => operation.state as unknown as SwitchState;
const instant = (at: number | undefined): string | null =>
  at === undefined ? null : new Date(at).toISOString();

/** Whether this order stands at Cloudflare, by ids: whatever else isn't as wanted must not stand in the way. */
function isOrdered(
  failover: Failover,
  loadBalancer: Readonly<Record<string, unknown>>,
  first: Side,
): boolean {
  const wanted = [failover.ids[first], failover.ids[otherSide(first)]];
  return JSON.stringify(loadBalancer["default_pools"]) === JSON.stringify(wanted);
}

/** The target is not seen to serve: the order is again what it would be if nobody had asked, and says so. */
function rollBack(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
  step: string,
  why: string,
): Advance {
  const { failover, leases } = record;
  const { to, settledBefore, settledBy, settledAt, leaseId, ended } = stateOf(operation);
  const now = context.clock.now();
  const restored = restoredLeases(ended, now);
  const active = activeNow(settledBefore, restored, now);
  const isBack = active !== to;
  const [lease] = restored;
  const until = lease === undefined ? "" : ` until ${new Date(lease.expiresAt).toISOString()}`;
  const message = isBack
    ? `${why}; the ${active} is active again${until}`
    : `${why}; the ${active} stays first${until}, for nothing else is in force`;
  const failed = stepEnds(operation, step, "failed", why, now);
  const reverted: Failover = {
    ...failover,
    settledActive: settledBefore,
    settledBy,
    // A latch that is put back blocks anew: its policy must not try the same again at once.
    settledAt: settledBy === "policy" && leaseId === null ? now : settledAt,
    revision: failover.revision + 1,
    updatedAt: now,
  };
  const own = leases.filter(({ id }) => id === leaseId);
  const { test_hostname: testHostname } = completeSpec(failover.input, failover.facts);
  const data = { before: { active: to }, after: { active }, message, operation_id: operation.id };
  return {
    operation: operationEnds(failed, "failed", message, { active, rolled_back: isBack }, now),
    writes: [
      updateIntent(context.db, reverted, testHostname, failover.revision, now),
      ...deleteLeases(context.db, own),
      ...restored.map((one) => insertLease(context.db, context.accountId, one)),
    ],
    events: [
      ...own.map((one) => leaseEnded(context, one, "ended", operation.origin)),
      ...restored.map((one) => leaseRenewed(context, one, one, operation.origin)),
      ...(isBack
        ? [eventOf(context, "failover.switch_over_reverted", failover.id, operation.origin, data)]
        : []),
    ],
  };
}

async function write(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
  snapshotFor: SnapshotFor,
): Promise<Advance> {
  const { origin } = operation;
  const { to } = stateOf(operation);
  const result = await reconcile(context, record, snapshotFor, { asked: false, origin, priority: "person" });
  const now = context.clock.now();
  const { convergence } = result;
  const seen = convergence?.observation.observed.load_balancer;
  if (seen?.state === "found" && isOrdered(result.failover, seen.object, to)) {
    const state = { ...stateOf(operation), acknowledgedAt: now };
    const detail = `the load balancer has the ${to} pool first`;
    return { operation: stepEnds(operation, "write", "succeeded", detail, now, state) };
  }
  const isOurs =
    seen?.state !== "found" ||
    carriesMarker(
      seen.object["description"],
      markerOf(context.installation, record.failover.id, "load_balancer"),
    );
  const isRefused = !isOurs || convergence?.obstacles.get("load_balancer")?.sync === "blocked";
  if (isRefused || isOutOfTime(context, operation)) {
    const current = { ...record, failover: result.failover };
    return rollBack(context, current, operation, "write", result.message);
  }
  return { operation: stepWaits(operation, "write", result.message, nextTry(context, operation), now) };
}

function succeeded(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
  state: SwitchState,
): Advance {
  const { failover, leases } = record;
  const now = context.clock.now();
  const lease = leases.find(({ id }) => id === state.leaseId);
  const affinity = describeAffinity(completeSpec(failover.input, failover.facts).load_balancer);
  const cantTell = state.indistinguishable === true || failover.stage === "draft";
  // Health may have steered there already; that the order did it shows only in the other having served before.
  const asBefore = state.servedBefore === state.to && state.lastOtherResponseAt === undefined;
  const message = cantTell
    ? `the ${state.to} pool stands first${failover.stage === "draft" ? "; a draft has no visitors" : ", but the endpoints can't be told apart; give each a marker"}`
    : `${state.hostname} was seen to serve the ${state.to} endpoint ${IN_A_ROW} times in a row${asBefore ? ", as it did before" : ""}`;
  const result = {
    active: state.to,
    hostname: state.hostname,
    evidence: cantTell || asBefore ? "read-back only" : "observed",
    acknowledged_at: instant(state.acknowledgedAt),
    first_response_at: instant(state.firstResponseAt),
    last_other_response_at: instant(state.lastOtherResponseAt),
    expires_at: instant(lease?.expiresAt),
    ...(affinity === null ? {} : { moves: `new sessions only: ${affinity}` }),
  };
  const last = currentStep(operation)?.name ?? "observe";
  const done = stepEnds(operation, last, "succeeded", message, now, { ...state });
  const data = {
    before: { active: state.from },
    after: { active: state.to },
    operation_id: operation.id,
    ...result,
  };
  return {
    operation: operationEnds(done, "succeeded", message, result, now),
    events: [eventOf(context, "failover.switched_over", failover.id, operation.origin, data)],
  };
}

async function readBack(context: Context, record: FailoverRecord, operation: Operation): Promise<Advance> {
  const { failover } = record;
  const state = stateOf(operation);
  const id = failover.ids.load_balancer;
  const seen = id === undefined ? null : await readById(context, failover, "load_balancer", id, "person");
  const now = context.clock.now();
  if (seen?.state === "found" && isOrdered(failover, seen.object, state.to)) {
    if (failover.stage === "draft") return succeeded(context, record, operation, state);
    return {
      operation: stepEnds(
        operation,
        "read back",
        "succeeded",
        `read back with the ${state.to} pool first`,
        now,
      ),
    };
  }
  const why =
    seen?.state === "unknown"
      ? seen.why
      : `the load balancer was not read back with the ${state.to} pool first`;
  if (isOutOfTime(context, operation)) return rollBack(context, record, operation, "read back", why);
  return { operation: stepWaits(operation, "read back", why, nextTry(context, operation), now) };
}

async function observeServing(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
): Promise<Advance> {
  const state = stateOf(operation);
  const hostname = state.hostname ?? "";
  const { sample, view } = await probeNow(context, record, hostname);
  const now = context.clock.now();
  const untold = cantBeTold(view, sample, state.to);
  const isTarget = view.serving === state.to;
  const look = judgeLook(sample, view, state.to);
  const isBad = look === "bad" || look === "failing over";
  const { badSince = sample.tick, ...others } = state;
  const next: SwitchState = {
    ...others,
    ...(isBad ? { badSince } : {}),
    seen: isTarget || untold ? state.seen + 1 : 0,
    indistinguishable: untold,
    ...(isTarget && state.firstResponseAt === undefined ? { firstResponseAt: sample.tick } : {}),
    ...(view.serving === otherSide(state.to) ? { lastOtherResponseAt: sample.tick } : {}),
  };
  const kept = { writes: [insertSamples(context.db, [sample])] };
  if (next.seen >= IN_A_ROW) return { ...succeeded(context, record, operation, next), ...kept };
  const detail =
    next.seen > 0
      ? `${hostname} served the ${state.to} endpoint ${next.seen} of ${IN_A_ROW} times in a row`
      : `${hostname} is not seen to serve the ${state.to} endpoint: ${view.detail}`;
  // Visitors get errors for certain, and did not before: nobody waits for the end of patience.
  if (isBad && now - badSince >= PROVEN_BAD_MS && sample[state.from].ok)
    return rollBack(context, record, operation, "observe", detail);
  if (!isOutOfTime(context, operation)) {
    return { operation: stepWaits(operation, "observe", detail, now + BETWEEN_LOOKS_MS, now, { ...next }) };
  }
  if (view.serving === otherSide(state.to) || view.serving === "none")
    return rollBack(context, record, operation, "observe", detail);
  // Nobody can tell who serves: the order is what was asked for, and that it works was not seen.
  const why = `${detail}; the ${state.to} pool stands first all the same, for nothing shows that it is wrong`;
  const failed = stepEnds(operation, "observe", "failed", why, now, { ...next });
  return {
    operation: operationEnds(failed, "failed", why, { active: state.to, rolled_back: false }, now),
  };
}

/** Switching over: one write of the order, read back, and seen by a visitor; undone where the wrong endpoint answers. */
export async function advanceSwitch(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
  snapshotFor: SnapshotFor,
): Promise<Advance> {
  const { to, leaseId } = stateOf(operation);
  const now = context.clock.now();
  const { active } = record.failover;
  // Whatever is wanted by then, a latch of the same order included, is another's decision and not this one's to undo.
  const isOver = leaseId !== null && !leasesInForce(record.leases, now).some(({ id }) => id === leaseId);
  if (active !== to || isOver) {
    const ended = isOver ? `its time was over before the ${to} was seen to serve; ` : "";
    const why = `${ended}the ${active} is active by now`;
    return { operation: operationEnds(operation, "aborted", why, null, now) };
  }
  const step = currentStep(operation)?.name;
  if (step === "write") return write(context, record, operation, snapshotFor);
  if (step === "read back") return readBack(context, record, operation);
  return observeServing(context, record, operation);
}
