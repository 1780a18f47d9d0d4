import type { TrafficState } from "../failover/explain.ts";
import { otherSide, type Failover, type Side } from "../failover/failover.ts";
import type { Observed } from "../failover/plan.ts";
import { balancedTraffic } from "../failover/traffic.ts";
import type { PoolHealth } from "../failover/verdict.ts";
import type { FailoverRecord } from "../store/failovers.ts";
import type { Context } from "./context.ts";

/** What would be if visitors came to the load balancer now, whatever its hostname and stage, with `first` first. */
export function trafficOf(
  context: Context,
  failover: Failover,
  observed: Observed,
  { samples }: Pick<FailoverRecord, "samples">,
  health: Readonly<Partial<Record<Side, PoolHealth>>>,
  first: Side,
): TrafficState {
  const last = samples.at(-1);
  const witnesses = {
    health: {
      primary: health.primary?.healthy ?? null,
      secondary: health.secondary?.healthy ?? null,
    },
    probed: { primary: last?.primary.ok ?? null, secondary: last?.secondary.ok ?? null },
  };
  return {
    ...balancedTraffic(failover, observed, witnesses, context.installation, null),
    balanced: true,
    order: [first, otherSide(first)],
    underneath: null,
    customDomain: null,
  };
}
