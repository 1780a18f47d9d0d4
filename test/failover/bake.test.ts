import { describe, expect, test } from "vitest";
import {
  isBroken,
  isSettled,
  isUndecided,
  judgeLook,
  NOT_LOOKED,
  watchBake,
  whyNotBack,
} from "../../src/failover/bake.ts";
import type { ProbeResult, Sample } from "../../src/failover/results.ts";
import { identifyServing } from "../../src/failover/serving.ts";

function answer(given: Partial<ProbeResult> = {}): ProbeResult {
  return {
    ok: true,
    status: 200,
    latencyMs: 12,
    failure: null,
    detail: null,
    traits: {},
    way: "fetch",
    ...given,
  };
}

const PRIMARY = answer({ traits: { body: "p" } });
const SECONDARY = answer({ traits: { body: "s" } });
const DOWN = answer({ ok: false, status: null, failure: "refused", traits: {} });
const wrong = (status: number, more: Partial<ProbeResult> = {}) =>
  answer({ ok: false, status, failure: "status", traits: { body: "x" }, ...more });

function lookAt(hostname: ProbeResult | null, primary = PRIMARY, secondary = SECONDARY) {
  const sample: Sample = { failoverId: "fo_1", tick: 0, primary, secondary, hostname };
  return judgeLook(sample, identifyServing(sample, {}, { primary: { body: "p" } }), "primary");
}

describe("one look while a promotion bakes", () => {
  test.each<[string, ReturnType<typeof lookAt>, string]>([
    ["the active endpoint's answer", lookAt(PRIMARY), "good"],
    ["the other's answer", lookAt(SECONDARY), "other"],
    ["the other's while the active is down", lookAt(SECONDARY, DOWN), "other"],
    ["an answer that both would give", lookAt(PRIMARY, PRIMARY, PRIMARY), "good"],
    ["Cloudflare's 530", lookAt(wrong(530)), "bad"],
    ["Cloudflare's 521 with both down", lookAt(wrong(521), DOWN, DOWN), "bad"],
    ["a 404 that neither gives", lookAt(wrong(404)), "bad"],
    ["a 404 with an endpoint down, which may be its own", lookAt(wrong(404), DOWN), "unclear"],
    ["Cloudflare's 521 with the active down and the other well", lookAt(wrong(521), DOWN), "failing over"],
    ["Cloudflare's 521 with the other down and the active well", lookAt(wrong(521), PRIMARY, DOWN), "bad"],
    ["a 503 that is the active's own page", lookAt(wrong(503), wrong(503)), "good"],
    ["a refusal meant for us", lookAt(wrong(403)), "unclear"],
    ["too many requests of ours", lookAt(wrong(429)), "unclear"],
    ["a challenge", lookAt(wrong(403, { failure: "challenged" })), "unclear"],
    ["an answer from a cache", lookAt(answer({ ok: false, failure: "cached" })), "unclear"],
    ["no answer in time", lookAt(answer({ ok: false, status: null, failure: "timeout" })), "unclear"],
    ["a name that does not resolve", lookAt(answer({ ok: false, status: null, failure: "dns" })), "unclear"],
    ["TLS that fails", lookAt(answer({ ok: false, status: null, failure: "tls" })), "unclear"],
    ["a good answer that is like neither's", lookAt(answer({ traits: { body: "?" } })), "unclear"],
    ["no look at all", lookAt(null), "unclear"],
  ])("%s", (_, judged, expected) => {
    expect(judged).toBe(expected);
  });
});

const CHECKS = { interval: 60, timeout: 5, retries: 2 };

describe("looks in a row", () => {
  test.each<[string, Parameters<typeof watchBake>[1][], boolean]>([
    ["three bad ones settle it", ["bad", "bad", "bad"], true],
    ["two don't", ["bad", "bad"], false],
    ["one that says nothing begins it anew", ["bad", "bad", "unclear", "bad"], false],
    ["so does a good one", ["bad", "bad", "good", "bad", "bad"], false],
    ["what came before doesn't count", ["good", "other", "bad", "bad", "bad", "bad"], true],
  ])("%s", (_, looks, settles) => {
    expect(isSettled(looks.reduce(watchBake, NOT_LOOKED), "bad")).toBe(settles);
  });

  test("that wait for Cloudflare's checks are waited for longer than those take", () => {
    let watch = NOT_LOOKED;
    const broken: boolean[] = [];
    for (let looks = 1; looks <= 9; looks += 1) {
      watch = watchBake(watch, "failing over");
      broken.push(isBroken(watch, CHECKS));
    }
    expect(broken).toStrictEqual([...Array.from({ length: 8 }, () => false), true]);
    expect(isBroken(watchBake(watchBake(watchBake(NOT_LOOKED, "bad"), "bad"), "bad"), CHECKS)).toBe(true);
  });

  test.each([
    [{ interval: 60, timeout: 5, retries: 2 }, 9],
    [{ interval: 300, timeout: 5, retries: 2 }, 33],
    [{ interval: 3600, timeout: 10, retries: 5 }, 60],
  ])("with checks like %j are waited for %i times", (checks, looks) => {
    const watch = (inARow: number) => ({ look: "failing over", inARow }) as const;
    expect([isBroken(watch(looks - 1), checks), isBroken(watch(looks), checks)]).toStrictEqual([false, true]);
    expect([isUndecided(watch(looks - 1), checks), isUndecided(watch(looks), checks)]).toStrictEqual([
      true,
      false,
    ]);
  });

  test("that say nothing settle nothing", () => {
    expect(isSettled(NOT_LOOKED, "good", "other", "bad")).toBe(false);
  });
});

describe("going back", () => {
  const underneath = { records: ["A 8.8.8.8"], leadsTo: "other" } as const;
  const way = { underneath, down: [], answeredBefore: true, servedBefore: "unknown", notOurs: null } as const;
  test.each<[string, Parameters<typeof whyNotBack>[1], RegExp | null]>([
    ["to a record that answered well", way, null],
    ["where the load balancer isn't ours", { ...way, notOurs: "the load balancer is gone" }, /is gone/],
    ["where the records can't be read", { ...way, underneath: null }, /could not be read/],
    ["where there is no record", { ...way, underneath: { records: [], leadsTo: null } }, /no DNS record/],
    [
      "to a record that leads to an endpoint that is down",
      { ...way, underneath: { ...underneath, leadsTo: "primary" }, down: ["primary"] },
      /leads to the primary endpoint, which does not answer now/,
    ],
    [
      "to a record that leads to an endpoint while the other is down",
      { ...way, underneath: { ...underneath, leadsTo: "primary" }, down: ["secondary"] },
      null,
    ],
    [
      "to an address under which an endpoint answered that is down",
      { ...way, servedBefore: "primary", down: ["primary", "secondary"] },
      /leads to the primary endpoint, which does not answer now/,
    ],
    ["to a record that didn't answer", { ...way, answeredBefore: false }, /not seen to answer well/],
  ])("%s", (_, given, why) => {
    const stays = whyNotBack("www.example.com", given);
    if (why === null) expect(stays).toBeNull();
    else expect(stays).toMatch(why);
  });
});
