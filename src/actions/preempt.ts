import { awaitsRestoring, drillOf, drillStateOf, scheduleOf } from "../failover/drill-report.ts";
import type { Failover, Side, Stage } from "../failover/failover.ts";
import { currentStep, operationEnds } from "../failover/operations.ts";
import type { FailoverEvent, Operation, Origin } from "../failover/results.ts";
import { awaitRestoring } from "../store/drills.ts";
import type { FailoverRecord, Write } from "../store/failovers.ts";
import { setDue } from "../store/failovers.ts";
import { deleteLeases } from "../store/leases.ts";
import { saveOperation } from "../store/operations.ts";
import type { Context } from "./context.ts";
import { leaseEnded } from "./end-leases.ts";
import { eventOf } from "./record.ts";

interface Ending {
  readonly writes: readonly Write[];
  readonly events: readonly FailoverEvent[];
}

/** Ends what is under way in favour of something else, or because somebody said so; what it leased is the caller's to end. */
export function preempt(context: Context, running: Operation | null, why: string, origin: Origin): Ending {
  if (running === null) return { writes: [], events: [] };
  const now = context.clock.now();
  const ended = operationEnds(running, "aborted", why, null, now);
  return {
    writes: [saveOperation(context.db, ended), ...lookAfterDrill(context, ended)],
    events: drillAborted(context, ended, origin),
  };
}

/** The intent as it was before, and what is said of that. */
interface Undone {
  readonly failover: Failover;
  readonly events: readonly FailoverEvent[];
}

/**
 * A promotion, or a policy's switch back, whose write nobody has seen yet isn't carried out any more once it is preempted:
 * nobody would watch it. What was wanted before is wanted again, and the caller stores that.
 */
export function withoutUnwritten(
  context: Context,
  failover: Failover,
  running: Operation | null,
  origin: Origin,
): Undone {
  const isUnwritten = running !== null && currentStep(running)?.name === "write";
  if (isUnwritten && running.kind === "promote") return withoutPromotion(context, failover, running, origin);
  const isPolicys = isUnwritten && running.kind === "switch-over" && running.origin.actor.kind === "system";
  return isPolicys ? withoutReturn(context, failover, running, origin) : { failover, events: [] };
}

function withoutPromotion(context: Context, failover: Failover, running: Operation, origin: Origin): Undone {
  const { from, to } = running.state as { from?: Stage; to?: Stage };
  if (from === undefined || failover.stage !== to) return { failover, events: [] };
  const message = "the promotion was not written yet when it was preempted";
  const data = { before: { stage: to }, after: { stage: from }, message, operation_id: running.id };
  return {
    failover: { ...failover, stage: from },
    events: [eventOf(context, "failover.promote_reverted", failover.id, origin, data)],
  };
}

function withoutReturn(context: Context, failover: Failover, running: Operation, origin: Origin): Undone {
  const { to, settledBefore, settledBy, settledAt } = running.state as Partial<SwitchIntent>;
  if (
    settledBefore === undefined ||
    settledBy === undefined ||
    settledAt === undefined ||
    failover.active !== to
  )
    return { failover, events: [] };
  const message = "the switch back was not written yet when it was preempted";
  const data = {
    before: { active: to },
    after: { active: settledBefore },
    message,
    operation_id: running.id,
  };
  return {
    failover: { ...failover, active: settledBefore, settledActive: settledBefore, settledBy, settledAt },
    events: [eventOf(context, "failover.switch_over_reverted", failover.id, origin, data)],
  };
}

/** What a switch-over's operation remembers of before. */
interface SwitchIntent {
  readonly to: Side;
  readonly settledBefore: Side;
  readonly settledBy: Failover["settledBy"];
  readonly settledAt: number;
}

/** What a drill moved is restored at once, also where it was on its way back already; and then the report says when. */
export function lookAfterDrill(context: Context, ended: Operation): Write[] {
  if (ended.kind !== "drill") return [];
  const state = drillStateOf(ended);
  return [
    setDue(context.db, ended.failoverId, context.clock.now()),
    ...(awaitsRestoring(state) ? [awaitRestoring(context.db, state.drillId)] : []),
  ];
}

/** Rehearsals have an event of their own; of any other operation there is none. */
export function drillAborted(context: Context, ended: Operation, origin: Origin): FailoverEvent[] {
  if (ended.kind !== "drill") return [];
  const { id, method, stage, report } = drillOf(ended);
  const data = {
    drill_id: id,
    operation_id: ended.id,
    method,
    stage,
    hostname: report.hostname,
    message: report.message,
    ...scheduleOf(drillStateOf(ended)),
  };
  return [eventOf(context, "drill.aborted", ended.failoverId, origin, data)];
}

/** Ends a drill's diversion: its lease, and nothing else that moves traffic. From then on what was before is wanted. */
export function endDrillLease(context: Context, { leases }: FailoverRecord, origin: Origin): Ending {
  const own = leases.filter(({ kind }) => kind === "drill");
  return {
    writes: deleteLeases(context.db, own),
    events: own.map((lease) => leaseEnded(context, lease, "ended", origin)),
  };
}
