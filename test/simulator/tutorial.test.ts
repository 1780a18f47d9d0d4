import { expect, test } from "vitest";
import { aBench, buildFailover } from "./failover-setup.ts";

test("walks the tutorial from the first monitor to production traffic", async () => {
  const bench = aBench();
  const { world } = bench.simulator;
  const built = await buildFailover(bench, { lb: { enabled: false }, settle: false });

  // Nothing is known of the pools until one interval has passed.
  expect(world.isPoolHealthy(built.primary)).toBeNull();
  bench.clock.advance(60_000);
  await bench.simulator.runDue();
  expect([world.isPoolHealthy(built.primary), world.isPoolHealthy(built.secondary)]).toEqual([true, true]);

  // Saved as a draft, the test hostname doesn't resolve; enabled, it shows the primary.
  expect(world.visit("https://lb.example.com/")).toMatchObject({ status: 0, error: "dns: unknown host" });
  const lb = `/zones/${bench.zoneId}/load_balancers/${built.lb}`;
  await bench.call("PATCH", lb, { enabled: true });
  expect(world.visit("https://lb.example.com/")).toMatchObject({ status: 200, servedBy: "primary" });

  // With the primary pool disabled, Pages answers, and its content is the project's.
  const pool = `${bench.account}/load_balancers/pools/${built.primary}`;
  await bench.call("PATCH", pool, { enabled: false });
  const diverted = world.visit("https://lb.example.com/");
  expect(diverted).toMatchObject({ status: 200, servedBy: "secondary", address: "shop.pages.dev" });
  expect(diverted.body).toContain("pages project shop");
  await bench.call("PATCH", pool, { enabled: true });

  // Re-enabled, it is unknown for one interval, and unknown counts as down.
  expect(world.visit("https://lb.example.com/").servedBy).toBe("secondary");
  bench.clock.advance(60_000);
  await bench.simulator.runDue();
  expect(world.visit("https://lb.example.com/").servedBy).toBe("primary");

  // One PATCH puts the same load balancer on the live name, which a record answered for until then.
  expect(world.visit("https://www.example.com/").servedBy).toBe("dns");
  await bench.call("PATCH", lb, { name: "www.example.com" });
  expect(world.visit("https://www.example.com/").servedBy).toBe("primary");
  expect(world.visit("https://lb.example.com/").error).toBe("dns: unknown host");
});
