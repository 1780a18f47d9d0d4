import { completeSpec } from "../failover/complete.ts";
import type { Failover, Side } from "../failover/failover.ts";
import { guardRevision, refusal } from "../failover/guards.ts";
import { findRenewable, guardRenewal, renewed, type Lease } from "../failover/leases.ts";
import { newOperation, operationEnds, stepEnds } from "../failover/operations.ts";
import { fail, ok, type Operation, type Origin, type Refusal, type Result } from "../failover/results.ts";
import {
  commit,
  insertEvents,
  LeaseConflict,
  RevisionConflict,
  updateIntent,
  type FailoverRecord,
  type Write,
} from "../store/failovers.ts";
import { renewLease } from "../store/leases.ts";
import { insertOperation } from "../store/operations.ts";
import type { Context } from "./context.ts";
import { keepOutcome } from "./idempotency-keys.ts";
import type { SwitchRequest } from "./coordinator-port.ts";
import { leaseRenewed } from "./end-leases.ts";
import { guardsOverridden } from "./record.ts";
import { judgeSwitch, startSwitch } from "./start-switch.ts";

type Accepted = Result<{ operationId: string }>;

const RENEW = "renew";

/** To stay away for longer is judged as going there is; what returns sooner is refused to nobody who knows what is. */
async function judge(
  context: Context,
  record: FailoverRecord,
  lease: Lease,
  request: SwitchRequest,
  expiresAt: number,
): Promise<Result<readonly Refusal[]>> {
  const { failover } = record;
  if (expiresAt > lease.expiresAt) {
    const judged = await judgeSwitch(context, record, failover.active, request);
    return judged.ok ? ok(judged.value.overridden) : judged;
  }
  const [stale] = guardRevision(failover, request.revision);
  if (stale !== undefined) return fail("revision-mismatch", stale.message, { refusals: [stale] });
  if (failover.deleting !== null) return fail("deleting", "the failover is being deleted");
  const { expectedActive: expected = failover.active } = request;
  if (expected === failover.active) return ok([]);
  const message = `the ${expected} was expected to be active, but the ${failover.active} is: read the failover again`;
  const refused = refusal("revision-mismatch", message, {
    expected_active: expected,
    active: failover.active,
  });
  return fail("refused", message, { refusals: [refused] });
}

/** Nothing moves, so that it is done once it is stored. */
function doneOperation(context: Context, lease: Lease, origin: Origin): Operation {
  const now = context.clock.now();
  const until = new Date(lease.expiresAt).toISOString();
  const message = `the switch-over to the ${lease.active} lasts until ${until} now`;
  const { failoverId } = lease;
  const begun = newOperation(
    { id: context.newId("op"), failoverId, kind: "switch-over", message, origin },
    [RENEW],
    {},
    now,
  );
  const result = { active: lease.active, renewed: true, expires_at: until };
  return operationEnds(stepEnds(begun, RENEW, "succeeded", message, now), "succeeded", message, result, now);
}

async function renew(
  context: Context,
  record: FailoverRecord,
  lease: Lease,
  request: SwitchRequest & { readonly expiresInSeconds: number },
  origin: Origin,
  also: (operationId: string) => readonly Write[],
): Promise<Accepted> {
  const { failover } = record;
  const expiresAt = context.clock.now() + request.expiresInSeconds * 1000;
  const judged = await judge(context, record, lease, request, expiresAt);
  if (!judged.ok) return judged;
  const now = context.clock.now();
  const { reason } = request;
  const next = renewed(lease, { reason, origin, expiresAt });
  const changed: Failover = { ...failover, revision: failover.revision + 1, updatedAt: now };
  const operation = doneOperation(context, next, origin);
  const { test_hostname: testHostname } = completeSpec(failover.input, failover.facts);
  try {
    await commit(context.db, [
      updateIntent(context.db, changed, testHostname, failover.revision, now),
      renewLease(context.db, context.accountId, next),
      insertOperation(context.db, context.accountId, operation),
      ...insertEvents(context.db, context.accountId, [
        leaseRenewed(context, lease, next, origin),
        ...guardsOverridden(context, failover.id, reason, judged.value, origin),
      ]),
      ...also(operation.id),
      ...keepOutcome(context, { operationId: operation.id }),
    ]);
  } catch (error) {
    if (error instanceof RevisionConflict || error instanceof LeaseConflict)
      return fail("refused", error.message);
    throw error;
  }
  return ok({ operationId: operation.id });
}

/**
 * Puts an endpoint first, or, where a timed switch-over to it is in force and another time is asked for, renews that
 * one: nothing is written to Cloudflare, and nothing under way is ended. `seen` are the leases that the asker could
 * have known: of two who renew at once, one is told.
 */
export async function switchOrRenew(
  context: Context,
  record: FailoverRecord,
  to: Side,
  request: SwitchRequest,
  origin: Origin,
  {
    seen = record.leases,
    also = () => [],
  }: {
    readonly seen?: readonly Lease[];
    readonly also?: (operationId: string) => readonly Write[];
  } = {},
): Promise<Accepted> {
  const { expiresInSeconds } = request;
  const lease = findRenewable(record.leases, "switchover", to, context.clock.now());
  if (lease === null || expiresInSeconds === undefined)
    return startSwitch(context, record, to, request, origin, also);
  const unknown = guardRenewal(lease, seen);
  if (unknown !== null) return fail("refused", unknown.message, { refusals: [unknown] });
  return renew(context, record, lease, { ...request, expiresInSeconds }, origin, also);
}
