// The README's lifecycle, told once from the first request to the last.
import { afterEach, expect, it, vi } from "vitest";
import { hostnameIn, SHOP_PATH, untilEnded, visitor } from "./rehearsal.ts";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
});

const VISITORS = hostnameIn("production");

/** Carries out an action as somebody does who waits for its end, while the minutes pass as always. */
async function carryOut(stage: Stage, verb: string, body?: object): Promise<Answer["body"]> {
  const accepted = await stage.call("POST", `${SHOP_PATH}/${verb}`, body);
  expect(accepted).toMatchObject({ status: 202 });
  return untilEnded(stage, accepted.body.id);
}

it("draft, testing, drill, production, outage, latch, switch back, timed switch-over, demotion, delete", async () => {
  const stage = setStage();
  const primary = stage.simulator.world.origin("origin.example.net");

  // A draft: everything is there, and nobody can visit it.
  const draft = await stage.ready({ ...SHOP, failback: { mode: "manual" } });
  expect(draft).toMatchObject({ stage: "draft", active: "primary", status: { sync: "synced" } });
  await stage.minutes(5);

  // Testing: enabled on the test hostname, seen to serve the primary.
  expect(await carryOut(stage, "promote")).toMatchObject({
    status: "succeeded",
    result: { stage: "testing", serving: "primary", evidence: "observed" },
  });
  expect(visitor(stage, hostnameIn("testing"))).toBe("primary");

  // Production wants a rehearsal first.
  const undrilled = await stage.call("POST", `${SHOP_PATH}/promote`);
  expect(undrilled).toMatchObject({ status: 409, body: { refusals: [{ guard: "drill-missing" }] } });
  expect(await carryOut(stage, "drills")).toMatchObject({ status: "succeeded", result: { passed: true } });

  // Production: one PATCH renames the load balancer, and the promotion bakes for five minutes.
  stage.forgetCalls();
  expect(await carryOut(stage, "promote")).toMatchObject({
    status: "succeeded",
    result: { stage: "production", serving: "primary", bake: "good" },
  });
  expect(stage.writes()).toHaveLength(1);
  expect(visitor(stage, VISITORS)).toBe("primary");

  // An outage: health steers to the secondary at once, and the order is latched behind it.
  primary.up = false;
  await stage.minutes(1);
  expect(visitor(stage, VISITORS)).toBe("secondary");
  await stage.minutes(3);
  expect(await stage.failover()).toMatchObject({ active: "secondary", status: { serving: "secondary" } });

  // The primary comes back, and pulls nobody back.
  primary.up = true;
  await stage.minutes(10);
  expect(visitor(stage, VISITORS)).toBe("secondary");
  expect((await stage.failover()).status.message).toContain("waits for a person to switch back");

  // A person does.
  expect(await carryOut(stage, "switch-back", { reason: "the primary is mended" })).toMatchObject({
    status: "succeeded",
    result: { active: "primary", evidence: "observed" },
  });
  expect(visitor(stage, VISITORS)).toBe("primary");

  // Maintenance: the secondary serves for an hour, and that ends by itself.
  const maintenance = {
    to: "secondary",
    expected_active: "primary",
    expires_in_seconds: 3600,
    reason: "a new disk",
  };
  expect(await carryOut(stage, "switch-over", maintenance)).toMatchObject({ status: "succeeded" });
  await stage.minutes(58);
  expect(visitor(stage, VISITORS)).toBe("secondary");
  await stage.minutes(3);
  expect(visitor(stage, VISITORS)).toBe("primary");
  expect(await stage.failover()).toMatchObject({ active: "primary", leases: [] });

  // Out of production: visitors get the DNS record underneath, and that is said beforehand.
  expect(await carryOut(stage, "demote")).toMatchObject({
    status: "succeeded",
    result: { stage: "testing", visitors_get: ["CNAME origin.example.net"] },
  });
  expect(visitor(stage, VISITORS)).toBe("primary");

  // And gone: nothing of it is left at Cloudflare, and its story can still be read.
  const { id, revision } = await stage.failover();
  await stage.operate("DELETE", SHOP_PATH, undefined, { "if-match": `"${revision}"` });
  expect((await stage.call("GET", SHOP_PATH)).status).toBe(404);
  const { world } = stage.simulator;
  expect([world.loadBalancers.size, world.pools.size, world.monitors.size]).toEqual([0, 0, 0]);
  const { body } = await stage.call("GET", `/v1/failovers/${id}/events?limit=100`);
  const told: string[] = body.items.map(({ type }: Answer["body"]) => type).toReversed();
  const isChapter =
    /^(failover\.(created|promoted|latched|switched_over|demoted|deleted)|drill\.passed|bake\..*)$/;
  expect(told.filter((type) => isChapter.test(type))).toEqual([
    "failover.created",
    "failover.promoted",
    "drill.passed",
    "failover.promoted",
    "bake.passed",
    "failover.latched",
    "failover.switched_over",
    "failover.switched_over",
    "failover.demoted",
    "failover.deleted",
  ]);
});
