import type { FailoverEvent } from "../failover/results.ts";
import type { Anchor, Break, Link } from "../failover/trail.ts";
import type { Among } from "./reader-port.ts";

/** What was found of one piece of the chain, and what there is besides. */
export interface Verification {
  readonly ok: boolean;
  /** Links that hold, of this piece; null where there was none to follow. */
  readonly verified: { readonly fromSeq: number; readonly toSeq: number; readonly count: number } | null;
  readonly firstBroken: Break | null;
  /** Null before anything was sealed. */
  readonly head: (Anchor & { readonly sealedAt: number }) | null;
  readonly unsealed: { readonly count: number; readonly fromSeq: number | null };
  /** What the oldest link that is kept follows; null where nothing was pruned. */
  readonly checkpoint: (Anchor & { readonly prunedAt: number }) | null;
  readonly genesis: { readonly installation: string; readonly accountId: string; readonly hash: string };
  /** Null where the chain was followed to its end, or to where it is broken. */
  readonly nextCursor: string | null;
}

/** Which events; all that is given has to fit. */
export interface EventSelection {
  /** Ids of failovers; null means everything. */
  readonly among: Among;
  /** Types, `*` for any characters; null means all. */
  readonly types: readonly string[] | null;
  /** Inclusive. */
  readonly toSeq?: number;
  /** Ms since the epoch; `since` inclusive, `until` not. */
  readonly since?: number;
  readonly until?: number;
}

/** A line of an export: what isn't sealed yet has no place in the chain. */
export type ExportedLink =
  | (Link & { readonly hash: string })
  | (Omit<Link, "position" | "previous_hash"> & {
      readonly position: null;
      readonly previous_hash: null;
      readonly hash: null;
    });

/** The trail of events in the order in which they happened. */
export interface TrailPort {
  /** Follows the chain for at most `most` links; throws `InvalidCursor` for a cursor that is not ours. */
  verify(cursor: string | null, most: number): Promise<Verification>;
  /** The seq of the newest event of all; 0 where there is none. */
  newestSeq(): Promise<number>;
  /** What is newer than `after`, the oldest first, at most `most`; `upTo` is as far as was looked. */
  eventsAfter(
    after: number,
    selection: EventSelection,
    most: number,
  ): Promise<{ readonly events: readonly FailoverEvent[]; readonly upTo: number }>;
  /** The same with their places in the chain. */
  linksAfter(
    after: number,
    selection: EventSelection,
    most: number,
  ): Promise<{ readonly links: readonly ExportedLink[]; readonly upTo: number }>;
}
