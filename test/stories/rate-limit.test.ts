import { describe, expect, it } from "vitest";
import { endure } from "./endure.ts";
import { STEPS } from "./life.ts";
import { setStage, SHOP } from "./stage.ts";

const TIMEOUT_MS = 120_000;
const UNTIL = /until 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d/;

describe("a 429", () => {
  it.each([
    { says: "Retry-After: 120", retryAfter: true, seconds: 120 },
    { says: "nothing of when it ends", retryAfter: false, seconds: 300 },
  ])("that says $says stops every call until it has passed, and everything goes on then", async (given) => {
    const stage = setStage();
    await stage.ready();
    const { world, faults } = stage.simulator;
    world.switches.retryAfter = given.retryAfter;
    await stage.pass(60);
    faults.add({
      match: { method: "GET" },
      effect: { kind: "rate-limit", retryAfterSeconds: given.seconds },
    });
    const from = stage.now();
    await stage.tick();
    const { cloudflare, revision, status } = await stage.failover();
    expect(status.sync).toBe("unknown");
    expect(status.message).toMatch(UNTIL);
    const ready = await stage.call("GET", "/readyz");
    expect(ready.status).toBe(503);
    expect(ready.body.blocked_until).toBe(new Date(from + given.seconds * 1000).toISOString());

    // The lists of one look leave together; after them nothing does.
    stage.forgetCalls();
    world.edit("pool", cloudflare.primary_pool_id, { minimum_origins: 0 });
    const promoted = await stage.call("POST", "/v1/failovers/shop/promote");
    expect(promoted.status).toBe(409);
    expect(promoted.body.detail).toMatch(UNTIL);
    const reconciled = await stage.call("POST", "/v1/failovers/shop/reconcile");
    expect(reconciled.status).toBe(202);
    const patched = await stage.call(
      "PATCH",
      "/v1/failovers/shop",
      { monitor: { path: "/health" } },
      { "if-match": `"${revision}"` },
    );
    expect(patched.status).toBe(200);
    const created = await stage.call("POST", "/v1/failovers", {
      ...SHOP,
      name: "second",
      hostname: "second.example.com",
    });
    expect(created).toMatchObject({ status: 201, body: { status: { sync: "unknown" } } });
    expect(created.body.status.message).toMatch(UNTIL);
    for (let passed = 60; passed < given.seconds; passed += 60) {
      await stage.alarms();
      await stage.minutes(1);
    }
    await stage.alarms();
    expect(stage.simulator.calls).toEqual([]);
    const { body: waiting } = await stage.call("GET", `/v1/operations/${reconciled.body.id}`);
    expect(waiting).toMatchObject({ status: "running" });
    expect(waiting.message).toMatch(UNTIL);

    await stage.minutes(3);
    await stage.alarms();
    expect((await stage.failover()).status.sync).toBe("synced");
    expect((await stage.failover("second")).status.sync).toBe("synced");
    expect(world.monitors.get(cloudflare.monitor_id)).toMatchObject({ path: "/health" });
    expect(world.pools.get(cloudflare.primary_pool_id)).toMatchObject({ minimum_origins: 1 });
    const { body: done } = await stage.call("GET", `/v1/operations/${reconciled.body.id}`);
    expect(done.status).toBe("succeeded");
    expect((await stage.call("GET", "/readyz")).body.blocked_until).toBeNull();
  });

  it.each(STEPS)(
    "in the place of any write loses nothing: $name",
    async (step) => {
      expect(await endure(step, { "a 429": { kind: "rate-limit", retryAfterSeconds: 300 } })).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
