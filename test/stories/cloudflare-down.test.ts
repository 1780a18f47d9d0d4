import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { tickWithoutProbes } from "./adversity.ts";
import type { Effect, Match } from "../simulator/simulator.ts";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";

const TIMEOUT_MS = 120_000;

const EVERY: Readonly<Record<string, Effect>> = {
  "500s": { kind: "status", status: 500, when: "before" },
  "HTML 502s": { kind: "status", status: 502, body: "html", when: "before" },
  "empty bodies": { kind: "status", status: 200, body: "empty", when: "after" },
  nulls: { kind: "status", status: 200, body: "null", when: "after" },
  "half answers": { kind: "status", status: 200, body: "garbage", when: "after" },
  "success: false": { kind: "success-false", code: 1000, message: "internal server error" },
  "a firewall's page": { kind: "status", status: 403, body: "html", when: "before" },
  "a token without permission": {
    kind: "status",
    status: 403,
    code: 10000,
    message: "Authentication error",
    when: "before",
  },
  "dropped connections": { kind: "drop", when: "before" },
  "time-outs": { kind: "timeout", when: "before" },
};

const ALWAYS = { times: Infinity } as const;

function strike(stage: Stage, match: Match, effect: Effect) {
  return stage.simulator.faults.add({ match: { ...ALWAYS, ...match }, effect });
}

const neverAFault = ({ status, body }: Answer) => {
  if (status >= 500) throw new Error(`our API answered ${status}: ${JSON.stringify(body)}`);
};

const A_SENTENCE = /\w+ \w+ \w+/;

/** Three failovers, two of them in one zone. */
async function threeFailovers(stage: Stage): Promise<void> {
  const { world } = stage.simulator;
  world.addZone({ name: "example.org", id: "20000000000000000000000000000002" });
  for (const name of ["blog", "docs"]) world.addPagesProject({ name });
  const specs = [
    SHOP,
    { ...SHOP, name: "blog", hostname: "blog.example.com", secondary: { pages_project: "blog" } },
    { ...SHOP, name: "docs", hostname: "docs.example.org", secondary: { pages_project: "docs" } },
  ];
  for (const spec of specs) {
    expect((await stage.call("POST", "/v1/failovers", spec)).status).toBe(201);
    await stage.alarms();
  }
  await stage.minutes(3);
}

const NAMES = ["shop", "blog", "docs"] as const;
const syncs = async (stage: Stage) =>
  Object.fromEntries(
    await Promise.all(NAMES.map(async (name) => [name, (await stage.failover(name)).status.sync])),
  );

describe("while every call of Cloudflare's API fails", () => {
  it.each(Object.entries(EVERY))(
    "by %s, our API answers, says what is wrong, and all recovers within three ticks",
    async (_, effect) => {
      const stage = setStage();
      await stage.ready();
      strike(stage, {}, effect);
      await stage.minutes(1);
      const down = await stage.failover();
      expect(down.status.sync).toBe("unknown");
      expect(down.status.message).toMatch(A_SENTENCE);

      const created = await stage.call("POST", "/v1/failovers", {
        ...SHOP,
        name: "second",
        hostname: "second.example.com",
      });
      expect(created).toMatchObject({ status: 201, body: { status: { sync: "unknown" } } });
      expect(created.body.status.message).toMatch(A_SENTENCE);
      const plan = await stage.call("GET", "/v1/failovers/shop/plan");
      expect(plan).toMatchObject({ status: 200, body: { changes: [] } });
      expect(plan.body.refusals[0].message).toMatch(A_SENTENCE);
      const promoted = await stage.call("POST", "/v1/failovers/shop/promote");
      expect(promoted.status).toBe(409);
      expect(promoted.body.refusals).toContainEqual(expect.objectContaining({ guard: "target-not-ready" }));
      const reconciled = await stage.call("POST", "/v1/failovers/shop/reconcile");
      expect(reconciled.status).toBe(202);
      const patched = await stage.call(
        "PATCH",
        "/v1/failovers/shop",
        { monitor: { path: "/health" } },
        { "if-match": `"${down.revision}"` },
      );
      expect(patched.status).toBe(200);
      const { revision } = await stage.failover("second");
      const deleted = await stage.call("DELETE", "/v1/failovers/second", undefined, {
        "if-match": `"${revision}"`,
      });
      expect(deleted.status).toBe(202);
      for (const path of ["/v1/failovers", "/v1/events", "/v1/failovers/shop", "/v1/failovers/shop/probes"])
        neverAFault(await stage.call("GET", path));
      await stage.minutes(2);

      stage.simulator.faults.clear();
      await stage.minutes(3);
      await stage.alarms();
      expect((await stage.failover()).status).toMatchObject({ sync: "synced" });
      const monitors = [...stage.simulator.world.monitors.values()];
      expect(monitors.map(({ path }) => path)).toEqual(["/health"]);
      expect(stage.simulator.world.pools.size).toBe(2);
      expect(stage.simulator.world.loadBalancers.size).toBe(1);
      expect((await stage.call("GET", "/v1/failovers/second")).status).toBe(404);
    },
    TIMEOUT_MS,
  );
});

describe("a fault of one call", () => {
  const CALLS: readonly { call: string; match: Match; when?: "create" }[] = [
    { call: "the list of zones", match: { method: "GET", path: /\/zones$/ } },
    { call: "the Pages project", match: { method: "GET", path: "/pages/projects" } },
    { call: "the list of monitors", match: { method: "GET", path: /monitors$/ } },
    { call: "the list of pools", match: { method: "GET", path: /pools$/ } },
    { call: "the list of load balancers", match: { method: "GET", path: /zones\/[^/]+\/load_balancers$/ } },
    { call: "reading a monitor", match: { method: "GET", path: /monitors\/[0-9a-f]{32}$/ } },
    { call: "reading a pool", match: { method: "GET", path: /pools\/[0-9a-f]{32}$/ } },
    { call: "reading a load balancer", match: { method: "GET", path: /load_balancers\/[0-9a-f]{32}$/ } },
    { call: "a pool's health", match: { method: "GET", path: /health$/ } },
    { call: "references", match: { method: "GET", path: /references$/ } },
    { call: "DNS records", match: { method: "GET", path: "/dns_records" } },
    { call: "creating", match: { method: "POST" } },
    { call: "changing", match: { method: "PATCH" } },
    { call: "deleting", match: { method: "DELETE" } },
  ];

  it.each(CALLS)(
    "is no 5xx of ours and leaves nothing behind: $call",
    async ({ match }) => {
      const stage = setStage();
      for (const effect of [EVERY["HTML 502s"], EVERY["nulls"], EVERY["time-outs"]] as Effect[]) {
        strike(stage, match, effect);
        neverAFault(await stage.call("POST", "/v1/failovers", SHOP));
        await stage.alarms();
        await stage.minutes(2);
        for (const verb of ["promote", "reconcile", "demote"])
          neverAFault(await stage.call("POST", `/v1/failovers/shop/${verb}`));
        neverAFault(await stage.call("GET", "/v1/failovers/shop/plan"));
        await stage.alarms();
        await stage.minutes(1);
        stage.simulator.faults.clear();
        await stage.minutes(3);
        // Whatever was begun in foul weather ends in fair weather.
        for (let looks = 0; looks < 24; looks += 1) {
          if ((await stage.failover()).status.operation === null) break;
          await stage.pass(10);
          await stage.alarms();
        }
        const { status, revision, stage: where } = await stage.failover();
        expect(status).toMatchObject({ sync: "synced", operation: null });
        const query = where === "production" ? "?override=in-production&reason=test" : "";
        const gone = await stage.operate("DELETE", `/v1/failovers/shop${query}`, undefined, {
          "if-match": `"${revision}"`,
        });
        expect(gone.status).toBe("succeeded");
        const { monitors, pools, loadBalancers } = stage.simulator.world;
        expect([monitors.size, pools.size, loadBalancers.size]).toEqual([0, 0, 0]);
      }
    },
    TIMEOUT_MS,
  );
});

describe("a fault of one failover", () => {
  it.each(Object.entries(EVERY))(
    "keeps no other from being healed, where a whole zone fails by %s",
    async (_, effect) => {
      const stage = setStage();
      await threeFailovers(stage);
      expect(await syncs(stage)).toEqual({ shop: "synced", blog: "synced", docs: "synced" });
      strike(stage, { path: "/zones/20000000000000000000000000000002/" }, effect);
      const { cloudflare } = await stage.failover("blog");
      stage.simulator.world.edit("load_balancer", cloudflare.load_balancer_id, { steering_policy: "random" });
      await stage.minutes(1);
      expect(await syncs(stage)).toEqual({ shop: "synced", blog: "synced", docs: "unknown" });
      expect(stage.simulator.world.loadBalancers.get(cloudflare.load_balancer_id)).toMatchObject({
        steering_policy: "off",
      });
      stage.simulator.faults.clear();
      await stage.minutes(3);
      expect(await syncs(stage)).toEqual({ shop: "synced", blog: "synced", docs: "synced" });
    },
    TIMEOUT_MS,
  );

  it("keeps no other from being healed, where one pool's calls hang", async () => {
    const stage = setStage();
    await threeFailovers(stage);
    const shop = (await stage.failover("shop")).cloudflare;
    const docs = (await stage.failover("docs")).cloudflare;
    const { world } = stage.simulator;
    for (const { primary_pool_id } of [shop, docs])
      world.edit("pool", primary_pool_id, { minimum_origins: 0 });
    strike(stage, { path: `/pools/${shop.primary_pool_id}` }, { kind: "timeout", when: "before" });
    await stage.minutes(1);
    expect(await syncs(stage)).toEqual({ shop: "unknown", blog: "synced", docs: "synced" });
    expect(world.pools.get(docs.primary_pool_id)).toMatchObject({ minimum_origins: 1 });
    stage.simulator.faults.clear();
    await stage.minutes(3);
    expect(await syncs(stage)).toEqual({ shop: "synced", blog: "synced", docs: "synced" });
    expect(world.pools.get(shop.primary_pool_id)).toMatchObject({ minimum_origins: 1 });
  });

  it.each(["not JSON at all", "null", "{}", '{"name":"blog"}'])(
    "keeps no other from being looked at, where its row in D1 reads %s",
    async (input) => {
      const stage = setStage();
      await threeFailovers(stage);
      const { id } = await stage.failover("blog");
      await env.DB.prepare("UPDATE failovers SET input = ?2 WHERE id = ?1").bind(id, input).run();
      const { cloudflare } = await stage.failover("docs");
      stage.simulator.world.edit("pool", cloudflare.primary_pool_id, { minimum_origins: 0 });
      await stage.pass(60);
      await tickWithoutProbes();
      expect(stage.simulator.world.pools.get(cloudflare.primary_pool_id)).toMatchObject({
        minimum_origins: 1,
      });
      const list = await stage.call("GET", "/v1/failovers");
      expect(list.status).toBe(200);
      expect(list.body.items.map(({ name }: { name: string }) => name).toSorted()).toEqual(["docs", "shop"]);
    },
  );
});

describe("a failover that is created while Cloudflare is down", () => {
  async function createdInTheDark(spec: object = SHOP) {
    const stage = setStage();
    strike(stage, {}, { kind: "drop", when: "before" });
    const created = await stage.call("POST", "/v1/failovers", spec);
    expect(created).toMatchObject({ status: 201, body: { status: { sync: "unknown" } } });
    expect(created.body.status.message).toContain("Cloudflare");
    await stage.alarms();
    await stage.minutes(2);
    expect((await stage.failover()).status.sync).toBe("unknown");
    return stage;
  }

  it("is finished by itself afterwards", async () => {
    const stage = await createdInTheDark();
    stage.simulator.faults.clear();
    await stage.minutes(3);
    expect((await stage.failover()).status.sync).toBe("synced");
    expect(stage.simulator.world.loadBalancers.size).toBe(1);
  });

  it.each([
    ["the zone", { ...SHOP, hostname: "www.nowhere.com" }, "www.nowhere.com"],
    ["the Pages project", { ...SHOP, secondary: { pages_project: "nothing" } }, "nothing"],
  ])("is blocked with the reason where %s turns out not to exist", async (_, spec, named) => {
    const stage = await createdInTheDark(spec);
    stage.simulator.faults.clear();
    await stage.minutes(3);
    const { status } = await stage.failover();
    expect(status.sync).toBe("blocked");
    expect(status.message).toContain(named);
    expect(stage.simulator.world.monitors.size).toBe(0);
  });

  it("can be deleted before anything was made", async () => {
    const stage = await createdInTheDark();
    const gone = await stage.operate("DELETE", "/v1/failovers/shop", undefined, { "if-match": '"1"' });
    expect(gone).toMatchObject({ status: "succeeded" });
    stage.simulator.faults.clear();
    await stage.minutes(2);
    expect(stage.simulator.world.monitors.size).toBe(0);
  });
});
