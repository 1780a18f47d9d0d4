import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { LARGEST_BODY_BYTES } from "../../src/api/body.ts";
import { aToken } from "./builders.ts";
import { inMemoryService, secretOf, WEBHOOK_SECRETS } from "./in-memory-service.ts";

const [SECRET = "", OTHER = ""] = WEBHOOK_SECRETS.deploys;
const DEPLOY = JSON.stringify({ pages_project: "shop" });
const ALERT = JSON.stringify({ alert_type: "pages_event_alert", ts: 1, data: { x: 1 } });
const TEST = JSON.stringify({
  text: "Hello World! This is a test message sent from https://cloudflare.com. If you can see this, it works.",
});

const byCloudflare = { "cf-webhook-auth": WEBHOOK_SECRETS.cloudflare };

function signedBy(secret: string, at: number, body: string, id = "msg_1") {
  const signature = new Webhook(secret).sign(id, new Date(at), body);
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at / 1000)),
    "webhook-signature": signature,
  };
}

function aService() {
  const service = inMemoryService();
  const post = async (path: string, body: string, headers: Record<string, string> = {}) => {
    const answer = await service.ask(`/webhooks/${path}`, { method: "POST", body, headers, token: null });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: JSON.parse(text) };
  };
  const sign = (body = DEPLOY, id = "msg_1", secret = SECRET) =>
    signedBy(secret, service.world.now, body, id);
  return { ...service, post, sign };
}

type Service = ReturnType<typeof aService>;

describe("what is refused is neither stored nor heard", () => {
  it.each<[string, string, (service: Service) => [string, Record<string, string>], number]>([
    ["an alert without its secret", "cloudflare", () => [ALERT, {}], 401],
    ["an alert with another secret", "cloudflare", () => [ALERT, { "cf-webhook-auth": "guessed" }], 401],
    [
      "an alert with the beginning of the secret",
      "cloudflare",
      () => [ALERT, { "cf-webhook-auth": WEBHOOK_SECRETS.cloudflare.slice(0, -1) }],
      401,
    ],
    [
      "an alert with a token in the secret's place",
      "cloudflare",
      () => [ALERT, { authorization: "Bearer x" }],
      401,
    ],
    [
      "the test with a wrong secret, so that it shows",
      "cloudflare",
      () => [TEST, { "cf-webhook-auth": "guessed" }],
      401,
    ],
    ["an alert that is no JSON", "cloudflare", () => ["<html>", byCloudflare], 400],
    ["an alert that is a list", "cloudflare", () => ["[]", byCloudflare], 400],
    ["an alert that says nothing", "cloudflare", () => ["{}", byCloudflare], 400],
    ["an alert without a body", "cloudflare", () => ["", byCloudflare], 400],
    ["an alert that is huge", "cloudflare", () => [`"${"x".repeat(LARGEST_BODY_BYTES)}"`, byCloudflare], 413],
    ["a deploy without a word of who says so", "deploys", () => [DEPLOY, {}], 401],
    ["a deploy that another body was signed for", "deploys", ({ sign }) => [DEPLOY, sign(`${DEPLOY} `)], 401],
    [
      "a deploy that a stranger signed",
      "deploys",
      ({ sign }) => [DEPLOY, sign(DEPLOY, "msg_1", `whsec_${btoa("a-stranger's-secret-Xy99-Xy99")}`)],
      401,
    ],
    [
      "a deploy of long ago",
      "deploys",
      ({ world }) => [DEPLOY, signedBy(SECRET, world.now - 301_000, DEPLOY)],
      401,
    ],
    [
      "a deploy of the future",
      "deploys",
      ({ world }) => [DEPLOY, signedBy(SECRET, world.now + 301_000, DEPLOY)],
      401,
    ],
    [
      "a deploy with a wrong signature and Cloudflare's secret",
      "deploys",
      () => [DEPLOY, { ...byCloudflare, "webhook-signature": "v1,x" }],
      401,
    ],
    [
      "a deploy with a token that isn't valid",
      "deploys",
      () => [DEPLOY, { authorization: "Bearer nobody" }],
      401,
    ],
    ["a deploy that is no JSON", "deploys", ({ sign }) => ["{", sign("{")], 400],
    ["a deploy of nothing", "deploys", ({ sign }) => ["{}", sign("{}")], 400],
    [
      "a deploy whose project is a number",
      "deploys",
      ({ sign }) => ['{"pages_project":7}', sign('{"pages_project":7}')],
      400,
    ],
    [
      "a deploy as a form",
      "deploys",
      ({ sign }) => [DEPLOY, { ...sign(), "content-type": "application/x-www-form-urlencoded" }],
      415,
    ],
    ["a deploy that is huge", "deploys", ({ sign }) => [`"${"x".repeat(LARGEST_BODY_BYTES)}"`, sign()], 413],
  ])("%s", async (_, path, make, status) => {
    const service = aService();
    const [body, headers] = make(service);
    const answer = await service.post(path, body, headers);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    if (status === 401) expect(answer.headers.get("www-authenticate")).toMatch(/realm="understudy"/);
    expect(service.world.webhooks).toEqual([]);
    expect(service.world.actions).toEqual([]);
    const said = JSON.stringify([answer.body, service.world.logged]);
    for (const secret of [SECRET, OTHER, WEBHOOK_SECRETS.cloudflare]) expect(said).not.toContain(secret);
  });

  it("bytes that are no text", async () => {
    const { app, world } = aService();
    const headers = { ...byCloudflare, "content-type": "application/json" };
    const answer = await app.request("/webhooks/cloudflare", {
      method: "POST",
      headers,
      body: new Uint8Array([0xff, 0xfe]),
    });
    expect(answer.status).toBe(400);
    expect(world.webhooks).toEqual([]);
  });

  it("names the member of a deploy that is wrong", async () => {
    const { post, sign } = aService();
    const body = '{"pages_project":"shop","commit":7}';
    expect((await post("deploys", body, sign(body))).body).toMatchObject({
      errors: [{ pointer: "/commit", message: "must be text" }],
    });
  });
});

describe("what is taken", () => {
  it("Cloudflare's test, without its secret: nothing is kept of it", async () => {
    const { post, world } = aService();
    expect(await post("cloudflare", TEST)).toMatchObject({
      status: 200,
      body: { id: null, duplicate: false },
    });
    expect(world.webhooks).toEqual([]);
    expect(world.actions).toEqual([]);
  });

  it.each([
    ["Cloudflare's test with its secret", TEST, "test"],
    ["an alert", ALERT, "pages_event_alert"],
    ["an alert of a kind that nobody knows", '{"alert_type":"new_thing"}', "new_thing"],
  ])("%s", async (_, body, type) => {
    const { post, world } = aService();
    const headers = { ...byCloudflare, "content-type": "text/plain", "user-agent": "Cloudflare" };
    expect(await post("cloudflare", body, headers)).toMatchObject({
      status: 200,
      body: { id: "wh_1", duplicate: false },
    });
    expect(world.webhooks).toMatchObject([
      {
        source: "cloudflare",
        type,
        body,
        headers: { "content-type": "text/plain", "user-agent": "Cloudflare" },
      },
    ]);
    expect(JSON.stringify(world.webhooks)).not.toContain(WEBHOOK_SECRETS.cloudflare);
    expect(world.actions).toEqual([{ verb: "hear", given: [] }]);
  });

  it.each([
    ["the first secret", SECRET],
    ["the other, while one is exchanged", OTHER],
  ])("a deploy, signed by %s", async (_, secret) => {
    const { post, sign, world } = aService();
    expect(await post("deploys", DEPLOY, sign(DEPLOY, "msg_1", secret))).toMatchObject({ status: 200 });
    const [{ headers, ...webhook } = { headers: {} }] = world.webhooks;
    expect(webhook).toMatchObject({ source: "deploys", type: "deploy", body: DEPLOY });
    expect(Object.keys(headers).toSorted()).toEqual(["content-type", "webhook-id", "webhook-timestamp"]);
  });

  it("a deploy with a token", async () => {
    const { ask, world } = aService();
    const answer = await ask("/webhooks/deploys", { method: "POST", body: DEPLOY });
    expect(answer.status).toBe(200);
    expect(JSON.stringify(world.webhooks)).not.toContain("Bearer");
  });

  it("a deploy with a token that may operate, and not with one that may only read", async () => {
    for (const [scope, status] of [
      ["operate", 200],
      ["read", 403],
    ] as const) {
      const { ask, world } = aService();
      const token = aToken({ scopes: [scope] });
      world.tokens = [token];
      const answer = await ask("/webhooks/deploys", {
        method: "POST",
        body: DEPLOY,
        token: secretOf(token),
      });
      expect(answer.status).toBe(status);
      expect(world.webhooks).toHaveLength(status === 200 ? 1 : 0);
    }
  });

  it("the same again is one, and is heard once", async () => {
    const { post, sign, world } = aService();
    for (let times = 0; times < 3; times += 1) await post("deploys", DEPLOY, sign());
    for (let times = 0; times < 3; times += 1) await post("cloudflare", ALERT, byCloudflare);
    expect(await post("cloudflare", ALERT, byCloudflare)).toMatchObject({
      body: { id: "wh_2", duplicate: true },
    });
    expect(world.webhooks).toHaveLength(2);
    expect(world.actions).toHaveLength(2);
  });

  it("two deploys with a token are two, however alike: a redeploy has nothing that tells it from the first", async () => {
    const { ask, world } = aService();
    for (let times = 0; times < 2; times += 1)
      await ask("/webhooks/deploys", { method: "POST", body: DEPLOY });
    expect(world.webhooks).toHaveLength(2);
  });
});

describe("the list of what came in", () => {
  it("is paged, newest first, and shows bodies only one by one", async () => {
    const { post, sign, ask, world } = aService();
    await post("deploys", DEPLOY, sign());
    await post("cloudflare", ALERT, byCloudflare);
    const list = await (await ask("/v1/webhooks?limit=1")).json();
    expect(list).toMatchObject({
      items: [{ id: "wh_2", outcome: null, deliveries: 1 }],
      next_cursor: expect.any(String),
    });
    expect(JSON.stringify(list)).not.toContain("alert_type");
    expect(await (await ask("/v1/webhooks/wh_1")).json()).toMatchObject({
      body: DEPLOY,
      headers: { "webhook-id": "msg_1" },
    });
    expect((await ask("/v1/webhooks/wh_9")).status).toBe(404);
    world.actions.length = 0;
    expect((await ask("/v1/webhooks/wh_1/replay", { method: "POST" })).status).toBe(200);
    expect(world.actions).toMatchObject([{ verb: "replayWebhook", given: ["wh_1", {}] }]);
  });
});
