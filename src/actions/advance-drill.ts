import { completeSpec } from "../failover/complete.ts";
import {
  decideCourse,
  findInterruption,
  foldLook,
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
import { drillStateOf } from "../failover/drill-report.ts";
import { leasesInForce } from "../failover/leases.ts";
import { currentStep, stepEnds, stepWaits } from "../failover/operations.ts";
import type { Operation, Sample } from "../failover/results.ts";
import { deriveSideHealth, probeHasSucceeded } from "../failover/verdict.ts";
import type { FailoverRecord } from "../store/failovers.ts";
import { insertSamples } from "../store/samples.ts";
import type { Advance } from "./advance.ts";
import type { Context } from "./context.ts";
import { conclude, interrupt, turnBack } from "./end-drill.ts";
import { divert, restore } from "./move-drill.ts";
import { endDrillLease } from "./preempt.ts";
import { probeNow } from "./probe-now.ts";
import type { SnapshotFor } from "./reconcile.ts";

const BETWEEN_LOOKS_MS = 2_000;
/** Nothing changes during a hold but what goes wrong. */
const BETWEEN_LOOKS_OF_A_HOLD_MS = 5_000;

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
