// Ratios rather than times: a machine's speed cancels out when both sides are measured in one run.
import { findDifferences, planChanges, type Observed } from "../../src/failover/plan.ts";
import type { Failover } from "../../src/failover/failover.ts";
import { chooseHealthReads, mostHealthReads, type HealthCandidate } from "../../src/failover/health-reads.ts";
import { deriveSideHealth, type PoolHealth } from "../../src/failover/verdict.ts";
import { aFailover, anObserved, INSTALLATION, objectsInPlace } from "../failover/builders.ts";

const ROUNDS = 25;
const TICK_MS = 60_000;

/** The median of several rounds, in microseconds for one turn. */
function measure(turns: number, work: () => unknown): number {
  // Not yet compiled code is slower, and would be blamed on whoever is measured first.
  for (const until = performance.now() + 300; performance.now() < until;) work();
  const rounds = Array.from({ length: ROUNDS }, () => {
    const startedAt = performance.now();
    for (let turn = 0; turn < turns; turn += 1) work();
    return ((performance.now() - startedAt) * 1000) / turns;
  });
  return rounds.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Number.NaN;
}

function aFleet(count: number): { failover: Failover; observed: Observed }[] {
  return Array.from({ length: count }, (_, number) => {
    const failover = aFailover({ id: `fo_${number}`, stage: "production" });
    return { failover, observed: anObserved(failover) };
  });
}

function planFleet(fleet: readonly { failover: Failover; observed: Observed }[]): void {
  for (const { failover, observed } of fleet) {
    const { changes } = planChanges(failover, observed, INSTALLATION);
    if (changes.length > 0) throw new Error("an unchanged failover has a plan: the measure means nothing");
  }
}

interface Row {
  readonly what: string;
  readonly value: string;
}

function planning(): Row[] {
  const [ten, hundred] = [aFleet(10), aFleet(100)];
  const small = measure(20, () => planFleet(ten));
  const large = measure(4, () => planFleet(hundred));
  return [
    { what: "planning 100 unchanged failovers, against 10 (linear: 10)", value: (large / small).toFixed(1) },
    { what: "planning one unchanged failover", value: `${(large / 100).toFixed(0)} µs` },
  ];
}

function comparing(): Row[] {
  const failover = aFailover({ stage: "production" });
  const { load_balancer: desired } = objectsInPlace(failover);
  const observed = structuredClone(desired);
  const byForm = measure(200, () => findDifferences("load_balancer", observed, desired));
  const byText = measure(200, () => JSON.stringify(observed) === JSON.stringify(desired));
  return [
    {
      what: "comparing a load balancer in canonical form, against JSON.stringify",
      value: (byForm / byText).toFixed(1),
    },
    { what: "comparing a load balancer in canonical form", value: `${byForm.toFixed(1)} µs` },
  ];
}

/** An hour of ticks in which nothing happens: what each costs in calls of Cloudflare and rows of D1. */
function steadyTicks(count: number, pageSize: number): Row[] {
  const pages = (objects: number) => Math.ceil(objects / pageSize);
  const lists = pages(count) + pages(2 * count) + 2 * pages(count / 2);
  const candidates: HealthCandidate[] = aFleet(count).map(({ failover }) => ({
    failover: {
      ...failover,
      ids: { primary: `${failover.id}-primary`, secondary: `${failover.id}-secondary` },
    },
    health: {},
    samples: [],
    hints: {},
  }));
  let reads = 0;
  for (let tick = 0; tick < 60; tick += 1) {
    const now = tick * TICK_MS;
    for (const { failoverId, side, poolId } of chooseHealthReads(
      candidates,
      now,
      mostHealthReads(lists, 600),
    )) {
      const index = candidates.findIndex(({ failover }) => failover.id === failoverId);
      const one = candidates[index];
      if (one === undefined) continue;
      const health = { poolId, healthy: true, since: 0, readAt: now, changes: [], detail: null };
      candidates[index] = { ...one, health: { ...one.health, [side]: health } };
      reads += 1;
    }
  }
  const calls = lists + reads / 60;
  const rows = count + reads / 60 + 1;
  const of = `a steady tick of ${count} failovers in two zones, ${pageSize} objects a page`;
  return [
    { what: `${of}: calls (most: 120)`, value: calls.toFixed(1) },
    { what: `${of}: calls for each failover`, value: (calls / count).toFixed(2) },
    { what: `${of}: rows written for each failover`, value: (rows / count).toFixed(2) },
  ];
}

function judging(): Row[] {
  const samples = Array.from({ length: 10 }, (_, index) => {
    const result = {
      ok: index % 3 > 0,
      status: 200,
      latencyMs: 5,
      failure: null,
      detail: null,
      traits: {},
      way: "fetch",
    } as const;
    return { failoverId: "fo_1", tick: index * TICK_MS, primary: result, secondary: result, hostname: null };
  });
  const health: PoolHealth = { poolId: "p", healthy: true, since: 0, readAt: 0, changes: [], detail: null };
  const cost = measure(500, () => deriveSideHealth("primary", health, samples, 10 * TICK_MS));
  return [{ what: "judging one endpoint by ten minutes of samples", value: `${cost.toFixed(1)} µs` }];
}

const rows = [
  ...planning(),
  ...comparing(),
  ...judging(),
  ...steadyTicks(10, 20),
  ...steadyTicks(100, 20),
  ...steadyTicks(100, 1000),
];
const width = Math.max(...rows.map(({ what }) => what.length));
for (const { what, value } of rows) console.log(`${what.padEnd(width)}  ${value.padStart(8)}`);
