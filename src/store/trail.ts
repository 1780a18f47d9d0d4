// The trail's hash chain: its head, its checkpoint, and a seal for each event in between.
import type { Anchor, Seal } from "../failover/trail.ts";
import type { FailoverEvent } from "../failover/results.ts";
import { toEvent, type EventRow } from "./events.ts";
import type { Write } from "./failovers.ts";

export interface Trail {
  readonly head: Anchor;
  /** When the head was sealed, ms since the epoch. */
  readonly sealedAt: number;
  /** What the first link that is kept follows: the genesis, or the last that was pruned. */
  readonly start: Anchor;
  /** Null where nothing was pruned yet. */
  readonly prunedAt: number | null;
}

interface TrailRow {
  sealed_seq: number;
  sealed_position: number;
  sealed_hash: string;
  sealed_at: number;
  pruned_seq: number;
  pruned_position: number;
  pruned_hash: string;
  pruned_at: number | null;
}

const TRAIL =
  "sealed_seq, sealed_position, sealed_hash, sealed_at, pruned_seq, pruned_position, pruned_hash, pruned_at";

function toTrail(row: TrailRow): Trail {
  return {
    head: { seq: row.sealed_seq, position: row.sealed_position, hash: row.sealed_hash },
    sealedAt: row.sealed_at,
    start: { seq: row.pruned_seq, position: row.pruned_position, hash: row.pruned_hash },
    prunedAt: row.pruned_at,
  };
}

/** What isn't sealed yet, the oldest first, so many at most. One read, whatever comes of it. */
export async function loadUnsealed(
  db: D1Database,
  accountId: string,
  most: number,
): Promise<{ trail: Trail | null; events: FailoverEvent[] }> {
  const { results } = await db
    .prepare(
      `WITH trail AS (SELECT ${TRAIL} FROM trails WHERE account_id = ?1)
       SELECT trail.*, fresh.* FROM (SELECT 1) LEFT JOIN trail
       LEFT JOIN (SELECT * FROM events
                  WHERE account_id = ?1 AND seq > coalesce((SELECT sealed_seq FROM trail), 0)
                  ORDER BY seq LIMIT ?2) AS fresh
       ORDER BY fresh.seq`,
    )
    .bind(accountId, most)
    .all<Partial<TrailRow> & EventRow>();
  const [first] = results;
  return {
    trail: typeof first?.sealed_hash === "string" ? toTrail(first as TrailRow) : null,
    events: results.filter(({ seq }) => seq !== null).map(toEvent),
  };
}

/** Seals what follows the head `from`. Where another one has moved it meanwhile the whole batch fails. */
export function extendTrail(
  db: D1Database,
  accountId: string,
  from: Anchor,
  { seals, head }: { seals: readonly (Seal & { seq: number })[]; head: Anchor },
  now: number,
): Write[] {
  return [
    db
      .prepare(
        `INSERT INTO trails (account_id, sealed_seq, sealed_position, sealed_hash, sealed_at, pruned_hash)
         SELECT ?1, 0, 0, ?2, ?3, ?2 WHERE ?4 = 0 ON CONFLICT DO NOTHING`,
      )
      .bind(accountId, from.hash, now, from.position),
    db
      .prepare(
        `UPDATE trails SET sealed_hash = CASE WHEN sealed_position = ?2 AND sealed_hash = ?3 THEN ?6 ELSE NULL END,
           sealed_seq = ?4, sealed_position = ?5, sealed_at = ?7
         WHERE account_id = ?1`,
      )
      .bind(accountId, from.position, from.hash, head.seq, head.position, head.hash, now),
    db
      .prepare(
        `INSERT INTO seals (seq, account_id, position, hash)
         SELECT value ->> 'seq', ?1, value ->> 'position', value ->> 'hash' FROM json_each(?2)`,
      )
      .bind(accountId, JSON.stringify(seals)),
  ];
}

/** Whether a batch failed because somebody else had sealed before. */
export function isSealedByAnother(error: unknown): boolean {
  return /trails\.sealed_hash|seals\.seq/.test(error instanceof Error ? error.message : String(error));
}

export interface TrailPage {
  /** Null before the installation was ever started. */
  readonly installation: string | null;
  readonly trail: Trail | null;
  /** Events and seals after `after`, each list in order; a full one may go on behind its last. */
  readonly events: readonly (FailoverEvent | { readonly seq: number; readonly unreadable: true })[];
  readonly seals: readonly (Seal & { readonly seq: number })[];
  readonly unsealed: { readonly count: number; readonly fromSeq: number | null };
}

function readable(row: EventRow): TrailPage["events"][number] {
  try {
    const event = toEvent(row);
    return Number.isNaN(new Date(event.at).valueOf()) ? { seq: row.seq, unreadable: true } : event;
  } catch {
    return { seq: row.seq, unreadable: true };
  }
}

/** A piece of the trail and its ends, as they are at one moment; `after` is a seq, null the checkpoint's. */
export async function loadTrailPage(
  db: D1Database,
  accountId: string,
  after: number | null,
  most: number,
): Promise<TrailPage> {
  const from = `max(coalesce(?2, 0), coalesce((SELECT pruned_seq FROM trails WHERE account_id = ?1), 0))`;
  const sealed = "coalesce((SELECT sealed_seq FROM trails WHERE account_id = ?1), 0)";
  const [installations, trails, events, seals, unsealed] = await db.batch<never>([
    db.prepare("SELECT short_id FROM installation WHERE only = 1"),
    db.prepare(`SELECT ${TRAIL} FROM trails WHERE account_id = ?1`).bind(accountId),
    db
      .prepare(
        `SELECT * FROM events WHERE account_id = ?1 AND seq > ${from} AND seq <= ${sealed} ORDER BY seq LIMIT ?3`,
      )
      .bind(accountId, after, most),
    db
      .prepare(
        `SELECT seq, position, hash FROM seals WHERE account_id = ?1 AND seq > ${from} ORDER BY seq LIMIT ?3`,
      )
      .bind(accountId, after, most),
    db
      .prepare(
        `SELECT count(*) AS count, min(seq) AS from_seq FROM events WHERE account_id = ?1 AND seq > ${sealed}`,
      )
      .bind(accountId),
  ]);
  const [installation] = (installations?.results ?? []) as { short_id: string }[];
  const [trail] = (trails?.results ?? []) as TrailRow[];
  const [open] = (unsealed?.results ?? []) as { count: number; from_seq: number | null }[];
  return {
    installation: installation?.short_id ?? null,
    trail: trail === undefined ? null : toTrail(trail),
    events: ((events?.results ?? []) as EventRow[]).map(readable),
    seals: seals?.results ?? [],
    unsealed: { count: open?.count ?? 0, fromSeq: open?.from_seq ?? null },
  };
}

/** The seal of one event; null where there is none. */
export async function loadSeal(db: D1Database, accountId: string, seq: number): Promise<Seal | null> {
  return db
    .prepare("SELECT position, hash FROM seals WHERE account_id = ?1 AND seq = ?2")
    .bind(accountId, seq)
    .first<Seal>();
}

/**
 * The last seq that may go, or null: sealed, older than `before` with all that precede it, told to every channel, and at
 * most so many at once.
 */
export async function findPrunable(
  db: D1Database,
  accountId: string,
  before: number,
  most: number,
): Promise<number | null> {
  const row = await db
    .prepare(
      `SELECT max(seq) AS seq FROM (
         SELECT seq FROM seals WHERE account_id = ?1
           AND seq < coalesce((SELECT seq FROM events WHERE account_id = ?1 AND at >= ?2 ORDER BY seq LIMIT 1), ?4)
           AND seq <= coalesce((SELECT event_seq FROM outboxes WHERE account_id = ?1
                                  AND EXISTS (SELECT 1 FROM channels WHERE account_id = ?1)), ?4)
         ORDER BY seq LIMIT ?3)`,
    )
    .bind(accountId, before, most, Number.MAX_SAFE_INTEGER)
    .first<{ seq: number | null }>();
  return row?.seq ?? null;
}

/** Forgets all up to the checkpoint `to`. Where another one has pruned meanwhile the whole batch fails. */
export function pruneTrail(
  db: D1Database,
  accountId: string,
  from: Anchor,
  to: Anchor,
  now: number,
): Write[] {
  return [
    db
      .prepare(
        `UPDATE trails SET pruned_hash = CASE WHEN pruned_position = ?2 THEN ?5 ELSE NULL END,
           pruned_seq = ?3, pruned_position = ?4, pruned_at = ?6
         WHERE account_id = ?1`,
      )
      .bind(accountId, from.position, to.seq, to.position, to.hash, now),
    db.prepare("DELETE FROM seals WHERE account_id = ?1 AND seq <= ?2").bind(accountId, to.seq),
    db.prepare("DELETE FROM events WHERE account_id = ?1 AND seq <= ?2").bind(accountId, to.seq),
  ];
}
