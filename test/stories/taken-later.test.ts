import { describe, expect, it } from "vitest";
import { setStage, UNDRILLED } from "./stage.ts";

describe("a name that somebody else takes later", () => {
  it("blocks, says what has it, heals the rest all the same, and passes when the name is free again", async () => {
    const stage = setStage();
    const { world } = stage.simulator;
    const failover = await stage.ready();
    const pools = [failover.cloudflare.primary_pool_id, failover.cloudflare.secondary_pool_id];
    const zone = `/zones/${failover.zone.id}/load_balancers`;
    const theirs = await stage.cloudflare("POST", zone, {
      name: "www.example.com",
      default_pools: pools,
      fallback_pool: pools[1],
      proxied: true,
    });
    world.edit("monitor", failover.cloudflare.monitor_id, { path: "/elsewhere" });
    await stage.minutes(1);
    const blocked = await stage.failover();
    expect(blocked.status.sync).toBe("blocked");
    expect(blocked.status.message).toContain(`www.example.com already has the load balancer ${theirs.id}`);
    expect(world.monitors.get(failover.cloudflare.monitor_id)).toMatchObject({ path: "/" });

    await stage.operate("POST", "/v1/failovers/shop/promote", {
      override: ["hostname-conflict", "foreign-routing"],
      reason: "only the production hostname is taken",
    });
    const refused = await stage.call("POST", "/v1/failovers/shop/promote", UNDRILLED);
    expect(refused.status).toBe(409);
    expect(refused.body.refusals.map((one: { guard: string }) => one.guard)).toEqual([
      "foreign-routing",
      "hostname-conflict",
    ]);

    await stage.cloudflare("DELETE", `${zone}/${theirs.id}`);
    await stage.minutes(1);
    expect((await stage.failover()).status.sync).toBe("synced");
  });
});

describe("a member that a spec no longer gives", () => {
  it("goes back to what it was without it, and stays ours", async () => {
    const stage = setStage();
    const { world } = stage.simulator;
    const { cloudflare, revision } = await stage.ready();
    const patch = (monitor: object, at: number) =>
      stage.call("PATCH", "/v1/failovers/shop", { monitor }, { "if-match": `"${at}"` });
    await patch({ consecutive_up: 3, header: { "X-Probe": ["yes"] } }, revision);
    await stage.alarms();
    expect(world.monitors.get(cloudflare.monitor_id)).toMatchObject({ header: { "X-Probe": ["yes"] } });
    await patch({ consecutive_up: null, header: null }, revision + 1);
    await stage.alarms();
    const bare = world.monitors.get(cloudflare.monitor_id);
    expect(bare?.consecutive_up ?? 0).toBe(0);
    expect(bare?.header ?? {}).toEqual({});
    stage.forgetCalls();
    await stage.minutes(3);
    expect(stage.writes()).toEqual([]);
  });

  it("asks new witnesses when an endpoint is another one", async () => {
    const stage = setStage();
    stage.simulator.world.addOrigin({ address: "other.example.net" });
    const { revision } = await stage.ready();
    const body = { primary: { address: "other.example.net" } };
    await stage.call("PATCH", "/v1/failovers/shop", body, { "if-match": `"${revision}"` });
    const { status } = await stage.failover();
    expect(status.health.primary).toMatchObject({ verdict: "unknown" });
    expect((await stage.call("POST", "/v1/failovers/shop/promote")).status).toBe(409);
    await stage.alarms();
    await stage.minutes(3);
    expect((await stage.failover()).status.readiness).toBe("ready");
  });
});
