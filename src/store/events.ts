import type { Actor, FailoverEvent } from "../failover/results.ts";

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

/** Newest first, below `before` (a seq). `among` are ids of failovers, null means all there are. */
export async function loadEvents(
  db: D1Database,
  accountId: string,
  among: readonly string[] | null,
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
    .prepare(`SELECT * FROM events WHERE account_id = ?1 ${whose} AND seq < ?2 ORDER BY seq DESC LIMIT ?3`)
    .bind(accountId, before, limit, ...ids)
    .all<EventRow>();
  return results.map(toEvent);
}
