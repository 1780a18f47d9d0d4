// Decides who gets a visitor's request for a hostname, and by which rule: as Cloudflare's edge decides it (API-FACTS 7,
// 10 and 11.1).
//
//   asked in this order                                   | then the visitor gets
//   ------------------------------------------------------+---------------------------------------------------
//   an active Pages custom domain has the name            | that project
//   a load balancer has it, enabled, with foreign routing | nobody can tell
//   … a pool of somebody else stands before the others    | nobody can tell
//   … a pool of the order is enabled and healthy          | the first such pool; if it doesn't answer, one retry
//   … the fallback pool is enabled                        | the fallback pool, whose health isn't looked at
//   … no pool is left                                     | error 530 (1016)
//   a DNS record lies underneath                          | what it points at
//   nothing                                               | no answer
import { otherSide, type Side } from "./failover.ts";

export interface EndpointState {
  readonly poolEnabled: boolean;
  readonly originEnabled: boolean;
  /** What Cloudflare's checks say. Unknown counts as unhealthy as long as there is a monitor. */
  readonly health: "healthy" | "unhealthy" | "unknown";
  /** Whether it answers Cloudflare's edge at this very moment; null where nobody knows. */
  readonly answers: boolean | null;
}

/** One of the pair's pools, or somebody else's, of which nothing is known. */
export type PoolOwner = Side | "other";

export interface TrafficState {
  /** True where an enabled load balancer of ours has the hostname. */
  readonly balanced: boolean;
  readonly order: readonly PoolOwner[];
  readonly fallback: PoolOwner;
  readonly endpoints: Readonly<Record<Side, EndpointState>>;
  readonly failoverAcrossPools: boolean;
  /** What the DNS record of the same name points at; null where there is none. */
  readonly underneath: Side | "other" | null;
  /** The endpoint whose Pages project has the hostname as an active custom domain. */
  readonly customDomain: Side | null;
  readonly foreignRouting: readonly string[];
}

export type TrafficRule =
  | "custom-domain"
  | "foreign-routing"
  | "first-healthy-pool"
  | "retry-across-pools"
  | "fallback-pool"
  | "endpoint-error"
  | "no-pool-left"
  | "record-underneath"
  | "nothing-underneath";

export interface Explanation {
  readonly serving: Side | "other" | "none" | "unknown";
  readonly rule: TrafficRule;
  /** Each question that was asked and its answer, as sentences, the deciding one last. */
  readonly path: readonly string[];
  readonly predictable: boolean;
}

const CONDITIONS = {
  load_balancer_disabled: (state) => ({ ...state, balanced: false }),
  order_reversed: (state) => ({ ...state, order: state.order.toReversed() }),
  record_removed: (state) => ({ ...state, underneath: null }),
  primary_down: (state) => withEndpoint(state, "primary", { health: "unhealthy", answers: false }),
  secondary_down: (state) => withEndpoint(state, "secondary", { health: "unhealthy", answers: false }),
  primary_up: (state) => withEndpoint(state, "primary", { health: "healthy", answers: true }),
  secondary_up: (state) => withEndpoint(state, "secondary", { health: "healthy", answers: true }),
  primary_disabled: (state) => withEndpoint(state, "primary", { poolEnabled: false }),
  secondary_disabled: (state) => withEndpoint(state, "secondary", { poolEnabled: false }),
  primary_enabled: (state) => withEndpoint(state, "primary", { poolEnabled: true, originEnabled: true }),
  secondary_enabled: (state) => withEndpoint(state, "secondary", { poolEnabled: true, originEnabled: true }),
} as const satisfies Record<string, (state: TrafficState) => TrafficState>;

export type Condition = keyof typeof CONDITIONS;
export const CONDITION_NAMES = Object.keys(CONDITIONS) as readonly Condition[];

function withEndpoint(state: TrafficState, side: Side, change: Partial<EndpointState>): TrafficState {
  return { ...state, endpoints: { ...state.endpoints, [side]: { ...state.endpoints[side], ...change } } };
}

/** The state as it would be if all of these held. */
export function suppose(state: TrafficState, conditions: readonly Condition[]): TrafficState {
  return conditions.reduce((supposed, condition) => CONDITIONS[condition](supposed), state);
}

/** Where visitors are in the hands of a pool that isn't the pair's. */
function nobodyCanTell(path: readonly string[], found: string): Explanation {
  return { serving: "unknown", rule: "foreign-routing", path: [...path, found], predictable: false };
}

function canBeChosen({ poolEnabled, originEnabled, health }: EndpointState): boolean {
  return poolEnabled && originEnabled && health === "healthy";
}

function whyNot(side: Side, { poolEnabled, originEnabled, health }: EndpointState): string {
  if (!poolEnabled) return `the ${side} pool is disabled`;
  if (!originEnabled) return `the ${side} pool's endpoint is disabled`;
  return health === "unknown"
    ? `Cloudflare has no health of the ${side} endpoint, which counts as unhealthy`
    : `Cloudflare finds the ${side} endpoint unhealthy`;
}

/** Whom zero-downtime failover asks once more when the chosen endpoint gives a connection error. */
function retryTarget(state: TrafficState, first: Side): Side | null {
  if (!state.failoverAcrossPools) return null;
  const other = otherSide(first);
  const { poolEnabled, originEnabled } = state.endpoints[other];
  const isCandidate = state.order.includes(other) && canBeChosen(state.endpoints[other]);
  return isCandidate || (state.fallback === other && poolEnabled && originEnabled) ? other : null;
}

function served(
  state: TrafficState,
  side: Side,
  rule: "first-healthy-pool" | "fallback-pool",
  path: readonly string[],
): Explanation {
  const { answers } = state.endpoints[side];
  if (answers !== false) return { serving: side, rule, path, predictable: true };
  const failing = [...path, `but the ${side} endpoint doesn't answer at this moment`];
  if (state.failoverAcrossPools && state.order.includes("other"))
    return nobodyCanTell(failing, "and a pool of somebody else may be tried next, so nobody can tell");
  const target = rule === "first-healthy-pool" ? retryTarget(state, side) : null;
  if (target !== null && state.endpoints[target].answers !== false) {
    return {
      serving: target,
      rule: "retry-across-pools",
      path: [
        ...failing,
        `so the request is tried once more at the ${target} endpoint (failover_across_pools)`,
      ],
      predictable: true,
    };
  }
  const why =
    target === null ? "and there is no other pool to try" : `and neither does the ${target} endpoint`;
  return {
    serving: "none",
    rule: "endpoint-error",
    path: [...failing, `${why}: visitors get an error`],
    predictable: true,
  };
}

function balance(state: TrafficState): Explanation {
  const path = ["an enabled load balancer has the hostname"];
  if (state.foreignRouting.length > 0) {
    const found = `somebody else's routing comes first (${state.foreignRouting.join("; ")}), so nobody can tell`;
    return nobodyCanTell(path, found);
  }
  for (const side of state.order) {
    if (side === "other")
      return nobodyCanTell(path, "a pool of somebody else comes next in the order, so nobody can tell");
    if (canBeChosen(state.endpoints[side])) {
      const found = `the ${side} pool is the first one that is enabled and healthy`;
      return served(state, side, "first-healthy-pool", [...path, found]);
    }
    path.push(whyNot(side, state.endpoints[side]));
  }
  const { fallback } = state;
  if (fallback === "other")
    return nobodyCanTell(path, "no pool is left but the fallback pool, which is somebody else's");
  const { poolEnabled, originEnabled } = state.endpoints[fallback];
  if (poolEnabled && originEnabled) {
    const found = `no pool is left, so the fallback pool, the ${fallback}, serves whatever its health`;
    return served(state, fallback, "fallback-pool", [...path, found]);
  }
  const found = "the fallback pool is disabled as well: visitors get error 530 (1016)";
  return { serving: "none", rule: "no-pool-left", path: [...path, found], predictable: true };
}

/** Who gets a visitor without an affinity cookie. */
export function explainTraffic(state: TrafficState): Explanation {
  const { customDomain, underneath } = state;
  if (customDomain !== null) {
    const path = [
      `the hostname is an active custom domain of the ${customDomain}'s Pages project, which comes first`,
    ];
    return { serving: customDomain, rule: "custom-domain", path, predictable: true };
  }
  if (state.balanced) return balance(state);
  const path = ["no enabled load balancer has the hostname"];
  if (underneath === null) {
    const found = "and there is no DNS record underneath: the name doesn't resolve";
    return { serving: "none", rule: "nothing-underneath", path: [...path, found], predictable: true };
  }
  if (underneath === "other") {
    const found = "the DNS record underneath answers, which points at neither endpoint";
    return { serving: "other", rule: "record-underneath", path: [...path, found], predictable: true };
  }
  const found = `the DNS record underneath points at the ${underneath} endpoint`;
  const isUp = state.endpoints[underneath].answers !== false;
  const dead = `the ${underneath} endpoint doesn't answer: visitors get an error`;
  return isUp
    ? { serving: underneath, rule: "record-underneath", path: [...path, found], predictable: true }
    : { serving: "none", rule: "record-underneath", path: [...path, found, dead], predictable: true };
}
