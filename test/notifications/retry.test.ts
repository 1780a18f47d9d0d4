import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decideAfter,
  GIVE_UP_AFTER_MS,
  readRetryAfter,
  type Outcome,
} from "../../src/notifications/retry.ts";

const NOON = Date.UTC(2026, 10, 23, 12);
const HOUR = 3_600_000;
const outcome = (status: number | null, retryAfterMs: number | null = null): Outcome => ({
  status,
  error: status !== null && status < 300 ? null : "no",
  retryAfterMs,
});
const tried = (attempts: number, id = "dl_a") => ({ id, attempts, startedAt: NOON });

describe("after an attempt", () => {
  it.each([
    [200, "delivered"],
    [204, "delivered"],
    [301, "retry"],
    [400, "retry"],
    [404, "retry"],
    [408, "retry"],
    [410, "failed"],
    [425, "retry"],
    [429, "retry"],
    [500, "retry"],
    [503, "retry"],
    [null, "retry"],
  ])("with status %s: %s", (status, kind) => {
    expect(decideAfter(outcome(status), tried(1), NOON).kind).toBe(kind);
  });

  it("pauses longer and longer, over three days", () => {
    let now = NOON;
    const pauses: number[] = [];
    for (let attempts = 1; attempts < 20; attempts += 1) {
      const verdict = decideAfter(outcome(500), tried(attempts), now);
      if (verdict.kind !== "retry") break;
      pauses.push(verdict.dueAt - now);
      now = verdict.dueAt;
    }
    expect(pauses).toHaveLength(9);
    expect(pauses[0]).toBeLessThan(6_000);
    expect(pauses.slice(0, -1)).toEqual(pauses.slice(0, -1).toSorted((a, b) => a - b));
    expect(now).toBe(NOON + GIVE_UP_AFTER_MS);
    expect(decideAfter(outcome(500), tried(10), now)).toEqual({ kind: "failed", isGone: false });
  });

  it("pauses the same for the same delivery, and not at once with others", () => {
    const due = (id: string) => decideAfter(outcome(500), tried(2, id), NOON);
    expect(due("dl_a")).toEqual(due("dl_a"));
    expect(due("dl_a")).not.toEqual(due("dl_b"));
  });

  it("does as Retry-After asks, within limits", () => {
    expect(decideAfter(outcome(429, 30_000), tried(1), NOON)).toEqual({
      kind: "retry",
      dueAt: NOON + 30_000,
      holdUntil: NOON + 30_000,
    });
    expect(decideAfter(outcome(503, 400 * HOUR), tried(1), NOON)).toMatchObject({ dueAt: NOON + 12 * HOUR });
    expect(decideAfter(outcome(503, 0), tried(21), NOON)).toMatchObject({ dueAt: NOON + 300_000 });
  });

  it.each([
    [null, true],
    [500, true],
    [429, true],
    [400, false],
    [301, false],
  ])("with status %s holds back other messages: %s", (status, holds) => {
    const verdict = decideAfter(outcome(status), tried(4), NOON);
    expect(verdict).toMatchObject({ holdUntil: holds ? NOON + 60_000 : null });
  });

  it("is never due later than three days after the first, nor earlier than now", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 99 }),
        fc.integer({ min: 0, max: GIVE_UP_AFTER_MS - 1 }),
        fc.option(fc.integer({ min: 0, max: 1e12 })),
        (attempts, age, asked) => {
          const verdict = decideAfter(outcome(503, asked), tried(attempts), NOON + age);
          expect(verdict.kind).toBe("retry");
          if (verdict.kind !== "retry") return;
          expect(verdict.dueAt).toBeGreaterThan(NOON + age);
          expect(verdict.dueAt).toBeLessThanOrEqual(NOON + GIVE_UP_AFTER_MS);
        },
      ),
    );
  });
});

describe("Retry-After", () => {
  it.each([
    ["30", 30_000],
    [" 0 ", 0],
    ["0.65", 650],
    ["Mon, 23 Nov 2026 12:02:00 GMT", 120_000],
    ["Mon, 23 Nov 2026 11:00:00 GMT", 0],
    ["-5", null],
    ["soon", null],
    ["", null],
    ["99999999999999999999", null],
    [null, null],
  ])("%j", (header, milliseconds) => {
    expect(readRetryAfter(header, NOON)).toBe(milliseconds);
  });
});
