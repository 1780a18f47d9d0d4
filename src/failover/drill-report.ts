// Decides what a drill's report says: all of it follows from the drill's operation, however that ended.
import type { DrillMethod, DrillState, DrillTimes, LookRun, SeenError } from "./drill.ts";
import type { Failover, Stage } from "./failover.ts";
import { leasesInForce, type Lease } from "./leases.ts";
import type { Actor, Operation, OperationStatus } from "./results.ts";
import type { Opening } from "./windows.ts";

/** What became of the order after a drill that ended before it was restored. */
export interface Aftermath {
  /** When it was read back, ms since the epoch. */
  readonly restoredAt: number | null;
  /** Who wants another order since then. */
  readonly takenOverBy: string | null;
}

export type DrillVerdict = "passed" | "failed" | "interrupted";

export interface DrillReport {
  /** Null while it runs. */
  readonly verdict: DrillVerdict | null;
  /** How it stands or ended, in one sentence. */
  readonly message: string;
  /** Who or what broke it off; null where nobody did. */
  readonly interruptedBy: string | null;
  /** Who decided about the order before it was restored; null where nobody did. */
  readonly takenOverBy: string | null;
  /** The opening of the schedule's window that it was for; null where somebody asked for it. */
  readonly window: Opening | null;
  readonly hostname: string;
  readonly askedBy: Actor;
  readonly reason: string | null;
  readonly requestedHoldSeconds: number;
  /** When its lease would have ended by itself, ms since the epoch; null where none was stored. */
  readonly deadlineAt: number | null;
  readonly specHash: string;
  /** A drill begins only where the endpoints can be told apart, so that what it passed on was seen. */
  readonly evidence: "observed";
  readonly affinity: string | null;
  readonly times: DrillTimes;
  /** From Cloudflare's acknowledgement to the first answer of the secondary; null where it didn't come to that. */
  readonly divertSeconds: number | null;
  readonly holdSeconds: number | null;
  /** From Cloudflare's acknowledgement to the first answer of the primary. */
  readonly restoreSeconds: number | null;
  readonly samples: readonly LookRun[];
  readonly errors: { readonly count: number; readonly first: readonly SeenError[] };
}

/** A drill as it is shown: its operation, read as a rehearsal. */
export interface Drill {
  readonly id: string;
  readonly operationId: string;
  readonly failoverId: string;
  readonly status: OperationStatus;
  /** Null while it runs. */
  readonly passed: boolean | null;
  readonly scheduled: boolean;
  readonly method: DrillMethod;
  readonly stage: Stage;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly report: DrillReport;
}

export const drillStateOf = ({ state }: Pick<Operation, "state">) => state as unknown as DrillState;

function verdictOf(status: OperationStatus): DrillVerdict | null {
  switch (status) {
    case "pending":
    case "running":
      return null;
    case "succeeded":
      return "passed";
    case "failed":
      return "failed";
    case "aborted":
      return "interrupted";
    default:
      return status satisfies never;
  }
}

const secondsBetween = (from: number | undefined, to: number | undefined): number | null =>
  from === undefined || to === undefined ? null : Math.max(0, to - from) / 1000;

/** How long each part took, as far as it came to that. */
export function measured({ times }: Pick<DrillState, "times">) {
  return {
    divertSeconds: secondsBetween(times.divertedAt, times.secondaryAt),
    holdSeconds: secondsBetween(times.heldFrom, times.leaseEndedAt),
    restoreSeconds: secondsBetween(times.restoredAt, times.primaryAt),
  };
}

/** What events say of a drill that the schedule began. */
export function scheduleOf({ window = null }: DrillState): Readonly<Record<string, unknown>> {
  if (window === null) return { scheduled: false };
  const opensAt = new Date(window.opensAt).toISOString();
  return {
    scheduled: true,
    window: { opens_at: opensAt, closes_at: new Date(window.closesAt).toISOString() },
  };
}

/** Whether something may still be diverted that nobody sees to any more, once the drill has ended like this. */
export function awaitsRestoring({ leaseId, times }: DrillState): boolean {
  return leaseId !== null && times.restoredAt === undefined;
}

/** Who wants another order than the one that a drill restores, as of now; null where nobody does. */
export function findTakeover(
  { active, settledBy, settledAt }: Pick<Failover, "active" | "settledBy" | "settledAt">,
  leases: readonly Lease[],
  running: Operation | null,
  now: number,
): string | null {
  if (active === "primary") return null;
  if (running?.kind === "switch-over")
    return `the switch-over ${running.id} of ${running.origin.actor.name}, to the ${active}`;
  const lease = leasesInForce(leases, now).find((one) => one.active === active);
  if (lease !== undefined) return `a timed switch-over of ${lease.origin.actor.name}: ${lease.reason}`;
  const at = new Date(settledAt).toISOString();
  return settledBy === "policy"
    ? `the failback policy, which latched the order at ${at}`
    : `a switch-over to the ${active} at ${at}`;
}

const NOTHING_SINCE: Aftermath = { restoredAt: null, takenOverBy: null };

export function drillOf(operation: Operation, after: Aftermath = NOTHING_SINCE): Drill {
  const state = drillStateOf(operation);
  const verdict = verdictOf(operation.status);
  const window = state.window ?? null;
  const restoredAt = state.times.restoredAt ?? after.restoredAt ?? undefined;
  return {
    id: state.drillId,
    operationId: operation.id,
    failoverId: operation.failoverId,
    status: operation.status,
    passed: verdict === null ? null : verdict === "passed",
    scheduled: window !== null,
    method: state.method,
    stage: state.stage,
    startedAt: operation.createdAt,
    finishedAt: operation.finishedAt,
    report: {
      verdict,
      message: operation.message,
      takenOverBy: after.takenOverBy,
      window,
      interruptedBy: verdict === "interrupted" ? operation.message : null,
      hostname: state.hostname,
      askedBy: operation.origin.actor,
      reason: state.reason,
      requestedHoldSeconds: state.holdSeconds,
      deadlineAt: state.deadlineAt,
      specHash: state.specHash,
      evidence: "observed",
      affinity: state.affinity,
      times: { ...state.times, ...(restoredAt === undefined ? {} : { restoredAt }) },
      ...measured(state),
      samples: state.watch.runs,
      errors: { count: state.watch.errors, first: state.watch.shownErrors },
    },
  };
}
