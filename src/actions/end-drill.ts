import { nextWatch, type DrillState, type DrillStep } from "../failover/drill.ts";
import { awaitsRestoring, measured, scheduleOf } from "../failover/drill-report.ts";
import { operationEnds, stepEnds } from "../failover/operations.ts";
import type { Operation } from "../failover/results.ts";
import { awaitRestoring } from "../store/drills.ts";
import type { FailoverRecord } from "../store/failovers.ts";
import type { Advance } from "./advance.ts";
import type { Context } from "./context.ts";
import { drillAborted, endDrillLease, lookAfterDrill } from "./preempt.ts";
import { eventOf } from "./record.ts";

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
    ...scheduleOf(state),
  };
}

/** The end that the drill itself came to; `failed` is why it didn't pass. */
export function conclude(
  context: Context,
  operation: Operation,
  state: DrillState,
  failed: string | null,
): Advance {
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
    writes: awaitsRestoring(state) ? [awaitRestoring(context.db, state.drillId)] : [],
    events: [eventOf(context, `drill.${verdict}`, operation.failoverId, operation.origin, event)],
  };
}

/** Something else put an end to it: the deviation ends with it, and the report says why. */
export function interrupt(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
  why: string,
): Advance {
  const ended = operationEnds(operation, "aborted", `interrupted: ${why}`, null, context.clock.now());
  const diversion = endDrillLease(context, record, operation.origin);
  return {
    operation: ended,
    writes: [...diversion.writes, ...lookAfterDrill(context, ended)],
    events: [...diversion.events, ...drillAborted(context, ended, operation.origin)],
  };
}

/** The rehearsal can't pass any more: what was before is wanted from now on, and the drill sees to it that it comes. */
export function turnBack(
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
