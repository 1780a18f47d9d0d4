// Decides what a link of the trail's hash chain is, and where a chain is broken.
//
// A link is the SHA-256 of an event's members, its place in the chain and the hash of the link before it, as canonical
// JSON (RFC 8785). The first one follows the genesis, which names the installation and the account.
import type { FailoverEvent } from "./results.ts";

/** SHA-256 of the UTF-8 of a text, as lower-case hexadecimal digits. */
export type Sha256 = (text: string) => Promise<string>;

/** The end of a piece of chain, after which the next link comes. */
export interface Anchor {
  /** 0 for the genesis. */
  readonly seq: number;
  /** How many links there are up to here, also those that were pruned. */
  readonly position: number;
  readonly hash: string;
}

export interface Seal {
  readonly position: number;
  readonly hash: string;
}

/** An event as it is sealed and exported. */
export interface Link {
  readonly account_id: string;
  readonly seq: number;
  readonly id: string;
  readonly type: string;
  readonly at: string;
  readonly failover_id: string;
  readonly actor: { readonly kind: string; readonly name: string };
  readonly request_id: string | null;
  readonly data: FailoverEvent["data"];
  readonly position: number;
  readonly previous_hash: string;
}

/** Members by the code units of their names, no blanks: for what JSON.parse yields, that is RFC 8785. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}

export function genesisText(installation: string, accountId: string): string {
  return canonicalJson({ trail: "understudy", installation, account_id: accountId });
}

export async function genesisOf(installation: string, accountId: string, sha256: Sha256): Promise<Anchor> {
  return { seq: 0, position: 0, hash: await sha256(genesisText(installation, accountId)) };
}

/** Throws where an instant is none. */
export function linkOf(accountId: string, event: FailoverEvent, position: number, previous: string): Link {
  return {
    account_id: accountId,
    seq: event.seq ?? 0,
    id: event.id,
    type: event.type,
    at: new Date(event.at).toISOString(),
    failover_id: event.failoverId,
    actor: { kind: event.origin.actor.kind, name: event.origin.actor.name },
    request_id: event.origin.requestId,
    data: event.data,
    position,
    previous_hash: previous,
  };
}

export interface Sealing {
  readonly seals: readonly (Seal & { readonly seq: number })[];
  readonly head: Anchor;
}

/** Goes on from `head` with events in the order of their seq. */
export async function sealEvents(
  accountId: string,
  head: Anchor,
  events: readonly FailoverEvent[],
  sha256: Sha256,
): Promise<Sealing> {
  let last = head;
  const seals: (Seal & { seq: number })[] = [];
  for (const event of events) {
    const position = last.position + 1;
    const hash = await sha256(canonicalJson(linkOf(accountId, event, position, last.hash)));
    last = { seq: event.seq ?? 0, position, hash };
    seals.push(last);
  }
  return { seals, head: last };
}

/** What stands at one seq, up to the head: an event with its seal, unless somebody changed that. */
export interface Entry {
  readonly seq: number;
  /** Null where there is none. */
  readonly event: FailoverEvent | "unreadable" | null;
  readonly seal: Seal | null;
}

export interface Break {
  readonly seq: number;
  /** Of the event, where there is one. */
  readonly id: string | null;
  readonly why: string;
}

export interface Walk {
  /** The last link that holds. */
  readonly reached: Anchor;
  readonly count: number;
  readonly broken: Break | null;
}

function missing(count: number): string {
  return count === 1 ? "the event before it is gone" : `${count} events before it are gone`;
}

async function whyBroken(
  accountId: string,
  before: Anchor,
  { event, seal }: Entry,
  sha256: Sha256,
): Promise<string | null> {
  if (event === null) return "it was sealed, and is gone";
  if (seal === null) return "it has no seal, but later events have: it was inserted, or its seal was deleted";
  if (event === "unreadable") return "it makes no sense any more";
  if (seal.position > before.position + 1) return missing(seal.position - before.position - 1);
  if (seal.position !== before.position + 1)
    return `its place in the chain is said to be ${seal.position}, and should be ${before.position + 1}`;
  const link = linkOf(accountId, event, seal.position, before.hash);
  return (await sha256(canonicalJson(link))) === seal.hash
    ? null
    : "it isn't what was sealed: a member of the event was changed, or its hash";
}

/** Follows a chain link by link, up to the first that doesn't hold. */
export async function walkChain(
  accountId: string,
  from: Anchor,
  entries: readonly Entry[],
  sha256: Sha256,
): Promise<Walk> {
  let reached = from;
  let count = 0;
  for (const entry of entries) {
    const { seq, event, seal } = entry;
    const why = await whyBroken(accountId, reached, entry, sha256);
    if (why !== null || seal === null) {
      const id = event === null || event === "unreadable" ? null : event.id;
      return { reached, count, broken: { seq, id, why: why ?? "it has no seal" } };
    }
    reached = { seq, ...seal };
    count += 1;
  }
  return { reached, count, broken: null };
}

/** Whether a chain that was followed to its last link ends where the head says. */
export function findBreakAtEnd(reached: Anchor, head: Anchor | null): Break | null {
  if (head === null)
    return reached.position === 0
      ? null
      : { seq: reached.seq, id: null, why: "the head of the chain is gone" };
  if (reached.seq === head.seq && reached.position === head.position && reached.hash === head.hash)
    return null;
  const lost = head.position - reached.position;
  return {
    seq: head.seq,
    id: null,
    why:
      lost > 0
        ? `the chain ends ${lost} ${lost === 1 ? "event" : "events"} before its head: they are gone`
        : "the head of the chain isn't the hash of its last link",
  };
}
