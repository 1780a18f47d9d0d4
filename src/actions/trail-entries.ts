import type { Entry } from "../failover/trail.ts";
import type { TrailPage } from "../store/trail.ts";

/** Brings events and seals together, as far as both are known: `most` is how many of each were asked for. */
export function entriesOf(
  { events, seals }: Pick<TrailPage, "events" | "seals">,
  most: number,
): { entries: Entry[]; isLast: boolean } {
  const ends = [events, seals].flatMap((list) => (list.length < most ? [] : [list.at(-1)?.seq ?? 0]));
  const upTo = Math.min(...ends);
  const eventBySeq = new Map(events.map((event) => [event.seq, event]));
  const sealBySeq = new Map(seals.map(({ seq, position, hash }) => [seq, { position, hash }]));
  const seqs = [...new Set([...eventBySeq.keys(), ...sealBySeq.keys()])].filter((seq) => seq !== undefined);
  const entries = seqs
    .filter((seq) => seq <= upTo)
    .toSorted((left, right) => left - right)
    .map((seq): Entry => {
      const event = eventBySeq.get(seq) ?? null;
      const known = event !== null && "unreadable" in event ? "unreadable" : event;
      return { seq, event: known, seal: sealBySeq.get(seq) ?? null };
    });
  return { entries, isLast: ends.length === 0 };
}
