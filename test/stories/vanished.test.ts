import { describe, expect, it } from "vitest";
import { kindOf, type Role } from "../../src/failover/marker.ts";
import { eventsOf, sentWrites } from "./ledger.ts";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";
import { idOf, objectOf, pathOf, removeObject, ROLES } from "./somebody.ts";

const STAGES = ["draft", "testing", "production"] as const;

async function inStage(stage: Stage, wanted: (typeof STAGES)[number], spec: object = SHOP) {
  await stage.ready(spec);
  for (const to of STAGES.slice(1, STAGES.indexOf(wanted) + 1)) {
    const operation = await stage.promote();
    expect(operation).toMatchObject({ status: "succeeded", result: { stage: to } });
    await stage.minutes(1);
  }
  stage.forgetCalls();
  return stage.failover();
}

const EVERYWHERE = STAGES.flatMap((at) => ROLES.map((role) => ({ at, role })));

/** The object's content, by names that outlive its id. */
function contents(stage: Stage, failover: Answer["body"]): Record<string, unknown> {
  const names = new Map(ROLES.map((role) => [idOf(failover, role), `the ${role}`]));
  const told = ROLES.map((role) => {
    const { created_on: _, ...object } = objectOf(stage, failover, role);
    const text = JSON.stringify(object).replaceAll(/[0-9a-f]{32}/g, (id) => names.get(id) ?? id);
    return [role, JSON.parse(text)] as const;
  });
  return Object.fromEntries(told);
}

/** Who has to learn the new id of an object, and in which members. */
function referrers(role: Role): [Role, string[]][] {
  if (role === "monitor") {
    return [
      ["primary", ["monitor"]],
      ["secondary", ["monitor"]],
    ];
  }
  return role === "load_balancer" ? [] : [["load_balancer", ["default_pools", "fallback_pool"]]];
}

const listOf = (role: Role) =>
  ({
    monitor: /load_balancers\/monitors$/,
    pool: /load_balancers\/pools$/,
    load_balancer: /zones\/[0-9a-f]{32}\/load_balancers$/,
  })[kindOf(role)];

describe("an object whose id answers 404", () => {
  it.each(EVERYWHERE)(
    "is made again within a tick, and those that refer to it follow: $role in $at",
    async ({ role, at }) => {
      const stage = setStage();
      const failover = await inStage(stage, at);
      const before = contents(stage, failover);
      removeObject(stage, failover, role);

      const { body: plan } = await stage.call("GET", "/v1/failovers/shop/plan");
      expect(plan.changes).toContainEqual(
        expect.objectContaining({ action: "create", kind: kindOf(role), role }),
      );
      await stage.minutes(1);
      const after = await stage.failover();
      expect(idOf(after, role)).not.toBe(idOf(failover, role));
      expect(contents(stage, after)).toEqual(before);
      const [create, ...patches] = sentWrites(stage);
      expect(create?.method).toBe("POST");
      expect(patches.map(({ path }) => path)).toEqual(referrers(role).map(([one]) => pathOf(after, one)));
      for (const [index, [, members]] of referrers(role).entries()) {
        const sent = Object.keys(patches[index]?.body as object);
        expect(members).toEqual(expect.arrayContaining(sent));
      }
      expect(after.status).toMatchObject({ sync: "synced", drift: [] });
      expect(after).toMatchObject({ revision: failover.revision, stage: at });

      const events = await eventsOf(failover.id);
      const of = (type: string) =>
        events.filter((event) => event.type === type).map(({ data }) => data["role"]);
      expect(of("object.vanished")).toEqual([role]);
      expect(of("object.created").slice(4)).toEqual([role]);
      stage.forgetCalls();
      await stage.minutes(2);
      expect(stage.writes()).toEqual([]);
    },
  );

  it("is made again together with the other three", async () => {
    const stage = setStage();
    const failover = await inStage(stage, "testing");
    const before = contents(stage, failover);
    for (const role of ROLES.toReversed()) removeObject(stage, failover, role);
    await stage.minutes(1);
    const after = await stage.failover();
    expect(stage.writes()).toHaveLength(4);
    expect(contents(stage, after)).toEqual(before);
    expect(after.status.sync).toBe("synced");
  });

  it("stays away where drift is only to be reported, and says so", async () => {
    const stage = setStage();
    const failover = await inStage(stage, "draft", { ...SHOP, drift: "report" });
    removeObject(stage, failover, "load_balancer");
    await stage.minutes(5);
    expect(stage.writes()).toEqual([]);
    const { status } = await stage.failover();
    expect(status).toMatchObject({
      sync: "drifted",
      drift: [expect.objectContaining({ role: "load_balancer", path: "id" })],
    });
    expect(status.message).toContain("the load balancer");
    const operation = await stage.operate("POST", "/v1/failovers/shop/reconcile");
    expect(operation.status).toBe("succeeded");
    expect(stage.simulator.world.loadBalancers.size).toBe(1);
  });
});

describe("an object that is only missing from a list", () => {
  it.each(ROLES)("is read by its id, and nothing is written: %s", async (role) => {
    const stage = setStage();
    const failover = await inStage(stage, "draft");
    const id = idOf(failover, role);
    const fault = stage.simulator.faults.add({
      match: { method: "GET", path: listOf(role), times: Infinity },
      effect: { kind: "partial-list", omit: (object) => object["id"] === id },
    });
    await stage.minutes(5);
    expect(fault.hits).toBeGreaterThanOrEqual(5);
    expect(stage.writes()).toEqual([]);
    const { status, cloudflare } = await stage.failover();
    expect(status.sync).toBe("synced");
    expect(cloudflare).toEqual(failover.cloudflare);
  });

  it.each(ROLES)("and whose id can't be read is unknown, and nothing is written: %s", async (role) => {
    const stage = setStage();
    const failover = await inStage(stage, "draft");
    const id = idOf(failover, role);
    const { faults } = stage.simulator;
    faults.add({
      match: { method: "GET", path: listOf(role), times: Infinity },
      effect: { kind: "partial-list", omit: (object) => object["id"] === id },
    });
    faults.add({
      match: { method: "GET", path: pathOf(failover, role), times: Infinity },
      effect: { kind: "status", status: 503, when: "before", body: "html" },
    });
    await stage.minutes(3);
    expect(stage.writes()).toEqual([]);
    const { status, cloudflare } = await stage.failover();
    expect(status.sync).toBe("unknown");
    expect(status.message).toMatch(/could not be read: HTTP 503/);
    expect(cloudflare).toEqual(failover.cloudflare);
    faults.clear();
    await stage.minutes(1);
    expect((await stage.failover()).status.sync).toBe("synced");
  });

  it("is not made twice where no id is stored yet: an empty page that contradicts its own total is no absence", async () => {
    const stage = setStage();
    stage.simulator.world.switches.listMode = "paged";
    const { faults } = stage.simulator;
    // The create takes effect, its answer is lost, and the list that would show it comes back short.
    faults.add({
      match: { method: "POST", path: listOf("monitor") },
      effect: { kind: "drop", when: "after" },
    });
    await stage.call("POST", "/v1/failovers", SHOP);
    await stage.minutes(5);
    expect(stage.simulator.world.monitors.size).toBe(1);
    expect((await stage.failover()).status.sync).toBe("synced");
  });
});
