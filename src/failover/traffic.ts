// Turns what was observed into what Cloudflare's edge goes by: the state from which explain and the guards predict.
import { desiredObjects } from "./desired.ts";
import type { EndpointState, TrafficState } from "./explain.ts";
import { otherSide, SIDES, type Failover, type Side } from "./failover.ts";
import { findForeign } from "./foreign.ts";
import { foundIn, isOriginEnabled, type Observed } from "./plan.ts";

export interface TrafficWitnesses {
  /** What Cloudflare's checks say; null where they say nothing yet. */
  readonly health: Readonly<Record<Side, boolean | null>>;
  /** What our own last probe got; null where there is none. */
  readonly probed: Readonly<Record<Side, boolean | null>>;
}

function endpointState(observed: Observed, side: Side, { health, probed }: TrafficWitnesses): EndpointState {
  const pool = foundIn(observed)[side];
  const healthy = health[side];
  return {
    poolEnabled: pool !== undefined && pool["enabled"] !== false,
    originEnabled: pool === undefined || isOriginEnabled(pool),
    health: healthy === null ? "unknown" : healthy ? "healthy" : "unhealthy",
    // Our own failing probe alone is no proof: the endpoint may admit only Cloudflare.
    answers: probed[side] === true ? true : probed[side] === false && healthy === false ? false : null,
  };
}

function orderOf(failover: Failover, pools: unknown): readonly Side[] {
  const ids = Array.isArray(pools) ? pools : [];
  return ids.flatMap((id) => SIDES.find((side) => failover.ids[side] === id) ?? []);
}

/** All but what lies beneath and beside the load balancer, which Cloudflare has to be asked for by the hostname. */
export function balancedTraffic(
  failover: Failover,
  observed: Observed,
  witnesses: TrafficWitnesses,
  installation: string,
  hostname: string | null,
): Omit<TrafficState, "underneath" | "customDomain"> {
  const lb = foundIn(observed).load_balancer ?? {};
  const adaptive = lb["adaptive_routing"];
  return {
    balanced: lb["name"] === hostname && lb["enabled"] !== false,
    order: orderOf(failover, lb["default_pools"]),
    fallback: SIDES.find((side) => failover.ids[side] === lb["fallback_pool"]) ?? otherSide(failover.active),
    endpoints: {
      primary: endpointState(observed, "primary", witnesses),
      secondary: endpointState(observed, "secondary", witnesses),
    },
    failoverAcrossPools:
      typeof adaptive === "object" && adaptive !== null && "failover_across_pools" in adaptive
        ? adaptive.failover_across_pools === true
        : false,
    foreignRouting: findForeign(failover, foundIn(observed), [], desiredObjects(failover, installation))
      .filter(({ effect }) => effect === "routes")
      .map(({ message }) => message),
  };
}
