// Where a spec says `approval: required`, two people promote and switch over: one asks, another agrees to what they saw.
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { endOf } from "./operations.ts";
import { setStage, SHOP, UNDRILLED, type Answer, type Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
});

type Headers = Readonly<Record<string, string>>;

interface World {
  readonly stage: Stage;
  /** Two who may operate, and one who may do everything. */
  readonly ann: Headers;
  readonly bob: Headers;
  readonly cy: Headers;
}

const REASON = { reason: "the data centre moves" };
const SWITCH = { to: "secondary", ...REASON };

async function aToken(stage: Stage, name: string, scope: string): Promise<Headers> {
  const { body } = await stage.call("POST", "/v1/tokens", { name, scopes: [scope] });
  return { authorization: `Bearer ${body.token}` };
}

/** A failover in testing of which the spec demands two. */
async function setWorld(): Promise<World> {
  const stage = setStage();
  await stage.ready({ ...SHOP, approval: "required" });
  const [ann, bob, cy] = [
    await aToken(stage, "ann", "operate"),
    await aToken(stage, "bob", "operate"),
    await aToken(stage, "cy", "admin"),
  ];
  const asked = await stage.call("POST", "/v1/failovers/shop/promote", {}, cy);
  expect(asked.status).toBe(202);
  const begun = await approve(stage, asked.body, {});
  expect((await endOf(stage, begun.body.id)).status).toBe("succeeded");
  await stage.minutes(1);
  return { stage, ann, bob, cy };
}

function approve(stage: Stage, { id, approval }: Answer["body"], as: Headers, plan = approval.plan) {
  return stage.call("POST", `/v1/operations/${id}/approve`, { plan }, as);
}

const askSwitch = (stage: Stage, as: Headers, more: object = {}) =>
  stage.call("POST", "/v1/failovers/shop/switch-over", { ...SWITCH, ...more }, as);

const guards = ({ body }: Answer): string[] =>
  (body.refusals ?? []).map(({ guard }: { guard: string }) => guard);

async function events(stage: Stage): Promise<string[]> {
  const { body } = await stage.call("GET", "/v1/failovers/shop/events?limit=100");
  return body.items
    .filter(({ type }: Answer["body"]) => type.startsWith("approval.") || type === "guard.overridden")
    .map(({ type, actor }: Answer["body"]) => `${type} ${actor.name}`)
    .toReversed();
}

describe("a switch-over that has to be approved", () => {
  it("waits, shows what it would do, and begins once another person has agreed to that", async () => {
    const { stage, ann, bob } = await setWorld();
    const before = await events(stage);
    stage.forgetCalls();
    const { status, headers, body: asked } = await askSwitch(stage, ann);
    expect([status, headers.get("location")]).toEqual([202, `/v1/operations/${asked.id}`]);
    expect(asked).toMatchObject({
      kind: "approval",
      status: "pending",
      message: "waits for another person to approve: switch over to the secondary",
      steps: [{ name: "approval", status: "pending" }],
      deadline_at: new Date(stage.now() + 3_600_000).toISOString(),
      approval: {
        plan: expect.stringMatching(/^plan_[0-9a-f]{16}$/),
        action: "switch-over",
        asked_by: { kind: "token", name: "ann" },
        ...REASON,
        before: { stage: "testing", active: "primary" },
        after: { stage: "testing", active: "secondary" },
        serving: "secondary",
        changes: [{ role: "load_balancer", differences: [{ path: "default_pools" }] }],
        overridden: [],
      },
    });
    // Nothing is under way, nothing is written, and whoever asks again has asked once.
    expect((await stage.failover()).status.operation).toBeNull();
    expect((await askSwitch(stage, ann)).body.id).toBe(asked.id);
    await stage.minutes(2);
    expect(stage.writes()).toEqual([]);
    expect((await stage.failover()).active).toBe("primary");

    const own = await approve(stage, asked, ann);
    expect([own.status, guards(own)]).toEqual([409, ["own-request"]]);
    const wrong = await approve(stage, asked, bob, "plan_0000000000000000");
    expect([wrong.status, wrong.body.errors[0].pointer]).toEqual([422, "/plan"]);
    const begun = await approve(stage, asked, bob);
    expect([begun.status, begun.body.kind]).toEqual([202, "switch-over"]);
    expect((await endOf(stage, begun.body.id)).status).toBe("succeeded");
    expect((await stage.failover()).active).toBe("secondary");
    expect(await endOf(stage, asked.id)).toMatchObject({
      status: "succeeded",
      result: { operation_id: begun.body.id, approved_by: { name: "bob" } },
    });
    expect((await approve(stage, asked, bob)).status).toBe(409);
    expect((await events(stage)).slice(before.length)).toEqual([
      "approval.requested ann",
      "approval.approved bob",
    ]);
    const { body } = await stage.call("GET", "/v1/failovers/shop/events?limit=100");
    const started = body.items.find(({ type }: Answer["body"]) => type === "failover.switch_over_started");
    expect(started).toMatchObject({ actor: { name: "ann" } });
  });

  it("is refused where it would do something else by now than what was seen", async () => {
    const { stage, ann, bob } = await setWorld();
    const { body: asked } = await askSwitch(stage, ann);
    await stage.call("PATCH", "/v1/failovers/shop", { bake_seconds: 60 }, { "if-match": "*" });
    const late = await approve(stage, asked, bob);
    expect([late.status, guards(late)]).toEqual([409, ["plan-changed"]]);
    // Asked for anew it is another plan; and a guard that stands against it by now says so.
    const { body: anew } = await askSwitch(stage, ann);
    expect(anew.approval.plan).not.toBe(asked.approval.plan);
    const shop = stage.simulator.world.pagesProject("shop");
    const deployed = shop.canonicalId;
    shop.canonicalId = null;
    await stage.minutes(3);
    const guarded = await approve(stage, anew, bob);
    expect([guarded.status, guards(guarded)]).toEqual([409, ["target-not-ready"]]);
    shop.canonicalId = deployed;
    await stage.minutes(3);
    expect((await approve(stage, anew, bob)).status).toBe(202);
  });

  it("can be rejected by another person, and withdrawn by whoever asked", async () => {
    const { stage, ann, bob } = await setWorld();
    const before = await events(stage);
    const { body: first } = await askSwitch(stage, ann);
    const reject = (as: Headers) =>
      stage.call("POST", `/v1/operations/${first.id}/reject`, { reason: "not today" }, as);
    expect(guards(await reject(ann))).toEqual(["own-request"]);
    expect(await reject(bob)).toMatchObject({
      status: 200,
      body: { status: "aborted", message: "rejected by bob: not today" },
    });
    expect((await approve(stage, first, bob)).status).toBe(409);
    const { body: second } = await askSwitch(stage, ann);
    const cancelled = await stage.call("POST", `/v1/operations/${second.id}/cancel`, undefined, ann);
    expect(cancelled.body).toMatchObject({ status: "aborted", message: "withdrawn by ann" });
    expect((await events(stage)).slice(before.length)).toEqual([
      "approval.requested ann",
      "approval.rejected bob",
      "approval.requested ann",
      "approval.withdrawn ann",
    ]);
    expect((await stage.failover()).active).toBe("primary");
  });

  it("expires after an hour", async () => {
    const { stage, ann, bob } = await setWorld();
    const { body: asked } = await askSwitch(stage, ann);
    await stage.pass(3599);
    await stage.alarms();
    expect((await stage.call("GET", `/v1/operations/${asked.id}`)).body.status).toBe("pending");
    await stage.pass(1);
    expect((await approve(stage, asked, bob)).body.detail).toContain("expired");
    await stage.alarms();
    expect((await stage.call("GET", `/v1/operations/${asked.id}`)).body).toMatchObject({
      status: "aborted",
      message: "it expired: nobody approved or rejected it in time",
    });
    expect((await events(stage)).at(-1)).toBe("approval.expired ann");
  });

  it("for a later hour is approved now and done then, and no later than that", async () => {
    const { stage, ann, bob } = await setWorld();
    const at = (seconds: number) => new Date(stage.now() + seconds * 1000).toISOString();
    const { body: soon } = await askSwitch(stage, ann, { at: at(600) });
    expect(soon.deadline_at).toBe(at(600));
    const waits = await approve(stage, soon, bob);
    expect(waits.body).toMatchObject({ kind: "scheduled-switch-over", status: "pending" });
    await stage.minutes(9);
    expect((await stage.failover()).active).toBe("primary");
    await stage.minutes(1);
    await stage.alarms();
    expect((await stage.failover()).active).toBe("secondary");
    expect((await askSwitch(stage, ann, { at: at(-1) })).status).toBe(422);
  });

  it("is done alone only by an admin who says why", async () => {
    const { stage, ann, cy } = await setWorld();
    const override = { override: ["approval-required"] };
    expect((await askSwitch(stage, ann, override)).status).toBe(403);
    const begun = await askSwitch(stage, cy, override);
    expect([begun.status, begun.body.kind]).toEqual([202, "switch-over"]);
    expect((await endOf(stage, begun.body.id)).status).toBe("succeeded");
    expect((await events(stage)).at(-1)).toBe("guard.overridden cy");
  });

  it("isn't what ends a deviation or a danger: nobody has to approve that", async () => {
    const { stage, ann, cy } = await setWorld();
    const alone = { override: ["approval-required"], expires_in_seconds: 600 };
    expect((await endOf(stage, (await askSwitch(stage, cy, alone)).body.id)).status).toBe("succeeded");
    const back = await stage.call("POST", "/v1/failovers/shop/switch-back", REASON, ann);
    expect((await endOf(stage, back.body.id)).status).toBe("succeeded");
    expect((await stage.failover()).active).toBe("primary");
    expect(await stage.operate("POST", "/v1/failovers/shop/demote", undefined, cy)).toMatchObject({
      kind: "demote",
      status: "succeeded",
    });
  });

  it("of a fleet is a request for each that demands it", async () => {
    const { stage, ann, bob, cy } = await setWorld();
    const many = { to: "secondary", selector: { names: ["shop"] }, ...REASON };
    const said = await stage.call("POST", "/v1/fleet/switch-over", many, ann);
    expect(said.body.items).toMatchObject([{ outcome: "approval", operation_id: null }]);
    const { body } = await stage.call("POST", "/v1/fleet/switch-over", { ...many, confirm: true }, ann);
    expect(body.items).toMatchObject([{ outcome: "approval" }]);
    const { body: asked } = await stage.call("GET", `/v1/operations/${body.items[0].operation_id}`);
    expect((await approve(stage, asked, bob)).body.kind).toBe("switch-over");
    const alone = { ...many, to: "primary", confirm: true, override: ["approval-required"] };
    expect((await stage.call("POST", "/v1/fleet/switch-over", alone, ann)).status).toBe(403);
    const begun = await stage.call("POST", "/v1/fleet/switch-over", alone, cy);
    expect(begun.body.items).toMatchObject([{ outcome: "switch" }]);
    expect((await events(stage)).at(-1)).toBe("guard.overridden cy");
  });
});

describe("a promotion that has to be approved", () => {
  it("is approved by whoever might promote, at once or after a crash, and once", async () => {
    const { stage, bob, cy } = await setWorld();
    const { body: asked } = await stage.call("POST", "/v1/failovers/shop/promote", UNDRILLED, cy);
    expect(asked.approval).toMatchObject({
      action: "promote",
      to: "production",
      bake_seconds: 0,
      serving: "primary",
      overridden: ["drill-missing"],
      changes: [{ differences: [{ path: "name" }] }],
    });
    expect((await approve(stage, asked, bob)).status).toBe(403);
    expect((await stage.call("POST", `/v1/operations/${asked.id}/reject`, REASON, bob)).status).toBe(403);
    await stage.crash();
    const answers = await Promise.all([1, 2, 3].map(() => approve(stage, asked, {})));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 409, 409]);
    const begun = answers.find(({ status }) => status === 202)?.body;
    expect((await endOf(stage, begun.id)).result).toMatchObject({ stage: "production" });
    const count = await env.DB.prepare("SELECT count(*) AS n FROM operations WHERE kind = 'promote'").first();
    expect(count).toEqual({ n: 2 });
  });
});

describe("approval itself", () => {
  it("is turned off only by an admin who says why, and anybody hears of it", async () => {
    const { stage, cy } = await setWorld();
    const off = (query = "") =>
      stage.call("PATCH", `/v1/failovers/shop${query}`, { approval: "none" }, { ...cy, "if-match": "*" });
    const refused = await off();
    expect([refused.status, guards(refused)]).toEqual([409, ["approval-required"]]);
    expect((await off("?override=approval-required&reason=the+team+is+one+person")).status).toBe(200);
    expect((await events(stage)).at(-1)).toBe("guard.overridden cy");
    expect((await askSwitch(stage, cy)).body.kind).toBe("switch-over");
  });
});
