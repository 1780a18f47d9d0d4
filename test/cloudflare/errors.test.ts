import { describe, expect, it } from "vitest";
import { CloudflareError, type CloudflareErrorKind } from "../../src/cloudflare/errors.ts";
import { ACCOUNT, aTransport, errorEnvelope, rejection, TOKEN } from "./calls.ts";

const POOLS = `/accounts/${ACCOUNT}/load_balancers/pools`;
const BALANCERS = "/zones/20000000000000000000000000000001/load_balancers";
const PROJECT = `/accounts/${ACCOUNT}/pages/projects/shop`;
const ZONES = "/zones";
const RECORDS = "/zones/20000000000000000000000000000001/dns_records";

async function failureOf(path: string, answer: () => Response | Promise<Response>) {
  const { call, budget } = aTransport(answer);
  const error = await rejection(call("person", "get", path));
  if (!(error instanceof CloudflareError)) throw error;
  return { error, budget };
}

/** API-FACTS 1.3 and 3: status, product, code and words together decide. */
const CLASSES: readonly [
  status: number,
  path: string,
  code: number,
  message: string,
  kind: CloudflareErrorKind,
][] = [
  [400, POOLS, 6003, "Invalid request headers", "invalid"],
  [401, ZONES, 1000, "Invalid API Token", "forbidden"],
  [401, POOLS, 10000, "Authentication error", "forbidden"],
  [403, POOLS, 10000, "Authentication error", "forbidden"],
  [403, ZONES, 9109, "Unauthorized to access requested resource", "forbidden"],
  [403, POOLS, 9103, "Unknown X-Auth-Key or X-Auth-Email", "forbidden"],
  [400, ZONES, 1011, "Page Rules endpoint does not support account owned tokens.", "forbidden"],
  [400, POOLS, 9106, "Missing X-Auth-Key", "invalid"],
  [400, POOLS, 10001, "method not allowed for this authentication scheme", "invalid"],
  [500, POOLS, 10001, "internal error", "unavailable"],
  [500, POOLS, 1000, "internal server error", "unavailable"],
  [502, POOLS, 1001, "not found", "unavailable"],
  [503, BALANCERS, 1003, "value not unique", "unavailable"],
  [504, POOLS, 1000, "request timeout", "unavailable"],
  [524, POOLS, 0, "", "unavailable"],
  [400, BALANCERS, 7003, "Could not route, perhaps your object identifier is invalid?", "invalid"],
  [404, BALANCERS, 7003, "Could not route, perhaps your object identifier is invalid?", "not-found"],
  [404, POOLS, 1001, "not found", "not-found"],
  [404, BALANCERS, 1001, "not found", "not-found"],
  [400, POOLS, 1002, "interval is not in range [60, 3600]: validation failed", "invalid"],
  [400, POOLS, 1002, "the origin list length must be in range [1, 0]: validation failed", "invalid"],
  [400, BALANCERS, 1002, "invalid hostname: x: validation failed", "invalid"],
  [400, BALANCERS, 1002, "load balancing not enabled for zone: validation failed", "invalid"],
  [400, POOLS, 1002, "Exceeded quota: validation failed", "invalid"],
  [403, POOLS, 1004, "Exceeded quota", "forbidden"],
  [400, POOLS, 1002, "Probing from every data centre is not allowed with this subscription.", "invalid"],
  [403, POOLS, 1002, "Probing from every data centre is not allowed with this subscription.", "invalid"],
  [400, POOLS, 1003, "value not unique", "taken"],
  [400, BALANCERS, 1003, "value not unique", "taken"],
  [412, POOLS, 1005, "This object is referenced by other objects, delete them first.", "in-use"],
  [400, POOLS, 1005, "This object is referenced by other objects", "in-use"],
  [400, POOLS, 1002, "pool is referenced by other objects: validation failed", "in-use"],
  [429, POOLS, 971, "More than 1200 requests per 300 seconds reached.", "rate-limited"],
  [400, PROJECT, 971, "Please wait and consider throttling your request speed", "rate-limited"],
  [404, PROJECT, 8000007, "Project not found", "not-found"],
  [400, PROJECT, 8000007, "Project not found", "not-found"],
  // The same numbers mean nothing of the kind elsewhere.
  [400, PROJECT, 1003, "something of Pages", "invalid"],
  [400, RECORDS, 1003, "Invalid or missing zone id", "invalid"],
  [400, RECORDS, 1005, "something of DNS", "invalid"],
  [400, POOLS, 8000007, "no project here", "invalid"],
];

describe("what Cloudflare refuses", () => {
  it.each(CLASSES)("is classified: %i %s %i %s → %s", async (status, path, code, message, kind) => {
    const { error } = await failureOf(path, () => errorEnvelope(status, code, message));
    expect(error.kind).toBe(kind);
    expect(error.status).toBe(status);
    expect(error.codes).toEqual([code]);
    expect(error.message).toContain(`(code ${code})`);
    expect(error.message).toContain(message === "" ? "no message" : message);
    // Only a server's fault leaves open whether the call took effect.
    expect(error.ambiguous).toBe(status >= 500);
  });

  it.each([
    ["an empty body", () => new Response(null, { status: 502 }), "HTTP 502"],
    [
      "an HTML page",
      () =>
        new Response("<!DOCTYPE html><h1>Bad gateway</h1>", {
          status: 502,
          headers: { "content-type": "text/html" },
        }),
      "HTTP 502",
    ],
    ["null", () => Response.json(null, { status: 500 }), "HTTP 500"],
    ["half an envelope", () => new Response('{"success": fal', { status: 500 }), "HTTP 500"],
    [
      "an envelope without messages and result",
      () => Response.json({ success: false, errors: [{ code: 1000, message: "busy" }] }, { status: 500 }),
      "busy",
    ],
  ])("is an outage, and may have taken effect, where a 5xx brings %s", async (_, answer, words) => {
    const { error } = await failureOf(POOLS, answer);
    expect(error).toMatchObject({ kind: "unavailable", ambiguous: true });
    expect(error.message).toContain(words);
    expect(error.message).not.toContain("<");
  });

  it.each([
    ["a 404 brings an HTML page", 404, () => new Response("<html>not here</html>", { status: 404 })],
    ["a 404 brings an empty body", 404, () => new Response(null, { status: 404 })],
    [
      "a 404 brings an empty envelope",
      404,
      () => Response.json({ success: false, errors: [] }, { status: 404 }),
    ],
    ["a 403 brings an HTML page", 403, () => new Response("<html>blocked</html>", { status: 403 })],
    ["a 400 brings an empty body", 400, () => new Response(null, { status: 400 })],
  ])("says nothing of the object, nor of the effect, where %s", async (_, status, answer) => {
    const { error } = await failureOf(POOLS, answer);
    expect(error).toMatchObject({ kind: "unavailable", status, ambiguous: true });
  });

  it.each([
    ["success: false", () => errorEnvelope(200, 1002, "validation failed"), "invalid"],
    ["an HTML page", () => new Response("<html>hello</html>"), "unavailable"],
    ["an empty body", () => new Response(""), "unavailable"],
    ["null", () => Response.json(null), "unavailable"],
    ["half an envelope", () => new Response('{"success": tr', jsonHeaders()), "unavailable"],
    ["a list in the envelope's place", () => Response.json([]), "unavailable"],
  ] as const)("may have taken effect where a 200 brings %s", async (_, answer, kind) => {
    const { error } = await failureOf(POOLS, answer);
    expect(error).toMatchObject({ kind, ambiguous: true });
  });

  it.each([
    ["the network fails", () => Promise.reject(new TypeError("Network connection lost."))],
    ["no answer comes", () => new Promise<Response>(() => undefined)],
    [
      "the body never ends",
      () => new Response(new ReadableStream({ pull: () => new Promise(() => undefined) }), jsonHeaders()),
    ],
  ])("is unknown where %s", async (_, answer) => {
    const { error } = await failureOf(POOLS, answer);
    expect(error).toMatchObject({ kind: "unavailable", status: null, ambiguous: true });
    expect(error.message).toMatch(/did not answer in time|could not be reached/);
  });
});

describe("a 429", () => {
  it.each([
    ["Retry-After in seconds", { "retry-after": "42" }, 42_000],
    ["a Retry-After of days", { "retry-after": "999999" }, 3_600_000],
    ["no Retry-After", {}, 300_000],
    ["a Retry-After that is no number", { "retry-after": "Wed, 21 Oct 2035 07:28:00 GMT" }, 300_000],
    ["an empty Retry-After", { "retry-after": "" }, 300_000],
  ])("with %s blocks for as long as it says, else for five minutes", async (_, headers, until) => {
    const { error, budget } = await failureOf(POOLS, () => Response.json(null, { status: 429, headers }));
    expect(error.kind).toBe("rate-limited");
    expect(budget.blockedUntil()).toBe(until);
  });

  it.each([
    ["HTML", () => new Response("<title>Error 1015</title>", { status: 429 })],
    ["an empty body", () => new Response(null, { status: 429 })],
    ["an envelope with another status", () => errorEnvelope(400, 971, "throttle")],
  ])("in the form of %s stops the next call before it leaves", async (_, answer) => {
    const { call, asked } = aTransport(answer);
    await rejection(call("person", "get", POOLS));
    const error = await rejection(call("lease", "get", POOLS));
    expect(error).toMatchObject({ kind: "rate-limited", ambiguous: false });
    expect((error as Error).message).toContain("1970-01-01T00:05:00.000Z");
    expect(asked).toHaveLength(1);
  });
});

describe("a call that fails", () => {
  it.each(["get", "post", "patch", "delete"] as const)("by %s is not tried again", async (method) => {
    const { call, asked } = aTransport(() => new Response(null, { status: 500 }));
    await rejection(call("person", method, POOLS, method === "get" ? {} : { body: { name: "x" } }));
    expect(asked).toHaveLength(1);
  });

  it.each([
    ["refuses it", () => errorEnvelope(401, 1000, `Invalid API Token ${TOKEN}`)],
    ["fails", () => errorEnvelope(500, 1000, `cannot handle "Bearer ${TOKEN}"`)],
    [
      "answers what can't be read",
      () => new Response(`<p>${TOKEN}</p>`, { status: 502, headers: { "content-type": "text/html" } }),
    ],
    ["can't be reached", () => Promise.reject(new TypeError(`no route with ${TOKEN}`))],
  ])("never quotes the token, where Cloudflare %s", async (_, answer) => {
    const { error } = await failureOf(POOLS, answer);
    const shown = [String(error), error.stack, JSON.stringify(error), String(error.cause)].join();
    expect(shown).not.toContain(TOKEN);
  });
});

function jsonHeaders(): ResponseInit {
  return { headers: { "content-type": "application/json" } };
}
