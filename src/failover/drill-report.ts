// Decides what a drill's report says: all of it follows from the drill's operation, however that ended.
import type { DrillMethod, DrillState, DrillTimes, LookRun, SeenError } from "./drill.ts";
import type { Stage } from "./failover.ts";
import type { Actor, Operation, OperationStatus } from "./results.ts";

export type DrillVerdict = "passed" | "failed" | "interrupted";

export interface DrillReport {
  /** Null while it runs. */
  readonly verdict: DrillVerdict | null;
  /** How it stands or ended, in one sentence. */
  readonly message: string;
  /** Who or what broke it off; null where nobody did. */
  readonly interruptedBy: string | null;
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

export function drillOf(operation: Operation): Drill {
  const state = drillStateOf(operation);
  const verdict = verdictOf(operation.status);
  return {
    id: state.drillId,
    operationId: operation.id,
    failoverId: operation.failoverId,
    status: operation.status,
    passed: verdict === null ? null : verdict === "passed",
    method: state.method,
    stage: state.stage,
    startedAt: operation.createdAt,
    finishedAt: operation.finishedAt,
    report: {
      verdict,
      message: operation.message,
      interruptedBy: verdict === "interrupted" ? operation.message : null,
      hostname: state.hostname,
      askedBy: operation.origin.actor,
      reason: state.reason,
      requestedHoldSeconds: state.holdSeconds,
      deadlineAt: state.deadlineAt,
      specHash: state.specHash,
      evidence: "observed",
      affinity: state.affinity,
      times: state.times,
      ...measured(state),
      samples: state.watch.runs,
      errors: { count: state.watch.errors, first: state.watch.shownErrors },
    },
  };
}
