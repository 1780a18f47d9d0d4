import { describe, expect, it } from "vitest";
import { importPreviewSchema } from "../../src/api/schemas.ts";
import { inMemoryService } from "./in-memory-service.ts";

const send = (ask: ReturnType<typeof inMemoryService>["ask"], body: object) =>
  ask("/v1/import", { method: "POST", body });

describe("POST /v1/import", () => {
  it("shows what a load balancer would become", async () => {
    const { world, ask } = inMemoryService();
    const answer = await send(ask, { hostname: "WWW.example.com." });
    expect(answer.status).toBe(200);
    expect(answer.headers.has("location")).toBe(false);
    const body: unknown = await answer.json();
    expect(importPreviewSchema.strict().parse(body)).toEqual(body);
    expect(body).toEqual({
      importable: false,
      spec: null,
      active: null,
      objects: {
        monitor: { id: "m1", name: "HTTP - 200" },
        primary: null,
        secondary: null,
        load_balancer: { id: "l1", name: "www.example.com" },
      },
      changes: [expect.objectContaining({ role: "monitor" })],
      foreign: [
        { role: "load_balancer", path: "rules", message: "two rules", class: "foreign", keepable: true },
      ],
      refusals: [
        {
          guard: "not-importable",
          message: "no",
          facts: {},
          remedy: "Do something else.",
          overridable: false,
        },
      ],
    });
    const [action] = world.actions;
    expect(action?.verb).toBe("importFailover");
    expect(action?.given[0]).toEqual({ hostname: "www.example.com" });
  });

  it("answers a confirmed one with the failover and where it is", async () => {
    const { world, ask } = inMemoryService();
    world.imported = { ...world.imported, failoverId: "fo_abc" };
    const asked = { hostname: "www.example.com", name: "shop", confirm: true, keep_foreign: true };
    const answer = await send(ask, asked);
    expect(answer.status).toBe(201);
    expect(answer.headers.get("location")).toBe("/v1/failovers/fo_abc");
    expect(answer.headers.get("etag")).toMatch(/^"\d+"$/);
    expect(await answer.json()).toMatchObject({ id: "fo_abc", name: "shop" });
    const { keep_foreign: keepForeign, ...others } = asked;
    expect(world.actions[0]?.given[0]).toEqual({ ...others, keepForeign });
  });

  it("answers 503 where Cloudflare can't be read", async () => {
    const { world, ask } = inMemoryService();
    world.failure = { code: "unavailable", detail: "Cloudflare could not be read" };
    const answer = await send(ask, { hostname: "www.example.com", confirm: true });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ detail: "Cloudflare could not be read" });
  });
});
