import { leaseMs, STEP_PATIENCE_MS, type DrillState } from "../failover/drill.ts";
import { drillStateOf } from "../failover/drill-report.ts";
import type { Lease } from "../failover/leases.ts";
import { stepEnds, stepWaits } from "../failover/operations.ts";
import { findDifferences } from "../failover/plan.ts";
import type { Operation } from "../failover/results.ts";
import type { FailoverRecord } from "../store/failovers.ts";
import { isOutOfTime, nextTry, type Advance } from "./advance.ts";
import type { Context } from "./context.ts";
import { conclude, turnBack } from "./end-drill.ts";
import { reconcile, type ReconcileResult, type SnapshotFor } from "./reconcile.ts";
import { storeLease } from "./store-lease.ts";

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

export async function divert(
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

export async function restore(
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
