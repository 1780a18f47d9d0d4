// Decides how an operation looks as it moves from step to step. Pure: the instant is given.
import type { Operation, OperationKind, OperationStep, Origin, StepStatus } from "./results.ts";

/** An operation that can't go on gives up after this long; a delete never does. */
const PATIENCE_MS: Readonly<Record<OperationKind, number>> = {
  promote: 600_000,
  // What ends danger is not given up.
  demote: 7 * 86_400_000,
  "switch-over": 300_000,
  // Counted from the hour that it is for: later it is not what was meant any more.
  "scheduled-switch-over": 300_000,
  // How long it waits is decided where it is asked for.
  approval: 3_600_000,
  // The longest lease and the way back; each step has a patience of its own.
  drill: 5_400_000,
  reconcile: 180_000,
  delete: 7 * 86_400_000,
};

export function newOperation(
  given: { id: string; failoverId: string; kind: OperationKind; message: string; origin: Origin },
  steps: readonly string[],
  state: Operation["state"],
  now: number,
): Operation {
  return {
    ...given,
    status: "pending",
    steps: steps.map((name) => ({
      name,
      status: "pending",
      startedAt: null,
      finishedAt: null,
      detail: null,
    })),
    refusals: [],
    state,
    result: null,
    createdAt: now,
    dueAt: now,
    deadlineAt: now + PATIENCE_MS[given.kind],
    finishedAt: null,
  };
}

export function currentStep(operation: Operation): OperationStep | null {
  return operation.steps.find(({ status }) => status === "pending" || status === "running") ?? null;
}

function withStep(
  operation: Operation,
  name: string,
  change: Partial<OperationStep>,
): readonly OperationStep[] {
  return operation.steps.map((step) => (step.name === name ? { ...step, ...change } : step));
}

/** The step goes on: looked at again at `dueAt`. */
export function stepWaits(
  operation: Operation,
  name: string,
  detail: string,
  dueAt: number,
  now: number,
  state: Operation["state"] = operation.state,
): Operation {
  const startedAt = operation.steps.find((step) => step.name === name)?.startedAt ?? now;
  return {
    ...operation,
    status: "running",
    message: detail,
    state,
    dueAt,
    steps: withStep(operation, name, { status: "running", startedAt, detail }),
  };
}

export function stepEnds(
  operation: Operation,
  name: string,
  status: Extract<StepStatus, "succeeded" | "failed" | "skipped">,
  detail: string,
  now: number,
  state: Operation["state"] = operation.state,
): Operation {
  const startedAt = operation.steps.find((step) => step.name === name)?.startedAt ?? now;
  return {
    ...operation,
    status: "running",
    message: detail,
    state,
    dueAt: now,
    steps: withStep(operation, name, { status, startedAt, finishedAt: now, detail }),
  };
}

export function operationEnds(
  operation: Operation,
  status: "succeeded" | "failed" | "aborted",
  message: string,
  result: Operation["result"],
  now: number,
): Operation {
  const steps = operation.steps.map((step): OperationStep => {
    if (step.status === "pending") return { ...step, status: "skipped" };
    return step.status === "running" ? { ...step, status: "failed", finishedAt: now } : step;
  });
  return { ...operation, status, message, result, steps, dueAt: null, finishedAt: now };
}

export function hasEnded({ status }: Operation): boolean {
  return status === "succeeded" || status === "failed" || status === "aborted";
}
