import { describe, expect, it } from "vitest";
import { aToken, NOON } from "./builders.ts";
import { inMemoryService, secretOf } from "./in-memory-service.ts";

const LIMITED = aToken({ id: "tok_shop", name: "shop-admin", scopes: ["admin"], failovers: ["shop-*"] });
const WIDE = aToken({ id: "tok_wide", name: "wide", scopes: ["read"] });
const NARROW = aToken({ id: "tok_narrow", name: "narrow", failovers: ["shop-eu"], lastUsedAt: NOON });

function service() {
  const made = inMemoryService();
  made.world.tokens = [LIMITED, WIDE, NARROW];
  return made;
}

const make = (body: unknown) => ({ method: "POST", body });

describe("making a token", () => {
  it("shows it once, with what it may do", async () => {
    const { world, ask } = service();
    const body = {
      name: "pipeline",
      scopes: ["operate"],
      failovers: ["shop-*"],
      expires_at: "2026-12-24T18:00:00+01:00",
    };
    const answer = await ask("/v1/tokens", make(body));
    expect(answer.status).toBe(201);
    expect(answer.headers.get("location")).toBe("/v1/tokens/tok_new");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await answer.json()).toEqual({
      id: "tok_new",
      name: "pipeline",
      token: secretOf({ name: "pipeline" }),
      scopes: ["operate"],
      failovers: ["shop-*"],
      state: "active",
      created_by: { kind: "token", name: "admin" },
      created_at: "2026-11-23T12:00:00.000Z",
      expires_at: "2026-12-24T17:00:00.000Z",
      revoked_at: null,
      last_used_at: null,
    });
    expect(world.actions).toMatchObject([{ verb: "createToken" }]);
  });

  it.each<[unknown, string]>([
    [{ scopes: ["read"] }, "/name"],
    [{ name: "", scopes: ["read"] }, "/name"],
    [{ name: "a:b", scopes: ["read"] }, "/name"],
    [{ name: "x".repeat(65), scopes: ["read"] }, "/name"],
    [{ name: "a" }, "/scopes"],
    [{ name: "a", scopes: [] }, "/scopes"],
    [{ name: "a", scopes: ["root"] }, "/scopes/0"],
    [{ name: "a", scopes: ["read"], failovers: [] }, "/failovers"],
    [{ name: "a", scopes: ["read"], failovers: ["Shop"] }, "/failovers/0"],
    [{ name: "a", scopes: ["read"], failovers: ["shop?"] }, "/failovers/0"],
    [{ name: "a", scopes: ["read"], expires_at: "tomorrow" }, "/expires_at"],
    [{ name: "a", scopes: ["read"], scope: "admin" }, "/scope"],
  ])("refuses %j at %s", async (body, pointer) => {
    const { world, ask } = service();
    const answer = await ask("/v1/tokens", make(body));
    expect(answer.status).toBe(422);
    const { errors } = await answer.json<{ errors: { pointer: string }[] }>();
    expect(errors.map((one) => one.pointer)).toContain(pointer);
    expect(world.actions).toEqual([]);
  });

  it.each<[string, object, number]>([
    ["for its own failovers", { scopes: ["admin"], failovers: ["shop-*"] }, 201],
    ["for fewer", { scopes: ["read"], failovers: ["shop-eu", "shop-us-*"] }, 201],
    ["for all", { scopes: ["read"] }, 403],
    ["for others", { scopes: ["read"], failovers: ["shop-eu", "blog"] }, 403],
    ["for all by a pattern", { scopes: ["read"], failovers: ["*"] }, 403],
  ])("lets a limited admin make one %s: %s → %s", async (_, rights, status) => {
    const { world, ask } = service();
    const asked = { ...make({ name: "new", ...rights }), token: secretOf(LIMITED) };
    expect((await ask("/v1/tokens", asked)).status).toBe(status);
    expect(world.actions).toHaveLength(status === 201 ? 1 : 0);
  });
});

describe("looking at tokens, and revoking them", () => {
  it("never shows a secret", async () => {
    const { ask } = service();
    const text = await (await ask("/v1/tokens")).text();
    expect(JSON.parse(text).items).toHaveLength(3);
    expect(text).not.toMatch(/ust_|hash/);
    expect(await (await ask("/v1/tokens/tok_narrow")).json()).toMatchObject({
      id: "tok_narrow",
      last_used_at: "2026-11-23T12:00:00.000Z",
    });
  });

  it("hides wider tokens from a limited admin, and lets it revoke none of them", async () => {
    const { world, ask } = service();
    const token = secretOf(LIMITED);
    const { items } = await (await ask("/v1/tokens", { token })).json<{ items: { id: string }[] }>();
    expect(items.map(({ id }) => id)).toEqual(["tok_shop", "tok_narrow"]);
    expect((await ask("/v1/tokens/tok_wide", { token })).status).toBe(404);
    expect((await ask("/v1/tokens/tok_wide", { token, method: "DELETE" })).status).toBe(404);
    expect(world.actions).toEqual([]);
    expect((await ask("/v1/tokens/tok_narrow", { token, method: "DELETE" })).status).toBe(204);
    expect(world.actions).toMatchObject([
      { verb: "revokeToken", given: ["tok_narrow", { actor: { name: "shop-admin" } }] },
    ]);
  });
});

describe("a name or hostname that somebody else has", () => {
  const taken = {
    code: "taken",
    detail: "www.example.com belongs to the failover secret",
    errors: [{ pointer: "/hostname", message: "www.example.com belongs to the failover secret" }],
  } as const;
  const body = {
    name: "shop-1",
    hostname: "www.example.com",
    primary: { address: "o.example.net" },
    secondary: { pages_project: "shop" },
  };

  it("is named to whoever may see all failovers, and only called taken to a limited token", async () => {
    const { world, ask } = service();
    world.failure = taken;
    expect(await (await ask("/v1/failovers", make(body))).text()).toContain("the failover secret");
    const answer = await ask("/v1/failovers", { ...make(body), token: secretOf(LIMITED) });
    expect(answer.status).toBe(409);
    const text = await answer.text();
    expect(text).not.toContain("secret");
    expect(JSON.parse(text)).toMatchObject({ errors: [{ pointer: "/hostname", message: "is taken" }] });
  });
});
