import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { CallRecord } from "../simulator/simulator.ts";
import { createFleet, everyFailover, minutesWithoutProbes } from "./fleet.ts";
import { countRowsWritten } from "./rows-written.ts";
import { setStage, type Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const MODES = ["paged", "everything"] as const;
const isHealth = ({ path }: CallRecord) => path.endsWith("/health");
const isList = ({ method, path }: CallRecord) =>
  method === "GET" && /\/(monitors|pools|load_balancers)$/.test(path);

/** Most calls within any five minutes. */
function mostInWindow(calls: readonly CallRecord[]): number {
  const within = (from: number) => calls.filter(({ at }) => at >= from && at < from + 300_000).length;
  return Math.max(0, ...[...new Set(calls.map(({ at }) => at))].map(within));
}

/** As after a first deployment: the Coordinator knows nothing of what was called before. */
async function forgetBudget(stage: Stage): Promise<void> {
  const { CF_ACCOUNT_ID } = env as unknown as { CF_ACCOUNT_ID: string };
  const stub = env.COORDINATOR.get(env.COORDINATOR.idFromName(CF_ACCOUNT_ID));
  await runInDurableObject(stub, (_, state) => state.storage.deleteAll());
  await stage.crash();
}

/** Monitors, pools, and the load balancers of two zones. */
function listCalls(count: number, mode: (typeof MODES)[number]): number {
  const pages = (objects: number) => (mode === "everything" ? 1 : Math.ceil(objects / 20));
  return pages(count) + pages(2 * count) + 2 * pages(count / 2);
}

describe.each([{ count: 10 }, { count: 100 }])("$count failovers in two zones", ({ count }) => {
  it("cost what must be called, and never more than half of the budget", { timeout: 300_000 }, async () => {
    const stage = setStage();
    const { simulator } = stage;
    const minutes = (some: number) => minutesWithoutProbes(stage, some);
    simulator.world.switches.listMode = "paged";
    const { names, origins } = await createFleet(stage, count);
    const statuses = async () => [...(await everyFailover(stage)).values()].map(({ status }) => status);

    // Creating: one write an object.
    const created = simulator.calls.filter(({ write }) => write);
    expect(created).toHaveLength(4 * count);
    expect(created.every(({ method }) => method === "POST")).toBe(true);

    // Start-up with a quarter of the budget: everything is known soon all the same.
    await forgetBudget(stage);
    stage.forgetCalls();
    await minutes(1);
    expect(simulator.calls.length).toBeLessThanOrEqual(120);
    await minutes(4);
    for (const status of await statuses())
      expect(status).toMatchObject({ sync: "synced", readiness: "ready" });

    // Steady: the lists, and the health of what grew stale.
    const rowsWritten = await countRowsWritten();
    for (const mode of MODES) {
      simulator.world.switches.listMode = mode;
      const lists = listCalls(count, mode);
      const readPools: string[] = [];
      for (let tick = 0; tick < 3; tick += 1) {
        const from = simulator.calls.length;
        await minutes(1);
        const calls = simulator.calls.slice(from);
        const reads = calls.filter(isHealth).map(({ path }) => path);
        expect(calls.filter(isList)).toHaveLength(lists);
        // All of them share one Pages project, whose deployment is asked for once.
        const deployments = calls.filter(({ path }) => path.endsWith("/pages/projects/shop"));
        expect(deployments).toHaveLength(1);
        expect(calls).toHaveLength(lists + reads.length + deployments.length);
        expect(calls.length).toBeLessThanOrEqual(120);
        expect(new Set(reads).size).toBe(reads.length);
        // What was read of pools, and the tick itself (each shard of probes stores its samples): nothing for what stayed the same.
        const pools = reads.length === 0 ? {} : { pool_health: reads.length };
        expect(await rowsWritten()).toEqual({ ...pools, ticks: 1 });
        readPools.push(...reads);
      }
      // In rotation: all of them within three ticks, and none in every tick.
      expect(new Set(readPools).size).toBe(2 * count);
      expect(readPools.length).toBeLessThanOrEqual(2 * count * 2);
    }

    // An outage of every primary at once is known within three ticks, and its end within five.
    simulator.world.switches.listMode = "paged";
    for (const address of origins) simulator.world.origin(address).up = false;
    await minutes(3);
    for (const { health } of await statuses())
      expect(health).toMatchObject({ primary: { verdict: "unhealthy" }, secondary: { verdict: "healthy" } });
    // A person is heard all the same.
    const promoted = await stage.call("POST", `/v1/failovers/${names[0]}/promote`);
    expect(promoted.body.refusals).toMatchObject([
      { guard: "target-not-ready", facts: { endpoint: "primary", verdict: "unhealthy" } },
    ]);
    for (const address of origins) simulator.world.origin(address).up = true;
    await minutes(5);
    for (const { readiness } of await statuses()) expect(readiness).toBe("ready");

    // Promoting: one write.
    const from = simulator.calls.length;
    const operation = await stage.promote(names[0]);
    expect(operation).toMatchObject({ status: "succeeded", result: { stage: "testing" } });
    const { cloudflare, zone } = await stage.failover(names[0]);
    const writes = simulator.calls.slice(from).filter(({ write }) => write);
    expect(writes.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `PATCH /zones/${zone.id}/load_balancers/${cloudflare.load_balancer_id}`,
    ]);

    expect(stage.writes()).toHaveLength(1);
    expect(mostInWindow(simulator.calls.filter((call) => isList(call) || isHealth(call)))).toBeLessThan(600);
    expect(simulator.calls.every(({ status }) => status === 200)).toBe(true);
  });
});
