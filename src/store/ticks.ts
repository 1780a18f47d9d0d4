import type { Write } from "./failovers.ts";

/** The account's last tick, as it ended. Times are ms since the epoch. */
export interface Tick {
  readonly startedAt: number;
  readonly finishedAt: number;
  /** When Cloudflare was last read completely; null before the first time. */
  readonly lookedAt: number | null;
  /** Null where Cloudflare could be read. */
  readonly unreadable: string | null;
  readonly blockedUntil: number | null;
}

export function saveTick(db: D1Database, accountId: string, tick: Tick): Write {
  return db
    .prepare(
      "INSERT INTO ticks (account_id, tick) VALUES (?1, ?2) ON CONFLICT (account_id) DO UPDATE SET tick = ?2",
    )
    .bind(accountId, JSON.stringify(tick));
}

export async function loadTick(db: D1Database, accountId: string): Promise<Tick | null> {
  const row = await db
    .prepare("SELECT tick FROM ticks WHERE account_id = ?1")
    .bind(accountId)
    .first<{ tick: string }>();
  return row === null ? null : (JSON.parse(row.tick) as Tick);
}
