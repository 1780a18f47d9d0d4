import { describe, expect, it } from "vitest";
import { setStage } from "./stage.ts";

describe("the main job", () => {
  it("takes a failover from four fields to production and back", async () => {
    const stage = setStage();
    const failover = await stage.ready();
    expect(failover.status.sync).toBe("synced");
    const testing = await stage.promote();
    expect(testing).toMatchObject({
      status: "succeeded",
      result: { stage: "testing", evidence: "observed" },
    });
    expect((await stage.failover()).status.serving).toBe("primary");
    await stage.minutes(1);
    stage.forgetCalls();
    const production = await stage.promote();
    expect(production).toMatchObject({ status: "succeeded", result: { stage: "production" } });
    expect((await stage.failover()).status.serving).toBe("primary");
    expect(stage.writes()).toEqual([
      `PATCH /zones/${failover.zone.id}/load_balancers/${failover.cloudflare.load_balancer_id}`,
    ]);
    stage.simulator.world.origin("origin.example.net").up = false;
    await stage.minutes(3);
    expect((await stage.failover()).status).toMatchObject({
      serving: "secondary",
      health: { primary: { verdict: "unhealthy" } },
    });
    stage.simulator.world.origin("origin.example.net").up = true;
    await stage.minutes(5);
    expect((await stage.failover()).status).toMatchObject({ serving: "primary", readiness: "ready" });
    const back = await stage.operate("POST", "/v1/failovers/shop/demote");
    expect(back).toMatchObject({ status: "succeeded" });
    const { revision } = await stage.failover();
    const gone = await stage.operate("DELETE", "/v1/failovers/shop", undefined, {
      "if-match": `"${revision}"`,
    });
    expect(gone.status).toBe("succeeded");
    expect((await stage.call("GET", "/v1/failovers/shop")).status).toBe(404);
    expect(
      stage.simulator.world.monitors.size +
        stage.simulator.world.pools.size +
        stage.simulator.world.loadBalancers.size,
    ).toBe(0);
  });
});
