import { describe, expect, it } from "vitest";
import { markerOf, ROLES, type Role } from "../../src/failover/marker.ts";
import type { Effect } from "../simulator/simulator.ts";
import { CLICKED, make, objectAt, setOldStage, type Ids } from "./existing.ts";
import { installation, rowsOf, sentWrites } from "./ledger.ts";
import type { Stage } from "./stage.ts";

const confirm = (stage: Stage, name = "shop") =>
  stage.call("POST", "/v1/import", { hostname: "www.example.com", name, confirm: true });

const descriptionOf = (stage: Stage, role: Role, ids: Ids) => objectAt(stage, role, ids[role])["description"];

async function expectMarked(stage: Stage, ids: Ids): Promise<void> {
  const failover = await stage.failover();
  expect(failover.status).toMatchObject({ sync: "synced", drift: [], foreign: [] });
  const short = await installation();
  for (const role of ROLES)
    expect(descriptionOf(stage, role, ids)).toMatch(
      new RegExp(`^[^:]*${markerOf(short, failover.id, role)}$`),
    );
  const { body: plan } = await stage.call("GET", "/v1/failovers/shop/plan");
  expect(plan).toMatchObject({ changes: [], refusals: [], foreign: [] });
}

const LOSSES: Record<string, Effect> = {
  "the answer is lost": { kind: "drop", when: "after" },
  "the call is lost": { kind: "drop", when: "before" },
  "the answer comes too late": { kind: "timeout", when: "after" },
  "Cloudflare fails": { kind: "status", status: 500, when: "before" },
  "Cloudflare fails after it did it": { kind: "status", status: 502, when: "after", body: "html" },
  "it takes effect late": { kind: "late", landsAfterMs: 20_000 },
  "there were too many calls": { kind: "rate-limit", retryAfterSeconds: 30 },
};

describe("an import in bad weather", () => {
  it.each(
    Object.keys(LOSSES).flatMap((what) => [1, 2, 3, 4].map((nth) => ({ what, nth, effect: LOSSES[what] }))),
  )("is finished by the next ticks where $what, at mark $nth", async ({ nth, effect }) => {
    if (effect === undefined) throw new Error("there is no such loss");
    const stage = setOldStage();
    const ids = await make(stage, CLICKED);
    const fault = stage.simulator.faults.add({ match: { method: "PATCH", nth }, effect });
    const { status } = await confirm(stage);
    expect(status).toBe(201);
    expect(fault.hits).toBe(1);
    await stage.crash();
    await stage.minutes(3);
    await expectMarked(stage, ids);
    stage.forgetCalls();
    await stage.minutes(2);
    expect(stage.writes()).toEqual([]);
  });

  it("says what holds it, and goes on by itself once it may", async () => {
    const stage = setOldStage();
    const ids = await make(stage, CLICKED);
    const { permissions } = stage.simulator.world.token;
    permissions.delete("Load Balancing: Monitors and Pools Write");
    permissions.add("Load Balancing: Monitors and Pools Read");
    const { status, body } = await confirm(stage);
    expect(status).toBe(201);
    expect(body.status.sync).toBe("blocked");
    expect(body.status.message).toMatch(/Cloudflare refused changing the monitor/);
    await stage.minutes(1);
    permissions.add("Load Balancing: Monitors and Pools Write");
    await stage.minutes(1);
    await expectMarked(stage, ids);
  });
});

describe("an import beside somebody else's work", () => {
  it("writes descriptions only, whatever was changed since it was read", async () => {
    const stage = setOldStage();
    const ids = await make(stage, CLICKED);
    const { world, faults } = stage.simulator;
    faults.before({ method: "PATCH" }, () => {
      world.edit("load_balancer", ids.load_balancer, { default_pools: [ids.secondary, ids.primary] });
      world.edit("pool", ids.primary, { enabled: false });
    });
    const { status } = await confirm(stage);
    expect(status).toBe(201);
    const members = sentWrites(stage).flatMap(({ body }) => Object.keys(body as object));
    expect(new Set(members)).toEqual(new Set(["description", "expected_codes"]));
    const { status: drifted } = await stage.failover();
    expect(drifted.sync).toBe("drifted");
    expect(drifted.drift.map(({ path, class: kind }: Record<string, unknown>) => [path, kind])).toEqual([
      ["enabled", "role"],
      ["default_pools", "role"],
    ]);
    // It may be a person in an emergency: announced, and healed only after the grace time.
    await stage.minutes(10);
    expect(objectAt(stage, "load_balancer", ids.load_balancer)["default_pools"]).toEqual([
      ids.secondary,
      ids.primary,
    ]);
    await stage.minutes(6);
    await expectMarked(stage, ids);
  });

  it("marks nothing that somebody else marked meanwhile, and says so", async () => {
    const stage = setOldStage();
    const ids = await make(stage, CLICKED);
    const theirs = "theirs understudy:abcd1234:fo_Xy1:secondary";
    // Between the lists and the look by id that comes before every mark.
    stage.simulator.faults.before({ method: "GET", path: new RegExp(`/pools/${ids.secondary}$`) }, () => {
      stage.simulator.world.edit("pool", ids.secondary, { description: theirs });
    });
    const { body } = await confirm(stage);
    await stage.minutes(2);
    expect(descriptionOf(stage, "secondary", ids)).toBe(theirs);
    const { status } = await stage.failover(body.id);
    expect(status.sync).toBe("blocked");
    expect(status.message).toContain('the secondary pool carries the marker "understudy:abcd1234:fo_Xy1');
  });

  it("is made once, however often it is asked for at once", async () => {
    const stage = setOldStage();
    const ids = await make(stage, CLICKED);
    const answers = await Promise.all(["shop", "shop", "other"].map((name) => confirm(stage, name)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);
    expect(await rowsOf("SELECT id FROM failovers")).toHaveLength(1);
    expect(sentWrites(stage)).toHaveLength(4);
    await stage.minutes(1);
    const made = answers.find(({ status }) => status === 201);
    expect((await stage.failover(made?.body.id)).status.sync).toBe("synced");
    expect(descriptionOf(stage, "primary", ids)).toContain(made?.body.id);
  });

  it("can be undone: what is orphaned is as it was found, and can be imported again", async () => {
    const stage = setOldStage();
    const ids = await make(stage, CLICKED);
    const before = ROLES.map((role) => objectAt(stage, role, ids[role]));
    await confirm(stage);
    await stage.minutes(1);
    const { status } = await stage.operate(
      "DELETE",
      "/v1/failovers/shop?mode=orphan&override=in-production&reason=undo",
      undefined,
      { "if-match": '"1"' },
    );
    expect(status).toBe("succeeded");
    expect(ROLES.map((role) => objectAt(stage, role, ids[role]))).toEqual(before);
    expect((await confirm(stage)).status).toBe(201);
    await expectMarked(stage, ids);
  });

  it("leads a life like any other: demoted, promoted again, an object made anew under its old name", async () => {
    const stage = setOldStage();
    const ids = await make(stage, CLICKED);
    await confirm(stage);
    await stage.minutes(2);
    const demoted = await stage.operate("POST", "/v1/failovers/shop/demote");
    expect(demoted.status).toBe("succeeded");
    expect(objectAt(stage, "load_balancer", ids.load_balancer)["name"]).toBe("lb-shop.example.com");
    await stage.minutes(2);
    const { world } = stage.simulator;
    world.edit("load_balancer", ids.load_balancer, {
      default_pools: [ids.primary],
      fallback_pool: ids.primary,
    });
    world.remove("pool", ids.secondary);
    await stage.minutes(5);
    const { status, cloudflare } = await stage.failover();
    expect(status.sync).toBe("synced");
    expect(world.pools.get(cloudflare.secondary_pool_id)).toMatchObject({
      name: "secondary",
      origins: [{ name: "my-pages-website", address: "shop.pages.dev" }],
    });
    expect(cloudflare.secondary_pool_id).not.toBe(ids.secondary);
    const names = [...world.pools.values()].map(({ name }) => name).toSorted();
    expect(names).toEqual(["primary", "secondary"]);
  });
});
