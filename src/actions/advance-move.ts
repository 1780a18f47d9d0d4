import { completeSpec } from "../failover/complete.ts";
import type { Failover, Stage } from "../failover/failover.ts";
import { restoredLeases, type Lease } from "../failover/leases.ts";
import { currentStep, operationEnds, stepEnds, stepWaits } from "../failover/operations.ts";
import { carriesMarker, markerOf } from "../failover/marker.ts";
import type { Operation } from "../failover/results.ts";
import { updateIntent, type FailoverRecord } from "../store/failovers.ts";
import { insertLease } from "../store/leases.ts";
import { isOutOfTime, nextTry, type Advance } from "./advance.ts";
import type { Context } from "./context.ts";
import { leaseRenewed } from "./end-leases.ts";
import { readById } from "./observe.ts";
import { eventOf } from "./record.ts";
import { reconcile, type ReconcileResult, type SnapshotFor } from "./reconcile.ts";
import { sayWhatVisitorsGet } from "./store-move.ts";
import { watchPromotion } from "./watch-promotion.ts";

interface MoveState {
  readonly from: Stage;
  readonly to: Stage;
  /** Under which the load balancer answers afterwards. */
  readonly hostname: string;
  readonly revision: number;
  readonly underneath?: readonly string[] | null;
  /** What moved traffic until then. */
  readonly ended: readonly Lease[];
}

const stateOf = (operation: Operation) => operation.state as unknown as MoveState;

/** What was wanted could not be had: the stage is what it was, and says so, so that nobody carries it out later. */
function revert(
  context: Context,
  failover: Failover,
  operation: Operation,
  step: string,
  why: string,
): Advance {
  const now = context.clock.now();
  const { from, to, ended: leases } = stateOf(operation);
  const restored = restoredLeases(leases, now);
  const failed = stepEnds(operation, step, "failed", why, now);
  const ended = operationEnds(failed, "failed", `${why}; the stage is ${from} again`, { stage: from }, now);
  if (failover.stage !== to) return { operation: ended };
  const reverted: Failover = { ...failover, stage: from, revision: failover.revision + 1, updatedAt: now };
  const { test_hostname: testHostname } = completeSpec(failover.input, failover.facts);
  const verb = operation.kind === "demote" ? "demote" : "promote";
  const data = { before: { stage: to }, after: { stage: from }, message: why, operation_id: operation.id };
  return {
    operation: ended,
    writes: [
      updateIntent(context.db, reverted, testHostname, failover.revision, now),
      ...restored.map((lease) => insertLease(context.db, context.accountId, lease)),
    ],
    events: [
      ...restored.map((lease) => leaseRenewed(context, lease, lease, operation.origin)),
      eventOf(context, `failover.${verb}_reverted`, failover.id, operation.origin, data),
    ],
  };
}

/** A move is the load balancer's: whatever else isn't as wanted must not stand in its way. */
function outcomeForLoadBalancer(
  context: Context,
  { failover, sync, convergence }: ReconcileResult,
): "in place" | "refused" | "open" {
  if (convergence === null) return sync === "blocked" ? "refused" : "open";
  const seen = convergence.observation.observed.load_balancer;
  const isOurs = (description: unknown) =>
    carriesMarker(description, markerOf(context.installation, failover.id, "load_balancer"));
  if (seen.state === "found" && !isOurs(seen.object["description"])) return "refused";
  const obstacle = convergence.obstacles.get("load_balancer");
  if (obstacle !== undefined) return obstacle.sync === "blocked" ? "refused" : "open";
  const isWanted = convergence.plan.changes.every(({ role }) => role !== "load_balancer");
  return seen.state === "found" && isWanted ? "in place" : "open";
}

async function write(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
  snapshotFor: SnapshotFor,
): Promise<Advance> {
  const { origin } = operation;
  const result = await reconcile(context, record, snapshotFor, { asked: true, origin, priority: "person" });
  const now = context.clock.now();
  const outcome = outcomeForLoadBalancer(context, result);
  if (outcome === "in place") {
    return { operation: stepEnds(operation, "write", "succeeded", "the load balancer is written", now) };
  }
  if (outcome === "refused" || isOutOfTime(context, operation)) {
    return revert(context, result.failover, operation, "write", result.message);
  }
  return { operation: stepWaits(operation, "write", result.message, nextTry(context, operation), now) };
}

async function readBack(context: Context, record: FailoverRecord, operation: Operation): Promise<Advance> {
  const { failover } = record;
  const { hostname, to, underneath } = stateOf(operation);
  const id = failover.ids.load_balancer;
  const seen = id === undefined ? null : await readById(context, failover, "load_balancer", id, "person");
  const now = context.clock.now();
  const object = seen?.state === "found" ? seen.object : null;
  const inPlace =
    object !== null &&
    String(object["name"]).toLowerCase() === hostname &&
    object["enabled"] !== (to === "draft");
  if (!inPlace) {
    const why =
      seen?.state === "unknown"
        ? seen.why
        : `the load balancer was not read back as ${hostname}, ${to === "draft" ? "disabled" : "enabled"}`;
    if (isOutOfTime(context, operation)) return revert(context, failover, operation, "read back", why);
    return { operation: stepWaits(operation, "read back", why, nextTry(context, operation), now) };
  }
  const detail = `read back as ${hostname}, ${to === "draft" ? "disabled" : "enabled"}`;
  const done = stepEnds(operation, "read back", "succeeded", detail, now);
  if (operation.kind === "promote") return { operation: done };
  const { from } = stateOf(operation);
  const result = { stage: to, hostname, evidence: "read-back only", visitors_get: underneath ?? null };
  const get = from === "production" ? `; ${sayWhatVisitorsGet(failover.input.hostname, underneath)}` : "";
  return {
    operation: operationEnds(done, "succeeded", `demoted to ${to}: ${detail}${get}`, result, now),
    events: [
      eventOf(context, "failover.demoted", failover.id, operation.origin, {
        before: { stage: from },
        after: { stage: to },
        operation_id: operation.id,
      }),
    ],
  };
}

/** Promoting and demoting: write the load balancer, read it back, and see who serves. */
export async function advanceMove(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
  snapshotFor: SnapshotFor,
): Promise<Advance> {
  if (record.failover.stage !== stateOf(operation).to) {
    const why = `the failover is in ${record.failover.stage} by now`;
    return { operation: operationEnds(operation, "aborted", why, null, context.clock.now()) };
  }
  const step = currentStep(operation)?.name;
  if (step === "write") return write(context, record, operation, snapshotFor);
  if (step === "read back") return readBack(context, record, operation);
  return watchPromotion(context, record, operation);
}
