import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ProbeFailure, ProbeResult, Sample, Verdict } from "../../src/failover/results.ts";
import {
  cloudflareWitness,
  deriveReadiness,
  deriveSideHealth,
  FLAPPING_WINDOW_MS,
  foldPoolHealth,
  judgePlaces,
  probeHasSucceeded,
  probeWitness,
  WITNESS_FRESH_MS,
  type PoolHealth,
} from "../../src/failover/verdict.ts";

const START = 1_720_000_000_000;
const MINUTE = 60_000;
const at = (minute: number): number => START + minute * MINUTE;

function aResult(failure: ProbeFailure | null, status: number | null = null): ProbeResult {
  const ok = failure === null;
  return {
    ok,
    status: ok ? 200 : status,
    latencyMs: ok ? 12 : null,
    failure,
    detail: ok ? null : `it was ${failure}`,
    traits: {},
    way: "fetch",
  };
}

const UP = aResult(null);
const DOWN = aResult("timeout");

function aSample(minute: number, primary: ProbeResult, secondary = UP): Sample {
  return { failoverId: "fo_2f8Kq1", tick: at(minute), primary, secondary, hostname: null };
}

/** One sample a minute: `+` up, `-` down, `r` refused, `4` a 403, `?` from a cache, `.` none. */
function timeline(text: string): Sample[] {
  const results: Record<string, ProbeResult> = {
    "+": UP,
    "-": DOWN,
    r: aResult("refused"),
    "4": aResult("status", 403),
    "?": aResult("cached", 200),
    b: aResult("blocked"),
    c: aResult("challenged", 403),
    x: aResult("reset"),
  };
  return text.split("").flatMap((letter, minute) => {
    const result = results[letter];
    return result === undefined ? [] : [aSample(minute, result)];
  });
}

const judge = (text: string, cloudflare: Verdict = "unknown") =>
  probeWitness(timeline(text), "primary", cloudflare, at(text.length - 1)).verdict;

describe("the probe's timeline", () => {
  const rows: [string, string, Verdict][] = [
    ["nothing yet", "", "unknown"],
    ["one good answer is not enough", "+", "unknown"],
    ["two good answers", "++", "healthy"],
    ["two bad answers", "--", "unhealthy"],
    ["one odd answer", "+++-", "healthy"],
    ["one odd answer, then good again", "+++-+", "healthy"],
    ["a second bad answer", "+++--", "unhealthy"],
    ["one good answer after bad ones", "+++---+", "unhealthy"],
    ["recovery", "+++---++", "healthy"],
    ["a new endpoint within five ticks", "-+++", "healthy"],
    ["three changes within ten minutes", "++--++--", "unhealthy"],
    ["four changes within ten minutes", "++--++--+", "flapping"],
    ["four changes, each minute one", "+-+-+", "flapping"],
    ["four changes in eleven minutes", "+-+-.......+++", "healthy"],
    ["the end of flapping", "+-+-+++++++++", "healthy"],
    ["one tick before the end of flapping", "+-+-++++++", "flapping"],
    ["a silence that is no longer than fresh", "++.........", "healthy"],
    ["a silence that is too long", "++............", "unknown"],
    ["one answer after a long silence", "++...........+", "unknown"],
    ["answers from a cache say nothing", "++??", "unknown"],
    ["one answer from a cache among good ones", "++?", "healthy"],
    ["changes with an answer from a cache between them", "+?-?+?-?+", "flapping"],
    ["answers from a cache are no change", "++?+?+?+?+", "healthy"],
  ];
  test.each(rows)("%s: %s is %s", (_, text, verdict) => {
    expect(judge(text)).toBe(verdict);
  });

  test("a verdict has been so since the first of the answers that made it", () => {
    const { since, observedAt } = probeWitness(timeline("+++---"), "primary", "unknown", at(5));
    expect([since, observedAt]).toStrictEqual([at(3), at(5)]);
  });

  test("a verdict keeps its since beyond ten minutes", () => {
    const text = "+".repeat(40);
    expect(probeWitness(timeline(text), "primary", "healthy", at(39)).since).toBe(at(0));
  });

  test("each side has its own", () => {
    const samples = timeline("----");
    expect(probeWitness(samples, "secondary", "unknown", at(3)).verdict).toBe("healthy");
    expect(probeHasSucceeded(samples, "secondary")).toBe(true);
    expect(probeHasSucceeded(samples, "primary")).toBe(false);
  });
});

describe("a probe that is not admitted", () => {
  test.each(["rr", "44", "xx", "cc", "bb", "++rr", "r"])(
    "%s is unknown where Cloudflare finds the endpoint healthy",
    (text) => {
      const witness = probeWitness(timeline(text), "primary", "healthy", at(text.length - 1));
      expect(witness.verdict).toBe("unknown");
      expect(witness.detail).toMatch(/^probe not admitted: /);
    },
  );

  test.each(["unhealthy", "unknown", "flapping"] as const)(
    "is a failing endpoint where Cloudflare finds it %s",
    (cloudflare) => {
      expect(judge("rr", cloudflare)).toBe("unhealthy");
      expect(judge("44", cloudflare)).toBe("unhealthy");
      expect(judge("xx", cloudflare)).toBe("unhealthy");
    },
  );

  test("is not what a challenge or the platform's own block says of a failing endpoint", () => {
    expect(judge("cc", "unhealthy")).toBe("unknown");
    expect(judge("bb", "unhealthy")).toBe("unknown");
  });

  test("by a single answer doesn't change a verdict", () => {
    expect(judge("++r", "healthy")).toBe("healthy");
  });

  test("is not what a timeout or a wrong status says", () => {
    expect(judge("--", "healthy")).toBe("unhealthy");
  });
});

describe("a verdict is a function of the samples alone", () => {
  const samples = fc
    .array(fc.constantFrom("+", "-", "r", "4", "?", "."), { minLength: 1, maxLength: 25 })
    .map((letters) => timeline(letters.join("")));
  const verdicts = fc.constantFrom<Verdict[]>("healthy", "unhealthy", "unknown", "flapping");

  test("in whichever order, and however often, they arrive", () => {
    fc.assert(
      fc.property(
        samples.chain((all) =>
          fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }), fc.subarray(all)),
        ),
        verdicts,
        ([all, shuffled, twice], cloudflare) => {
          const expected = probeWitness(all, "primary", cloudflare, at(25));
          expect(probeWitness([...twice, ...shuffled], "primary", cloudflare, at(25))).toStrictEqual(
            expected,
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  test("and never known from nothing but silence", () => {
    fc.assert(
      fc.property(samples, verdicts, fc.integer({ min: 1, max: 1e9 }), (all, cloudflare, later) => {
        const last = Math.max(0, ...all.map(({ tick }) => tick));
        const now = last + WITNESS_FRESH_MS + later;
        expect(probeWitness(all, "primary", cloudflare, now).verdict).toBe("unknown");
      }),
      { numRuns: 200 },
    );
  });
});

describe("the majority of places", () => {
  test("decides, whatever the places' order", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 39 }), (places) => {
        const { healthy } = judgePlaces(
          places.map((one, index) => ({ place: String(index), healthy: one, reason: "TCP timeout" })),
        );
        const good = places.filter(Boolean).length;
        expect(healthy).toBe(places.length === 0 ? null : good * 2 > places.length);
      }),
      { numRuns: 300 },
    );
  });

  test("names the commonest reason and how many found it failing", () => {
    const place = (name: string, reason: string | null) => ({
      place: name,
      healthy: reason === null,
      reason: reason ?? "No failures",
    });
    const places = [
      place("Amsterdam, NL", "TCP timeout"),
      place("Paris, FR", "Response code mismatch"),
      place("London, GB", "Response code mismatch"),
      place("Rome, IT", null),
    ];
    expect(judgePlaces(places)).toStrictEqual({
      healthy: false,
      detail: "Response code mismatch in 3 of 4 places",
    });
  });
});

describe("an endpoint whose checks pass again, but not often enough in a row", () => {
  test("is unhealthy, and not for a failure", () => {
    const places = ["Paris, FR", "Rome, IT"].map((place) => ({
      place,
      healthy: false,
      reason: "No failures",
    }));
    expect(judgePlaces(places)).toStrictEqual({
      healthy: false,
      detail: "not enough good checks in a row yet in 2 of 2 places",
    });
  });
});

describe("folding Cloudflare's readings", () => {
  const reading = (minute: number, healthy: boolean | null, poolId = "p") => ({
    poolId,
    healthy,
    detail: healthy === false ? "TCP timeout in 3 of 3 places" : null,
    at: at(minute),
  });
  const fold = (readings: readonly ReturnType<typeof reading>[]): PoolHealth | undefined =>
    readings.reduce<PoolHealth | undefined>((before, one) => foldPoolHealth(before, one), undefined);

  const readings = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom(true, false, null)), {
      minLength: 1,
      maxLength: 40,
    })
    .map((steps) => {
      let minute = 0;
      return steps.map(([step, healthy]) => reading((minute += step), healthy));
    });

  test("keeps the last reading, and since when it has been so", () => {
    fc.assert(
      fc.property(readings, (all) => {
        const health = fold(all);
        const last = all.at(-1);
        const changed = all.findLastIndex((one) => one.healthy !== last?.healthy);
        expect(health).toMatchObject({
          healthy: last?.healthy,
          detail: last?.detail,
          readAt: last?.at,
          since: all[changed + 1]?.at,
        });
      }),
      { numRuns: 300 },
    );
  });

  test("remembers exactly the changes of the last ten minutes, and no first result as one", () => {
    fc.assert(
      fc.property(readings, (all) => {
        const now = all.at(-1)?.at ?? 0;
        const changes = all.flatMap((one, index) => {
          const before = all[index - 1];
          const changed =
            before !== undefined &&
            before.healthy !== null &&
            one.healthy !== null &&
            before.healthy !== one.healthy;
          return changed && now - one.at < FLAPPING_WINDOW_MS ? [one.at] : [];
        });
        expect(fold(all)?.changes).toStrictEqual(changes);
        const verdict = cloudflareWitness(fold(all), now).verdict;
        expect(verdict === "flapping").toBe(changes.length >= 4);
      }),
      { numRuns: 300 },
    );
  });

  test("begins anew with a new pool", () => {
    const before = fold([reading(0, true), reading(1, false), reading(2, true), reading(3, false)]);
    expect(foldPoolHealth(before, reading(4, null, "new"))).toStrictEqual({
      poolId: "new",
      healthy: null,
      since: at(4),
      readAt: at(4),
      changes: [],
      detail: null,
    });
  });

  test("a change that a clock set back has put into the future doesn't count", () => {
    const before = fold([reading(60, true), reading(61, false), reading(62, true), reading(63, false)]);
    expect(foldPoolHealth(before, reading(0, true)).changes).toStrictEqual([at(0)]);
  });
});

describe("Cloudflare's witness", () => {
  const health = (given: Partial<PoolHealth>): PoolHealth => ({
    poolId: "p",
    healthy: true,
    since: at(0),
    readAt: at(5),
    changes: [],
    detail: null,
    ...given,
  });

  test.each<[string, PoolHealth | undefined, number, Verdict]>([
    ["never read", undefined, at(5), "unknown"],
    ["healthy", health({}), at(5), "healthy"],
    ["unhealthy", health({ healthy: false }), at(5), "unhealthy"],
    ["without results", health({ healthy: null }), at(5), "unknown"],
    ["read just not too long ago", health({}), at(5) + WITNESS_FRESH_MS, "healthy"],
    ["read too long ago", health({}), at(5) + WITNESS_FRESH_MS + 1, "unknown"],
    ["changed three times", health({ changes: [at(1), at(2), at(3)] }), at(5), "healthy"],
    ["changed four times", health({ changes: [at(1), at(2), at(3), at(4)] }), at(5), "flapping"],
    [
      "changed four times, the first ten minutes ago",
      health({ changes: [at(1), at(2), at(3), at(4)], readAt: at(11) }),
      at(11),
      "healthy",
    ],
  ])("that was %s", (_, given, now, verdict) => {
    const witness = cloudflareWitness(given, now);
    expect(witness.verdict).toBe(verdict);
    expect(witness.observedAt).toBe(given?.readAt ?? null);
  });

  test("alone gives the verdict, and both are shown", () => {
    const side = deriveSideHealth("primary", health({}), timeline("------"), at(5));
    expect(side.verdict).toBe("healthy");
    expect(side.witnesses.map(({ witness, verdict }) => [witness, verdict])).toStrictEqual([
      ["cloudflare", "healthy"],
      ["probe", "unhealthy"],
    ]);
  });
});

describe("readiness", () => {
  const side = (verdict: Verdict) => ({ verdict, since: null, witnesses: [] });
  test.each<[Verdict, Verdict, string]>([
    ["healthy", "healthy", "ready"],
    ["healthy", "unhealthy", "degraded"],
    ["unknown", "healthy", "degraded"],
    ["flapping", "flapping", "not_ready"],
    ["unhealthy", "unknown", "not_ready"],
  ])("of %s and %s is %s", (primary, secondary, readiness) => {
    expect(deriveReadiness({ primary: side(primary), secondary: side(secondary) })).toBe(readiness);
  });
});
