import { describe, expect, it } from "vitest";
import type { World } from "../simulator/simulator.ts";
import { ACCOUNT } from "./existing.ts";
import { callCloudflare } from "./somebody.ts";
import { setStage, SHOP, type Stage } from "./stage.ts";

type Ids = Readonly<Record<"third" | "load_balancer" | "primary", string>>;

const explain = async (stage: Stage, conditions: readonly string[] = []) =>
  (await stage.call("GET", `/v1/failovers/shop/explain?if=${conditions.join(",")}`)).body;

async function inProduction(): Promise<Stage> {
  const stage = setStage();
  await stage.ready();
  await stage.promote();
  await stage.minutes(1);
  await stage.promote();
  await stage.minutes(1);
  return stage;
}

describe("explaining who serves", () => {
  it("says of a draft that nobody serves its test hostname", async () => {
    const stage = setStage();
    await stage.ready();
    expect(await explain(stage)).toMatchObject({
      hostname: "lb-shop.example.com",
      rule: "nothing-underneath",
    });
  });

  it("says it for production, and what lies underneath", async () => {
    const production = await inProduction();
    expect(await explain(production)).toMatchObject({
      hostname: "www.example.com",
      serving: "primary",
      rule: "first-healthy-pool",
      predictable: true,
      if: [],
    });
    expect(await explain(production, ["primary_down"])).toMatchObject({ serving: "secondary" });
    expect(await explain(production, ["primary_down", "secondary_disabled"])).toMatchObject({
      serving: "none",
      rule: "no-pool-left",
    });
    expect(await explain(production, ["load_balancer_disabled"])).toMatchObject({
      serving: "primary",
      rule: "record-underneath",
    });
  });

  it.each([
    ["header", 1800],
    ["cookie", 82_800],
  ] as const)("says for how long affinity by %s keeps visitors", async (affinity, seconds) => {
    const stage = setStage();
    const attributes = affinity === "header" ? { session_affinity_attributes: { headers: ["x-user"] } } : {};
    await stage.ready({ ...SHOP, load_balancer: { session_affinity: affinity, ...attributes } });
    expect((await explain(stage)).affinity).toContain(`up to Cloudflare's default of ${seconds} seconds`);
  });

  it("follows an outage, and agrees with what a visitor gets", async () => {
    const stage = await inProduction();
    stage.simulator.world.origin("origin.example.net").up = false;
    await stage.minutes(3);
    expect(await explain(stage)).toMatchObject({ serving: "secondary", rule: "first-healthy-pool" });
    expect(stage.simulator.world.visit("https://www.example.com/").body).toContain("shop");
  });

  it("never guesses where somebody else's routing comes first, or Cloudflare can't be read", async () => {
    const stage = await inProduction();
    const { cloudflare } = await stage.failover();
    stage.simulator.world.edit("load_balancer", cloudflare.load_balancer_id, {
      country_pools: { DE: [cloudflare.secondary_pool_id] },
    });
    await stage.pass(30);
    expect(await explain(stage)).toMatchObject({
      serving: "unknown",
      rule: "foreign-routing",
      predictable: false,
    });
    stage.simulator.faults.add({
      match: { method: "GET", path: /dns_records/, times: Number.POSITIVE_INFINITY },
      effect: { kind: "status", status: 500, when: "before" },
    });
    const unreadable = await explain(stage);
    expect(unreadable).toMatchObject({ serving: "unknown", rule: "unreadable", predictable: false });
    expect(unreadable.path[0]).toContain("Cloudflare could not be read");
  });

  it.each<readonly [what: string, edit: (world: World, ids: Ids) => void, names: RegExp]>([
    [
      "a third pool stands first",
      (world, { load_balancer: lb, third, primary }) =>
        world.edit("load_balancer", lb, { default_pools: [third, primary] }),
      /pool of somebody else/,
    ],
    [
      "another steering policy decides",
      (world, { load_balancer: lb }) => world.edit("load_balancer", lb, { steering_policy: "random" }),
      /steering policy is random/,
    ],
    [
      "a pool got a second endpoint",
      (world, { primary }) => {
        const origins = world.pools.get(primary)?.origins ?? [];
        const more = { name: "another", address: "third.example.net", enabled: true, weight: 1 };
        world.edit("pool", primary, { origins: [more, ...origins] });
      },
      /primary pool has 2 endpoints/,
    ],
    [
      "an endpoint has weight 0",
      (world, { primary }) => {
        const origins = world.pools.get(primary)?.origins ?? [];
        world.edit("pool", primary, { origins: origins.map((origin) => ({ ...origin, weight: 0 })) });
      },
      /weight 0/,
    ],
    [
      "a pool has no monitor",
      (world, { primary }) => world.edit("pool", primary, { monitor: "" }),
      /primary pool has no monitor/,
    ],
  ])("never guesses before it is healed where %s", async (_, edit, names) => {
    const stage = await inProduction();
    const { cloudflare } = await stage.failover();
    const third = await callCloudflare(stage, "POST", `${ACCOUNT}/pools`, {
      name: "third",
      check_regions: ["WNAM"],
      origins: [{ name: "one", address: "third.example.net" }],
    });
    edit(stage.simulator.world, {
      third: third.id,
      load_balancer: cloudflare.load_balancer_id,
      primary: cloudflare.primary_pool_id,
    });
    await stage.pass(30);
    const { serving, path, predictable } = await explain(stage);
    expect({ serving, predictable }).toEqual({ serving: "unknown", predictable: false });
    expect(path.at(-1)).toMatch(names);
  });

  it("names the conditions where one is not known", async () => {
    const stage = setStage();
    await stage.ready();
    const answer = await stage.call("GET", "/v1/failovers/shop/explain?if=primary_dead");
    expect(answer.status).toBe(422);
    expect(JSON.stringify(answer.body)).toContain("primary_down");
  });
});
