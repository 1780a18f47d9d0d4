import { afterEach, describe, expect, it, vi } from "vitest";
import { inStage, SHOP_PATH } from "./rehearsal.ts";
import type { Answer, Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
});

async function patch(stage: Stage, body: object, query = ""): Promise<Answer> {
  const { revision } = await stage.failover();
  return stage.call("PATCH", `${SHOP_PATH}${query}`, body, { "if-match": `"${revision}"` });
}

const to = (address: string) => ({ primary: { address } });
const OVERRIDE = "?override=target-not-ready&reason=moving%20house";

describe("in production, a change", () => {
  it.each<[string, object, string, RegExp]>([
    [
      "of the monitor's path to one that answers 404",
      { monitor: { path: "/nowhere" } },
      "preview",
      /404|code/,
    ],
    ["of the code that is expected", { monitor: { expected_codes: "204" } }, "preview", /code/],
    ["to an endpoint that doesn't answer", to("dead.example.net"), "probe", /refus|answer/],
  ])("%s is refused before it is stored", async (_, body, by, detail) => {
    const stage = await inStage("production");
    stage.simulator.world.addOrigin({ address: "dead.example.net" });
    stage.simulator.world.origin("dead.example.net").up = false;
    const { revision } = await stage.failover();
    const refused = await patch(stage, body);
    expect(refused.status).toBe(409);
    expect(refused.body.refusals).toContainEqual({
      guard: "target-not-ready",
      message: expect.stringMatching(/with this change .* endpoint failing/),
      facts: { endpoint: "primary", by, detail: expect.stringMatching(detail) },
      remedy: expect.any(String),
      overridable: true,
    });
    expect((await stage.failover()).revision).toBe(revision);
    expect(stage.writes().filter((write) => !write.endsWith("/preview"))).toEqual([]);
    const forced = await patch(stage, body, OVERRIDE);
    expect(forced.status).toBe(200);
    const { body: events } = await stage.call("GET", `${SHOP_PATH}/events?limit=5`);
    expect(events.items).toContainEqual(
      expect.objectContaining({
        type: "guard.overridden",
        data: expect.objectContaining({ reason: "moving house" }),
      }),
    );
  });

  it.each<[string, object]>([
    ["of the monitor to what works", { monitor: { path: "/healthz" } }],
    ["to an endpoint that answers", to("new.example.net")],
    ["of what nobody measures", { drift_grace_seconds: 60 }],
  ])("%s is taken at once", async (_, body) => {
    const stage = await inStage("production");
    stage.simulator.world.addOrigin({ address: "new.example.net" });
    const { status } = await patch(stage, body);
    expect(status).toBe(200);
    await stage.alarms();
    expect((await stage.failover()).status.sync).toBe("synced");
  });

  it("of the monitor is not taken on trust where the preview can't be had", async () => {
    const stage = await inStage("production");
    stage.simulator.faults.add({
      match: { method: "POST", path: /preview$/, times: Number.POSITIVE_INFINITY },
      effect: { kind: "status", status: 500, when: "before" },
    });
    const refused = await patch(stage, { monitor: { path: "/healthz" } });
    expect(refused.status).toBe(409);
    expect(refused.body.detail).toMatch(/not known whether the primary endpoint works with this change/);
    const reasonless = await patch(stage, { monitor: { path: "/healthz" } }, "?override=target-not-ready");
    expect(reasonless).toMatchObject({ status: 422 });
    const misspelt = await patch(stage, { monitor: { path: "/healthz" } }, "?override=targets&reason=x");
    expect(misspelt).toMatchObject({ status: 422 });
  });

  it("is left to the health checks in testing", async () => {
    const stage = await inStage("testing");
    expect((await patch(stage, { monitor: { path: "/nowhere" } })).status).toBe(200);
    expect(stage.writes().filter((write) => write.endsWith("/preview"))).toEqual([]);
  });
});
