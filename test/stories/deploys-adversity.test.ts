import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { tickWithoutProbes } from "./adversity.ts";
import {
  announce,
  aWatchedShop,
  deployBroken,
  passWithAlarms,
  PROJECT,
  rollbacks,
  ROLLING_BACK,
  servedId,
  toldOf,
  untilHeard,
} from "./deploying.ts";
import type { Effect } from "../simulator/simulator.ts";
import type { Stage } from "./stage.ts";

const ROLLBACK = { method: "POST", path: /\/rollback$/ };
/** Longer than a write whose answer was lost may take to land, and what follows. */
const LONG_ENOUGH_SECONDS = 120;

async function aBrokenDeploy() {
  const stage = await aWatchedShop(ROLLING_BACK);
  const good = servedId(stage);
  const broken = deployBroken(stage);
  await stage.pass(20);
  return { stage, good, broken };
}

async function expectRolledBackOnce(stage: Stage, good: string | null, requests: number): Promise<void> {
  const told = await toldOf(stage);
  expect(told.map(({ type }) => type)).toEqual(["standby.rolled_back", "standby.broken"]);
  expect(servedId(stage)).toBe(good);
  expect((await stage.failover()).status.readiness).toBe("ready");
  expect(rollbacks(stage)).toBe(requests);
}

describe("a rollback whose answer is lost", () => {
  it.each<[string, Effect, number]>([
    ["after it took effect", { kind: "drop", when: "after" }, 1],
    ["by a time-out after it took effect", { kind: "timeout", when: "after" }, 1],
    ["by an error after it took effect", { kind: "status", status: 502, when: "after", body: "html" }, 1],
    ["before it took effect", { kind: "drop", when: "before" }, 2],
    ["and that lands late", { kind: "late", landsAfterMs: 20_000 }, 1],
    ["by a server's fault", { kind: "status", status: 500, when: "before" }, 2],
  ])("%s, is made once", async (_, effect, requests) => {
    const { stage, good } = await aBrokenDeploy();
    const fault = stage.simulator.faults.add({ match: ROLLBACK, effect });
    await announce(stage);
    await passWithAlarms(stage, LONG_ENOUGH_SECONDS);
    expect(fault.hits).toBe(1);
    await expectRolledBackOnce(stage, good, requests);
    await stage.minutes(3);
    await expectRolledBackOnce(stage, good, requests);
  });

  it("again and again, is given up and told", async () => {
    const { stage, broken } = await aBrokenDeploy();
    stage.simulator.faults.add({
      match: { ...ROLLBACK, times: Infinity },
      effect: { kind: "drop", when: "before" },
    });
    await announce(stage);
    await passWithAlarms(stage, 300);
    expect((await toldOf(stage)).map(({ type }) => type)).toEqual([
      "standby.rollback_failed",
      "standby.broken",
    ]);
    expect(servedId(stage)).toBe(broken.id);
    expect(rollbacks(stage)).toBe(3);
  });

  it("because of too many requests, waits until they are let through again", async () => {
    const { stage, good } = await aBrokenDeploy();
    stage.simulator.faults.add({ match: ROLLBACK, effect: { kind: "rate-limit", retryAfterSeconds: 60 } });
    await announce(stage);
    await passWithAlarms(stage, 180);
    await expectRolledBackOnce(stage, good, 2);
  });
});

describe("a rollback that Cloudflare makes and doesn't show", () => {
  it("is told by what our probes see, and isn't repeated", async () => {
    const { stage, good, broken } = await aBrokenDeploy();
    stage.simulator.world.switches.canonicalDeployment = "newest";
    await announce(stage);
    await passWithAlarms(stage, 60);
    const told = await toldOf(stage);
    expect(told[0]).toMatchObject({
      type: "standby.rolled_back",
      data: { from: { id: broken.id }, to: { id: good }, evidence: "probes only" },
    });
    await stage.minutes(5);
    expect(await toldOf(stage)).toHaveLength(2);
    expect(rollbacks(stage)).toBe(1);
    const next = deployBroken(stage);
    await stage.minutes(1);
    expect((await toldOf(stage))[0].data).toMatchObject({ deployment: { id: next.id } });
  });
});

describe("somebody who deploys while a rollback is on its way", () => {
  it("is not undone by it: the new deployment is verified", async () => {
    const { stage } = await aBrokenDeploy();
    const fault = stage.simulator.faults.add({ match: ROLLBACK, effect: { kind: "drop", when: "before" } });
    await announce(stage);
    expect(fault.hits).toBe(1);
    const mended = stage.simulator.world.deploy(PROJECT, { body: "<title>Secondary</title>" });
    await passWithAlarms(stage, LONG_ENOUGH_SECONDS);
    expect((await toldOf(stage))[0]).toMatchObject({
      type: "standby.verified",
      data: { deployment: { id: mended.id } },
    });
    expect(servedId(stage)).toBe(mended.id);
    expect(rollbacks(stage)).toBe(1);
  });
});

describe("what is known of a project", () => {
  it.each(["null", "{}", "not JSON at all"])(
    "is found out anew where D1 reads %s, and keeps nothing else from being looked at",
    async (row) => {
      const stage = await aWatchedShop(ROLLING_BACK);
      const good = servedId(stage);
      await env.DB.prepare("UPDATE pages_projects SET watch = ?1, due_at = 0").bind(row).run();
      await stage.operate("POST", "/v1/failovers/shop/reconcile");
      expect(await env.DB.prepare("SELECT due_at FROM pages_projects").first()).toEqual({ due_at: null });
      await stage.minutes(4);
      expect((await stage.failover()).status).toMatchObject({ sync: "synced", readiness: "ready" });
      deployBroken(stage);
      await stage.minutes(1);
      expect(servedId(stage)).toBe(good);
    },
  );
});

describe("a project whose failover can't be read at the full hour, when the unused are forgotten", () => {
  it("is still known afterwards: a broken deploy is rolled back to the last good one", async () => {
    const stage = await aWatchedShop(ROLLING_BACK);
    const good = servedId(stage);
    const input = await env.DB.prepare("SELECT input FROM failovers").first<string>("input");
    const setInput = (text: string | null) =>
      env.DB.prepare("UPDATE failovers SET input = ?1").bind(text).run();
    await setInput("{");
    await stage.pass(Math.ceil((3_600_000 - (stage.now() % 3_600_000)) / 1000));
    await tickWithoutProbes();
    await setInput(input);
    await stage.minutes(1);
    deployBroken(stage);
    await stage.minutes(1);
    expect(servedId(stage)).toBe(good);
  });
});

describe("a reading that was overtaken", () => {
  it("by a rollback, is not taken for a deploy of what was rolled back", async () => {
    const stage = await aWatchedShop(ROLLING_BACK);
    const good = servedId(stage);
    await stage.pass(60);
    deployBroken(stage);
    await stage.pass(20);
    let word: Promise<unknown> = Promise.resolve();
    // The tick has its answer, and is about to get it, when somebody else begins to do all that follows from it.
    const overtake = stage.simulator.faults.after({ path: /\/pages\/projects\/shop$/ }, async () => {
      await stage.pass(1);
      word = stage.call("POST", "/webhooks/deploys", { pages_project: PROJECT });
      await new Promise((resolve) => setTimeout(resolve, 100));
    });
    await tickWithoutProbes();
    expect(overtake.hits).toBe(1);
    await word;
    await untilHeard();
    await passWithAlarms(stage, 60);
    expect((await toldOf(stage)).map(({ type }) => type)).toEqual(["standby.rolled_back", "standby.broken"]);
    expect(servedId(stage)).toBe(good);
  });
});
