import { describe, expect, test } from "vitest";
import {
  decideCourse,
  findInterruption,
  foldLook,
  leaseMs,
  LONGEST_HOLD_SECONDS,
  nextWatch,
  NOTHING_SEEN,
  returnPatienceMs,
  toLook,
  type DrillState,
  type Look,
  type StepFacts,
  type Surroundings,
  type Watch,
  type WatchStep,
} from "../../src/failover/drill.ts";
import type { Lease } from "../../src/failover/leases.ts";
import type { ProbeResult, Sample, SideHealth, Verdict } from "../../src/failover/results.ts";

const NOW = 1_720_000_000_000;

function aLook(given: Partial<Look> = {}): Look {
  return {
    at: NOW,
    serving: "secondary",
    status: 200,
    failure: null,
    detail: null,
    bad: false,
    secondaryFailure: null,
    secondaryComplaint: null,
    ...given,
  };
}
const PRIMARY = aLook({ serving: "primary" });
const SECONDARY = aLook();
const UNKNOWN = aLook({ serving: "unknown", failure: "challenged", status: 403, detail: "challenged" });
const BAD = aLook({ serving: "none", status: 530, failure: "status", detail: "error 1016", bad: true });
const SECONDARY_FAILS = aLook({ secondaryFailure: "no answer in 5 s" });
const SECONDARY_ILL = aLook({ secondaryComplaint: "unhealthy: timed out" });

function watched(step: WatchStep, looks: readonly Look[]): Watch {
  return looks.reduce((watch, look) => foldLook(watch, step, look), NOTHING_SEEN);
}

const FACTS: StepFacts = { hostname: "www.example.com", since: NOW - 10_000, now: NOW, ms: 60_000 };
const after = (step: WatchStep, looks: readonly Look[], facts: Partial<StepFacts> = {}) =>
  decideCourse(step, watched(step, looks), { ...FACTS, ...facts });

describe("the looks of one step", () => {
  test.each<[string, WatchStep, readonly Look[], string]>([
    ["two of three", "baseline", [PRIMARY, PRIMARY], "look again"],
    ["three in a row", "baseline", [PRIMARY, PRIMARY, PRIMARY], "go on"],
    ["three with a gap", "baseline", [PRIMARY, PRIMARY, UNKNOWN, PRIMARY], "look again"],
    ["three of the other endpoint", "baseline", [SECONDARY, SECONDARY, SECONDARY], "look again"],
    ["three of the secondary", "secondary serves", [PRIMARY, SECONDARY, SECONDARY, SECONDARY], "go on"],
    ["many that say nothing", "secondary serves", Array.from({ length: 9 }, () => UNKNOWN), "look again"],
    ["two bad answers", "secondary serves", [BAD, BAD], "look again"],
    ["three bad answers", "secondary serves", [BAD, BAD, BAD], "turn back"],
    ["bad answers with a good one between", "hold", [BAD, BAD, SECONDARY, BAD, BAD], "look again"],
    [
      "six bad answers with good ones between",
      "hold",
      [BAD, BAD, SECONDARY, BAD, BAD, SECONDARY, BAD, SECONDARY, BAD],
      "turn back",
    ],
    [
      "as many before anything moved",
      "baseline",
      [BAD, BAD, PRIMARY, BAD, BAD, PRIMARY, BAD, PRIMARY, BAD],
      "look again",
    ],
    ["one failed probe of the secondary", "hold", [SECONDARY_FAILS], "look again"],
    ["two failed probes of the secondary", "hold", [SECONDARY_FAILS, SECONDARY_FAILS], "turn back"],
    ["an unhealthy secondary", "hold", [SECONDARY_ILL], "turn back"],
    [
      "an unhealthy secondary before anything moved",
      "baseline",
      [{ ...SECONDARY_ILL, serving: "primary" }],
      "turn back",
    ],
    ["two looks at the primary during the hold", "hold", [PRIMARY, PRIMARY], "look again"],
    ["three looks at the primary during the hold", "hold", [PRIMARY, PRIMARY, PRIMARY], "turn back"],
    ["bad answers on the way back", "primary serves", [BAD, BAD, BAD, SECONDARY_ILL], "look again"],
    ["the primary again", "primary serves", [SECONDARY, PRIMARY, PRIMARY, PRIMARY], "go on"],
  ])("%s in %s: %s", (_, step, looks, course) => {
    expect(after(step, looks).course).toBe(course);
  });

  test.each<[WatchStep, Look]>([
    ["baseline", SECONDARY],
    ["secondary serves", PRIMARY],
    ["primary serves", SECONDARY],
  ])("don't go on for ever in %s, and say what was seen last", (step, look) => {
    expect(after(step, [look], { ms: 10_001 }).course).toBe("look again");
    expect(after(step, [look], { ms: 10_000 })).toMatchObject({
      course: "turn back",
      why: expect.stringContaining(`the last look found the ${look.serving} endpoint`),
    });
  });

  test("of a hold end with its time, however the last one went", () => {
    expect(after("hold", [SECONDARY], { ms: 10_001 }).course).toBe("look again");
    expect(after("hold", [BAD], { ms: 10_000 })).toMatchObject({
      course: "go on",
      detail: expect.stringContaining("for 10 s"),
    });
  });

  test("count anew in the next step, but for a failing secondary", () => {
    const before = watched("baseline", [PRIMARY, { ...BAD, secondaryFailure: "reset" }]);
    expect(nextWatch(before)).toMatchObject({ seen: 0, bad: 0, secondaryFailed: 1, errors: 1 });
  });

  test("are kept in short: equal ones in a row as one, and the first errors", () => {
    const looks = [PRIMARY, PRIMARY, SECONDARY, BAD, BAD, SECONDARY].map((look, index) => {
      return { ...look, at: NOW + index * 2_000 };
    });
    const watch = watched("secondary serves", looks);
    expect(watch.runs).toMatchObject([
      { serving: "primary", looks: 2, from: NOW, to: NOW + 2_000 },
      { serving: "secondary", looks: 1 },
      { serving: "none", status: 530, looks: 2 },
      { serving: "secondary", looks: 1, from: NOW + 10_000 },
    ]);
    expect(watch.errors).toBe(2);
    expect(watch.shownErrors).toMatchObject([
      { at: NOW + 6_000, step: "secondary serves", status: 530, detail: "error 1016" },
      { at: NOW + 8_000 },
    ]);
  });

  test("fill no report, however many they are", () => {
    const looks = Array.from({ length: 400 }, (_, index) => (index % 2 === 0 ? BAD : SECONDARY));
    const watch = watched("hold", looks);
    expect(watch.runs.length).toBeLessThanOrEqual(50);
    expect(watch.shownErrors.length).toBeLessThanOrEqual(20);
    expect(watch.errors).toBe(200);
  });
});

function aResult(given: Partial<ProbeResult> = {}): ProbeResult {
  return {
    ok: true,
    status: 200,
    latencyMs: 5,
    failure: null,
    detail: null,
    traits: {},
    way: "fetch",
    ...given,
  };
}
const aSample = (hostname: ProbeResult | null, secondary = aResult()): Sample => {
  return { failoverId: "fo_1", tick: NOW, primary: aResult(), secondary, hostname };
};
function aHealth(verdict: Verdict): SideHealth {
  const witness = {
    witness: "cloudflare",
    verdict,
    since: null,
    observedAt: NOW,
    detail: "timed out",
  } as const;
  return { verdict, since: null, witnesses: [witness] };
}
const FINE = { health: aHealth("healthy"), admitted: true };

describe("one look", () => {
  test.each<[string, Partial<ProbeResult>, boolean]>([
    ["a good answer", {}, false],
    ["an error of the edge", { ok: false, status: 522, failure: "status" }, true],
    ["an error of the endpoint", { ok: false, status: 500, failure: "status" }, true],
    ["no answer", { ok: false, status: null, failure: "timeout" }, true],
    ["a challenge", { ok: false, status: 403, failure: "challenged" }, false],
    ["an answer from a cache", { ok: false, status: 200, failure: "cached" }, false],
    ["what the platform forbids", { ok: false, status: null, failure: "blocked" }, false],
  ])("at %s is bad: %j %s", (_, result, bad) => {
    expect(toLook(aSample(aResult(result)), "unknown", FINE).bad).toBe(bad);
  });

  test("at no hostname says nothing", () => {
    expect(toLook(aSample(null), "unknown", FINE)).toMatchObject({ bad: false, status: null, detail: null });
  });

  test.each<[Verdict, string | null]>([
    ["healthy", null],
    ["unknown", null],
    ["unhealthy", "unhealthy: timed out"],
    ["flapping", "flapping: timed out"],
  ])("where Cloudflare finds the secondary %s", (verdict, complaint) => {
    const look = toLook(aSample(aResult()), "secondary", { health: aHealth(verdict), admitted: true });
    expect(look.secondaryComplaint).toBe(complaint);
  });

  test("takes a refusal of our probe for the secondary's failure only where it was admitted before", () => {
    const sample = aSample(
      aResult(),
      aResult({ ok: false, status: 403, failure: "status", detail: "status 403" }),
    );
    expect(toLook(sample, "secondary", FINE).secondaryFailure).toBe("status 403");
    expect(toLook(sample, "secondary", { ...FINE, admitted: false }).secondaryFailure).toBeNull();
  });
});

describe("time", () => {
  test("a lease covers the steps under it and ends within an hour, however long the hold", () => {
    expect(leaseMs(60)).toBe(240_000);
    expect(leaseMs(LONGEST_HOLD_SECONDS)).toBeLessThanOrEqual(3_600_000);
  });

  test("a pool that was disabled gets the time of its first checks, one that was not gets none", () => {
    const monitor = { interval: 60, consecutive_up: 5 };
    expect(returnPatienceMs("disable-primary", monitor) - returnPatienceMs("reorder", monitor)).toBe(420_000);
  });
});

const LEASE: Lease = {
  id: "le_1",
  failoverId: "fo_1",
  kind: "drill",
  version: 1,
  active: "secondary",
  reason: "",
  origin: { actor: { kind: "token", name: "ann" }, requestId: null },
  startedAt: NOW,
  expiresAt: NOW + 1,
};

function aState(given: Partial<DrillState> = {}): DrillState {
  return {
    drillId: "dr_1",
    method: "reorder",
    stage: "production",
    hostname: "www.example.com",
    holdSeconds: 60,
    reason: null,
    specHash: "aa",
    incarnation: "first",
    affinity: null,
    leaseId: "le_1",
    deadlineAt: NOW,
    watch: NOTHING_SEEN,
    times: {},
    failed: null,
    ...given,
  };
}

describe("an interruption", () => {
  const surroundings: Surroundings = {
    step: "hold",
    incarnation: "first",
    stage: "production",
    specHash: "aa",
    isFrozen: false,
    leases: [LEASE],
  };

  test.each<[string, Partial<Surroundings>, string]>([
    ["a restart", { incarnation: "second" }, 'restarted during the step "hold"'],
    ["another stage", { stage: "testing" }, "in testing by now"],
    ["another spec", { specHash: "bb" }, "another one by now"],
    ["a freeze", { isFrozen: true }, "frozen"],
    ["the end of its lease", { leases: [] }, "its lease ended"],
    ["another's lease", { leases: [{ ...LEASE, id: "le_2" }] }, "its lease ended"],
  ])("is %s", (_, given, why) => {
    expect(findInterruption(aState(), { ...surroundings, ...given })).toContain(why);
  });

  test("is none while all is as it was, nor before there is a lease, nor after it was ended", () => {
    expect(findInterruption(aState(), surroundings)).toBeNull();
    const early = { ...surroundings, step: "baseline", leases: [] } as const;
    expect(findInterruption(aState({ leaseId: null }), early)).toBeNull();
    const back = { ...surroundings, step: "primary serves", leases: [] } as const;
    expect(findInterruption(aState({ times: { leaseEndedAt: NOW } }), back)).toBeNull();
  });

  test("is no freeze of the fleet once it restores", () => {
    const back = { ...surroundings, step: "restore", isFrozen: true } as const;
    expect(findInterruption(aState({ times: { leaseEndedAt: NOW } }), back)).toBeNull();
  });
});
