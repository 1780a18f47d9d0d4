import { describe, expect, it } from "vitest";
import { mergePatch } from "../../src/failover/merge-patch.ts";
import type { Role } from "../../src/failover/marker.ts";
import { OWNED_FIELD_EDITS, type OwnedFieldEdit } from "../failover/builders.ts";
import { eventsOf, sentWrites } from "./ledger.ts";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";
import { editObject, objectOf, pathOf, ROLES } from "./somebody.ts";

async function inPlace(stage: Stage, spec: object = {}): Promise<Answer["body"]> {
  const { status, body } = await stage.call("POST", "/v1/failovers", mergePatch(SHOP, spec));
  expect(status).toBe(201);
  await stage.minutes(1);
  const failover = await stage.failover();
  expect(failover.status.sync).toBe("synced");
  stage.forgetCalls();
  return { ...failover, id: body.id };
}

/** The value at a difference's path, as Cloudflare holds it; an endpoint is found by its name. */
function valueAt(object: unknown, path: string): unknown {
  let value: unknown = object;
  for (const member of path.split(".")) {
    if (Array.isArray(value)) value = value.find((item: { name?: unknown }) => item.name === member);
    else value = (value as Record<string, unknown> | null | undefined)?.[member];
  }
  return value;
}

/** Nothing is written in several ways at Cloudflare, and an endpoint as a whole is told by its address. */
function plain(given: unknown): string {
  const value = (given as { address?: unknown } | null | undefined)?.address ?? given;
  const isNothing = value === undefined || value === null || value === 0 || value === "";
  const isEmpty = Array.isArray(value) && value.length === 0;
  return isNothing || isEmpty ? "nothing" : JSON.stringify(value).toLowerCase();
}

const drifts = (data: Record<string, unknown> | undefined) => data?.["drift"] as Record<string, unknown>[];

describe("a change behind our back", () => {
  it("is known for every field that is ours", () => {
    expect(OWNED_FIELD_EDITS.length).toBeGreaterThan(50);
  });

  it.each(OWNED_FIELD_EDITS.map((edit) => ({ ...edit, of: edit.role })))(
    "to $path of $of is planned with before and after, and healed within a tick by its member alone",
    async ({ role, path, edit, expectedMembers, spec, class: kind }) => {
      const stage = setStage();
      const failover = await inPlace(stage, spec);
      const wanted = objectOf(stage, failover, role);
      editObject(stage, failover, role, edit);
      const edited = objectOf(stage, failover, role);
      expect(edited).not.toEqual(wanted);

      const { body: plan } = await stage.call("GET", "/v1/failovers/shop/plan");
      const change = { action: "update", role, differences: [expect.objectContaining({ path })] };
      expect(plan.changes).toEqual([expect.objectContaining(change)]);
      const [{ before, after }] = plan.changes[0].differences;
      expect(before).not.toEqual(after);
      expect(plain(before)).toBe(plain(valueAt(edited, path)));
      expect(plain(after)).toBe(plain(valueAt(wanted, path)));
      expect(stage.writes()).toEqual([]);

      await stage.minutes(1);
      const [write, ...more] = sentWrites(stage);
      expect(more).toEqual([]);
      expect(write).toMatchObject({ method: "PATCH", path: pathOf(failover, role) });
      expect(Object.keys(write?.body as object).toSorted()).toEqual(expectedMembers.toSorted());
      expect(objectOf(stage, failover, role)).toEqual(wanted);
      expect((await stage.failover()).status).toMatchObject({ sync: "synced", drift: [] });

      await stage.minutes(1);
      expect(stage.writes()).toHaveLength(1);
      const events = (await eventsOf(failover.id)).filter(
        ({ type }) => type.startsWith("drift.") || type === "object.updated",
      );
      expect(events.map(({ type, actor }) => [type, actor])).toEqual([
        ["object.updated", "system"],
        ["drift.detected", "cloudflare"],
        ["drift.healed", "system"],
      ]);
      // A header's values can be credentials: events keep them to themselves.
      const values = path === "header" ? {} : { before, after };
      for (const { data } of events.slice(1)) {
        expect(drifts(data)).toEqual([expect.objectContaining({ role, path, class: kind, ...values })]);
      }
    },
  );

  it("to every field at once is healed by one write an object", async () => {
    const stage = setStage();
    const failover = await inPlace(stage);
    const wanted = ROLES.map((role) => objectOf(stage, failover, role));
    const edits = OWNED_FIELD_EDITS.filter(({ spec }) => spec === undefined);
    for (const { role, edit } of edits) editObject(stage, failover, role, edit);
    await stage.minutes(1);
    expect(sentWrites(stage).map(({ method, path }) => [method, path])).toEqual(
      ROLES.map((role) => ["PATCH", pathOf(failover, role)]),
    );
    expect(ROLES.map((role) => objectOf(stage, failover, role))).toEqual(wanted);
    expect((await stage.failover()).status.sync).toBe("synced");
  });

  it("is left alone where the field isn't ours", async () => {
    const stage = setStage();
    const failover = await inPlace(stage);
    const foreign: [Role, OwnedFieldEdit["edit"]][] = [
      ["monitor", (object) => ({ ...object, consecutive_up: 3, header: { "X-Check": ["theirs"] } })],
      [
        "primary",
        (object) => ({ ...object, notification_email: "ops@example.com", latitude: 52.5, longitude: 13.4 }),
      ],
      ["secondary", (object) => ({ ...object, origin_steering: { policy: "hash" } })],
      [
        "load_balancer",
        (object) => ({
          ...object,
          session_affinity_attributes: { samesite: "Lax", secure: "Always" },
          location_strategy: { mode: "resolver_ip", prefer_ecs: "always" },
        }),
      ],
    ];
    for (const [role, edit] of foreign) editObject(stage, failover, role, edit);
    const { body: plan } = await stage.call("GET", "/v1/failovers/shop/plan");
    expect(plan.changes).toEqual([]);
    await stage.minutes(2);
    expect(stage.writes()).toEqual([]);
    expect((await stage.failover()).status.sync).toBe("synced");
  });

  it("keeps what isn't ours inside of a member that is healed", async () => {
    const stage = setStage();
    const failover = await inPlace(stage);
    editObject(stage, failover, "primary", (object) => ({
      ...object,
      origins: (object["origins"] as object[]).map((one) => ({ ...one, weight: 0.25, flatten_cname: true })),
    }));
    await stage.minutes(1);
    expect(sentWrites(stage).map(({ body }) => body)).toEqual([
      {
        origins: [
          {
            name: "primary",
            address: "origin.example.net",
            enabled: true,
            weight: 1,
            header: { Host: ["www.example.com"] },
            flatten_cname: true,
          },
        ],
      },
    ]);
  });
});
