import type { Write } from "./failovers.ts";

/** A channel as it is stored: what is secret of it is sealed. Times are ms since the epoch. */
export interface ChannelRow {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly shownUrl: string;
  readonly url: string;
  readonly secrets: string;
  /** JSON. */
  readonly filter: string;
  readonly disabled: string | null;
  readonly heldUntil: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

const COLUMNS = `id, name, type, shown_url AS shownUrl, url, secrets, filter, disabled, held_until AS heldUntil,
  created_at AS createdAt, updated_at AS updatedAt`;

/** By name. */
export async function loadChannels(db: D1Database, accountId: string): Promise<ChannelRow[]> {
  const { results } = await db
    .prepare(`SELECT ${COLUMNS} FROM channels WHERE account_id = ?1 ORDER BY name`)
    .bind(accountId)
    .all<ChannelRow>();
  return results;
}

/** By id or name. */
export async function loadChannel(
  db: D1Database,
  accountId: string,
  reference: string,
): Promise<ChannelRow | null> {
  return db
    .prepare(`SELECT ${COLUMNS} FROM channels WHERE account_id = ?1 AND (id = ?2 OR name = ?2)`)
    .bind(accountId, reference)
    .first<ChannelRow>();
}

/** The first channel of all hears of what happens from now on, and not of the past. */
export function insertChannel(db: D1Database, accountId: string, channel: ChannelRow): Write[] {
  return [
    db
      .prepare(
        `INSERT INTO outboxes (account_id, event_seq)
         SELECT ?1, coalesce((SELECT max(seq) FROM events), 0)
         WHERE NOT EXISTS (SELECT 1 FROM channels WHERE account_id = ?1)
         ON CONFLICT (account_id) DO UPDATE SET event_seq = excluded.event_seq`,
      )
      .bind(accountId),
    db
      .prepare(
        `INSERT INTO channels (id, account_id, name, type, shown_url, url, secrets, filter, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)`,
      )
      .bind(
        channel.id,
        accountId,
        channel.name,
        channel.type,
        channel.shownUrl,
        channel.url,
        channel.secrets,
        channel.filter,
        channel.createdAt,
      ),
  ];
}

export function saveChannel(db: D1Database, channel: ChannelRow): Write {
  return db
    .prepare(
      `UPDATE channels SET name = ?2, shown_url = ?3, url = ?4, secrets = ?5, filter = ?6, disabled = ?7,
         held_until = ?8, updated_at = ?9 WHERE id = ?1`,
    )
    .bind(
      channel.id,
      channel.name,
      channel.shownUrl,
      channel.url,
      channel.secrets,
      channel.filter,
      channel.disabled,
      channel.heldUntil,
      channel.updatedAt,
    );
}

/** The same secrets under another key; whoever changed them meanwhile has sealed them anew already. */
export function resealChannel(db: D1Database, before: ChannelRow, after: ChannelRow): Write {
  return db
    .prepare("UPDATE channels SET url = ?4, secrets = ?5 WHERE id = ?1 AND url = ?2 AND secrets = ?3")
    .bind(before.id, before.url, before.secrets, after.url, after.secrets);
}

export function holdChannel(db: D1Database, id: string, until: number | null): Write {
  return db.prepare("UPDATE channels SET held_until = ?2 WHERE id = ?1").bind(id, until);
}

/** With all that waits for it. Without a channel nobody minds troubles. */
export function deleteChannel(db: D1Database, accountId: string, id: string): Write[] {
  return [
    db.prepare("DELETE FROM deliveries WHERE channel_id = ?1").bind(id),
    db.prepare("DELETE FROM channels WHERE id = ?1").bind(id),
    db
      .prepare(
        "DELETE FROM incidents WHERE account_id = ?1 AND NOT EXISTS (SELECT 1 FROM channels WHERE account_id = ?1)",
      )
      .bind(accountId),
  ];
}
