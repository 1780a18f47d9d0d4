import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BLOCK_SECONDS,
  decideFailback,
  failbackFacts,
  type FailbackDecision,
  type FailbackFacts,
} from "../../src/failover/failback.ts";
import type { Side } from "../../src/failover/failover.ts";
import type { SideHealth, Verdict } from "../../src/failover/results.ts";
import { foldPoolHealth, type PoolHealth } from "../../src/failover/verdict.ts";
import { aFailover, FACTS } from "./builders.ts";

const NOW = Date.UTC(2035, 0, 1, 12);
const ago = (seconds: number): number => NOW - seconds * 1000;

function health(verdict: Verdict, secondsAgo = 120, probe: Verdict = verdict): SideHealth {
  const since = ago(secondsAgo);
  const witness = { since, observedAt: NOW, detail: null };
  return {
    verdict,
    since,
    witnesses: [
      { ...witness, witness: "cloudflare", verdict },
      { ...witness, witness: "probe", verdict: probe, detail: "answered 500" },
    ],
  };
}

/** An outage of the primary under `manual`, with nothing else of note. */
function facts(given: Partial<FailbackFacts> = {}): FailbackFacts {
  return {
    policy: { mode: "manual" },
    idle: false,
    settled: { settledActive: "primary", settledBy: "person", settledAt: ago(86_400) },
    health: { primary: health("unhealthy"), secondary: health("healthy", 9_000) },
    probeSucceededBefore: true,
    warmingUpUntil: null,
    leaseEnds: false,
    movedUntil: null,
    pausedUntil: null,
    frozen: false,
    operation: null,
    foreign: [],
    now: NOW,
    ...given,
  };
}

const pair = (primary: SideHealth, secondary = health("healthy", 9_000)) => ({ primary, secondary });
const told = (decision: FailbackDecision): string =>
  decision.kind === "none"
    ? "none"
    : `${decision.kind}: ${"message" in decision ? decision.message : decision.reason}`;

describe("an order with the primary first", () => {
  const latch = /^latch: Cloudflare finds the primary unhealthy, and failback is manual$/;
  const cases: [what: string, given: Partial<FailbackFacts>, decision: RegExp][] = [
    ["is latched where the primary is unhealthy", {}, latch],
    [
      "is latched under after as well",
      { policy: { mode: "after", healthy_seconds: 600 } },
      /^latch: .* is after$/,
    ],
    ["is not under automatic", { policy: { mode: "automatic" } }, /^none$/],
    ["is not in draft or on its way out", { idle: true }, /^none$/],
    ["is not while the primary is healthy", { health: pair(health("healthy")) }, /^none$/],
    ["is not while nobody knows", { health: pair(health("unknown")) }, /^none$/],
    ["is not while the primary flaps", { health: pair(health("flapping")) }, /^none$/],
    ["is latched while the fleet is frozen", { frozen: true }, latch],
    ["is latched in a pause", { pausedUntil: NOW + 60_000 }, latch],
    ["is latched while a promotion runs", { operation: { id: "op_1", kind: "promote" } }, latch],
    [
      "is latched where a drill's lease ends",
      { leaseEnds: true, operation: { id: "op_1", kind: "drill" } },
      latch,
    ],
    ["is left to a drill while one runs", { operation: { id: "op_1", kind: "drill" } }, /^none$/],
    ["is latched past somebody else's routing", { foreign: ["rules"] }, latch],
    ["is latched whatever our probe says", { health: pair(health("unhealthy", 120, "healthy")) }, latch],
    [
      "is latched right after a policy's own switch back",
      { settled: { settledActive: "primary", settledBy: "policy", settledAt: ago(150) } },
      latch,
    ],
    [
      "is not latched where the secondary is unhealthy too",
      { health: pair(health("unhealthy"), health("unhealthy")) },
      /^wait: .* is not latched, for Cloudflare finds the secondary unhealthy too$/,
    ],
    [
      "is not latched where the secondary flaps",
      { health: pair(health("unhealthy"), health("flapping")) },
      /^wait: .* is not latched, for Cloudflare finds the secondary flapping$/,
    ],
    [
      "is not latched where nobody knows about the secondary",
      { health: pair(health("unhealthy"), health("unknown")) },
      /^wait: .* it is not known whether the secondary is healthy$/,
    ],
    [
      "is not latched while a lease moves traffic",
      { movedUntil: NOW + 60_000 },
      /^wait: .* until 2035-01-01T12:01:00.000Z a lease says who stands first/,
    ],
    [
      "is not latched where a person put the primary first during this outage",
      { settled: { settledActive: "primary", settledBy: "person", settledAt: ago(60) } },
      /^wait: .* the primary was put first during this outage, at 2035-01-01T11:59:00.000Z$/,
    ],
    [
      "is latched by the next outage after a person put the primary first",
      { settled: { settledActive: "primary", settledBy: "person", settledAt: ago(121) } },
      latch,
    ],
    [
      "is latched where a lease ends in an outage, whatever was settled before",
      { leaseEnds: true, settled: { settledActive: "primary", settledBy: "person", settledAt: ago(60) } },
      latch,
    ],
    [
      "is not latched by an endpoint whose first checks aren't done",
      { warmingUpUntil: NOW + 60_000 },
      /^wait: .* not latched before 2035-01-01T12:01:00.000Z, for an endpoint without results/,
    ],
    ["is latched once they should have been", { warmingUpUntil: NOW }, latch],
  ];
  test.each(cases)("%s", (_, given, decision) => {
    expect(told(decideFailback(facts(given)))).toMatch(decision);
  });
});

describe("a latched order", () => {
  const latchedFacts = (given: Partial<FailbackFacts> = {}) =>
    facts({
      policy: { mode: "after", healthy_seconds: 600 },
      settled: { settledActive: "secondary", settledBy: "policy", settledAt: ago(3_600) },
      health: pair(health("healthy", 600)),
      ...given,
    });
  const back = /^switch-back: the primary has been healthy for 600 seconds, and failback is after$/;
  const opens = { days: ["tue" as const], from: "09:00", to: "17:00", time_zone: "Europe/Berlin" };
  const isOpen = { ...opens, days: ["mon" as const] };
  const after = { mode: "after" as const, healthy_seconds: 600 };
  const cases: [what: string, given: Partial<FailbackFacts>, decision: RegExp][] = [
    ["returns after the healthy time", {}, back],
    ["returns in an open window", { policy: { ...after, windows: [opens, isOpen] } }, back],
    [
      "returns whatever the secondary's health",
      { health: pair(health("healthy", 600), health("unhealthy")) },
      back,
    ],
    [
      "doesn't a second earlier",
      { health: pair(health("healthy", 599)) },
      /600 healthy seconds of the primary without interruption, at 2035-01-01T12:00:01.000Z$/,
    ],
    [
      "doesn't while the primary is unhealthy",
      { health: pair(health("unhealthy", 600)) },
      /finds the primary unhealthy$/,
    ],
    [
      "doesn't while the primary flaps",
      { health: pair(health("flapping", 600)) },
      /finds the primary flapping$/,
    ],
    [
      "doesn't while nobody knows",
      { health: pair(health("unknown", 600)) },
      /not known whether the primary is healthy$/,
    ],
    [
      "doesn't against our probe",
      { health: pair(health("healthy", 600, "unhealthy")) },
      /waits for our probe, which finds the primary unhealthy: answered 500$/,
    ],
    [
      "does against a probe that never succeeded",
      { health: pair(health("healthy", 600, "unhealthy")), probeSucceededBefore: false },
      back,
    ],
    ["does with a probe that knows nothing", { health: pair(health("healthy", 600, "unknown")) }, back],
    [
      "doesn't outside of its window",
      { policy: { ...after, windows: [opens] } },
      /waits for its window, which opens at 2035-01-02T08:00:00.000Z$/,
    ],
    ["doesn't in a pause", { pausedUntil: NOW + 1 }, /waits for the pause, until 2035-01-01T12:00:00.001Z$/],
    ["doesn't in a freeze", { frozen: true }, /waits for the end of the fleet's freeze$/],
    ["doesn't while a lease moves traffic", { movedUntil: NOW + 1 }, /waits for the lease that ends at/],
    [
      "doesn't while an operation runs",
      { operation: { id: "op_7", kind: "promote" } },
      /waits for the promote op_7 to be over$/,
    ],
    [
      "doesn't past somebody else's routing",
      { foreign: ["rules were added"] },
      /past the pair: rules were added$/,
    ],
    [
      "doesn't within the block period, however long the primary is healthy",
      { settled: { settledActive: "secondary", settledBy: "policy", settledAt: ago(BLOCK_SECONDS - 1) } },
      /waits for .*; and for the end of the block period at 2035-01-01T12:00:01.000Z$/,
    ],
    [
      "counts the healthy time anew after a switch back that failed",
      { settled: { settledActive: "secondary", settledBy: "policy", settledAt: ago(590) } },
      /600 healthy seconds of the primary without interruption, at 2035-01-01T12:00:10.000Z$/,
    ],
    [
      "never returns under manual",
      { policy: { mode: "manual" } },
      /^wait: .* waits for a person to switch back: .* healthy$/,
    ],
    [
      "returns where the mode has become automatic",
      { policy: { mode: "automatic" } },
      /^switch-back: the primary is healthy/,
    ],
    [
      "stays where a person settled it",
      { settled: { settledActive: "secondary", settledBy: "person", settledAt: ago(3_600) } },
      /^none$/,
    ],
    ["stays in draft", { idle: true }, /^none$/],
  ];
  test.each(cases)("%s", (_, given, decision) => {
    expect(told(decideFailback(latchedFacts(given)))).toMatch(decision);
  });
});

interface Minute {
  readonly primary: boolean | null;
  readonly secondary: boolean | null;
}

interface Move {
  readonly kind: "latch" | "switch-back";
  readonly at: number;
  readonly primary: PoolHealth | undefined;
  readonly modeThen: string;
}

/** A failover's life by the minute, as ticks see it: each reading is folded, each decision takes effect at once. */
function live(mode: "manual" | "after", healthySeconds: number, minutes: readonly Minute[]): Move[] {
  let failover = aFailover({
    stage: "production",
    settledAt: 0,
    spec: { failback: mode === "after" ? { mode, healthy_seconds: healthySeconds } : { mode } },
  });
  const pools: Partial<Record<Side, PoolHealth>> = {};
  const moves: Move[] = [];
  const status = { probeSucceeded: { primary: null, secondary: null }, foreign: [] };
  minutes.forEach((minute, index) => {
    const now = NOW + index * 60_000;
    for (const side of ["primary", "secondary"] as const) {
      const reading = { poolId: side, healthy: minute[side], detail: null, at: now };
      pools[side] = foldPoolHealth(pools[side], reading);
    }
    const sources = {
      failover,
      leases: [],
      health: pools,
      samples: [],
      status,
      operation: null,
      freeze: null,
    };
    const decision = decideFailback(failbackFacts(sources, now));
    if (decision.kind !== "latch" && decision.kind !== "switch-back") return;
    const settledActive = decision.kind === "latch" ? "secondary" : "primary";
    failover = { ...failover, active: settledActive, settledActive, settledBy: "policy", settledAt: now };
    moves.push({ kind: decision.kind, at: now, primary: pools.primary, modeThen: mode });
  });
  return moves;
}

describe("whatever the verdicts, hour after hour", () => {
  const verdict = fc.oneof({ weight: 5, arbitrary: fc.boolean() }, fc.constant(null));
  const spell = fc.record({ primary: verdict, secondary: verdict, minutes: fc.integer({ min: 1, max: 15 }) });
  const history = fc
    .array(spell, { minLength: 1, maxLength: 40 })
    .map((spells) =>
      spells.flatMap(({ minutes, ...minute }) => Array.from({ length: minutes }, () => minute)),
    );
  const seconds = fc.constantFrom(1, 60, 200, 600, 1_000);

  test("nothing moves back within the block period or before so many healthy seconds, and nothing latches twice", () => {
    let returns = 0;
    fc.assert(
      fc.property(history, seconds, (minutes, healthySeconds) => {
        const moves = live("after", healthySeconds, minutes);
        moves.forEach((move, index) => {
          const before = moves[index - 1];
          expect(move.kind).toBe(index % 2 === 0 ? "latch" : "switch-back");
          if (move.kind === "latch") {
            expect(move.primary?.healthy).toBe(false);
            return;
          }
          returns += 1;
          expect(move.primary?.healthy).toBe(true);
          expect(move.at - (before?.at ?? 0)).toBeGreaterThanOrEqual(BLOCK_SECONDS * 1000);
          const first = (move.at - NOW) / 60_000;
          const needed = Math.ceil(healthySeconds / 60);
          for (const minute of minutes.slice(first - needed, first + 1)) expect(minute.primary).toBe(true);
        });
        const back = moves.filter(({ kind }) => kind === "switch-back");
        back.slice(1).forEach((move, index) => {
          expect(move.at - (back[index]?.at ?? 0)).toBeGreaterThanOrEqual(BLOCK_SECONDS * 1000);
        });
      }),
      { numRuns: 1_000 },
    );
    expect(returns).toBeGreaterThan(100);
  });

  test("manual latches once and never switches back", () => {
    let latches = 0;
    fc.assert(
      fc.property(history, (minutes) => {
        const moves = live("manual", 0, minutes);
        expect(moves.length).toBeLessThanOrEqual(1);
        for (const { kind } of moves) expect(kind).toBe("latch");
        latches += moves.length;
      }),
      { numRuns: 500 },
    );
    expect(latches).toBeGreaterThan(50);
  });
});

describe("the facts", () => {
  const failover = aFailover({ stage: "production", spec: { failback: { mode: "manual" } } });
  const sources = {
    failover,
    leases: [],
    health: {},
    samples: [],
    status: { probeSucceeded: { primary: null, secondary: null }, foreign: [] },
    operation: null,
    freeze: null,
  };
  const pool = (healthy: boolean | null, before?: PoolHealth, at = NOW) =>
    foldPoolHealth(before, { poolId: "p", healthy, detail: null, at });

  test("an endpoint that was healthy before isn't warming up, one without results is until its checks are done", () => {
    const out = pool(false, pool(true, undefined, ago(60)));
    expect(failbackFacts({ ...sources, health: { primary: out } }, NOW).warmingUpUntil).toBeNull();
    for (const before of [undefined, pool(null, undefined, ago(60))]) {
      const fresh = pool(false, pool(false, before, ago(60)));
      // Five checks at 60 seconds, and one tick.
      expect(failbackFacts({ ...sources, health: { primary: fresh } }, NOW).warmingUpUntil).toBe(
        ago(60) + 360_000,
      );
    }
  });

  test("what nobody could ask about for long was not healthy without interruption, and is out for as long as ever", () => {
    const asked = (healthy: boolean, silentSeconds: number) => {
      const before = pool(healthy, pool(!healthy, undefined, ago(9_000)), ago(6_000));
      const last = pool(healthy, before, ago(silentSeconds));
      const { since } = failbackFacts({ ...sources, health: { primary: pool(healthy, last) } }, NOW).health
        .primary;
      return since;
    };
    expect(asked(true, 600)).toBe(ago(600));
    expect(asked(true, 601)).toBe(NOW);
    expect(asked(false, 601)).toBe(ago(6_000));
  });

  test("a pause moves nothing, any other lease does while it lasts", () => {
    const lease = {
      id: "le_1",
      failoverId: failover.id,
      version: 1,
      active: null,
      reason: "",
      origin: { actor: { kind: "token", name: "admin" }, requestId: null },
      startedAt: ago(60),
      expiresAt: NOW + 60_000,
    } as const;
    const withLease = (more: object) =>
      failbackFacts({ ...sources, leases: [{ ...lease, kind: "drill", ...more }] }, NOW);
    expect(withLease({ kind: "pause" })).toMatchObject({ movedUntil: null, pausedUntil: NOW + 60_000 });
    expect(withLease({ kind: "drill", disabled: "primary" })).toMatchObject({ movedUntil: NOW + 60_000 });
    expect(withLease({ kind: "switchover", active: "secondary", expiresAt: NOW })).toMatchObject({
      movedUntil: null,
    });
  });

  test("our probe counts where it ever succeeded for this very address", () => {
    const probed = (address: string) => ({
      ...sources,
      status: { ...sources.status, probeSucceeded: { primary: address, secondary: null } },
    });
    expect(failbackFacts(probed("origin.example.net"), NOW).probeSucceededBefore).toBe(true);
    expect(failbackFacts(probed("other.example.net"), NOW).probeSucceededBefore).toBe(false);
  });

  test("a draft and what is being deleted are idle", () => {
    const idle = (given: object) =>
      failbackFacts({ ...sources, failover: { ...failover, facts: FACTS, ...given } }, NOW).idle;
    expect([
      idle({}),
      idle({ stage: "testing" }),
      idle({ stage: "draft" }),
      idle({ deleting: "orphan" }),
    ]).toEqual([false, false, true, true]);
  });
});
