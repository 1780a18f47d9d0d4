import { describe, expect, test } from "vitest";
import {
  decideScheduledDrill,
  describeHeldBack,
  nextDrillAt,
  type DrillOpening,
  type ScheduleDecision,
  type ScheduleSources,
} from "../../src/failover/drill-schedule.ts";
import type { Lease } from "../../src/failover/leases.ts";
import { newOperation } from "../../src/failover/operations.ts";
import type { Origin } from "../../src/failover/results.ts";
import { newStatus, type StoredStatus } from "../../src/failover/status.ts";
import type { PoolHealth } from "../../src/failover/verdict.ts";
import { aFailover, IDS, type Patch } from "./builders.ts";

const at = (text: string): number => Date.parse(text);
const told = (instant: number | null) => (instant === null ? null : new Date(instant).toISOString());

/** A Tuesday in winter. */
const OPENS = at("2026-11-24T02:00:00Z");
const CLOSES = at("2026-11-24T04:00:00Z");
const TUESDAY = { days: ["tue"], from: "03:00", to: "05:00", time_zone: "Europe/Berlin" };
const ORIGIN: Origin = { actor: { kind: "token", name: "ann" }, requestId: null };
const MINUTE = 60_000;

const scheduled = (given: Patch = {}): Patch => ({
  drills: { schedule: { windows: [TUESDAY], confirm: "www.example.com", ...given } },
});

function aHealth(healthy: boolean, now: number, side: "primary" | "secondary"): PoolHealth {
  return { poolId: IDS[side], healthy, since: OPENS - 86_400_000, readAt: now, detail: null, changes: [] };
}

function sources(
  now: number,
  given: Partial<ScheduleSources> & { readonly spec?: Patch } = {},
): ScheduleSources {
  const { spec = scheduled(), ...more } = given;
  const status: StoredStatus = { ...newStatus("as wanted"), sync: "synced" };
  return {
    failover: aFailover({ stage: "production", spec, updatedAt: OPENS - 86_400_000 }),
    status,
    health: { primary: aHealth(true, now, "primary"), secondary: aHealth(true, now, "secondary") },
    samples: [],
    operation: null,
    leases: [],
    freeze: null,
    drillOpening: null,
    ...more,
  };
}

const anOpening = (given: Partial<DrillOpening> = {}): DrillOpening => ({
  opensAt: OPENS,
  closesAt: CLOSES,
  outcome: "begun",
  heldBack: [],
  ...given,
});
const heldBack = (why: string, guard: string | null = "frozen"): DrillOpening =>
  anOpening({ outcome: "held back", heldBack: [{ why, guard, facts: {}, at: OPENS }] });

const decide = (now: number, given?: Parameters<typeof sources>[1]): ScheduleDecision =>
  decideScheduledDrill(sources(now, given), now);

describe("a scheduled drill is due", () => {
  const summer = at("2026-07-21T01:00:00Z");
  const cases: [what: string, now: number, given: Parameters<typeof sources>[1], kind: string][] = [
    ["from the first moment of its window", OPENS, {}, "begin"],
    ["not a moment earlier", OPENS - 1, {}, "none"],
    ["an hour earlier in summer", summer, {}, "begin"],
    ["as long as it fits into what remains", CLOSES - 7 * MINUTE, {}, "begin"],
    ["not where there is no schedule", OPENS, { spec: {} }, "none"],
    ["not in draft", OPENS, { failover: aFailover({ stage: "draft", spec: scheduled() }) }, "none"],
    [
      "not while it is being deleted",
      OPENS,
      { failover: aFailover({ stage: "production", deleting: "destroy", spec: scheduled() }) },
      "none",
    ],
    ["not once it had its drill", OPENS + MINUTE, { drillOpening: anOpening() }, "none"],
    ["not once it was given up", OPENS + MINUTE, { drillOpening: anOpening({ outcome: "skipped" }) }, "none"],
    [
      "again in the next week",
      OPENS + 7 * 86_400_000,
      { drillOpening: anOpening(), failover: sources(OPENS).failover },
      "begin",
    ],
    ["as soon as nothing holds it back any more", OPENS + MINUTE, { drillOpening: heldBack("") }, "begin"],
  ];
  test.each(cases)("%s", (_, now, given, kind) => {
    expect(decide(now, given).kind).toBe(kind);
  });

  test("twice a week in two windows, each of which has its own", () => {
    const windows = [TUESDAY, { ...TUESDAY, days: ["fri"] }];
    const spec = scheduled({ windows });
    const friday = OPENS + 3 * 86_400_000;
    expect(decide(friday, { spec, drillOpening: anOpening() }).kind).toBe("begin");
    const begun = anOpening({ opensAt: friday, closesAt: friday + 120 * MINUTE });
    expect(decide(friday + MINUTE, { spec, drillOpening: begun }).kind).toBe("none");
    expect(decide(OPENS + 7 * 86_400_000, { spec, drillOpening: begun }).kind).toBe("begin");
  });

  test("once in a window over midnight, also on the day after", () => {
    const spec = scheduled({ windows: [{ ...TUESDAY, from: "22:00", to: "02:00" }] });
    const opensAt = at("2026-11-24T21:00:00Z");
    expect(decide(opensAt, { spec })).toMatchObject({ kind: "begin", opening: { opensAt } });
    const begun = anOpening({ opensAt, closesAt: at("2026-11-25T01:00:00Z") });
    expect(decide(at("2026-11-25T00:30:00Z"), { spec, drillOpening: begun }).kind).toBe("none");
    expect(decide(at("2026-11-25T00:30:00Z"), { spec })).toMatchObject({
      kind: "begin",
      opening: { opensAt },
    });
  });

  describe("on a day on which the clocks change", () => {
    const sunday = (from: string, to: string) =>
      scheduled({ windows: [{ ...TUESDAY, days: ["sun"], from, to }] });
    const nights: [what: string, spec: Patch, now: string, last: string | null, kind: string][] = [
      ["in what is left of a window", sunday("02:30", "04:00"), "2026-03-29T01:00:00Z", null, "begin"],
      ["not in an hour that is skipped", sunday("02:15", "02:45"), "2026-03-29T01:20:00Z", null, "none"],
      ["the first time", sunday("02:10", "02:50"), "2026-10-25T00:10:00Z", null, "begin"],
      ["not a second time", sunday("02:10", "02:50"), "2026-10-25T01:10:00Z", "2026-10-25T00:10:00Z", "none"],
      [
        "the second time, where the first was missed",
        sunday("02:10", "02:50"),
        "2026-10-25T01:10:00Z",
        null,
        "begin",
      ],
      ["not in between", sunday("02:10", "02:50"), "2026-10-25T01:00:00Z", null, "none"],
    ];
    test.each(nights)("%s", (_, spec, now, last, kind) => {
      const drillOpening = last === null ? null : anOpening({ opensAt: at(last), closesAt: at(last) });
      const failover = aFailover({ stage: "production", spec, updatedAt: at(now) - 86_400_000 });
      expect(decide(at(now), { failover, drillOpening }).kind).toBe(kind);
    });
  });
});

describe("how it is asked for", () => {
  const rows: [stage: "testing" | "production", method: string | undefined, asked: object][] = [
    ["testing", undefined, { method: "disable-primary" }],
    ["testing", "reorder", { method: "reorder" }],
    ["production", undefined, { method: "reorder", confirm: "www.example.com" }],
    ["production", "disable-primary", { method: "reorder", confirm: "www.example.com" }],
  ];
  test.each(rows)("in %s by %s", (stage, method, asked) => {
    const spec = scheduled({ hold_seconds: 30, ...(method === undefined ? {} : { method }) });
    const decision = decide(OPENS, { failover: aFailover({ stage, spec, updatedAt: 0 }) });
    if (decision.kind !== "begin") throw new Error(decision.kind);
    const { reason, ...request } = decision.request;
    expect(request).toEqual({ ...asked, holdSeconds: 30, window: { opensAt: OPENS, closesAt: CLOSES } });
    expect(reason).toContain("2026-11-24T02:00:00.000Z");
  });
});

const lease: Lease = {
  id: "le_1",
  failoverId: "fo_2f8Kq1",
  kind: "pause",
  version: 1,
  active: null,
  reason: "looking into it",
  origin: ORIGIN,
  startedAt: OPENS,
  expiresAt: CLOSES,
};
const running = newOperation(
  { id: "op_9", failoverId: "fo_2f8Kq1", kind: "promote", message: "", origin: ORIGIN },
  ["write"],
  {},
  OPENS,
);

describe("it is held back", () => {
  const now = OPENS + MINUTE;
  const against: [what: string, given: Parameters<typeof sources>[1], guard: string | null, words: string][] =
    [
      [
        "while an endpoint is unhealthy",
        { health: { ...sources(now).health, secondary: aHealth(false, now, "secondary") } },
        "target-not-ready",
        "secondary endpoint unhealthy",
      ],
      ["while another operation is under way", { operation: running }, "operation-running", "op_9"],
      ["while it is paused", { leases: [lease] }, "lease-in-force", "looking into it"],
      ["while the fleet is frozen", { freeze: { reason: "audit", frozenAt: OPENS } }, "frozen", "audit"],
      [
        "while Cloudflare has drifted",
        { status: { ...newStatus("path was changed"), sync: "drifted" } },
        "target-not-ready",
        "path was changed",
      ],
      [
        "while the secondary is active",
        { failover: aFailover({ stage: "production", spec: scheduled(), active: "secondary" }) },
        "primary-not-active",
        "switch back first",
      ],
      [
        "in production without its confirmation",
        { spec: scheduled({ confirm: null }) },
        null,
        "www.example.com",
      ],
    ];
  test.each(against)("%s, which is remembered once", (_, given, guard, words) => {
    const decision = decide(now, given);
    if (decision.kind !== "hold back") throw new Error(decision.kind);
    expect(decision.opening).toMatchObject({
      opensAt: OPENS,
      closesAt: CLOSES,
      outcome: "held back",
      heldBack: [{ guard, why: expect.stringContaining(words), at: now }],
    });
    const again = decideScheduledDrill(
      { ...sources(now + MINUTE, given), drillOpening: decision.opening },
      now + MINUTE,
    );
    expect(again.kind).toBe("none");
  });

  test("by what nobody knows yet only once somebody asked", () => {
    expect(decide(now, { health: {} }).kind).toBe("begin");
  });

  test("by one thing after the other, and all of it is remembered", () => {
    const first = decide(now, { leases: [lease] });
    if (first.kind !== "hold back") throw new Error(first.kind);
    const freeze = { reason: "audit", frozenAt: now };
    const second = decide(now + MINUTE, { freeze, drillOpening: first.opening });
    expect(second).toMatchObject({
      kind: "hold back",
      opening: { heldBack: [{ guard: "lease-in-force" }, { guard: "frozen", at: now + MINUTE }] },
    });
  });

  test("which the status says as long as the window is open and the schedule stands", () => {
    const sentence = (spec: Patch, instant: number) =>
      describeHeldBack({ failover: aFailover({ spec }), drillOpening: heldBack("paused") }, instant);
    expect(sentence(scheduled(), now)).toContain("is held back: paused");
    expect(sentence(scheduled(), CLOSES)).toBeNull();
    expect(sentence({}, now)).toBeNull();
  });
});

describe("an opening goes by", () => {
  const late = CLOSES - 7 * MINUTE + 1;
  const cases: [what: string, now: number, given: Parameters<typeof sources>[1], words: string | null][] = [
    [
      "not while there is time",
      late - 1,
      { leases: [lease], drillOpening: heldBack("paused", "lease-in-force") },
      null,
    ],
    ["once the drill fits no more", late, { drillOpening: heldBack("paused") }, "did not take place: paused"],
    [
      "and is told where it was held back, however late",
      CLOSES + 86_400_000,
      { drillOpening: heldBack("paused") },
      "paused",
    ],
    [
      "also where the failover is a draft by then",
      late,
      { failover: aFailover({ spec: scheduled() }), drillOpening: heldBack("paused") },
      "paused",
    ],
    [
      "not before its end where the schedule is gone",
      CLOSES,
      { failover: aFailover({ spec: {} }), drillOpening: heldBack("paused") },
      null,
    ],
    [
      "and then it is told",
      CLOSES + 1,
      { failover: aFailover({ spec: {} }), drillOpening: heldBack("paused") },
      "paused",
    ],
    ["where nobody was there at all", CLOSES + MINUTE, {}, "the service did not run"],
    ["where nobody was there in time", late, {}, "the service did not run"],
    [
      "of which nothing is said where it was before the schedule",
      CLOSES + MINUTE,
      { failover: aFailover({ stage: "production", spec: scheduled(), updatedAt: CLOSES }) },
      null,
    ],
    [
      "of which nothing is said twice",
      CLOSES + MINUTE,
      { drillOpening: anOpening({ outcome: "skipped" }) },
      null,
    ],
  ];
  test.each(cases)("%s", (_, now, given, words) => {
    const decision = decide(now, given);
    if (words === null) expect(decision.kind).not.toBe("skip");
    else
      expect(decision).toMatchObject({
        kind: "skip",
        message: expect.stringContaining(words),
        opening: { outcome: "skipped", opensAt: OPENS, closesAt: CLOSES },
      });
  });

  test("where the next one begins within it", () => {
    const windows = [TUESDAY, { ...TUESDAY, from: "04:00", to: "04:30" }];
    const decision = decide(OPENS + 60 * MINUTE, {
      spec: scheduled({ windows }),
      drillOpening: heldBack("paused"),
    });
    expect(decision).toMatchObject({ kind: "skip", opening: { opensAt: OPENS, closesAt: CLOSES } });
  });

  test("with every minute of it looked at, in one event", () => {
    let drillOpening: DrillOpening | null = null;
    const kinds: string[] = [];
    for (let now = OPENS - 5 * MINUTE; now < CLOSES + 60 * MINUTE; now += MINUTE) {
      const decision = decide(now, { freeze: { reason: "audit", frozenAt: OPENS }, drillOpening });
      if (decision.kind === "none") continue;
      kinds.push(decision.kind);
      drillOpening = decision.opening;
    }
    expect(kinds).toEqual(["hold back", "skip"]);
  });
});

describe("a crash", () => {
  test("before the drill was stored makes it due again, and after it doesn't", () => {
    const decision = decide(OPENS);
    if (decision.kind !== "begin") throw new Error(decision.kind);
    expect(decide(OPENS + MINUTE)).toMatchObject({ kind: "begin", opening: { opensAt: OPENS } });
    const stored: DrillOpening = { ...decision.opening, outcome: "begun" };
    for (let now = OPENS + MINUTE; now < OPENS + 7 * 86_400_000; now += 30 * MINUTE)
      expect(decide(now, { drillOpening: stored }).kind).toBe("none");
  });
});

describe("the next drill", () => {
  const cases: [what: string, now: number, given: Parameters<typeof sources>[1], due: string | null][] = [
    ["is at the next opening", OPENS - MINUTE, {}, "2026-11-24T02:00:00.000Z"],
    ["is due since it opened", OPENS + MINUTE, {}, "2026-11-24T02:00:00.000Z"],
    [
      "is due while it is held back",
      OPENS + MINUTE,
      { drillOpening: heldBack("") },
      "2026-11-24T02:00:00.000Z",
    ],
    ["is in a week once it began", OPENS + MINUTE, { drillOpening: anOpening() }, "2026-12-01T02:00:00.000Z"],
    ["is in a week once too little is left", CLOSES - MINUTE, {}, "2026-12-01T02:00:00.000Z"],
    ["is none without a schedule", OPENS, { spec: {} }, null],
    ["is none in draft", OPENS, { failover: aFailover({ spec: scheduled() }) }, null],
    ["is none in production without a confirmation", OPENS, { spec: scheduled({ confirm: null }) }, null],
  ];
  test.each(cases)("%s", (_, now, given, due) => {
    expect(told(nextDrillAt(sources(now, given), now))).toBe(due);
  });
});
