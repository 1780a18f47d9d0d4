import type { Brake } from "../failover/brake.ts";
import type { Write } from "./failovers.ts";

export async function loadBrake(db: D1Database, accountId: string): Promise<Brake | null> {
  const row = await db
    .prepare("SELECT brake FROM brakes WHERE account_id = ?1")
    .bind(accountId)
    .first<{ brake: string }>();
  return row === null ? null : (JSON.parse(row.brake) as Brake);
}

export function saveBrake(db: D1Database, accountId: string, brake: Brake | null): Write {
  return brake === null
    ? db.prepare("DELETE FROM brakes WHERE account_id = ?1").bind(accountId)
    : db
        .prepare(
          "INSERT INTO brakes (account_id, brake) VALUES (?1, ?2) ON CONFLICT (account_id) DO UPDATE SET brake = ?2",
        )
        .bind(accountId, JSON.stringify(brake));
}
