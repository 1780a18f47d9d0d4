import { afterEach, describe, expect, it, vi } from "vitest";
import { begin, expectOriginal, inStage, request, SHOP_PATH, untilEnded, type Playing } from "./rehearsal.ts";
import { SHOP, type Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
});

const drill = (stage: Stage, playing: Playing, more: object = {}) =>
  stage.call("POST", `${SHOP_PATH}/drills`, request({ method: "reorder", stage: playing }, more));

const REASON = { reason: "maintenance" };

const AGAINST: readonly [string, string, (stage: Stage) => Promise<unknown>][] = [
  [
    "an unhealthy secondary",
    "target-not-ready",
    async (stage) => {
      stage.simulator.world.pagesProject("shop").canonicalId = null;
      await stage.minutes(3);
    },
  ],
  [
    "an unhealthy primary",
    "target-not-ready",
    async (stage) => {
      stage.simulator.world.origin("origin.example.net").up = false;
      await stage.minutes(3);
    },
  ],
  [
    "an unreadable Cloudflare",
    "target-not-ready",
    async (stage) => {
      stage.simulator.faults.add({
        match: { path: /health$/, times: Number.POSITIVE_INFINITY },
        effect: { kind: "status", status: 500, when: "before" },
      });
    },
  ],
  [
    "a timed switch-over to where it is",
    "lease-in-force",
    async (stage) => {
      const switched = { to: "primary", expires_in_seconds: 600, ...REASON };
      await stage.operate("POST", `${SHOP_PATH}/switch-over`, switched);
    },
  ],
  [
    "a pause",
    "lease-in-force",
    (stage) => stage.call("POST", `${SHOP_PATH}/pause`, { expires_in_seconds: 600, ...REASON }),
  ],
  ["a freeze", "frozen", (stage) => stage.call("POST", "/v1/fleet/freeze", REASON)],
  [
    "a switch-over for good",
    "primary-not-active",
    (stage) => stage.operate("POST", `${SHOP_PATH}/switch-over`, { to: "secondary", ...REASON }),
  ],
  [
    "an operation under way",
    "operation-running",
    (stage) => stage.call("POST", `${SHOP_PATH}/switch-over`, { to: "primary", ...REASON }),
  ],
  [
    "routing that somebody added",
    "foreign-routing",
    async (stage) => {
      const { cloudflare } = await stage.failover();
      stage.simulator.world.edit("load_balancer", cloudflare.load_balancer_id, {
        region_pools: { WNAM: [cloudflare.secondary_pool_id] },
      });
    },
  ],
];

describe("a drill is refused, and nothing is written, because of", () => {
  it.each(AGAINST)("%s", async (_, guard, arrange) => {
    const stage = await inStage("testing");
    await arrange(stage);
    stage.forgetCalls();
    const { status, body } = await drill(stage, "testing");
    expect(status).toBe(409);
    expect(body.refusals).toContainEqual(expect.objectContaining({ guard, overridable: false }));
    expect(stage.writes()).toEqual([]);
    expect((await stage.call("GET", `${SHOP_PATH}/drills`)).body.items).toEqual([]);
  });

  it("twins, which a marker tells apart", async () => {
    const body = "<!doctype html><title>Shop</title>";
    const secondary = { address: "twin.example.net" };
    const stage = await inStage("testing", { ...SHOP, secondary }, ({ simulator: { world } }) => {
      Object.assign(world.origin("origin.example.net"), { body });
      world.addOrigin({ ...secondary, body });
    });
    const refused = await drill(stage, "testing");
    expect(refused.status).toBe(409);
    expect(refused.body.refusals).toMatchObject([
      { guard: "indistinguishable", message: expect.stringContaining("give each endpoint a marker") },
    ]);
    Object.assign(stage.simulator.world.origin("twin.example.net"), { headers: { "x-from": "b" } });
    const { revision } = await stage.failover();
    const marked = { secondary: { marker: { header: "x-from", value: "b" } } };
    const patched = await stage.call("PATCH", SHOP_PATH, marked, { "if-match": `"${revision}"` });
    expect(patched.status).toBe(200);
    await stage.minutes(2);
    const id = await begin(stage, { method: "disable-primary", stage: "testing" });
    expect(await untilEnded(stage, id)).toMatchObject({ status: "succeeded" });
  });

  it("a draft", async () => {
    const stage = await inStage("testing");
    await stage.operate("POST", `${SHOP_PATH}/demote`);
    const { status, body } = await drill(stage, "testing");
    expect(status).toBe(409);
    expect(body.refusals).toMatchObject([
      { message: expect.stringContaining("promote it to testing first") },
    ]);
  });
});

describe("in production", () => {
  it("the hostname has to be confirmed, and no pool may be disabled", async () => {
    const stage = await inStage("production");
    const unconfirmed = await stage.call("POST", `${SHOP_PATH}/drills`);
    expect(unconfirmed.status).toBe(422);
    expect(unconfirmed.body.errors).toMatchObject([
      { pointer: "/confirm", message: expect.stringContaining('"www.example.com"') },
    ]);
    const disabling = await drill(stage, "production", { method: "disable-primary" });
    expect(disabling.status).toBe(422);
    expect(disabling.body.errors).toMatchObject([{ pointer: "/method" }]);
    expect(stage.writes()).toEqual([]);
  });

  it("a stale If-Match is a 412", async () => {
    const stage = await inStage("production");
    const body = { confirm: "www.example.com" };
    const answer = await stage.call("POST", `${SHOP_PATH}/drills`, body, { "if-match": '"1"' });
    expect(answer.status).toBe(412);
  });
});

describe("drills are listed", () => {
  it("newest first, page by page, with the defaults of their stage", async () => {
    const stage = await inStage("testing");
    const ids: string[] = [];
    for (let drills = 0; drills < 3; drills += 1) {
      const { body } = await stage.call("POST", `${SHOP_PATH}/drills`);
      ids.unshift(body.id);
      await stage.call("POST", `${SHOP_PATH}/abort`);
    }
    const first = (await stage.call("GET", `${SHOP_PATH}/drills?limit=2`)).body;
    const rest = (await stage.call("GET", `${SHOP_PATH}/drills?limit=2&cursor=${first.next_cursor}`)).body;
    const all = [...first.items, ...rest.items];
    expect(all.map(({ operation_id }) => operation_id)).toEqual(ids);
    expect(rest.next_cursor).toBeNull();
    expect(all[0]).toMatchObject({ method: "disable-primary", report: { requested_hold_seconds: 60 } });
    expect((await stage.call("GET", `${SHOP_PATH}/drills/dr_none`)).status).toBe(404);
    await stage.alarms();
    await expectOriginal(stage);
  });
});
