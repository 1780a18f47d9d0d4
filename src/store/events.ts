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

/** Newest first, below `before` (a seq). `reference` is a failover's id or the name of one that exists; null means all. */
export async function loadEvents(
  db: D1Database,
  accountId: string,
  reference: string | null,
  before: number,
  limit: number,
): Promise<FailoverEvent[]> {
  const { results } = await db
    .prepare(
      `SELECT * FROM events
       WHERE account_id = ?1 AND seq < ?2
         AND (?3 IS NULL OR failover_id = ?3 OR failover_id IN (SELECT id FROM failovers WHERE account_id = ?1 AND name = ?3))
       ORDER BY seq DESC LIMIT ?4`,
    )
    .bind(accountId, before, reference, limit)
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
