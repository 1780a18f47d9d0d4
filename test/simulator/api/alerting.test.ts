import { beforeEach, describe, expect, test } from "vitest";
import { aBench, buildFailover, type Bench, type BuiltFailover } from "../failover-setup.ts";
import { TEST_MESSAGE } from "../alerting.ts";
import type { Origin, Received } from "../objects.ts";

const HOOK = { name: "hook", url: "https://hooks.example.org/in", secret: "a secret" };

let bench: Bench;
let receiver: Origin & { received: Received[] };

beforeEach(() => {
  bench = aBench();
  receiver = bench.simulator.world.addReceiver({ address: "hooks.example.org" });
});

const alerting = (path: string) => `${bench.account}/alerting/v3${path}`;
const hooks = () => alerting("/destinations/webhooks");

async function aHook(): Promise<string> {
  return String((await bench.call("POST", hooks(), HOOK)).result.id);
}

async function aPolicy(change: object = {}) {
  return bench.call("POST", alerting("/policies"), {
    name: "deploys",
    alert_type: "pages_event_alert",
    enabled: true,
    mechanisms: { webhooks: [...bench.simulator.world.destinations.keys()].map((id) => ({ id })) },
    filters: {
      project_id: [bench.simulator.world.pagesProject("shop").id],
      environment: ["ENVIRONMENT_PRODUCTION"],
      event: ["EVENT_DEPLOYMENT_SUCCESS"],
    },
    ...change,
  });
}

/** What arrived since this was asked last. */
async function arrived() {
  await bench.simulator.runDue();
  return receiver.received.splice(0).map(({ body }) => JSON.parse(body));
}

describe("a destination", () => {
  test("is made once its target took the test message with the secret, which is never shown", async () => {
    const made = await bench.call("POST", hooks(), HOOK);
    expect(made.status).toBe(201);
    expect(receiver.received).toMatchObject([
      { method: "POST", path: "/in", headers: { "cf-webhook-auth": "a secret" } },
    ]);
    expect(await arrived()).toEqual([{ text: TEST_MESSAGE }]);
    const { result } = await bench.call("GET", `${hooks()}/${made.result.id}`);
    expect(result).toMatchObject({ name: "hook", url: HOOK.url, type: "generic" });
    expect(JSON.stringify(await bench.call("GET", hooks()))).not.toContain("a secret");
  });

  test.each([
    ["a target that answers 500", { status: 500 }, HOOK, 422],
    ["a target that answers nothing", { up: false }, HOOK, 422],
    ["a port of its own", {}, { ...HOOK, url: "https://hooks.example.org:8443/in" }, 400],
    ["an address of the inside", {}, { ...HOOK, url: "http://127.0.0.1/in" }, 400],
    ["no name", {}, { url: HOOK.url }, 400],
  ])("is refused with code 0 for %s", async (_, origin, body, status) => {
    Object.assign(receiver, origin);
    const reply = await bench.call("POST", hooks(), body);
    expect([reply.status, reply.errors[0]?.code]).toEqual([status, 0]);
    expect(bench.simulator.world.destinations.size).toBe(0);
  });

  test("is for accounts that may have webhooks, with a token that may write them", async () => {
    const { switches, token } = bench.simulator.world;
    switches.webhooksEligible = false;
    expect((await bench.call("POST", hooks(), HOOK)).status).toBe(403);
    const { result } = await bench.call("GET", alerting("/destinations/eligible"));
    expect(result.webhooks).toEqual([{ type: "webhook", eligible: false, ready: false }]);
    switches.webhooksEligible = true;
    token.permissions.delete("Notifications Write");
    expect((await bench.call("POST", hooks(), HOOK)).errors[0]?.code).toBe(10000);
    expect((await bench.call("GET", hooks())).status).toBe(200);
    token.permissions.delete("Notifications Read");
    expect((await bench.call("GET", hooks())).status).toBe(403);
  });
});

describe("a policy", () => {
  test.each([
    ["no mechanism", { mechanisms: {} }, 17102],
    ["an unknown destination", { mechanisms: { webhooks: [{ id: "none" }] } }, 0],
    ["no filters", { filters: {} }, 17103],
    [
      "one filter missing",
      { filters: { project_id: ["p"], environment: ["ENVIRONMENT_PRODUCTION"] } },
      17103,
    ],
    ["a type that there is not", { alert_type: "pool_alert" }, 17004],
    ["a filter that the type does not have", { alert_type: "load_balancing_health_alert" }, 0],
    ["no word on whether it is enabled", { enabled: null }, 0],
  ])("is refused for %s", async (_, change, code) => {
    await aHook();
    const reply = await aPolicy(change);
    expect([reply.status, reply.errors[0]?.code]).toEqual([400, code]);
  });

  test("is replaced by a PUT, whole", async () => {
    await aHook();
    const { result } = await aPolicy({ description: "ours" });
    const { id, created } = (await bench.call("GET", alerting(`/policies/${result.id}`))).result;
    const { filters, mechanisms } = bench.simulator.world.alertPolicies.get(id) ?? expect.unreachable();
    const body = { name: "other", alert_type: "pages_event_alert", enabled: false, filters, mechanisms };
    await bench.call("PUT", alerting(`/policies/${id}`), body);
    expect((await bench.call("GET", alerting(`/policies/${id}`))).result).toMatchObject({
      ...body,
      description: "",
      created,
    });
  });
});

describe("a notification", () => {
  let built: BuiltFailover;

  beforeEach(async () => {
    built = await buildFailover(bench);
    await aHook();
    await arrived();
  });

  test("arrives for each deployment that a policy wants to hear of, with the secret", async () => {
    const { world } = bench.simulator;
    world.deploy("shop", { message: "before the policy" });
    await aPolicy();
    expect(await arrived()).toEqual([]);
    const wanted = world.deploy("shop");
    world.deploy("shop", { success: false });
    world.deploy("shop", { environment: "preview" });
    await bench.simulator.runDue();
    expect(receiver.received[0]?.headers).toMatchObject({ "cf-webhook-auth": "a secret" });
    expect(await arrived()).toEqual([
      {
        name: "deploys",
        policy_name: "deploys",
        policy_id: expect.any(String),
        account_id: world.account.id,
        alert_type: "pages_event_alert",
        alert_correlation_id: expect.any(String),
        ts: bench.clock.at / 1000,
        text: "Deployment of shop succeeded",
        data: { project_name: "shop", deployment_id: wanted.id },
      },
    ]);
    expect(await arrived()).toEqual([]);
  });

  test("arrives when a pool's health changes, or when it is enabled or disabled", async () => {
    const { world } = bench.simulator;
    await aPolicy({ alert_type: "load_balancing_health_alert", filters: { pool_id: [built.primary] } });
    await aPolicy({ alert_type: "load_balancing_pool_enablement_alert", filters: {} });
    world.origin("origin.example.net").up = false;
    world.settleHealth();
    expect(await arrived()).toMatchObject([{ data: { pool_id: built.primary, new_health: "Unhealthy" } }]);
    world.edit("pool", built.secondary, { enabled: false });
    expect(await arrived()).toMatchObject([
      { alert_type: "load_balancing_pool_enablement_alert", data: { pool_id: built.secondary } },
    ]);
    world.origin("origin.example.net").up = true;
    world.settleHealth();
    expect(await arrived()).toMatchObject([{ data: { new_health: "Healthy" } }]);
  });

  test.each([
    ["twice", 2],
    ["never", 0],
  ] as const)("may arrive %s", async (times, count) => {
    const { world } = bench.simulator;
    await aPolicy();
    world.switches.alertsArrive = times;
    world.deploy("shop");
    expect(await arrived()).toHaveLength(count);
  });

  test("does not arrive by a policy that is disabled, and survives a restart of the world", async () => {
    const { world } = bench.simulator;
    await aPolicy({ enabled: false });
    world.deploy("shop");
    expect(await arrived()).toEqual([]);
    await aPolicy();
    bench.simulator.load(bench.simulator.dump());
    expect(await arrived()).toEqual([]);
  });
});
