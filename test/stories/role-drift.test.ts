import { describe, expect, it } from "vitest";
import { OWNED_FIELD_EDITS, type OwnedFieldEdit } from "../failover/builders.ts";
import { eventsOf, sentWrites } from "./ledger.ts";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";
import { editObject, idOf, objectOf, pathOf } from "./somebody.ts";

const ROLE_EDITS = OWNED_FIELD_EDITS.filter((edit) => edit.class === "role").map((edit) => ({
  ...edit,
  of: edit.role,
}));
const GRACE_SECONDS = 900;

async function inProduction(stage: Stage, spec: object = {}): Promise<Answer["body"]> {
  await stage.ready({ ...SHOP, ...spec });
  for (const to of ["testing", "production"]) {
    const operation = await stage.promote();
    expect(operation).toMatchObject({ status: "succeeded", result: { stage: to } });
    await stage.minutes(1);
  }
  stage.forgetCalls();
  return stage.failover();
}

/** A tick after so many minutes of which no other is told. */
async function tickAfter(stage: Stage, minutes: number): Promise<void> {
  await stage.pass(minutes * 60);
  await stage.tick();
}

/** The edit, and the tick that finds it. */
async function editIn(stage: Stage, failover: Answer["body"], { role, edit }: OwnedFieldEdit) {
  editObject(stage, failover, role, edit);
  await stage.minutes(1);
  return stage.now();
}

const adopt = (stage: Stage, reason = "the origin is on fire") =>
  stage.call("POST", "/v1/failovers/shop/adopt", { reason });

async function eventTypes(failover: Answer["body"]): Promise<string[]> {
  const types = (await eventsOf(failover.id)).map(({ type }) => type);
  return types.filter((type) => type.startsWith("drift."));
}

describe("drift in role in production", () => {
  it("covers order, fallback, name and everything that is enabled", () => {
    expect(ROLE_EDITS.map(({ role, path }) => `${role} ${path}`)).toEqual([
      "primary enabled",
      "primary origins.primary.enabled",
      "secondary enabled",
      "secondary origins.secondary.enabled",
      "load_balancer name",
      "load_balancer enabled",
      "load_balancer default_pools",
      "load_balancer fallback_pool",
    ]);
  });

  it.each(ROLE_EDITS)(
    "of $path of $of is announced at once with its deadline, and healed when that has come",
    async (edit) => {
      const stage = setStage();
      const failover = await inProduction(stage);
      const wanted = objectOf(stage, failover, edit.role);
      const foundAt = await editIn(stage, failover, edit);
      const deadline = new Date(foundAt + GRACE_SECONDS * 1000).toISOString();
      const { status } = await stage.failover();
      expect(status.sync).toBe("drifted");
      expect(status.message).toContain(`${edit.path} of the `);
      expect(status.message).toContain(`to be healed at ${deadline} unless adopted`);
      expect(status.drift).toEqual([
        expect.objectContaining({ role: edit.role, path: edit.path, class: "role", heal_at: deadline }),
      ]);
      const [announced] = (await eventsOf(failover.id)).filter(({ type }) => type === "drift.detected");
      expect(announced?.data["drift"]).toEqual([expect.objectContaining({ heal_at: deadline })]);

      await tickAfter(stage, 14);
      expect(stage.writes()).toEqual([]);
      await tickAfter(stage, 1);
      const [write, ...more] = sentWrites(stage);
      expect(more).toEqual([]);
      expect(write).toMatchObject({ method: "PATCH", path: pathOf(failover, edit.role) });
      expect(Object.keys(write?.body as object)).toEqual(edit.expectedMembers);
      expect(objectOf(stage, failover, edit.role)).toEqual(wanted);
      expect(await eventTypes(failover)).toEqual(["drift.detected", "drift.healed"]);
      expect((await stage.failover()).status.sync).toBe("synced");
    },
  );

  it.each([
    [120, 2],
    [0, 0],
  ])("waits for as long as the spec says: %i seconds", async (drift_grace_seconds, minutes) => {
    const stage = setStage();
    const failover = await inProduction(stage, { drift_grace_seconds });
    editObject(stage, failover, "primary", (object) => ({ ...object, enabled: false }));
    await stage.minutes(minutes);
    expect(stage.writes()).toEqual([]);
    await stage.minutes(1);
    expect(sentWrites(stage).map(({ body }) => body)).toEqual([{ enabled: true }]);
  });

  it.each(ROLE_EDITS.filter(({ path }) => path !== "name"))(
    "of $path of $of is kept when it is adopted, also twenty minutes later",
    async (edit) => {
      const stage = setStage();
      const failover = await inProduction(stage);
      await editIn(stage, failover, edit);
      const edited = objectOf(stage, failover, edit.role);
      const adopted = await adopt(stage);
      expect(adopted.status).toBe(200);
      expect(adopted.body.revision).toBe(failover.revision + 1);
      expect(adopted.headers.get("etag")).toBe(`"${failover.revision + 1}"`);
      await stage.alarms();
      await tickAfter(stage, 16);
      await stage.minutes(edit.path === "default_pools" ? 20 : 1);
      expect(stage.writes()).toEqual([]);
      expect(objectOf(stage, failover, edit.role)).toEqual(edited);
      const after = await stage.failover();
      expect(after.status).toMatchObject({ sync: "synced", drift: [] });
      expect(after.active).toBe(edit.path === "default_pools" ? "secondary" : "primary");
      const events = await eventsOf(failover.id);
      expect(events.filter(({ type }) => type === "drift.adopted")).toEqual([
        {
          type: "drift.adopted",
          actor: "token",
          data: expect.objectContaining({ reason: "the origin is on fire" }),
        },
      ]);
      const { body: plan } = await stage.call("GET", "/v1/failovers/shop/plan");
      expect(plan.changes).toEqual([]);
    },
  );

  it("of the name can't be adopted, and says what to do in its place", async () => {
    const stage = setStage();
    const failover = await inProduction(stage);
    editObject(stage, failover, "load_balancer", (object) => ({ ...object, name: "other.example.com" }));
    await stage.minutes(1);
    const { status, body } = await adopt(stage);
    expect(status).toBe(422);
    expect(body.detail).toContain("name can't be adopted");
    expect((await stage.failover()).revision).toBe(failover.revision);
  });

  it("can be adopted only where there is some", async () => {
    const stage = setStage();
    const failover = await inProduction(stage);
    const { status, body } = await adopt(stage);
    expect(status).toBe(422);
    expect(body.detail).toBe("there is no drift of class role to adopt");
    expect((await stage.failover()).revision).toBe(failover.revision);
  });

  it("is adopted for as long as it lasts: put back and made again it is drift again", async () => {
    const stage = setStage();
    const failover = await inProduction(stage);
    const wanted = objectOf(stage, failover, "primary");
    const disable = () => editObject(stage, failover, "primary", (object) => ({ ...object, enabled: false }));
    disable();
    await stage.minutes(1);
    await adopt(stage);
    await stage.minutes(1);
    editObject(stage, failover, "primary", () => ({ ...wanted, disabled_at: undefined }));
    await stage.minutes(1);
    expect((await stage.failover()).status).toMatchObject({ sync: "synced", drift: [] });
    disable();
    await stage.minutes(1);
    expect((await stage.failover()).status).toMatchObject({
      sync: "drifted",
      drift: [expect.objectContaining({ role: "primary", path: "enabled" })],
    });
    expect(stage.writes()).toEqual([]);
  });

  it.each<[string, (object: Record<string, unknown>) => object, string]>([
    ["pool", (object) => ({ ...object, enabled: false }), "enabled"],
    [
      "pool's endpoint",
      (object) => ({
        ...object,
        origins: (object["origins"] as object[]).map((one) => ({ ...one, enabled: false })),
      }),
      "origins.primary.enabled",
    ],
  ])("says of a disabled %s since when it is out of use", async (_, disable, path) => {
    const stage = setStage();
    const failover = await inProduction(stage);
    await stage.pass(20);
    const at = new Date(stage.now());
    const pool = `/accounts/a0000000000000000000000000000001/load_balancers/pools/${failover.cloudflare.primary_pool_id}`;
    await stage.cloudflare("PUT", pool, disable(objectOf(stage, failover, "primary")));
    await stage.pass(40);
    await stage.tick();
    const { body } = await stage.call("GET", "/v1/failovers/shop/events?limit=5");
    const [drift] = body.items.find(({ type }: { type: string }) => type === "drift.detected").data.drift;
    expect(drift).toMatchObject({ class: "role", path, before: false });
    expect(Math.abs(Date.parse(drift.disabled_at) - at.getTime())).toBeLessThan(1000);
  });

  it("is healed at once where a person asks for it", async () => {
    const stage = setStage();
    const failover = await inProduction(stage);
    editObject(stage, failover, "load_balancer", (object) => ({ ...object, enabled: false }));
    await stage.minutes(1);
    expect(stage.writes()).toEqual([]);
    const operation = await stage.operate("POST", "/v1/failovers/shop/reconcile");
    expect(operation.status).toBe("succeeded");
    expect(sentWrites(stage)).toEqual([
      { method: "PATCH", path: pathOf(failover, "load_balancer"), body: { enabled: true } },
    ]);
    expect(await eventTypes(failover)).toEqual(["drift.detected", "drift.healed"]);
  });

  it("is not healed as a side effect of another member of the same endpoint", async () => {
    const stage = setStage();
    const failover = await inProduction(stage);
    editObject(stage, failover, "primary", (object) => ({
      ...object,
      origins: (object["origins"] as object[]).map((one) => ({ ...one, enabled: false, weight: 0.5 })),
    }));
    await stage.minutes(1);
    expect(sentWrites(stage).map(({ path }) => path)).toEqual([pathOf(failover, "primary")]);
    expect(objectOf(stage, failover, "primary")["origins"]).toEqual([
      expect.objectContaining({ enabled: false, weight: 1 }),
    ]);
    expect((await stage.failover()).status).toMatchObject({
      sync: "drifted",
      drift: [expect.objectContaining({ path: "origins.primary.enabled" })],
    });
    await tickAfter(stage, 15);
    expect(objectOf(stage, failover, "primary")["origins"]).toEqual([
      expect.objectContaining({ enabled: true, weight: 1 }),
    ]);
    expect((await stage.failover()).status.sync).toBe("synced");
  });

  it("is over once the person puts it back in time", async () => {
    const stage = setStage();
    const failover = await inProduction(stage);
    const { primary, secondary } = {
      primary: idOf(failover, "primary"),
      secondary: idOf(failover, "secondary"),
    };
    const order = (default_pools: string[]) =>
      editObject(stage, failover, "load_balancer", (object) => ({ ...object, default_pools }));
    order([secondary, primary]);
    await stage.minutes(1);
    order([primary, secondary]);
    await stage.minutes(1);
    await tickAfter(stage, 20);
    expect(stage.writes()).toEqual([]);
    expect(await eventTypes(failover)).toEqual(["drift.detected", "drift.resolved"]);
    expect((await stage.failover()).status).toMatchObject({ sync: "synced", drift: [] });
  });

  it("starts its grace time anew when it is changed once more", async () => {
    const stage = setStage();
    const failover = await inProduction(stage);
    const set = (enabled: boolean) =>
      editObject(stage, failover, "secondary", (object) => ({ ...object, enabled }));
    set(false);
    await stage.minutes(1);
    await tickAfter(stage, 10);
    set(true);
    await stage.minutes(1);
    set(false);
    await stage.minutes(1);
    await tickAfter(stage, 14);
    expect(stage.writes()).toEqual([]);
    await stage.minutes(1);
    expect(sentWrites(stage).map(({ body }) => body)).toEqual([{ enabled: true }]);
  });

  it.each(["draft", "testing"])("has no grace time in %s: nobody depends on it yet", async (at) => {
    const stage = setStage();
    const failover = await stage.ready();
    if (at === "testing") await stage.promote();
    await stage.minutes(1);
    stage.forgetCalls();
    editObject(stage, failover, "primary", (object) => ({ ...object, enabled: false }));
    await stage.minutes(1);
    expect(sentWrites(stage).map(({ body }) => body)).toEqual([{ enabled: true }]);
  });
});
