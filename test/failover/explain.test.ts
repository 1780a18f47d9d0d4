import { describe, expect, it } from "vitest";
import type { Side } from "../../src/failover/failover.ts";
import {
  CONDITION_NAMES,
  explainTraffic,
  suppose,
  type EndpointState,
  type TrafficState,
} from "../../src/failover/explain.ts";
import { aBench, buildFailover } from "../simulator/failover-setup.ts";

const BOTH = [true, false] as const;
const HEALTH = ["healthy", "unhealthy", "unknown"] as const;
const SIDES: readonly Side[] = ["primary", "secondary"];
const UNDERNEATH = ["primary", "other", null] as const;
const ADDRESS = { primary: "origin.example.net", secondary: "standin.example.net" } as const;

const everything = (change: Partial<EndpointState> = {}): EndpointState => ({
  poolEnabled: true,
  originEnabled: true,
  health: "healthy",
  answers: true,
  ...change,
});

const aState = (change: Partial<TrafficState> = {}): TrafficState => ({
  balanced: true,
  order: ["primary", "secondary"],
  fallback: "secondary",
  endpoints: { primary: everything(), secondary: everything() },
  failoverAcrossPools: true,
  underneath: "primary",
  customDomain: null,
  foreignRouting: [],
  ...change,
});

/** A state in which every pool is one of the pair's, as it can be set in an account with no others. */
type PairState = TrafficState & { readonly order: readonly Side[]; readonly fallback: Side };

/** A Cloudflare account whose every lever of one failover can be set at will. */
async function aWorld() {
  const bench = aBench();
  const { world } = bench.simulator;
  world.addOrigin({ address: ADDRESS.secondary, title: "Secondary" });
  world.addOrigin({ address: "elsewhere.example.net", title: "Elsewhere" });
  const built = await buildFailover(bench, { lb: { name: "www.example.com" } });
  const record = [...world.dnsRecords.values()].find(({ name }) => name === "www.example.com");
  if (record === undefined) throw new Error("the example has no DNS record for www");
  const pools = { primary: built.primary, secondary: built.secondary };
  world.edit("pool", pools.secondary, {
    origins: [{ name: "one", address: ADDRESS.secondary, enabled: true, weight: 1 }],
  });
  const id = (side: Side) => pools[side];

  /** Health is what the last checks found, whatever the endpoint does now. */
  function setHealth(health: Record<Side, EndpointState["health"]>): void {
    for (const side of SIDES) {
      world.origin(ADDRESS[side]).up = health[side] === "healthy";
      const origins =
        world.pools.get(id(side))?.origins.map((origin) => ({ ...origin, enabled: true })) ?? [];
      world.edit("pool", id(side), { enabled: true, origins });
    }
    world.settleHealth();
    for (const side of SIDES) {
      if (health[side] !== "unknown") continue;
      world.edit("pool", id(side), { enabled: false });
      world.edit("pool", id(side), { enabled: true });
    }
  }

  function set(state: PairState): void {
    for (const side of SIDES) {
      const pool = world.pools.get(id(side));
      const [origin] = pool?.origins ?? [];
      if (pool === undefined || origin === undefined) throw new Error(`no ${side} pool`);
      pool.enabled = state.endpoints[side].poolEnabled;
      origin.enabled = state.endpoints[side].originEnabled;
      world.origin(ADDRESS[side]).up = state.endpoints[side].answers === true;
    }
    const lb = world.loadBalancers.get(built.lb);
    if (lb === undefined) throw new Error("no load balancer");
    lb.enabled = state.balanced;
    lb.default_pools = state.order.map(id);
    lb.fallback_pool = id(state.fallback);
    lb.adaptive_routing = { failover_across_pools: state.failoverAcrossPools };
    world.dnsRecords.delete(record?.id ?? "");
    if (state.underneath === null || record === undefined) return;
    const content = state.underneath === "other" ? "elsewhere.example.net" : ADDRESS[state.underneath];
    world.dnsRecords.set(record.id, { ...record, content });
  }

  function seen(): Side | "other" | "none" {
    const { status, body } = world.visit("https://www.example.com/");
    if (status !== 200) return "none";
    if (body.includes("Elsewhere")) return "other";
    return body.includes("Secondary") ? "secondary" : "primary";
  }
  return { setHealth, set, seen };
}

function* endpointStates(health: EndpointState["health"]): Generator<EndpointState> {
  for (const poolEnabled of BOTH) {
    for (const originEnabled of BOTH) {
      for (const answers of BOTH) yield { poolEnabled, originEnabled, health, answers };
    }
  }
}

function* statesWith(health: Record<Side, EndpointState["health"]>): Generator<PairState> {
  for (const primary of endpointStates(health.primary)) {
    for (const secondary of endpointStates(health.secondary)) {
      for (const balanced of BOTH) {
        for (const order of [SIDES, SIDES.toReversed()]) {
          for (const fallback of SIDES) {
            for (const failoverAcrossPools of BOTH) {
              for (const underneath of UNDERNEATH) {
                const endpoints = { primary, secondary };
                const state = aState({ balanced, endpoints, failoverAcrossPools, underneath });
                yield { ...state, order, fallback };
              }
            }
          }
        }
      }
    }
  }
}

describe("explaining who serves", () => {
  it("agrees with Cloudflare's edge in every state of order, pools, health, fallback, outage and DNS", async () => {
    const world = await aWorld();
    let states = 0;
    for (const primary of HEALTH) {
      for (const secondary of HEALTH) {
        world.setHealth({ primary, secondary });
        for (const state of statesWith({ primary, secondary })) {
          world.set(state);
          states += 1;
          const { serving, path } = explainTraffic(state);
          const seen = world.seen();
          if (serving !== seen)
            expect.fail(`${JSON.stringify(state)}: the edge serves ${seen}, but ${path.join("; ")}`);
        }
      }
    }
    console.log(`explain agrees with the simulated edge in ${states} states`);
    expect(states).toBe(9 * 64 * 48);
  });

  it("can't predict where somebody else's routing comes first, and says so", () => {
    const explained = explainTraffic(aState({ foreignRouting: ["rules on the load balancer"] }));
    expect(explained).toMatchObject({ serving: "unknown", rule: "foreign-routing", predictable: false });
    expect(explained.path.at(-1)).toContain("rules on the load balancer");
  });

  it.each([
    ["stands first", { order: ["other", "primary", "secondary"] }, "unknown"],
    ["stands last, and is not reached", { order: ["primary", "secondary", "other"] }, "primary"],
    ["may be tried when the first one fails", { order: ["primary", "other"], answers: false }, "unknown"],
    ["is the fallback, and is not reached", { fallback: "other" }, "primary"],
    ["is the fallback, and is all that is left", { fallback: "other", health: "unhealthy" }, "unknown"],
  ] as const)("knows nothing of somebody else's pool where it %s", (_, given, serving) => {
    const {
      health = "healthy",
      answers = true,
      ...change
    } = { health: undefined, answers: undefined, ...given };
    const endpoint = everything({ health, answers });
    const state = aState({ ...change, endpoints: { primary: endpoint, secondary: endpoint } });
    expect(explainTraffic(state)).toMatchObject({ serving, predictable: serving !== "unknown" });
  });

  it("lets an active Pages custom domain come before the load balancer", () => {
    const explained = explainTraffic(aState({ customDomain: "secondary" }));
    expect(explained).toMatchObject({ serving: "secondary", rule: "custom-domain", predictable: true });
  });
});

describe("supposing", () => {
  const down = ["primary_down"] as const;

  it.each([
    [[], "primary", "first-healthy-pool"],
    [down, "secondary", "first-healthy-pool"],
    [[...down, "secondary_down"], "none", "endpoint-error"],
    [[...down, "secondary_disabled"], "none", "no-pool-left"],
    [["order_reversed"], "secondary", "first-healthy-pool"],
    [["load_balancer_disabled"], "primary", "record-underneath"],
    [["load_balancer_disabled", ...down], "none", "record-underneath"],
    [["load_balancer_disabled", "record_removed"], "none", "nothing-underneath"],
    [[...down, "primary_up"], "primary", "first-healthy-pool"],
  ] as const)("with %j it is %s by %s", (conditions, serving, rule) => {
    expect(explainTraffic(suppose(aState(), conditions))).toMatchObject({ serving, rule });
  });

  it("leaves what it was given as it was, and every condition changes something somewhere", () => {
    const reversed = aState({
      order: ["secondary", "primary"],
      endpoints: {
        primary: everything({ poolEnabled: false, health: "unknown", answers: null }),
        secondary: everything({ poolEnabled: false, health: "unknown", answers: null }),
      },
    });
    for (const name of CONDITION_NAMES) {
      const before = structuredClone(aState());
      const given = aState();
      const changes = [given, reversed].some(
        (state) => JSON.stringify(suppose(state, [name])) !== JSON.stringify(state),
      );
      expect({ name, changes }).toEqual({ name, changes: true });
      expect(given).toEqual(before);
    }
  });
});
