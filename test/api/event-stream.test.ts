import { describe, expect, it } from "vitest";
import { streamEvents, type EventStreamDependencies } from "../../src/api/event-stream.ts";
import type { FailoverEvent } from "../../src/failover/results.ts";

function anEvent(seq: number): FailoverEvent {
  return {
    id: `evt_${seq}`,
    seq,
    type: "failover.paused",
    at: 1_700_000_000_000,
    failoverId: "fo_1",
    origin: { actor: { kind: "token", name: "admin" }, requestId: null },
    data: {},
  };
}

/** A trail that grows while the stream sleeps: `news` says what has come by the time that so many ms were slept. */
function aTrail(news: Readonly<Record<number, number>> = {}) {
  const seen = { reads: 0, sleptMs: 0, logged: [] as object[], fails: false };
  const events: FailoverEvent[] = [];
  const dependencies: EventStreamDependencies = {
    trail: {
      eventsAfter: async (after, _selection, most) => {
        seen.reads += 1;
        if (seen.fails) throw new Error("D1 is away");
        const found = events.filter(({ seq = 0 }) => seq > after).slice(0, most);
        const newest = events.at(-1)?.seq ?? after;
        return { events: found, upTo: found.length < most ? newest : (found.at(-1)?.seq ?? after) };
      },
    },
    clock: {
      sleep: async (ms) => {
        const before = seen.sleptMs;
        seen.sleptMs += ms;
        for (const [at, count] of Object.entries(news)) {
          if (Number(at) <= before || Number(at) > seen.sleptMs) continue;
          for (let added = 0; added < count; added += 1) events.push(anEvent(events.length + 1));
        }
      },
    },
    log: (entry) => seen.logged.push(entry),
  };
  return { seen, events, dependencies };
}

const ALL = { among: null, types: null };

describe("a stream of events", () => {
  it("begins with an id and when to come again, and ends after four minutes at most", async () => {
    const { seen, dependencies } = aTrail();
    const text = await new Response(streamEvents(dependencies, 41, ALL)).text();
    expect(text).toMatch(/^retry: 2000\nid: 41\n\n/);
    expect(seen.sleptMs).toBeGreaterThan(120_000);
    expect(seen.sleptMs).toBeLessThan(245_000);
    expect(seen.reads).toBeLessThanOrEqual(40);
  });

  it("says about every fifteen seconds that it lives, and nothing else while nothing happens", async () => {
    const { seen, dependencies } = aTrail();
    const text = await new Response(streamEvents(dependencies, 0, ALL)).text();
    const beats = text.match(/^: nothing new$/gm)?.length ?? 0;
    expect(beats).toBeGreaterThanOrEqual(Math.floor(seen.sleptMs / 20_000));
    expect(beats).toBeLessThanOrEqual(Math.ceil(seen.sleptMs / 15_000));
    expect(text).not.toContain("data:");
  });

  it("tells each event once, in order, also where there are more than one read takes", async () => {
    const { dependencies } = aTrail({ 2_000: 1, 30_000: 250, 60_000: 2 });
    const text = await new Response(streamEvents(dependencies, 0, ALL)).text();
    const ids = [...text.matchAll(/^id: (\d+)\ndata: (.*)$/gm)];
    expect(ids.map(([, id]) => Number(id))).toEqual(Array.from({ length: 253 }, (_, index) => index + 1));
    expect(JSON.parse(ids[0]?.[2] ?? "")).toMatchObject({ id: "evt_1", seq: 1, type: "failover.paused" });
  });

  it("reads nothing for a reader who doesn't, and holds no more than one read", async () => {
    const { seen, dependencies } = aTrail({ 1_000: 100_000 });
    const reader = streamEvents(dependencies, 0, ALL).getReader();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(seen.reads).toBe(0);
    await reader.read();
    const { value } = await reader.read();
    expect(new TextDecoder().decode(value).match(/^data:/gm)).toHaveLength(100);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(seen.reads).toBe(2);
  });

  it("stops when its reader is gone", async () => {
    const { seen, dependencies } = aTrail();
    const reader = streamEvents(dependencies, 0, ALL).getReader();
    await reader.read();
    await reader.cancel();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(seen.reads).toBe(0);
  });

  it("ends where the trail can't be read, for the client to come again", async () => {
    const { seen, dependencies } = aTrail();
    seen.fails = true;
    const text = await new Response(streamEvents(dependencies, 7, ALL)).text();
    expect(text).toBe("retry: 2000\nid: 7\n\n");
    expect(seen.logged).toMatchObject([{ level: "error" }]);
  });
});
