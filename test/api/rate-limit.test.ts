import { describe, expect, it } from "vitest";
import { clientKey } from "../../src/api/rate-limit.ts";
import { secretOf, inMemoryService } from "./in-memory-service.ts";
import { aToken, NOON } from "./builders.ts";

/** Workers' rate limiting, of which only the outcome of a count can be seen. */
function limiter(limit: number) {
  const counts = new Map<string, number>();
  return {
    counts,
    async limit({ key }: { key: string }) {
      counts.set(key, (counts.get(key) ?? 0) + 1);
      return { success: (counts.get(key) ?? 0) <= limit };
    },
  };
}

function limitedService() {
  const made = inMemoryService();
  const limits = { requests: limiter(3), failures: limiter(2) };
  made.world.limits = { ...limits, requestsPerMinute: 3 };
  made.world.tokens = [aToken({ id: "tok_one", name: "one" }), aToken({ id: "tok_two", name: "two" })];
  return { ...made, limits };
}

describe("the limit of requests", () => {
  it("is each principal's own, and says when to come back", async () => {
    const { world, ask } = limitedService();
    world.now = NOON + 43_500;
    const one = { token: secretOf({ name: "one" }) };
    for (let at = 0; at < 3; at += 1) expect((await ask("/v1/failovers", one)).status).toBe(200);
    const reads = world.reads;
    const answer = await ask("/v1/failovers", one);
    expect(answer.status).toBe(429);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "application/problem+json",
      "retry-after": "17",
      ratelimit: '"minute";r=0;t=17',
      "ratelimit-policy": '"minute";q=3;w=60',
    });
    expect(world.reads).toBe(reads);
    expect((await ask("/v1/failovers", { token: secretOf({ name: "two" }) })).status).toBe(200);
    expect((await ask("/v1/failovers")).status).toBe(200);
  });

  it("counts what is not allowed, too", async () => {
    const { ask } = limitedService();
    const one = { token: secretOf({ name: "one" }) };
    for (let at = 0; at < 3; at += 1) expect((await ask("/v1/tokens", one)).status).toBe(403);
    expect((await ask("/v1/tokens", one)).status).toBe(429);
  });

  it("is not for what is open to everybody", async () => {
    const { ask, limits } = limitedService();
    for (let at = 0; at < 5; at += 1) expect((await ask("/healthz", { token: null })).status).toBe(200);
    expect([...limits.requests.counts, ...limits.failures.counts]).toEqual([]);
  });

  it("keeps nobody out where it can't be counted", async () => {
    const { world, ask } = limitedService();
    const broken = { limit: () => Promise.reject(new Error("no counter")) };
    world.limits = { requests: broken, requestsPerMinute: null, failures: broken };
    expect((await ask("/v1/failovers")).status).toBe(200);
    expect((await ask("/v1/failovers", { token: "wrong" })).status).toBe(401);
  });
});

describe("requests without a valid token", () => {
  const from = (address: string, token: string | null) => ({
    token,
    headers: { "cf-connecting-ip": address },
  });

  it("are limited by the client's address, and never keep out whoever has a token", async () => {
    const { ask } = limitedService();
    for (const token of ["wrong", null]) {
      expect((await ask("/v1/failovers", from("192.0.2.1", token))).status).toBe(401);
    }
    const answer = await ask("/v1/failovers", from("192.0.2.1", "wrong"));
    expect(answer.status).toBe(429);
    expect(answer.headers.get("retry-after")).toBe("60");
    expect((await ask("/v1/failovers", from("192.0.2.2", "wrong"))).status).toBe(401);
    const good = { headers: { "cf-connecting-ip": "192.0.2.1" } };
    expect((await ask("/v1/failovers", good)).status).toBe(200);
  });

  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8:1:2::9", "2001:db8:1:2"],
    ["2001:db8::9", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    [null, "unknown"],
  ])("from %s are counted as %s", (address, key) => {
    expect(clientKey(address)).toBe(key);
  });
});
