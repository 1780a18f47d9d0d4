// Drift of which nobody knows yet whose doing it was, and whether the audit log that would say so can be read.
import type { Unattributed } from "../failover/attribution.ts";
import type { Write } from "./failovers.ts";

export interface PendingAttribution extends Unattributed {
  /** Of the event that told of it. */
  readonly eventId: string;
  readonly failoverId: string;
  /** How often the log was asked. */
  readonly asked: number;
}

export function insertUnattributed(
  db: D1Database,
  accountId: string,
  { eventId, failoverId, detectedAt, ...about }: Omit<PendingAttribution, "asked">,
): Write {
  return db
    .prepare(
      `INSERT INTO unattributed (event_id, account_id, failover_id, about, detected_at, due_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?5)`,
    )
    .bind(eventId, accountId, failoverId, JSON.stringify(about), detectedAt);
}

/** The oldest first, so many at most. */
export async function loadDueAttributions(
  db: D1Database,
  accountId: string,
  now: number,
  most: number,
): Promise<PendingAttribution[]> {
  const { results } = await db
    .prepare(
      `SELECT event_id AS eventId, failover_id AS failoverId, about, detected_at AS detectedAt, asked FROM unattributed
       WHERE account_id = ?1 AND due_at <= ?2 ORDER BY due_at LIMIT ?3`,
    )
    .bind(accountId, now, most)
    .all<Omit<PendingAttribution, "objectIds" | "since"> & { about: string }>();
  return results.map(({ about, ...row }) => ({
    ...row,
    ...(JSON.parse(about) as Pick<Unattributed, "objectIds" | "since">),
  }));
}

export function postponeAttribution(db: D1Database, eventId: string, asked: number, dueAt: number): Write {
  return db
    .prepare("UPDATE unattributed SET asked = ?2, due_at = ?3 WHERE event_id = ?1")
    .bind(eventId, asked, dueAt);
}

export function forgetAttributions(db: D1Database, eventIds: readonly string[]): Write {
  return db
    .prepare("DELETE FROM unattributed WHERE event_id IN (SELECT value FROM json_each(?1))")
    .bind(JSON.stringify(eventIds));
}

export interface AuditLogState {
  /** When it was last asked, ms since the epoch. */
  readonly readAt: number;
  /** Null where it could be read. */
  readonly unreadable: string | null;
}

export async function loadAuditLogState(db: D1Database, accountId: string): Promise<AuditLogState | null> {
  return db
    .prepare("SELECT read_at AS readAt, unreadable FROM audit_logs WHERE account_id = ?1")
    .bind(accountId)
    .first<AuditLogState>();
}

export function saveAuditLogState(db: D1Database, accountId: string, state: AuditLogState): Write {
  return db
    .prepare(
      `INSERT INTO audit_logs (account_id, read_at, unreadable) VALUES (?1, ?2, ?3)
       ON CONFLICT (account_id) DO UPDATE SET read_at = ?2, unreadable = ?3`,
    )
    .bind(accountId, state.readAt, state.unreadable);
}
