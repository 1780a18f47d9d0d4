import { beforeEach, expect, test } from "vitest";
import { aBench, buildFailover, type Bench, type BuiltFailover } from "./failover-setup.ts";

let bench: Bench;
let built: BuiltFailover;

beforeEach(async () => {
  bench = aBench();
  built = await buildFailover(bench);
});

test("an edit in the dashboard moves modified_on, and disabled_at with enabled", () => {
  const { world } = bench.simulator;
  const before = world.pools.get(built.primary);
  bench.clock.advance(1000);
  const off = world.edit("pool", built.primary, { enabled: false });
  expect(off.disabled_at).toBe(off.modified_on);
  expect(off.modified_on).not.toBe(before?.modified_on);
  expect(world.edit("pool", built.primary, { description: "still off" }).disabled_at).toBe(off.disabled_at);
  expect(world.edit("pool", built.primary, { enabled: true })).not.toHaveProperty("disabled_at");
});

test("an edit in the dashboard sorts endpoints as the API does, and the API shows it", async () => {
  const endpoint = { enabled: true, weight: 1 };
  bench.simulator.world.edit("pool", built.primary, {
    origins: [
      { name: "z", address: "z.example.net", ...endpoint },
      { name: "a", address: "a.example.net", ...endpoint },
    ],
  });
  const { result } = await bench.call("GET", `${bench.account}/load_balancers/pools/${built.primary}`);
  expect(result.origins.map(({ name }: { name: string }) => name)).toEqual(["a", "z"]);
});

test("a stored object that a test alters directly is what the API answers", async () => {
  const lb = bench.simulator.world.loadBalancers.get(built.lb);
  if (lb !== undefined) lb.description = "altered";
  const { result } = await bench.call("GET", `/zones/${bench.zoneId}/load_balancers/${built.lb}`);
  expect(result.description).toBe("altered");
});

test("removing a zone takes all that is in it along", () => {
  const { world } = bench.simulator;
  world.addWorkerRoute("example.com", { pattern: "example.com/*" });
  world.addWorkerDomain("example.com", { hostname: "w.example.com", service: "a" });
  world.addRule("example.com", "http_request_origin", { expression: "true" });
  world.addPageRule("example.com", { url: "example.com/*" });
  world.addCustomHostname("example.com", { hostname: "customer.example" });
  world.remove("zone", bench.zoneId);
  expect([world.dnsRecords.size, world.certificatePacks.size, world.loadBalancers.size]).toEqual([0, 0, 0]);
  expect([world.workerRoutes.size, world.workerDomains.size, world.rulesets.size]).toEqual([0, 0, 0]);
  expect([world.pageRules.size, world.customHostnames.size]).toEqual([0, 0]);
  expect(world.visit("https://www.example.com/").error).toBe("dns: unknown host");
});

test("what isn't there is named", () => {
  const { world } = bench.simulator;
  expect(() => world.origin("nobody.example")).toThrow("no origin nobody.example");
  expect(() => world.edit("monitor", "x", {})).toThrow("no monitor x");
  expect(() => world.deploy("nothing")).toThrow("no Pages project nothing");
});
