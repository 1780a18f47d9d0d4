import { describe, expect, it } from "vitest";
import { nearest } from "../../src/failover/spelling.ts";
import { smallestBody } from "./builders.ts";
import { operationsOf, servedDocument, concrete } from "./document.ts";
import { inMemoryService } from "./in-memory-service.ts";

/** What other programs send to /webhooks is taken more leniently: test/api/webhooks.test.ts. */
const withBody = operationsOf(await servedDocument()).filter(
  ({ path, operation }) => path.startsWith("/v1") && operation.requestBody !== undefined,
);
const ifMatch = { "if-match": '"3"' };

describe.each(withBody)("the body of $method $path", ({ method, path }) => {
  async function send(body: string, headers: Record<string, string> = {}) {
    const { world, ask } = inMemoryService();
    const answer = await ask(concrete(path), { method, body, headers: { ...ifMatch, ...headers } });
    expect(world.actions).toEqual([]);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    return { status: answer.status, problem: await answer.json<{ detail: string; errors?: object[] }>() };
  }

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data"])(
    "is refused as %s",
    async (type) => {
      const { status, problem } = await send("{}", { "content-type": type });
      expect(status).toBe(415);
      expect(problem.detail).toContain("application/json");
    },
  );

  it("is refused when it is larger than 64 KiB", async () => {
    const { status, problem } = await send(JSON.stringify({ reason: "x".repeat(65_536) }));
    expect(status).toBe(413);
    expect(problem.detail).toContain("64 KiB");
  });

  it.each([
    ['{"reason": }', "The body is not valid JSON."],
    ['{"reason": "x"', "The body is not valid JSON."],
    ["{reason: 1}", "The body is not valid JSON. The fault is in line 1, column 2 (position 1)."],
    ["   ", "The body is not valid JSON. It ends too early."],
  ])("is refused as malformed: %s", async (text, detail) => {
    const { status, problem } = await send(text);
    expect(status).toBe(400);
    expect(problem.detail.startsWith(detail)).toBe(true);
  });

  it.each(["[]", "null", '"text"', "7"])("must be an object and not %s", async (text) => {
    const { status, problem } = await send(text);
    expect(status).toBe(422);
    expect(problem.errors).toEqual([{ pointer: "", message: expect.stringMatching(/^must be an object/) }]);
  });

  it("must not have a member that isn't known", async () => {
    const { status, problem } = await send('{"colour": "blue"}');
    expect(status).toBe(422);
    expect(problem.errors).toContainEqual({
      pointer: "/colour",
      message: 'the member "colour" is not known',
    });
  });

  it("is refused when it is nested beyond reason", async () => {
    const { status } = await send('{"primary":'.repeat(2000) + "1" + "}".repeat(2000));
    expect(status).toBe(400);
  });
});

describe("a body", () => {
  it("is measured as it comes where its length isn't announced", async () => {
    const { app, world } = inMemoryService();
    const chunk = new TextEncoder().encode(" ".repeat(40_000));
    let left = 3;
    const body = new ReadableStream({
      pull(controller) {
        if (left-- > 0) controller.enqueue(chunk);
        else controller.close();
      },
    });
    const init = {
      method: "POST",
      headers: { authorization: "Bearer test-admin-token-Qk27", "content-type": "application/json" },
      body,
      duplex: "half",
    };
    const answer = await app.request(new Request("http://localhost/v1/failovers", init));
    expect(answer.status).toBe(413);
    expect(world.actions).toEqual([]);
  });

  it("may have exactly 64 KiB", async () => {
    const { ask } = inMemoryService();
    const text = JSON.stringify(smallestBody);
    const answer = await ask("/v1/failovers", { method: "POST", body: text.padEnd(65_536) });
    expect(answer.status).toBe(201);
  });

  it("must be UTF-8", async () => {
    const { app } = inMemoryService();
    const answer = await app.request("/v1/failovers", {
      method: "POST",
      headers: { authorization: "Bearer test-admin-token-Qk27", "content-type": "application/json" },
      body: new Uint8Array([0x7b, 0xff, 0x7d]),
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ detail: "The body is not UTF-8." });
  });

  it("is demanded by name where it can't be left out", async () => {
    const { ask } = inMemoryService();
    const answer = await ask("/v1/failovers", { method: "POST" });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ detail: expect.stringContaining("JSON object") });
  });

  it("doesn't come back in what is said of it", async () => {
    const { ask } = inMemoryService();
    const answer = await ask("/v1/failovers", { method: "POST", body: '{"secret": hunter2}' });
    expect(await answer.text()).not.toContain("hunter2");
  });
});

describe("the body of a create", () => {
  const [primary, secondary] = [smallestBody.primary, smallestBody.secondary];

  it.each<[string, object, string, string]>([
    ["a member that is missing", { hostname: undefined }, "/hostname", "is required"],
    ["a wrong type", { primary: { address: 7 } }, "/primary/address", 'must be a text, for example "origin.'],
    ["an unknown member deep down", { monitor: { intervall: 60 } }, "/monitor/intervall", 'mean "interval"?'],
    [
      "an unknown member of an endpoint",
      { primary: { ...primary, hostheader: "a.example" } },
      "/primary/hostheader",
      'mean "host_header"?',
    ],
    ["a number out of range", { primary: { ...primary, port: 0 } }, "/primary/port", "at least 1"],
    ["a broken number", { drift_grace_seconds: 1.5 }, "/drift_grace_seconds", "a whole number"],
    [
      "a word that isn't one",
      { check_regions: ["WNAM", "MARS"] },
      "/check_regions/1",
      'must be one of "WNAM"',
    ],
    ["neither form of drift", { drift: "ignore" }, "/drift", '"heal", "report", or must be an object'],
    ["a slip within drift", { drift: { rol: "heal" } }, "/drift/rol", 'did you mean "role"?'],
    [
      "an endpoint of both kinds",
      { secondary: { ...primary, ...secondary } },
      "/secondary",
      "exactly one of",
    ],
    [
      "a header with a slash in its name",
      { monitor: { header: { "a/b~c": ["x"] } } },
      "/monitor/header/a~1b~0c",
      "header name",
    ],
  ])("is told of %s", async (_, change, pointer, message) => {
    const { world, ask } = inMemoryService();
    const answer = await ask("/v1/failovers", { method: "POST", body: { ...smallestBody, ...change } });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({
      errors: [{ pointer, message: expect.stringContaining(message) }],
    });
    expect(world.actions).toEqual([]);
  });

  it("is told of all its faults at once", async () => {
    const { ask } = inMemoryService();
    const answer = await ask("/v1/failovers", { method: "POST", body: { nam: "shop" } });
    const { errors } = await answer.json<{ errors: { pointer: string }[] }>();
    expect(errors.map(({ pointer }) => pointer).toSorted()).toEqual([
      "/hostname",
      "/nam",
      "/name",
      "/primary",
      "/secondary",
    ]);
  });
});

describe("the nearest word", () => {
  const known = ["override", "reason", "to", "expected_codes"];
  it.each([
    ["overide", "override"],
    ["raeson", "reason"],
    ["expectedCodes", "expected_codes"],
    ["expected-codes", "expected_codes"],
    ["ot", "to"],
    ["colour", null],
    ["x", null],
    ["", null],
  ])("for %j is %j", (word, expected) => {
    expect(nearest(word, known)).toBe(expected);
  });
});
