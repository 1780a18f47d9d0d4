import type { Write } from "./failovers.ts";

export interface StoredDestination {
  readonly destinationId: string;
  /** Of the secret that it was given. */
  readonly secretHash: string;
}

export async function loadDestination(db: D1Database, accountId: string): Promise<StoredDestination | null> {
  const row = await db
    .prepare("SELECT destination_id, secret_hash FROM webhook_destinations WHERE account_id = ?1")
    .bind(accountId)
    .first<{ destination_id: string; secret_hash: string }>();
  return row === null ? null : { destinationId: row.destination_id, secretHash: row.secret_hash };
}

export function saveDestination(
  db: D1Database,
  accountId: string,
  { destinationId, secretHash }: StoredDestination,
  now: number,
): Write {
  return db
    .prepare(
      "INSERT OR REPLACE INTO webhook_destinations (account_id, destination_id, secret_hash, set_at) VALUES (?1, ?2, ?3, ?4)",
    )
    .bind(accountId, destinationId, secretHash, now);
}
