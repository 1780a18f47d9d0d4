import { describe, expect, it } from "vitest";
import type { Body } from "../../src/failover/desired.ts";
import type { Role } from "../../src/failover/marker.ts";
import { eventsOf, sentWrites } from "./ledger.ts";
import { setStage, type Answer, type Stage } from "./stage.ts";
import { callCloudflare, editObject, idOf, objectOf, pathOf, removeObject, ROLES } from "./somebody.ts";

const POOLS = "/accounts/a0000000000000000000000000000001/load_balancers/pools";

async function inPlace(stage: Stage): Promise<Answer["body"]> {
  const failover = await stage.ready();
  expect(failover.status.sync).toBe("synced");
  stage.forgetCalls();
  return failover;
}

const somebodysPool = (stage: Stage, name: string) =>
  callCloudflare(stage, "POST", POOLS, {
    name,
    check_regions: ["WNAM"],
    origins: [{ name: "theirs", address: "origin.example.net" }],
  });

describe("an object that lost its marker", () => {
  const unmark = (object: Body) => ({
    ...object,
    description: String(object["description"]).replace(/ understudy:.*$/, ""),
  });

  it.each(ROLES)(
    "is not touched any more, and the status says so until the marker is back: %s",
    async (role) => {
      const stage = setStage();
      const failover = await inPlace(stage);
      const wanted = objectOf(stage, failover, role);
      const drift: Record<Role, Body> = {
        monitor: { path: "/edited" },
        primary: { minimum_origins: 0 },
        secondary: { minimum_origins: 0 },
        load_balancer: { proxied: false },
      };
      editObject(stage, failover, role, (object) => ({ ...unmark(object), ...drift[role] }));
      await stage.minutes(3);
      expect(stage.writes()).toEqual([]);
      const { status } = await stage.failover();
      expect(status.sync).toBe("blocked");
      expect(status.message).toContain(`lost its marker "understudy:`);
      expect(status.message).toContain("is not touched until it is back");
      const { body: plan } = await stage.call("GET", "/v1/failovers/shop/plan");
      expect(plan.changes).toEqual([]);
      expect(plan.refusals.map(({ message }: { message: string }) => message)).toEqual([status.message]);

      const operation = await stage.operate("POST", "/v1/failovers/shop/reconcile");
      expect(operation).toMatchObject({ status: "failed", message: status.message });
      expect(stage.writes()).toEqual([]);

      const { description } = wanted;
      editObject(stage, failover, role, (object) => ({ ...object, description }));
      await stage.minutes(1);
      expect(sentWrites(stage).map(({ path }) => path)).toEqual([pathOf(failover, role)]);
      expect(objectOf(stage, failover, role)).toEqual(wanted);
      expect((await stage.failover()).status.sync).toBe("synced");
    },
  );

  it("doesn't keep the others from being healed", async () => {
    const stage = setStage();
    const failover = await inPlace(stage);
    editObject(stage, failover, "primary", unmark);
    editObject(stage, failover, "monitor", (object) => ({ ...object, path: "/edited" }));
    await stage.minutes(1);
    expect(sentWrites(stage).map(({ path }) => path)).toEqual([pathOf(failover, "monitor")]);
    expect((await stage.failover()).status.sync).toBe("blocked");
  });

  it("is somebody else's where the marker is another's, even by one letter", async () => {
    const stage = setStage();
    const failover = await inPlace(stage);
    editObject(stage, failover, "monitor", (object) => ({
      ...object,
      description: `${String(object["description"])}s`,
      path: "/edited",
    }));
    await stage.minutes(2);
    expect(stage.writes()).toEqual([]);
    expect((await stage.failover()).status.sync).toBe("blocked");
  });
});

describe("a pool name that somebody else took", () => {
  it("blocks the pool that vanished, and says who has it", async () => {
    const stage = setStage();
    const failover = await inPlace(stage);
    removeObject(stage, failover, "primary");
    const theirs = await somebodysPool(stage, "shop-primary");
    stage.forgetCalls();
    await stage.minutes(2);
    const { status } = await stage.failover();
    expect(status.sync).toBe("blocked");
    expect(status.message).toMatch(/^Cloudflare refused creating the primary pool: .+/);
    expect(stage.simulator.world.pools.get(theirs.id)?.description).toBe("");
    expect(stage.writes().every((write) => write === `POST ${POOLS}`)).toBe(true);
    stage.simulator.world.remove("pool", theirs.id);
    await stage.minutes(1);
    expect((await stage.failover()).status.sync).toBe("synced");
  });

  it("blocks the pool that was renamed, and leaves theirs alone", async () => {
    const stage = setStage();
    const failover = await inPlace(stage);
    stage.simulator.world.edit("pool", idOf(failover, "secondary"), { name: "renamed" });
    const theirs = await somebodysPool(stage, "shop-secondary");
    await stage.minutes(2);
    const { status } = await stage.failover();
    expect(status.sync).toBe("blocked");
    expect(status.message).toMatch(/^Cloudflare refused changing the secondary pool: .+/);
    expect(stage.simulator.world.pools.get(theirs.id)).toMatchObject({
      name: "shop-secondary",
      description: "",
    });
  });
});

describe("routing that somebody else added", () => {
  const other = (stage: Stage) => somebodysPool(stage, "theirs");
  const CASES: [string, (pool: string) => Body][] = [
    ["region_pools", (pool) => ({ region_pools: { WNAM: [pool] } })],
    ["country_pools", (pool) => ({ country_pools: { GB: [pool] } })],
    ["pop_pools", (pool) => ({ pop_pools: { LHR: [pool] } })],
    ["pool_sets", (pool) => ({ pool_sets: [{ name: "theirs", pools: [pool] }] })],
    [
      "rules",
      () => ({
        rules: [
          {
            name: "maintenance",
            condition: "",
            disabled: false,
            priority: 0,
            terminates: true,
            fixed_response: { status_code: 503 },
          },
        ],
      }),
    ],
  ];

  it.each(CASES)("is reported and never healed: %s", async (member, edit) => {
    const stage = setStage();
    const failover = await inPlace(stage);
    const pool = await other(stage);
    stage.forgetCalls();
    editObject(stage, failover, "load_balancer", (object) => ({ ...object, ...edit(pool.id) }));
    const edited = objectOf(stage, failover, "load_balancer");
    const { body: plan } = await stage.call("GET", "/v1/failovers/shop/plan");
    expect(plan.changes).toEqual([]);
    const foreign = [
      {
        role: "load_balancer",
        path: member,
        message: `${member} on the load balancer can send visitors past the pair`,
        class: "foreign",
        kept: false,
      },
    ];
    expect(plan.foreign).toEqual(foreign);
    await stage.minutes(2);
    await stage.operate("POST", "/v1/failovers/shop/reconcile");
    expect(stage.writes()).toEqual([]);
    expect(objectOf(stage, failover, "load_balancer")).toEqual(edited);
    const { status } = await stage.failover();
    expect(status.foreign).toEqual(foreign);
    expect(status.message).toContain(foreign[0]?.message ?? "nothing");
    const refused = await stage.call("POST", "/v1/failovers/shop/promote");
    expect(refused.status).toBe(409);
    expect(refused.body.refusals.map(({ guard }: { guard: string }) => guard)).toEqual(["foreign-routing"]);
  });

  it("is reported also where it is a pool of ours behind another load balancer", async () => {
    const stage = setStage();
    const failover = await inPlace(stage);
    const primary = idOf(failover, "primary");
    await callCloudflare(stage, "POST", `/zones/${failover.zone.id}/load_balancers`, {
      name: "theirs.example.com",
      default_pools: [primary],
      fallback_pool: primary,
    });
    stage.forgetCalls();
    await stage.minutes(1);
    const { status } = await stage.failover();
    expect(status.foreign).toEqual([
      {
        role: "load_balancer",
        class: "foreign",
        kept: false,
        path: "default_pools",
        message: "a pool of this failover is also used by the load balancer theirs.example.com",
      },
    ]);
    expect(stage.writes()).toEqual([]);
  });

  it("keeps no drift of ours beside it from being healed", async () => {
    const stage = setStage();
    const failover = await inPlace(stage);
    const pool = await other(stage);
    stage.forgetCalls();
    editObject(stage, failover, "load_balancer", (object) => ({
      ...object,
      region_pools: { WNAM: [pool.id] },
      steering_policy: "geo",
    }));
    await stage.minutes(1);
    expect(sentWrites(stage)).toEqual([
      { method: "PATCH", path: pathOf(failover, "load_balancer"), body: { steering_policy: "off" } },
    ]);
    expect(objectOf(stage, failover, "load_balancer")["region_pools"]).toEqual({ WNAM: [pool.id] });
    await stage.minutes(3);
    expect(stage.writes()).toHaveLength(1);
  });
});

describe("a token that is allowed too little", () => {
  interface Trouble {
    readonly what: string;
    readonly begin: (stage: Stage) => void;
    readonly end: (stage: Stage) => void;
  }
  const forbid = (name: "Load Balancers" | "Load Balancing: Monitors and Pools"): Trouble => ({
    what: `the permission for ${name} is taken away`,
    begin: ({ simulator: { world } }) => {
      world.token.permissions.delete(`${name} Read`);
      world.token.permissions.delete(`${name} Write`);
    },
    end: ({ simulator: { world } }) => void world.token.permissions.add(`${name} Write`),
  });
  const TROUBLES: Trouble[] = [
    {
      what: "the zone is out of its sight",
      begin: ({ simulator: { world } }) => void (world.token.zones = []),
      end: ({ simulator: { world } }) => void (world.token.zones = "all"),
    },
    {
      what: "it is disabled",
      begin: ({ simulator: { world } }) => void (world.token.status = "disabled"),
      end: ({ simulator: { world } }) => void (world.token.status = "active"),
    },
    forbid("Load Balancers"),
    forbid("Load Balancing: Monitors and Pools"),
  ];

  it.each(TROUBLES)(
    "leaves everything as it is, unknown and with a sentence: $what",
    async ({ begin, end }) => {
      const stage = setStage();
      const failover = await inPlace(stage);
      const before = ROLES.map((role) => objectOf(stage, failover, role));
      begin(stage);
      await stage.minutes(3);
      const after = await stage.failover();
      expect(after.status.sync).toBe("unknown");
      expect(after.status.message).toMatch(/could not be read: .+/);
      expect(after.cloudflare).toEqual(failover.cloudflare);
      expect(stage.writes()).toEqual([]);
      expect(ROLES.map((role) => objectOf(stage, failover, role))).toEqual(before);
      const { body: plan } = await stage.call("GET", "/v1/failovers/shop/plan");
      expect(plan.changes).toEqual([]);
      expect(plan.refusals.length).toBeGreaterThan(0);
      end(stage);
      await stage.minutes(1);
      expect((await stage.failover()).status.sync).toBe("synced");
      expect(stage.writes()).toEqual([]);
      const types = (await eventsOf(failover.id)).map(({ type }) => type);
      expect(types.filter((type) => type === "object.vanished")).toEqual([]);
    },
  );

  it("says so where it may read but not write, and heals once it may", async () => {
    const stage = setStage();
    const failover = await inPlace(stage);
    const { permissions } = stage.simulator.world.token;
    permissions.delete("Load Balancing: Monitors and Pools Write");
    permissions.add("Load Balancing: Monitors and Pools Read");
    editObject(stage, failover, "monitor", (object) => ({ ...object, path: "/edited" }));
    await stage.minutes(2);
    const { status } = await stage.failover();
    expect(["blocked", "unknown"]).toContain(status.sync);
    expect(status.message).toMatch(/changing the monitor.*Authentication error \(code 10000\)/);
    permissions.add("Load Balancing: Monitors and Pools Write");
    await stage.minutes(1);
    expect((await stage.failover()).status.sync).toBe("synced");
    expect(objectOf(stage, failover, "monitor")["path"]).toBe("/");
  });
});
