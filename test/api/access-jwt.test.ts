// People and services that come through Cloudflare Access; its keys and signatures are simulated, with real cryptography.
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from "jose";
import { describe, expect, it } from "vitest";
import { createAccessVerifier } from "../../src/api/access-jwt.ts";
import { accessGrantsSchema } from "../../src/failover/access-grants.ts";
import { NOON } from "./builders.ts";
import { inMemoryService, TOKEN } from "./in-memory-service.ts";

const TEAM = "example.cloudflareaccess.com";
const AUDIENCE = "32eafc7626e974616deaf0dc3ce63d7b";
const newPair = () => generateKeyPair("RS256", { extractable: true });
const [signer, next, forged] = [await newPair(), await newPair(), await newPair()];

const publicKey = async (pair: typeof signer, kid: string) => ({
  ...(await exportJWK(pair.publicKey)),
  kid,
  alg: "RS256",
  use: "sig",
});
const KNOWN = await publicKey(signer, "k1");
const NEXT = await publicKey(next, "k2");

const SECONDS = NOON / 1000;
const CLAIMS: JWTPayload = {
  iss: `https://${TEAM}`,
  aud: [AUDIENCE],
  email: "ann@example.com",
  type: "app",
  iat: SECONDS - 60,
  nbf: SECONDS - 60,
  exp: SECONDS + 3600,
  sub: "7335d417",
  custom: { groups: ["ops"] },
};

function sign(change: Record<string, unknown> = {}, { pair = signer, kid = "k1" } = {}): Promise<string> {
  return new SignJWT({ ...CLAIMS, ...change })
    .setProtectedHeader({ alg: "RS256", kid, typ: "JWT" })
    .sign(pair.privateKey);
}

const base64url = (text: string) => btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const part = (value: unknown) => base64url(JSON.stringify(value));

/** The classic: the public key, which everybody has, taken for the secret of an HMAC. */
async function signByPublicKey(): Promise<string> {
  const secret = new TextEncoder().encode(JSON.stringify(KNOWN));
  return new SignJWT(CLAIMS).setProtectedHeader({ alg: "HS256", kid: "k1" }).sign(secret);
}

const GRANTS = accessGrantsSchema.parse([
  { group: "ops", scopes: ["operate"], failovers: ["sh*"] },
  { email: "root@example.com", scopes: ["admin"] },
  { email_domain: "example.com", scopes: ["read"] },
  { service_token: "e367826f.access", scopes: ["operate"] },
]);

function behindAccess() {
  const made = inMemoryService();
  const { world, ask } = made;
  const certs = { keys: [KNOWN], status: 200, reads: 0, asked: "" };
  world.access = {
    grants: GRANTS,
    verify: createAccessVerifier(
      { teamDomain: TEAM, audiences: ["another-application", AUDIENCE] },
      {
        fetch: async (request) => {
          certs.reads += 1;
          certs.asked = request.url;
          return Response.json({ keys: certs.keys }, { status: certs.status });
        },
        // The world's own sleep jumps, and whoever waits here waits for another request.
        clock: { now: () => world.now, sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
        log: made.dependencies.log,
      },
    ),
  };
  const asJwt = (jwt: string, path = "/v1/failovers/shop", more: Parameters<typeof ask>[1] = {}) =>
    ask(path, { ...more, token: null, headers: { "cf-access-jwt-assertion": jwt, ...more.headers } });
  return { ...made, certs, asJwt };
}

describe("a JWT of Cloudflare Access", () => {
  it("lets in a person by the domain of the address", async () => {
    const { asJwt, certs } = behindAccess();
    expect((await asJwt(await sign())).status).toBe(200);
    expect(certs.asked).toBe(`https://${TEAM}/cdn-cgi/access/certs`);
  });

  it("gives a person what their groups and address are granted, and names them to the action", async () => {
    const { world, asJwt } = behindAccess();
    const pausing = { method: "POST", body: { expires_in_seconds: 60, reason: "a test" } };
    expect((await asJwt(await sign(), "/v1/failovers/shop/pause", pausing)).status).toBe(200);
    expect(world.actions[0]?.given[2]).toMatchObject({ actor: { kind: "person", name: "ann@example.com" } });
    const withoutGroup = await sign({ custom: {} });
    expect((await asJwt(withoutGroup, "/v1/failovers/shop/pause", pausing)).status).toBe(403);
    expect((await asJwt(await sign(), "/v1/tokens")).status).toBe(403);
    expect((await asJwt(await sign({ email: "Root@Example.com" }), "/v1/tokens")).status).toBe(200);
  });

  it("lets in a service token by its client id", async () => {
    const { world, asJwt } = behindAccess();
    const claims = { ...CLAIMS, common_name: "e367826f.access", sub: "" };
    const jwt = await sign({ ...claims, email: undefined, nbf: undefined });
    expect((await asJwt(jwt, "/v1/failovers/shop/reconcile", { method: "POST" })).status).toBe(202);
    expect(world.actions[0]?.given[2]).toMatchObject({
      actor: { kind: "token", name: "access:e367826f.access" },
    });
  });

  it("opens nothing to a person without a grant: 403", async () => {
    const { asJwt } = behindAccess();
    const answer = await asJwt(await sign({ email: "eve@other.com", custom: {} }));
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ detail: expect.stringContaining("read") });
  });

  const refused: [string, () => Promise<string>][] = [
    ["another audience", () => sign({ aud: ["97e2aae120121f902df8bc99fc345913"] })],
    ["no audience", () => sign({ aud: undefined })],
    ["another team as issuer", () => sign({ iss: "https://evil.cloudflareaccess.com" })],
    ["the issuer without https", () => sign({ iss: TEAM })],
    ["another key under a known id", () => sign({}, { pair: forged })],
    ["an unknown key id", () => sign({}, { pair: forged, kid: "k9" })],
    ["no signature (alg none)", async () => `${part({ alg: "none", typ: "JWT" })}.${part(CLAIMS)}.`],
    ["no signature under a known key id", async () => `${part({ alg: "none", kid: "k1" })}.${part(CLAIMS)}.`],
    ["the public key as HMAC secret", signByPublicKey],
    [
      "claims that were changed",
      async () => (await sign()).replace(/\.[^.]+\./, `.${part({ ...CLAIMS, email: "root@example.com" })}.`),
    ],
    ["a time to come", () => sign({ nbf: SECONDS + 31 })],
    ["no expiry", () => sign({ exp: undefined })],
    ["no instant of issue", () => sign({ iat: undefined })],
    ["the session of the whole team", () => sign({ type: "org" })],
    ["nobody's name", () => sign({ email: undefined })],
    ["garbage", async () => "garbage"],
    ["dots", async () => ".."],
  ];

  it.each(refused)("isn't taken with %s: 401", async (_, make) => {
    const { world, asJwt } = behindAccess();
    const jwt = await make();
    const answer = await asJwt(jwt, "/v1/failovers/shop/promote", { method: "POST" });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toContain('error="invalid_token"');
    expect(world.actions).toEqual([]);
    const said = (await answer.text()) + JSON.stringify([...answer.headers]) + JSON.stringify(world.logged);
    expect(jwt.length < 10 || !said.includes(jwt)).toBe(true);
  });

  it("isn't taken once it has expired, but for half a minute", async () => {
    const { asJwt } = behindAccess();
    expect((await asJwt(await sign({ exp: SECONDS - 29 }))).status).toBe(200);
    const late = await asJwt(await sign({ exp: SECONDS - 31 }));
    expect(late.status).toBe(401);
    expect(late.headers.get("www-authenticate")).toContain("has expired");
    expect((await asJwt(await sign({ nbf: SECONDS + 29 }))).status).toBe(200);
  });

  it("isn't looked at where Access is not configured", async () => {
    const { world, asJwt } = behindAccess();
    world.access = null;
    expect((await asJwt(await sign())).status).toBe(401);
  });

  it("isn't looked at where there is a token, good or bad, nor in a cookie", async () => {
    const { world, ask, asJwt } = behindAccess();
    const root = await sign({ email: "root@example.com" });
    const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
    expect((await asJwt(root, "/v1/failovers", bearer("wrong"))).status).toBe(401);
    expect((await asJwt("garbage", "/v1/failovers", bearer(TOKEN))).status).toBe(200);
    const cookie = { cookie: `CF_Authorization=${root}` };
    expect((await ask("/v1/failovers", { token: null, headers: cookie })).status).toBe(401);
    expect(world.actions).toEqual([]);
  });

  it.each<[string, Record<string, string>, number]>([
    ["another site's page", { "sec-fetch-site": "cross-site" }, 403],
    ["a page of a sibling host", { "sec-fetch-site": "same-site" }, 403],
    ["our own page", { "sec-fetch-site": "same-origin", origin: "http://localhost" }, 202],
    ["the person at the address bar", { "sec-fetch-site": "none" }, 202],
    ["an old browser on another site", { origin: "https://evil.example" }, 403],
    ["a page without an origin", { origin: "null" }, 403],
    ["a program", {}, 202],
  ])("changes something when it comes from %s: %s → %s", async (_, headers, status) => {
    const { asJwt } = behindAccess();
    const answer = await asJwt(await sign(), "/v1/failovers/shop/reconcile", { method: "POST", headers });
    expect(answer.status).toBe(status);
    expect((await asJwt(await sign(), "/v1/failovers/shop", { headers })).status).toBe(200);
  });
});

describe("the keys of Cloudflare Access", () => {
  it("are read once for many requests, and again after ten minutes", async () => {
    const { world, asJwt, certs } = behindAccess();
    for (let at = 0; at < 5; at += 1) await asJwt(await sign());
    expect(certs.reads).toBe(1);
    world.now += 600_000;
    await asJwt(await sign());
    expect(certs.reads).toBe(2);
  });

  it("are read by one of many requests that come at once", async () => {
    const { asJwt, certs } = behindAccess();
    const jwt = await sign();
    const answers = await Promise.all(Array.from({ length: 10 }, () => asJwt(jwt)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(certs.reads).toBe(1);
  });

  it("are read again for an unknown key id, at most once a minute", async () => {
    const { world, asJwt, certs } = behindAccess();
    await asJwt(await sign());
    certs.keys = [KNOWN, NEXT];
    const rotated = await sign({}, { pair: next, kid: "k2" });
    world.now += 59_999;
    for (let at = 0; at < 3; at += 1) expect((await asJwt(rotated)).status).toBe(401);
    expect(certs.reads).toBe(1);
    world.now += 1;
    expect((await asJwt(rotated)).status).toBe(200);
    expect((await asJwt(await sign({}, { pair: forged, kid: "k9" }))).status).toBe(401);
    expect(certs.reads).toBe(2);
  });

  it("that can't be read let nobody in: 503, asking again after five seconds", async () => {
    const { world, asJwt, certs } = behindAccess();
    certs.status = 500;
    for (let at = 0; at < 3; at += 1) {
      const answer = await asJwt(await sign());
      expect(answer.status).toBe(503);
      expect(answer.headers.get("retry-after")).toBe("5");
      expect((await answer.json<{ detail: string }>()).detail).toContain("keys of Cloudflare Access");
    }
    expect(certs.reads).toBe(1);
    certs.status = 200;
    world.now += 5_000;
    expect((await asJwt(await sign())).status).toBe(200);
  });

  it("that are known stay good for an hour while they can't be read", async () => {
    const { world, asJwt, certs } = behindAccess();
    const jwt = await sign({ exp: SECONDS + 7200 });
    await asJwt(jwt);
    certs.status = 500;
    world.now += 3_599_999;
    expect((await asJwt(jwt)).status).toBe(200);
    world.now += 5_000;
    expect((await asJwt(jwt)).status).toBe(503);
  });

  it("don't matter to whoever has a token", async () => {
    const { ask, certs } = behindAccess();
    certs.status = 500;
    expect((await ask("/v1/failovers")).status).toBe(200);
    expect(certs.reads).toBe(0);
  });
});
