import { describe, expect, it } from "vitest";
import {
  announce,
  aWatchedShop,
  deployBroken,
  deployGood,
  passWithAlarms,
  PROJECT,
  rollbacks,
  ROLLING_BACK,
  servedId,
  toldOf,
  typesTold,
} from "./deploying.ts";
import { countRowsWritten } from "./rows-written.ts";
import { setStage, SHOP, type Stage } from "./stage.ts";

/** How the service comes to know: by a pipeline's word, or by itself when the next minute comes, soon or late. */
const KNOWN_BY: readonly [string, (stage: Stage) => Promise<void>][] = [
  [
    "with a webhook",
    async (stage) => {
      await announce(stage);
      await passWithAlarms(stage, 40);
    },
  ],
  [
    "without a webhook, nearly a minute before the cron",
    async (stage) => {
      await stage.pass(55);
      await stage.tick();
      await passWithAlarms(stage, 0);
    },
  ],
  [
    "without a webhook, right before the cron",
    async (stage) => {
      await stage.pass(1);
      await stage.tick();
      await passWithAlarms(stage, 40);
    },
  ],
];

describe.each(KNOWN_BY)("a broken deploy, %s", (_, known) => {
  it("is known within a minute, told, and seen in readiness and message", async () => {
    const stage = await aWatchedShop();
    const broken = deployBroken(stage);
    const deployedAt = stage.now();
    await known(stage);
    expect(stage.now() - deployedAt).toBeLessThanOrEqual(60_000);
    const [event, ...others] = await toldOf(stage);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      type: "standby.broken",
      data: {
        endpoint: "secondary",
        active: false,
        pages_project: PROJECT,
        deployment: {
          id: broken.id,
          commit_hash: "b".repeat(40),
          commit_message: "Break it",
          url: broken.url,
        },
        message: expect.stringMatching(
          /is broken as the secondary endpoint: .*500.*not rolled back: on_broken_deploy is report/,
        ),
      },
    });
    // Cloudflare hasn't checked it yet.
    const { status } = await stage.failover();
    expect(status).toMatchObject({
      readiness: "degraded",
      health: { secondary: { verdict: "healthy" } },
      message: expect.stringContaining(
        `the deployment ${broken.id.slice(0, 8)} (commit bbbbbbb, "Break it")`,
      ),
    });
    expect(rollbacks(stage)).toBe(0);
  });

  it("is rolled back within a minute where that was asked for, and what it returned to is verified", async () => {
    const stage = await aWatchedShop(ROLLING_BACK);
    const good = servedId(stage);
    const broken = deployBroken(stage);
    const deployedAt = stage.now();
    await known(stage);
    expect(stage.now() - deployedAt).toBeLessThanOrEqual(60_000);
    expect(servedId(stage)).toBe(good);
    expect(stage.simulator.world.visit("https://shop.pages.dev/").status).toBe(200);
    await passWithAlarms(stage, 20);
    const told = await toldOf(stage);
    expect(told.map(({ type }) => type)).toEqual(["standby.rolled_back", "standby.broken"]);
    expect(told[0].data).toMatchObject({
      pages_project: PROJECT,
      from: { id: broken.id },
      to: { id: good },
      evidence: "observed",
    });
    expect((await stage.failover()).status).toMatchObject({
      readiness: "ready",
      message: "everything at Cloudflare is as wanted",
    });
    await stage.minutes(3);
    expect(rollbacks(stage)).toBe(1);
    expect(await typesTold(stage)).toHaveLength(2);
  });
});

describe("a good deploy", () => {
  it("is verified, compared with the other endpoint, and told once", async () => {
    const stage = await aWatchedShop(ROLLING_BACK);
    const good = deployGood(stage);
    await stage.minutes(2);
    const told = await toldOf(stage);
    expect(told).toMatchObject([
      {
        type: "standby.verified",
        data: {
          deployment: { id: good.id },
          noticed_by: "cron",
          looks: [{ found: "good" }, { found: "good" }, { found: "good" }],
          parity: { outcome: "warn", message: 'the endpoints differ: title "Primary" and "Secondary"' },
        },
      },
    ]);
    expect((await stage.failover()).status.readiness).toBe("ready");
    expect(rollbacks(stage)).toBe(0);
  });

  it("costs one call a minute to wait for, and nothing is written meanwhile", async () => {
    const stage = await aWatchedShop(ROLLING_BACK);
    deployGood(stage);
    await stage.minutes(2);
    const rows = await countRowsWritten(["pages_projects", "webhooks", "events"]);
    stage.forgetCalls();
    await stage.minutes(3);
    expect(await rows()).toEqual({});
    const calls = stage.simulator.calls.filter(({ path }) => path.includes("/pages/"));
    expect(calls).toHaveLength(3);
  });

  it("is found among many projects by reading their list", async () => {
    const stage = setStage();
    const names = ["alpha", "beta", "gamma", "delta", "epsilon"];
    for (const name of names) {
      stage.simulator.world.addPagesProject({ name, body: `<title>${name}</title>` });
      await stage.call("POST", "/v1/failovers", {
        name,
        hostname: `${name}.example.com`,
        primary: { address: "origin.example.net" },
        secondary: { pages_project: name },
      });
    }
    await stage.alarms();
    await stage.minutes(3);
    stage.forgetCalls();
    deployBroken(stage, "delta");
    await stage.minutes(1);
    expect(await typesTold(stage, "delta")).toEqual(["standby.broken"]);
    expect(await typesTold(stage, "alpha")).toEqual([]);
    const lists = stage.simulator.calls.filter(({ path }) => path.endsWith("/pages/projects"));
    expect(lists).toHaveLength(1);
  });
});

describe("a rollback", () => {
  it("isn't made twice of the same deployment, and what a person deploys afterwards is judged anew", async () => {
    const stage = await aWatchedShop(ROLLING_BACK);
    const good = servedId(stage);
    const project = stage.simulator.world.pagesProject(PROJECT);
    const broken = deployBroken(stage);
    await stage.minutes(1);
    await passWithAlarms(stage, 20);
    expect(servedId(stage)).toBe(good);
    // Somebody insists on it.
    project.canonicalId = broken.id;
    await stage.minutes(2);
    await passWithAlarms(stage, 30);
    expect(servedId(stage)).toBe(broken.id);
    expect((await toldOf(stage))[0]).toMatchObject({
      type: "standby.broken",
      data: { message: expect.stringContaining("rolled back once already") },
    });
    const another = deployBroken(stage);
    await stage.minutes(1);
    await passWithAlarms(stage, 20);
    expect(servedId(stage)).toBe(good);
    expect((await toldOf(stage))[0]).toMatchObject({
      type: "standby.rolled_back",
      data: { from: { id: another.id } },
    });
    const mended = deployGood(stage);
    await stage.minutes(1);
    expect((await toldOf(stage))[0]).toMatchObject({
      type: "standby.verified",
      data: { deployment: { id: mended.id } },
    });
    expect(servedId(stage)).toBe(mended.id);
    expect(rollbacks(stage)).toBe(2);
  });

  it("isn't made where nothing was good before", async () => {
    const stage = setStage();
    deployBroken(stage);
    await stage.ready({ ...SHOP, ...ROLLING_BACK });
    expect(await typesTold(stage)).toEqual([]);
    const worse = deployBroken(stage);
    await stage.minutes(2);
    expect(servedId(stage)).toBe(worse.id);
    expect((await toldOf(stage))[0]).toMatchObject({
      type: "standby.broken",
      data: { message: expect.stringContaining("no earlier deployment was ever found good") },
    });
  });

  it("isn't made where two failovers that share the project disagree, and both are told after one verification", async () => {
    const stage = await aWatchedShop(ROLLING_BACK);
    await stage.ready({ ...SHOP, name: "blog", hostname: "blog.example.com" });
    const broken = deployBroken(stage);
    await stage.minutes(1);
    for (const name of ["shop", "blog"]) {
      expect(await toldOf(stage, name)).toMatchObject([
        { type: "standby.broken", data: { message: expect.stringContaining("disagree: blog only reports") } },
      ]);
    }
    expect(servedId(stage)).toBe(broken.id);
  });

  it("isn't made while the failover is paused, and is made while the fleet is frozen: it restores", async () => {
    const stage = await aWatchedShop(ROLLING_BACK);
    const good = servedId(stage);
    await stage.call("POST", "/v1/failovers/shop/pause", { expires_in_seconds: 600, reason: "hands off" });
    const second = deployBroken(stage);
    await stage.minutes(1);
    expect(servedId(stage)).toBe(second.id);
    expect((await toldOf(stage))[0].data.message).toContain("shop is paused");
    await stage.call("POST", "/v1/failovers/shop/resume", {});
    await stage.call("POST", "/v1/fleet/freeze", { reason: "an incident elsewhere" });
    deployBroken(stage);
    await stage.minutes(1);
    expect(servedId(stage)).toBe(good);
  });

  it("says that it lacks the permission, and asks no more", async () => {
    const stage = await aWatchedShop(ROLLING_BACK);
    stage.simulator.world.token.permissions.delete("Pages Write");
    stage.simulator.world.token.permissions.add("Pages Read");
    const broken = deployBroken(stage);
    await stage.minutes(3);
    expect((await toldOf(stage)).map(({ type }) => type)).toEqual([
      "standby.rollback_failed",
      "standby.broken",
    ]);
    expect((await toldOf(stage))[0].data.message).toContain("Pages Write");
    expect(servedId(stage)).toBe(broken.id);
    expect(rollbacks(stage)).toBe(1);
  });

  it("of the endpoint that visitors have says so", async () => {
    const stage = setStage();
    stage.simulator.world.addPagesProject({ name: "front", body: "<title>Front</title>" });
    await stage.ready({ ...SHOP, primary: { pages_project: "front" }, ...ROLLING_BACK });
    deployBroken(stage, "front");
    await stage.minutes(1);
    expect((await toldOf(stage))[0]).toMatchObject({
      type: "standby.broken",
      data: { endpoint: "primary", active: true, pages_project: "front" },
    });
  });

  it("fails where the earlier deployment is gone", async () => {
    const stage = await aWatchedShop(ROLLING_BACK);
    const project = stage.simulator.world.pagesProject(PROJECT);
    const broken = deployBroken(stage);
    project.deployments.splice(
      project.deployments.findIndex(({ id }) => id !== broken.id),
      1,
    );
    await stage.minutes(1);
    expect((await toldOf(stage))[0]).toMatchObject({
      type: "standby.rollback_failed",
      data: { message: expect.stringContaining("does not exist any more") },
    });
  });

  it("fails where what it returned to is broken by now", async () => {
    const stage = await aWatchedShop(ROLLING_BACK);
    const [good] = stage.simulator.world.pagesProject(PROJECT).deployments;
    deployBroken(stage);
    if (good !== undefined) good.status = 500;
    await stage.minutes(1);
    await passWithAlarms(stage, 20);
    expect((await toldOf(stage))[0]).toMatchObject({
      type: "standby.rollback_failed",
      data: { to: { id: good?.id }, message: expect.stringContaining("not found good") },
    });
    expect((await stage.failover()).status.readiness).toBe("degraded");
    await stage.minutes(3);
    expect(rollbacks(stage)).toBe(1);
    deployBroken(stage);
    await stage.minutes(2);
    expect((await toldOf(stage))[0]).toMatchObject({
      type: "standby.broken",
      data: { message: expect.stringContaining("not rolled back") },
    });
    expect(rollbacks(stage)).toBe(1);
  });
});

describe("a broken deploy that is mended without another", () => {
  it("is good again after two good probes", async () => {
    const stage = await aWatchedShop();
    const broken = deployBroken(stage);
    await stage.minutes(1);
    expect((await stage.failover()).status.readiness).toBe("degraded");
    delete broken.status;
    await stage.minutes(4);
    expect((await toldOf(stage)).map(({ type }) => type)).toEqual(["standby.verified", "standby.broken"]);
    expect((await stage.failover()).status).toMatchObject({ readiness: "ready" });
  });
});
