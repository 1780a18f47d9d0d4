import { describe, expect, it } from "vitest";
import { setStage, type Stage, UNDRILLED } from "./stage.ts";

const ALWAYS = Number.POSITIVE_INFINITY;

async function inTesting(): Promise<Stage> {
  const stage = setStage();
  await stage.ready();
  await stage.promote();
  await stage.minutes(1);
  return stage;
}

async function inProduction(): Promise<Stage> {
  const stage = await inTesting();
  await stage.promote();
  await stage.minutes(1);
  return stage;
}

const balancer = (stage: Stage) => [...stage.simulator.world.loadBalancers.values()][0];

describe("demoting", () => {
  it("preempts a promotion that doesn't come to an end", async () => {
    const stage = await inTesting();
    stage.simulator.world.cacheAtEdge("www.example.com");
    const promote = await stage.call("POST", "/v1/failovers/shop/promote", UNDRILLED);
    expect(promote.status).toBe(202);
    await stage.alarms();
    const back = await stage.operate("POST", "/v1/failovers/shop/demote");
    expect(back).toMatchObject({ status: "succeeded", result: { stage: "testing" } });
    const ended = await stage.call("GET", `/v1/operations/${promote.body.id}`);
    expect(ended.body).toMatchObject({ status: "aborted", message: `preempted by ${back.id}` });
    expect(balancer(stage)?.name).toBe("lb-shop.example.com");
  });

  it("asked for twice goes back one stage only", async () => {
    const stage = await inProduction();
    const answers = await Promise.all([
      stage.call("POST", "/v1/failovers/shop/demote"),
      stage.call("POST", "/v1/failovers/shop/demote"),
    ]);
    expect(answers[0]?.body.id).toBe(answers[1]?.body.id);
    await stage.alarms();
    expect((await stage.failover()).stage).toBe("testing");
  });

  it("goes through where another object of the failover is blocked", async () => {
    const stage = await inProduction();
    const { cloudflare } = await stage.failover();
    stage.simulator.world.edit("monitor", cloudflare.monitor_id, { description: "somebody else's now" });
    await stage.minutes(1);
    expect((await stage.failover()).status.sync).toBe("blocked");
    const back = await stage.operate("POST", "/v1/failovers/shop/demote");
    expect(back).toMatchObject({ status: "succeeded", result: { stage: "testing" } });
    await stage.minutes(2);
    expect(balancer(stage)?.name).toBe("lb-shop.example.com");
    expect((await stage.failover()).stage).toBe("testing");
  });
});

describe("a promotion that can't be carried out in time", () => {
  it("is not carried out later, when nobody looks any more", async () => {
    const stage = await inTesting();
    stage.simulator.faults.add({
      match: { method: "PATCH", path: /load_balancers/, times: ALWAYS },
      effect: { kind: "status", status: 500, when: "before" },
    });
    const promote = await stage.call("POST", "/v1/failovers/shop/promote", UNDRILLED);
    for (let minute = 0; minute < 14; minute += 1) {
      await stage.minutes(1);
      await stage.alarms();
    }
    const ended = await stage.call("GET", `/v1/operations/${promote.body.id}`);
    expect(ended.body).toMatchObject({ status: "failed", result: { stage: "testing" } });
    stage.simulator.faults.clear();
    await stage.minutes(3);
    expect(balancer(stage)?.name).toBe("lb-shop.example.com");
    expect(await stage.failover()).toMatchObject({ stage: "testing", status: { sync: "synced" } });
  });
});

describe("deleting", () => {
  it("ends a reconciliation that would make anew what was just deleted", async () => {
    const stage = await inTesting();
    const { revision } = await stage.failover();
    await stage.pass(30);
    const fault = stage.simulator.faults.add({
      match: { method: "GET", path: /load_balancers\/monitors$/, times: ALWAYS },
      effect: { kind: "status", status: 500, when: "before" },
    });
    const reconcile = await stage.call("POST", "/v1/failovers/shop/reconcile");
    await stage.alarms();
    const gone = await stage.operate("DELETE", "/v1/failovers/shop", undefined, {
      "if-match": `"${revision}"`,
    });
    fault.remove();
    expect(gone.status).toBe("succeeded");
    await stage.minutes(2);
    const ended = await stage.call("GET", `/v1/operations/${reconcile.body.id}`);
    expect(ended.body.status).toBe("aborted");
    expect(stage.simulator.world.loadBalancers.size).toBe(0);
  });

  it("in another mode than the one under way is refused", async () => {
    const stage = await inTesting();
    const { revision } = await stage.failover();
    await stage.call("DELETE", "/v1/failovers/shop", undefined, { "if-match": `"${revision}"` });
    const other = await stage.call("DELETE", "/v1/failovers/shop?mode=orphan", undefined, {
      "if-match": `"${revision + 1}"`,
    });
    expect(other.status).toBe(409);
    expect(other.body.detail).toContain("mode=destroy");
  });
});

describe("a look", () => {
  it("keeps the tick waiting for nobody, however many plans are asked for", async () => {
    const stage = await inTesting();
    stage.simulator.faults.add({
      match: { method: "GET", path: /load_balancers/, times: ALWAYS },
      effect: { kind: "timeout", when: "before" },
    });
    const plans = Array.from({ length: 8 }, () => stage.call("GET", "/v1/failovers/shop/plan"));
    await stage.minutes(1);
    expect((await stage.failover()).status.sync).toBe("unknown");
    for (const { status } of await Promise.all(plans)) expect(status).toBe(200);
  });

  it("changes nothing: what a plan finds to be gone is forgotten by the next tick only", async () => {
    const stage = setStage();
    const { cloudflare } = await stage.ready();
    stage.simulator.world.remove("load_balancer", cloudflare.load_balancer_id);
    const plan = await stage.call("GET", "/v1/failovers/shop/plan");
    expect(plan.body.changes).toMatchObject([{ action: "create", kind: "load_balancer" }]);
    expect((await stage.failover()).cloudflare).toEqual(cloudflare);
    await stage.minutes(1);
    expect((await stage.failover()).cloudflare.load_balancer_id).not.toBe(cloudflare.load_balancer_id);
  });
});

describe("a patch that changes only words", () => {
  it("leaves the witnesses what they said, and one of defaults raises no revision", async () => {
    const stage = await inTesting();
    const { revision } = await stage.failover();
    const patch = (body: object, at: number) =>
      stage.call("PATCH", "/v1/failovers/shop", body, { "if-match": `"${at}"` });
    expect((await patch({ monitor: { path: "/" } }, revision)).body.revision).toBe(revision);
    const worded = await patch({ monitor: { description: "every minute" } }, revision);
    expect(worded.body).toMatchObject({
      revision: revision + 1,
      status: {
        sync: "converging",
        readiness: "ready",
        message: `revision ${revision + 1} is not in place yet`,
      },
    });
  });

  it("can't give a Pages endpoint a Host that it doesn't answer to", async () => {
    const stage = setStage();
    const spec = { pages_project: "shop", host_header: "www.example.com" };
    const answer = await stage.call("POST", "/v1/failovers", {
      name: "shop",
      hostname: "www.example.com",
      primary: { address: "origin.example.net" },
      secondary: spec,
    });
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toMatchObject([{ pointer: "/secondary/host_header" }]);
  });
});

describe("a credential in what a monitor asks", () => {
  it("is in no event, neither of the spec nor of what was written or drifted", async () => {
    const stage = setStage();
    const secret = "Bearer s3cr3t-of-the-origin";
    const header = { Authorization: [secret], Host: ["www.example.com"] };
    const { cloudflare } = await stage.ready({
      name: "shop",
      hostname: "www.example.com",
      primary: { address: "origin.example.net" },
      secondary: { pages_project: "shop" },
      monitor: { header, path: "/health?key=s3cr3t-too" },
    });
    stage.simulator.world.edit("monitor", cloudflare.monitor_id, {
      header: { Authorization: ["another s3cr3t"] },
      path: "/health?key=a-third-s3cr3t",
    });
    await stage.minutes(1);
    expect(stage.simulator.world.monitors.get(cloudflare.monitor_id)).toMatchObject({
      header,
      path: "/health?key=s3cr3t-too",
    });
    const { body } = await stage.call("GET", "/v1/events?limit=100");
    const text = JSON.stringify(body);
    expect(text).toContain("drift.healed");
    expect(text).toContain("(hidden)");
    expect(text).toContain("/health?(hidden)");
    expect(text).not.toContain("s3cr3t");
  });
});
