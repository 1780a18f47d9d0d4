import { afterEach, describe, expect, it, vi } from "vitest";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
});

const SHOP_PATH = "/v1/failovers/shop";

async function inProduction(spec: object = SHOP): Promise<Stage> {
  const stage = setStage();
  await stage.ready(spec);
  for (let stages = 0; stages < 2; stages += 1) {
    expect(await stage.promote()).toMatchObject({ status: "succeeded" });
    await stage.minutes(1);
  }
  stage.forgetCalls();
  return stage;
}

/** Which endpoint a visitor without a cookie gets. */
function visitor({ simulator }: Stage): string {
  const { body } = simulator.world.visit("https://www.example.com/");
  return body.includes("primary origin") ? "primary" : body.includes("pages project") ? "secondary" : body;
}

async function eventTypes(stage: Stage): Promise<string[]> {
  const { body } = await stage.call("GET", `${SHOP_PATH}/events?limit=100`);
  return body.items.map(({ type }: Answer["body"]) => type);
}

const to = (side: string, more: object = {}) => ({ to: side, reason: "maintenance", ...more });

describe("switching over", () => {
  it("reorders the pools by one write, is seen by a visitor, and stays whatever time passes", async () => {
    const stage = await inProduction();
    const operation = await stage.operate("POST", `${SHOP_PATH}/switch-over`, to("secondary"));
    expect(operation).toMatchObject({
      status: "succeeded",
      result: { active: "secondary", evidence: "observed", hostname: "www.example.com", expires_at: null },
    });
    expect(Date.parse(operation.result.first_response_at)).toBeGreaterThanOrEqual(
      Date.parse(operation.result.acknowledged_at),
    );
    expect(stage.writes()).toHaveLength(1);
    expect(visitor(stage)).toBe("secondary");
    await stage.minutes(20);
    expect(stage.writes()).toHaveLength(1);
    expect(await stage.failover()).toMatchObject({
      active: "secondary",
      leases: [],
      status: { sync: "synced" },
    });
    expect(visitor(stage)).toBe("secondary");
    const back = await stage.operate("POST", `${SHOP_PATH}/switch-back`, { reason: "done" });
    expect(back).toMatchObject({ status: "succeeded", result: { active: "primary" } });
    expect(visitor(stage)).toBe("primary");
    expect(stage.writes()).toHaveLength(2);
  });

  it("for a while is a lease that ends by itself at its deadline, whatever is forgotten meanwhile", async () => {
    const stage = await inProduction();
    const request = to("secondary", { expires_in_seconds: 600 });
    const operation = await stage.operate("POST", `${SHOP_PATH}/switch-over`, request);
    expect(operation).toMatchObject({ status: "succeeded", result: { active: "secondary" } });
    const { active, leases } = await stage.failover();
    expect(active).toBe("secondary");
    expect(leases).toMatchObject([{ kind: "switchover", reason: "maintenance" }]);
    await stage.minutes(8);
    expect(visitor(stage)).toBe("secondary");
    await stage.crash();
    await stage.pass(Math.ceil((Date.parse(leases[0].expires_at) - stage.now()) / 1000));
    await stage.alarms();
    expect(visitor(stage)).toBe("primary");
    expect(await stage.failover()).toMatchObject({
      active: "primary",
      leases: [],
      status: { sync: "synced" },
    });
    expect(stage.writes()).toHaveLength(2);
    expect(await eventTypes(stage)).toContain("lease.ended");
  });

  it("says whom it doesn't move: visitors whom session affinity keeps, and for how long", async () => {
    const affinity = { session_affinity: "cookie", session_affinity_ttl: 3600 };
    const stage = await inProduction({ ...SHOP, load_balancer: affinity });
    const { result } = await stage.operate("POST", `${SHOP_PATH}/switch-over`, to("secondary"));
    expect(result.moves).toMatch(/^new sessions only: session affinity \(cookie\) .* up to 3600 seconds$/);
  });

  it("is refused towards an endpoint that Cloudflare finds unhealthy, unless a person says why", async () => {
    const stage = await inProduction();
    stage.simulator.world.pagesProject("shop").canonicalId = null;
    await stage.minutes(3);
    const refused = await stage.call("POST", `${SHOP_PATH}/switch-over`, to("secondary"));
    expect(refused.status).toBe(409);
    expect(refused.body.refusals).toMatchObject([{ guard: "target-not-ready", overridable: true }]);
    expect(visitor(stage)).toBe("primary");
  });

  it("is refused where somebody else was taken for active, and where the fleet is frozen", async () => {
    const stage = await inProduction();
    const wrong = await stage.call(
      "POST",
      `${SHOP_PATH}/switch-over`,
      to("secondary", { expected_active: "secondary" }),
    );
    expect(wrong.body.refusals).toMatchObject([{ guard: "revision-mismatch", overridable: false }]);
    expect((await stage.call("POST", "/v1/fleet/freeze", { reason: "black friday" })).status).toBe(200);
    const frozen = await stage.call("POST", `${SHOP_PATH}/switch-over`, to("secondary"));
    expect(frozen.body.refusals).toMatchObject([
      { guard: "frozen", message: expect.stringContaining("black friday") },
    ]);
    expect((await stage.call("GET", "/v1/fleet")).body).toMatchObject({
      failovers: 1,
      stage: { production: 1 },
      readiness: { ready: 1 },
      freeze: { reason: "black friday" },
    });
    expect((await stage.call("DELETE", "/v1/fleet/freeze")).status).toBe(204);
    expect(await stage.operate("POST", `${SHOP_PATH}/switch-over`, to("secondary"))).toMatchObject({
      status: "succeeded",
    });
  });
});

/** Which endpoint the load balancer has first. */
function first({ simulator }: Stage): string | undefined {
  const [balancer] = simulator.world.loadBalancers.values();
  return simulator.world.pools.get(balancer?.default_pools[0] ?? "")?.name;
}

const REORDERING = { method: "PATCH", path: /load_balancers/ };

describe("what stands at Cloudflare already", () => {
  it("by a switch-over whose answer was lost is no other's doing: the switch back after it goes through", async () => {
    const stage = await inProduction();
    stage.simulator.faults.add({ match: REORDERING, effect: { kind: "timeout", when: "after" } });
    await stage.call("POST", `${SHOP_PATH}/switch-over`, to("secondary"));
    await stage.alarms();
    expect(first(stage)).toBe("shop-secondary");
    const back = await stage.operate("POST", `${SHOP_PATH}/switch-back`, { reason: "a mistake" });
    expect(back).toMatchObject({ status: "succeeded", result: { active: "primary" } });
    expect(first(stage)).toBe("shop-primary");
    expect(await eventTypes(stage)).not.toContain("drift.detected");
  });

  it("by somebody else's hand is put right at once by a switch-over to what should be active", async () => {
    const stage = await inProduction();
    const { cloudflare } = await stage.failover();
    const pools = [cloudflare.secondary_pool_id, cloudflare.primary_pool_id];
    stage.simulator.world.edit("load_balancer", cloudflare.load_balancer_id, { default_pools: pools });
    await stage.minutes(1);
    expect(visitor(stage)).toBe("secondary");
    expect(await stage.operate("POST", `${SHOP_PATH}/switch-over`, to("primary"))).toMatchObject({
      status: "succeeded",
      result: { active: "primary", evidence: "observed" },
    });
    expect(visitor(stage)).toBe("primary");
    expect(stage.writes()).toHaveLength(1);
  });

  it("by health is told from what the order brought", async () => {
    const stage = await inProduction();
    stage.simulator.world.origin("origin.example.net").up = false;
    await stage.minutes(3);
    expect(visitor(stage)).toBe("secondary");
    const operation = await stage.operate("POST", `${SHOP_PATH}/switch-over`, to("secondary"));
    expect(operation).toMatchObject({ status: "succeeded", result: { evidence: "read-back only" } });
    expect(operation.message).toContain("as it did before");
  });
});

describe("what comes to nothing leaves a timed switch-over in force until its deadline", () => {
  it.each([
    ["a switch back", "switch-back", { reason: "done early" }, "; the secondary is active again until "],
    ["a switch-over to stay", "switch-over", to("secondary"), "; the secondary stays first until "],
    ["a demotion", "demote", undefined, "; the stage is production again"],
  ])("%s", async (_what, verb, body, words) => {
    const stage = await inProduction();
    await stage.operate("POST", `${SHOP_PATH}/switch-over`, to("secondary", { expires_in_seconds: 1800 }));
    const { leases } = await stage.failover();
    // Only so that a switch-over has something to write.
    if (verb === "switch-over") await loseOrder(stage);
    const refused = stage.simulator.faults.add({
      match: { ...REORDERING, times: Number.POSITIVE_INFINITY },
      effect: { kind: "status", status: 400, when: "before" },
    });
    const operation = await stage.operate("POST", `${SHOP_PATH}/${verb}`, body);
    expect(operation).toMatchObject({ status: "failed", message: expect.stringContaining(words) });
    refused.remove();
    await stage.minutes(2);
    expect(await stage.failover()).toMatchObject({ stage: "production", active: "secondary", leases });
    expect(visitor(stage)).toBe("secondary");
    await stage.minutes(30);
    expect(await stage.failover()).toMatchObject({ active: "primary", leases: [] });
    expect(visitor(stage)).toBe("primary");
  });

  async function loseOrder(stage: Stage): Promise<void> {
    const { cloudflare } = await stage.failover();
    const pools = [cloudflare.primary_pool_id, cloudflare.secondary_pool_id];
    stage.simulator.world.edit("load_balancer", cloudflare.load_balancer_id, { default_pools: pools });
  }
});

describe("a switch-over for a later hour", () => {
  const inMinutes = (stage: Stage, minutes: number) => new Date(stage.now() + minutes * 60_000).toISOString();

  async function scheduled(stage: Stage, minutes: number): Promise<string> {
    const request = to("secondary", { at: inMinutes(stage, minutes) });
    const { status, body } = await stage.call("POST", `${SHOP_PATH}/switch-over`, request);
    expect(status).toBe(202);
    expect(body).toMatchObject({ kind: "scheduled-switch-over", status: "pending" });
    return body.id;
  }

  const operation = async (stage: Stage, id: string) =>
    (await stage.call("GET", `/v1/operations/${id}`)).body;

  it("is done then, stands in nobody's way until then, and outlives a crash", async () => {
    const stage = await inProduction();
    const id = await scheduled(stage, 30);
    await stage.crash();
    expect(await stage.operate("POST", `${SHOP_PATH}/demote`)).toMatchObject({ status: "succeeded" });
    await stage.minutes(3);
    expect(await stage.promote()).toMatchObject({ status: "succeeded" });
    await stage.minutes(25);
    expect(visitor(stage)).toBe("primary");
    await stage.minutes(3);
    await stage.alarms();
    const fired = await operation(stage, id);
    expect(fired).toMatchObject({
      status: "succeeded",
      result: { operation_id: expect.stringMatching(/^op_/) },
    });
    expect(await operation(stage, fired.result.operation_id)).toMatchObject({ kind: "switch-over" });
    expect(visitor(stage)).toBe("secondary");
  });

  it("is judged again then, and refused by what stands against it by that time", async () => {
    const stage = await inProduction();
    const id = await scheduled(stage, 10);
    expect((await stage.call("POST", "/v1/fleet/freeze", { reason: "audit" })).status).toBe(200);
    await stage.minutes(11);
    expect(await operation(stage, id)).toMatchObject({ status: "failed", refusals: [{ guard: "frozen" }] });
    expect(visitor(stage)).toBe("primary");
  });

  it("expires where nobody was there to do it", async () => {
    const stage = await inProduction();
    const id = await scheduled(stage, 10);
    await stage.pass(16 * 60);
    await stage.minutes(1);
    expect(await operation(stage, id)).toMatchObject({ status: "aborted" });
    expect(await eventTypes(stage)).toContain("failover.switch_over_expired");
    expect(visitor(stage)).toBe("primary");
  });

  it("can be cancelled, and nothing else can", async () => {
    const stage = await inProduction();
    const id = await scheduled(stage, 10);
    for (let times = 0; times < 2; times += 1) {
      const { status, body } = await stage.call("POST", `/v1/operations/${id}/cancel`);
      expect([status, body.status]).toEqual([200, "aborted"]);
    }
    await stage.minutes(12);
    expect(visitor(stage)).toBe("primary");
    const done = await stage.operate("POST", `${SHOP_PATH}/switch-over`, to("secondary"));
    expect((await stage.call("POST", `/v1/operations/${done.id}/cancel`)).status).toBe(409);
    expect((await stage.call("POST", "/v1/operations/op_none/cancel")).status).toBe(404);
  });

  it("must lie ahead", async () => {
    const stage = await inProduction();
    for (const minutes of [-1, 200_000]) {
      const request = to("secondary", { at: inMinutes(stage, minutes) });
      const { status, body } = await stage.call("POST", `${SHOP_PATH}/switch-over`, request);
      expect([status, body.errors[0].pointer]).toEqual([422, "/at"]);
    }
  });
});

describe("a pause", () => {
  it("holds back healing until its deadline, and no longer", async () => {
    const stage = await inProduction();
    const { cloudflare } = await stage.failover();
    const request = { expires_in_seconds: 600, reason: "looking into it" };
    expect((await stage.call("POST", `${SHOP_PATH}/pause`, request)).body.leases).toMatchObject([
      { kind: "pause" },
    ]);
    stage.simulator.world.edit("monitor", cloudflare.monitor_id, { path: "/health" });
    await stage.minutes(9);
    expect(stage.writes()).toEqual([]);
    expect((await stage.failover()).status.sync).toBe("drifted");
    await stage.minutes(2);
    expect(stage.writes()).toHaveLength(1);
    expect(await stage.failover()).toMatchObject({ leases: [], status: { sync: "synced" } });
  });
});
