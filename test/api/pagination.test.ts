import { describe, expect, it } from "vitest";
import { aFailover, anEvent, aSample, NOON } from "./builders.ts";
import { inMemoryService } from "./in-memory-service.ts";

interface List {
  readonly items: readonly { readonly id: string }[];
  readonly next_cursor: string | null;
}

const LISTS = ["/v1/failovers", "/v1/events", "/v1/failovers/f0/events", "/v1/failovers/f0/probes"];

function aFullService() {
  const service = inMemoryService();
  const thirty = Array.from({ length: 30 }, (_, index) => index);
  service.world.failovers = thirty.map((index) => aFailover({ id: `fo_${index}`, name: `f${index}` }));
  service.world.events = thirty.map((index) => anEvent({ id: `evt_${index}`, failoverId: "fo_0" }));
  service.world.samples = thirty.map((index) => aSample({ failoverId: "fo_0", tick: NOON - index * 60_000 }));
  return service;
}

describe.each(LISTS)("%s", (path) => {
  it("has 25 items on a page unless told otherwise", async () => {
    const { ask } = aFullService();
    const { items, next_cursor: next } = await (await ask(path)).json<List>();
    expect(items.length).toBe(25);
    expect(next).not.toBeNull();
  });

  it("gives every item once from page to page", async () => {
    const { ask } = aFullService();
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const list: List = await (await ask(`${path}?limit=7${query}`)).json<List>();
      seen.push(...list.items.map((item) => JSON.stringify(item)));
      cursor = list.next_cursor;
    } while (cursor !== null);
    expect(new Set(seen).size).toBe(30);
    expect(seen.length).toBe(30);
  });

  it.each(["1", "100"])("takes a limit of %s", async (limit) => {
    const { ask } = aFullService();
    const { items } = await (await ask(`${path}?limit=${limit}`)).json<List>();
    expect(items.length).toBe(Math.min(30, Number(limit)));
  });

  it.each(["0", "101", "-1", "1.5", "1e1", "ten", "", "%2010", "10&limit=20"])(
    "refuses a limit of %j and says what would be right",
    async (limit) => {
      const { ask } = aFullService();
      const answer = await ask(`${path}?limit=${limit}`);
      expect(answer.status).toBe(422);
      expect(await answer.json()).toMatchObject({
        errors: [{ pointer: "/limit", in: "query", message: "must be a whole number from 1 to 100" }],
      });
    },
  );

  it.each(["", "not-ours", "x".repeat(600)])("refuses the cursor %j", async (cursor) => {
    const { ask } = aFullService();
    const answer = await ask(`${path}?cursor=${cursor}`);
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ errors: [{ pointer: "/cursor", in: "query" }] });
  });

  it("ignores parameters that it doesn't know", async () => {
    const { ask } = aFullService();
    expect((await ask(`${path}?colour=blue`)).status).toBe(200);
  });
});
