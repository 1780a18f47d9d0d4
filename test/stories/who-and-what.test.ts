import { describe, expect, it } from "vitest";
import { aListener } from "./listeners.ts";
import { editObject } from "./somebody.ts";
import { setStage, type Answer } from "./stage.ts";

/** These tell of what happened, and nothing is another way because of them. */
const NO_CHANGE = new Set([
  "drill.started",
  "drill.passed",
  "guard.overridden",
  "bake.passed",
  "bake.failed",
  "failover.switch_over_cancelled",
  "failover.switch_over_scheduled",
]);

function tellsTheChange({ type, data }: Answer["body"]): boolean {
  const lists = [data.drift, data.differences, data.foreign].find((list) => list !== undefined);
  if (lists !== undefined) return lists.every((one: object) => "before" in one || type.startsWith("foreign"));
  return "before" in data && "after" in data;
}

describe("the trail", () => {
  it("says of all that changed who did it, by which request, and how it was before and after", async () => {
    const stage = setStage();
    const created = await stage.call("POST", "/v1/failovers", {
      name: "shop",
      hostname: "www.example.com",
      primary: { address: "origin.example.net" },
      secondary: { pages_project: "shop" },
    });
    await stage.minutes(3);
    await stage.promote();
    await stage.promote();
    const failover = await stage.failover();
    const { channel } = await aListener(stage);
    const act = (method: string, path: string, body?: unknown) =>
      stage.call(method, path, body, { "x-request-id": "req-of-this" });
    await act("POST", "/v1/failovers/shop/pause", { expires_in_seconds: 600, reason: "a look" });
    await act("POST", "/v1/failovers/shop/resume", {});
    await act("POST", "/v1/fleet/freeze", { reason: "a freeze" });
    await act("DELETE", "/v1/fleet/freeze");
    const token = await act("POST", "/v1/tokens", { name: "ci", scopes: ["read"] });
    await act("DELETE", `/v1/tokens/${token.body.id}`);
    await act("PATCH", `/v1/channels/${channel.id}`, { name: "hook-2" });
    await act("DELETE", `/v1/channels/${channel.id}`);
    editObject(stage, failover, "monitor", (object) => ({ ...object, timeout: 7 }));
    const asked = await act("POST", "/v1/failovers/shop/reconcile", {});
    expect(asked.status).toBe(202);
    await stage.alarms();
    stage.simulator.world.origin("origin.example.net").up = false;
    await stage.minutes(4);
    await stage.operate("POST", "/v1/failovers/shop/switch-over", {
      to: "secondary",
      reason: "it is down",
      override: ["preflight-failed"],
    });
    const events: Answer["body"][] = [];
    for (let cursor = ""; ;) {
      const { body } = await stage.call("GET", `/v1/events?limit=100${cursor}`);
      events.push(...body.items);
      if (body.next_cursor === null) break;
      cursor = `&cursor=${body.next_cursor}`;
    }
    const silent = events.filter((event) => !NO_CHANGE.has(event.type) && !tellsTheChange(event));
    expect(silent.map(({ type, data }) => [type, data])).toEqual([]);
    expect(new Set(events.map(({ type }) => type)).size).toBeGreaterThan(20);
    const of = (type: string) => events.find((event) => event.type === type);
    expect(of("failover.created")).toMatchObject({
      actor: { kind: "token", name: "admin" },
      request_id: created.headers.get("x-request-id"),
      data: { before: null, after: { name: "shop" } },
    });
    const ours = ["failover.paused", "failover.resumed", "fleet.frozen", "fleet.thawed", "token.revoked"];
    for (const type of [...ours, "channel.updated", "channel.deleted", "drift.healed"])
      expect(of(type)).toMatchObject({ actor: { kind: "token" }, request_id: "req-of-this" });
    // Who asked us to look is not who did it.
    expect(of("drift.detected")).toMatchObject({
      actor: { kind: "cloudflare", name: "somebody else" },
      request_id: "req-of-this",
    });
    expect(of("health.changed")).toMatchObject({ actor: { kind: expect.any(String) } });
    const unhealthy = events.find(
      ({ type, data }) =>
        type === "health.changed" && data.after === "unhealthy" && data.witness === "cloudflare",
    );
    expect(unhealthy).toMatchObject({ actor: { kind: "cloudflare", name: "health checks" } });
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => events.length - index));
  });
});
