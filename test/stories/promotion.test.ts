import { afterEach, describe, expect, it, vi } from "vitest";
import { endOf } from "./operations.ts";
import { setStage, SHOP, UNDRILLED, type Answer, type Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const PROMOTE = "/v1/failovers/shop/promote";

async function inTesting(spec?: object): Promise<Stage> {
  const stage = setStage();
  await stage.ready(spec);
  expect(await stage.operate("POST", PROMOTE)).toMatchObject({ status: "succeeded" });
  await stage.minutes(1);
  return stage;
}

async function inProduction(spec?: object): Promise<Stage> {
  const stage = await inTesting(spec);
  expect(await stage.promote()).toMatchObject({ status: "succeeded" });
  await stage.minutes(1);
  return stage;
}

async function eventsOf(stage: Stage, type: string): Promise<Answer["body"][]> {
  const { body } = await stage.call("GET", "/v1/failovers/shop/events?limit=100");
  return body.items.filter((event: Answer["body"]) => event.type === type);
}

function loadBalancer({ simulator }: Stage) {
  const [lb] = simulator.world.loadBalancers.values();
  if (lb === undefined) throw new Error("there is no load balancer");
  return lb;
}

describe("what a promotion rests on", () => {
  it("was observed where nothing answered under the name before", async () => {
    const stage = setStage();
    await stage.ready();
    expect(await stage.operate("POST", PROMOTE)).toMatchObject({
      status: "succeeded",
      result: { stage: "testing", serving: "primary", evidence: "observed", served_before: "nothing" },
      steps: [
        { name: "write", status: "succeeded" },
        { name: "read back", status: "succeeded" },
        { name: "observe", status: "succeeded" },
      ],
    });
    await stage.minutes(1);
    expect((await stage.failover()).status.serving).toBe("primary");
  });

  it("is the reading alone where the record underneath points at the primary already", async () => {
    const stage = await inTesting();
    expect(await stage.promote()).toMatchObject({
      status: "succeeded",
      result: {
        stage: "production",
        serving: "primary",
        evidence: "read-back only",
        served_before: "primary",
      },
    });
    expect(loadBalancer(stage)).toMatchObject({ name: "www.example.com", enabled: true });
  });

  it("is the reading alone where the endpoints answer alike, and says what would help", async () => {
    const stage = setStage();
    const { body } = stage.simulator.world.origin("origin.example.net");
    stage.simulator.world.addOrigin({ address: "twin.example.net", body });
    await stage.ready({ ...SHOP, secondary: { address: "twin.example.net" } });
    const operation = await stage.operate("POST", PROMOTE);
    expect(operation).toMatchObject({ status: "succeeded", result: { evidence: "read-back only" } });
    expect(operation.message).toContain("marker");
    await stage.minutes(1);
    expect((await stage.failover()).status.serving).toBe("unknown");
  });

  it("is a marker where the endpoints answer alike but for that", async () => {
    const stage = setStage();
    const { world } = stage.simulator;
    const { body } = world.origin("origin.example.net");
    world.origin("origin.example.net").headers = { "x-from": "a" };
    world.addOrigin({ address: "twin.example.net", body, headers: { "x-from": "b" } });
    await stage.ready({
      ...SHOP,
      primary: { address: "origin.example.net", marker: { header: "x-from", value: "a" } },
      secondary: { address: "twin.example.net", marker: { header: "x-from", value: "b" } },
    });
    const operation = await stage.operate("POST", PROMOTE);
    expect(operation).toMatchObject({ status: "succeeded", result: { evidence: "observed" } });
  });
});

describe("a promotion whose hostname is never seen to serve", () => {
  type Obstacle = (stage: Stage) => void;
  const zone = ({ simulator }: Stage) => [...simulator.world.zones.values()][0];
  it.each<[what: string, obstacle: Obstacle, words: RegExp]>([
    [
      "no certificate covers it",
      ({ simulator }) =>
        simulator.faults.after({ method: "PATCH" }, () => simulator.world.certificatePacks.clear()),
      /tls|handshake|certificate/i,
    ],
    [
      "a cache answers for it",
      ({ simulator }) => simulator.world.cacheAtEdge("lb-shop.example.com"),
      /cache/,
    ],
    [
      "a WAF challenges Workers",
      (stage) => Object.assign(zone(stage) ?? {}, { challengesWorkers: true }),
      /challenge/,
    ],
    [
      "the primary fails right after",
      ({ simulator }) =>
        simulator.faults.after({ method: "PATCH" }, () => {
          simulator.world.origin("origin.example.net").up = false;
        }),
      /not seen to serve the primary/,
    ],
  ])(
    "ends as failed within its deadline, and says so: %s",
    { timeout: 120_000 },
    async (_, obstacle, words) => {
      const stage = setStage();
      await stage.ready();
      obstacle(stage);
      const accepted = await stage.call("POST", PROMOTE);
      expect(accepted.status).toBe(202);
      const operation = await endOf(stage, accepted.body.id);
      expect(operation).toMatchObject({ status: "failed", result: { stage: "testing" } });
      expect(operation.message).toMatch(words);
      expect(operation.message).toContain("lb-shop.example.com");
      expect(operation.steps.at(-1)).toMatchObject({ name: "observe", status: "failed" });
      expect(Date.parse(operation.finished_at)).toBeLessThanOrEqual(
        Date.parse(operation.deadline_at) + 30_000,
      );
      expect(await eventsOf(stage, "failover.promoted")).toEqual([]);
      expect(await eventsOf(stage, "operation.failed")).toHaveLength(1);
      // What failed is over: the failover can go on from here.
      expect((await stage.failover()).status.operation).toBeNull();
    },
  );
});

describe("a rename that Cloudflare refuses", () => {
  it("takes the stage back, with a sentence", async () => {
    const stage = await inTesting();
    const { world, faults } = stage.simulator;
    const { revision } = await stage.failover();
    const id = "70000000000000000000000000000007";
    faults.before({ method: "PATCH", path: "/load_balancers/" }, () => {
      world.loadBalancers.set(id, {
        ...loadBalancer(stage),
        id,
        name: "www.example.com",
        description: "",
        default_pools: [],
      });
    });
    const operation = await stage.promote();
    expect(operation).toMatchObject({ status: "failed", result: { stage: "testing" } });
    expect(operation.message).toMatch(/Cloudflare refused changing .*; the stage is testing again/);
    const failover = await stage.failover();
    expect(failover).toMatchObject({ stage: "testing", status: { operation: null } });
    expect(failover.revision).toBe(revision + 2);
    expect(await eventsOf(stage, "failover.promote_reverted")).toMatchObject([
      { data: { before: { stage: "production" }, after: { stage: "testing" } } },
    ]);
    // Nothing of it is tried again, and the next one is refused for what is in the way.
    stage.forgetCalls();
    await stage.minutes(2);
    expect(stage.writes()).toEqual([]);
    const { status } = await stage.failover();
    expect(status).toMatchObject({ sync: "blocked", message: expect.stringContaining(id) });
    const again = await stage.call("POST", PROMOTE, UNDRILLED);
    expect(again.status).toBe(409);
    expect(again.body.refusals).toContainEqual(
      expect.objectContaining({ guard: "hostname-conflict", overridable: true }),
    );
  });
});

describe("many at once", () => {
  it("ten promotions in parallel make one transition", async () => {
    const stage = setStage();
    const { revision } = await stage.ready();
    stage.forgetCalls();
    const answers = await Promise.all(Array.from({ length: 10 }, () => stage.call("POST", PROMOTE)));
    const accepted = answers.filter(({ status }) => status === 202);
    expect(accepted).toHaveLength(1);
    for (const { status, body } of answers.filter((answer) => !accepted.includes(answer))) {
      expect(status).toBe(409);
      expect(body.refusals).toMatchObject([{ guard: "operation-running", overridable: false }]);
    }
    expect(await endOf(stage, accepted[0]?.body.id)).toMatchObject({ status: "succeeded" });
    expect(await stage.failover()).toMatchObject({ stage: "testing", revision: revision + 1 });
    expect(stage.writes()).toHaveLength(1);
    expect(await eventsOf(stage, "failover.promoted")).toHaveLength(1);
  });

  it("a stale If-Match promotes nothing", async () => {
    const stage = await inTesting();
    const { revision } = await stage.failover();
    stage.forgetCalls();
    const stale = await stage.call("POST", PROMOTE, UNDRILLED, { "if-match": `"${revision - 1}"` });
    expect(stale.status).toBe(412);
    expect(stale.body.refusals).toMatchObject([{ guard: "revision-mismatch", overridable: false }]);
    expect(await stage.failover()).toMatchObject({ stage: "testing", revision });
    expect(stage.writes()).toEqual([]);
    const fresh = await stage.call("POST", PROMOTE, UNDRILLED, { "if-match": `"${revision}"` });
    expect(fresh.status).toBe(202);
  });

  it("there is no stage beyond production, and none may be left out", async () => {
    const stage = setStage();
    await stage.ready();
    const skipped = await stage.call("POST", PROMOTE, { to: "production" });
    expect(skipped).toMatchObject({ status: 422, body: { errors: [{ pointer: "/to" }] } });
    await stage.operate("POST", PROMOTE, { to: "testing" });
    await stage.minutes(1);
    await stage.promote();
    expect((await stage.call("POST", PROMOTE)).status).toBe(422);
  });
});

describe("who serves", () => {
  it("is the secondary during an outage longer than ten minutes, and the primary again afterwards", async () => {
    const stage = await inProduction();
    stage.simulator.world.origin("origin.example.net").up = false;
    for (let minute = 1; minute <= 25; minute += 1) {
      await stage.minutes(1);
      if (minute < 3) continue;
      expect((await stage.failover()).status).toMatchObject({
        serving: "secondary",
        health: { primary: { verdict: "unhealthy" }, secondary: { verdict: "healthy" } },
        readiness: "degraded",
        sync: "synced",
      });
    }
    stage.simulator.world.origin("origin.example.net").up = true;
    await stage.minutes(5);
    expect((await stage.failover()).status).toMatchObject({ serving: "primary", readiness: "ready" });
    const changes = (await eventsOf(stage, "serving.changed")).map(({ data }) => data.after).toReversed();
    expect(changes.slice(-3)).toEqual(["primary", "secondary", "primary"]);
  });

  it.each<[what: string, obstacle: (stage: Stage) => void]>([
    ["a cache answers", ({ simulator }) => simulator.world.cacheAtEdge("www.example.com")],
    [
      "a WAF challenges Workers",
      ({ simulator }) => {
        for (const one of simulator.world.zones.values()) one.challengesWorkers = true;
      },
    ],
  ])("is unknown where %s", async (_, obstacle) => {
    const stage = await inProduction();
    obstacle(stage);
    await stage.minutes(2);
    expect((await stage.failover()).status).toMatchObject({ serving: "unknown", readiness: "ready" });
  });
});
