import { describe, expect, it } from "vitest";
import { OWNED_FIELD_EDITS } from "../failover/builders.ts";
import { eventsOf, sentWrites } from "./ledger.ts";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";
import { editObject, objectOf, pathOf, ROLES } from "./somebody.ts";

/** One field of each class, and how the object looks after somebody's edit. */
const BY_CLASS = [
  { class: "role", role: "primary", path: "enabled", member: { enabled: false } },
  { class: "safety", role: "monitor", path: "path", member: { path: "/edited" } },
  { class: "cosmetic", role: "secondary", path: "name", member: { name: "edited" } },
] as const;

async function inPlace(stage: Stage, spec: object): Promise<Answer["body"]> {
  await stage.call("POST", "/v1/failovers", { ...SHOP, ...spec });
  await stage.minutes(1);
  stage.forgetCalls();
  return stage.failover();
}

function editAll(stage: Stage, failover: Answer["body"]): void {
  for (const { role, member } of BY_CLASS)
    editObject(stage, failover, role, (object) => ({ ...object, ...member }));
}

describe("drift that is only to be reported", () => {
  it("of every field at once is named, and nothing is written", async () => {
    const stage = setStage();
    const failover = await inPlace(stage, { drift: "report" });
    const edits = OWNED_FIELD_EDITS.filter(({ spec }) => spec === undefined);
    for (const { role, edit } of edits) editObject(stage, failover, role, edit);
    const edited = ROLES.map((role) => objectOf(stage, failover, role));
    await stage.minutes(20);
    expect(stage.writes()).toEqual([]);
    expect(ROLES.map((role) => objectOf(stage, failover, role))).toEqual(edited);
    const { status } = await stage.failover();
    expect(status.sync).toBe("drifted");
    const named = status.drift.map(({ role, path }: { role: string; path: string }) => `${role} ${path}`);
    expect(named.toSorted()).toEqual(edits.map(({ role, path }) => `${role} ${path}`).toSorted());
    expect(status.drift.every((one: { heal_at: unknown }) => one.heal_at === null)).toBe(true);
    const events = await eventsOf(failover.id);
    expect(events.filter(({ type }) => type === "drift.detected")).toHaveLength(1);
    expect(events.filter(({ type }) => type === "drift.healed")).toEqual([]);
  });

  it.each(BY_CLASS)(
    "names the field and the object in the message: $path",
    async ({ role, path, member }) => {
      const stage = setStage();
      const failover = await inPlace(stage, { drift: "report" });
      editObject(stage, failover, role, (object) => ({ ...object, ...member }));
      await stage.minutes(1);
      const { status } = await stage.failover();
      const what = role === "monitor" ? "the monitor" : `the ${role} pool`;
      expect(status).toMatchObject({
        sync: "drifted",
        message: `${path} of ${what} was changed by somebody else`,
      });
    },
  );

  it.each(BY_CLASS)(
    "is decided class by class: $class is reported, the others are healed",
    async (reported) => {
      const stage = setStage();
      const failover = await inPlace(stage, { drift: { [reported.class]: "report" } });
      editAll(stage, failover);
      await stage.minutes(2);
      const healed = BY_CLASS.filter(({ role }) => role !== reported.role);
      expect(sentWrites(stage).map(({ path }) => path)).toEqual(
        ROLES.filter((role) => healed.some((one) => one.role === role)).map((role) => pathOf(failover, role)),
      );
      const { status } = await stage.failover();
      expect(status.sync).toBe("drifted");
      expect(status.drift).toEqual([
        expect.objectContaining({ class: reported.class, role: reported.role, path: reported.path }),
      ]);
    },
  );

  it("isn't healed beside a member of the same endpoint that is", async () => {
    const stage = setStage();
    const failover = await inPlace(stage, { drift: { role: "report" } });
    editObject(stage, failover, "primary", (object) => ({
      ...object,
      origins: (object["origins"] as object[]).map((one) => ({ ...one, enabled: false, weight: 0.5 })),
    }));
    await stage.minutes(1);
    expect(objectOf(stage, failover, "primary")["origins"]).toEqual([
      expect.objectContaining({ name: "primary", enabled: false, weight: 1 }),
    ]);
    expect((await stage.failover()).status.drift).toEqual([
      expect.objectContaining({ path: "origins.primary.enabled", before: false, after: true }),
    ]);
  });

  it("is over once somebody puts it back", async () => {
    const stage = setStage();
    const failover = await inPlace(stage, { drift: "report" });
    const wanted = objectOf(stage, failover, "monitor");
    editObject(stage, failover, "monitor", (object) => ({ ...object, path: "/edited" }));
    await stage.minutes(2);
    editObject(stage, failover, "monitor", () => wanted);
    await stage.minutes(1);
    expect(stage.writes()).toEqual([]);
    expect((await stage.failover()).status).toMatchObject({ sync: "synced", drift: [] });
    const types = (await eventsOf(failover.id)).map(({ type }) => type);
    expect(types.filter((type) => type.startsWith("drift."))).toEqual(["drift.detected", "drift.resolved"]);
  });

  it("is put right where a person asks for it, in their name", async () => {
    const stage = setStage();
    const failover = await inPlace(stage, { drift: "report" });
    editAll(stage, failover);
    await stage.minutes(1);
    const operation = await stage.operate("POST", "/v1/failovers/shop/reconcile");
    expect(operation).toMatchObject({ kind: "reconcile", status: "succeeded" });
    expect(sentWrites(stage)).toEqual([
      { method: "PATCH", path: pathOf(failover, "monitor"), body: { path: "/", expected_codes: "200" } },
      { method: "PATCH", path: pathOf(failover, "primary"), body: { enabled: true } },
      { method: "PATCH", path: pathOf(failover, "secondary"), body: { name: "shop-secondary" } },
    ]);
    const healed = (await eventsOf(failover.id)).filter(({ type }) => type === "drift.healed");
    expect(healed.map(({ actor }) => actor)).toEqual(["token"]);
    expect((await stage.failover()).status).toMatchObject({ sync: "synced", drift: [] });
  });

  it("doesn't hold back what the user asks for", async () => {
    const stage = setStage();
    const failover = await inPlace(stage, { drift: "report" });
    const patched = await stage.call(
      "PATCH",
      "/v1/failovers/shop",
      { monitor: { path: "/health" } },
      { "if-match": '"1"' },
    );
    expect(patched.status).toBe(200);
    await stage.minutes(1);
    expect(sentWrites(stage)).toEqual([
      {
        method: "PATCH",
        path: pathOf(failover, "monitor"),
        body: { path: "/health", expected_codes: "200" },
      },
    ]);
  });
});
