import { describe, expect, it } from "vitest";
import { parseIfMatch } from "../../src/api/preconditions.ts";
import { inMemoryService } from "./in-memory-service.ts";

describe("If-Match as text", () => {
  it.each([
    ["*", { any: true }],
    [' "3" ', { any: false, tags: ['"3"'] }],
    ['"2", "3"', { any: false, tags: ['"2"', '"3"'] }],
    ['"a,b" ,W/"3",', { any: false, tags: ['"a,b"', 'W/"3"'] }],
    ['""', { any: false, tags: ['""'] }],
    ["3", null],
    ['"3', null],
    ['"3" "4"', null],
    ['w/"3"', null],
    ['*, "3"', null],
    ["", null],
    [",", null],
  ])("%s", (header, expected) => {
    expect(parseIfMatch(header)).toEqual(expected);
  });
});

const REQUIRING = [
  ["PATCH", "/v1/failovers/shop", { monitor: {} }],
  ["DELETE", "/v1/failovers/shop", undefined],
] as const;
const HONOURING = [
  ["POST", "/v1/failovers/shop/promote", undefined],
  ["POST", "/v1/failovers/shop/demote", undefined],
  ["POST", "/v1/failovers/shop/reconcile", undefined],
  ["POST", "/v1/failovers/shop/adopt", { reason: "x" }],
] as const;

describe.each(REQUIRING)("%s %s", (method, path, body) => {
  it("answers 428 without If-Match", async () => {
    const { world, ask } = inMemoryService();
    const answer = await ask(path, { method, body });
    expect(answer.status).toBe(428);
    expect(await answer.json()).toMatchObject({ detail: expect.stringContaining("If-Match") });
    expect(world.actions).toEqual([]);
  });

  it("answers 404 rather than 428 where there is nothing", async () => {
    const { ask } = inMemoryService();
    expect((await ask(path.replace("shop", "store"), { method, body })).status).toBe(404);
  });
});

describe.each([...REQUIRING, ...HONOURING])("If-Match on %s %s", (method, path, body) => {
  const expected = (revision: number) => expect.objectContaining({ revision });

  async function send(header: string) {
    const { world, ask } = inMemoryService();
    const answer = await ask(path, { method, body, headers: { "if-match": header } });
    return { answer, world };
  }

  it("passes one strong tag on, right or wrong: the Coordinator compares", async () => {
    for (const revision of [3, 2]) {
      const { world } = await send(`"${revision}"`);
      expect(world.actions[0]?.given).toContainEqual(expected(revision));
    }
  });

  it("means the present revision by * and by a list that has it", async () => {
    for (const header of ["*", '"1", "3"']) {
      const { world } = await send(header);
      expect(world.actions[0]?.given).toContainEqual(expected(3));
    }
  });

  it.each(['W/"3"', '"1", "2"', '"abc"', '"03"', '""'])("matches nothing with %s", async (header) => {
    const { answer, world } = await send(header);
    expect(answer.status).toBe(412);
    expect(await answer.json()).toMatchObject({
      refusals: [
        {
          guard: "revision-mismatch",
          facts: { revision: 3 },
          remedy: expect.stringContaining("Read the failover again"),
          overridable: false,
        },
      ],
    });
    expect(world.actions).toEqual([]);
  });

  it.each(["3", '"3', ""])("is malformed as %j", async (header) => {
    const { answer, world } = await send(header);
    expect(answer.status).toBe(400);
    expect(world.actions).toEqual([]);
  });

  it("shows the Coordinator's mismatch as 412 with the refusal", async () => {
    const { world, ask } = inMemoryService();
    const refusals = [
      {
        guard: "revision-mismatch",
        message: "stale",
        facts: { revision: 4 },
        remedy: "Do something else.",
        overridable: false,
      },
    ];
    world.failure = { code: "revision-mismatch", detail: "stale", refusals };
    const answer = await ask(path, { method, body, headers: { "if-match": '"3"' } });
    expect(answer.status).toBe(412);
    expect(await answer.json()).toMatchObject({ refusals });
  });
});

describe.each(HONOURING)("%s %s", (method, path, body) => {
  it("goes on without If-Match and names no revision", async () => {
    const { world, ask } = inMemoryService();
    expect((await ask(path, { method, body })).ok).toBe(true);
    expect(world.actions[0]?.given[1]).not.toHaveProperty("revision");
  });
});
