import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { checkNamed, complaints, GOLDEN, goldenStage, preflight, PREFLIGHT } from "./golden.ts";
import type { Answer, Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
});

const HOUR_MINUTES = 60;

async function preflightEvents(stage: Stage): Promise<Answer["body"][]> {
  const { body } = await stage.call("GET", "/v1/failovers/shop/events?limit=100");
  return body.items.filter(({ type }: Answer["body"]) => type.startsWith("preflight.")).toReversed();
}

async function storedRuns(): Promise<Map<string, number>> {
  const { results } = await env.DB.prepare("SELECT failover_id, ran_at FROM preflights").all<{
    failover_id: string;
    ran_at: number;
  }>();
  return new Map(results.map(({ failover_id, ran_at }) => [failover_id, ran_at]));
}

/** So many failovers of one zone, each with an origin of its own. */
async function several(stage: Stage, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const name = `shop-${index}`;
    const address = `origin-${index}.example.net`;
    stage.simulator.world.addOrigin({ address });
    const spec = { name, hostname: `${name}.example.com`, primary: { address }, secondary: GOLDEN.secondary };
    const { status } = await stage.call("POST", "/v1/failovers", spec);
    expect(status).toBe(201);
    await stage.alarms();
    await stage.pass(20);
  }
}

const isPolling = (path: string): boolean =>
  /\/load_balancers$|\/(monitors|pools)$|\/pools\/\w+\/health$/.test(path);

describe("the hourly repetition", () => {
  it("stores a run with its evidence once an hour, and tells nothing while nothing changes", async () => {
    const stage = goldenStage();
    const { id } = await stage.ready(GOLDEN);
    expect(await storedRuns()).toEqual(new Map());
    await stage.minutes(HOUR_MINUTES);
    const first = (await storedRuns()).get(id);
    expect(first).toBeGreaterThan(0);
    stage.forgetCalls();
    const { body } = await stage.call("GET", `${PREFLIGHT}?max_age_seconds=3600`);
    expect(Date.parse(body.ran_at)).toBe(first);
    expect(checkNamed(body, "zone-setup").evidence).toEqual({ type: "full" });
    expect(checkNamed(body, "preview").evidence).toHaveProperty(["primary", "origins"]);
    expect(stage.simulator.calls).toEqual([]);
    // Within the hour there is no other; after it there is one, and both outlive the Coordinator.
    await stage.crash();
    await stage.minutes(HOUR_MINUTES - 5);
    expect((await storedRuns()).get(id)).toBe(first);
    await stage.minutes(8);
    const second = (await storedRuns()).get(id) ?? 0;
    expect(second - (first ?? 0)).toBeGreaterThanOrEqual(3_600_000);
    expect(second - (first ?? 0)).toBeLessThan(3_600_000 + 180_000);
    expect(await preflightEvents(stage)).toEqual([]);
  });

  it("tells when the set of failing checks changes, and not again", async () => {
    const stage = goldenStage();
    const { world } = stage.simulator;
    await stage.ready(GOLDEN);
    const domain = world.addPagesDomain("shop", "www.example.com");
    await stage.minutes(HOUR_MINUTES + 2);
    await stage.minutes(HOUR_MINUTES + 2);
    expect(await preflightEvents(stage)).toMatchObject([
      {
        type: "preflight.failed",
        actor: { kind: "system" },
        data: {
          failed: [{ id: "custom-hostname", message: expect.stringContaining("www.example.com") }],
          before: [],
        },
      },
    ]);
    domain.status = "deactivated";
    await stage.minutes(HOUR_MINUTES + 2);
    expect((await preflightEvents(stage)).slice(1)).toMatchObject([
      { type: "preflight.passed", data: { failed: [], before: ["custom-hostname"] } },
    ]);
  });

  it("takes what can't be told for as it was", async () => {
    const stage = goldenStage();
    const { world } = stage.simulator;
    await stage.ready(GOLDEN);
    const domain = world.addPagesDomain("shop", "www.example.com");
    await preflight(stage);
    world.token.permissions.delete("SSL and Certificates Read");
    domain.status = "deactivated";
    // Whether it is a custom hostname of somebody's SaaS can't be told without that permission.
    expect(checkNamed(await preflight(stage), "custom-hostname").outcome).toBe("unknown");
    expect(await preflightEvents(stage)).toMatchObject([{ type: "preflight.failed" }]);
    domain.status = "active";
    world.token.permissions.add("SSL and Certificates Read");
    await preflight(stage);
    expect(await preflightEvents(stage)).toHaveLength(1);
    domain.status = "deactivated";
    await preflight(stage);
    expect(await preflightEvents(stage)).toMatchObject([
      { type: "preflight.failed" },
      { type: "preflight.passed" },
    ]);
  });

  it("answers a stored run only where it is of this revision and young enough", async () => {
    const stage = goldenStage();
    await stage.ready(GOLDEN);
    const fresh = await preflight(stage);
    await stage.pass(30);
    const { body: stored } = await stage.call("GET", `${PREFLIGHT}?max_age_seconds=60`);
    expect(stored).toEqual(fresh);
    const { body: aged } = await stage.call("GET", `${PREFLIGHT}?max_age_seconds=20`);
    expect(aged.ran_at).not.toBe(fresh.ran_at);
    const patched = await stage.call(
      "PATCH",
      "/v1/failovers/shop",
      { drift_grace_seconds: 60 },
      { "if-match": '"1"' },
    );
    expect(patched.status).toBe(200);
    const { body: revised } = await stage.call("GET", `${PREFLIGHT}?max_age_seconds=3600`);
    expect(revised).toMatchObject({ revision: 2 });
  });
});

describe("several failovers of one zone", () => {
  it("share what is the same for the zone, and leave polling its share", async () => {
    const stage = goldenStage();
    await several(stage, 12);
    await stage.minutes(HOUR_MINUTES - 6);
    stage.forgetCalls();
    const runs: number[] = [];
    const extra: number[] = [];
    for (let minute = 0; minute < 8; minute += 1) {
      const [from, before] = [stage.simulator.calls.length, await storedRuns()];
      await stage.minutes(1);
      const after = await storedRuns();
      runs.push([...after].filter(([id, at]) => before.get(id) !== at).length);
      const polled = stage.simulator.calls.slice(from).filter(({ path }) => isPolling(path)).length;
      extra.push(stage.simulator.calls.length - from - polled);
      // A list is read once a tick, and never for a single preflight.
      const lists = stage.simulator.calls.slice(from).filter(({ path }) => path.endsWith("/monitors"));
      expect(lists).toHaveLength(1);
    }
    expect((await storedRuns()).size).toBe(12);
    expect(Math.max(...runs)).toBeLessThanOrEqual(5);
    const [together, calls] = [runs.reduce((a, b) => a + b), extra.reduce((a, b) => a + b)];
    const alone = (await preflightOfOne(stage)) ?? 0;
    console.log(
      `${together} hourly preflights of one zone: ${(calls / together).toFixed(1)} calls each beside polling, alone ${alone}; at once ${runs.join(", ")}`,
    );
    expect(calls / together).toBeLessThan(8);
    expect(alone).toBeGreaterThan(14);
    expect(stage.simulator.calls.length).toBeLessThanOrEqual(600);
    expect(stage.writes()).toEqual([]);
  });

  it("get theirs although one of them can't be made, and the tick ends", async () => {
    const stage = goldenStage();
    await several(stage, 3);
    await stage.minutes(HOUR_MINUTES + 2);
    const runs = await storedRuns();
    const [broken = ""] = runs.keys();
    await env.DB.prepare("UPDATE preflights SET report = '{' WHERE failover_id = ?1").bind(broken).run();
    await stage.minutes(HOUR_MINUTES + 2);
    const later = await storedRuns();
    expect(later.get(broken)).toBe(runs.get(broken));
    for (const [id, at] of runs) if (id !== broken) expect(later.get(id)).toBeGreaterThan(at);
    expect((await stage.call("GET", "/readyz")).status).toBe(200);
  });

  it("wait for the tick that reads Cloudflare again", async () => {
    const stage = goldenStage();
    const { id } = await stage.ready(GOLDEN);
    stage.simulator.faults.add({
      match: { times: Infinity },
      effect: { kind: "status", status: 503, when: "before", body: "html" },
    });
    await stage.minutes(HOUR_MINUTES + 5);
    expect(await storedRuns()).toEqual(new Map());
    stage.simulator.faults.clear();
    await stage.minutes(1);
    expect([...(await storedRuns()).keys()]).toEqual([id]);
    expect(await preflightEvents(stage)).toEqual([]);
  });
});

async function preflightOfOne(stage: Stage): Promise<number> {
  const { body } = await stage.call("GET", "/v1/failovers/shop-0/preflight");
  expect(complaints(body).filter((one) => one.startsWith("fail"))).toEqual([]);
  return body.calls;
}
