import { afterEach, describe, expect, it, vi } from "vitest";
import { defaultSwitches, type Switches } from "../simulator/switches.ts";
import { setStage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Every outcome of what API-FACTS marks as open and the code touches. */
const OUTCOMES: { readonly [K in keyof Switches]?: readonly Switches[K][] } = {
  listMode: ["everything", "paged"],
  listPageSize: [2],
  lists: ["fresh", "lag-one-write"],
  inUse: ["412/1005", "400/1002"],
  unknownReference: ["400/1002", "404/1001"],
  emptyHealth: ["null", "{}", "absent"],
  healthShape: ["map", "flat"],
  healthyWhenUnknown: ["absent", "false", "true"],
  nullMaps: ["null", "{}", "absent"],
  dnsListShowsLb: [false, true],
  recordUnderLbRefused: [false, true],
  renameOntoTaken: ["refused", "allowed"],
  monitorDetachedAs: ["absent", "empty"],
  headerCase: ["as-sent", "lower", "canonical"],
  lowercaseNames: [true, false],
  noopMovesModifiedOn: [true, false],
  retryAfter: [true, false],
  rateLimitHeaders: [true, false],
  rateLimitBody: ["envelope", "html", "empty"],
  portReadback: ["zero", "absent", "as-sent"],
  consecutiveReadback: ["zero", "absent"],
  bareErrors: [false, true],
  pagesProbeNeedsHost: [true, false],
  documentationAddresses: ["accepted", "refused"],
};

const usual = defaultSwitches();
const cases = Object.entries(OUTCOMES).flatMap(([name, outcomes]) =>
  outcomes
    .filter((outcome) => outcome !== usual[name as keyof Switches])
    .map((outcome) => ({ name, outcome, switches: { [name]: outcome } })),
);
const together = {
  name: "all of them",
  outcome: "at once",
  switches: Object.assign({}, ...cases.map(({ switches }) => switches)) as Partial<Switches>,
};

describe("the main job", () => {
  it.each([{ name: "none", outcome: "usual", switches: {} }, ...cases, together])(
    "passes with $name $outcome",
    { timeout: 60_000 },
    async ({ switches }) => {
      const stage = setStage();
      const { world, faults } = stage.simulator;
      // A list that lags shows the account before its last write: there has to be one.
      await stage.simulator.api(somebodysMonitor());
      Object.assign(world.switches, switches);
      const failover = await stage.ready();
      expect(failover.status).toMatchObject({ sync: "synced", readiness: "ready" });
      expect([world.monitors.size, world.pools.size, world.loadBalancers.size]).toEqual([2, 2, 1]);

      // Nothing that is filled in, sorted or left out is drift.
      stage.forgetCalls();
      await stage.minutes(2);
      expect(stage.writes()).toEqual([]);

      expect(await stage.promote()).toMatchObject({ status: "succeeded" });
      await stage.minutes(1);
      expect(await stage.promote()).toMatchObject({
        status: "succeeded",
        result: { stage: "production" },
      });

      // Drift is healed, also after a 429 in whichever form; what is somebody else's is left alone.
      const { monitor_id: monitorId, primary_pool_id: poolId } = failover.cloudflare;
      const description = world.pools.get(poolId)?.description;
      faults.add({
        match: { path: "/load_balancers/" },
        effect: { kind: "rate-limit", retryAfterSeconds: 60 },
      });
      world.edit("monitor", monitorId, { path: "/edited" });
      world.edit("pool", poolId, { description: `edited ${description}` });
      await stage.minutes(1);
      expect((await stage.failover()).status.sync).toBe("unknown");
      await stage.pass(300);
      await stage.simulator.api(somebodysMonitor());
      await stage.minutes(3);
      expect(world.monitors.get(monitorId)?.path).toBe("/");
      expect(world.pools.get(poolId)?.description).toBe(description);
      expect((await stage.failover()).status).toMatchObject({ sync: "synced", serving: "primary" });

      const back = await stage.operate("POST", "/v1/failovers/shop/demote");
      expect(back).toMatchObject({ status: "succeeded" });
      const { revision } = await stage.failover();
      // The simulator's lists lag until the next write; others go on writing, so that the lag ends as it does at Cloudflare.
      faults.after({ method: "DELETE", times: Infinity }, async () => {
        await stage.simulator.api(somebodysMonitor());
      });
      const headers = { "if-match": `"${revision}"` };
      const gone = await stage.operate("DELETE", "/v1/failovers/shop", undefined, headers);
      expect(gone.status).toBe("succeeded");
      expect([world.pools.size, world.loadBalancers.size]).toEqual([0, 0]);
      const descriptions = [...world.monitors.values()].map((monitor) => monitor.description);
      expect(descriptions.length).toBeGreaterThanOrEqual(5);
      expect(new Set(descriptions)).toEqual(new Set(["somebody's"]));
    },
  );
});

function somebodysMonitor(): Request {
  const url =
    "https://api.cloudflare.test/client/v4/accounts/a0000000000000000000000000000001/load_balancers/monitors";
  const body = JSON.stringify({ type: "http", expected_codes: "200", description: "somebody's" });
  const headers = { authorization: "Bearer test-cloudflare-token-Zx81", "content-type": "application/json" };
  return new Request(url, { method: "POST", headers, body });
}
