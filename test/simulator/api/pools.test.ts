import { beforeEach, describe, expect, test } from "vitest";
import { aBench, buildFailover, type Bench } from "../failover-setup.ts";

let bench: Bench;
let path: string;
const origin = { name: "web", address: "origin.example.net" };
const pool = { name: "primary", origins: [origin], check_regions: ["WEU"] };

beforeEach(() => {
  bench = aBench();
  path = `${bench.account}/load_balancers/pools`;
});

test("fills in what Cloudflare fills in", async () => {
  const { result } = await bench.call("POST", path, pool);
  expect(result).toMatchObject({
    name: "primary",
    description: "",
    enabled: true,
    minimum_origins: 1,
    origin_steering: { policy: "random" },
    notification_email: "",
    notification_filter: null,
    networks: ["cloudflare"],
    check_regions: ["WEU"],
  });
  expect(result.origins).toEqual([{ ...origin, enabled: true, weight: 1, port: 0 }]);
  expect(result).not.toHaveProperty("monitor");
  expect(result).not.toHaveProperty("disabled_at");
  expect(result).not.toHaveProperty("healthy");
});

test("returns endpoints sorted by name, with weights rounded to a hundredth", async () => {
  const { result } = await bench.call("POST", path, {
    ...pool,
    origins: [
      { name: "b", address: "b.example.net", weight: 0.336 },
      { name: "a", address: "a.example.net", weight: 0.1 + 0.2 },
    ],
  });
  expect(result.origins.map(({ name, weight }: { name: string; weight: number }) => [name, weight])).toEqual([
    ["a", 0.3],
    ["b", 0.34],
  ]);
});

describe("refuses with 1002", () => {
  const two = (first: object, second: object): object[] => [
    { ...origin, ...first },
    { ...origin, ...second },
  ];
  const cases: [string, Record<string, unknown>, string][] = [
    ["no endpoints", { origins: [] }, "the origin list length must be in range [1, 20]"],
    ["a name with a blank", { name: "my pool" }, "invalid pool name"],
    [
      "two endpoints of one name",
      { origins: two({}, { address: "b.example.net" }) },
      "origin names must be unique",
    ],
    ["two endpoints of one address", { origins: two({}, { name: "b" }) }, "origin addresses must be unique"],
    ["a weight above one", { origins: [{ ...origin, weight: 2 }] }, "weight is not in range [0, 1]"],
    ["a private address", { origins: [{ ...origin, address: "10.0.0.1" }] }, "not allowed"],
    ["a loopback address", { origins: [{ ...origin, address: "127.0.0.1" }] }, "not allowed"],
    ["a private IPv6 address", { origins: [{ ...origin, address: "fd00::1" }] }, "not allowed"],
    ["an address of Cloudflare's", { origins: [{ ...origin, address: "104.16.1.1" }] }, "not allowed"],
    ["an IPv6 address of Cloudflare's", { origins: [{ ...origin, address: "2606:4700::1" }] }, "not allowed"],
    ["an address that is none", { origins: [{ ...origin, address: "not a host" }] }, "not allowed"],
    ["all regions on a small plan", { check_regions: null }, "Probing from every data centre is not allowed"],
    ["ALL_REGIONS on a small plan", { check_regions: ["ALL_REGIONS"] }, "Probing from every data centre"],
    ["two regions on a small plan", { check_regions: ["WEU", "ENAM"] }, "at most 1 regions"],
    ["an unknown region", { check_regions: ["MARS"] }, "unknown region"],
    ["a latitude alone", { latitude: 52 }, "latitude and longitude"],
    ["an unknown monitor", { monitor: "f".repeat(32) }, "could not find monitor"],
    ["a monitor group", { monitor_group: "f".repeat(32) }, "monitor groups not enabled"],
    ["an unknown steering", { origin_steering: { policy: "dice" } }, "policy must be one of"],
    ["two Host headers", { origins: [{ ...origin, header: { Host: ["a", "b"] } }] }, "at most one Host"],
    ["another header", { origins: [{ ...origin, header: { "X-A": ["a"] } }] }, "only the Host header"],
  ];
  test.each(cases)("%s", async (_what, member, message) => {
    const { status, errors } = await bench.call("POST", path, { ...pool, ...member });
    expect([status, errors[0]?.code]).toEqual([400, 1002]);
    expect(errors[0]?.message).toContain(message);
    expect(bench.simulator.world.pools.size).toBe(0);
  });

  test("any pool on a plan without load balancing, since no list is short enough", async () => {
    const other = aBench({ profile: "none" });
    const { errors } = await other.call("POST", path, pool);
    expect(errors[0]?.message).toContain("the origin list length must be in range [1, 0]");
  });

  test("more endpoints than the plan has", async () => {
    bench.simulator.world.limits.origins = 1;
    await bench.call("POST", path, pool);
    const { errors } = await bench.call("POST", path, { ...pool, name: "second" });
    expect(errors[0]?.message).toContain("quota");
  });
});

const writeHost = (address: string, host: string): ReturnType<Bench["call"]> =>
  bench.call("POST", path, { ...pool, origins: [{ name: "web", address, header: { Host: [host] } }] });

describe("the Host header of an endpoint", () => {
  test.each([
    ["a name under a zone of the account", "origin.example.net", "www.example.com"],
    ["the endpoint's own address", "elsewhere.example.net", "elsewhere.example.net"],
    ["a name that resolves to the address", "origin.example.net", "alias.example.org"],
    ["an active custom domain of the Pages project", "shop.pages.dev", "shop.example.org"],
  ])("may be %s", async (_what, address, host) => {
    const { world } = bench.simulator;
    world.addZone({ name: "example.org" });
    world.addDnsRecord("example.org", { type: "CNAME", name: "alias", content: "origin.example.net" });
    world.addPagesDomain("shop", "shop.example.org");
    expect((await writeHost(address, host)).status).toBe(200);
  });

  test("may not be somebody else's name", async () => {
    const { status, errors } = await writeHost("origin.example.net", "www.example.org");
    expect(status).toBe(400);
    expect(errors[0]?.message).toContain(
      'Host header "www.example.org" not allowed for origin domain "origin.example.net"',
    );
  });
});

test("lets an enterprise probe from everywhere", async () => {
  const enterprise = aBench({ profile: "enterprise" });
  expect(
    (await enterprise.call("POST", path, { ...pool, check_regions: null })).result.check_regions,
  ).toBeNull();
  const all = await enterprise.call("POST", path, { ...pool, name: "all", check_regions: ["ALL_REGIONS"] });
  expect(all.result.check_regions).toEqual(["ALL_REGIONS"]);
});

test("may refuse all regions with 403", async () => {
  bench.simulator.world.switches.allRegionsStatus = 403;
  expect((await bench.call("POST", path, { ...pool, check_regions: null })).status).toBe(403);
});

test("keeps names unique in the account, on create and on rename", async () => {
  const { primary } = await buildFailover(bench);
  const twin = await bench.call("POST", path, pool);
  expect([twin.status, twin.errors[0]?.code]).toEqual([400, 1003]);
  const renamed = await bench.call("PATCH", `${path}/${primary}`, { name: "secondary" });
  expect([renamed.status, renamed.errors[0]?.code]).toEqual([400, 1003]);
});

test("replaces lists whole by PATCH, and everything by PUT", async () => {
  const { primary, monitor } = await buildFailover(bench);
  const moved = [{ name: "other", address: "other.example.net" }];
  const patched = await bench.call("PATCH", `${path}/${primary}`, { origins: moved });
  expect(patched.result).toMatchObject({ name: "primary", monitor, origins: moved });
  expect(patched.result.origins).toHaveLength(1);
  const put = await bench.call("PUT", `${path}/${primary}`, { ...pool, description: "new" });
  expect(put.result).toMatchObject({ description: "new", origins: [origin] });
  expect(put.result).not.toHaveProperty("monitor");
});

test("marks when a pool or an endpoint was disabled, and forgets it on enabling", async () => {
  const { result } = await bench.call("POST", path, { ...pool, origins: [{ ...origin, enabled: false }] });
  expect(result.origins[0].disabled_at).toMatch(/^2026-/);
  const off = await bench.call("PATCH", `${path}/${result.id}`, { enabled: false });
  bench.clock.advance(5000);
  const still = await bench.call("PATCH", `${path}/${result.id}`, { description: "x" });
  expect(still.result.disabled_at).toBe(off.result.disabled_at);
  expect((await bench.call("PATCH", `${path}/${result.id}`, { enabled: true })).result).not.toHaveProperty(
    "disabled_at",
  );
});

test.each([
  ["absent", undefined],
  ["empty", ""],
] as const)("reads a detached monitor back as %s", async (monitorDetachedAs, expected) => {
  bench.simulator.world.switches.monitorDetachedAs = monitorDetachedAs;
  const { primary } = await buildFailover(bench);
  expect((await bench.call("PATCH", `${path}/${primary}`, { monitor: null })).result.monitor).toBe(expected);
});

test.each([
  ["zero", 0, 0],
  ["absent", undefined, undefined],
  ["as-sent", 0, undefined],
] as const)("reads port 0 back as %s", async (portReadback, sentZero, leftOut) => {
  bench.simulator.world.switches.portReadback = portReadback;
  const { result } = await bench.call("POST", path, {
    ...pool,
    origins: [
      { ...origin, port: 0 },
      { name: "x", address: "x.example.net" },
    ],
  });
  expect([result.origins[0].port, result.origins[1].port]).toEqual([sentZero, leftOut]);
});

test.each([
  ["412/1005", 412, 1005],
  ["400/1002", 400, 1002],
] as const)("won't delete a pool that a load balancer names, by %s", async (inUse, status, code) => {
  bench.simulator.world.switches.inUse = inUse;
  const { primary } = await buildFailover(bench);
  const refused = await bench.call("DELETE", `${path}/${primary}`);
  expect([refused.status, refused.errors[0]?.code]).toEqual([status, code]);
});

test("counts a pool as used where only a region map or a rule names it, even in a disabled load balancer", async () => {
  const built = await buildFailover(bench);
  const spare = (await bench.call("POST", path, { ...pool, name: "spare" })).result.id;
  const lb = `/zones/${bench.zoneId}/load_balancers/${built.lb}`;
  await bench.call("PATCH", lb, { region_pools: { WEU: [spare] }, enabled: false });
  expect((await bench.call("DELETE", `${path}/${spare}`)).status).toBe(412);
  const rule = { name: "r", overrides: { default_pools: [spare] } };
  await bench.call("PATCH", lb, { region_pools: {}, rules: [rule] });
  expect((await bench.call("DELETE", `${path}/${spare}`)).status).toBe(412);
  await bench.call("PATCH", lb, { rules: [] });
  expect((await bench.call("DELETE", `${path}/${spare}`)).status).toBe(200);
});

test("clears notification emails in bulk, and writes nothing else in bulk", async () => {
  await bench.call("POST", path, { ...pool, notification_email: "ops@example.com" });
  await bench.call("POST", path, { ...pool, name: "second" });
  const cleared = await bench.call("PATCH", path, { notification_email: "" });
  expect(cleared.result).toMatchObject([{ name: "primary", notification_email: "" }]);
  expect((await bench.call("PATCH", path, { enabled: false })).status).toBe(400);
});
