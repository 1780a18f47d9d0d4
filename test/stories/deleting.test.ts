import { describe, expect, it } from "vitest";
import type { Role } from "../../src/failover/marker.ts";
import { eventsOf, installation, rowsOf, sentWrites } from "./ledger.ts";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";
import { callCloudflare, idOf, objectOf, pathOf, ROLES } from "./somebody.ts";

const IN_ORDER: readonly Role[] = ["load_balancer", "secondary", "primary", "monitor"];
type Reached = "draft" | "testing" | "production";

async function inStage(stage: Stage, wanted: Reached = "draft"): Promise<Answer["body"]> {
  await stage.ready();
  for (const to of { draft: [], testing: ["testing"], production: ["testing", "production"] }[wanted]) {
    const operation = await stage.promote();
    expect(operation).toMatchObject({ status: "succeeded", result: { stage: to } });
    await stage.minutes(1);
  }
  stage.forgetCalls();
  return stage.failover();
}

/** A DELETE on top of what was last read. */
async function remove(stage: Stage, query = ""): Promise<Answer> {
  const { headers } = await stage.call("GET", "/v1/failovers/shop");
  const ifMatch = { "if-match": headers.get("etag") ?? "" };
  return stage.call("DELETE", `/v1/failovers/shop${query}`, undefined, ifMatch);
}

const operationOf = async (stage: Stage, { body }: Answer) =>
  (await stage.call("GET", `/v1/operations/${body.id}`)).body;

const guards = ({ body }: Answer): string[] => body.refusals.map(({ guard }: { guard: string }) => guard);

async function rowsOfFailover({ id }: Answer["body"]): Promise<number> {
  const tables = ["objects", "statuses", "pool_health", "samples"];
  const rows = await Promise.all(
    tables.map((table) => rowsOf(`SELECT 1 FROM ${table} WHERE failover_id = ?1`, id)),
  );
  return rows.flat().length + (await rowsOf("SELECT 1 FROM failovers WHERE id = ?1", id)).length;
}

describe("a precondition of deleting", () => {
  it("is needed, and has to fit", async () => {
    const stage = setStage();
    await inStage(stage);
    expect((await stage.call("DELETE", "/v1/failovers/shop")).status).toBe(428);
    const stale = await stage.call("DELETE", "/v1/failovers/shop", undefined, { "if-match": '"7"' });
    expect(stale.status).toBe(412);
    expect(guards(stale)).toEqual(["revision-mismatch"]);
    await stage.minutes(1);
    expect(stage.writes()).toEqual([]);
    expect((await stage.failover()).status.sync).toBe("synced");
  });

  it.each([
    ["mode=wipe", "/mode", /must be destroy or orphan/],
    ["override=in-production", "/reason", /is required where guards are overridden/],
    ["override=everything&reason=x", "/override", /which is not a guard/],
  ])("names the parameter that is wrong: %s", async (query, pointer, message) => {
    const stage = setStage();
    await inStage(stage);
    const answer = await remove(stage, `?${query}`);
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toEqual([{ pointer, in: "query", message: expect.stringMatching(message) }]);
  });
});

describe("deleting", () => {
  it.each(["draft", "testing"] as const)(
    "in %s takes everything away, in the only order that works",
    async (at) => {
      const stage = setStage();
      const failover = await inStage(stage, at);
      const accepted = await remove(stage);
      expect(accepted.status).toBe(202);
      expect(accepted.headers.get("location")).toBe(`/v1/operations/${accepted.body.id}`);
      expect((await stage.failover()).status.sync).toBe("deleting");
      await stage.alarms();
      expect(sentWrites(stage)).toEqual(
        IN_ORDER.map((role) => ({ method: "DELETE", path: pathOf(failover, role), body: null })),
      );
      expect(await operationOf(stage, accepted)).toMatchObject({
        kind: "delete",
        status: "succeeded",
        failover_id: failover.id,
        progress: { done: 4, total: 4 },
      });
      expect((await stage.call("GET", "/v1/failovers/shop")).status).toBe(404);
      expect((await stage.call("GET", `/v1/failovers/${failover.id}`)).status).toBe(404);
      expect(await rowsOfFailover(failover)).toBe(0);
      const { world } = stage.simulator;
      expect([world.monitors.size, world.pools.size, world.loadBalancers.size]).toEqual([0, 0, 0]);
      stage.forgetCalls();
      await stage.minutes(3);
      expect(stage.writes()).toEqual([]);
    },
  );

  it("leaves its events to be read, by its id", async () => {
    const stage = setStage();
    const failover = await inStage(stage);
    await remove(stage);
    await stage.alarms();
    const { status, body } = await stage.call("GET", `/v1/failovers/${failover.id}/events`);
    expect(status).toBe(200);
    const types = body.items.map(({ type }: { type: string }) => type);
    expect(types[0]).toBe("failover.deleted");
    expect(types).toContain("failover.delete_started");
    expect(types.at(-1)).toBe("failover.created");
    expect((await stage.call("GET", "/v1/failovers/shop/events")).status).toBe(404);
  });

  it("by orphan leaves the objects as they are, without our markers", async () => {
    const stage = setStage();
    const failover = await inStage(stage, "testing");
    const marker = `understudy:${await installation()}`;
    const before = ROLES.map((role) => objectOf(stage, failover, role));
    const accepted = await remove(stage, "?mode=orphan");
    await stage.alarms();
    expect((await operationOf(stage, accepted)).status).toBe("succeeded");
    expect(sentWrites(stage).map(({ method, path }) => [method, path])).toEqual(
      IN_ORDER.map((role) => ["PATCH", pathOf(failover, role)]),
    );
    const after = ROLES.map((role) => objectOf(stage, failover, role));
    expect(JSON.stringify(after)).not.toContain(marker);
    const unmarked = before.map((object) => ({
      ...object,
      description: String(object["description"]).replace(/ understudy:.*$/, ""),
    }));
    expect(after).toEqual(unmarked);
    expect((await stage.call("GET", "/v1/failovers/shop")).status).toBe(404);
    // What stayed is somebody else's now, and has the names.
    await stage.pass(11);
    const again = await stage.call("POST", "/v1/failovers", SHOP);
    expect(again.status).toBe(409);
    expect(again.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      "/name",
      "/name",
      "/test_hostname",
    ]);
  });

  it("gives name and hostnames back, so that the same failover can be made again", async () => {
    const stage = setStage();
    const failover = await inStage(stage);
    await remove(stage);
    await stage.alarms();
    await stage.pass(11);
    const again = await stage.ready();
    expect(again.status.sync).toBe("synced");
    expect(again.id).not.toBe(failover.id);
  });

  it("asked for twice is one operation", async () => {
    const stage = setStage();
    await inStage(stage);
    const [first, second] = [await remove(stage), await remove(stage)];
    expect(second.status).toBe(202);
    expect(second.body.id).toBe(first.body.id);
  });

  it("refuses everything else meanwhile", async () => {
    const stage = setStage();
    await inStage(stage);
    await remove(stage);
    const ifMatch = { "if-match": `"${(await stage.failover()).revision}"` };
    const attempts = [
      await stage.call("PATCH", "/v1/failovers/shop", { monitor: { path: "/x" } }, ifMatch),
      await stage.call("POST", "/v1/failovers/shop/promote"),
      await stage.call("POST", "/v1/failovers/shop/reconcile"),
      await stage.call("POST", "/v1/failovers/shop/adopt", { reason: "x" }),
    ];
    expect(attempts.map(({ status }) => status)).toEqual([409, 409, 409, 409]);
    await stage.alarms();
    expect(stage.simulator.world.pools.size).toBe(0);
  });
});

describe("deleting in production", () => {
  it("is refused by the guard in-production, and changes nothing", async () => {
    const stage = setStage();
    const failover = await inStage(stage, "production");
    const answer = await remove(stage);
    expect(answer.status).toBe(409);
    expect(guards(answer)).toEqual(["in-production"]);
    expect(answer.body.refusals[0]).toMatchObject({
      overridable: true,
      facts: { hostname: "www.example.com" },
    });
    await stage.minutes(1);
    expect(stage.writes()).toEqual([]);
    expect(await stage.failover()).toMatchObject({ revision: failover.revision, stage: "production" });
  });

  it("is refused by nothing-underneath as well where no DNS record would answer", async () => {
    const stage = setStage();
    await inStage(stage, "production");
    stage.simulator.world.dnsRecords.clear();
    expect(guards(await remove(stage)).toSorted()).toEqual(["in-production", "nothing-underneath"]);
    const half = await remove(stage, "?override=in-production&reason=moving%20away");
    expect(half.status).toBe(409);
    expect(guards(half)).toEqual(["nothing-underneath"]);
    expect(stage.writes()).toEqual([]);
  });

  it("goes through where the guards are overridden with a reason, which the event keeps", async () => {
    const stage = setStage();
    const failover = await inStage(stage, "production");
    const accepted = await remove(stage, "?override=in-production&reason=moving%20away");
    expect(accepted.status).toBe(202);
    await stage.alarms();
    const operation = await operationOf(stage, accepted);
    expect(operation).toMatchObject({
      status: "succeeded",
      result: { mode: "destroy", visitors_get: ["CNAME origin.example.net"] },
    });
    expect(stage.simulator.world.loadBalancers.size).toBe(0);
    const [started] = (await eventsOf(failover.id)).filter(({ type }) => type === "failover.delete_started");
    expect(started?.data).toMatchObject({ reason: "moving away", mode: "destroy" });
  });
});

describe("deleting what something else holds", () => {
  async function heldPool(stage: Stage, failover: Answer["body"]) {
    const primary = idOf(failover, "primary");
    const theirs = await callCloudflare(stage, "POST", `/zones/${failover.zone.id}/load_balancers`, {
      name: "theirs.example.com",
      default_pools: [primary],
      fallback_pool: primary,
    });
    stage.forgetCalls();
    return theirs;
  }

  it("stops there, says what holds it, keeps the name, and goes on by itself afterwards", async () => {
    const stage = setStage();
    const failover = await inStage(stage);
    const theirs = await heldPool(stage, failover);
    const accepted = await remove(stage);
    await stage.alarms();
    await stage.minutes(3);
    expect(sentWrites(stage).map(({ path }) => path)).toEqual([
      pathOf(failover, "load_balancer"),
      pathOf(failover, "secondary"),
    ]);
    expect(await operationOf(stage, accepted)).toMatchObject({
      status: "running",
      progress: { done: 2, total: 4 },
    });
    const { status } = await stage.failover();
    expect(status.sync).toBe("deleting");
    expect(status.message).toBe(
      "the primary pool is still used by theirs.example.com and stays until it isn't",
    );
    expect(stage.simulator.world.loadBalancers.get(theirs.id)?.default_pools).toEqual([
      idOf(failover, "primary"),
    ]);
    const taken = await stage.call("POST", "/v1/failovers", SHOP);
    expect(taken.status).toBe(409);
    expect(taken.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      "/name",
      "/hostname",
      "/test_hostname",
    ]);

    stage.simulator.world.remove("load_balancer", theirs.id);
    await stage.minutes(1);
    expect((await stage.call("GET", "/v1/failovers/shop")).status).toBe(404);
    expect(stage.simulator.world.pools.size + stage.simulator.world.monitors.size).toBe(0);
    expect((await operationOf(stage, accepted)).status).toBe("succeeded");
  });

  it("stops at a monitor that somebody's pool uses", async () => {
    const stage = setStage();
    const failover = await inStage(stage);
    await callCloudflare(stage, "POST", "/accounts/a0000000000000000000000000000001/load_balancers/pools", {
      name: "theirs",
      check_regions: ["WNAM"],
      monitor: idOf(failover, "monitor"),
      origins: [{ name: "theirs", address: "origin.example.net" }],
    });
    stage.forgetCalls();
    await remove(stage);
    await stage.alarms();
    await stage.minutes(1);
    expect((await stage.failover()).status.message).toBe(
      "the monitor is still used by theirs and stays until it isn't",
    );
    expect(stage.simulator.world.monitors.size).toBe(1);
  });

  it.each([
    // What such an object uses is held by it, and stays as well.
    { role: "load_balancer", kind: "load_balancer", stay: 4, status: "running" },
    { role: "primary", kind: "pool", stay: 2, status: "running" },
    { role: "secondary", kind: "pool", stay: 2, status: "running" },
    { role: "monitor", kind: "monitor", stay: 1, status: "succeeded" },
  ] as const)("leaves alone what lost its marker: $role", async ({ role, kind, stay, status }) => {
    const stage = setStage();
    const failover = await inStage(stage);
    const { world } = stage.simulator;
    world.edit(kind, idOf(failover, role), { description: "mine now" });
    const accepted = await remove(stage);
    await stage.alarms();
    await stage.minutes(1);
    expect(objectOf(stage, failover, role)["description"]).toBe("mine now");
    expect(sentWrites(stage).map(({ path }) => path)).not.toContain(pathOf(failover, role));
    expect(world.monitors.size + world.pools.size + world.loadBalancers.size).toBe(stay);
    expect((await operationOf(stage, accepted)).status).toBe(status);
  });

  it("goes on where Cloudflare can't be reached for a while", async () => {
    const stage = setStage();
    await inStage(stage);
    const fault = stage.simulator.faults.add({
      match: { method: "DELETE", times: Infinity },
      effect: { kind: "status", status: 503, when: "before", body: "html" },
    });
    const accepted = await remove(stage);
    await stage.alarms();
    await stage.minutes(2);
    const { status } = await stage.failover();
    expect(status.sync).toBe("deleting");
    expect(status.message).toContain("503");
    fault.remove();
    await stage.minutes(3);
    expect((await operationOf(stage, accepted)).status).toBe("succeeded");
    expect((await stage.call("GET", "/v1/failovers/shop")).status).toBe(404);
  });
});
