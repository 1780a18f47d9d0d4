import { describe, expect, it } from "vitest";
import { isUnavailable } from "../../src/api/exceptions.ts";
import { problemSchema } from "../../src/api/schemas.ts";
import type { FailureCode } from "../../src/failover/results.ts";
import { concrete, operationsOf, servedDocument } from "./document.ts";
import { inMemoryService } from "./in-memory-service.ts";

const document = await servedDocument();
const paths = Object.keys(document.paths);

describe("a problem", () => {
  it.each<[FailureCode, number]>([
    ["invalid", 422],
    ["not-found", 404],
    ["taken", 409],
    ["refused", 409],
    ["revision-mismatch", 412],
    ["precondition-required", 428],
    ["deleting", 409],
  ])("of code %s has status %i", async (code, status) => {
    const { world, ask } = inMemoryService();
    world.failure = { code, detail: "one sentence" };
    const answer = await ask("/v1/failovers/shop", { method: "DELETE", headers: { "if-match": "*" } });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    const body = await answer.json();
    expect(body).toEqual({
      type: `urn:understudy:problem:${code}`,
      title: expect.stringMatching(/^[A-Z]/),
      status,
      detail: "one sentence",
      request_id: answer.headers.get("x-request-id"),
    });
    expect(problemSchema.parse(body)).toEqual(body);
  });

  it.each(["/", "/nothing", "/v1", "/v1/nothing", "/v1/failovers/shop/nothing", "/v1/failovers/"])(
    "is the answer where there is nothing: %s",
    async (path) => {
      const { ask } = inMemoryService();
      const answer = await ask(path);
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({ type: "urn:understudy:problem:not-found" });
    },
  );

  it.each(["store", "fo_none", "%00", "%E0%A4%A", "..%2f..", "x".repeat(2000), "__proto__"])(
    "is the answer for a failover that there isn't: %s",
    async (reference) => {
      const { ask } = inMemoryService();
      expect((await ask(`/v1/failovers/${reference}`)).status).toBe(404);
      expect((await ask(`/v1/failovers/${reference}/probes`)).status).toBe(404);
      expect((await ask(`/v1/failovers/${reference}/plan`)).status).toBe(404);
    },
  );
});

describe.each(paths)("%s", (path) => {
  const methods = operationsOf(document)
    .filter((operation) => operation.path === path)
    .map(({ method }) => method);
  const others = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].filter((one) => !methods.includes(one));

  it.each(others)("answers 405 to %s and says which methods there are", async (method) => {
    const { world, ask } = inMemoryService();
    const answer = await ask(concrete(path), { method });
    expect(answer.status).toBe(405);
    const allowed = (answer.headers.get("allow") ?? "").split(", ");
    expect(allowed.filter((one) => one !== "HEAD").toSorted()).toEqual(methods.toSorted());
    expect(allowed.includes("HEAD")).toBe(methods.includes("GET"));
    expect(await answer.json()).toMatchObject({ type: "urn:understudy:problem:method-not-allowed" });
    expect(world.actions).toEqual([]);
  });
});

describe("a request's id", () => {
  it.each(["/healthz", "/nothing", "/v1/failovers", "/v1/failovers/none", "/openapi.json"])(
    "is on the answer of %s",
    async (path) => {
      const { ask } = inMemoryService();
      const first = (await ask(path)).headers.get("x-request-id");
      const second = (await ask(path)).headers.get("x-request-id");
      expect(first).toMatch(/^req_[a-z0-9]{32}$/);
      expect(second).not.toBe(first);
    },
  );

  it.each(["deploy-4711", "A_z-9", "x".repeat(100)])("is taken over as %s", async (given) => {
    const { ask } = inMemoryService();
    const answer = await ask("/nothing", { headers: { "x-request-id": given } });
    expect(answer.headers.get("x-request-id")).toBe(given);
    expect(await answer.json()).toMatchObject({ request_id: given });
  });

  it.each(["", "a b", "<script>", "x".repeat(101)])("is made anew in the place of %j", async (given) => {
    const { ask } = inMemoryService();
    const answer = await ask("/healthz", { headers: { "x-request-id": given } });
    expect(answer.headers.get("x-request-id")).toMatch(/^req_/);
  });
});

describe("an exception", () => {
  it("becomes a 500 that says nothing of itself, and a log entry that says all", async () => {
    const { world, ask } = inMemoryService();
    world.exception = new Error("the secret handshake failed");
    const answer = await ask("/v1/failovers");
    expect(answer.status).toBe(500);
    const text = await answer.text();
    expect(text).not.toContain("handshake");
    expect(JSON.parse(text)).toMatchObject({ request_id: answer.headers.get("x-request-id") });
    expect(world.logged).toMatchObject([
      {
        level: "error",
        request_id: answer.headers.get("x-request-id"),
        method: "GET",
        path: "/v1/failovers",
        error: "the secret handshake failed",
      },
    ]);
  });

  it("becomes a 503 with Retry-After where the database can't be reached", async () => {
    const { world, ask } = inMemoryService();
    world.exception = new Error("D1_ERROR: Network connection lost.");
    for (const [method, path] of [
      ["GET", "/v1/failovers"],
      ["POST", "/v1/failovers/shop/reconcile"],
    ] as const) {
      const answer = await ask(path, { method });
      expect(answer.status).toBe(503);
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await answer.text()).not.toContain("D1");
    }
  });

  it.each([
    [new Error("D1_ERROR: Network connection lost."), true],
    [new Error("D1_ERROR: D1 DB is overloaded. Too many requests queued."), true],
    [new Error("D1_ERROR: database is locked: SQLITE_BUSY"), true],
    [new Error("could not list", { cause: new Error("D1_ERROR: storage caused object to be reset") }), true],
    [Object.assign(new Error("object reset"), { retryable: true }), true],
    [Object.assign(new Error("too much"), { overloaded: true }), true],
    [new Error("D1_ERROR: no such column: nme at offset 7: SQLITE_ERROR"), false],
    [new Error("D1_ERROR: UNIQUE constraint failed: failovers.name: SQLITE_CONSTRAINT"), false],
    [new Error("D1_TYPE_ERROR: Type 'undefined' not supported"), false],
    [new TypeError("x is not a function"), false],
  ])("%s", (error, expected) => {
    expect(isUnavailable(error)).toBe(expected);
  });
});

async function statusWithKey(key: string, method = "POST", path = "/v1/failovers/shop/reconcile") {
  const { ask } = inMemoryService();
  return (await ask(path, { method, headers: { "idempotency-key": key } })).status;
}

describe("an Idempotency-Key", () => {
  it.each(["", "x".repeat(256), "tab\there"])("is malformed as %j", async (key) => {
    expect(await statusWithKey(key)).toBe(400);
  });

  it.each(["x", "a b/c~", "x".repeat(255)])("is well-formed as %j", async (key) => {
    expect(await statusWithKey(key)).toBe(202);
  });

  it("means nothing on a GET", async () => {
    expect(await statusWithKey("x".repeat(256), "GET", "/v1/failovers")).toBe(200);
  });
});
