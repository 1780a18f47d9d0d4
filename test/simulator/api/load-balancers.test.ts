import { beforeEach, describe, expect, test } from "vitest";
import { aBench, buildFailover, type Bench, type BuiltFailover } from "../failover-setup.ts";

let bench: Bench;
let built: BuiltFailover;
let path: string;

beforeEach(async () => {
  bench = aBench();
  built = await buildFailover(bench);
  path = `/zones/${bench.zoneId}/load_balancers`;
});

const create = (member: Record<string, unknown>): ReturnType<Bench["call"]> =>
  bench.call("POST", path, {
    name: "second.example.com",
    default_pools: [built.primary],
    fallback_pool: built.secondary,
    ...member,
  });

test("fills in what Cloudflare fills in", async () => {
  const { result } = await create({});
  expect(result).toMatchObject({
    name: "second.example.com",
    zone_name: "example.com",
    enabled: true,
    proxied: false,
    ttl: 30,
    steering_policy: "off",
    session_affinity: "none",
    session_affinity_attributes: { samesite: "Auto", secure: "Auto", zero_downtime_failover: "none" },
    adaptive_routing: { failover_across_pools: false },
    location_strategy: { mode: "pop", prefer_ecs: "proximity" },
    random_steering: { default_weight: 1 },
    rules: [],
    networks: ["cloudflare"],
    region_pools: {},
  });
  expect(result).not.toHaveProperty("session_affinity_ttl");
  expect(result).not.toHaveProperty("zone_id");
});

test.each([
  ["off without maps", {}, "off"],
  ["geo with a region map", { region_pools: { WEU: [] } }, "geo"],
  ["what was asked for", { steering_policy: "random" }, "random"],
])('resolves steering policy "" to %s', async (_what, member, expected) => {
  expect((await create({ steering_policy: "", ...member })).result.steering_policy).toBe(expected);
});

test.each([
  ["cookie", undefined, 82800],
  ["cookie", 1800, 1800],
  ["header", undefined, 1800],
] as const)("gives affinity %s with ttl %s the ttl %s", async (session_affinity, ttl, expected) => {
  const { result } = await create({ session_affinity, session_affinity_ttl: ttl });
  expect(result.session_affinity_ttl).toBe(expected);
});

test.each([
  ["null", null],
  ["{}", {}],
  ["absent", undefined],
] as const)("reads empty maps back as %s", async (nullMaps, expected) => {
  bench.simulator.world.switches.nullMaps = nullMaps;
  expect((await create({ region_pools: {} })).result.region_pools).toEqual(expected);
});

describe("refuses", () => {
  const unknown = "f".repeat(32);
  const cases: [string, Record<string, unknown>, number, string][] = [
    ["a name of another zone", { name: "www.example.org" }, 1002, "invalid hostname: www.example.org"],
    ["a bare label", { name: "www" }, 1002, "invalid hostname: www"],
    ["a name with a blank", { name: "a b.example.com" }, 1002, "invalid hostname"],
    ["a zone's name as a suffix only", { name: "badexample.com" }, 1002, "invalid hostname"],
    ["a name that another load balancer has", { name: "lb.example.com" }, 1003, "not unique"],
    ["such a name in other case", { name: "LB.Example.com" }, 1003, "not unique"],
    ["no pools", { default_pools: [] }, 1002, "default_pools is required"],
    ["no fallback", { fallback_pool: "" }, 1002, "fallback_pool is required"],
    ["an unknown pool", { default_pools: [unknown] }, 1002, "could not find pool"],
    ["an unknown fallback", { fallback_pool: unknown }, 1002, "could not find pool"],
    ["an unknown pool in a map", { country_pools: { GB: [unknown] } }, 1002, "could not find pool"],
    ["an unknown steering policy", { steering_policy: "dice" }, 1002, "steering_policy must be one of"],
    [
      "an affinity ttl out of bounds",
      { session_affinity: "cookie", session_affinity_ttl: 5 },
      1002,
      "not in range",
    ],
    [
      "two rules of one priority",
      {
        rules: [
          { name: "a", priority: 1 },
          { name: "b", priority: 1 },
        ],
      },
      1003,
      "unique",
    ],
  ];
  test.each(cases)("%s", async (_what, member, code, message) => {
    const { status, errors } = await create(member);
    expect([status, errors[0]?.code]).toEqual([400, code]);
    expect(errors[0]?.message).toContain(message);
    expect(bench.simulator.world.loadBalancers.size).toBe(1);
  });

  test("an unknown pool with 404/1001, where switched so", async () => {
    bench.simulator.world.switches.unknownReference = "404/1001";
    const { status, errors } = await create({ default_pools: [unknown] });
    expect([status, errors[0]?.code]).toEqual([404, 1001]);
  });

  test("any load balancer in a zone without subscription, before looking at pools", async () => {
    const other = aBench({ profile: "none" });
    const { errors } = await other.call("POST", path, { name: "lb.example.com", default_pools: [unknown] });
    expect(errors[0]?.message).toContain("load balancing not enabled for zone");
  });

  test("more than the plan has", async () => {
    bench.simulator.world.limits.loadBalancers = 1;
    expect((await create({})).errors[0]?.message).toContain("quota");
  });
});

test("accepts the apex and a wildcard as names, and lower-cases them", async () => {
  expect((await create({ name: "example.com" })).result.name).toBe("example.com");
  expect((await create({ name: "*.example.com." })).result.name).toBe("*.example.com");
  expect((await create({ name: "Shop.Example.com" })).result.name).toBe("shop.example.com");
});

test("may keep a name as it was sent", async () => {
  bench.simulator.world.switches.lowercaseNames = false;
  expect((await create({ name: "Shop.Example.com" })).result.name).toBe("Shop.Example.com");
});

test("renames by one PATCH and keeps everything else", async () => {
  const { result: before } = await bench.call("GET", `${path}/${built.lb}`);
  bench.clock.advance(1000);
  const { result } = await bench.call("PATCH", `${path}/${built.lb}`, { name: "www.example.com" });
  expect(result).toEqual({ ...before, name: "www.example.com", modified_on: result.modified_on });
  expect(result.modified_on).not.toBe(before.modified_on);
});

test.each([
  ["refused", 400],
  ["allowed", 200],
] as const)("a rename onto a taken name is %s", async (renameOntoTaken, status) => {
  bench.simulator.world.switches.renameOntoTaken = renameOntoTaken;
  await create({});
  const renamed = await bench.call("PATCH", `${path}/${built.lb}`, { name: "second.example.com" });
  expect(renamed.status).toBe(status);
});

test("replaces a map whole by PATCH and drops what is left out by PUT", async () => {
  const maps = { region_pools: { WEU: [built.primary], ENAM: [built.secondary] }, description: "ours" };
  const { result } = await create({ ...maps, pool_sets: [{ name: "set" }] });
  const patched = await bench.call("PATCH", `${path}/${result.id}`, {
    region_pools: { OC: [built.primary] },
  });
  expect(patched.result).toMatchObject({ description: "ours", pool_sets: [{ name: "set" }] });
  expect(patched.result.region_pools).toEqual({ OC: [built.primary] });
  const put = await bench.call("PUT", `${path}/${result.id}`, {
    name: "second.example.com",
    default_pools: [built.secondary],
    fallback_pool: built.secondary,
  });
  expect(put.result).toMatchObject({ description: "", default_pools: [built.secondary], region_pools: {} });
  expect(put.result).not.toHaveProperty("pool_sets");
});

test("gives a new affinity its own ttl", async () => {
  const { result } = await create({ session_affinity: "cookie" });
  const patched = await bench.call("PATCH", `${path}/${result.id}`, { session_affinity: "header" });
  expect(patched.result.session_affinity_ttl).toBe(1800);
});

test("assigns rule priorities from their order", async () => {
  const { result } = await create({ rules: [{ name: "a" }, { name: "b" }] });
  expect(result.rules.map(({ priority }: { priority: number }) => priority)).toEqual([0, 10]);
});

test("is found only in its own zone", async () => {
  const other = bench.simulator.world.addZone({ name: "example.org" });
  const elsewhere = await bench.call("GET", `/zones/${other.id}/load_balancers/${built.lb}`);
  expect([elsewhere.status, elsewhere.errors[0]?.code]).toEqual([404, 1001]);
  expect((await bench.call("GET", `/zones/${other.id}/load_balancers`)).result).toEqual([]);
});

test("can be deleted only in the order load balancer, pools, monitor", async () => {
  const balancing = `${bench.account}/load_balancers`;
  const steps = [
    `${path}/${built.lb}`,
    `${balancing}/pools/${built.primary}`,
    `${balancing}/pools/${built.secondary}`,
    `${balancing}/monitors/${built.monitor}`,
  ];
  for (const step of steps.toReversed().slice(0, 3))
    expect((await bench.call("DELETE", step)).status).toBe(412);
  for (const step of steps) expect((await bench.call("DELETE", step)).status).toBe(200);
});

test("has no ETag to make a write conditional", async () => {
  const { headers } = await bench.call("GET", `${path}/${built.lb}`);
  expect(headers.has("etag")).toBe(false);
});
