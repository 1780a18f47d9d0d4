// API-FACTS 7 and 10: which endpoint of a load balancer gets a request.
import type { Ask } from "./exchange.ts";
import { isEndpointHealthy, isPoolHealthy } from "./health-verdict.ts";
import type { LoadBalancer, LoadBalancerRule, Pool, PoolOrigin } from "./objects.ts";
import type { State } from "./state.ts";

export interface Endpoint {
  pool: Pool;
  origin: PoolOrigin;
}

export interface Routing {
  default_pools: string[];
  fallback_pool: string;
  fixedResponse: LoadBalancerRule["fixed_response"] | null;
}

/** A custom rule matches when it has no condition, or names this host or path. */
function ruleMatches(rule: LoadBalancerRule, ask: Ask): boolean {
  if (rule.disabled) return false;
  const condition = rule.condition.trim();
  if (condition === "" || condition === "true") return true;
  const path = ask.path.split("?")[0] ?? "/";
  const values: Record<string, string> = { "http.host": ask.host, "http.request.uri.path": path };
  const parsed = /^\(?\s*(http\.[a-z.]+)\s+(eq|contains)\s+"([^"]*)"\s*\)?$/.exec(condition);
  if (parsed === null) return false;
  const [, field = "", operator, wanted = ""] = parsed;
  const actual = values[field] ?? "";
  return operator === "eq" ? actual === wanted : actual.includes(wanted);
}

export function routingOf(lb: LoadBalancer, ask: Ask): Routing {
  const routing: Routing = {
    default_pools: lb.default_pools,
    fallback_pool: lb.fallback_pool,
    fixedResponse: null,
  };
  for (const rule of lb.rules.toSorted((left, right) => left.priority - right.priority)) {
    if (!ruleMatches(rule, ask)) continue;
    if (rule.fixed_response !== undefined) return { ...routing, fixedResponse: rule.fixed_response };
    routing.default_pools = rule.overrides?.default_pools ?? routing.default_pools;
    routing.fallback_pool = rule.overrides?.fallback_pool ?? routing.fallback_pool;
    if (rule.terminates) break;
  }
  return routing;
}

function usableOrigins(state: State, pool: Pool, healthMatters: boolean): PoolOrigin[] {
  const enabled = pool.origins.filter((origin) => origin.enabled && origin.weight > 0);
  if (!healthMatters || pool.monitor === "") return enabled;
  return enabled.filter((origin) => isEndpointHealthy(state, pool, origin));
}

/** The endpoints in the order in which they would be tried: pools by `default_pools`, then the fallback, whose health is ignored. */
export function chooseEndpoints(state: State, lb: LoadBalancer, ask: Ask): Endpoint[] {
  const routing = routingOf(lb, ask);
  const chosen: Endpoint[] = [];
  for (const id of routing.default_pools) {
    const pool = state.pools.get(id);
    if (pool === undefined || !pool.enabled) continue;
    // Without a monitor health plays no part (API-FACTS 10).
    if (pool.monitor !== "" && isPoolHealthy(state, pool) !== true) continue;
    for (const origin of usableOrigins(state, pool, true)) chosen.push({ pool, origin });
  }
  if (chosen.length > 0) return chosen;
  const fallback = state.pools.get(routing.fallback_pool);
  if (fallback === undefined || !fallback.enabled) return [];
  return usableOrigins(state, fallback, false).map((origin) => ({ pool: fallback, origin }));
}

/** A `__cflb` cookie holds as long as its endpoint is healthy (API-FACTS 16.6). */
export function stickyEndpoint(state: State, lb: LoadBalancer, cookie: string | null): Endpoint | null {
  if (cookie === null || !["cookie", "ip_cookie"].includes(lb.session_affinity)) return null;
  for (const id of new Set([...lb.default_pools, lb.fallback_pool])) {
    const pool = state.pools.get(id);
    if (pool === undefined || !pool.enabled) continue;
    const origin = usableOrigins(state, pool, true).find(
      (candidate) => affinityOf(pool, candidate) === cookie,
    );
    if (origin !== undefined) return { pool, origin };
  }
  return null;
}

/** Opaque to clients. */
export function affinityOf(pool: Pool, origin: PoolOrigin): string {
  return btoa(`${pool.id}/${encodeURIComponent(origin.name)}`).replaceAll("=", "");
}
