// API-FACTS 6.3: who uses what. Maps and rules count even where the steering policy doesn't use them.
import type { LoadBalancer } from "../objects.ts";
import type { State } from "../state.ts";
import { Refusal } from "./refusal.ts";

export interface Reference {
  reference_type: "referral" | "referrer";
  resource_id: string;
  resource_name: string;
  resource_type: "load_balancer" | "monitor" | "pool";
}

export function poolsOf(lb: LoadBalancer): Set<string> {
  const ids = new Set([...lb.default_pools, lb.fallback_pool]);
  for (const map of [lb.region_pools, lb.country_pools, lb.pop_pools]) {
    for (const pools of Object.values(map)) for (const id of pools) ids.add(id);
  }
  for (const rule of lb.rules) {
    for (const id of rule.overrides?.default_pools ?? []) ids.add(id);
    if (rule.overrides?.fallback_pool !== undefined) ids.add(rule.overrides.fallback_pool);
  }
  return ids;
}

export function monitorReferences(state: State, id: string): Reference[] {
  return [...state.pools.values()]
    .filter((pool) => pool.monitor === id)
    .map((pool) => ({
      reference_type: "referrer",
      resource_id: pool.id,
      resource_name: pool.name,
      resource_type: "pool",
    }));
}

export function poolReferences(state: State, id: string): Reference[] {
  const references: Reference[] = [...state.loadBalancers.values()]
    .filter((lb) => poolsOf(lb).has(id))
    .map((lb) => ({
      reference_type: "referrer",
      resource_id: lb.id,
      resource_name: lb.name,
      resource_type: "load_balancer",
    }));
  const monitor = state.monitors.get(state.pools.get(id)?.monitor ?? "");
  if (monitor !== undefined) {
    references.push({
      reference_type: "referral",
      resource_id: monitor.id,
      resource_name: monitor.description,
      resource_type: "monitor",
    });
  }
  return references;
}

/** An object that others use can't be deleted; sources disagree on the code (API-FACTS 3). */
export function refuseIfInUse(state: State, references: Reference[]): void {
  const referrers = references.filter((reference) => reference.reference_type === "referrer");
  if (referrers.length === 0) return;
  const names = referrers.map((reference) => reference.resource_name).join(", ");
  if (state.switches.inUse === "412/1005") {
    throw new Refusal(412, 1005, `This object is referenced by other objects, delete them first. (${names})`);
  }
  throw new Refusal(400, 1002, `object is still referenced by ${names}: validation failed`);
}
