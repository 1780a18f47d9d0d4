import { describe, expect, it } from "vitest";
import { authenticate } from "../../src/api/authentication.ts";
import { concrete, operationsOf, servedDocument } from "./document.ts";
import { inMemoryService, TOKEN } from "./in-memory-service.ts";

const operations = operationsOf(await servedDocument());
const guarded = operations.filter(({ tokenRequired }) => tokenRequired);

const NOT_A_TOKEN: [string, string | null, string][] = [
  ["no Authorization", null, "Bearer"],
  ["a wrong token", `Bearer ${TOKEN}x`, 'error="invalid_token"'],
  ["the beginning of the token", `Bearer ${TOKEN.slice(0, -1)}`, 'error="invalid_token"'],
  ["another scheme", `Basic ${btoa(`admin:${TOKEN}`)}`, 'error="invalid_request"'],
  ["the bare token", TOKEN, 'error="invalid_request"'],
  ["a scheme without a token", "Bearer", 'error="invalid_request"'],
  ["two tokens", `Bearer ${TOKEN} ${TOKEN}`, 'error="invalid_request"'],
];

describe.each(guarded)("$method $path", ({ method, path }) => {
  it.each(NOT_A_TOKEN)("answers 401 to %s and does nothing", async (_, authorization, challenge) => {
    const { world, ask } = inMemoryService();
    const headers = authorization === null ? {} : { authorization };
    const answer = await ask(concrete(path), { method, headers, token: null });

    expect(answer.status).toBe(401);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.headers.get("www-authenticate")).toContain(challenge);
    expect(await answer.text()).not.toContain(TOKEN.slice(0, -1));
    expect(world.actions).toEqual([]);
    expect(world.reads).toBe(0);
    expect(JSON.stringify(world.logged)).not.toContain(TOKEN.slice(0, -1));
  });

  it("lets the token in", async () => {
    const { ask } = inMemoryService();
    expect((await ask(concrete(path), { method })).status).not.toBe(401);
  });
});

describe("authentication", () => {
  it("demands a token on every route under /v1", () => {
    const open = operations.filter(({ path, tokenRequired }) => path.startsWith("/v1") && !tokenRequired);
    expect(open).toEqual([]);
    expect(guarded.length).toBeGreaterThanOrEqual(14);
  });

  it("leaves exactly healthz, readyz and the document open", () => {
    const open = operations.filter(({ tokenRequired }) => !tokenRequired).map(({ path }) => path);
    expect(open.toSorted()).toEqual(["/healthz", "/openapi.json", "/readyz"]);
  });

  it("hides which paths exist under /v1 from those without a token", async () => {
    const { ask } = inMemoryService();
    expect((await ask("/v1/nothing", { token: null })).status).toBe(401);
    expect((await ask("/v1/failovers", { token: null, method: "PUT" })).status).toBe(401);
  });

  it("takes the scheme in any case", async () => {
    const { ask } = inMemoryService();
    const answer = await ask("/v1/failovers", { headers: { authorization: `bearer ${TOKEN}` } });
    expect(answer.status).toBe(200);
  });

  it("takes whatever visible characters the operator chose", async () => {
    const adminToken = "p@ss:w0rd!{}";
    expect(await authenticate(`Bearer ${adminToken}`, { adminToken })).toMatchObject({ ok: true });
  });

  it("lets nobody in where no admin token is set", async () => {
    for (const given of ["Bearer ", "Bearer x", `Bearer ${TOKEN}`]) {
      expect(await authenticate(given, { adminToken: "" })).toMatchObject({ ok: false });
    }
  });

  it("names the actor and the request to the action", async () => {
    const { world, ask } = inMemoryService();
    await ask("/v1/failovers/shop/reconcile", { method: "POST", headers: { "x-request-id": "deploy-4711" } });
    expect(world.actions[0]?.given[2]).toEqual({
      actor: { kind: "token", name: "admin" },
      requestId: "deploy-4711",
    });
  });
});
