import type { Write } from "./failovers.ts";

export interface Freeze {
  /** Milliseconds since the epoch. */
  readonly frozenAt: number;
  readonly reason: string;
  readonly actor: string;
}

export interface FreezeRow {
  frozen_at: number;
  reason: string;
  actor: string;
}

export function toFreeze({ frozen_at: frozenAt, reason, actor }: FreezeRow): Freeze {
  return { frozenAt, reason, actor };
}

export async function loadFreeze(db: D1Database, accountId: string): Promise<Freeze | null> {
  const row = await db
    .prepare("SELECT frozen_at, reason, actor FROM freezes WHERE account_id = ?1")
    .bind(accountId)
    .first<FreezeRow>();
  return row === null ? null : toFreeze(row);
}

/** Freezing what is frozen keeps the first freeze and its reason. */
export function insertFreeze(db: D1Database, accountId: string, freeze: Freeze): Write {
  return db
    .prepare(
      `INSERT INTO freezes (account_id, frozen_at, reason, actor) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING`,
    )
    .bind(accountId, freeze.frozenAt, freeze.reason, freeze.actor);
}

export function deleteFreeze(db: D1Database, accountId: string): Write {
  return db.prepare("DELETE FROM freezes WHERE account_id = ?1").bind(accountId);
}
