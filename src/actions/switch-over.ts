import { guardApproval, type Prospect } from "../failover/approval.ts";
import { completeSpec } from "../failover/complete.ts";
import type { Side } from "../failover/failover.ts";
import { withoutOverridden } from "../failover/guards.ts";
import type { Lease } from "../failover/leases.ts";
import { fail, ok, type FailoverEvent, type Origin, type Result } from "../failover/results.ts";
import { insertEvents, type FailoverRecord } from "../store/failovers.ts";
import { askApproval, type Weighed } from "./ask-approval.ts";
import type { Context } from "./context.ts";
import type { SwitchRequest } from "./coordinator-port.ts";
import { aloneWith } from "./load.ts";
import { guardsOverridden } from "./record.ts";
import { switchOrRenew } from "./renew-switch.ts";
import { refuseHour, scheduleSwitch } from "./schedule-switch.ts";
import { judgeSwitch, startSwitch } from "./start-switch.ts";

type Accepted = Result<{ operationId: string }>;
type Asked = SwitchRequest & { readonly to: Side };

/** Begins it, or stores it for its hour. */
function begin(
  context: Context,
  record: FailoverRecord,
  request: Asked,
  origin: Origin,
  { seen, also = () => [] }: { readonly seen?: readonly Lease[]; readonly also?: Also } = {},
): Promise<Accepted> {
  const { at, ...now } = request;
  return at === undefined
    ? switchOrRenew(context, record, request.to, now, origin, {
        ...(seen === undefined ? {} : { seen }),
        also,
      })
    : scheduleSwitch(context, record, { ...request, at }, origin, also);
}

type Also = NonNullable<Parameters<Weighed["begin"]>[1]>;

const approvalsOf = ({ failover: { input, facts } }: FailoverRecord) =>
  guardApproval(completeSpec(input, facts));

/** Judges a switch-over. The caller has the failover for itself alone. */
export async function weighSwitch(
  context: Context,
  record: FailoverRecord,
  request: Asked,
): Promise<Result<Weighed>> {
  const { to, at = null, expiresInSeconds = null } = request;
  const wrong = at === null ? null : refuseHour(at, context.clock.now());
  if (wrong !== null) return wrong;
  const judged = await judgeSwitch(context, record, to, request);
  if (!judged.ok) return judged;
  const { overridden, prediction, changes } = judged.value;
  const { revision, stage, active } = record.failover;
  const prospect: Prospect = {
    action: "switch-over",
    to,
    before: { revision, stage, active },
    after: { stage, active: to },
    at,
    expiresInSeconds,
    bakeSeconds: null,
    prediction,
    changes,
    overridden: overridden.map(({ guard }) => guard),
  };
  return ok({
    prospect,
    begin: (origin, also) => begin(context, record, request, origin, also === undefined ? {} : { also }),
  });
}

/** Whether another person has to approve it first. */
export function asksApproval(record: FailoverRecord, { override = [] }: SwitchRequest): boolean {
  return withoutOverridden(approvalsOf(record), override).length > 0;
}

/** That nobody approved it, where somebody had to. */
export function unapproved(
  context: Context,
  record: FailoverRecord,
  { reason }: SwitchRequest,
  origin: Origin,
): FailoverEvent[] {
  return guardsOverridden(context, record.failover.id, reason, approvalsOf(record), origin);
}

/**
 * Puts an endpoint first, for good or until a deadline, and preempts whatever else is under way; a deadline for what is
 * in force already only renews it. Where the spec says so another person has to approve it first.
 */
export function switchOver(
  context: Context,
  reference: string,
  request: Asked,
  origin: Origin,
): Promise<Accepted> {
  return aloneWith(context, reference, async (record, before) => {
    const { id } = record.failover;
    if (asksApproval(record, request)) {
      const weighed = await weighSwitch(context, record, request);
      if (!weighed.ok) return weighed;
      // By then it may have another revision, and the plan says so.
      const { revision: _, ...asked } = request;
      return askApproval(context, id, weighed.value.prospect, { ...asked }, origin);
    }
    const also = () =>
      insertEvents(context.db, context.accountId, unapproved(context, record, request, origin));
    return begin(context, record, request, origin, { seen: before.leases, also });
  });
}

/** Ends a timed switch-over, or puts the primary first again. It ends a deviation, and nobody has to approve that. */
export function switchBack(
  context: Context,
  reference: string,
  request: SwitchRequest,
  origin: Origin,
): Promise<Accepted> {
  return aloneWith(context, reference, async (record) => {
    const { failover } = record;
    const to = failover.active === failover.settledActive ? "primary" : failover.settledActive;
    if (to === failover.active && failover.disabled === null)
      return fail(
        "invalid",
        "the primary is active and no lease moves traffic: there is nothing to switch back",
      );
    const { expiresInSeconds: _, at: __, ...forGood } = request;
    return startSwitch(context, record, to, forGood, origin);
  });
}
