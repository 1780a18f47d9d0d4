import type { Actor, FailoverEvent } from "../failover/results.ts";
import type { Seal } from "../failover/trail.ts";

export interface EventRow {
  seq: number;
  id: string;
  failover_id: string;
  type: string;
  at: number;
  actor_kind: Actor["kind"];
  actor_name: string;
  request_id: string | null;
  data: string;
}

export function toEvent(row: EventRow): FailoverEvent {
  return {
    id: row.id,
    seq: row.seq,
    type: row.type,
    at: row.at,
    failoverId: row.failover_id,
    origin: { actor: { kind: row.actor_kind, name: row.actor_name }, requestId: row.request_id },
    data: JSON.parse(row.data) as FailoverEvent["data"],
  };
}

/** `?place` holds patterns in which `*` stands for any characters; nothing else in them is special. */
const ofTypes = (place: number) =>
  `AND EXISTS (SELECT 1 FROM json_each(?${place}) AS pattern WHERE events.type GLOB pattern.value)`;

/**
 * Newest first, below `before` (a seq). `among` are ids of failovers, null means all there are; `types` are types with `*`
 * for any characters, null means all.
 */
export async function loadEvents(
  db: D1Database,
  accountId: string,
  among: readonly string[] | null,
  types: readonly string[] | null,
  before: number,
  limit: number,
): Promise<FailoverEvent[]> {
  const [whose, ids] =
    among === null
      ? ["", []]
      : among.length === 1
        ? // Said so that the index of a failover's events gives the order, too.
          ["AND failover_id = ?4", among]
        : ["AND failover_id IN (SELECT value FROM json_each(?4))", [JSON.stringify(among)]];
  const { results } = await db
    .prepare(
      `SELECT * FROM events WHERE account_id = ?1 ${whose} ${types === null ? "" : ofTypes(4 + ids.length)}
         AND seq < ?2 ORDER BY seq DESC LIMIT ?3`,
    )
    .bind(accountId, before, limit, ...ids, ...(types === null ? [] : [JSON.stringify(types)]))
    .all<EventRow>();
  return results.map(toEvent);
}

/** An event with its place in the chain; both are null where it isn't sealed, `previous` also of the very first. */
export interface SealedEvent {
  readonly event: FailoverEvent;
  readonly seal: Seal | null;
  readonly previous: string | null;
}

export interface Selected {
  readonly among: readonly string[] | null;
  readonly types: readonly string[] | null;
  /** Inclusive. */
  readonly toSeq?: number;
  /** Ms since the epoch; `since` inclusive, `until` not. */
  readonly since?: number;
  readonly until?: number;
}

/** The seq of the newest event of all; 0 where there is none. */
export async function loadNewestSeq(db: D1Database, accountId: string): Promise<number> {
  const row = await db
    .prepare("SELECT seq FROM events WHERE account_id = ?1 ORDER BY seq DESC LIMIT 1")
    .bind(accountId)
    .first<{ seq: number }>();
  return row?.seq ?? 0;
}

/**
 * The oldest first, after a seq. `upTo` is as far as was looked, so that whoever goes on from there looks at nothing
 * twice, however few there are that fit.
 */
export async function loadEventsAfter(
  db: D1Database,
  accountId: string,
  after: number,
  selected: Selected,
  limit: number,
): Promise<{ found: SealedEvent[]; upTo: number; installation: string | null }> {
  const {
    among,
    types,
    toSeq = Number.MAX_SAFE_INTEGER,
    since = 0,
    until = Number.MAX_SAFE_INTEGER,
  } = selected;
  const [newest, chosen] = await db.batch<never>([
    db
      .prepare(
        `SELECT (SELECT seq FROM events WHERE account_id = ?1 ORDER BY seq DESC LIMIT 1) AS seq,
           (SELECT short_id FROM installation WHERE only = 1) AS installation`,
      )
      .bind(accountId),
    db
      .prepare(
        `SELECT events.*, seals.position, seals.hash, coalesce(
             (SELECT earlier.hash FROM seals AS earlier
              WHERE earlier.account_id = ?1 AND earlier.seq < events.seq ORDER BY earlier.seq DESC LIMIT 1),
             (SELECT pruned_hash FROM trails WHERE account_id = ?1)) AS previous
         FROM events LEFT JOIN seals ON seals.seq = events.seq
         WHERE events.account_id = ?1 AND events.seq > ?2 AND events.seq <= ?3 AND at >= ?4 AND at < ?5
           AND (?6 IS NULL OR failover_id IN (SELECT value FROM json_each(?6)))
           ${types === null ? "" : ofTypes(8)}
         ORDER BY events.seq LIMIT ?7`,
      )
      .bind(
        accountId,
        after,
        toSeq,
        since,
        until,
        among === null ? null : JSON.stringify(among),
        limit,
        ...(types === null ? [] : [JSON.stringify(types)]),
      ),
  ]);
  const rows = (chosen?.results ?? []) as (EventRow & {
    position: number | null;
    hash: string | null;
    previous: string | null;
  })[];
  const [last] = (newest?.results ?? []) as { seq: number | null; installation: string | null }[];
  const end = Math.min(last?.seq ?? 0, toSeq);
  return {
    found: rows.map((row) => ({
      event: toEvent(row),
      seal: row.position === null || row.hash === null ? null : { position: row.position, hash: row.hash },
      previous: row.previous,
    })),
    upTo: Math.max(after, rows.length < limit ? end : (rows.at(-1)?.seq ?? end)),
    installation: last?.installation ?? null,
  };
}
