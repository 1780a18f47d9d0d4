import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { FailoverEvent } from "../../src/failover/results.ts";
import {
  canonicalJson,
  findBreakAtEnd,
  genesisOf,
  linkOf,
  sealEvents,
  walkChain,
  type Anchor,
  type Entry,
} from "../../src/failover/trail.ts";
import { INSTALLATION } from "./builders.ts";

const ACCOUNT = "a0000000000000000000000000000001";
const sha256 = async (text: string) => createHash("sha256").update(text).digest("hex");

function anEvent(seq: number, more: Partial<FailoverEvent> = {}): FailoverEvent {
  return {
    id: `evt_${seq}`,
    seq,
    type: "failover.paused",
    at: 1_700_000_000_000 + seq,
    failoverId: "fo_1",
    origin: { actor: { kind: "token", name: "admin" }, requestId: `req_${seq}` },
    data: { before: null, after: { reason: `reason ${seq}` } },
    ...more,
  };
}

/** Four events, the third with a gap before it: another account's events share the numbers. */
const EVENTS = [1, 2, 5, 6].map((seq) => anEvent(seq));

async function aChain(): Promise<{ genesis: Anchor; head: Anchor; entries: Entry[] }> {
  const genesis = await genesisOf(INSTALLATION, ACCOUNT, sha256);
  const { seals, head } = await sealEvents(ACCOUNT, genesis, EVENTS, sha256);
  const entries = EVENTS.map((event, index): Entry => {
    const seal = seals[index];
    return {
      seq: event.seq ?? 0,
      event,
      seal: seal === undefined ? null : { position: seal.position, hash: seal.hash },
    };
  });
  return { genesis, head, entries };
}

describe("canonical JSON", () => {
  it.each<[unknown, string]>([
    [{ b: 1, a: [true, null, "é\n"] }, '{"a":[true,null,"é\\n"],"b":1}'],
    [{ "\u20ac": 1, "\r": 2, "1": 3 }, '{"\\r":2,"1":3,"€":1}'],
    [{ a: undefined, b: { d: 1, c: 1e21 } }, '{"b":{"c":1e+21,"d":1}}'],
    [[], "[]"],
    ["x", '"x"'],
  ])("of %j is %s", (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });
});

describe("the chain", () => {
  it("is the same wherever it is cut into pieces", async () => {
    const { genesis, head } = await aChain();
    const first = await sealEvents(ACCOUNT, genesis, EVENTS.slice(0, 1), sha256);
    const rest = await sealEvents(ACCOUNT, first.head, EVENTS.slice(1), sha256);
    expect(rest.head).toEqual(head);
  });

  it("is another one for another account or installation", async () => {
    const heads = await Promise.all(
      [
        [INSTALLATION, ACCOUNT],
        ["zzzzzzzz", ACCOUNT],
        [INSTALLATION, "b".repeat(32)],
      ].map(async ([installation = "", account = ""]) => {
        const genesis = await genesisOf(installation, account, sha256);
        return (await sealEvents(account, genesis, EVENTS, sha256)).head.hash;
      }),
    );
    expect(new Set(heads).size).toBe(3);
  });

  it("holds as it was sealed", async () => {
    const { genesis, head, entries } = await aChain();
    expect(await walkChain(ACCOUNT, genesis, entries, sha256)).toEqual({
      reached: head,
      count: 4,
      broken: null,
    });
    expect(findBreakAtEnd(head, head)).toBeNull();
  });

  it("is a hash of exactly the members that an export shows", async () => {
    const { genesis } = await aChain();
    expect(linkOf(ACCOUNT, anEvent(1), 1, genesis.hash)).toEqual({
      account_id: ACCOUNT,
      seq: 1,
      id: "evt_1",
      type: "failover.paused",
      at: "2023-11-14T22:13:20.001Z",
      failover_id: "fo_1",
      actor: { kind: "token", name: "admin" },
      request_id: "req_1",
      data: { before: null, after: { reason: "reason 1" } },
      position: 1,
      previous_hash: genesis.hash,
    });
  });
});

type Meddle = (entries: readonly Entry[]) => Entry[];

/** Another event in the place of the third. */
const with3rd =
  (more: Partial<FailoverEvent>): Meddle =>
  (entries) =>
    entries.with(2, { ...entries[2]!, event: anEvent(5, more) });
const withSeal =
  (index: number, hash: string): Meddle =>
  (entries) =>
    entries.with(index, { ...entries[index]!, seal: { ...entries[index]!.seal!, hash } });

describe("a chain that somebody meddled with", () => {
  it.each<[string, Meddle, number, RegExp]>([
    ["an id", with3rd({ id: "evt_x" }), 5, /changed/],
    ["a type", with3rd({ type: "failover.resumed" }), 5, /changed/],
    ["an instant", with3rd({ at: 1 }), 5, /changed/],
    ["a failover", with3rd({ failoverId: "fo_2" }), 5, /changed/],
    [
      "an actor's name",
      with3rd({ origin: { actor: { kind: "token", name: "bob" }, requestId: "req_5" } }),
      5,
      /changed/,
    ],
    [
      "an actor's kind",
      with3rd({ origin: { actor: { kind: "person", name: "admin" }, requestId: "req_5" } }),
      5,
      /changed/,
    ],
    [
      "a request's id",
      with3rd({ origin: { actor: { kind: "token", name: "admin" }, requestId: null } }),
      5,
      /changed/,
    ],
    ["data", with3rd({ data: { before: null, after: { reason: "another" } } }), 5, /changed/],
    ["a hash", withSeal(1, "0".repeat(64)), 2, /hash/],
    ["what can't be read", (all) => all.with(1, { ...all[1]!, event: "unreadable" }), 2, /no sense/],
    ["an event that is gone", (all) => all.with(1, { ...all[1]!, event: null }), 2, /gone/],
    ["an event that is gone with its seal", (all) => all.toSpliced(1, 1), 5, /the event before it is gone/],
    ["several that are gone", (all) => all.toSpliced(0, 2), 5, /2 events before it are gone/],
    ["a seal that is gone", (all) => all.with(1, { ...all[1]!, seal: null }), 2, /no seal/],
    [
      "one put in between",
      (all) => all.toSpliced(2, 0, { seq: 3, event: anEvent(3), seal: null }),
      3,
      /inserted/,
    ],
    [
      "two events swapped",
      (all) => all.with(1, { ...all[1]!, event: anEvent(2, { data: EVENTS[2]!.data }) }),
      2,
      /changed/,
    ],
    ["a place", (all) => all.with(1, { ...all[1]!, seal: { ...all[1]!.seal!, position: 1 } }), 2, /place/],
  ])("is broken at %s", async (_what, meddle, seq, why) => {
    const { genesis, entries } = await aChain();
    const { broken } = await walkChain(ACCOUNT, genesis, meddle(entries), sha256);
    expect(broken).toMatchObject({ seq, why: expect.stringMatching(why) });
  });

  it("is broken at its end where events are gone, or the head is another's", async () => {
    const { genesis, head, entries } = await aChain();
    const { reached } = await walkChain(ACCOUNT, genesis, entries.slice(0, 2), sha256);
    expect(findBreakAtEnd(reached, head)?.why).toContain("2 events before its head");
    expect(findBreakAtEnd(head, { ...head, hash: "0".repeat(64) })?.why).toContain("isn't the hash");
    expect(findBreakAtEnd(head, null)?.why).toContain("is gone");
  });
});
