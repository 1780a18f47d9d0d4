import { approvalEndsAt, contentOf, type ApprovalState, type Prospect } from "../failover/approval.ts";
import type { Failover } from "../failover/failover.ts";
import { newOperation } from "../failover/operations.ts";
import { planChanges, type Change } from "../failover/plan.ts";
import { ok, type FailoverEvent, type Operation, type Origin, type Result } from "../failover/results.ts";
import { commit, insertEvents, type FailoverRecord, type Write } from "../store/failovers.ts";
import { findPendingApproval, insertOperation } from "../store/operations.ts";
import type { Context } from "./context.ts";
import { keepOutcome, okForGood } from "./idempotency-keys.ts";
import type { Observation } from "./observe.ts";
import { planId } from "./plan-failover.ts";
import { eventOf } from "./record.ts";

const STEP = "approval";

/** An action that nothing stands against: what it would do, and how it is begun. */
export interface Weighed {
  readonly prospect: Prospect;
  /** `also` is written together with the new intent. */
  readonly begin: (
    origin: Origin,
    also?: (operationId: string) => readonly Write[],
  ) => Promise<Result<{ operationId: string }>>;
}

/** What an action would write to the load balancer; what else differs is drift, and nobody asks for that. */
export function changesTo(
  context: Context,
  { applied }: FailoverRecord,
  next: Failover,
  observed: Observation["observed"],
): readonly Change[] {
  const { changes } = planChanges(next, observed, context.installation, applied);
  return changes.filter(({ role }) => role === "load_balancer");
}

/** The same prospect has the same id, and another one has another. */
export function idOf(prospect: Prospect): Promise<string> {
  return planId(contentOf(prospect));
}

/** A request that waits for another person, and the event that says so; yet to be stored. */
export async function approvalOperation(
  context: Context,
  failoverId: string,
  prospect: Prospect,
  request: ApprovalState["request"],
  origin: Origin,
): Promise<{ operation: Operation; event: FailoverEvent }> {
  const now = context.clock.now();
  const { action, to, at } = prospect;
  const plan = await idOf(prospect);
  const reason = typeof request["reason"] === "string" ? request["reason"] : null;
  const state: ApprovalState = { plan, prospect, request, reason };
  const what = action === "promote" ? `promote to ${to}` : `switch over to the ${to}`;
  const message = `waits for another person to approve: ${what}`;
  const id = context.newId("op");
  const begun = newOperation(
    { id, failoverId, kind: "approval", message, origin },
    [STEP],
    { ...state },
    now,
  );
  const expiresAt = approvalEndsAt(now, at);
  const data = {
    operation_id: id,
    plan,
    action,
    to,
    at: at === null ? null : new Date(at).toISOString(),
    reason,
    overridden: prospect.overridden,
    expires_at: new Date(expiresAt).toISOString(),
  };
  return {
    operation: { ...begun, dueAt: expiresAt, deadlineAt: expiresAt },
    event: eventOf(context, "approval.requested", failoverId, origin, data),
  };
}

/** Stores it; who asks for the same twice has one request. */
export async function askApproval(
  context: Context,
  failoverId: string,
  prospect: Prospect,
  request: ApprovalState["request"],
  origin: Origin,
): Promise<Result<{ operationId: string }>> {
  const { operation, event } = await approvalOperation(context, failoverId, prospect, request, origin);
  const { plan } = operation.state;
  const asked = await findPendingApproval(context.db, failoverId, String(plan), origin.actor);
  if (asked !== null) return okForGood(context, { operationId: asked });
  await commit(context.db, [
    insertOperation(context.db, context.accountId, operation),
    ...insertEvents(context.db, context.accountId, [event]),
    ...keepOutcome(context, { operationId: operation.id }),
  ]);
  return ok({ operationId: operation.id });
}
