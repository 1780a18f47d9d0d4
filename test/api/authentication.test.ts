// Every route of the document, asked by everybody who may not and by somebody who may.
import { describe, expect, it } from "vitest";
import { ACCESS_RULES, accessRuleOf } from "../../src/api/access-rules.ts";
import { authenticate } from "../../src/api/authentication.ts";
import { SCOPES } from "../../src/failover/access.ts";
import { anEvent, aToken, NOON, smallestBody } from "./builders.ts";
import { concrete, operationsOf, servedDocument } from "./document.ts";
import { inMemoryService, secretOf, TOKEN } from "./in-memory-service.ts";

const operations = operationsOf(await servedDocument());
const guarded = operations.flatMap(({ method, path }) => {
  const rule = accessRuleOf(method, path);
  return typeof rule === "string" ? [] : [{ method, path, ...rule }];
});

const NOT_A_TOKEN: [string, string | null, string][] = [
  ["no Authorization", null, "Bearer"],
  ["a wrong token", `Bearer ${TOKEN}x`, 'error="invalid_token"'],
  ["the beginning of the token", `Bearer ${TOKEN.slice(0, -1)}`, 'error="invalid_token"'],
  ["another scheme", `Basic ${btoa(`admin:${TOKEN}`)}`, 'error="invalid_request"'],
  ["the bare token", TOKEN, 'error="invalid_request"'],
  ["a scheme without a token", "Bearer", 'error="invalid_request"'],
  ["two tokens", `Bearer ${TOKEN} ${TOKEN}`, 'error="invalid_request"'],
  ["an expired token", `Bearer ${secretOf({ name: "expired" })}`, "This token has expired"],
  ["a revoked token", `Bearer ${secretOf({ name: "revoked" })}`, "This token was revoked"],
];

const TOKENS = [
  aToken({ name: "expired", scopes: ["admin"], expiresAt: NOON }),
  aToken({ name: "revoked", scopes: ["admin"], revokedAt: NOON - 1 }),
  ...SCOPES.map((scope) => aToken({ id: `tok_${scope}`, name: scope, scopes: [scope] })),
  ...SCOPES.map((scope) =>
    aToken({ id: `tok_foreign${scope}`, name: `foreign-${scope}`, scopes: [scope], failovers: ["other-*"] }),
  ),
  ...SCOPES.map((scope) =>
    aToken({ id: `tok_own${scope}`, name: `own-${scope}`, scopes: [scope], failovers: ["blog", "sh*p"] }),
  ),
  aToken({ name: "wide", scopes: ["admin"] }),
];

function service() {
  const made = inMemoryService();
  made.world.tokens = [...TOKENS];
  made.world.events = [anEvent(), anEvent({ id: "evt_2", type: "fleet.frozen", failoverId: "fleet" })];
  return made;
}

/** What a route needs to get as far as it can: only a body that names a failover is looked at before anything is done. */
function asked(method: string, about: string) {
  return about === "named" ? { method, body: smallestBody } : { method };
}

describe.each(guarded)("$method $path", ({ method, path, scope, about }) => {
  // Loops rather than `it.each`: every test sets up a database anew.
  it("answers 401 to whatever is no valid token, and does nothing", async () => {
    for (const [what, authorization, challenge] of NOT_A_TOKEN) {
      const { world, ask } = service();
      const headers = authorization === null ? {} : { authorization };
      const answer = await ask(concrete(path), { method, headers, token: null });

      expect(answer.status, what).toBe(401);
      expect(answer.headers.get("content-type"), what).toBe("application/problem+json");
      expect(answer.headers.get("www-authenticate"), what).toContain(challenge);
      expect(await answer.text(), what).not.toContain(TOKEN.slice(0, -1));
      expect(world.actions, what).toEqual([]);
      expect(world.reads, what).toBe(0);
      expect(JSON.stringify(world.logged), what).not.toContain(TOKEN.slice(0, -1));
    }
  });

  it(`answers 403 to every scope below ${scope}, before it reads the body`, async () => {
    for (const name of SCOPES.slice(0, SCOPES.indexOf(scope))) {
      const { world, ask } = service();
      const body = method === "GET" ? {} : { body: "{", headers: { "content-type": "text/plain" } };
      const answer = await ask(concrete(path), { method, token: secretOf({ name }), ...body });

      expect(answer.status, name).toBe(403);
      expect(answer.headers.get("www-authenticate"), name).toContain(
        `error="insufficient_scope", scope="${scope}"`,
      );
      expect(await answer.json(), name).toMatchObject({
        type: "urn:understudy:problem:forbidden",
        detail: expect.stringContaining(scope),
      });
      expect(world.actions, name).toEqual([]);
      expect(world.reads, name).toBe(0);
    }
  });

  it(`lets in the scope ${scope}, those that include it, and the admin token`, async () => {
    const names = SCOPES.slice(SCOPES.indexOf(scope));
    for (const token of [TOKEN, ...names.map((name) => secretOf({ name }))]) {
      const { ask } = service();
      const answer = await ask(concrete(path), { ...asked(method, about), token });
      expect([401, 403], token).not.toContain(answer.status);
    }
  });

  const foreign = secretOf({ name: `foreign-${scope}` });
  const own = secretOf({ name: `own-${scope}` });

  it("keeps a token to the failovers that it is for", async () => {
    const { world, ask } = service();
    const answer = await ask(concrete(path), { ...asked(method, about), token: foreign });
    const text = await answer.text();
    expect(text).not.toContain("shop");
    expect(text).not.toContain("www.example.com");
    expect(world.actions).toEqual([]);
    switch (about) {
      case "failover":
      case "operation": {
        // Exactly as of one that doesn't exist.
        const none = await ask(concrete(path).replace(/(fo|op)_abc/, "$1_none"), { method });
        expect(answer.status).toBe(404);
        const known: unknown = await none.json();
        if (none.status === 404)
          expect({ ...JSON.parse(text), request_id: "" }).toEqual({ ...Object(known), request_id: "" });
        return;
      }
      case "visible":
        return expect(answer.status).toBe(200);
      case "named":
      case "account":
        return expect(answer.status).toBe(403);
      case "tokens":
        return expect([200, 404, 400]).toContain(answer.status);
      default:
        about satisfies never;
    }
  });

  it("lets a limited token at its own failovers, and not at the whole fleet", async () => {
    const { ask } = service();
    const answer = await ask(concrete(path), { ...asked(method, about), token: own });
    if (about === "account") expect(answer.status).toBe(403);
    else expect([401, 403]).not.toContain(answer.status);
    if (about === "failover" || about === "operation") {
      const anew = await ask(concrete(path).replace("fo_abc", "shop"), { method, token: own });
      expect([401, 403]).not.toContain(anew.status);
    }
  });
});

describe("the table of access rules", () => {
  it("has a line for every route that there is", () => {
    const routes = operations.map(({ method, path }) => `${method} ${path}`);
    const missing = routes.filter((route) => !(route in ACCESS_RULES));
    expect(missing, "add these to ACCESS_RULES in src/api/access-rules.ts").toEqual([]);
    const stale = Object.keys(ACCESS_RULES).filter((route) => !routes.includes(route));
    expect(stale, "take these out of ACCESS_RULES in src/api/access-rules.ts").toEqual([]);
  });

  it("asks for a scope on every route under /v1", () => {
    const open = operations.filter(
      ({ method, path }) => path.startsWith("/v1") && typeof accessRuleOf(method, path) === "string",
    );
    expect(open).toEqual([]);
    expect(guarded.length).toBeGreaterThanOrEqual(30);
  });

  it("leaves exactly these to everybody", () => {
    const open = operations.filter(({ method, path }) => accessRuleOf(method, path) === "open");
    expect(open.map(({ path }) => path).toSorted()).toEqual([
      "/docs",
      "/docs/{file}",
      "/healthz",
      "/openapi.json",
    ]);
  });

  it("is what the document says", () => {
    for (const { method, path, operation } of operations) {
      const rule = accessRuleOf(method, path);
      if (typeof rule === "string") continue;
      expect(operation.security, path).toEqual([{ bearer: [rule.scope] }, { access: [rule.scope] }]);
      expect(operation.description, path).toContain(`Needs the scope \`${rule.scope}\``);
      expect(Object.keys(operation.responses), path).toEqual(expect.arrayContaining(["401", "403", "429"]));
    }
  });

  it("gives a route that it lacks to an unlimited admin alone", () => {
    expect(accessRuleOf("GET", "/v1/forgotten")).toEqual({ scope: "admin", about: "account" });
  });
});

describe("authentication", () => {
  it("hides which paths exist under /v1 from those without a token", async () => {
    const { ask } = inMemoryService();
    expect((await ask("/v1/nothing", { token: null })).status).toBe(401);
    expect((await ask("/v1/failovers", { token: null, method: "PUT" })).status).toBe(401);
    expect((await ask("/v1", { token: null })).status).toBe(401);
  });

  it("asks for the same scope by HEAD as by GET", async () => {
    const { ask } = service();
    expect((await ask("/v1/tokens", { method: "HEAD", token: secretOf({ name: "read" }) })).status).toBe(403);
    expect((await ask("/v1/tokens", { method: "HEAD" })).status).toBe(200);
  });

  it.each(["%66o_abc", "fo%5Fabc", "sho%70", "%", "%E0%A4%A"])(
    "reads an encoded reference (%s) as the route does",
    async (reference) => {
      const { world, ask } = service();
      const token = secretOf({ name: "foreign-admin" });
      const answer = await ask(`/v1/failovers/${reference}/promote`, { method: "POST", token });
      expect(answer.status).toBe(404);
      expect(world.actions).toEqual([]);
    },
  );

  it("takes the scheme in any case", async () => {
    const { ask } = inMemoryService();
    const answer = await ask("/v1/failovers", { headers: { authorization: `bearer ${TOKEN}` } });
    expect(answer.status).toBe(200);
  });

  const headers = (authorization: string) => new Headers({ authorization });
  const dependencies = (adminToken: string) => ({ ...inMemoryService().dependencies, adminToken });

  it("takes whatever visible characters the operator chose", async () => {
    const adminToken = "p@ss:w0rd!{}";
    const found = await authenticate(headers(`Bearer ${adminToken}`), dependencies(adminToken));
    expect(found).toMatchObject({ ok: true, principal: { actor: { kind: "token", name: "admin" } } });
  });

  it("lets nobody in where no admin token is set", async () => {
    for (const given of ["Bearer ", "Bearer x", `Bearer ${TOKEN}`]) {
      expect(await authenticate(headers(given), dependencies(""))).toMatchObject({ ok: false });
    }
  });

  it.each<[string, string | null]>([
    ["admin", null],
    ["operate", "operate"],
  ])("names the actor %s and the request to the action", async (name, token) => {
    const { world, ask } = service();
    await ask("/v1/failovers/shop/reconcile", {
      method: "POST",
      headers: { "x-request-id": "deploy-4711" },
      token: token === null ? TOKEN : secretOf({ name: token }),
    });
    expect(world.actions[0]?.given[2]).toEqual({
      actor: { kind: "token", name },
      requestId: "deploy-4711",
    });
  });

  it("notes the use of a token at most once a minute", async () => {
    const { world, ask } = inMemoryService();
    const recent = aToken({ id: "tok_recent", name: "recent", lastUsedAt: NOON - 59_999 });
    const longAgo = aToken({ id: "tok_old", name: "old", lastUsedAt: NOON - 60_000 });
    world.tokens = [recent, longAgo, aToken({ id: "tok_never", name: "never" })];
    for (const token of world.tokens) await ask("/v1/failovers", { token: secretOf(token) });
    expect(world.used).toEqual(["tok_old", "tok_never"]);
  });
});
