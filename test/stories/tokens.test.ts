// Tokens against the real store: what is kept of them, what they open, and that a limited one sees only its own.
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { setStage, SHOP, type Stage } from "./stage.ts";

const BLOG = {
  name: "blog",
  hostname: "blog.example.com",
  primary: { address: "origin.example.net" },
  secondary: { pages_project: "shop" },
};

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

async function makeToken(stage: Stage, request: object): Promise<{ id: string; token: string }> {
  const { status, body } = await stage.call("POST", "/v1/tokens", request);
  expect(status, JSON.stringify(body)).toBe(201);
  return body;
}

async function everythingStored(): Promise<string> {
  const { results } = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'",
  ).all<{ name: string }>();
  const tables = await Promise.all(
    results.map(({ name }) => env.DB.prepare(`SELECT * FROM "${name}"`).all()),
  );
  return JSON.stringify(tables.map((table) => table.results));
}

function recordLog(): string[] {
  const lines: string[] = [];
  for (const method of ["log", "warn", "error"] as const) {
    vi.spyOn(console, method).mockImplementation((...words: unknown[]) => {
      lines.push(words.map(String).join(" "));
    });
  }
  return lines;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a token", () => {
  it("is made, used, seen to be used, and revoked; its secret is never kept", async () => {
    const log = recordLog();
    const stage = setStage();
    const { id, token } = await makeToken(stage, { name: "pipeline", scopes: ["read"] });
    expect(token).toMatch(/^ust_[A-Za-z0-9_-]{43}$/);
    expect(id).toMatch(/^tok_[a-z0-9]{20}$/);

    expect((await stage.call("GET", "/v1/failovers", undefined, bearer(token))).status).toBe(200);
    // It is written after the answer.
    const usedAt = async (expected: string) => {
      for (let looks = 0; looks < 100; looks += 1) {
        const { body } = await stage.call("GET", `/v1/tokens/${id}`);
        if (body.last_used_at === expected) return;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      throw new Error(`the token was not seen to be used at ${expected}`);
    };
    await usedAt("2035-01-01T00:00:00.000Z");
    await stage.pass(59);
    await stage.call("GET", "/v1/failovers", undefined, bearer(token));
    await stage.pass(1);
    await usedAt("2035-01-01T00:00:00.000Z");
    await stage.call("GET", "/v1/failovers", undefined, bearer(token));
    await usedAt("2035-01-01T00:01:00.000Z");

    const altered = token.slice(0, -1) + (token.endsWith("A") ? "B" : "A");
    expect((await stage.call("GET", "/v1/failovers", undefined, bearer(altered))).status).toBe(401);
    for (let times = 0; times < 2; times += 1) {
      expect((await stage.call("DELETE", `/v1/tokens/${id}`)).status).toBe(204);
    }
    const refused = await stage.call("GET", "/v1/failovers", undefined, bearer(token));
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toContain("revoked");

    const { body: events } = await stage.call("GET", "/v1/events");
    expect(events.items).toMatchObject([
      { type: "token.revoked", actor: { kind: "token", name: "admin" }, data: { token_id: id } },
      { type: "token.created", data: { token_id: id, name: "pipeline", scopes: ["read"], failovers: null } },
    ]);
    expect(await everythingStored()).toContain(id);
    expect(await everythingStored()).not.toContain(token.slice(4));
    expect(log.join("\n")).not.toContain(token.slice(4));
  });

  it("opens nothing from its expiry on, and then gives up its name", async () => {
    const stage = setStage();
    const request = {
      name: "guest",
      scopes: ["read"],
      expires_at: new Date(stage.now() + 60_000).toISOString(),
    };
    const { token } = await makeToken(stage, request);
    const again = await stage.call("POST", "/v1/tokens", { ...request, scopes: ["admin"] });
    expect(again).toMatchObject({ status: 409, body: { errors: [{ pointer: "/name" }] } });
    await stage.pass(59.999);
    expect((await stage.call("GET", "/v1/failovers", undefined, bearer(token))).status).toBe(200);
    await stage.pass(0.001);
    const late = await stage.call("GET", "/v1/failovers", undefined, bearer(token));
    expect(late.status).toBe(401);
    expect(late.headers.get("www-authenticate")).toContain("expired");
    expect((await stage.call("POST", "/v1/tokens", request)).status).toBe(422);
    await makeToken(stage, { name: "guest", scopes: ["read"] });
    expect(
      (await stage.call("GET", "/v1/failovers", undefined, bearer(token))).headers.get("www-authenticate"),
    ).toContain("expired");
    const { body } = await stage.call("GET", "/v1/tokens?limit=1");
    expect(body.items).toMatchObject([{ state: "active", name: "guest" }]);
    const { body: rest } = await stage.call("GET", `/v1/tokens?cursor=${body.next_cursor}`);
    expect(rest).toMatchObject({ items: [{ state: "expired", name: "guest" }], next_cursor: null });
  });

  it("can't be called as the admin token is", async () => {
    const stage = setStage();
    const { status } = await stage.call("POST", "/v1/tokens", { name: "admin", scopes: ["read"] });
    expect(status).toBe(409);
  });
});

describe("a token for some failovers", () => {
  it("sees them and what happened to them, and nothing of others", async () => {
    const stage = setStage();
    const { body: shop } = await stage.call("POST", "/v1/failovers", SHOP);
    const { body: blog } = await stage.call("POST", "/v1/failovers", BLOG);
    await stage.alarms();
    await stage.tick();
    const reconciled = await stage.call("POST", "/v1/failovers/shop/reconcile");
    const { token } = await makeToken(stage, { name: "bloggers", scopes: ["admin"], failovers: ["blog*"] });
    const ask = (method: string, path: string, body?: unknown) =>
      stage.call(method, path, body, {
        ...bearer(token),
        ...(method === "PATCH" ? { "if-match": "*" } : {}),
      });

    const { body: listed } = await ask("GET", "/v1/failovers?limit=1");
    expect(listed).toMatchObject({ items: [{ id: blog.id }], next_cursor: null });
    expect((await ask("GET", "/v1/fleet")).body.failovers).toBe(1);
    expect((await ask("GET", `/v1/failovers/${blog.id}`)).body.name).toBe("blog");
    const { body: all } = await stage.call("GET", "/v1/events?limit=100");
    const { body: seen } = await ask("GET", "/v1/events?limit=100");
    const own = all.items.filter((event: { failover_id: string }) => event.failover_id === blog.id);
    expect(own.length).toBeGreaterThan(0);
    expect(own.length).toBeLessThan(all.items.length);
    expect(seen.items).toEqual(own);

    stage.forgetCalls();
    for (const reference of ["shop", shop.id, "nothing"]) {
      for (const [method, path] of [
        ["GET", ""],
        ["PATCH", ""],
        ["DELETE", ""],
        ["GET", "/plan"],
        ["GET", "/events"],
        ["GET", "/probes"],
        ["POST", "/promote"],
        ["POST", "/drills"],
      ] as const) {
        const answer = await ask(
          method,
          `/v1/failovers/${reference}${path}`,
          method === "PATCH" ? {} : undefined,
        );
        expect(answer, `${method} ${reference}${path}`).toMatchObject({
          status: 404,
          body: { detail: "There is no failover with this id or name." },
        });
      }
    }
    const operation = `/v1/operations/${reconciled.body.id}`;
    expect((await stage.call("GET", operation)).status).toBe(200);
    expect((await ask("GET", operation)).status).toBe(404);
    expect(stage.simulator.calls).toEqual([]);

    const taken = await ask("POST", "/v1/failovers", { ...BLOG, name: "blog-2", hostname: SHOP.hostname });
    expect(taken).toMatchObject({
      status: 409,
      body: { errors: [{ pointer: "/hostname", message: "is taken" }] },
    });
    expect(
      (await ask("POST", "/v1/failovers", { ...BLOG, name: "news", hostname: "news.example.com" })).status,
    ).toBe(403);
    expect(
      (await ask("POST", "/v1/failovers", { ...BLOG, name: "blog-2", hostname: "b2.example.com" })).status,
    ).toBe(201);
    expect((await ask("POST", "/v1/fleet/freeze", { reason: "because" })).status).toBe(403);
  });
});

describe("requests without a valid token", () => {
  it("are counted by Workers' rate limiting, for each address", async () => {
    const stage = setStage();
    const from = (address: string) =>
      stage.call("GET", "/v1/failovers", undefined, { ...bearer("wrong"), "cf-connecting-ip": address });
    const statuses = new Set<number>();
    // A minute may end in between: twice the limit and one is too much for any two minutes.
    for (let times = 0; times < 241; times += 1) statuses.add((await from("192.0.2.7")).status);
    expect([...statuses]).toEqual([401, 429]);
    expect((await from("192.0.2.8")).status).toBe(401);
  });
});
