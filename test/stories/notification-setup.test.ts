import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { passWithAlarms, toldOf, untilHeard } from "./deploying.ts";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";

const PATH = "/v1/setup/notifications";
const SECRET = "test-webhook-secret-Lm58";

const setUp = (stage: Stage): Promise<Answer> => stage.call("POST", PATH);
const look = async (stage: Stage): Promise<Answer["body"]> => (await stage.call("GET", PATH)).body;
const policies = ({ simulator: { world } }: Stage) => [...world.alertPolicies.values()];
const destinations = ({ simulator: { world } }: Stage) => [...world.destinations.values()];
const lacks = ({ missing }: Answer["body"]): string[] => missing.map(({ id }: { id: string }) => id);

/** What came in since, but for the test messages. */
async function webhooks(stage: Stage): Promise<Answer["body"][]> {
  const { items } = (await stage.call("GET", "/v1/webhooks")).body;
  return items.filter(({ type }: { type: string }) => type !== "test");
}

describe("setting up Cloudflare's notifications", () => {
  it("says what is missing, makes it with the secret, and then changes nothing", async () => {
    const stage = setStage();
    const { cloudflare } = await stage.ready();
    const before = await look(stage);
    expect(before).toMatchObject({ in_place: false, destination: null, changes: [] });
    expect(lacks(before)).toEqual(["destination", "policy", "policy", "policy"]);

    const made = await setUp(stage);
    expect(made.status).toBe(200);
    expect(made.body).toMatchObject({
      in_place: true,
      destination: { url: "https://understudy.test/webhooks/cloudflare", secret: "current" },
      missing: [],
    });
    expect(made.body.changes.map(({ action, kind }: Record<string, string>) => `${action} ${kind}`)).toEqual([
      "create destination",
      "create policy",
      "create policy",
      "create policy",
    ]);
    expect(destinations(stage)).toMatchObject([{ secret: SECRET }]);
    const [destination] = destinations(stage);
    const pool_id = [cloudflare.primary_pool_id, cloudflare.secondary_pool_id].toSorted();
    const mechanisms = { webhooks: [{ id: destination?.id }] };
    expect(policies(stage)).toMatchObject([
      {
        alert_type: "pages_event_alert",
        enabled: true,
        mechanisms,
        filters: {
          project_id: [stage.simulator.world.pagesProject("shop").id],
          environment: ["ENVIRONMENT_PRODUCTION"],
          event: ["EVENT_DEPLOYMENT_SUCCESS", "EVENT_DEPLOYMENT_FAILED"],
        },
      },
      { alert_type: "load_balancing_health_alert", mechanisms, filters: { pool_id, event_source: ["pool"] } },
      { alert_type: "load_balancing_pool_enablement_alert", mechanisms, filters: { pool_id } },
    ]);
    expect(JSON.stringify(made.body)).not.toContain(SECRET);

    stage.forgetCalls();
    const again = await setUp(stage);
    expect(again.body).toEqual({ ...made.body, changes: [], destination: expect.any(Object) });
    expect(stage.writes()).toEqual([]);
    const { body: events } = await stage.call("GET", "/v1/events?limit=100");
    const told = events.items.filter(({ type }: { type: string }) => type === "notifications.set_up");
    expect(told).toMatchObject([{ actor: { name: "admin" }, data: { changes: expect.any(Array) } }]);
  });

  it("brings a deploy's notification in, so that the stand-in is verified without waiting for cron", async () => {
    const stage = setStage();
    await stage.ready();
    await setUp(stage);
    const { id } = stage.simulator.world.deploy("shop", { body: "<title>Secondary</title> anew" });
    // Cloudflare posts it; no tick comes.
    await stage.pass(2);
    await untilHeard();
    await passWithAlarms(stage, 40);
    expect(await webhooks(stage)).toMatchObject([
      { type: "pages_event_alert", outcome: { result: "looked" } },
    ]);
    expect((await toldOf(stage))[0]).toMatchObject({
      type: "standby.verified",
      data: { deployment: { id } },
    });
  });

  it("brings in that a pool's health changed, so that it is known before cron comes", async () => {
    const stage = setStage();
    await stage.ready();
    await setUp(stage);
    stage.simulator.world.origin("origin.example.net").up = false;
    await stage.pass(60);
    await untilHeard();
    expect(await webhooks(stage)).toMatchObject([{ type: "load_balancing_health_alert" }]);
    expect((await stage.failover()).status.health.primary.verdict).toBe("unhealthy");
  });

  it("follows failovers that come and go", async () => {
    const stage = setStage();
    const { id } = await stage.ready();
    await setUp(stage);
    stage.simulator.world.addPagesProject({ name: "blog" });
    const blog = {
      ...SHOP,
      name: "blog",
      hostname: "blog.example.com",
      secondary: { pages_project: "blog" },
    };
    await stage.ready(blog);
    const missing = await look(stage);
    expect(missing.policies.map(({ state }: { state: string }) => state)).toEqual([
      "missing",
      "in_place",
      "differs",
      "differs",
    ]);
    const { body: more } = await setUp(stage);
    expect([more.in_place, more.changes.length]).toEqual([true, 3]);

    const { revision } = await stage.failover(id);
    const gone = await stage.operate("DELETE", `/v1/failovers/${id}`, undefined, {
      "if-match": `"${revision}"`,
    });
    expect(gone.status).toBe("succeeded");
    expect(lacks(await look(stage))).toEqual(["policy", "policy", "surplus"]);
    const { body: less } = await setUp(stage);
    expect(less.in_place).toBe(true);
    expect(policies(stage).map(({ name }) => name)).toEqual([
      "Understudy: health of its pools",
      "Understudy: pools enabled or disabled",
      "Understudy: deploys of blog",
    ]);
  });

  it("touches nothing of others, and keeps whom somebody else lets our policy tell", async () => {
    const stage = setStage();
    await stage.ready();
    const account = `/accounts/${stage.simulator.world.account.id}/alerting/v3`;
    stage.simulator.world.addReceiver({ address: "hooks.example.org" });
    await setUp(stage);
    const [ours] = policies(stage);
    const theirs = {
      name: "deploys",
      description: "Made by Understudy. understudy:zzzzzzzz:notifications:deploys-shop",
      alert_type: "load_balancing_health_alert",
      enabled: false,
      filters: {},
      mechanisms: { webhooks: [{ id: destinations(stage)[0]?.id }] },
    };
    const { id: theirId } = await stage.cloudflare("POST", `${account}/policies`, theirs);
    await stage.cloudflare("PUT", `${account}/policies/${ours?.id}`, {
      ...ours,
      enabled: false,
      mechanisms: { ...ours?.mechanisms, email: [{ id: "ops@example.com" }] },
    });
    expect((await look(stage)).policies[0]).toMatchObject({ state: "differs", differs: ["enabled"] });
    stage.forgetCalls();
    expect((await setUp(stage)).body.in_place).toBe(true);
    expect(stage.writes()).toEqual([`PUT ${account}/policies/${ours?.id}`]);
    expect(stage.simulator.world.alertPolicies.get(ours?.id ?? "")).toMatchObject({
      enabled: true,
      mechanisms: { email: [{ id: "ops@example.com" }], webhooks: [{ id: destinations(stage)[0]?.id }] },
    });
    expect(stage.simulator.world.alertPolicies.get(theirId)).toMatchObject(theirs);
  });

  it("gives the destination the secret that is set now, and the URL", async () => {
    const stage = setStage();
    await stage.ready();
    await setUp(stage);
    await env.DB.prepare("UPDATE webhook_destinations SET secret_hash = 'of the one before'").run();
    expect(await look(stage)).toMatchObject({
      in_place: false,
      destination: { secret: "outdated" },
      missing: [{ id: "secret", message: expect.stringContaining("was changed") }],
    });
    const [destination] = destinations(stage);
    if (destination !== undefined) {
      const changed = { ...destination, url: "https://elsewhere.example.org/", secret: "the one before" };
      stage.simulator.world.destinations.set(destination.id, changed);
    }
    expect(lacks(await look(stage))).toEqual(["destination", "secret"]);
    const { body } = await setUp(stage);
    expect(body).toMatchObject({ in_place: true, changes: [{ action: "update", kind: "destination" }] });
    expect(destinations(stage)).toMatchObject([
      { id: destination?.id, url: "https://understudy.test/webhooks/cloudflare", secret: SECRET },
    ]);
  });

  it("finds what a lost answer made, and leaves no twin", async () => {
    const stage = setStage();
    await stage.ready();
    const lost = stage.simulator.faults.add({
      match: { method: "POST", path: /alerting/, times: Infinity },
      effect: { kind: "drop", when: "after" },
    });
    for (let tries = 0; tries < 4; tries += 1) expect((await setUp(stage)).status).toBe(503);
    lost.remove();
    expect((await setUp(stage)).body.in_place).toBe(true);
    expect([destinations(stage).length, policies(stage).length]).toEqual([1, 3]);
  });

  it("removes a twin that came late, and whatever tells it", async () => {
    const stage = setStage();
    await stage.ready();
    await setUp(stage);
    const { world } = stage.simulator;
    const [destination] = destinations(stage);
    const [policy] = policies(stage);
    if (destination === undefined || policy === undefined) throw new Error("nothing was set up");
    world.destinations.set("twin", { ...destination, id: "twin", created_at: "2020-01-01T00:00:00.000000Z" });
    world.alertPolicies.set("twin", { ...policy, id: "twin", mechanisms: { webhooks: [{ id: "twin" }] } });
    world.alertPolicies.set(policy.id, {
      ...policy,
      mechanisms: { webhooks: [{ id: destination.id }, { id: "twin" }] },
    });
    expect((await setUp(stage)).body.in_place).toBe(true);
    expect(destinations(stage).map(({ id }) => id)).toEqual([destination.id]);
    expect(policies(stage)).toHaveLength(3);
    expect(world.alertPolicies.get(policy.id)?.mechanisms).toEqual({ webhooks: [{ id: destination.id }] });
  });
});

describe("where notifications can't be set up", () => {
  it.each([
    [
      "the token may not write them",
      "permission",
      ({ world }: Stage["simulator"]) => world.token.permissions.delete("Notifications Write"),
    ],
    [
      "the account may not have webhooks",
      "not-eligible",
      ({ world }: Stage["simulator"]) => {
        world.switches.webhooksEligible = false;
      },
    ],
  ] as const)("says so, and what to do: %s", async (_, guard, arrange) => {
    const stage = setStage();
    await stage.ready();
    arrange(stage.simulator);
    const { status, body } = await setUp(stage);
    expect(status).toBe(409);
    expect(body.refusals).toMatchObject([{ guard, overridable: false, remedy: expect.any(String) }]);
    expect([destinations(stage), policies(stage)]).toEqual([[], []]);
  });

  it("says which permission is missing, also where they can't even be read", async () => {
    const stage = setStage();
    await stage.ready();
    stage.simulator.world.token.permissions.delete("Notifications Write");
    stage.simulator.world.token.permissions.delete("Notifications Read");
    expect(await look(stage)).toMatchObject({
      in_place: false,
      destination: null,
      policies: [],
      missing: [{ id: "permission", remedy: expect.stringContaining("Notifications Write") }],
    });
    expect((await setUp(stage)).body.refusals).toMatchObject([{ guard: "permission" }]);
  });

  it("says what Cloudflare answered where its test message does not arrive, without the secret", async () => {
    const stage = setStage({ deliver: async () => new Response(null, { status: 404 }) });
    await stage.ready();
    const { status, body } = await setUp(stage);
    expect(status).toBe(409);
    expect(body.refusals).toMatchObject([
      { guard: "test-message", message: expect.stringContaining("Webhook test failed") },
    ]);
    expect(JSON.stringify(body)).not.toContain(SECRET);
  });

  it("answers 503 while Cloudflare does, and 200 to whoever only looks", async () => {
    const stage = setStage();
    await stage.ready();
    stage.simulator.faults.add({
      match: { path: /alerting/, times: Infinity },
      effect: { kind: "status", status: 500, when: "before" },
    });
    expect((await setUp(stage)).status).toBe(503);
    expect(lacks(await look(stage))).toEqual(["unreadable"]);
  });
});
