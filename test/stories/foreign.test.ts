import { describe, expect, it } from "vitest";
import type { Body } from "../../src/failover/desired.ts";
import { eventsOf, sentWrites } from "./ledger.ts";
import { callCloudflare, editObject, idOf, objectOf, pathOf } from "./somebody.ts";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";

const ROUTING: [string, (pool: string) => Body, unknown][] = [
  ["region_pools", (pool) => ({ region_pools: { WNAM: [pool], WEU: [pool] } }), {}],
  ["country_pools", (pool) => ({ country_pools: { GB: [pool] } }), {}],
  ["pop_pools", (pool) => ({ pop_pools: { LHR: [pool] } }), {}],
  ["pool_sets", (pool) => ({ pool_sets: [{ name: "theirs", pools: [pool] }] }), []],
  [
    "rules",
    (pool) => ({ rules: [{ name: "all", condition: "", overrides: { default_pools: [pool] } }] }),
    [],
  ],
];

async function inPlace(spec: object = {}): Promise<{ stage: Stage; failover: Answer["body"] }> {
  const stage = setStage();
  await stage.call("POST", "/v1/failovers", { ...SHOP, ...spec });
  await stage.minutes(1);
  const failover = await stage.failover();
  stage.forgetCalls();
  return { stage, failover };
}

function addRouting(stage: Stage, failover: Answer["body"], edit: (pool: string) => Body): void {
  const pool = idOf(failover, "secondary");
  editObject(stage, failover, "load_balancer", (object) => ({ ...object, ...edit(pool) }));
}

describe("routing that somebody else added", () => {
  it.each(ROUTING)("goes by its member alone once a person asks: %s", async (member, edit, empty) => {
    const { stage, failover } = await inPlace();
    addRouting(stage, failover, edit);
    await stage.minutes(1);
    expect((await stage.failover()).status.foreign).toEqual([
      expect.objectContaining({ role: "load_balancer", path: member, class: "foreign", kept: false }),
    ]);
    await stage.operate("POST", "/v1/failovers/shop/reconcile", { heal_foreign: false });
    expect(stage.writes()).toEqual([]);

    const asked = await stage.operate("POST", "/v1/failovers/shop/reconcile", { heal_foreign: true });
    expect(asked).toMatchObject({ status: "succeeded" });
    expect(sentWrites(stage)).toEqual([
      { method: "PATCH", path: pathOf(failover, "load_balancer"), body: { [member]: empty } },
    ]);
    expect((await stage.failover()).status).toMatchObject({ sync: "synced", foreign: [], drift: [] });
    const events = await eventsOf(failover.id);
    const told = events.filter(({ type }) => /^(foreign_routing|drift)\./.test(type));
    expect(told.map(({ type }) => type)).toEqual([
      "foreign_routing.detected",
      "drift.detected",
      "drift.healed",
      "foreign_routing.resolved",
    ]);
    expect(JSON.stringify(told.map(({ data }) => data))).toContain('"class":"foreign"');
  });

  it("is planned and healed within a tick where the spec says so", async () => {
    const { stage, failover } = await inPlace({ drift: { foreign: "heal" } });
    const before = objectOf(stage, failover, "load_balancer");
    addRouting(stage, failover, () => ({ pop_pools: { LHR: [] }, rules: [{ name: "theirs" }] }));
    const { body: plan } = await stage.call("GET", "/v1/failovers/shop/plan");
    expect(plan.changes).toEqual([
      expect.objectContaining({
        role: "load_balancer",
        differences: [
          { path: "rules", before: [{ name: "theirs" }], after: [], class: "foreign" },
          { path: "pop_pools", before: { LHR: [] }, after: {}, class: "foreign" },
        ],
      }),
    ]);
    await stage.minutes(1);
    expect(sentWrites(stage).map(({ body }) => body)).toEqual([{ rules: [], pop_pools: {} }]);
    expect(objectOf(stage, failover, "load_balancer")).toEqual(before);
    await stage.minutes(2);
    expect(stage.writes()).toHaveLength(1);
  });

  it.each(["heal", "report", { role: "heal" }])("stays where drift is only said to be %j", async (drift) => {
    const { stage, failover } = await inPlace({ drift });
    addRouting(stage, failover, (pool) => ({ country_pools: { GB: [pool] } }));
    await stage.minutes(2);
    expect(stage.writes()).toEqual([]);
    expect((await stage.failover()).status.foreign).toHaveLength(1);
  });

  it("can't be healed where a pool is shared, and says so", async () => {
    const { stage, failover } = await inPlace();
    const primary = idOf(failover, "primary");
    await callCloudflare(stage, "POST", `/zones/${failover.zone.id}/load_balancers`, {
      name: "theirs.example.com",
      default_pools: [primary],
      fallback_pool: primary,
    });
    await stage.minutes(1);
    stage.forgetCalls();
    const asked = await stage.operate("POST", "/v1/failovers/shop/reconcile", { heal_foreign: true });
    expect(asked.message).toMatch(/can't be healed here: a pool .* load balancer theirs\.example\.com/);
    expect(stage.writes()).toEqual([]);
  });

  it("keeps a reconciliation without that wish apart from one that has it", async () => {
    const { stage, failover } = await inPlace();
    addRouting(stage, failover, (pool) => ({ country_pools: { GB: [pool] } }));
    const plain = await stage.call("POST", "/v1/failovers/shop/reconcile");
    const asked = await stage.call("POST", "/v1/failovers/shop/reconcile", { heal_foreign: true });
    expect(asked.body.id).not.toBe(plain.body.id);
    await stage.alarms();
    expect(sentWrites(stage).map(({ body }) => body)).toEqual([{ country_pools: {} }]);
    const wrong = await stage.call("POST", "/v1/failovers/shop/reconcile", { heal_foreign: "yes" });
    expect(wrong.status).toBe(422);
  });
});
