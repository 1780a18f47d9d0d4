// API-FACTS 7: what Cloudflare fills in and refuses when a load balancer is written, and how it reads back (9).
import { isHostname, isInZone } from "../addresses.ts";
import { customDomainProject } from "../dns.ts";
import { newId, timestamp } from "../identity.ts";
import type { LoadBalancer, LoadBalancerRule, PoolMap, Zone } from "../objects.ts";
import type { State } from "../state.ts";
import { asBody, choice, flag, number, object, text, texts, whole, type Body } from "./body.ts";
import { unknownReference } from "./pool-rules.ts";
import { invalid, notUnique } from "./refusal.ts";

const STEERING = [
  "",
  "off",
  "geo",
  "random",
  "dynamic_latency",
  "proximity",
  "least_outstanding_requests",
  "least_connections",
];
const AFFINITY = ["", "none", "cookie", "ip_cookie", "header"];

function nameOf(state: State, body: Body, zone: Zone): string {
  const sent = text(body, "name", "");
  const lower = sent.toLowerCase().replace(/\.$/, "");
  const full = lower.startsWith("*.") ? lower.slice(2) : lower;
  if (!isHostname(full) || !isInZone(full, zone.name)) throw invalid(`invalid hostname: ${sent}`);
  return state.switches.lowercaseNames ? lower : sent;
}

function checkUnique(state: State, zone: Zone, name: string, before: LoadBalancer | undefined): void {
  const lower = name.toLowerCase();
  const taken = [...state.loadBalancers.values()].some(
    (lb) => lb.zone_id === zone.id && lb.name.toLowerCase() === lower && lb.id !== before?.id,
  );
  // Seen for create; open for a rename (API-FACTS 7).
  const renaming = before !== undefined;
  if (taken && !(renaming && state.switches.renameOntoTaken === "allowed")) throw notUnique();
  if (renaming && before.name !== name && state.switches.renameOntoTaken === "refused") {
    if (customDomainProject(state, lower) !== null && !state.switches.pagesCustomDomainBeatsLb)
      throw notUnique();
  }
}

function knownPools(state: State, ids: string[]): string[] {
  for (const id of ids) if (!state.pools.has(id)) throw unknownReference(state, `pool ${id}`);
  return ids;
}

function poolMap(state: State, body: Body, member: string): PoolMap {
  const map: PoolMap = {};
  const sent = object(body, member);
  for (const code of Object.keys(sent)) map[code] = knownPools(state, texts(sent, code));
  return map;
}

function fillRule(state: State, sent: unknown, index: number): LoadBalancerRule {
  const body = asBody(sent);
  const name = text(body, "name", "");
  if (name === "" || name.length > 200) throw invalid("rule name must have 1 to 200 characters");
  const rule: LoadBalancerRule = {
    name,
    condition: text(body, "condition", ""),
    disabled: flag(body, "disabled", false),
    // The priority is assigned from the order (API-FACTS 9).
    priority: whole(body, "priority", index * 10),
    terminates: flag(body, "terminates", false),
  };
  if (body["fixed_response"] !== undefined) rule.fixed_response = object(body, "fixed_response");
  if (body["overrides"] !== undefined) {
    const overrides = object(body, "overrides");
    knownPools(state, texts(overrides, "default_pools"));
    rule.overrides = overrides;
  }
  return rule;
}

function fillRules(state: State, body: Body): LoadBalancerRule[] {
  const sent = body["rules"] ?? [];
  if (!Array.isArray(sent)) throw invalid("rules must be a list");
  const rules = sent.map((rule, index) => fillRule(state, rule, index));
  if (new Set(rules.map((rule) => rule.priority)).size < rules.length) throw notUnique();
  return rules;
}

function affinityTtl(body: Body, affinity: string): number {
  if (affinity === "none") return 0;
  const sent = body["session_affinity_ttl"] ?? 0;
  if (sent === 0) return affinity === "header" ? 1800 : 82800;
  return affinity === "header"
    ? number(body, "session_affinity_ttl", 1800, 30, 3600)
    : number(body, "session_affinity_ttl", 82800, 1800, 604800);
}

function weightsOf(random: Body): Record<string, number> {
  const sent = object(random, "pool_weights");
  return Object.fromEntries(Object.keys(sent).map((id) => [id, number(sent, id, 1, 0, 1)]));
}

export function fillLoadBalancer(
  state: State,
  now: number,
  zone: Zone,
  body: Body,
  before?: LoadBalancer,
): LoadBalancer {
  const name = nameOf(state, body, zone);
  checkUnique(state, zone, name, before);
  const defaultPools = knownPools(state, texts(body, "default_pools"));
  if (defaultPools.length === 0) throw invalid("default_pools is required");
  const fallbackPool = text(body, "fallback_pool", "");
  if (fallbackPool === "") throw invalid("fallback_pool is required");
  knownPools(state, [fallbackPool]);
  const proxied = flag(body, "proxied", false);
  const maps = {
    region_pools: poolMap(state, body, "region_pools"),
    country_pools: poolMap(state, body, "country_pools"),
    pop_pools: poolMap(state, body, "pop_pools"),
  };
  const geo = Object.values(maps).some((map) => Object.keys(map).length > 0);
  const affinity = choice(body, "session_affinity", "none", AFFINITY) || "none";
  const random = object(body, "random_steering");
  const id = before?.id ?? newId(state);
  const at = timestamp(state, now);
  const poolWeights = weightsOf(random);
  return {
    id,
    zone_id: zone.id,
    zone_name: zone.name,
    name,
    description: text(body, "description", ""),
    enabled: flag(body, "enabled", true),
    proxied,
    ttl: proxied ? 30 : whole(body, "ttl", 30),
    default_pools: defaultPools,
    fallback_pool: fallbackPool,
    // "" is resolved by the server (API-FACTS 7).
    steering_policy: choice(body, "steering_policy", "", STEERING) || (geo ? "geo" : "off"),
    session_affinity: affinity,
    session_affinity_ttl: affinityTtl(body, affinity),
    session_affinity_attributes: {
      samesite: "Auto",
      secure: "Auto",
      zero_downtime_failover: "none",
      ...object(body, "session_affinity_attributes"),
    },
    adaptive_routing: {
      failover_across_pools: flag(object(body, "adaptive_routing"), "failover_across_pools", false),
    },
    location_strategy: {
      mode: choice(object(body, "location_strategy"), "mode", "pop", ["pop", "resolver_ip"]),
      prefer_ecs: text(object(body, "location_strategy"), "prefer_ecs", "proximity"),
    },
    random_steering: {
      default_weight: Math.round(number(random, "default_weight", 1, 0, 1) * 10) / 10,
      ...(random["pool_weights"] === undefined ? {} : { pool_weights: poolWeights }),
    },
    ...maps,
    rules: fillRules(state, body),
    ...(body["pool_sets"] === undefined ? {} : { pool_sets: body["pool_sets"] }),
    networks: before?.networks ?? ["cloudflare"],
    created_on: before?.created_on ?? at,
    modified_on: at,
  };
}

export function presentLoadBalancer(state: State, lb: LoadBalancer): Record<string, unknown> {
  const { zone_id: _zone, ...shown } = lb;
  const presented: Record<string, unknown> = shown;
  for (const member of ["region_pools", "country_pools", "pop_pools"] as const) {
    if (Object.keys(lb[member]).length > 0) continue;
    if (state.switches.nullMaps === "absent") delete presented[member];
    else presented[member] = state.switches.nullMaps === "null" ? null : {};
  }
  if (lb.session_affinity_ttl === 0) delete presented["session_affinity_ttl"];
  return presented;
}
