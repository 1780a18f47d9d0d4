import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { endOf } from "./operations.ts";
import { countRowsWritten } from "./rows-written.ts";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
});

const PATH = "/v1/failovers/shop";
const MANUAL = { mode: "manual" };
const AFTER = { mode: "after", healthy_seconds: 600 };

async function inProduction(failback: object, more: object = {}): Promise<Stage> {
  const stage = setStage();
  await stage.ready({ ...SHOP, failback, ...more });
  // Until Cloudflare has so many good checks in a row.
  await stage.minutes(5);
  for (let stages = 0; stages < 2; stages += 1) {
    expect(await stage.promote()).toMatchObject({ status: "succeeded" });
    await stage.minutes(1);
  }
  stage.forgetCalls();
  return stage;
}

const primary = ({ simulator }: Stage) => simulator.world.origin("origin.example.net");

/** Which endpoint a visitor without a cookie gets. */
function visitor({ simulator }: Stage): string {
  const { body } = simulator.world.visit("https://www.example.com/");
  return body.includes("primary origin") ? "primary" : body.includes("pages project") ? "secondary" : body;
}

/** The order of the pools as it stands at Cloudflare. */
async function first(stage: Stage): Promise<string> {
  const { cloudflare } = await stage.failover();
  const [pool] = stage.simulator.world.loadBalancers.get(cloudflare.load_balancer_id)?.default_pools ?? [];
  return pool === cloudflare.primary_pool_id ? "primary" : "secondary";
}

async function events(stage: Stage, type: string): Promise<Answer["body"][]> {
  const { body } = await stage.call("GET", `${PATH}/events?limit=100`);
  return body.items.filter((event: Answer["body"]) => event.type === type);
}

const reorderings = (stage: Stage): number =>
  stage.writes().filter((write) => /^PATCH .*\/load_balancers\/\w+$/.test(write) && write.includes("/zones/"))
    .length;

/** The primary is down until it was latched. */
async function latch(stage: Stage): Promise<void> {
  primary(stage).up = false;
  await stage.minutes(2);
  expect(await events(stage, "failover.latched")).toHaveLength(1);
}

const switchTo = (side: string, more: object = {}) => ({ to: side, reason: "by hand", ...more });

describe("an outage under manual failback", () => {
  it("latches the order by one write, with the facts, and no visitor is moved by it", async () => {
    const stage = await inProduction(MANUAL);
    primary(stage).up = false;
    await stage.pass(60);
    expect(visitor(stage)).toBe("secondary");
    await stage.tick();
    expect(visitor(stage)).toBe("secondary");
    expect(await first(stage)).toBe("secondary");
    expect(stage.writes()).toHaveLength(1);
    expect(await events(stage, "failover.latched")).toMatchObject([
      {
        actor: { kind: "system" },
        data: {
          before: { active: "primary" },
          after: { active: "secondary" },
          mode: "manual",
          primary: { verdict: "unhealthy" },
          secondary: { verdict: "healthy" },
          lease_id: null,
        },
      },
    ]);
    expect(await stage.failover()).toMatchObject({
      active: "secondary",
      leases: [],
      status: {
        sync: "synced",
        message: expect.stringMatching(
          /latched to secondary first since .* waits for a person to switch back/,
        ),
      },
    });
  });

  it("lets traffic return only once a person switches back, and then it may latch again", async () => {
    const stage = await inProduction(MANUAL);
    await latch(stage);
    primary(stage).up = true;
    await stage.minutes(30);
    expect(await stage.failover()).toMatchObject({ active: "secondary", status: { readiness: "ready" } });
    expect(visitor(stage)).toBe("secondary");
    expect(stage.writes()).toHaveLength(1);
    const back = await stage.operate("POST", `${PATH}/switch-back`, { reason: "well again" });
    expect(back).toMatchObject({ status: "succeeded", result: { active: "primary" } });
    expect(visitor(stage)).toBe("primary");
    expect((await stage.failover()).status.message).not.toContain("latched");
    primary(stage).up = false;
    await stage.minutes(2);
    expect(await events(stage, "failover.latched")).toHaveLength(2);
  });

  it("of twenty flaps an hour latches once, writes once, and never returns", async () => {
    const stage = await inProduction(MANUAL);
    const seen = new Set<string>();
    for (let flap = 0; flap < 20; flap += 1) {
      primary(stage).up = false;
      await stage.pass(60);
      await stage.tick();
      primary(stage).up = true;
      await stage.pass(60);
      await stage.tick();
      await stage.pass(60);
      await stage.tick();
      if (flap > 0) seen.add(visitor(stage));
    }
    expect(stage.writes()).toHaveLength(1);
    expect(await events(stage, "failover.latched")).toHaveLength(1);
    expect([...seen]).toEqual(["secondary"]);
  });

  it.each(["frozen", "paused"])("latches also while %s", async (how) => {
    const stage = await inProduction(MANUAL);
    if (how === "frozen") await stage.call("POST", "/v1/fleet/freeze", { reason: "black friday" });
    else await stage.call("POST", `${PATH}/pause`, { expires_in_seconds: 3600, reason: "looking into it" });
    await latch(stage);
    expect(await first(stage)).toBe("secondary");
    expect(reorderings(stage)).toBe(1);
  });

  it("doesn't latch towards a secondary that is down as well, and says why", async () => {
    const stage = await inProduction(MANUAL);
    stage.simulator.world.pagesProject("shop").canonicalId = null;
    await stage.minutes(2);
    primary(stage).up = false;
    await stage.minutes(3);
    expect(await first(stage)).toBe("primary");
    expect((await stage.failover()).status.message).toMatch(
      /the order is not latched, for Cloudflare finds the secondary unhealthy too/,
    );
    expect(await events(stage, "failover.latched")).toEqual([]);
  });

  it("costs nothing in the ticks in which nothing changes", async () => {
    const stage = await inProduction(MANUAL);
    await latch(stage);
    primary(stage).up = true;
    await stage.minutes(15);
    stage.forgetCalls();
    const written = await countRowsWritten();
    await stage.minutes(6);
    const rows = await written();
    // The samples and the tick itself are there whatever the policy, and so is what was read of both pools.
    expect(Object.keys(rows).toSorted()).toEqual(["pool_health", "samples", "ticks"]);
    const health = stage.simulator.calls.filter(({ path }) => path.endsWith("/health"));
    const lists = stage.simulator.calls.filter(({ path }) =>
      /(monitors|pools|load_balancers|pages.projects.*)$/.test(path),
    );
    expect(health.length + lists.length).toBe(stage.simulator.calls.length);
    expect(health.length).toBeLessThanOrEqual(6);
    expect(stage.writes()).toEqual([]);
  });

  it("is latched as well where failback becomes manual only in the midst of it", async () => {
    const stage = await inProduction({ mode: "automatic" });
    primary(stage).up = false;
    await stage.minutes(3);
    const { revision } = await stage.failover();
    const patched = await stage.call("PATCH", PATH, { failback: MANUAL }, { "if-match": `"${revision}"` });
    expect(patched.body.status.health.primary.verdict).toBe("unhealthy");
    await stage.minutes(1);
    expect(await first(stage)).toBe("secondary");
    expect((await stage.failover()).spec).toMatchObject({
      monitor: { consecutive_up: 5 },
      load_balancer: { adaptive_routing: { failover_across_pools: false } },
    });
    primary(stage).up = true;
    await stage.minutes(10);
    expect(visitor(stage)).toBe("secondary");
  });

  it("returns soon once failback has become automatic again", async () => {
    const stage = await inProduction(MANUAL);
    await latch(stage);
    const { revision } = await stage.failover();
    const patch = { failback: { mode: "automatic" } };
    await stage.call("PATCH", PATH, patch, { "if-match": `"${revision}"` });
    primary(stage).up = true;
    for (let minute = 0; minute < 8; minute += 1) {
      await stage.minutes(1);
      await stage.alarms();
    }
    expect(await stage.failover()).toMatchObject({ active: "primary", spec: patch });
    expect(visitor(stage)).toBe("primary");
  });

  it("isn't seen in an endpoint that is new and whose first checks aren't done", async () => {
    const stage = await inProduction(MANUAL);
    const { revision } = await stage.failover();
    stage.simulator.world.addOrigin({ address: "new.example.net", title: "Primary" });
    const patch = { primary: { address: "new.example.net", host_header: "www.example.com" } };
    const patched = await stage.call("PATCH", PATH, patch, { "if-match": `"${revision}"` });
    expect(patched.status).toBe(200);
    await stage.alarms();
    await stage.minutes(2);
    expect((await stage.failover()).status.message).toMatch(
      /checks pass, but not yet as often in a row .* is not latched before/,
    );
    const verdicts = new Set<string>();
    for (let minute = 0; minute < 8; minute += 1) {
      await stage.minutes(1);
      verdicts.add((await stage.failover()).status.health.primary.verdict);
    }
    expect([...verdicts]).toEqual(["unhealthy", "healthy"]);
    expect(await events(stage, "failover.latched")).toEqual([]);
    expect(visitor(stage)).toBe("primary");
  });

  it("is none of automatic failback's: there Cloudflare alone decides", async () => {
    const stage = await inProduction({ mode: "automatic" });
    primary(stage).up = false;
    await stage.minutes(3);
    expect(visitor(stage)).toBe("secondary");
    primary(stage).up = true;
    await stage.minutes(1);
    expect(visitor(stage)).toBe("primary");
    expect(stage.writes()).toEqual([]);
  });
});

describe("after so many healthy seconds", () => {
  /** The minutes from the primary's return until the order is back, tick by tick. */
  async function untilBack(stage: Stage, most: number): Promise<number> {
    for (let minute = 1; minute <= most; minute += 1) {
      await stage.minutes(1);
      await stage.alarms();
      if ((await stage.failover()).active === "primary") return minute;
    }
    return Number.POSITIVE_INFINITY;
  }

  it("the order returns by itself, once and not sooner, as an operation of the system", async () => {
    const stage = await inProduction(AFTER);
    await latch(stage);
    primary(stage).up = true;
    // Five checks at 60 seconds until Cloudflare finds it healthy, and then ten minutes.
    expect(await untilBack(stage, 30)).toBeGreaterThanOrEqual(14);
    for (let looks = 0; looks < 5; looks += 1) {
      await stage.pass(2);
      await stage.alarms();
    }
    expect(visitor(stage)).toBe("primary");
    const [health] = (await events(stage, "health.changed")).filter(
      ({ data }) => data.endpoint === "primary" && data.witness === "cloudflare" && data.after === "healthy",
    );
    const [began] = await events(stage, "failover.switch_over_started");
    expect(Date.parse(began.at) - Date.parse(health.at)).toBeGreaterThanOrEqual(600_000);
    expect(began).toMatchObject({ actor: { kind: "system" }, data: { after: { active: "primary" } } });
    expect(await events(stage, "failover.switched_over")).toMatchObject([{ actor: { kind: "system" } }]);
    const { body: operation } = await stage.call("GET", `/v1/operations/${began.data.operation_id}`);
    expect(operation).toMatchObject({
      kind: "switch-over",
      status: "succeeded",
      result: { evidence: "observed" },
    });
    await stage.minutes(30);
    expect(await events(stage, "failover.switch_over_started")).toHaveLength(1);
    expect(stage.writes()).toHaveLength(2);
  });

  it("which twenty flaps an hour don't amount to", async () => {
    const stage = await inProduction(AFTER, { monitor: { consecutive_up: 0 } });
    await latch(stage);
    for (let flap = 0; flap < 20; flap += 1) {
      primary(stage).up = true;
      await stage.minutes(2);
      primary(stage).up = false;
      await stage.minutes(1);
    }
    expect(stage.writes()).toHaveLength(1);
    primary(stage).up = true;
    expect(await untilBack(stage, 30)).toBeGreaterThanOrEqual(10);
    expect(stage.writes()).toHaveLength(2);
  });

  it("only in its window, and says when that opens", async () => {
    // The stage begins on Monday, 2035-01-01, at midnight UTC: three o'clock in Nairobi.
    const window = { days: ["mon"], from: "05:00", to: "06:00", time_zone: "Africa/Nairobi" };
    const stage = await inProduction({ ...AFTER, windows: [window] });
    await latch(stage);
    primary(stage).up = true;
    await stage.minutes(40);
    expect(await stage.failover()).toMatchObject({
      active: "secondary",
      status: {
        message: expect.stringContaining("waits for its window, which opens at 2035-01-01T02:00:00.000Z"),
      },
    });
    const untilOpen = (Date.UTC(2035, 0, 1, 2) - stage.now()) / 60_000;
    const back = await untilBack(stage, 120);
    expect(back).toBeGreaterThanOrEqual(untilOpen);
    expect(back).toBeLessThanOrEqual(untilOpen + 1);
  });

  it("waits for the end of a pause and of a freeze", async () => {
    const stage = await inProduction(AFTER);
    await latch(stage);
    primary(stage).up = true;
    await stage.call("POST", `${PATH}/pause`, { expires_in_seconds: 1800, reason: "looking into it" });
    await stage.minutes(25);
    expect((await stage.failover()).status.message).toMatch(/waits for the pause, until/);
    await stage.call("POST", "/v1/fleet/freeze", { reason: "black friday" });
    await stage.minutes(10);
    expect(await stage.failover()).toMatchObject({
      active: "secondary",
      status: { message: expect.stringContaining("waits for the end of the fleet's freeze") },
    });
    await stage.call("DELETE", "/v1/fleet/freeze");
    expect(await untilBack(stage, 5)).toBe(1);
  });

  it("is not carried out where a pause comes before its write", async () => {
    const stage = await inProduction(AFTER);
    await latch(stage);
    primary(stage).up = true;
    const lost = stage.simulator.faults.add({
      match: { method: "PATCH", times: Number.POSITIVE_INFINITY },
      effect: { kind: "drop", when: "before" },
    });
    expect(await untilBack(stage, 30)).toBeLessThan(30);
    const paused = await stage.call("POST", `${PATH}/pause`, { expires_in_seconds: 1800, reason: "not now" });
    expect(paused.status).toBe(200);
    lost.remove();
    stage.forgetCalls();
    await stage.minutes(20);
    expect(stage.writes()).toEqual([]);
    expect(visitor(stage)).toBe("secondary");
    expect(await events(stage, "failover.switch_over_reverted")).toMatchObject([
      { data: { after: { active: "secondary" } } },
    ]);
    // And once it is over the order returns.
    await stage.minutes(12);
    for (let looks = 0; looks < 5; looks += 1) {
      await stage.pass(2);
      await stage.alarms();
    }
    expect(visitor(stage)).toBe("primary");
  });

  it("counts those seconds anew where the switch back had to be taken back", async () => {
    const stage = await inProduction(AFTER);
    await latch(stage);
    const refused = stage.simulator.faults.add({
      match: { method: "PATCH", path: /load_balancers/, times: Number.POSITIVE_INFINITY },
      effect: { kind: "status", status: 400, when: "before" },
    });
    primary(stage).up = true;
    await stage.minutes(20);
    const [reverted, ...others] = await events(stage, "failover.switch_over_reverted");
    expect(others).toEqual([]);
    expect(await stage.failover()).toMatchObject({
      active: "secondary",
      status: {
        message: expect.stringContaining("600 healthy seconds of the primary without interruption, at"),
      },
    });
    refused.remove();
    expect(await untilBack(stage, 12)).toBeLessThanOrEqual(12);
    const [again] = await events(stage, "failover.switch_over_started");
    expect(Date.parse(again.at) - Date.parse(reverted.at)).toBeGreaterThanOrEqual(600_000);
  });

  it("leaves alone what a person switched over, for a hundred ticks and both endpoints", async () => {
    const stage = await inProduction(AFTER);
    await stage.operate("POST", `${PATH}/switch-over`, switchTo("secondary"));
    expect(stage.writes()).toHaveLength(1);
    await stage.minutes(100);
    expect(await stage.failover()).toMatchObject({ active: "secondary", status: { sync: "synced" } });
    expect(stage.writes()).toHaveLength(1);
  });
});

describe("a person and the policy", () => {
  it("who puts the primary first in an outage isn't overruled by a latch of that outage, for a hundred ticks", async () => {
    const stage = await inProduction(MANUAL, { monitor: { consecutive_up: 0 } });
    await latch(stage);
    const request = { reason: "it is coming up", override: ["target-not-ready"] };
    const { body } = await stage.call("POST", `${PATH}/switch-back`, request);
    await stage.alarms();
    await stage.minutes(2);
    expect(await first(stage)).toBe("primary");
    expect((await stage.failover()).status.message).toMatch(/the primary was put first during this outage/);
    primary(stage).up = true;
    await stage.minutes(1);
    expect(await endOf(stage, body.id)).toMatchObject({ status: "succeeded", result: { active: "primary" } });
    await stage.minutes(100);
    expect(visitor(stage)).toBe("primary");
    expect(await events(stage, "failover.latched")).toHaveLength(1);
    expect(reorderings(stage)).toBe(2);
  });

  /** Cloudflare answers the first call that matches only after that was done. */
  async function tickMeanwhile(stage: Stage, call: RegExp, act: () => Promise<unknown>): Promise<void> {
    const reach = globalThis.fetch;
    let acted = false;
    globalThis.fetch = async (input, init) => {
      const request = new Request(input, init);
      if (!acted && call.test(`${request.method} ${request.url}`)) {
        acted = true;
        await act();
      }
      return reach(request);
    };
    await stage.tick();
    globalThis.fetch = reach;
    expect(acted).toBe(true);
  }

  it("who acts while a tick reads what it would latch by is the one who decides", async () => {
    const stage = await inProduction(MANUAL);
    primary(stage).up = false;
    await stage.pass(60);
    const request = switchTo("secondary", { expires_in_seconds: 7200 });
    await tickMeanwhile(stage, /pools\/\w+\/health/, () =>
      stage.call("POST", `${PATH}/switch-over`, request),
    );
    await stage.alarms();
    expect(await stage.failover()).toMatchObject({ active: "secondary", leases: [{ kind: "switchover" }] });
    await stage.minutes(10);
    expect(await events(stage, "failover.latched")).toEqual([]);
    expect(reorderings(stage)).toBe(1);
  });

  it("who acts while it is being latched is heard after it, and has the last word", async () => {
    const stage = await inProduction(MANUAL);
    primary(stage).up = false;
    await stage.pass(60);
    let acted: Promise<Answer> | undefined;
    const request = { reason: "it answers us", override: ["target-not-ready"] };
    await tickMeanwhile(stage, /^PATCH .*load_balancers/, async () => {
      acted = stage.call("POST", `${PATH}/switch-back`, request);
    });
    expect((await acted)?.status).toBe(202);
    await stage.alarms();
    expect(await first(stage)).toBe("primary");
    await stage.minutes(3);
    expect(await first(stage)).toBe("primary");
    expect(await events(stage, "failover.latched")).toHaveLength(1);
  });

  it("a decision of another Coordinator that was stored just before stands: nothing is latched over it", async () => {
    const stage = await inProduction(MANUAL);
    const { id, cloudflare, revision } = await stage.failover();
    primary(stage).up = false;
    await stage.pass(60);
    // Drift, so that the tick reads an object between its look at D1 and the latch.
    stage.simulator.world.edit("monitor", cloudflare.monitor_id, { path: "/edited" });
    await tickMeanwhile(stage, /^GET .*monitors\/\w+$/, () =>
      env.DB.prepare(
        "UPDATE failovers SET revision = revision + 1, active = 'secondary', settled_by = 'person' WHERE id = ?1",
      )
        .bind(id)
        .run(),
    );
    expect(await events(stage, "failover.latched")).toEqual([]);
    expect(await stage.failover()).toMatchObject({ revision: revision + 1, active: "secondary" });
    await stage.minutes(5);
    expect(await events(stage, "failover.latched")).toEqual([]);
    expect(await first(stage)).toBe("secondary");
  });
});

describe("a crash", () => {
  const ALWAYS = Number.POSITIVE_INFINITY;

  it("between the latch in D1 and its write at Cloudflare delays that write to the next tick", async () => {
    const stage = await inProduction(MANUAL);
    primary(stage).up = false;
    await stage.pass(60);
    const fault = stage.simulator.faults.add({
      match: { method: "PATCH", path: /load_balancers/, times: ALWAYS },
      effect: { kind: "status", status: 500, when: "before" },
    });
    await stage.tick();
    expect(await events(stage, "failover.latched")).toHaveLength(1);
    expect(await first(stage)).toBe("primary");
    await stage.crash();
    fault.remove();
    primary(stage).up = true;
    await stage.minutes(2);
    expect(await first(stage)).toBe("secondary");
    expect(await events(stage, "failover.latched")).toHaveLength(1);
  });

  it("whose write was answered by nobody leaves an order that a person's switch back restores at once", async () => {
    const stage = await inProduction(MANUAL);
    primary(stage).up = false;
    await stage.pass(60);
    const fault = stage.simulator.faults.add({
      match: { method: "PATCH", path: /load_balancers/, times: 1 },
      effect: { kind: "timeout", when: "after" },
    });
    await stage.tick();
    fault.remove();
    await stage.crash();
    const request = { reason: "it answers us", override: ["target-not-ready"] };
    await stage.call("POST", `${PATH}/switch-back`, request);
    await stage.minutes(2);
    await stage.alarms();
    expect(await first(stage)).toBe("primary");
    expect(await events(stage, "drift.detected")).toEqual([]);
  });

  it("in the middle of the automatic switch back ends in one switch back", async () => {
    const stage = await inProduction(AFTER);
    await latch(stage);
    primary(stage).up = true;
    for (let minute = 0; minute < 20; minute += 1) {
      await stage.minutes(1);
      await stage.crash();
    }
    await stage.alarms();
    for (let looks = 0; looks < 5; looks += 1) {
      await stage.pass(2);
      await stage.alarms();
    }
    expect(visitor(stage)).toBe("primary");
    expect(await events(stage, "failover.switched_over")).toHaveLength(1);
    expect(reorderings(stage)).toBe(2);
  });
});

describe("a timed switch-over under manual failback", () => {
  it("that ends in an outage of the primary becomes a latch, and no pool is moved by it", async () => {
    const stage = await inProduction(MANUAL);
    await stage.operate("POST", `${PATH}/switch-over`, switchTo("secondary", { expires_in_seconds: 900 }));
    primary(stage).up = false;
    await stage.minutes(5);
    expect(await events(stage, "failover.latched")).toEqual([]);
    expect((await stage.failover()).status.message).toMatch(/a lease says who stands first/);
    await stage.minutes(12);
    expect(await stage.failover()).toMatchObject({
      active: "secondary",
      leases: [],
      status: { sync: "synced" },
    });
    const [ended] = await events(stage, "lease.ended");
    expect(await events(stage, "failover.latched")).toMatchObject([
      { data: { lease_id: ended.data.lease_id } },
    ]);
    expect(reorderings(stage)).toBe(1);
    primary(stage).up = true;
    await stage.minutes(20);
    expect(visitor(stage)).toBe("secondary");
  });

  it("that ends in an outage before it was seen to serve leaves the latch alone, whatever is seen then", async () => {
    const stage = await inProduction(MANUAL);
    const [zone] = stage.simulator.world.zones.values();
    if (zone === undefined) throw new Error("no zone");
    zone.challengesWorkers = true;
    const request = switchTo("secondary", { expires_in_seconds: 120 });
    const { body } = await stage.call("POST", `${PATH}/switch-over`, request);
    await stage.alarms();
    primary(stage).up = false;
    await stage.minutes(3);
    await stage.alarms();
    expect(await events(stage, "failover.latched")).toHaveLength(1);
    const ended = await endOf(stage, body.id);
    expect(ended).toMatchObject({
      status: "aborted",
      message: "its time was over before the secondary was seen to serve; the secondary is active by now",
    });
    stage.simulator.world.pagesProject("shop").canonicalId = null;
    zone.challengesWorkers = false;
    await stage.minutes(6);
    expect(await stage.failover()).toMatchObject({ active: "secondary", leases: [] });
    expect(await events(stage, "failover.switch_over_reverted")).toEqual([]);
  });

  it("that ends while the primary is well just ends", async () => {
    const stage = await inProduction(MANUAL);
    await stage.operate("POST", `${PATH}/switch-over`, switchTo("secondary", { expires_in_seconds: 300 }));
    await stage.minutes(6);
    expect(await stage.failover()).toMatchObject({ active: "primary", leases: [] });
    expect(visitor(stage)).toBe("primary");
    expect(await events(stage, "failover.latched")).toEqual([]);
  });
});
