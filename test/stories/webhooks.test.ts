import { env } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import {
  announce,
  aWatchedShop,
  deployBroken,
  deployGood,
  passWithAlarms,
  PROJECT,
  toldOf,
  typesTold,
  untilHeard,
} from "./deploying.ts";
import type { Answer, Stage } from "./stage.ts";

const { WEBHOOK_SECRET, DEPLOY_WEBHOOK_SECRET } = env as unknown as Record<string, string>;
const [FIRST = "", SECOND = ""] = (DEPLOY_WEBHOOK_SECRET ?? "").split(", ");
const DEPLOY = JSON.stringify({ pages_project: PROJECT, environment: "production" });

function signed(stage: Stage, id: string, secret = FIRST, body = DEPLOY): Record<string, string> {
  return {
    authorization: "",
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(stage.now() / 1000)),
    "webhook-signature": new Webhook(secret).sign(id, new Date(stage.now()), body),
  };
}

async function alert(stage: Stage, body: object): Promise<Answer> {
  const headers = { authorization: "", "cf-webhook-auth": WEBHOOK_SECRET ?? "" };
  const answer = await stage.call("POST", "/webhooks/cloudflare", body, headers);
  await untilHeard();
  return answer;
}

async function listed(stage: Stage): Promise<Answer["body"][]> {
  return (await stage.call("GET", "/v1/webhooks?limit=100")).body.items;
}

const pagesCalls = (stage: Stage) =>
  stage.simulator.calls.filter(({ path }) => path.includes("/pages/")).length;

describe("webhooks that came to nothing", () => {
  it("change nothing and ask nothing of Cloudflare: forged, stale, garbage, huge, in the wrong form", async () => {
    const stage = await aWatchedShop();
    deployBroken(stage);
    stage.forgetCalls();
    const good = signed(stage, "msg_1");
    const stale = signed(stage, "msg_2");
    await stage.pass(301);
    const anonymous = { authorization: "", "content-type": "application/json" };
    const attempts: [string, string, Record<string, string>][] = [
      ["/webhooks/deploys", DEPLOY, stale],
      ["/webhooks/deploys", DEPLOY, { ...good, "webhook-signature": "v1,AAAA" }],
      ["/webhooks/deploys", '{"pages_project":"other"}', signed(stage, "msg_3")],
      ["/webhooks/deploys", "{", signed(stage, "msg_4", SECOND, "{")],
      ["/webhooks/deploys", DEPLOY, anonymous],
      ["/webhooks/deploys", DEPLOY, { ...signed(stage, "msg_5"), "content-type": "text/html" }],
      ["/webhooks/deploys", "x".repeat(70_000), signed(stage, "msg_6")],
      ["/webhooks/deploys", "", signed(stage, "msg_7")],
      ["/webhooks/cloudflare", '{"alert_type":"pages_event_alert"}', anonymous],
      ["/webhooks/cloudflare", "\u0000", { ...anonymous, "cf-webhook-auth": WEBHOOK_SECRET ?? "" }],
      ["/webhooks/cloudflare", "x".repeat(70_000), { ...anonymous, "cf-webhook-auth": WEBHOOK_SECRET ?? "" }],
    ];
    for (const [path, body, headers] of attempts) {
      const { status } = await stage.call("POST", path, body, headers);
      expect([path, status]).toEqual([path, expect.toSatisfy((code: number) => code >= 400 && code < 500)]);
    }
    for (const method of ["GET", "PUT", "DELETE"])
      expect((await stage.call(method, "/webhooks/deploys")).status).toBe(405);
    expect(await listed(stage)).toEqual([]);
    expect(stage.simulator.calls).toEqual([]);
    expect(await typesTold(stage)).toEqual([]);
  });
});

describe("a deploy that is told of", () => {
  it("a hundred times at once, is one webhook and one verification", async () => {
    const stage = await aWatchedShop();
    await stage.pass(20);
    const good = deployGood(stage);
    await stage.pass(20);
    stage.forgetCalls();
    const headers = signed(stage, "msg_1");
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => stage.call("POST", "/webhooks/deploys", DEPLOY, headers)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter(({ body }) => !body.duplicate)).toHaveLength(1);
    await untilHeard();
    const [webhook, ...others] = await listed(stage);
    expect(others).toEqual([]);
    expect(webhook).toMatchObject({
      source: "deploys",
      deliveries: 100,
      outcome: {
        result: "looked",
        message: `a new deployment of ${PROJECT} was found: its standby event says what it is worth`,
      },
    });
    expect(pagesCalls(stage)).toBe(1);
    const told = await toldOf(stage);
    expect(told).toMatchObject([
      {
        type: "standby.verified",
        actor: { kind: "webhook", name: webhook.id },
        data: { deployment: { id: good.id }, noticed_by: webhook.id },
      },
    ]);
    await stage.minutes(2);
    expect(await typesTold(stage)).toHaveLength(1);
  });

  it("by many different webhooks, is still one verification", async () => {
    const stage = await aWatchedShop();
    deployGood(stage);
    await stage.pass(20);
    stage.forgetCalls();
    const posts = Array.from({ length: 20 }, (_, at) =>
      stage.call(
        "POST",
        "/webhooks/deploys",
        DEPLOY,
        signed(stage, `msg_${at}`, at % 2 === 0 ? FIRST : SECOND),
      ),
    );
    const alerts = Array.from({ length: 20 }, (_, at) =>
      alert(stage, { alert_type: "pages_event_alert", ts: at }),
    );
    await Promise.all([...posts, ...alerts]);
    await untilHeard();
    expect(await listed(stage)).toHaveLength(40);
    expect(await typesTold(stage)).toEqual(["standby.verified"]);
    // Whoever sends many gets one look for all that came meanwhile.
    expect(pagesCalls(stage)).toBeLessThan(10);
  });

  it("late, after another, changes nothing: what is served now counts", async () => {
    const stage = await aWatchedShop();
    const late = signed(stage, "msg_of_the_first");
    deployBroken(stage);
    const second = deployGood(stage);
    await stage.minutes(1);
    expect(await toldOf(stage)).toMatchObject([
      { type: "standby.verified", data: { deployment: { id: second.id } } },
    ]);
    expect((await stage.call("POST", "/webhooks/deploys", DEPLOY, late)).status).toBe(200);
    await untilHeard();
    expect((await listed(stage))[0].outcome).toEqual({
      result: "looked",
      message: `${PROJECT} was looked at: nothing is new`,
    });
    await passWithAlarms(stage, 60);
    expect(await typesTold(stage)).toHaveLength(1);
  });

  it("of a project that is no endpoint, is ignored and says so", async () => {
    const stage = await aWatchedShop();
    stage.forgetCalls();
    await announce(stage, "another-project");
    expect((await listed(stage))[0].outcome).toEqual({
      result: "ignored",
      message: "the Pages project another-project is no failover's endpoint",
    });
    expect(stage.simulator.calls).toEqual([]);
  });

  it("while Cloudflare can't be read, is verified by the next minute's tick", async () => {
    const stage = await aWatchedShop();
    const fault = stage.simulator.faults.add({
      match: { path: "/pages/", times: Infinity },
      effect: { kind: "status", status: 503, when: "before", body: "html" },
    });
    const broken = deployBroken(stage);
    expect((await announce(stage)).status).toBe(200);
    expect((await listed(stage))[0].outcome).toMatchObject({ result: "unreadable" });
    await stage.minutes(2);
    expect(await typesTold(stage)).toEqual([]);
    expect((await stage.failover()).status.sync).toBe("synced");
    fault.remove();
    await stage.minutes(1);
    expect(await toldOf(stage)).toMatchObject([
      { type: "standby.broken", data: { deployment: { id: broken.id } } },
    ]);
  });

  it("and played again, is looked at again", async () => {
    const stage = await aWatchedShop();
    await announce(stage);
    const [webhook] = await listed(stage);
    expect(webhook.outcome.message).toContain("nothing is new");
    const good = deployGood(stage);
    await stage.pass(20);
    const replayed = await stage.call("POST", `/v1/webhooks/${webhook.id}/replay`);
    expect(replayed).toMatchObject({
      status: 200,
      body: { id: webhook.id, deliveries: 1, body: DEPLOY_OF_ANNOUNCE },
    });
    expect(replayed.body.outcome.message).toContain("a new deployment");
    expect((await toldOf(stage))[0]).toMatchObject({ data: { deployment: { id: good.id } } });
    expect((await stage.call("POST", "/v1/webhooks/wh_nobody/replay")).status).toBe(404);
  });
});

const DEPLOY_OF_ANNOUNCE = JSON.stringify({ pages_project: PROJECT });

describe("Cloudflare's notifications", () => {
  it.each([
    ["none", {}],
    ["null", { data: null }],
    ["a number", { data: 7 }],
    ["of another project", { data: { project_name: "another" } }],
    ["of this one", { data: { project_name: PROJECT, event: "EVENT_DEPLOYMENT_FAILED" } }],
  ])("of Pages lead to a look; their data is %s", async (_, members) => {
    const stage = await aWatchedShop();
    deployBroken(stage);
    await stage.pass(20);
    expect((await alert(stage, { alert_type: "pages_event_alert", ...members })).status).toBe(200);
    expect(await typesTold(stage)).toEqual(["standby.broken"]);
  });

  it("of a pool's health are confirmed by reading it, without waiting for the minute", async () => {
    const stage = await aWatchedShop();
    const { cloudflare } = await stage.failover();
    stage.simulator.world.origin("origin.example.net").up = false;
    // The claim alone changes nothing.
    const claim = {
      alert_type: "load_balancing_health_alert",
      data: { pool_id: cloudflare.primary_pool_id, new_health: "Unhealthy" },
    };
    await alert(stage, { ...claim, ts: 1 });
    expect((await stage.failover()).status.health.primary.verdict).toBe("healthy");
    stage.simulator.world.settleHealth();
    await stage.pass(10);
    await alert(stage, { ...claim, ts: 2 });
    expect((await stage.failover()).status.health.primary.verdict).toBe("unhealthy");
    expect((await listed(stage))[0].outcome).toEqual({ result: "looked", message: "shop: looked at" });
  });

  it("of a kind that nobody knows are kept, and nothing follows", async () => {
    const stage = await aWatchedShop();
    stage.forgetCalls();
    expect((await alert(stage, { alert_type: "billing_usage_alert" })).status).toBe(200);
    expect((await listed(stage))[0].outcome).toEqual({
      result: "ignored",
      message: "nothing follows from billing_usage_alert",
    });
    expect(stage.simulator.calls).toEqual([]);
  });
});

describe("what came in", () => {
  it("is heard by the next tick where the word to the Coordinator was lost", async () => {
    const stage = await aWatchedShop();
    await env.DB.prepare(
      `INSERT INTO webhooks (id, account_id, source, dedupe_key, type, received_at, headers, body)
       VALUES ('wh_lost', ?1, 'deploys', 'lost', 'deploy', ?2, '{}', ?3)`,
    )
      .bind("a0000000000000000000000000000001", stage.now(), DEPLOY)
      .run();
    await stage.minutes(1);
    expect((await listed(stage))[0]).toMatchObject({ id: "wh_lost", outcome: { result: "looked" } });
  });

  it("is kept for thirty days", async () => {
    const stage = await aWatchedShop();
    await announce(stage);
    await stage.pass(29 * 86_400);
    await stage.tick();
    expect(await listed(stage)).toHaveLength(1);
    // Old things are cleared away at full hours.
    await stage.pass(86_400 + 57 * 60);
    await stage.tick();
    expect(await listed(stage)).toEqual([]);
  });
});
