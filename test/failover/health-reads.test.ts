import { describe, expect, it } from "vitest";
import { chooseHealthReads, mostHealthReads, type HealthCandidate } from "../../src/failover/health-reads.ts";
import { SIDES, type Side } from "../../src/failover/failover.ts";
import type { ProbeResult, Sample } from "../../src/failover/results.ts";
import type { PoolHealth } from "../../src/failover/verdict.ts";
import { aFailover } from "./builders.ts";

const NOW = Date.UTC(2035, 0, 1);
const TICK = 60_000;

function poolHealth(poolId: string, healthy: boolean | null, ageTicks: number): PoolHealth {
  const readAt = NOW - ageTicks * TICK;
  return { poolId, healthy, since: readAt, readAt, changes: [], detail: null };
}

function aSample(tick: number, ok: boolean): Sample {
  const result = { ok } as ProbeResult;
  return { failoverId: "fo_1", tick, primary: result, secondary: result, hostname: null };
}

function aCandidate(number: number, more: Partial<HealthCandidate> = {}): HealthCandidate {
  const id = `fo_${number}`;
  const ids = { primary: `${id}-primary`, secondary: `${id}-secondary` };
  const fresh = { primary: poolHealth(ids.primary, true, 1), secondary: poolHealth(ids.secondary, true, 1) };
  return { failover: { ...aFailover(), id, ids }, health: fresh, samples: [], hints: {}, ...more };
}

const sidesOf = (candidate: HealthCandidate) =>
  chooseHealthReads([candidate], NOW, 10).map(({ side }) => side);

describe("which pools' health is read", () => {
  const primary = (healthy: boolean | null, ageTicks: number) => ({
    ...aCandidate(1).health,
    primary: poolHealth("fo_1-primary", healthy, ageTicks),
  });

  it.each<[what: string, more: Partial<HealthCandidate>, sides: Side[]]>([
    ["nothing of what was healthy a tick ago", {}, []],
    ["what was never read", { health: {} }, ["primary", "secondary"]],
    [
      "what belongs to another pool by now",
      { health: { ...aCandidate(1).health, primary: poolHealth("another", true, 1) } },
      ["primary"],
    ],
    ["what is healthy as of two ticks ago", { health: primary(true, 2) }, ["primary"]],
    ["what is unhealthy, in each tick", { health: primary(false, 1) }, ["primary"]],
    ["what has no results yet, in each tick", { health: primary(null, 1) }, ["primary"]],
    ["what the list calls otherwise", { hints: { primary: false, secondary: true } }, ["primary"]],
    [
      "what our probe found well and now doesn't",
      { samples: [aSample(NOW - 2 * TICK, true), aSample(NOW - TICK, false)] },
      ["primary", "secondary"],
    ],
    ["nothing of what never admits our probe", { samples: [aSample(NOW - TICK, false)] }, []],
  ])("is %s", (_, more, sides) => {
    expect(sidesOf(aCandidate(1, more)).toSorted()).toEqual(sides);
  });

  it("is none of a pool that doesn't exist yet", () => {
    const candidate = aCandidate(1, { health: {} });
    expect(sidesOf({ ...candidate, failover: { ...candidate.failover, ids: {} } })).toEqual([]);
  });

  it.each([
    [4, 600, 116],
    [21, 600, 99],
    [4, 30, 30],
    [150, 600, 0],
    [4, 0, 0],
  ])("is, after %i calls for lists and with %i left, at most %i", (lists, left, most) => {
    expect(mostHealthReads(lists, left)).toBe(most);
  });
});

/** Ticks go by; whatever is chosen is read. Answers each pool's longest time between two readings, in ticks. */
function longestGaps(
  count: number,
  most: number,
  truth: (number: number, side: Side) => boolean,
  doubted: (number: number) => boolean,
): number[] {
  const lastRead = new Map<string, number>();
  const gaps = new Map<string, number>();
  for (let tick = 0; tick < 40; tick += 1) {
    const now = NOW + tick * TICK;
    const candidates = Array.from({ length: count }, (_, number): HealthCandidate => {
      const id = `fo_${number}`;
      const health = SIDES.flatMap((side) => {
        const at = lastRead.get(`${id}-${side}`);
        const known = poolHealth(`${id}-${side}`, truth(number, side), 0);
        return at === undefined ? [] : [[side, { ...known, readAt: at, since: at }] as const];
      });
      const samples = doubted(number) ? [aSample(now - 2 * TICK, true), aSample(now - TICK, false)] : [];
      return aCandidate(number, { health: Object.fromEntries(health), samples });
    });
    const chosen = chooseHealthReads(candidates, now, most);
    expect(chosen.length).toBeLessThanOrEqual(most);
    for (const { poolId } of chosen) {
      const gap = (now - (lastRead.get(poolId) ?? NOW)) / TICK;
      gaps.set(poolId, Math.max(gaps.get(poolId) ?? 0, gap));
      lastRead.set(poolId, now);
    }
  }
  expect(gaps.size).toBe(2 * count);
  return [...gaps.values()];
}

describe("in rotation, without any hint", () => {
  it.each([
    [100, 99, "are well", () => true, () => false, 3],
    [150, 116, "are well", () => true, () => false, 3],
    [100, 99, "lost their primaries", (_: number, side: Side) => side === "secondary", () => false, 5],
    [150, 89, "are down altogether", () => false, () => false, 5],
    [100, 99, "are doubted for long", () => true, () => true, 5],
    [100, 99, "are doubted by half", () => true, (number: number) => number % 2 === 0, 5],
  ] as const)(
    "nothing starves among %i failovers with %i reads a tick that %s",
    (count, most, _, truth, doubted, ticks) => {
      expect(Math.max(...longestGaps(count, most, truth, doubted))).toBeLessThanOrEqual(ticks);
    },
  );
});
