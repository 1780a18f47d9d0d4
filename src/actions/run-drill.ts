import type { Priority } from "../cloudflare/budget.ts";
import { describeAffinity } from "../failover/affinity.ts";
import { completeSpec } from "../failover/complete.ts";
import { presentHostname } from "../failover/desired.ts";
import {
  DEFAULT_HOLD_SECONDS,
  DRILL_STEPS,
  NOTHING_SEEN,
  type DrillMethod,
  type DrillState,
} from "../failover/drill.ts";
import { hashOfContent } from "../failover/drill-evidence.ts";
import { scheduleOf } from "../failover/drill-report.ts";
import {
  findFaults,
  guardDrillStart,
  methodOf,
  refuseDraft,
  type DrillRequest,
} from "../failover/drill-start.ts";
import { explainTraffic, suppose } from "../failover/explain.ts";
import { guardRevision, targetFacts } from "../failover/guards.ts";
import { newOperation } from "../failover/operations.ts";
import { fail, ok, type Origin, type Refusal, type Result } from "../failover/results.ts";
import {
  commit,
  insertEvents,
  OperationUnderWay,
  type FailoverRecord,
  type Write,
} from "../store/failovers.ts";
import { insertDrill } from "../store/drills.ts";
import { insertOperation } from "../store/operations.ts";
import type { Context } from "./context.ts";
import { keepOutcome } from "./idempotency-keys.ts";
import { aloneWith } from "./load.ts";
import { readBothPools } from "./look.ts";
import { probeNow } from "./probe-now.ts";
import { eventOf } from "./record.ts";
import { reconcile, type SnapshotFor } from "./reconcile.ts";
import { trafficOf } from "./traffic-of.ts";

type Accepted = Result<{ operationId: string }>;

/** How urgent it is, and which look at the account serves it. */
export interface Judging {
  readonly snapshotFor: SnapshotFor;
  readonly priority: Priority;
}

/** Everything that a drill is judged by, read now: Cloudflare, both pools' health, and who can be told from whom. */
async function judge(
  context: Context,
  given: FailoverRecord,
  hostname: string,
  method: DrillMethod,
  { snapshotFor, priority }: Judging,
): Promise<Refusal[]> {
  const origin: Origin = { actor: { kind: "system", name: "drill" }, requestId: null };
  const look = await reconcile(context, given, snapshotFor, { asked: false, origin, priority });
  const record: FailoverRecord = { ...given, failover: look.failover, status: look.status };
  const spec = completeSpec(look.failover.input, look.failover.facts);
  const [pools, { view }] = await Promise.all([
    readBothPools(context, record, spec, priority),
    probeNow(context, record, hostname),
  ]);
  const now = context.clock.now();
  const observed = look.convergence?.observation.observed;
  const diverted =
    observed === undefined
      ? null
      : trafficOf(context, look.failover, observed, record, pools.health, "secondary");
  const conditions = method === "disable-primary" ? (["primary_disabled"] as const) : [];
  return guardDrillStart({
    spec,
    ...targetFacts(record, pools.health, now),
    unreadable: pools.unreadable ?? (look.sync === "unknown" ? look.message : null),
    inSync: look.inPlace || look.sync === "unknown",
    syncMessage: look.message,
    foreign: look.convergence?.plan.foreign ?? [],
    after: diverted === null ? null : explainTraffic(suppose(diverted, conditions)),
    failover: look.failover,
    hostname,
    operation: record.operation,
    leases: record.leases,
    freeze: record.freeze,
    distinguishable: view.distinguishable,
    detail: view.detail,
    now,
  });
}

async function accept(
  context: Context,
  { failover }: FailoverRecord,
  hostname: string,
  request: DrillRequest,
  origin: Origin,
  also: readonly Write[],
): Promise<Accepted> {
  const spec = completeSpec(failover.input, failover.facts);
  const affinity = describeAffinity(spec.load_balancer);
  const drillId = context.newId("dr");
  const state: DrillState = {
    drillId,
    method: methodOf(failover.stage, request.method),
    stage: failover.stage,
    hostname,
    holdSeconds: request.holdSeconds ?? DEFAULT_HOLD_SECONDS,
    reason: request.reason ?? null,
    specHash: hashOfContent(spec),
    incarnation: context.incarnation,
    affinity: affinity === null ? null : `${affinity}: only new ones take part in the drill`,
    window: request.window ?? null,
    leaseId: null,
    deadlineAt: null,
    watch: NOTHING_SEEN,
    times: {},
    failed: null,
  };
  const operation = newOperation(
    {
      id: context.newId("op"),
      failoverId: failover.id,
      kind: "drill",
      message: `the drill ${drillId} looks who serves ${hostname}`,
      origin,
    },
    DRILL_STEPS,
    { ...state },
    context.clock.now(),
  );
  const data = {
    drill_id: drillId,
    operation_id: operation.id,
    method: state.method,
    stage: state.stage,
    hostname,
    hold_seconds: state.holdSeconds,
    reason: state.reason,
    ...scheduleOf(state),
  };
  try {
    await commit(context.db, [
      insertOperation(context.db, context.accountId, operation),
      insertDrill(context.db, context.accountId, operation),
      ...insertEvents(context.db, context.accountId, [
        eventOf(context, "drill.started", failover.id, origin, data),
      ]),
      ...also,
      ...keepOutcome(context, { operationId: operation.id }),
    ]);
  } catch (error) {
    if (error instanceof OperationUnderWay) return fail("refused", error.message);
    throw error;
  }
  return ok({ operationId: operation.id });
}

/**
 * Judges a rehearsal and begins it; `also` is written together with it. The caller has the failover for itself alone.
 */
export async function beginDrill(
  context: Context,
  record: FailoverRecord,
  request: DrillRequest,
  origin: Origin,
  judging: Judging,
  also: readonly Write[] = [],
): Promise<Accepted> {
  const { failover } = record;
  const [stale] = guardRevision(failover, request.revision);
  if (stale !== undefined) return fail("revision-mismatch", stale.message, { refusals: [stale] });
  if (failover.deleting !== null) return fail("deleting", "the failover is being deleted");
  const hostname = presentHostname(failover.stage, completeSpec(failover.input, failover.facts));
  if (failover.stage === "draft" || hostname === null) {
    const refused = refuseDraft();
    return fail("refused", `a drill is refused: ${refused.message}`, { refusals: [refused] });
  }
  const errors = findFaults(request, failover.stage, hostname);
  if (errors.length > 0) {
    const detail = errors.map(({ pointer, message }) => `${pointer.slice(1)} ${message}`).join("; ");
    return fail("invalid", detail, { errors });
  }
  const method = methodOf(failover.stage, request.method);
  const refusals = await judge(context, record, hostname, method, judging);
  if (refusals.length === 0) return accept(context, record, hostname, request, origin, also);
  const detail = `a drill is refused: ${refusals.map(({ message }) => message).join("; ")}`;
  return fail("refused", detail, { refusals });
}

/** Begins a rehearsal that somebody asks for; it doesn't preempt anything, and refuses wherever it could do harm. */
export function startDrill(
  context: Context,
  reference: string,
  request: DrillRequest,
  origin: Origin,
): Promise<Accepted> {
  const snapshotFor: SnapshotFor = (zoneId, priority) => context.snapshots.take([zoneId], priority);
  return aloneWith(context, reference, (record) =>
    beginDrill(context, record, request, origin, { snapshotFor, priority: "person" }),
  );
}
