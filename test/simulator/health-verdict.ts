// API-FACTS 10: from the results of places to the state of an endpoint and of a pool.
import type { Pool, PoolOrigin } from "./objects.ts";
import { PLACES, regionsOf } from "./plans.ts";
import type { State } from "./state.ts";

function majority(votes: boolean[]): boolean {
  return votes.filter(Boolean).length * 2 > votes.length;
}

/** null = no result yet. With all data centres their plain majority counts, otherwise the majority of the regions. */
export function endpointVerdict(state: State, pool: Pool, origin: PoolOrigin): boolean | null {
  const health = state.health.get(pool.id);
  if (health === undefined) return null;
  const everywhere: boolean[] = [];
  const regions: boolean[] = [];
  for (const region of regionsOf(pool.check_regions)) {
    const votes = (PLACES[region] ?? []).flatMap((place) => {
      const result = health.places[place]?.[origin.name];
      return result === undefined ? [] : [result.healthy];
    });
    if (votes.length === 0) continue;
    everywhere.push(...votes);
    regions.push(majority(votes));
  }
  if (everywhere.length === 0) return null;
  const all = pool.check_regions === null || pool.check_regions.includes("ALL_REGIONS");
  return majority(all ? everywhere : regions);
}

/** With a monitor but no results yet, an endpoint counts as down. */
export function isEndpointHealthy(state: State, pool: Pool, origin: PoolOrigin): boolean {
  return endpointVerdict(state, pool, origin) === true;
}

/** null = unknown: no monitor, disabled, or no result yet. */
export function isPoolHealthy(state: State, pool: Pool): boolean | null {
  if (!pool.enabled || pool.monitor === "") return null;
  const verdicts = pool.origins
    .filter((origin) => origin.enabled)
    .map((origin) => endpointVerdict(state, pool, origin));
  if (verdicts.every((verdict) => verdict === null)) return null;
  return verdicts.filter((verdict) => verdict === true).length >= pool.minimum_origins;
}
