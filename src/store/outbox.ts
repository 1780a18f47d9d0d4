// How far the events have become messages, and the troubles that were found on the way.
import type { FailoverEvent } from "../failover/results.ts";
import { toEvent, type EventRow } from "./events.ts";
import type { Write } from "./failovers.ts";

export interface Outbox {
  /** The last event that has become what it had to become. */
  readonly eventSeq: number;
  /** Those after it, the oldest first, so many at most. */
  readonly events: readonly FailoverEvent[];
  /** Whether an incident has to be looked at by now. */
  readonly isIncidentDue: boolean;
}

interface OutboxRow extends EventRow {
  kind: "outbox" | "event";
  event_seq: number;
  incident_due: number;
}

/** Null where there is no channel: then nothing is told, and nothing read further. One read, whatever comes of it. */
export async function loadOutbox(
  db: D1Database,
  accountId: string,
  now: number,
  most: number,
): Promise<Outbox | null> {
  const { results } = await db
    .prepare(
      `WITH outbox AS (
         SELECT event_seq,
           EXISTS (SELECT 1 FROM incidents WHERE account_id = ?1 AND due_at <= ?2) AS incident_due
         FROM outboxes WHERE account_id = ?1 AND EXISTS (SELECT 1 FROM channels WHERE account_id = ?1))
       SELECT outbox.*, events.* FROM outbox
       LEFT JOIN (SELECT * FROM events WHERE account_id = ?1 AND seq > (SELECT event_seq FROM outbox)
                  ORDER BY seq LIMIT ?3) AS events`,
    )
    .bind(accountId, now, most)
    .all<OutboxRow>();
  const [first] = results;
  if (first === undefined) return null;
  return {
    eventSeq: first.event_seq,
    events: results.filter(({ seq }) => seq !== null).map(toEvent),
    isIncidentDue: first.incident_due === 1,
  };
}

/** Where another one has moved it meanwhile the whole batch fails. */
export function moveOutbox(db: D1Database, accountId: string, from: number, to: number): Write {
  return db
    .prepare(
      "UPDATE outboxes SET event_seq = CASE WHEN event_seq = ?2 THEN ?3 ELSE NULL END WHERE account_id = ?1",
    )
    .bind(accountId, from, to);
}

/** Each as the JSON that it is stored as. */
export async function loadIncidents(db: D1Database, accountId: string): Promise<string[]> {
  const { results } = await db
    .prepare("SELECT incident FROM incidents WHERE account_id = ?1 ORDER BY key")
    .bind(accountId)
    .all<{ incident: string }>();
  return results.map(({ incident }) => incident);
}

export function saveIncidents(
  db: D1Database,
  accountId: string,
  incidents: readonly { readonly key: string; readonly dueAt: number | null }[],
): Write[] {
  return incidents.map((incident) =>
    db
      .prepare(
        `INSERT INTO incidents (account_id, key, due_at, incident) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (account_id, key) DO UPDATE SET due_at = ?3, incident = ?4`,
      )
      .bind(accountId, incident.key, incident.dueAt, JSON.stringify(incident)),
  );
}

export function forgetIncidents(db: D1Database, accountId: string, keys: readonly string[]): Write[] {
  if (keys.length === 0) return [];
  const found = "key IN (SELECT value FROM json_each(?2))";
  return [
    db
      .prepare(`DELETE FROM incidents WHERE account_id = ?1 AND ${found}`)
      .bind(accountId, JSON.stringify(keys)),
  ];
}

export async function countFailovers(db: D1Database, accountId: string): Promise<number> {
  const row = await db
    .prepare("SELECT count(*) AS count FROM failovers WHERE account_id = ?1")
    .bind(accountId)
    .first<{ count: number }>();
  return row?.count ?? 0;
}
