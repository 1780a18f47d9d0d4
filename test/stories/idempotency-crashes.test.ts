import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { killDuring } from "./adversity.ts";
import { CLICKED, make } from "./existing.ts";
import { setStage, type Answer } from "./stage.ts";

describe("a Coordinator that dies after it has done what was asked for", () => {
  it("has done it once: asked again under the same Idempotency-Key, it says so", async () => {
    const stage = setStage();
    const asked = { hostname: "old.example.com", name: "old", confirm: true };
    await make(stage, { ...CLICKED, load_balancer: { ...CLICKED.load_balancer, name: asked.hostname } });
    const ask = () => stage.call("POST", "/v1/import", asked, { "idempotency-key": "import" });
    let first: Answer | undefined;
    // The first mark: by then the failover is stored.
    const killed = await killDuring(stage, { method: "PATCH", nth: 1 }, "after", async () => {
      first = await ask();
    });
    expect([killed, first?.status]).toEqual(["killed", 503]);
    const again = await ask();
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([201, "true"]);
    expect(again.body).toMatchObject({ name: "old" });
    expect(await env.DB.prepare("SELECT count(*) AS n FROM failovers").first()).toEqual({ n: 1 });
  });

  it("has not begun before: asked again at once, it is done", async () => {
    const stage = setStage();
    await stage.ready();
    const ask = () =>
      stage.call("POST", "/v1/failovers/shop/promote", undefined, { "idempotency-key": "promote" });
    let first: Answer | undefined;
    const killed = await killDuring(stage, { method: "GET", nth: 1 }, "before", async () => {
      first = await ask();
    });
    expect([killed, first?.status]).toEqual(["killed", 503]);
    const again = await ask();
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([202, null]);
    expect((await ask()).body).toEqual(again.body);
  });
});
