// API-FACTS 6.1 and 6.2: the shapes of health and preview results.
import { checkEndpoint, type CheckResult } from "../health-check.ts";
import type { PlaceResult, Pool, Preview } from "../objects.ts";
import { PLACES, regionsOf } from "../plans.ts";
import type { State } from "../state.ts";

function coloOf(place: string): string {
  return place
    .replaceAll(/[^A-Za-z]/g, "")
    .slice(0, 3)
    .toUpperCase();
}

function resultOf(
  result: Pick<CheckResult, "healthy" | "reason" | "responseCode" | "rttMs">,
): Record<string, unknown> {
  return {
    healthy: result.healthy,
    failure_reason: result.healthy ? "No failures" : result.reason,
    rtt: result.rttMs === 0 ? "0" : `${result.rttMs}ms`,
    // Absent where no HTTP answer arrived.
    ...(result.responseCode === 0 ? {} : { response_code: result.responseCode }),
  };
}

function placeOf(pool: Pool, place: string, results: Record<string, PlaceResult>): Record<string, unknown> {
  const origins = pool.origins.flatMap((origin) => {
    const result = results[origin.name];
    // The key is the address as probed, not the endpoint's name.
    return result === undefined ? [] : [{ [origin.address]: resultOf(result) }];
  });
  const up = Object.values(results).filter((result) => result.healthy).length;
  return { healthy: up >= pool.minimum_origins, colo_id: coloOf(place), origins };
}

export function presentPoolHealth(state: State, pool: Pool): Record<string, unknown> {
  const places = Object.entries(state.health.get(pool.id)?.places ?? {}).filter(
    ([, results]) => Object.keys(results).length > 0,
  );
  if (places.length === 0) {
    if (state.switches.emptyHealth === "absent") return { pool_id: pool.id };
    return { pool_id: pool.id, pop_health: state.switches.emptyHealth === "null" ? null : {} };
  }
  const shown = places.map(([place, results]) => [place, placeOf(pool, place, results)] as const);
  if (state.switches.healthShape === "map")
    return { pool_id: pool.id, pop_health: Object.fromEntries(shown) };
  // The form that the 2026 schema describes: one object, origins[].ip (API-FACTS 6.1).
  const [, results = {}] = places[0] ?? [];
  const origins = pool.origins.flatMap((origin) => {
    const result = results[origin.name];
    return result === undefined ? [] : [{ ip: { address: origin.address, ...resultOf(result) } }];
  });
  return { pool_id: pool.id, pop_health: { healthy: shown[0]?.[1]["healthy"], origins } };
}

/** Empty until the checks have finished. */
export function presentPreview(state: State, now: number, preview: Preview): Record<string, unknown> {
  if (now < preview.readyAt) return {};
  const shown: Record<string, unknown> = {};
  for (const id of preview.poolIds) {
    const pool = state.pools.get(id);
    if (pool === undefined) continue;
    const region = regionsOf(pool.check_regions)[0] ?? "WEU";
    const checks = pool.origins.map((origin) => {
      const place = [region, PLACES[region]?.[0] ?? ""] as const;
      return { origin, check: checkEndpoint(state, now, preview.monitor, pool, origin, place) };
    });
    shown[id] = {
      healthy: checks.filter(({ check }) => check.healthy).length >= pool.minimum_origins,
      origins: checks.map(({ origin, check }) => ({ [previewKey(origin.address)]: resultOf(check) })),
    };
  }
  return shown;
}

/** Previews write hostnames with a trailing dot. */
function previewKey(address: string): string {
  return /[a-z]/i.test(address) && !address.includes(":") ? `${address}.` : address;
}
