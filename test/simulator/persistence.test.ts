import { expect, test } from "vitest";
import { aBench, buildFailover } from "./failover-setup.ts";

test("a dump restores the whole account, and the world's maps stay the same objects", async () => {
  const bench = aBench();
  const built = await buildFailover(bench);
  bench.simulator.world.token.zones = ["example.com"];
  bench.simulator.world.token.permissions.delete("Pages Read");
  bench.simulator.world.switches.nullMaps = "absent";
  const dump = bench.simulator.dump();

  const other = aBench();
  const { pools } = other.simulator.world;
  other.simulator.load(dump);
  expect(other.simulator.dump()).toBe(dump);
  expect(pools.get(built.primary)?.name).toBe("primary");
  expect(other.simulator.world.visit("https://lb.example.com/")).toMatchObject({
    status: 200,
    servedBy: "primary",
  });
  expect(other.simulator.world.token.permissions.has("Pages Read")).toBe(false);
  expect(other.simulator.world.token.permissions.has("Zone Read")).toBe(true);
});

test("a dump holds what stands beside the load balancers, and the resolver's state", async () => {
  const { simulator } = aBench();
  const { world } = simulator;
  world.addWorkerRoute("example.com", { pattern: "example.com/*", script: "a" });
  world.addWorkerDomain("example.com", { hostname: "w.example.com", service: "a" });
  world.addRule("example.com", "http_request_origin", { expression: "true" });
  world.addPageRule("example.com", { url: "example.com/*" });
  world.addCustomHostname("example.com", { hostname: "customer.example" });
  world.addZone({ name: "theirs.example", account: { id: "b".repeat(32), name: "Another" } });
  world.resolver.outage = "timeout";
  const other = aBench().simulator;
  other.load(simulator.dump());
  expect(other.dump()).toBe(simulator.dump());
  for (const map of ["workerRoutes", "workerDomains", "rulesets", "pageRules", "customHostnames"] as const)
    expect([map, other.world[map].size]).toEqual([map, 1]);
  expect(other.world.resolver.outage).toBe("timeout");
});

test("a dump from before these were known can be loaded", () => {
  const { simulator } = aBench();
  const { workerRoutes: _routes, resolver: _resolver, ...older } = JSON.parse(simulator.dump());
  for (const [, project] of older.pagesProjects) {
    delete project.spa;
    delete project.paths;
  }
  const other = aBench().simulator;
  other.load(JSON.stringify(older));
  expect(other.world.resolver.outage).toBeNull();
  expect(other.world.visit("https://shop.pages.dev/any/page").status).toBe(200);
});

test("ids go on where they stopped, so that nothing is made twice", async () => {
  const bench = aBench();
  const built = await buildFailover(bench);
  const other = aBench();
  other.simulator.load(bench.simulator.dump());
  const path = `${bench.account}/load_balancers/monitors`;
  const { result } = await other.call("POST", path, { expected_codes: "200" });
  expect(Object.values(built)).not.toContain(result.id);
  expect(other.simulator.world.monitors.size).toBe(2);
});

test("two runs of the same calls make the same account", async () => {
  const dumps = await Promise.all(
    [aBench(), aBench()].map(async (bench) => {
      await buildFailover(bench);
      return bench.simulator.dump();
    }),
  );
  expect(dumps[0]).toBe(dumps[1]);
});

test("ids differ in their first sixteen characters, which is all that a probe shows of a pool", async () => {
  const bench = aBench({ profile: "enterprise" });
  const starts = new Set<string>();
  for (let made = 0; made < 500; made += 1) {
    const path = `${bench.account}/load_balancers/monitors`;
    starts.add((await bench.call("POST", path, { expected_codes: "200" })).result.id.slice(0, 16));
  }
  expect(starts.size).toBe(500);
});
