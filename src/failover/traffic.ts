// Turns what was observed into what Cloudflare's edge goes by: the state from which explain and the guards predict.
import { canonical, originPath } from "./canonical.ts";
import type { Spec } from "./complete.ts";
import { desiredObjects, type Body } from "./desired.ts";
import type { EndpointState, PoolOwner, TrafficState } from "./explain.ts";
import { otherSide, SIDES, type Failover, type Side } from "./failover.ts";
import { findBeside, findForeign, meaningOf, type Meaning } from "./foreign.ts";
import type { Role } from "./marker.ts";
import { foundIn, isOriginEnabled, objectsIn, type Observed } from "./plan.ts";

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

function ownerOf(failover: Failover, id: unknown): PoolOwner {
  return SIDES.find((side) => failover.ids[side] === id) ?? "other";
}

function orderOf(failover: Failover, pools: unknown): readonly PoolOwner[] {
  return Array.isArray(pools) ? pools.map((id) => ownerOf(failover, id)) : [];
}

/** What of a pool lets more than its one endpoint's health decide. */
function unaccountedInPool(role: Side, pool: Body): (Meaning | null)[] {
  const origins = objectsIn(pool["origins"]);
  const is = canonical("pool", pool, () => true);
  const least = is.get("minimum_origins");
  const isChecked = [pool["monitor"], pool["monitor_group"]].some(
    (id) => typeof id === "string" && id !== "",
  );
  const several: Meaning = {
    message: `the ${role} pool has ${origins.length} endpoints, so which of them gets a visitor is not settled`,
    effect: "routes",
  };
  const unchecked: Meaning = {
    message: `the ${role} pool has no monitor, so health plays no part in choosing it`,
    effect: "routes",
  };
  const weights = origins.flatMap(({ name }) => {
    const path = `${originPath(String(name))}.weight`;
    return is.get(path) === 0 ? meaningOf(role, path, 0, 1, []) : [];
  });
  return [
    origins.length === 1 ? null : several,
    isChecked ? null : unchecked,
    ...weights,
    typeof least === "number" && least > 1 ? meaningOf(role, "minimum_origins", least, 1, []) : null,
    ...findBeside(role, pool),
  ];
}

/**
 * What lets more decide who gets a visitor than the pair's order and health, whoever put it there and however soon it
 * is healed.
 */
export function findUnaccounted(objects: Readonly<Partial<Record<Role, Body>>>): readonly string[] {
  const { load_balancer: lb } = objects;
  const policy = lb === undefined ? "off" : canonical("load_balancer", lb, () => true).get("steering_policy");
  const steering = policy === "off" ? null : meaningOf("load_balancer", "steering_policy", policy, "off", []);
  const inPools = SIDES.flatMap((side) => {
    const pool = objects[side];
    return pool === undefined ? [] : unaccountedInPool(side, pool);
  });
  return [steering, ...inPools].flatMap((found) => (found?.effect === "routes" ? found.message : []));
}

/** Every reason why the order and health of the pair alone don't say who gets a visitor. */
function routingBeside(failover: Failover, observed: Observed, installation: string): readonly string[] {
  const objects = foundIn(observed);
  const foreign = findForeign(failover, objects, [], desiredObjects(failover, installation));
  const routes = foreign.filter(({ effect }) => effect === "routes").map(({ message }) => message);
  return [...new Set([...routes, ...findUnaccounted(objects)])];
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
    fallback:
      lb["fallback_pool"] === undefined ? otherSide(failover.active) : ownerOf(failover, lb["fallback_pool"]),
    endpoints: {
      primary: endpointState(observed, "primary", witnesses),
      secondary: endpointState(observed, "secondary", witnesses),
    },
    failoverAcrossPools:
      typeof adaptive === "object" && adaptive !== null && "failover_across_pools" in adaptive
        ? adaptive.failover_across_pools === true
        : false,
    foreignRouting: routingBeside(failover, observed, installation),
  };
}

/** What a name leads to without a load balancer, by the records that answer for it. */
export function underneathOf(
  spec: Spec,
  records: readonly { readonly content: string }[],
): TrafficState["underneath"] {
  if (records.length === 0) return null;
  const contents = records.map(({ content }) => content.toLowerCase().replace(/\.$/, ""));
  return SIDES.find((side) => contents.includes(spec[side].address ?? "")) ?? "other";
}
