import type { EventType } from "../failover/events.ts";
import type { Side } from "../failover/failover.ts";
import { newOperation, operationEnds, stepEnds, stepWaits } from "../failover/operations.ts";
import {
  fail,
  ok,
  type FailoverEvent,
  type Operation,
  type Origin,
  type Result,
} from "../failover/results.ts";
import { commit, insertEvents, type FailoverRecord, type Write } from "../store/failovers.ts";
import { insertOperation, saveOperation } from "../store/operations.ts";
import type { Advance } from "./advance.ts";
import type { Context } from "./context.ts";
import { keepOutcome } from "./idempotency-keys.ts";
import type { SwitchRequest } from "./coordinator-port.ts";
import { eventOf } from "./record.ts";
import { switchOrRenew } from "./renew-switch.ts";
import { judgeSwitch } from "./start-switch.ts";

type Accepted = Result<{ operationId: string }>;
export type Scheduled = SwitchRequest & { readonly to: Side; readonly at: number };

/** Who plans further ahead has a calendar. */
const FURTHEST_MS = 90 * 86_400_000;
const WAIT = "wait";
const instant = (at: number): string => new Date(at).toISOString();

/** A switch-over that waits for its hour, and the event that says so; yet to be stored. */
export function scheduledOperation(
  context: Context,
  failoverId: string,
  scheduled: Scheduled,
  origin: Origin,
): { operation: Operation; event: FailoverEvent } {
  // By then it has another revision, and that is no reason not to.
  const { revision: _, ...request } = scheduled;
  const { at, to, reason } = request;
  const operation: Operation = {
    ...newOperation(
      {
        id: context.newId("op"),
        failoverId,
        kind: "scheduled-switch-over",
        message: `waits until ${instant(at)} to switch over to the ${to}`,
        origin,
      },
      [WAIT],
      { ...request },
      at,
    ),
    createdAt: context.clock.now(),
  };
  const data = { to, at: instant(at), reason, operation_id: operation.id };
  return {
    operation,
    event: eventOf(context, "failover.switch_over_scheduled", failoverId, origin, data),
  };
}

/** Null where a switch-over can wait for that hour. */
export function refuseHour(at: number, now: number): Result<never> | null {
  if (at > now && at <= now + FURTHEST_MS) return null;
  const message = `must lie between now (${instant(now)}) and 90 days from now`;
  return fail("invalid", `at ${message}`, { errors: [{ pointer: "/at", message }] });
}

/** Stores a switch-over for its hour. What stands against it now is said now, and judged again then. */
export async function scheduleSwitch(
  context: Context,
  record: FailoverRecord,
  request: Scheduled,
  origin: Origin,
  also: (operationId: string) => readonly Write[] = () => [],
): Promise<Accepted> {
  const { failover } = record;
  const { at, to } = request;
  const wrong = refuseHour(at, context.clock.now());
  if (wrong !== null) return wrong;
  const judged = await judgeSwitch(context, record, to, request);
  if (!judged.ok) return judged;
  const { operation, event } = scheduledOperation(context, failover.id, request, origin);
  await commit(context.db, [
    insertOperation(context.db, context.accountId, operation),
    ...insertEvents(context.db, context.accountId, [event]),
    ...also(operation.id),
    ...keepOutcome(context, { operationId: operation.id }),
  ]);
  return ok({ operationId: operation.id });
}

/** Fires it at its hour, judged as of then; a few minutes later it has expired. */
export async function advanceScheduled(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
): Promise<Advance> {
  const { at, to, ...request } = operation.state as unknown as Scheduled;
  const now = context.clock.now();
  if (now < at) return { operation: stepWaits(operation, WAIT, operation.message, at, now) };
  const { failover } = record;
  const over = (message: string, type: EventType) => ({
    operation: operationEnds(operation, "aborted", message, null, now),
    events: [eventOf(context, type, failover.id, operation.origin, { operation_id: operation.id, message })],
  });
  if (now > operation.deadlineAt) {
    const late = Math.round((now - at) / 1000);
    return over(
      `it was for ${instant(at)}, and ${late} seconds later it is not done any more`,
      "failover.switch_over_expired",
    );
  }
  let fired = operation;
  const also = (operationId: string) => {
    const done = stepEnds(operation, WAIT, "succeeded", `begun as ${operationId}`, now);
    fired = operationEnds(done, "succeeded", `begun as ${operationId}`, { operation_id: operationId }, now);
    return [saveOperation(context.db, fired)];
  };
  const started = await switchOrRenew(context, record, to, request, operation.origin, { also });
  if (started.ok) return { operation: fired };
  const { detail, refusals = [] } = started.failure;
  const failed = operationEnds(stepEnds(operation, WAIT, "failed", detail, now), "failed", detail, null, now);
  return { operation: { ...failed, refusals } };
}
