// API-FACTS 10: when pools are checked, and how results settle.
import { checkEndpoint } from "./health-check.ts";
import type { Monitor, PlaceResult, Pool, PoolHealth } from "./objects.ts";
import { PLACES, regionsOf } from "./plans.ts";
import type { State } from "./state.ts";

/** The monitor by which a pool is checked now; disabled pools aren't checked. */
function monitorOf(state: State, pool: Pool): Monitor | undefined {
  return pool.enabled && pool.monitor !== "" ? state.monitors.get(pool.monitor) : undefined;
}

/** After any write: health is forgotten where checks stopped, and starts as unknown for one interval where they begin. */
export function followWrites(state: State, now: number): void {
  for (const id of state.health.keys()) if (!state.pools.has(id)) state.health.delete(id);
  for (const pool of state.pools.values()) {
    const monitor = monitorOf(state, pool);
    const health = state.health.get(pool.id);
    if (monitor === undefined) {
      if (health !== undefined) state.health.delete(pool.id);
      continue;
    }
    const firstAt = now + monitor.interval * 1000;
    if (health === undefined || health.monitorId !== monitor.id) {
      state.health.set(pool.id, { monitorId: monitor.id, nextCheckAt: firstAt, places: {} });
    } else {
      health.nextCheckAt = Math.min(health.nextCheckAt, firstAt);
      forgetGone(pool, health);
    }
  }
}

function forgetGone(pool: Pool, health: PoolHealth): void {
  const checked = new Map(
    pool.origins.map((origin) => [origin.name, origin.enabled ? origin.address : null]),
  );
  const places = new Set(regionsOf(pool.check_regions).flatMap((region) => PLACES[region] ?? []));
  for (const [place, results] of Object.entries(health.places)) {
    if (!places.has(place)) delete health.places[place];
    for (const [name, result] of Object.entries(results)) {
      if (checked.get(name) !== result.address) delete results[name];
    }
  }
}

/** `consecutive_up` and `consecutive_down` delay the flip; unknown counts as down. */
function settle(
  before: PlaceResult | undefined,
  passed: boolean,
  monitor: Monitor,
): Pick<PlaceResult, "healthy" | "ups" | "downs"> {
  const ups = passed ? (before?.ups ?? 0) + 1 : 0;
  const downs = passed ? 0 : (before?.downs ?? 0) + 1;
  const was = before?.healthy ?? false;
  if (passed) return { healthy: was || ups >= Math.max(1, monitor.consecutive_up), ups, downs };
  return { healthy: was && downs < Math.max(1, monitor.consecutive_down), ups, downs };
}

function checkPool(state: State, now: number, pool: Pool, monitor: Monitor, health: PoolHealth): void {
  for (const region of regionsOf(pool.check_regions)) {
    for (const place of PLACES[region] ?? []) {
      const results = (health.places[place] ??= {});
      for (const origin of pool.origins) {
        if (!origin.enabled) continue;
        const check = checkEndpoint(state, now, monitor, pool, origin, [region, place]);
        results[origin.name] = {
          ...settle(results[origin.name], check.healthy, monitor),
          address: origin.address,
          reason: check.reason,
          responseCode: check.responseCode,
          rttMs: check.rttMs,
        };
      }
    }
  }
}

/** After this many checks of an unchanged world nothing changes any more. */
function checksToSettle(monitor: Monitor): number {
  return Math.max(1, monitor.consecutive_up, monitor.consecutive_down);
}

export function runDueChecks(state: State, now: number): void {
  followWrites(state, now);
  for (const pool of state.pools.values()) {
    const monitor = monitorOf(state, pool);
    const health = state.health.get(pool.id);
    if (monitor === undefined || health === undefined || health.nextCheckAt > now) continue;
    const intervalMs = monitor.interval * 1000;
    const due = Math.floor((now - health.nextCheckAt) / intervalMs) + 1;
    for (let check = 0; check < Math.min(due, checksToSettle(monitor)); check += 1) {
      checkPool(state, now, pool, monitor, health);
    }
    health.nextCheckAt += due * intervalMs;
  }
}

/** What the health of every pool would be if the endpoints had been as they are now for long. */
export function settleHealth(state: State, now: number): void {
  followWrites(state, now);
  for (const pool of state.pools.values()) {
    const monitor = monitorOf(state, pool);
    const health = state.health.get(pool.id);
    if (monitor === undefined || health === undefined) continue;
    for (let check = 0; check < checksToSettle(monitor); check += 1)
      checkPool(state, now, pool, monitor, health);
    health.nextCheckAt = now + monitor.interval * 1000;
  }
}
