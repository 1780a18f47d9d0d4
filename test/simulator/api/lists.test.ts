import { beforeEach, describe, expect, test } from "vitest";
import { aBench, buildFailover, type Bench, type BuiltFailover } from "../failover-setup.ts";

let bench: Bench;
let balancing: string;

beforeEach(() => {
  bench = aBench();
  balancing = `${bench.account}/load_balancers`;
});

async function addMonitors(count: number): Promise<void> {
  for (let made = 0; made < count; made += 1) {
    await bench.call("POST", `${balancing}/monitors`, {
      expected_codes: "200",
      description: `monitor ${made}`,
    });
  }
}

describe("lists of load balancing", () => {
  test("come all at once by default, whatever page is asked for", async () => {
    await addMonitors(25);
    const { result, result_info } = await bench.call("GET", `${balancing}/monitors?page=1&per_page=5`);
    expect(result).toHaveLength(25);
    expect(result_info).toMatchObject({ page: 1, count: 25, total_count: 25, total_pages: 1 });
  });

  test("may come in pages of at most twenty", async () => {
    bench.simulator.world.switches.listMode = "paged";
    await addMonitors(25);
    const ids = new Set<string>();
    for (const page of [1, 2, 3]) {
      const { result, result_info } = await bench.call(
        "GET",
        `${balancing}/monitors?page=${page}&per_page=50`,
      );
      expect(result_info).toMatchObject({ page, per_page: 20, total_count: 25, total_pages: 2 });
      for (const { id } of result) ids.add(id);
    }
    expect(ids.size).toBe(25);
  });

  test("show pools by name, and only those of a monitor when asked", async () => {
    const { monitor } = await buildFailover(bench);
    await bench.call("POST", `${balancing}/pools`, {
      name: "alone",
      check_regions: ["WEU"],
      origins: [{ name: "a", address: "a.example.net" }],
    });
    const names = async (query: string): Promise<string[]> =>
      (await bench.call("GET", `${balancing}/pools${query}`)).result.map(
        ({ name }: { name: string }) => name,
      );
    expect(await names("")).toEqual(["alone", "primary", "secondary"]);
    expect(await names(`?monitor=${monitor}`)).toEqual(["primary", "secondary"]);
  });
});

test("zones are listed 5 to 50 a page and filtered by name, status and account", async () => {
  for (let made = 0; made < 7; made += 1)
    bench.simulator.world.addZone({ name: `zone-${made}.example`, status: "pending" });
  const { result, result_info } = await bench.call("GET", "/zones?per_page=5&page=2");
  expect(result).toHaveLength(3);
  expect(result_info).toMatchObject({ total_count: 8, total_pages: 2 });
  expect((await bench.call("GET", "/zones?per_page=4")).status).toBe(400);
  expect((await bench.call("GET", "/zones?per_page=51")).status).toBe(400);
  expect((await bench.call("GET", "/zones?name=example.com")).result).toMatchObject([
    { name: "example.com", status: "active", type: "full", paused: false },
  ]);
  expect((await bench.call("GET", "/zones?status=pending")).result).toHaveLength(7);
  expect((await bench.call("GET", `/zones?account.id=${"b".repeat(32)}`)).result).toEqual([]);
});

describe("what says who uses what", () => {
  let built: BuiltFailover;
  beforeEach(async () => {
    built = await buildFailover(bench);
  });

  test("references name the users of a monitor and of a pool, and what a pool uses", async () => {
    const ofMonitor = await bench.call("GET", `${balancing}/monitors/${built.monitor}/references`);
    expect(ofMonitor.result).toMatchObject([
      {
        reference_type: "referrer",
        resource_type: "pool",
        resource_id: built.primary,
        resource_name: "primary",
      },
      { reference_type: "referrer", resource_type: "pool", resource_id: built.secondary },
    ]);
    const ofPool = await bench.call("GET", `${balancing}/pools/${built.primary}/references`);
    expect(ofPool.result).toMatchObject([
      {
        reference_type: "referrer",
        resource_type: "load_balancer",
        resource_id: built.lb,
        resource_name: "lb.example.com",
      },
      { reference_type: "referral", resource_type: "monitor", resource_id: built.monitor },
    ]);
  });

  test("search finds objects of every kind by a part of their name", async () => {
    const { result } = await bench.call("GET", `${balancing}/search?query=PRIM&references=referrer`);
    expect(result.resources).toMatchObject([
      { resource_type: "pool", resource_name: "primary", references: [{ resource_id: built.lb }] },
    ]);
    const everything = await bench.call("GET", `${balancing}/search?per_page=3`);
    expect(everything.result.resources).toHaveLength(3);
    expect(everything.result_info?.total_count).toBe(4);
    expect((await bench.call("GET", `${balancing}/search?per_page=1001`)).status).toBe(400);
  });

  test("usage counts what is used, or what is allowed", async () => {
    expect((await bench.call("GET", `${balancing}/usage`)).result).toEqual({
      load_balancers: 1,
      monitors: 1,
      pools: 2,
      origins: 2,
      max_origins_per_pool: 20,
      minimum_monitor_interval: 60,
    });
    bench.simulator.world.switches.usageMeaning = "allowed";
    expect((await bench.call("GET", `${balancing}/usage`)).result).toMatchObject({
      load_balancers: 20,
      monitors: 30,
    });
  });
});

test.each([
  ["zeros", 200],
  [403, 403],
  [404, 404],
] as const)("usage without a subscription answers %s", async (usageWithoutSubscription, status) => {
  const without = aBench({ profile: "none" });
  without.simulator.world.switches.usageWithoutSubscription = usageWithoutSubscription;
  expect((await without.call("GET", `${balancing}/usage`)).status).toBe(status);
});

test.each([
  ["400/1002", 400, 1002],
  ["403/1004", 403, 1004],
] as const)("an exceeded quota answers %s", async (exceededQuota, status, code) => {
  bench.simulator.world.switches.exceededQuota = exceededQuota;
  bench.simulator.world.limits.monitors = 0;
  const refused = await bench.call("POST", `${balancing}/monitors`, { expected_codes: "200" });
  expect([refused.status, refused.errors[0]?.code]).toEqual([status, code]);
});

test("names the thirteen regions", async () => {
  const { result } = await bench.call("GET", `${balancing}/regions`);
  expect(result.regions).toHaveLength(13);
  expect((await bench.call("GET", `${balancing}/regions/WEU`)).result.region_code).toBe("WEU");
  expect((await bench.call("GET", `${balancing}/regions/MARS`)).status).toBe(404);
});

describe("previews", () => {
  test("of a monitor's new settings are empty until they ran, and change nothing", async () => {
    const built = await buildFailover(bench);
    const settings = { type: "http", expected_codes: "204" };
    const { result } = await bench.call("POST", `${balancing}/monitors/${built.monitor}/preview`, settings);
    expect(result.pools).toEqual({ [built.primary]: "primary", [built.secondary]: "secondary" });
    const outcome = `${balancing}/preview/${result.preview_id}`;
    expect((await bench.call("GET", outcome)).result).toEqual({});
    bench.clock.advance(1000);
    const done = await bench.call("GET", outcome);
    expect(done.result[built.primary]).toEqual({
      healthy: false,
      origins: [
        {
          "origin.example.net.": {
            healthy: false,
            failure_reason: "Response code mismatch",
            rtt: "5ms",
            response_code: 200,
          },
        },
      ],
    });
    expect(bench.simulator.world.monitors.get(built.monitor)?.expected_codes).toBe("200");
    expect(bench.simulator.world.isPoolHealthy(built.primary)).toBe(true);
  });

  test("of a pool concern that pool alone", async () => {
    const built = await buildFailover(bench);
    const settings = { type: "http", expected_codes: "200" };
    const { result } = await bench.call("POST", `${balancing}/pools/${built.primary}/preview`, settings);
    bench.clock.advance(1000);
    const done = await bench.call("GET", `${balancing}/preview/${result.preview_id}`);
    expect(done.result).toMatchObject({ [built.primary]: { healthy: true } });
    expect(Object.keys(done.result)).toEqual([built.primary]);
  });

  test("that were never asked for aren't found", async () => {
    expect((await bench.call("GET", `${balancing}/preview/nothing`)).status).toBe(404);
  });
});

test("certificate packs show only active ones unless all are asked for", async () => {
  bench.simulator.world.addCertificatePack("example.com", {
    hosts: ["a.b.example.com"],
    status: "pending_validation",
  });
  const packs = `/zones/${bench.zoneId}/ssl/certificate_packs`;
  expect((await bench.call("GET", packs)).result).toMatchObject([
    { hosts: ["example.com", "*.example.com"] },
  ]);
  const all = await bench.call("GET", `${packs}?status=all`);
  expect(all.result).toHaveLength(2);
  expect((await bench.call("GET", `${packs}/${all.result[1].id}`)).result.status).toBe("pending_validation");
  expect((await bench.call("GET", `${packs}/none`)).errors[0]?.code).toBe(1408);
  expect((await bench.call("GET", `/zones/${bench.zoneId}/ssl/universal/settings`)).result).toEqual({
    enabled: true,
  });
});

test("shows the load balancing subscription of an account that has one", async () => {
  expect((await bench.call("GET", `${bench.account}/subscriptions`)).result).toMatchObject([
    { rate_plan: { id: "load_balancing_basic" } },
  ]);
  const without = aBench({ profile: "none" });
  expect((await without.call("GET", `${bench.account}/subscriptions`)).result).toEqual([]);
});
