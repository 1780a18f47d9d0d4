import { env } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { allSent, aListener, deliveriesOf, pauseBecause, waitAndSend, type Listener } from "./listeners.ts";
import { setStage, SHOP, type Stage } from "./stage.ts";

const BLOG = { ...SHOP, name: "blog", hostname: "blog.example.com" };

async function create(stage: Stage, ...specs: readonly object[]): Promise<void> {
  for (const spec of specs) {
    const { status } = await stage.call("POST", "/v1/failovers", spec);
    expect(status).toBe(201);
  }
  await stage.alarms();
}

const ids = ({ receiver }: Listener) =>
  receiver.received.filter(({ status }) => status < 300).map(({ headers }) => headers["webhook-id"]);

describe("a receiver that fails for an hour", () => {
  it("gets everything once it is back: in order for each failover, and once by its id", async () => {
    const stage = setStage();
    await create(stage, SHOP, BLOG);
    const listener = await aListener(stage);
    const { receiver } = listener;
    receiver.status = 503;
    for (let minute = 0; minute < 60; minute += 10) {
      await pauseBecause(stage, `at minute ${minute}`);
      if (minute % 20 === 0) await pauseBecause(stage, `at minute ${minute}`, "blog");
      await waitAndSend(stage, 10);
    }
    expect(listener.taken()).toEqual([]);
    expect(receiver.received.length).toBeGreaterThan(4);
    receiver.status = 200;
    await waitAndSend(stage, 180, 15);
    const of = (name: string) => listener.pauses().filter((pause) => pause.startsWith(name));
    expect(of("shop")).toEqual([0, 10, 20, 30, 40, 50].map((minute) => `shop at minute ${minute}`));
    expect(of("blog")).toEqual([0, 20, 40].map((minute) => `blog at minute ${minute}`));
    expect(new Set(ids(listener)).size).toBe(ids(listener).length);
    const deliveries = await deliveriesOf(stage, "hook");
    expect(new Set(deliveries.map(({ status }) => status))).toEqual(new Set(["delivered"]));
  });

  it("and hears within a minute of its return of what happens then, with what waited before it", async () => {
    const stage = setStage();
    await create(stage, SHOP);
    const listener = await aListener(stage);
    listener.receiver.status = 503;
    await pauseBecause(stage, "during the outage");
    await waitAndSend(stage, 60, 10);
    listener.receiver.status = 200;
    await pauseBecause(stage, "afterwards");
    await waitAndSend(stage, 1, 1);
    expect(listener.pauses()).toEqual(["shop during the outage", "shop afterwards"]);
  });

  it("is sent all that waits once it is mended by another URL", async () => {
    const stage = setStage();
    await create(stage, SHOP);
    const listener = await aListener(stage);
    listener.receiver.status = 404;
    await pauseBecause(stage, "at the old URL");
    await waitAndSend(stage, 60, 10);
    expect(listener.pauses()).toEqual([]);
    listener.receiver.status = 200;
    const url = "https://hook.receiver.example.org/elsewhere";
    expect((await stage.call("PATCH", "/v1/channels/hook", { url })).status).toBe(200);
    await allSent();
    expect(listener.pauses()).toEqual(["shop at the old URL"]);
  });

  it("holds up no other channel", async () => {
    const stage = setStage();
    await create(stage, SHOP);
    const [broken, well] = [await aListener(stage, "broken"), await aListener(stage, "well")];
    broken.receiver.failure = "refused";
    await pauseBecause(stage, "one");
    await pauseBecause(stage, "two");
    await allSent();
    expect(well.pauses()).toEqual(["shop one", "shop two"]);
    expect(broken.taken()).toEqual([]);
  });

  it("that hangs delays no tick and nobody's request", async () => {
    const stage = setStage();
    await create(stage, SHOP);
    const [hanging, well] = [await aListener(stage, "hanging"), await aListener(stage, "well")];
    hanging.receiver.failure = "timeout";
    await pauseBecause(stage, "while it hangs");
    await stage.pass(60);
    await stage.tick();
    const delivery = (await deliveriesOf(stage, "hanging")).at(-1);
    // Still being waited for, although the request was answered and a whole tick is over.
    expect(delivery).toMatchObject({ status: "pending", attempts: 1, last_error: null });
    await allSent();
    expect((await deliveriesOf(stage, "hanging")).at(-1).last_error).toContain(
      "did not answer within 3 seconds",
    );
    expect(well.pauses()).toEqual(["shop while it hangs"]);
  });

  it("and is silent for three days misses what it was sent, until somebody asks for it", async () => {
    const stage = setStage();
    await create(stage, SHOP);
    const [lost, well] = [await aListener(stage, "lost"), await aListener(stage, "well")];
    lost.receiver.status = 500;
    await pauseBecause(stage, "nobody hears");
    await waitAndSend(stage, 75 * 60, 60);
    const delivery = (await deliveriesOf(stage, "lost")).at(-1);
    expect(delivery).toMatchObject({
      status: "failed",
      attempts: 10,
      last_status: 500,
      next_attempt_at: null,
    });
    expect(well.titles()).toContain("A message did not reach the channel lost");
    lost.receiver.status = 200;
    const again = await stage.call("POST", "/v1/channels/lost/redeliver", {});
    expect(again).toMatchObject({ status: 200, body: { deliveries: 2 } });
    await allSent();
    expect(lost.titles()).toEqual(["shop: healing is paused", "shop: the pause was ended"]);
    expect(ids(lost)[0]).toBe(delivery.id);
    const { body } = await stage.call("GET", `/v1/channels/lost/deliveries/${delivery.id}`);
    expect(body).toMatchObject({ status: "delivered", attempts: 1 });
  });
});

describe("a trouble that another version of the service knew", () => {
  it("keeps nothing else from being told", async () => {
    const stage = setStage();
    await create(stage, SHOP);
    const listener = await aListener(stage);
    await env.DB.prepare(
      `INSERT INTO incidents (account_id, key, due_at, incident)
       SELECT account_id, id || ':former', 1, json_object('key', id || ':former', 'failoverId', id, 'kind', 'former',
         'state', 'open', 'isOpen', json('true'), 'type', 'standby.broken', 'severity', 'warning', 'detail', NULL,
         'changedAt', json('[]'), 'told', json('[]'), 'acknowledged', json('false'), 'group', NULL, 'dueAt', 1)
       FROM failovers`,
    ).run();
    await pauseBecause(stage, "all the same");
    await allSent();
    expect(listener.pauses()).toEqual(["shop all the same"]);
    expect(await env.DB.prepare("SELECT key FROM incidents WHERE key LIKE '%former'").first()).toBe(null);
  });
});

describe("what a receiver answers", () => {
  it("429 with Retry-After: it is left alone for so long", async () => {
    const stage = setStage();
    await create(stage, SHOP, BLOG);
    const listener = await aListener(stage);
    Object.assign(listener.receiver, { status: 429, headers: { "retry-after": "1200" } });
    await pauseBecause(stage, "first");
    await allSent();
    await pauseBecause(stage, "second", "blog");
    await waitAndSend(stage, 15);
    expect(listener.receiver.received).toHaveLength(1);
    listener.receiver.status = 200;
    await waitAndSend(stage, 5);
    expect(listener.pauses().toSorted()).toEqual(["blog second", "shop first"]);
  });

  it("410: the channel is disabled, and the others hear of it", async () => {
    const stage = setStage();
    await create(stage, SHOP);
    const [gone, well] = [await aListener(stage, "gone"), await aListener(stage, "well")];
    gone.receiver.status = 410;
    await pauseBecause(stage, "one");
    await pauseBecause(stage, "two");
    await allSent();
    expect(gone.receiver.received).toHaveLength(1);
    expect((await stage.call("GET", "/v1/channels/gone")).body).toMatchObject({
      enabled: false,
      disabled_because: expect.stringContaining("410"),
    });
    expect(well.titles()).toContain("The channel gone is disabled");
    expect((await stage.call("POST", "/v1/channels/gone/test")).status).toBe(409);
    gone.receiver.status = 200;
    const enabled = await stage.call("PATCH", "/v1/channels/gone", { enabled: true });
    expect(enabled).toMatchObject({ status: 200, body: { enabled: true, disabled_because: null } });
    await stage.call("POST", "/v1/channels/gone/redeliver", {});
    await allSent();
    expect(gone.pauses()).toEqual(["shop one", "shop two"]);
  });

  it("a redirect: it is not followed", async () => {
    const stage = setStage();
    await create(stage, SHOP);
    const listener = await aListener(stage);
    listener.receiver.redirectTo = "https://169.254.169.254/latest/meta-data/";
    await pauseBecause(stage, "elsewhere");
    await allSent();
    const delivery = (await deliveriesOf(stage, "hook")).at(-1);
    expect(delivery).toMatchObject({
      status: "pending",
      last_error: expect.stringContaining("redirect to 169.254"),
    });
  });

  it("what it quotes of our secrets is hidden", async () => {
    const stage = setStage();
    await create(stage, SHOP);
    const listener = await aListener(stage);
    Object.assign(listener.receiver, {
      status: 400,
      body: "no such token: hook-t0ken at /hook?token=hook-t0ken",
    });
    await pauseBecause(stage, "quoted");
    await allSent();
    const delivery = (await deliveriesOf(stage, "hook")).at(-1);
    expect(delivery.last_error).toMatch(/^it answered with status 400: no such token/);
    expect(delivery.last_error).not.toContain("/hook?token=hook-t0ken");
    expect(JSON.stringify(delivery)).not.toContain("t0ken");
  });
});

describe("a message", () => {
  it("is signed as Standard Webhooks has it, with both secrets while one takes the other's place", async () => {
    const stage = setStage();
    await create(stage, SHOP);
    const { receiver, channel } = await aListener(stage);
    expect(channel.secret).toMatch(/^whsec_/);
    expect((await stage.call("GET", "/v1/channels/hook")).body).not.toHaveProperty("secret");
    const rotated = await stage.call("PATCH", "/v1/channels/hook", { rotate_secret: true });
    expect(rotated.body.secret).toMatch(/^whsec_/);
    await pauseBecause(stage, "signed");
    await allSent();
    const [got] = receiver.received;
    for (const secret of [channel.secret, rotated.body.secret]) {
      expect(new Webhook(secret).verify(got?.body ?? "", got?.headers ?? {})).toMatchObject({
        type: "failover.paused",
        data: { failover: { name: "shop" }, link: "https://understudy.test/v1/failovers/shop" },
      });
    }
    await waitAndSend(stage, 25 * 60, 300);
    await pauseBecause(stage, "later");
    await allSent();
    const late = receiver.received.at(-1);
    expect(() => new Webhook(channel.secret).verify(late?.body ?? "", late?.headers ?? {})).toThrow(
      "No matching",
    );
  });

  it("of a test goes out whatever the filter says, and tells a pager that it is over", async () => {
    const stage = setStage();
    const filter = { types: ["drift.*"], severities: ["critical"] };
    const hook = await aListener(stage, "hook", { filter });
    const pager = await aListener(stage, "pager", { type: "pagerduty", secret: "k".repeat(32), filter });
    const tested = await stage.call("POST", "/v1/channels/hook/test");
    expect(tested).toMatchObject({ status: 202, body: { type: "channel.test" } });
    expect(tested.headers.get("location")).toBe(
      `/v1/channels/${hook.channel.id}/deliveries/${tested.body.id}`,
    );
    await stage.call("POST", "/v1/channels/pager/test");
    await allSent();
    expect(hook.titles()).toEqual(["A test of the channel hook"]);
    const [begun, ended] = pager.taken();
    expect(begun).toMatchObject({ event_action: "trigger", routing_key: "k".repeat(32) });
    expect(ended).toMatchObject({ event_action: "resolve", dedup_key: begun.dedup_key });
    expect(pager.taken()).toHaveLength(2);
  });
});
