// Reads the trail of events, and verifies its hash chain piece by piece.
import type { FailoverEvent } from "../failover/results.ts";
import { findBreakAtEnd, genesisOf, linkOf, walkChain, type Anchor, type Break } from "../failover/trail.ts";
import { loadEventsAfter, loadNewestSeq, type SealedEvent } from "../store/events.ts";
import { loadSeal, loadTrailPage, type TrailPage } from "../store/trail.ts";
import { InvalidCursor } from "./reader-port.ts";
import { sha256 } from "./sha256.ts";
import { entriesOf } from "./trail-entries.ts";
import type { ExportedLink, TrailPort, Verification } from "./trail-port.ts";

/** One read of D1. */
const PAGE = 500;

function seqFrom(cursor: string): number {
  const notOurs = () => new InvalidCursor("the cursor is not one of ours");
  let seq: number;
  try {
    seq = Number(atob(cursor));
  } catch {
    throw notOurs();
  }
  if (!Number.isSafeInteger(seq) || seq <= 0) throw notOurs();
  return seq;
}

function toExported(
  accountId: string,
  { event, seal, previous }: SealedEvent,
  genesis: Anchor,
): ExportedLink {
  if (seal !== null) {
    const link = linkOf(accountId, event, seal.position, previous ?? genesis.hash);
    return { ...link, hash: seal.hash };
  }
  return { ...linkOf(accountId, event, 0, ""), position: null, previous_hash: null, hash: null };
}

export function createTrail({
  db,
  accountId,
}: {
  readonly db: D1Database;
  readonly accountId: string;
}): TrailPort {
  /** Where to begin: the last link that a call before has reached, or the oldest that is kept. */
  async function startOf(cursor: string | null, page: TrailPage): Promise<Anchor | null> {
    const start = page.trail?.start ?? null;
    const seq = cursor === null ? null : seqFrom(cursor);
    if (seq === null || start === null || seq <= start.seq) return start;
    const seal = await loadSeal(db, accountId, seq);
    if (seal === null) throw new InvalidCursor("what the cursor points to is gone: begin anew");
    return { seq, ...seal };
  }

  return {
    async verify(cursor, most) {
      const after = cursor === null ? null : seqFrom(cursor);
      let page = await loadTrailPage(db, accountId, after, PAGE);
      const installation = page.installation ?? "";
      const genesis = await genesisOf(installation, accountId, sha256);
      const begin = (await startOf(cursor, page)) ?? genesis;
      let broken: Break | null = null;
      const [stray] = page.trail === null ? page.seals : [];
      if (stray !== undefined) broken = { seq: stray.seq, id: null, why: "the head of the chain is gone" };
      if (begin.position === 0 && begin.hash !== genesis.hash) {
        broken = { seq: begin.seq, id: null, why: "it doesn't begin with this installation's genesis" };
      }
      let reached = begin;
      let fromSeq: number | null = null;
      let isLast = false;
      while (broken === null && !isLast && reached.position - begin.position < most) {
        if (reached !== begin) page = await loadTrailPage(db, accountId, reached.seq, PAGE);
        const piece = entriesOf(page, PAGE);
        const walked = await walkChain(accountId, reached, piece.entries, sha256);
        fromSeq ??= walked.count === 0 ? null : (piece.entries[0]?.seq ?? null);
        broken = walked.broken;
        isLast = piece.isLast || walked.count === 0;
        reached = walked.reached;
      }
      if (broken === null && isLast) broken = findBreakAtEnd(reached, page.trail?.head ?? null);
      const { trail, unsealed } = page;
      return {
        ok: broken === null,
        verified:
          fromSeq === null ? null : { fromSeq, toSeq: reached.seq, count: reached.position - begin.position },
        firstBroken: broken,
        head: trail === null ? null : { ...trail.head, sealedAt: trail.sealedAt },
        unsealed,
        checkpoint:
          trail === null || trail.prunedAt === null ? null : { ...trail.start, prunedAt: trail.prunedAt },
        genesis: { installation, accountId, hash: genesis.hash },
        nextCursor: broken === null && !isLast ? btoa(String(reached.seq)) : null,
      } satisfies Verification;
    },

    newestSeq: () => loadNewestSeq(db, accountId),

    async eventsAfter(after, selection, most) {
      const { found, upTo } = await loadEventsAfter(db, accountId, after, selection, most);
      return { events: found.map(({ event }): FailoverEvent => event), upTo };
    },

    async linksAfter(after, selection, most) {
      const { found, upTo, installation } = await loadEventsAfter(db, accountId, after, selection, most);
      const genesis = await genesisOf(installation ?? "", accountId, sha256);
      return { links: found.map((one) => toExported(accountId, one, genesis)), upTo };
    },
  };
}
