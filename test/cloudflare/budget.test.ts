import { afterEach, describe, expect, it, vi } from "vitest";
import { createBudget, type Budget, type BudgetState, type Priority } from "../../src/cloudflare/budget.ts";
import { setStage } from "../stories/stage.ts";

const START = Date.UTC(2035, 0, 1);

/** A budget on a clock of its own; `settled` has forgotten what was presumed of the time before. */
function aBudget({ settled = true, stored }: { settled?: boolean; stored?: BudgetState } = {}) {
  const clock = { at: START, now: () => clock.at };
  const budget = createBudget(clock, stored);
  if (settled) clock.at += 310_000;
  return { clock, budget };
}

/** Takes as many as there are to be had. */
function takeAll(budget: Budget, priority: Priority): number {
  let taken = 0;
  while (taken < 2000 && budget.take(priority).ok) taken += 1;
  return taken;
}

describe("the request budget", () => {
  it.each([
    ["lease", 1200],
    ["person", 1180],
    ["latch", 1140],
    ["heal", 1100],
    ["poll", 600],
  ] as const)("lets %s take %i calls of a full one", (priority, most) => {
    const { budget } = aBudget();
    expect(budget.left(priority)).toBe(most);
    expect(takeAll(budget, priority)).toBe(most);
    expect(budget.left(priority)).toBe(0);
  });

  it.each([
    ["lease", 300],
    ["person", 280],
    ["latch", 240],
    ["heal", 200],
    ["poll", 150],
  ] as const)("lets %s take %i calls of a new one, which has a quarter", (priority, most) => {
    expect(takeAll(aBudget({ settled: false }).budget, priority)).toBe(most);
  });

  it.each([
    ["poll", "heal"],
    ["heal", "latch"],
    ["latch", "person"],
    ["person", "lease"],
  ] as const)("leaves something for what is more urgent when %s has taken all it may", (greedy, urgent) => {
    const { budget } = aBudget();
    takeAll(budget, greedy);
    expect(budget.take(greedy).ok).toBe(false);
    expect(takeAll(budget, urgent)).toBeGreaterThanOrEqual(20);
  });

  it.each([
    ["a full one", true],
    ["a new one", false],
  ])("never polls more than 600 times in any five minutes, from %s", (_, settled) => {
    const { clock, budget } = aBudget({ settled });
    const polls: number[] = [];
    for (let second = 0; second < 1800; second += 1) {
      // Greedy in bursts: nothing for a while, then everything there is.
      if (second % 97 < 40) while (budget.take("poll").ok) polls.push(clock.at);
      clock.at += 1000;
    }
    const most = Math.max(
      ...polls.map((from) => polls.filter((at) => at >= from && at < from + 300_000).length),
    );
    expect(most).toBeLessThanOrEqual(600);
    expect(polls.length).toBeGreaterThan(2500);
  });

  it("never makes more than 1200 calls in any five minutes, whoever asks", () => {
    const { clock, budget } = aBudget();
    const calls: number[] = [];
    for (let second = 0; second < 900; second += 7) {
      for (const priority of ["poll", "heal", "latch", "person", "lease"] as const)
        while (budget.take(priority).ok) calls.push(clock.at);
      clock.at += 7000;
    }
    const most = Math.max(
      ...calls.map((from) => calls.filter((at) => at >= from && at < from + 300_000).length),
    );
    expect(most).toBeLessThanOrEqual(1200);
  });

  it("gives back what was called once it has left the window", () => {
    const { clock, budget } = aBudget();
    takeAll(budget, "poll");
    clock.at += 299_000;
    expect(budget.left("poll")).toBe(0);
    clock.at += 11_000;
    expect(budget.left("poll")).toBe(600);
  });

  it("releases a new one's presumed calls steadily rather than at once", () => {
    const { clock, budget } = aBudget({ settled: false });
    const left = [0, 60, 120, 180, 240, 300].map((seconds) => {
      clock.at = START + seconds * 1000;
      return budget.left("poll");
    });
    for (const [index, now] of left.slice(1).entries()) {
      const gained = now - (left[index] ?? 0);
      expect(gained).toBeGreaterThanOrEqual(75);
      expect(gained).toBeLessThanOrEqual(105);
    }
  });

  it("keeps counting for no longer than a window when the clock was set back", () => {
    const { clock, budget } = aBudget();
    takeAll(budget, "poll");
    clock.at -= 86_400_000;
    expect(budget.left("poll")).toBe(0);
    clock.at += 310_000;
    expect(budget.left("poll")).toBe(600);
  });

  describe("after a 429", () => {
    it.each([
      [null, 300],
      [17, 17],
      [600, 600],
    ])("with Retry-After %s lets nothing through for %i seconds", (retryAfter, seconds) => {
      const { clock, budget } = aBudget();
      budget.block(retryAfter);
      for (const priority of ["lease", "person", "latch", "heal", "poll"] as const) {
        expect(budget.take(priority)).toEqual({ ok: false, until: clock.at + seconds * 1000, blocked: true });
        expect(budget.left(priority)).toBe(0);
      }
      clock.at += seconds * 1000 - 1;
      expect(budget.take("lease").ok).toBe(false);
      clock.at += 1;
      expect(budget.blockedUntil()).toBeNull();
      expect(budget.take("poll").ok).toBe(true);
    });

    it("doesn't let a later, shorter one end the block earlier", () => {
      const { clock, budget } = aBudget();
      budget.block(300);
      budget.block(1);
      expect(budget.blockedUntil()).toBe(clock.at + 300_000);
    });
  });

  it("goes on where its stored state left off", () => {
    const { clock, budget } = aBudget();
    for (let calls = 0; calls < 400; calls += 1) budget.take("poll");
    budget.block(60);
    const stored = structuredClone(budget.state());
    const woken = createBudget(clock, stored);
    expect(woken.blockedUntil()).toBe(clock.at + 60_000);
    clock.at += 60_000;
    expect(woken.left("poll")).toBe(200);
    expect(woken.left("person")).toBe(780);
  });
});

describe("the budget of a Coordinator that was evicted", () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it("still knows that Cloudflare refuses all calls", async () => {
    const stage = setStage();
    await stage.ready();
    stage.simulator.faults.add({
      match: { path: "/load_balancers/pools" },
      effect: { kind: "rate-limit", retryAfterSeconds: 150 },
    });
    await stage.minutes(1);
    await stage.crash();
    stage.forgetCalls();
    await stage.minutes(2);
    expect(stage.simulator.calls).toEqual([]);
    await stage.minutes(1);
    expect(stage.simulator.calls.length).toBeGreaterThan(0);
  });
});
