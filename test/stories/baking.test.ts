import { afterEach, describe, expect, it, vi } from "vitest";
import { endOf } from "./operations.ts";
import { eventsOfType, SHOP_PATH } from "./rehearsal.ts";
import { setStage, SHOP, UNDRILLED, type Answer, type Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
});

const PRODUCTION = "www.example.com";
const OLD = "old.example.net";
const STANDBY = "standby.example.net";
const PAIR = { ...SHOP, secondary: { address: STANDBY } };
/** Undrilled, but baked for as long as the spec says. */
const { bake_seconds: _, ...BAKED } = UNDRILLED;

/** In testing, while the old server still answers for the production hostname by its DNS record. */
async function inTesting(spec: object = PAIR, record: string | null = OLD): Promise<Stage> {
  const stage = setStage();
  const { world } = stage.simulator;
  world.addOrigin({ address: OLD, body: "<title>Old</title>the old server" });
  world.addOrigin({ address: STANDBY, body: "<title>Standby</title>the standby" });
  for (const [id, { name }] of world.dnsRecords) if (name === PRODUCTION) world.dnsRecords.delete(id);
  if (record !== null)
    world.addDnsRecord("example.com", { type: "CNAME", name: PRODUCTION, content: record, proxied: true });
  await stage.ready(spec);
  // Until Cloudflare has so many good checks in a row.
  if ("failback" in spec) await stage.minutes(5);
  await stage.promote();
  await stage.minutes(1);
  stage.forgetCalls();
  return stage;
}

function breakBoth({ simulator }: Stage): void {
  simulator.world.origin("origin.example.net").up = false;
  simulator.world.origin(STANDBY).up = false;
}

const visited = ({ simulator }: Stage) => simulator.world.visit(`https://${PRODUCTION}/`).body;

async function operationOf(stage: Stage, id: string): Promise<Answer["body"]> {
  return (await stage.call("GET", `/v1/operations/${id}`)).body;
}

/** Until the promotion has been seen to serve and bakes. */
async function untilBaking(stage: Stage, body: object = BAKED): Promise<string> {
  const { status, body: accepted } = await stage.call("POST", `${SHOP_PATH}/promote`, body);
  expect(status).toBe(202);
  for (let seconds = 0; seconds < 60; seconds += 2) {
    await stage.alarms();
    const { steps } = await operationOf(stage, accepted.id);
    if (steps.at(-1).status === "running") return accepted.id;
    await stage.pass(2);
  }
  throw new Error("it does not bake");
}

/** Time with its alarms and ticks, as it passes in production. */
async function live(stage: Stage, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 10) {
    await stage.pass(10);
    await stage.alarms();
    if (second % 60 === 50) await stage.tick();
  }
}

describe("a promotion to production", () => {
  it.each([
    ["five minutes", {}, {}, 300],
    ["as long as the spec says", { bake_seconds: 60 }, {}, 60],
    ["as long as was asked for", { bake_seconds: 60 }, { bake_seconds: 120 }, 120],
  ])("bakes for %s, and costs one write", async (_what, spec, body, seconds) => {
    const stage = await inTesting({ ...PAIR, ...spec });
    const id = await untilBaking(stage, { ...BAKED, ...body });
    const began = stage.now();
    expect((await stage.failover()).stage).toBe("production");
    expect(await eventsOfType(stage, "failover.promoted")).toHaveLength(2);
    const operation = await operationOf(stage, id);
    expect(operation).toMatchObject({
      status: "running",
      message: expect.stringContaining("it bakes until"),
    });
    while ((await operationOf(stage, id)).status === "running") await live(stage, 10);
    expect((stage.now() - began) / 1000).toBe(seconds);
    expect(await operationOf(stage, id)).toMatchObject({
      status: "succeeded",
      message: expect.stringContaining(`baked for ${seconds} s`),
      result: { stage: "production", serving: "primary", bake: "good" },
    });
    expect(await eventsOfType(stage, "bake.")).toMatchObject([{ type: "bake.passed" }]);
    expect(stage.writes()).toHaveLength(1);
  });

  it("that goes wrong is demoted within two ticks, and visitors get what answered before", async () => {
    const stage = await inTesting();
    const id = await untilBaking(stage);
    await live(stage, 60);
    expect(visited(stage)).toContain("primary origin");
    breakBoth(stage);
    await live(stage, 120);
    expect(visited(stage)).toContain("the old server");
    const failover = await stage.failover();
    expect(failover).toMatchObject({ stage: "testing", status: { operation: null } });
    const ended = await operationOf(stage, id);
    expect(ended).toMatchObject({
      status: "failed",
      message: expect.stringMatching(
        /3 definite bad answers in a row, from neither endpoint .*52[0-9].*visitors get CNAME old\.example\.net/,
      ),
      result: { stage: "testing", visitors_get: [`CNAME ${OLD}`] },
    });
    const [failed] = await eventsOfType(stage, "bake.failed");
    expect(failed).toMatchObject({ actor: { name: "bake" }, data: { demoted: true } });
    const demotion = await operationOf(stage, ended.result.demoted_by);
    expect(demotion).toMatchObject({ kind: "demote", status: "succeeded" });
    // Once, and nobody promotes it again.
    await live(stage, 300);
    expect(stage.writes()).toHaveLength(2);
  });

  it("goes wrong before it was seen to serve even once, and is demoted as well", async () => {
    const stage = await inTesting();
    stage.simulator.faults.after({ method: "PATCH" }, () => breakBoth(stage));
    const { body } = await stage.call("POST", `${SHOP_PATH}/promote`, BAKED);
    await stage.alarms();
    await live(stage, 120);
    expect((await stage.failover()).stage).toBe("testing");
    expect(await operationOf(stage, body.id)).toMatchObject({
      status: "failed",
      steps: [{}, {}, { name: "observe", status: "failed" }, { name: "bake", status: "skipped" }],
    });
    expect(await eventsOfType(stage, "failover.promoted")).toHaveLength(1);
  });

  it.each<[string, (stage: Stage) => void, RegExp]>([
    [
      "there is nothing underneath any more",
      ({ simulator }) => simulator.world.dnsRecords.clear(),
      /no DNS record/,
    ],
    [
      "somebody else took the load balancer",
      ({ simulator }) => {
        for (const { id } of simulator.world.loadBalancers.values())
          simulator.world.edit("load_balancer", id, { description: "mine now" });
      },
      /marker/,
    ],
    [
      "nobody can read what is underneath",
      ({ simulator }) =>
        void simulator.faults.add({
          match: { method: "GET", path: /dns_records/, times: Number.POSITIVE_INFINITY },
          effect: { kind: "status", status: 500, when: "before" },
        }),
      /could not be read/,
    ],
  ])("stays where %s, says so once, and ends as failed", async (_what, arrange, why) => {
    const stage = await inTesting();
    const id = await untilBaking(stage);
    breakBoth(stage);
    arrange(stage);
    const { body } = await stage.call("GET", `/v1/operations/${id}`);
    await endOf(stage, body.id);
    expect((await stage.failover()).stage).toBe("production");
    const events = await eventsOfType(stage, "bake.");
    expect(events).toMatchObject([{ type: "bake.failed", data: { demoted: false } }]);
    expect(events[0].data.message).toMatch(why);
    expect(await operationOf(stage, id)).toMatchObject({
      status: "failed",
      message: expect.stringContaining("answers badly at the end of the bake"),
    });
  });

  it("stays where the record underneath did not answer before", async () => {
    const stage = await inTesting();
    stage.simulator.world.origin(OLD).up = false;
    const id = await untilBaking(stage);
    stage.simulator.world.origin(OLD).up = true;
    breakBoth(stage);
    await endOf(stage, id);
    expect((await stage.failover()).stage).toBe("production");
    const [failed] = await eventsOfType(stage, "bake.failed");
    expect(failed.data.message).toMatch(/not seen to answer well before/);
  });

  it("that goes wrong right before the end of its bake is watched until that is settled", async () => {
    const stage = await inTesting();
    const id = await untilBaking(stage, { ...BAKED, bake_seconds: 60 });
    await live(stage, 50);
    breakBoth(stage);
    await live(stage, 10);
    expect(await operationOf(stage, id)).toMatchObject({ status: "running" });
    await live(stage, 60);
    expect(await operationOf(stage, id)).toMatchObject({ status: "failed" });
    expect((await stage.failover()).stage).toBe("testing");
    expect(visited(stage)).toContain("the old server");
  });

  it("that fails over meanwhile stays, with an event", async () => {
    const stage = await inTesting();
    const id = await untilBaking(stage);
    stage.simulator.world.origin("origin.example.net").up = false;
    await live(stage, 310);
    expect(await operationOf(stage, id)).toMatchObject({ status: "succeeded", result: { bake: "other" } });
    expect((await stage.failover()).stage).toBe("production");
    expect((await eventsOfType(stage, "bake.")).map(({ type }) => type)).toEqual([
      "bake.passed",
      "bake.failed_over",
    ]);
    expect(visited(stage)).toContain("the standby");
  });

  it.each([
    ["the old server", OLD],
    ["the very endpoint that is down", "origin.example.net"],
  ])(
    "that waits for Cloudflare's checks to fail over stays, though visitors could get %s",
    async (_what, record) => {
      // Under manual failback no single request is tried at the other pool.
      const stage = await inTesting({ ...PAIR, failback: { mode: "manual" } }, record);
      await stage.minutes(5);
      const id = await untilBaking(stage);
      stage.simulator.world.origin("origin.example.net").up = false;
      await live(stage, 20);
      expect(visited(stage)).not.toContain("standby");
      await live(stage, 300);
      expect(visited(stage)).toContain("the standby");
      expect((await stage.failover()).stage).toBe("production");
      expect(await operationOf(stage, id)).toMatchObject({ status: "succeeded" });
      expect((await eventsOfType(stage, "bake.")).map(({ type }) => type)).not.toContain("bake.failed");
    },
  );

  it("is not taken back for a challenge, however long", async () => {
    const stage = await inTesting();
    const id = await untilBaking(stage);
    for (const zone of stage.simulator.world.zones.values()) zone.challengesWorkers = true;
    await live(stage, 310);
    expect(await operationOf(stage, id)).toMatchObject({
      status: "succeeded",
      message: expect.stringMatching(/at the end of which it can't be seen who serves: .*challenge/),
      result: { bake: "unclear" },
    });
    expect((await stage.failover()).stage).toBe("production");
  });

  it.each([
    ["a switch-over", "switch-over", { to: "secondary", reason: "by hand" }, "production"],
    ["a demotion", "demote", undefined, "testing"],
  ])("stops baking for %s, which goes ahead within one write", async (_what, verb, body, stays) => {
    const stage = await inTesting();
    const id = await untilBaking(stage);
    stage.forgetCalls();
    const { status, body: accepted } = await stage.call("POST", `${SHOP_PATH}/${verb}`, body);
    expect(status).toBe(202);
    expect((await operationOf(stage, id)).status).toBe("aborted");
    await live(stage, 60);
    expect(await operationOf(stage, accepted.id)).toMatchObject({ status: "succeeded" });
    expect(stage.writes()).toHaveLength(1);
    breakBoth(stage);
    await live(stage, 300);
    expect((await stage.failover()).stage).toBe(stays);
    expect(await eventsOfType(stage, "bake.")).toEqual([]);
  });

  it("is watched on after the Coordinator lost its memory at any moment", { timeout: 60_000 }, async () => {
    const stage = await inTesting();
    const id = await untilBaking(stage);
    await stage.crash();
    await live(stage, 30);
    breakBoth(stage);
    while ((await operationOf(stage, id)).status === "running") {
      await live(stage, 10);
      await stage.crash();
    }
    await live(stage, 60);
    expect((await stage.failover()).stage).toBe("testing");
    expect(await operationOf(stage, id)).toMatchObject({ status: "failed" });
    expect(await eventsOfType(stage, "bake.failed")).toHaveLength(1);
    expect(stage.writes()).toHaveLength(2);
  });
});
