import { approvalOf, guardPlan, whyUndecidable, type ApprovalState } from "../failover/approval.ts";
import type { EventType } from "../failover/events.ts";
import type { Side } from "../failover/failover.ts";
import { operationEnds, stepEnds } from "../failover/operations.ts";
import { fail, ok, type Operation, type Origin, type Result } from "../failover/results.ts";
import { commit, insertEvents, type FailoverRecord, type Write } from "../store/failovers.ts";
import { loadOperation, saveOperation } from "../store/operations.ts";
import type { Advance } from "./advance.ts";
import { idOf } from "./ask-approval.ts";
import type { Context } from "./context.ts";
import type { SwitchRequest } from "./coordinator-port.ts";
import { keepOutcome } from "./idempotency-keys.ts";
import { aloneWith } from "./load.ts";
import { weighPromotion } from "./move-stage.ts";
import { eventOf } from "./record.ts";
import { weighSwitch } from "./switch-over.ts";

type Accepted = Result<{ operationId: string }>;

const STEP = "approval";

function told(context: Context, type: EventType, operation: Operation, origin: Origin, more: object = {}) {
  const { plan, prospect } = operation.state as unknown as ApprovalState;
  const { action, to } = prospect;
  const data = { operation_id: operation.id, plan, action, to, asked_by: operation.origin.actor, ...more };
  return eventOf(context, type, operation.failoverId, origin, data);
}

function ended(
  context: Context,
  operation: Operation,
  status: "succeeded" | "aborted",
  message: string,
  result: Operation["result"],
): Operation {
  const now = context.clock.now();
  const decided = stepEnds(operation, STEP, status === "succeeded" ? "succeeded" : "failed", message, now);
  return operationEnds(decided, status, message, result, now);
}

/** Loads the request anew, once nothing else is done to its failover. */
async function aloneWithRequest(
  context: Context,
  operationId: string,
  work: (operation: Operation, record: FailoverRecord) => Promise<Accepted>,
): Promise<Accepted> {
  const none = () => fail("not-found", `there is no operation ${operationId}`);
  const found = await loadOperation(context.db, context.accountId, operationId);
  if (found === null) return none();
  return aloneWith(context, found.failoverId, async (record) => {
    const operation = await loadOperation(context.db, context.accountId, operationId);
    return operation === null ? none() : work(operation, record);
  });
}

/** As it was asked for, weighed as of now: its guards, and what it would do. */
function weigh(context: Context, record: FailoverRecord, { prospect, request }: ApprovalState) {
  switch (prospect.action) {
    case "promote":
      return weighPromotion(context, record, request);
    case "switch-over":
      return weighSwitch(context, record, request as unknown as SwitchRequest & { readonly to: Side });
    default:
      return prospect.action satisfies never;
  }
}

/** Begins what was asked for, if it would still do what the approver saw. Answers the operation that was begun. */
export function approve(
  context: Context,
  operationId: string,
  request: { readonly plan: string },
  origin: Origin,
): Promise<Accepted> {
  return aloneWithRequest(context, operationId, async (operation, record) => {
    const undecidable = whyUndecidable(operation, origin.actor, context.clock.now());
    if (undecidable !== null) return fail("refused", undecidable.message, undecidable);
    const approval = approvalOf(operation);
    if (approval === null) return fail("refused", "it waits for nobody's approval");
    if (request.plan !== approval.plan) {
      const message = `what waits for approval is the plan ${approval.plan}: look at it, and name it`;
      return fail("invalid", message, { errors: [{ pointer: "/plan", message }] });
    }
    const weighed = await weigh(context, record, approval);
    if (!weighed.ok) return weighed;
    const { prospect, begin } = weighed.value;
    const changed = guardPlan(approval.plan, { plan: await idOf(prospect), prospect });
    if (changed.length > 0) return fail("refused", changed[0]?.message ?? "", { refusals: changed });
    const also = (begunId: string): Write[] => {
      const message = `approved by ${origin.actor.name}: begun as ${begunId}`;
      const result = { operation_id: begunId, approved_by: origin.actor };
      return [
        saveOperation(context.db, ended(context, operation, "succeeded", message, result)),
        ...insertEvents(context.db, context.accountId, [
          told(context, "approval.approved", operation, origin, { begun_operation_id: begunId }),
        ]),
      ];
    };
    return begin(operation.origin, also);
  });
}

async function end(
  context: Context,
  operation: Operation,
  message: string,
  type: EventType,
  origin: Origin,
  more: object = {},
): Promise<Accepted> {
  await commit(context.db, [
    saveOperation(context.db, ended(context, operation, "aborted", message, null)),
    ...insertEvents(context.db, context.accountId, [told(context, type, operation, origin, more)]),
    ...keepOutcome(context, { operationId: operation.id }),
  ]);
  return ok({ operationId: operation.id });
}

export function reject(
  context: Context,
  operationId: string,
  { reason }: { readonly reason: string },
  origin: Origin,
): Promise<Accepted> {
  return aloneWithRequest(context, operationId, async (operation) => {
    const undecidable = whyUndecidable(operation, origin.actor, context.clock.now());
    if (undecidable !== null) return fail("refused", undecidable.message, undecidable);
    const message = `rejected by ${origin.actor.name}: ${reason}`;
    return end(context, operation, message, "approval.rejected", origin, { reason });
  });
}

/** Takes the request back. The caller has its failover for itself alone. */
export function withdraw(context: Context, operation: Operation, origin: Origin): Promise<Accepted> {
  return end(context, operation, `withdrawn by ${origin.actor.name}`, "approval.withdrawn", origin);
}

/** Nobody decided in time. */
export function advanceApproval(context: Context, operation: Operation): Advance {
  const message = "it expired: nobody approved or rejected it in time";
  return {
    operation: ended(context, operation, "aborted", message, null),
    events: [told(context, "approval.expired", operation, operation.origin, { message })],
  };
}
