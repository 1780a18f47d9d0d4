import { beforeEach, describe, expect, test } from "vitest";
import { aBench, apiRequest, buildFailover, type Bench } from "./failover-setup.ts";
import type { Effect, Simulator } from "./simulator.ts";

let bench: Bench;
let simulator: Simulator;
let monitors: string;
const monitor = { expected_codes: "200", description: "mine" };

beforeEach(() => {
  bench = aBench();
  simulator = bench.simulator;
  monitors = `${bench.account}/load_balancers/monitors`;
});

const post = (): Promise<unknown> => bench.call("POST", monitors, monitor);
const stored = (): number => simulator.world.monitors.size;

const statuses = async (count: number): Promise<number[]> => {
  const seen: number[] = [];
  for (let call = 0; call < count; call += 1) seen.push((await bench.call("GET", monitors)).status);
  return seen;
};

describe("which calls are struck", () => {
  const effect: Effect = { kind: "status", status: 500, when: "before" };
  test("one, unless told", async () => {
    const fault = simulator.faults.add({ match: {}, effect });
    expect(await statuses(3)).toEqual([500, 200, 200]);
    expect(fault.hits).toBe(1);
  });

  test("as many as told, from the nth on", async () => {
    const fault = simulator.faults.add({ match: { nth: 2, times: 2 }, effect });
    expect(await statuses(5)).toEqual([200, 500, 500, 200, 200]);
    expect(fault.hits).toBe(2);
  });

  test("those of a method and a path, by a part of it or a pattern", async () => {
    const times = Infinity;
    simulator.faults.add({ match: { method: "post", times }, effect });
    simulator.faults.add({ match: { path: "/usage", times }, effect });
    simulator.faults.add({ match: { path: /pools\/[0-9a-f]{32}$/, times }, effect });
    const balancing = `${bench.account}/load_balancers`;
    const statusOf = async (method: string, path: string): Promise<number> =>
      (await bench.call(method, path)).status;
    expect(await statusOf("GET", monitors)).toBe(200);
    expect(await statusOf("POST", monitors)).toBe(500);
    expect(await statusOf("GET", `${balancing}/usage`)).toBe(500);
    expect(await statusOf("GET", `${balancing}/pools/${"a".repeat(32)}`)).toBe(500);
    expect(await statusOf("GET", `${balancing}/pools`)).toBe(200);
    simulator.faults.add({ match: { path: /^\/client\/v4\/zones$/ }, effect });
    expect(await statusOf("GET", "/zones")).toBe(500);
  });

  test("none after the fault is removed, or all are cleared", async () => {
    const fault = simulator.faults.add({ match: { times: Infinity }, effect });
    expect(await statuses(1)).toEqual([500]);
    fault.remove();
    expect(await statuses(1)).toEqual([200]);
    simulator.faults.add({ match: {}, effect });
    simulator.faults.clear();
    expect(await statuses(1)).toEqual([200]);
  });
});

describe("an answer that is lost", () => {
  const kinds = ["drop", "timeout"] as const;
  test.each(kinds)("by %s before the write leaves nothing behind", async (kind) => {
    simulator.faults.add({ match: {}, effect: { kind, when: "before" } });
    await expect(post()).rejects.toThrow(TypeError);
    expect(stored()).toBe(0);
  });

  test.each(kinds)("by %s after the write leaves the object behind", async (kind) => {
    simulator.faults.add({ match: {}, effect: { kind, when: "after" } });
    await expect(post()).rejects.toThrow(TypeError);
    expect(stored()).toBe(1);
  });

  test.each(["before", "after"] as const)("by a status of the server %s the write", async (when) => {
    simulator.faults.add({ match: {}, effect: { kind: "status", status: 502, when } });
    expect((await bench.call("POST", monitors, monitor)).status).toBe(502);
    expect(stored()).toBe(when === "after" ? 1 : 0);
  });

  test("by a time-out ends when the caller gives up", async () => {
    const patient = aBench({ sleep: () => new Promise(() => {}) });
    patient.simulator.faults.add({ match: {}, effect: { kind: "timeout", when: "after" } });
    const request = apiRequest("POST", monitors, monitor, { signal: AbortSignal.timeout(10) });
    await expect(patient.simulator.api(request)).rejects.toMatchObject({ name: "TimeoutError" });
    expect(patient.simulator.world.monitors.size).toBe(1);
  });

  test("by success:false in an answer of 200", async () => {
    simulator.faults.add({ match: {}, effect: { kind: "success-false", code: 10001, message: "internal" } });
    const { status, success, errors, result } = await bench.call("GET", monitors);
    expect({ status, success, code: errors[0]?.code, result }).toEqual({
      status: 200,
      success: false,
      code: 10001,
      result: null,
    });
  });
});

test.each([
  ["envelope", /"code":7777/],
  ["html", /^<!DOCTYPE html>/],
  ["empty", /^$/],
  ["null", /^null$/],
  ["garbage", /^\{"success": tru$/],
] as const)("a status may come with a body of %s", async (body, expected) => {
  simulator.faults.add({
    match: {},
    effect: { kind: "status", status: 503, code: 7777, when: "before", body },
  });
  const response = await simulator.api(apiRequest("GET", monitors));
  expect(response.status).toBe(503);
  expect(await response.text()).toMatch(expected);
});

describe("a write that lands late", () => {
  test("is a time-out for its caller and takes effect when the clock passes", async () => {
    simulator.faults.add({ match: {}, effect: { kind: "late", landsAfterMs: 30_000 } });
    await expect(post()).rejects.toThrow(TypeError);
    bench.clock.advance(29_999);
    await simulator.runDue();
    expect(stored()).toBe(0);
    bench.clock.advance(1);
    await simulator.runDue();
    expect(stored()).toBe(1);
  });

  test("lands after a later write, and undoes it", async () => {
    await post();
    const [id = ""] = simulator.world.monitors.keys();
    simulator.faults.add({ match: { method: "PATCH" }, effect: { kind: "late", landsAfterMs: 1000 } });
    await expect(bench.call("PATCH", `${monitors}/${id}`, { description: "old" })).rejects.toThrow(TypeError);
    await bench.call("PATCH", `${monitors}/${id}`, { description: "new" });
    bench.clock.advance(1000);
    // It has landed before the next call is answered.
    expect((await bench.call("GET", `${monitors}/${id}`)).result.description).toBe("old");
  });

  test("survives a dump, and isn't counted as a call of ours", async () => {
    simulator.faults.add({ match: {}, effect: { kind: "late", landsAfterMs: 1000 } });
    await expect(post()).rejects.toThrow(TypeError);
    const other = aBench();
    other.simulator.load(simulator.dump());
    other.clock.advance(1000);
    await other.simulator.runDue();
    expect(other.simulator.world.monitors.size).toBe(1);
    expect(other.simulator.calls).toEqual([]);
  });
});

describe("lists that lag", () => {
  test("show the state before the last write, while a single object is fresh", async () => {
    await post();
    await post();
    const [first = ""] = simulator.world.monitors.keys();
    await bench.call("PATCH", `${monitors}/${first}`, { description: "changed" });
    // A refused write is none.
    expect((await bench.call("PATCH", `${monitors}/${first}`, { timeout: 99 })).status).toBe(400);
    simulator.faults.add({ match: { path: /monitors$/ }, effect: { kind: "stale-list" } });
    const stale = await bench.call("GET", monitors);
    expect(stale.result.map(({ description }: { description: string }) => description)).toEqual([
      "mine",
      "mine",
    ]);
    expect((await bench.call("GET", `${monitors}/${first}`)).result.description).toBe("changed");
    const fresh = await bench.call("GET", monitors);
    expect(fresh.result[0].description).toBe("changed");
  });

  test("may do so always", async () => {
    simulator.world.switches.lists = "lag-one-write";
    await post();
    expect((await bench.call("GET", monitors)).result).toEqual([]);
    await post();
    expect((await bench.call("GET", monitors)).result).toHaveLength(1);
  });

  test("may leave out objects and look complete", async () => {
    await post();
    await bench.call("POST", monitors, { ...monitor, description: "other" });
    simulator.faults.add({
      match: {},
      effect: { kind: "partial-list", omit: (object) => object["description"] === "mine" },
    });
    const { result, result_info } = await bench.call("GET", monitors);
    expect(result).toMatchObject([{ description: "other" }]);
    expect(result_info?.total_count).toBe(1);
  });
});

test("a delay waits before the write, for the time that is told", async () => {
  const waits: number[] = [];
  const slow = aBench({ sleep: async (ms) => void waits.push(ms) });
  slow.simulator.faults.add({ match: {}, effect: { kind: "delay", ms: 2500 } });
  expect((await slow.call("POST", monitors, monitor)).status).toBe(200);
  expect(waits).toEqual([2500]);
});

describe("hooks", () => {
  test("let somebody edit between a read and a write", async () => {
    const built = await buildFailover(bench);
    const pool = `${bench.account}/load_balancers/pools/${built.primary}`;
    simulator.faults.before({ method: "PATCH", path: built.primary }, () => {
      simulator.world.edit("pool", built.primary, { description: "by hand", enabled: false });
    });
    const { result } = await bench.call("PATCH", pool, { minimum_origins: 1 });
    expect(result).toMatchObject({ description: "by hand", enabled: false });
    expect(result.disabled_at).toBeDefined();
  });

  test("crash the caller after the write took effect", async () => {
    const hook = simulator.faults.after({ method: "POST" }, (call) => {
      throw new Error(`crash after ${call.status}`);
    });
    await expect(post()).rejects.toThrow("crash after 200");
    expect([stored(), hook.hits]).toEqual([1, 1]);
  });
});

describe("the rate limit", () => {
  test("is shown by the headers of every answer", async () => {
    const { headers } = await bench.call("GET", monitors);
    expect(headers.get("ratelimit")).toBe('"default";r=1199;t=300');
    expect(headers.get("ratelimit-policy")).toBe('"default";q=1200;w=300');
    simulator.world.switches.rateLimitHeaders = false;
    expect((await bench.call("GET", monitors)).headers.has("ratelimit")).toBe(false);
  });

  test("blocks everything for five minutes once it is exceeded", async () => {
    simulator.world.budget.limit = 3;
    expect(await statuses(4)).toEqual([200, 200, 200, 429]);
    bench.clock.advance(299_000);
    const blocked = await bench.call("GET", "/zones");
    expect([blocked.status, blocked.headers.get("retry-after"), blocked.errors[0]?.code]).toEqual([
      429,
      "1",
      971,
    ]);
    bench.clock.advance(1000);
    expect((await bench.call("GET", "/zones")).status).toBe(200);
  });

  test("starts anew with each window", async () => {
    simulator.world.budget.limit = 2;
    for (let minute = 0; minute < 10; minute += 1) {
      expect((await bench.call("GET", monitors)).status).toBe(200);
      bench.clock.advance(200_000);
    }
  });

  test("doesn't keep a blocked write", async () => {
    simulator.faults.add({ match: {}, effect: { kind: "rate-limit", retryAfterSeconds: 60 } });
    expect((await bench.call("POST", monitors, monitor)).status).toBe(429);
    expect((await bench.call("POST", monitors, monitor)).status).toBe(429);
    expect(stored()).toBe(0);
    bench.clock.advance(60_000);
    expect((await bench.call("POST", monitors, monitor)).status).toBe(200);
  });

  test.each([
    ["html", "<!DOCTYPE html>"],
    ["empty", ""],
  ] as const)("may answer with a body of %s and without retry-after", async (rateLimitBody, start) => {
    Object.assign(simulator.world.switches, { rateLimitBody, retryAfter: false });
    simulator.faults.add({ match: {}, effect: { kind: "rate-limit" } });
    const response = await simulator.api(apiRequest("GET", monitors));
    expect([response.status, response.headers.has("retry-after")]).toEqual([429, false]);
    expect((await response.text()).slice(0, 15)).toBe(start);
  });
});

test("records every call as it came", async () => {
  await bench.call("POST", `${monitors}?x=1`, monitor);
  simulator.faults.add({ match: {}, effect: { kind: "drop", when: "before" } });
  await expect(bench.call("DELETE", `${monitors}/x`)).rejects.toThrow(TypeError);
  expect(simulator.calls).toEqual([
    {
      method: "POST",
      path: monitors,
      query: "x=1",
      body: monitor,
      at: bench.clock.at,
      status: 200,
      write: true,
    },
    {
      method: "DELETE",
      path: `${monitors}/x`,
      query: "",
      body: null,
      at: bench.clock.at,
      status: 0,
      write: true,
    },
  ]);
});
