// Every state of a failover and everything that may move its visitors: no permitted move leaves them without an enabled,
// healthy target.
import { expect, test } from "vitest";
import { guardDrillStart } from "../../src/failover/drill-start.ts";
import {
  explainTraffic,
  suppose,
  type EndpointState,
  type TrafficState,
} from "../../src/failover/explain.ts";
import { otherSide, SIDES, type Side, type Stage } from "../../src/failover/failover.ts";
import { decideFailback } from "../../src/failover/failback.ts";
import { guardFreeze, guardPromotion, guardSwitch, guardUnderneath } from "../../src/failover/guards.ts";
import { activeNow, disabledNow, type Lease } from "../../src/failover/leases.ts";
import type { SideHealth, Verdict } from "../../src/failover/results.ts";
import { aFailover, aSpec } from "./builders.ts";

const NOW = 1_000_000;
const BOOLEANS = [true, false];
const HEALTHS = ["healthy", "unhealthy", "unknown"] as const;
const LEASES = ["none", "switchover", "drill by reordering", "drill by disabling", "pause"] as const;
const ORIGIN = { actor: { kind: "token", name: "ann" }, requestId: null } as const;

interface State {
  readonly stage: Stage;
  readonly settled: Side;
  readonly pools: Readonly<Record<Side, boolean>>;
  readonly health: Readonly<Record<Side, Exclude<Verdict, "flapping">>>;
  readonly fallback: Side;
  readonly lease: (typeof LEASES)[number];
  readonly frozen: boolean;
}

function* everyState(): Generator<State> {
  for (const stage of ["draft", "testing", "production"] as const)
    for (const settled of SIDES)
      for (const primaryOn of BOOLEANS)
        for (const secondaryOn of BOOLEANS)
          for (const primary of HEALTHS)
            for (const secondary of HEALTHS)
              for (const fallback of SIDES)
                for (const lease of LEASES)
                  for (const frozen of BOOLEANS)
                    yield {
                      stage,
                      settled,
                      pools: { primary: primaryOn, secondary: secondaryOn },
                      health: { primary, secondary },
                      fallback,
                      lease,
                      frozen,
                    };
}

function leasesOf({ lease, settled }: State): Lease[] {
  if (lease === "none") return [];
  const kind = lease === "pause" ? "pause" : lease === "switchover" ? "switchover" : "drill";
  const drilled = lease === "drill by disabling" ? "primary" : "secondary";
  const active = kind === "pause" ? null : kind === "switchover" ? otherSide(settled) : drilled;
  return [
    {
      id: "le_1",
      failoverId: "fo_1",
      kind,
      version: 1,
      active,
      ...(lease === "drill by disabling" ? { disabled: "primary" as const } : {}),
      reason: "trying",
      origin: ORIGIN,
      startedAt: 0,
      expiresAt: NOW + 60_000,
    },
  ];
}

function endpoint(state: State, side: Side, disabled: Side | null): EndpointState {
  return {
    poolEnabled: state.pools[side] && disabled !== side,
    originEnabled: true,
    health: state.health[side],
    answers: null,
  };
}

/** As the load balancer stands at Cloudflare while these leases are in force. */
function trafficOf(
  state: State,
  leases: readonly Lease[],
  active = activeNow(state.settled, leases, NOW),
): TrafficState {
  const disabled = disabledNow(leases, NOW);
  return {
    balanced: true,
    order: [active, otherSide(active)],
    fallback: state.fallback,
    endpoints: {
      primary: endpoint(state, "primary", disabled),
      secondary: endpoint(state, "secondary", disabled),
    },
    failoverAcrossPools: true,
    underneath: null,
    customDomain: null,
    foreignRouting: [],
  };
}

/** Independently of explain. */
const hasTarget = ({ endpoints }: TrafficState): boolean =>
  SIDES.some((side) => endpoints[side].poolEnabled && endpoints[side].health === "healthy");

function sideHealth(verdict: Verdict): SideHealth {
  const witness = { witness: "cloudflare", verdict, since: 0, observedAt: NOW, detail: null } as const;
  return { verdict, since: 0, witnesses: [witness] };
}

const known = (state: State) => ({
  health: { primary: sideHealth(state.health.primary), secondary: sideHealth(state.health.secondary) },
  probeSucceededBefore: { primary: false, secondary: false },
});

/** What an action leads to where it is permitted; null where a guard refuses it. */
type Action = (state: State) => TrafficState | null;

const freezeOf = ({ frozen }: State) => (frozen ? { reason: "audit", frozenAt: 0 } : null);

const switchTo =
  (to: Side): Action =>
  (state) => {
    const leases = leasesOf(state);
    // Whatever moved traffic ends with it.
    const after = trafficOf({ ...state, settled: to }, []);
    const now = trafficOf(state, leases, to);
    const refusals = [
      ...guardSwitch({
        to,
        expected: undefined,
        active: activeNow(state.settled, leases, NOW),
        ...known(state),
        unreadable: null,
        after: explainTraffic(now),
        endpoints: now.endpoints,
        foreign: [],
        restores: disabledNow(leases, NOW) === to,
      }),
      ...guardFreeze(freezeOf(state)),
    ];
    return refusals.length === 0 ? after : null;
  };

const promotion = (state: State, after: TrafficState) => ({
  spec: aSpec(),
  ...known(state),
  unreadable: null,
  inSync: true,
  syncMessage: "",
  foreign: [],
  after: explainTraffic(after),
});

const promote: Action = (state) => {
  if (state.stage === "production") return null;
  const after = trafficOf(state, leasesOf(state));
  const refusals = [...guardPromotion(promotion(state, after)), ...guardFreeze(freezeOf(state))];
  return refusals.length === 0 ? after : null;
};

const drill =
  (method: "reorder" | "disable-primary"): Action =>
  (state) => {
    if (state.stage === "draft" || (state.stage === "production" && method !== "reorder")) return null;
    const leases = leasesOf(state);
    const diverted = suppose(
      trafficOf(state, leases, "secondary"),
      method === "reorder" ? [] : ["primary_disabled"],
    );
    const refusals = guardDrillStart({
      ...promotion(state, diverted),
      failover: aFailover({ stage: state.stage, active: state.settled }),
      hostname: "www.example.com",
      operation: null,
      leases,
      freeze: freezeOf(state),
      distinguishable: true,
      detail: "",
      now: NOW,
    });
    return refusals.length === 0 ? diverted : null;
  };

/** What moves traffic without anybody's asking, or restores: it is never refused. */
const leaseEnds: Action = (state) => (leasesOf(state).length === 0 ? null : trafficOf(state, []));

const failback =
  (mode: "manual" | "after"): Action =>
  (state) => {
    const leases = leasesOf(state);
    const moving = leases.some(({ active }) => active !== null);
    const decision = decideFailback({
      policy: mode === "after" ? { mode, healthy_seconds: 600 } : { mode },
      idle: state.stage === "draft",
      settled: { settledActive: state.settled, settledBy: "policy", settledAt: 0 },
      health: known(state).health,
      probeSucceededBefore: false,
      warmingUpUntil: null,
      leaseEnds: false,
      movedUntil: moving ? NOW + 60_000 : null,
      pausedUntil: state.lease === "pause" ? NOW + 60_000 : null,
      frozen: state.frozen,
      operation: null,
      foreign: [],
      now: NOW,
    });
    if (decision.kind === "latch") return trafficOf({ ...state, settled: "secondary" }, leases);
    // Carried out as any other switch is, and refused by the same guards.
    return decision.kind === "switch-back" ? switchTo("primary")(state) : null;
  };

const ACTIONS: Readonly<Record<string, Action>> = {
  promote: promote,
  "switch over to the secondary": switchTo("secondary"),
  "switch over or back to the primary": switchTo("primary"),
  "drill by reordering": drill("reorder"),
  "drill by disabling": drill("disable-primary"),
  "end of a lease": leaseEnds,
  "latch of manual failback": failback("manual"),
  "latch and return of failback after a while": failback("after"),
};

/**
 * What gives back what a lease took, or writes down the order by which health steers already: where nobody was left
 * before, it changes nothing about that.
 */
function takesNobody(name: string, state: State): boolean {
  const isOutOfUse = disabledNow(leasesOf(state), NOW) === "primary";
  const restores = name === "end of a lease" || (name === "switch over or back to the primary" && isOutOfUse);
  return restores || name.startsWith("latch");
}

test("no permitted move leaves nobody to serve, whatever the state", () => {
  let states = 0;
  const permitted = new Map<string, number>();
  for (const state of everyState()) {
    states += 1;
    for (const [name, act] of Object.entries(ACTIONS)) {
      const after = act(state);
      if (after === null) continue;
      permitted.set(name, (permitted.get(name) ?? 0) + 1);
      const isFrozenMove = state.frozen && !name.startsWith("latch") && name !== "end of a lease";
      if (isFrozenMove) throw new Error(`${name} is permitted while frozen: ${JSON.stringify(state)}`);
      if (takesNobody(name, state) && !hasTarget(trafficOf(state, leasesOf(state)))) continue;
      if (!hasTarget(after)) throw new Error(`${name} leaves nobody: ${JSON.stringify(state)}`);
      // And that one gets the visitors.
      const { serving } = explainTraffic(after);
      if (serving !== "primary" && serving !== "secondary") throw new Error(JSON.stringify({ name, state }));
      expect(after.endpoints[serving]).toMatchObject({ poolEnabled: true, health: "healthy" });
    }
  }
  const moves = [...permitted].map(([name, times]) => `${name} ${times}`).join(", ");
  console.log(`${states} states, ${states * Object.keys(ACTIONS).length} moves tried; permitted: ${moves}`);
  expect(states).toBe(4320);
  expect([...permitted.keys()].toSorted()).toStrictEqual(Object.keys(ACTIONS).toSorted());
});

test("no permitted demotion or delete hands visitors over to an endpoint that is known to be down", () => {
  let states = 0;
  let permitted = 0;
  for (const state of everyState()) {
    if (state.stage !== "production") continue;
    for (const leadsTo of ["primary", "secondary", "other", null] as const) {
      states += 1;
      const records = leadsTo === null ? [] : ["A 203.0.113.7"];
      const refusals = [
        ...guardUnderneath("www.example.com", { records, leadsTo }, known(state).health),
        ...guardFreeze(freezeOf(state)),
      ];
      if (refusals.length > 0) continue;
      permitted += 1;
      expect(leadsTo).not.toBeNull();
      if (leadsTo === null || leadsTo === "other") continue;
      const before = trafficOf(state, leasesOf(state));
      const isServed = before.endpoints[otherSide(leadsTo)].health === "healthy";
      // Only where nobody serves now, nothing is lost by it.
      if (isServed) expect(state.health[leadsTo]).not.toBe("unhealthy");
    }
  }
  console.log(`${states} states of production and of what lies underneath: ${permitted} permit a demotion`);
  expect(permitted).toBeGreaterThan(500);
});
