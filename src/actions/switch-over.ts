import type { Side } from "../failover/failover.ts";
import { fail, type Origin, type Result } from "../failover/results.ts";
import type { Context } from "./context.ts";
import type { SwitchRequest } from "./coordinator-port.ts";
import { aloneWith } from "./load.ts";
import { switchOrRenew } from "./renew-switch.ts";
import { scheduleSwitch } from "./schedule-switch.ts";
import { startSwitch } from "./start-switch.ts";

type Accepted = Result<{ operationId: string }>;

/**
 * Puts an endpoint first, for good or until a deadline, and preempts whatever else is under way; a deadline for what is
 * in force already only renews it.
 */
export function switchOver(
  context: Context,
  reference: string,
  request: SwitchRequest & { readonly to: Side },
  origin: Origin,
): Promise<Accepted> {
  return aloneWith(context, reference, (record, before) =>
    request.at === undefined
      ? switchOrRenew(context, record, request.to, request, origin, { seen: before.leases })
      : scheduleSwitch(context, record, { ...request, at: request.at }, origin),
  );
}

/** Ends a timed switch-over, or puts the primary first again. */
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
