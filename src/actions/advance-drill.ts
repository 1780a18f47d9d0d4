import { completeSpec } from "../failover/complete.ts";
import {
  decideCourse,
  findInterruption,
  foldLook,
  leaseMs,
  nextWatch,
  returnPatienceMs,
  STEP_PATIENCE_MS,
  toLook,
  type DrillState,
  type DrillStep,
  type DrillTimes,
  type Watch,
  type WatchStep,
} from "../failover/drill.ts";
import { hashOfContent } from "../failover/drill-evidence.ts";
import { drillStateOf, measured } from "../failover/drill-report.ts";
import { leasesInForce, type Lease } from "../failover/leases.ts";
import { currentStep, operationEnds, stepEnds, stepWaits } from "../failover/operations.ts";
import { findDifferences } from "../failover/plan.ts";
import type { Operation, Sample } from "../failover/results.ts";
import { deriveSideHealth, probeHasSucceeded } from "../failover/verdict.ts";
import { setDue, type FailoverRecord } from "../store/failovers.ts";
import { insertSamples } from "../store/samples.ts";
import { isOutOfTime, nextTry, type Advance } from "./advance.ts";
import type { Context } from "./context.ts";
import { drillAborted, endDrillLease } from "./preempt.ts";
import { probeNow } from "./probe-now.ts";
import { eventOf } from "./record.ts";
import { reconcile, type ReconcileResult, type SnapshotFor } from "./reconcile.ts";
import { storeLease } from "./store-lease.ts";

const BETWEEN_LOOKS_MS = 2_000;
/** Nothing changes during a hold but what goes wrong. */
const BETWEEN_LOOKS_OF_A_HOLD_MS = 5_000;

function dataOf(operation: Operation, state: DrillState) {
  const { divertSeconds, holdSeconds, restoreSeconds } = measured(state);
  return {
    drill_id: state.drillId,
    operation_id: operation.id,
    method: state.method,
    stage: state.stage,
    hostname: state.hostname,
    divert_seconds: divertSeconds,
    hold_seconds: holdSeconds,
    restore_seconds: restoreSeconds,
    errors: state.watch.errors,
  };
}

/** The end that the drill itself came to; `failed` is why it didn't pass. */
function conclude(context: Context, operation: Operation, state: DrillState, failed: string | null): Advance {
  const data = dataOf(operation, state);
  const seconds = `${data.divert_seconds ?? "?"} s to the secondary, ${data.restore_seconds ?? "?"} s back`;
  const message = failed ?? `passed: ${state.hostname} was diverted, held and restored (${seconds})`;
  const verdict = failed === null ? "passed" : "failed";
  const result = { ...data, passed: failed === null, verdict, evidence: "observed" };
  const status = failed === null ? "succeeded" : "failed";
  const event = { ...data, message };
  return {
    operation: operationEnds(
      { ...operation, state: { ...state } },
      status,
      message,
      result,
      context.clock.now(),
    ),
    events: [eventOf(context, `drill.${verdict}`, operation.failoverId, operation.origin, event)],
  };
}

/** Something else put an end to it: the deviation ends with it, and the report says why. */
function interrupt(context: Context, record: FailoverRecord, operation: Operation, why: string): Advance {
  const ended = operationEnds(operation, "aborted", `interrupted: ${why}`, null, context.clock.now());
  const diversion = endDrillLease(context, record, operation.origin);
  return {
    operation: ended,
    writes: [...diversion.writes, setDue(context.db, record.failover.id, context.clock.now())],
    events: [...diversion.events, ...drillAborted(context, ended, operation.origin)],
  };
}

/** The rehearsal can't pass any more: what was before is wanted from now on, and the drill sees to it that it comes. */
function turnBack(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
  step: DrillStep,
  why: string,
  state: DrillState,
): Advance {
  const now = context.clock.now();
  const failed = stepEnds(operation, step, "failed", why, now, { ...state, failed: why });
  if (state.leaseId === null) return conclude(context, failed, state, why);
  const diversion = endDrillLease(context, record, operation.origin);
  const after = {
    ...state,
    failed: why,
    times: { ...state.times, leaseEndedAt: now },
    watch: nextWatch(state.watch),
  };
  const skipped = failed.steps.map((one) =>
    one.status === "pending" && (one.name === "secondary serves" || one.name === "hold")
      ? ({ ...one, status: "skipped" } as const)
      : one,
  );
  return {
    operation: { ...failed, steps: skipped, message: `${why}; on the way back`, state: { ...after } },
    writes: diversion.writes,
    events: diversion.events,
  };
}

/** Whether Cloudflare has the members that a drill moves as they are wanted now; whatever else differs doesn't matter. */
function isMoved({ failover, convergence }: ReconcileResult, { method }: DrillState): boolean {
  if (convergence === null) return false;
  const role = method === "reorder" ? "load_balancer" : "primary";
  const member = method === "reorder" ? "default_pools" : "enabled";
  const seen = convergence.observation.observed[role];
  return (
    failover.ids[role] !== undefined &&
    seen.state === "found" &&
    findDifferences(role, seen.object, convergence.desired[role]).every(({ path }) => path !== member)
  );
}

function leaseOf(
  context: Context,
  { failover }: FailoverRecord,
  operation: Operation,
  state: DrillState,
): Lease {
  const now = context.clock.now();
  return {
    id: context.newId("le"),
    failoverId: failover.id,
    kind: "drill",
    version: 1,
    ...(state.method === "reorder" ? { active: "secondary" } : { active: "primary", disabled: "primary" }),
    reason: state.reason ?? `drill ${state.drillId}`,
    origin: operation.origin,
    startedAt: now,
    expiresAt: now + leaseMs(state.holdSeconds),
  };
}

async function divert(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
  snapshotFor: SnapshotFor,
): Promise<Advance> {
  const state = drillStateOf(operation);
  if (state.leaseId === null) {
    const lease = leaseOf(context, record, operation, state);
    const now = lease.startedAt;
    const times = { ...state.times, leasedAt: now };
    const leased = { ...state, leaseId: lease.id, deadlineAt: lease.expiresAt, times };
    const detail = `ends by itself at ${new Date(lease.expiresAt).toISOString()} whatever happens`;
    return {
      operation: stepWaits(operation, "divert", detail, now, now, leased),
      writes: storeLease(context, record, lease),
    };
  }
  const { origin } = operation;
  const result = await reconcile(context, record, snapshotFor, { asked: false, origin, priority: "person" });
  const now = context.clock.now();
  if (isMoved(result, state)) {
    const times = { ...state.times, divertedAt: now };
    const what =
      state.method === "reorder" ? "the secondary pool stands first" : "the primary pool is disabled";
    return { operation: stepEnds(operation, "divert", "succeeded", what, now, { ...state, times }) };
  }
  const since = state.times.leasedAt ?? now;
  if (result.sync === "blocked" || now - since >= STEP_PATIENCE_MS) {
    const current = { ...record, failover: result.failover };
    return turnBack(
      context,
      current,
      operation,
      "divert",
      `it could not be diverted: ${result.message}`,
      state,
    );
  }
  return { operation: stepWaits(operation, "divert", result.message, nextTry(context, operation), now) };
}

async function restore(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
  snapshotFor: SnapshotFor,
): Promise<Advance> {
  const state = drillStateOf(operation);
  const { origin } = operation;
  const result = await reconcile(context, record, snapshotFor, { asked: false, origin, priority: "lease" });
  const now = context.clock.now();
  if (isMoved(result, state)) {
    const times = { ...state.times, restoredAt: now };
    const what = state.method === "reorder" ? "the primary pool stands first" : "the primary pool is enabled";
    return { operation: stepEnds(operation, "restore", "succeeded", what, now, { ...state, times }) };
  }
  if (!isOutOfTime(context, operation)) {
    return { operation: stepWaits(operation, "restore", result.message, nextTry(context, operation), now) };
  }
  const why = `${state.failed ?? "it passed until then"}; what was before could not be restored yet: ${result.message}`;
  return conclude(context, stepEnds(operation, "restore", "failed", why, now), state, why);
}

/** When the awaited endpoint was first seen in this step. */
function seenFirst(step: WatchStep, { times }: DrillState, watch: Watch): DrillTimes {
  const at = watch.last?.at;
  if (watch.seen === 0 || at === undefined) return times;
  if (step === "secondary serves" && times.secondaryAt === undefined) return { ...times, secondaryAt: at };
  if (step === "primary serves" && times.primaryAt === undefined) return { ...times, primaryAt: at };
  return times;
}

/** When a step's own patience began, and how long it is. */
function timeOf(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
  step: WatchStep,
  state: DrillState,
) {
  const started = operation.steps.find(({ name }) => name === step)?.startedAt ?? context.clock.now();
  if (step === "hold") return { since: state.times.heldFrom ?? started, ms: state.holdSeconds * 1000 };
  if (step !== "primary serves") return { since: started, ms: STEP_PATIENCE_MS };
  const { monitor } = completeSpec(record.failover.input, record.failover.facts);
  return { since: started, ms: returnPatienceMs(state.method, monitor) };
}

async function lookAt(
  context: Context,
  record: FailoverRecord,
  step: WatchStep,
  { hostname, watch }: DrillState,
): Promise<{ sample: Sample; watch: Watch }> {
  const { failover, status, samples } = record;
  const { address } = completeSpec(failover.input, failover.facts).secondary;
  const { sample, view } = await probeNow(context, record, hostname);
  const secondary = {
    health: deriveSideHealth("secondary", record.health.secondary, samples, sample.tick),
    admitted: status.probeSucceeded.secondary === address || probeHasSucceeded(samples, "secondary"),
  };
  return { sample, watch: foldLook(watch, step, toLook(sample, view.serving, secondary)) };
}

/** A step has seen what it waited for. */
function goOn(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
  step: WatchStep,
  detail: string,
  state: DrillState,
): Advance {
  const now = context.clock.now();
  const after = (times: DrillTimes) => {
    const next: DrillState = { ...state, watch: nextWatch(state.watch), times: { ...state.times, ...times } };
    return stepEnds(operation, step, "succeeded", detail, now, { ...next });
  };
  switch (step) {
    case "baseline":
      return { operation: after({ baselineAt: now }) };
    case "secondary serves":
      return { operation: after({ heldFrom: now }) };
    case "hold":
      return { ...endDrillLease(context, record, operation.origin), operation: after({ leaseEndedAt: now }) };
    case "primary serves":
      return conclude(context, after({}), state, state.failed);
    default:
      return step satisfies never;
  }
}

async function watchHostname(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
  step: WatchStep,
): Promise<Advance> {
  const before = drillStateOf(operation);
  const { sample, watch } = await lookAt(context, record, step, before);
  const now = context.clock.now();
  const state: DrillState = { ...before, watch, times: seenFirst(step, before, watch) };
  const facts = { hostname: state.hostname, now, ...timeOf(context, record, operation, step, state) };
  const course = decideCourse(step, watch, facts);
  const kept = insertSamples(context.db, [sample]);
  if (course.course === "look again") {
    const pace = step === "hold" ? BETWEEN_LOOKS_OF_A_HOLD_MS : BETWEEN_LOOKS_MS;
    const dueAt = step === "hold" ? Math.min(now + pace, facts.since + facts.ms) : now + pace;
    return { operation: stepWaits(operation, step, course.detail, dueAt, now, { ...state }), writes: [kept] };
  }
  const advance =
    course.course === "go on"
      ? goOn(context, record, operation, step, course.detail, state)
      : step === "primary serves"
        ? notSeenAgain(context, operation, course.why, state)
        : turnBack(context, record, operation, step, course.why, state);
  return { ...advance, writes: [kept, ...(advance.writes ?? [])] };
}

function notSeenAgain(context: Context, operation: Operation, why: string, state: DrillState): Advance {
  const both = state.failed === null ? why : `${state.failed}; ${why}`;
  const failed = stepEnds(operation, "primary serves", "failed", why, context.clock.now());
  return conclude(context, failed, state, both);
}

/** A drill, step by step: baseline, divert, see the secondary, hold, restore, see the primary. */
export async function advanceDrill(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
  snapshotFor: SnapshotFor,
): Promise<Advance> {
  const step = currentStep(operation)?.name as DrillStep;
  const { failover, leases, freeze } = record;
  const why = findInterruption(drillStateOf(operation), {
    step,
    incarnation: context.incarnation,
    stage: failover.stage,
    specHash: hashOfContent(completeSpec(failover.input, failover.facts)),
    isFrozen: freeze !== null,
    leases: leasesInForce(leases, context.clock.now()),
  });
  if (why !== null) return interrupt(context, record, operation, why);
  if (step === "divert") return divert(context, record, operation, snapshotFor);
  if (step === "restore") return restore(context, record, operation, snapshotFor);
  return watchHostname(context, record, operation, step);
}
