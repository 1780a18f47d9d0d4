// Messages on their way. Within a lane only the first pending one is due; it lets the next one go when it has ended.
import type { Claim } from "../failover/idempotency.ts";
import { commit, type Write } from "./failovers.ts";
import { saveChangesAsOutcome } from "./idempotency-keys.ts";

export type DeliveryStatus = "pending" | "delivered" | "failed";

/** Times are ms since the epoch. */
export interface DeliveryRow {
  readonly seq: number;
  readonly id: string;
  readonly channelId: string;
  readonly lane: string;
  readonly status: DeliveryStatus;
  /** Null where it has ended, or waits for the one before it. */
  readonly dueAt: number | null;
  readonly claimedUntil: number | null;
  readonly attempts: number;
  readonly startedAt: number;
  readonly createdAt: number;
  readonly finishedAt: number | null;
  readonly lastAttemptAt: number | null;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  /** JSON. */
  readonly message: string;
}

const COLUMNS = `seq, id, channel_id AS channelId, lane, status, due_at AS dueAt, claimed_until AS claimedUntil, attempts,
  started_at AS startedAt, created_at AS createdAt, finished_at AS finishedAt, last_attempt_at AS lastAttemptAt,
  last_status AS lastStatus, last_error AS lastError, message`;

export interface NewDelivery {
  readonly id: string;
  readonly channelId: string;
  readonly lane: string;
  readonly message: string;
}

/** Nothing for a channel that is gone or disabled by now. */
export function insertDelivery(db: D1Database, accountId: string, delivery: NewDelivery, now: number): Write {
  return db
    .prepare(
      `INSERT INTO deliveries (id, account_id, channel_id, lane, status, due_at, started_at, created_at, message)
       SELECT ?1, ?2, id, ?4, 'pending',
         CASE WHEN EXISTS (SELECT 1 FROM deliveries WHERE channel_id = ?3 AND lane = ?4 AND status = 'pending')
           THEN NULL ELSE max(?6, coalesce(held_until, 0)) END,
         ?6, ?6, ?5
       FROM channels WHERE id = ?3 AND account_id = ?2 AND disabled IS NULL`,
    )
    .bind(delivery.id, accountId, delivery.channelId, delivery.lane, delivery.message, now);
}

/** Which channels have something to be sent now. */
export async function loadDueChannels(db: D1Database, accountId: string, now: number): Promise<string[]> {
  const { results } = await db
    .prepare(
      "SELECT channel_id AS id FROM deliveries WHERE account_id = ?1 AND due_at <= ?2 GROUP BY channel_id ORDER BY min(due_at)",
    )
    .bind(accountId, now)
    .all<{ id: string }>();
  return results.map(({ id }) => id);
}

/** What was never tried goes first: a message that nobody takes holds up no other lane. */
export async function loadDueDelivery(
  db: D1Database,
  channelId: string,
  now: number,
): Promise<DeliveryRow | null> {
  return db
    .prepare(
      `SELECT ${COLUMNS} FROM deliveries WHERE channel_id = ?1 AND due_at <= ?2 AND status = 'pending'
       ORDER BY attempts > 0, due_at, seq LIMIT 1`,
    )
    .bind(channelId, now)
    .first<DeliveryRow>();
}

/** False where somebody else has it. After `until` it is due again, whoever had it. */
export async function claimDelivery(
  db: D1Database,
  { id, dueAt }: DeliveryRow,
  now: number,
  until: number,
): Promise<boolean> {
  const { meta } = await db
    .prepare(
      `UPDATE deliveries SET due_at = ?4, claimed_until = ?4, attempts = attempts + 1, last_attempt_at = ?3
       WHERE id = ?1 AND due_at = ?2 AND status = 'pending'`,
    )
    .bind(id, dueAt, now, until)
    .run();
  return meta.changes > 0;
}

export interface Tried {
  readonly lastStatus: number | null;
  readonly lastError: string | null;
}

export function postponeDelivery(db: D1Database, id: string, dueAt: number, tried: Tried): Write {
  return db
    .prepare(
      `UPDATE deliveries SET due_at = ?2, claimed_until = NULL, last_status = ?3, last_error = ?4
       WHERE id = ?1 AND status = 'pending'`,
    )
    .bind(id, dueAt, tried.lastStatus, tried.lastError);
}

/** Ends it, and lets the next one of its lane go. */
export function endDelivery(
  db: D1Database,
  { id, channelId, lane }: DeliveryRow,
  status: "delivered" | "failed",
  tried: Tried,
  now: number,
): Write[] {
  return [
    db
      .prepare(
        `UPDATE deliveries SET status = ?2, due_at = NULL, claimed_until = NULL, finished_at = ?3, last_status = ?4,
           last_error = ?5 WHERE id = ?1`,
      )
      .bind(id, status, now, tried.lastStatus, tried.lastError),
    db
      .prepare(
        `UPDATE deliveries SET due_at = ?3 WHERE seq = (
           SELECT min(seq) FROM deliveries WHERE channel_id = ?1 AND lane = ?2 AND status = 'pending')
         AND due_at IS NULL`,
      )
      .bind(channelId, lane, now),
  ];
}

/** Whatever of a channel is due before an instant waits until then; what is being sent is left alone. */
export function putOffDeliveries(db: D1Database, channelId: string, until: number): Write {
  return db
    .prepare(
      "UPDATE deliveries SET due_at = ?2 WHERE channel_id = ?1 AND due_at < ?2 AND claimed_until IS NULL",
    )
    .bind(channelId, until);
}

/**
 * More is to be said in a lane: what it waits for is tried again with that, as soon as the channel may be sent to. A pause
 * of hours before an old message must not hold up an alarm behind it.
 */
export function hastenLane(db: D1Database, channelId: string, lane: string, now: number): Write {
  return db
    .prepare(
      `UPDATE deliveries SET due_at = min(due_at, max(?3, coalesce((SELECT held_until FROM channels WHERE id = ?1), 0)))
       WHERE channel_id = ?1 AND lane = ?2 AND status = 'pending' AND due_at > ?3 AND claimed_until IS NULL`,
    )
    .bind(channelId, lane, now);
}

/** Its address or its key was changed: whatever the old one was left alone for is tried at once. */
export function releaseDeliveries(db: D1Database, channelId: string, now: number): Write {
  return db
    .prepare(
      `UPDATE deliveries SET due_at = ?2
       WHERE channel_id = ?1 AND status = 'pending' AND due_at > ?2 AND claimed_until IS NULL`,
    )
    .bind(channelId, now);
}

/** A receiver that took one message may take what it could not take before; what it refused waits for its hour. */
export function hastenDeliveries(db: D1Database, channelId: string, now: number): Write {
  return db
    .prepare(
      `UPDATE deliveries SET due_at = ?2 WHERE channel_id = ?1 AND due_at > ?2 AND claimed_until IS NULL
         AND (last_status IS NULL OR last_status >= 500 OR last_status IN (408, 425, 429))`,
    )
    .bind(channelId, now);
}

/** Ends all that waits for a channel. */
export function failDeliveries(db: D1Database, channelId: string, why: string, now: number): Write {
  return db
    .prepare(
      `UPDATE deliveries SET status = 'failed', due_at = NULL, claimed_until = NULL, finished_at = ?3, last_error = ?2
       WHERE channel_id = ?1 AND status = 'pending'`,
    )
    .bind(channelId, why, now);
}

/** Begins anew with one of a channel's that has ended, or where `id` is null with all that failed. */
export async function reviveDeliveries(
  db: D1Database,
  channelId: string,
  id: string | null,
  now: number,
  claim: Claim | null,
): Promise<number> {
  const which = id === null ? "status = 'failed'" : "status <> 'pending' AND id = ?3";
  const revived = db
    .prepare(
      `UPDATE deliveries SET status = 'pending', due_at = NULL, attempts = 0, started_at = ?2, finished_at = NULL
       WHERE channel_id = ?1 AND ${which}`,
    )
    .bind(channelId, now, ...(id === null ? [] : [id]));
  // In the order in which they happened: the first of each lane goes, and what it overtakes waits for it.
  const [changed] = await commit(db, [
    revived,
    ...(claim === null ? [] : [saveChangesAsOutcome(db, claim, "deliveries")]),
    db
      .prepare(
        `UPDATE deliveries SET due_at = CASE WHEN seq IN (
             SELECT min(seq) FROM deliveries WHERE channel_id = ?1 AND status = 'pending' GROUP BY lane)
           THEN coalesce(due_at, ?2) ELSE NULL END
         WHERE channel_id = ?1 AND status = 'pending' AND claimed_until IS NULL`,
      )
      .bind(channelId, now),
  ]);
  return changed?.meta.changes ?? 0;
}

/** Newest first, below `before` (a seq). */
export async function loadDeliveries(
  db: D1Database,
  channelId: string,
  before: number,
  limit: number,
): Promise<DeliveryRow[]> {
  const { results } = await db
    .prepare(
      `SELECT ${COLUMNS} FROM deliveries WHERE channel_id = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3`,
    )
    .bind(channelId, before, limit)
    .all<DeliveryRow>();
  return results;
}

export async function loadDelivery(
  db: D1Database,
  channelId: string,
  id: string,
): Promise<DeliveryRow | null> {
  return db
    .prepare(`SELECT ${COLUMNS} FROM deliveries WHERE channel_id = ?1 AND id = ?2`)
    .bind(channelId, id)
    .first<DeliveryRow>();
}

/** What has ended is kept for a while, to be looked at and sent again. */
export function pruneDeliveries(db: D1Database, before: number): Write {
  return db.prepare("DELETE FROM deliveries WHERE status <> 'pending' AND finished_at < ?1").bind(before);
}
