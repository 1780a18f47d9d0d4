import type { Write } from "./failovers.ts";

export type WebhookSource = "cloudflare" | "deploys";

/** What became of one: `looked` where Cloudflare was read because of it. */
export interface WebhookOutcome {
  readonly result: "looked" | "ignored" | "unreadable";
  readonly message: string;
}

/** One that came in, as it came. Times are ms since the epoch. */
export interface StoredWebhook {
  readonly seq: number;
  readonly id: string;
  readonly source: WebhookSource;
  /** Cloudflare's alert_type, or `deploy`. */
  readonly type: string;
  readonly receivedAt: number;
  /** How often it was delivered. */
  readonly deliveries: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Null as long as nobody has looked because of it. */
  readonly processedAt: number | null;
  readonly outcome: WebhookOutcome | null;
}

export interface NewWebhook extends Pick<
  StoredWebhook,
  "id" | "source" | "type" | "receivedAt" | "headers" | "body"
> {
  /** Two of the same source with the same key are one. */
  readonly dedupeKey: string;
}

interface WebhookRow {
  seq: number;
  id: string;
  source: WebhookSource;
  type: string;
  received_at: number;
  deliveries: number;
  headers: string;
  body: string;
  processed_at: number | null;
  outcome: string | null;
}

function toWebhook(row: WebhookRow): StoredWebhook {
  return {
    seq: row.seq,
    id: row.id,
    source: row.source,
    type: row.type,
    receivedAt: row.received_at,
    deliveries: row.deliveries,
    headers: JSON.parse(row.headers) as StoredWebhook["headers"],
    body: row.body,
    processedAt: row.processed_at,
    outcome: row.outcome === null ? null : (JSON.parse(row.outcome) as WebhookOutcome),
  };
}

/** One write. Answers the id under which it is kept, and how often it came by now. */
export async function recordWebhook(
  db: D1Database,
  accountId: string,
  webhook: NewWebhook,
): Promise<{ id: string; deliveries: number }> {
  const row = await db
    .prepare(
      `INSERT INTO webhooks (id, account_id, source, dedupe_key, type, received_at, headers, body)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
       ON CONFLICT (account_id, source, dedupe_key) DO UPDATE SET deliveries = deliveries + 1
       RETURNING id, deliveries`,
    )
    .bind(
      webhook.id,
      accountId,
      webhook.source,
      webhook.dedupeKey,
      webhook.type,
      webhook.receivedAt,
      JSON.stringify(webhook.headers),
      webhook.body,
    )
    .first<{ id: string; deliveries: number }>();
  return row ?? { id: webhook.id, deliveries: 1 };
}

/** Newest first, below `before` (a seq). */
export async function loadWebhooks(
  db: D1Database,
  accountId: string,
  before: number,
  limit: number,
): Promise<StoredWebhook[]> {
  const { results } = await db
    .prepare("SELECT * FROM webhooks WHERE account_id = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3")
    .bind(accountId, before, limit)
    .all<WebhookRow>();
  return results.map(toWebhook);
}

export async function loadWebhook(
  db: D1Database,
  accountId: string,
  id: string,
): Promise<StoredWebhook | null> {
  const row = await db
    .prepare("SELECT * FROM webhooks WHERE account_id = ?1 AND id = ?2")
    .bind(accountId, id)
    .first<WebhookRow>();
  return row === null ? null : toWebhook(row);
}

/** Those that nobody has looked for yet, the oldest first. */
export async function loadWaitingWebhooks(
  db: D1Database,
  accountId: string,
  limit: number,
): Promise<StoredWebhook[]> {
  const { results } = await db
    .prepare("SELECT * FROM webhooks WHERE account_id = ?1 AND processed_at IS NULL ORDER BY seq LIMIT ?2")
    .bind(accountId, limit)
    .all<WebhookRow>();
  return results.map(toWebhook);
}

/** They wait again, as if they had just come. */
export function replayWebhook(db: D1Database, id: string): Write {
  return db.prepare("UPDATE webhooks SET processed_at = NULL WHERE id = ?1").bind(id);
}

export function settleWebhook(db: D1Database, id: string, outcome: WebhookOutcome, at: number): Write {
  return db
    .prepare("UPDATE webhooks SET processed_at = ?2, outcome = ?3 WHERE id = ?1")
    .bind(id, at, JSON.stringify(outcome));
}

export function pruneWebhooks(db: D1Database, accountId: string, before: number): Write {
  return db
    .prepare("DELETE FROM webhooks WHERE account_id = ?1 AND received_at < ?2")
    .bind(accountId, before);
}
