import { describe, expect, it } from "vitest";
import { readinessSchema } from "../../src/api/schemas.ts";
import { NOON } from "./builders.ts";
import { inMemoryService, secretOf } from "./in-memory-service.ts";

describe("/healthz", () => {
  it("answers whatever the database does", async () => {
    const { world, ask } = inMemoryService();
    world.exception = new Error("D1_ERROR: Network connection lost.");
    const answer = await ask("/healthz", { token: null });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ status: "ok" });
  });
});

describe("/readyz", () => {
  it("says only that it is ready without a token, also with a wrong one", async () => {
    const { ask } = inMemoryService();
    for (const token of [null, "wrong"]) {
      const answer = await ask("/readyz", { token });
      expect(answer.status).toBe(200);
      expect(await answer.json()).toEqual({ status: "ok" });
    }
  });

  it("says what it rests on with a token", async () => {
    const { world, ask } = inMemoryService();
    world.readiness = { ...world.readiness, blockedUntil: NOON + 60_000 };
    const answer = await ask("/readyz");
    const body = await answer.json();
    expect(body).toEqual({
      status: "ok",
      message: "ready",
      database: true,
      cloudflare: true,
      last_tick_at: "2026-11-23T12:00:00.000Z",
      tick_fresh: true,
      blocked_until: "2026-11-23T12:01:00.000Z",
    });
    expect(readinessSchema.parse(body)).toEqual(body);
  });

  it.each(["database", "cloudflare", "tickFresh"] as const)("isn't ready without %s", async (part) => {
    const { world, ask } = inMemoryService();
    world.readiness = { ...world.readiness, [part]: false };
    const answer = await ask("/readyz", { token: null });
    expect(answer.status).toBe(503);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await answer.json()).toEqual({ status: "unavailable" });
  });

  it("isn't ready when it can't find out, and tells a token's holder so", async () => {
    const { world, ask } = inMemoryService();
    world.exception = new Error("D1_ERROR: Network connection lost.");
    expect(await (await ask("/readyz", { token: null })).json()).toEqual({ status: "unavailable" });
    const answer = await ask("/readyz");
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ status: "unavailable", database: false, last_tick_at: null });
    expect(world.logged.length).toBe(2);
    // Whether that is a token can't be found out either.
    const made = await ask("/readyz", { token: secretOf({ name: "made" }) });
    expect(made.status).toBe(503);
    expect(await made.json()).toEqual({ status: "unavailable" });
  });
});
