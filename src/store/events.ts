import type { Actor, FailoverEvent } from "../failover/results.ts";

interface EventRow {
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

async function idOf(db: D1Database, accountId: string, reference: string): Promise<string | null> {
  const row = await db
    .prepare("SELECT id FROM failovers WHERE account_id = ?1 AND name = ?2")
    .bind(accountId, reference)
    .first<{ id: string }>();
  return row?.id ?? null;
}

/** Newest first, below `before` (a seq). `reference` is a failover's id or the name of one that exists; null means all. */
export async function loadEvents(
  db: D1Database,
  accountId: string,
  reference: string | null,
  before: number,
  limit: number,
): Promise<FailoverEvent[]> {
  const among = reference === null ? "account_id = ?1" : "account_id = ?1 AND failover_id = ?4";
  const id = reference === null ? [] : [(await idOf(db, accountId, reference)) ?? reference];
  const { results } = await db
    .prepare(`SELECT * FROM events WHERE ${among} AND seq < ?2 ORDER BY seq DESC LIMIT ?3`)
    .bind(accountId, before, limit, ...id)
    .all<EventRow>();
  return results.map((row) => ({
    id: row.id,
    seq: row.seq,
    type: row.type,
    at: row.at,
    failoverId: row.failover_id,
    origin: { actor: { kind: row.actor_kind, name: row.actor_name }, requestId: row.request_id },
    data: JSON.parse(row.data) as FailoverEvent["data"],
  }));
}
