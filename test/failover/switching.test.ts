// Every state of a pair, and every way of switching over in it: no permitted one leaves visitors without an endpoint.
import { describe, expect, test } from "vitest";
import { explainTraffic, type EndpointState, type TrafficState } from "../../src/failover/explain.ts";
import { otherSide, SIDES, type Side } from "../../src/failover/failover.ts";
import { guardFreeze, guardSwitch, type SwitchFacts } from "../../src/failover/guards.ts";
import {
  activeNow,
  leasesInForce,
  pausedUntil,
  restoredLeases,
  type Lease,
} from "../../src/failover/leases.ts";
import type { SideHealth, Verdict } from "../../src/failover/results.ts";

const BOOLEANS = [true, false];
const HEALTHS = ["healthy", "unhealthy", "unknown"] as const;

function* endpointStates(): Generator<EndpointState> {
  for (const poolEnabled of BOOLEANS)
    for (const originEnabled of BOOLEANS)
      for (const health of HEALTHS)
        for (const answers of [true, false, null]) yield { poolEnabled, originEnabled, health, answers };
}

function sideHealth(verdict: Verdict): SideHealth {
  const witness = { witness: "cloudflare", verdict, since: 0, observedAt: 0, detail: null } as const;
  return { verdict, since: 0, witnesses: [witness] };
}

/** Independently of explain: somebody is there whom health steers to. */
const canServe = ({ poolEnabled, originEnabled, health }: EndpointState): boolean =>
  poolEnabled && originEnabled && health === "healthy";

function switchFacts(state: TrafficState, to: Side, active: Side): SwitchFacts {
  return {
    to,
    active,
    expected: undefined,
    unreadable: null,
    after: explainTraffic({ ...state, balanced: true, order: [to, otherSide(to)] }),
    endpoints: state.endpoints,
    health: {
      primary: sideHealth(state.endpoints.primary.health),
      secondary: sideHealth(state.endpoints.secondary.health),
    },
    probeSucceededBefore: { primary: false, secondary: false },
    foreign: [],
  };
}

describe("switching over", () => {
  test("is never permitted where no enabled, healthy endpoint would be left, nor towards one that isn't", () => {
    let states = 0;
    let permitted = 0;
    for (const primary of endpointStates())
      for (const secondary of endpointStates())
        for (const fallback of SIDES)
          for (const failoverAcrossPools of BOOLEANS)
            for (const active of SIDES)
              for (const to of SIDES) {
                states += 1;
                const state: TrafficState = {
                  balanced: true,
                  order: [active, otherSide(active)],
                  fallback,
                  endpoints: { primary, secondary },
                  failoverAcrossPools,
                  underneath: null,
                  customDomain: null,
                  foreignRouting: [],
                };
                const refusals = guardSwitch(switchFacts(state, to, active));
                if (refusals.length > 0) continue;
                permitted += 1;
                expect(canServe(state.endpoints[to])).toBe(true);
                // With a dead connection at this very moment the other one has to catch it.
                const { serving } = explainTraffic({ ...state, order: [to, otherSide(to)] });
                expect(["primary", "secondary"]).toContain(serving);
              }
    console.log(
      `${states} states of a pair and ways of switching over: ${permitted} permitted, none leaves nobody`,
    );
    expect(permitted).toBeGreaterThan(1000);
  });

  test("is refused by name for every reason at once", () => {
    const down: EndpointState = {
      poolEnabled: false,
      originEnabled: true,
      health: "unhealthy",
      answers: false,
    };
    const state: TrafficState = {
      balanced: true,
      order: ["primary", "secondary"],
      fallback: "secondary",
      endpoints: { primary: down, secondary: down },
      failoverAcrossPools: true,
      underneath: null,
      customDomain: null,
      foreignRouting: [],
    };
    const facts = { ...switchFacts(state, "secondary", "primary"), expected: "secondary" as const };
    const guards = [...guardSwitch(facts), ...guardFreeze({ reason: "audit", frozenAt: 0 })];
    expect(guards.map(({ guard }) => guard)).toStrictEqual([
      "revision-mismatch",
      "target-not-ready",
      "target-not-ready",
      "no-healthy-target",
      "frozen",
    ]);
  });
});

describe("a lease", () => {
  test("that something ended in vain is in force again until its deadline, a drill's is not", () => {
    const ended = [lease({}), lease({ id: "le_2", kind: "drill" })];
    expect(restoredLeases(ended, 999)).toStrictEqual([lease({ version: 2 })]);
    expect(restoredLeases(ended, 1000)).toStrictEqual([]);
  });

  const lease = (given: Partial<Lease>): Lease => ({
    id: "le_1",
    failoverId: "fo_1",
    kind: "switchover",
    version: 1,
    active: "secondary",
    reason: "trying",
    origin: { actor: { kind: "token", name: "admin" }, requestId: null },
    startedAt: 0,
    expiresAt: 1000,
    ...given,
  });

  test.each<[settled: Side, leases: readonly Lease[], now: number, active: Side]>([
    ["primary", [], 0, "primary"],
    ["primary", [lease({})], 999, "secondary"],
    ["primary", [lease({})], 1000, "primary"],
    ["secondary", [lease({ active: "primary" })], 10, "primary"],
    ["primary", [lease({ kind: "pause", active: null })], 10, "primary"],
    ["primary", [lease({ expiresAt: 5 }), lease({ kind: "pause", active: null })], 10, "primary"],
  ])("over the settled %s, %j at %i: the %s stands first", (settled, leases, now, active) => {
    expect(activeNow(settled, leases, now)).toBe(active);
  });

  test("counts until its deadline and not at it", () => {
    const pause = lease({ kind: "pause", active: null });
    expect(pausedUntil([pause], 999)).toBe(1000);
    expect(pausedUntil([pause], 1000)).toBeNull();
    expect(leasesInForce([pause, lease({})], 1000)).toStrictEqual([]);
    expect(pausedUntil([lease({})], 10)).toBeNull();
  });
});
