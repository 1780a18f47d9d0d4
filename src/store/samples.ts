import type { Sample } from "../failover/results.ts";
import type { Write } from "./failovers.ts";

/** One statement. What is there already stays; what a deletion or another endpoint overtook is not stored. */
export function insertSamples(db: D1Database, samples: readonly Sample[]): Write {
  return db
    .prepare(
      `INSERT OR IGNORE INTO samples (failover_id, tick, sample)
       SELECT value ->> 'failoverId', value ->> 'tick', value FROM json_each(?1)
       WHERE EXISTS (
         SELECT 1 FROM failovers WHERE id = value ->> 'failoverId' AND witnessed_from <= value ->> 'tick')`,
    )
    .bind(JSON.stringify(samples));
}

/** Stores a tick's samples. A message that is delivered twice changes nothing. */
export async function recordSamples(db: D1Database, samples: readonly Sample[]): Promise<void> {
  await insertSamples(db, samples).run();
}

export function pruneSamples(db: D1Database, before: number): Write {
  return db.prepare("DELETE FROM samples WHERE tick < ?1").bind(before);
}

/** Newest first, taken before `before` (ms since the epoch). */
export async function loadSamples(
  db: D1Database,
  failoverId: string,
  before: number,
  limit: number,
): Promise<Sample[]> {
  const { results } = await db
    .prepare("SELECT sample FROM samples WHERE failover_id = ?1 AND tick < ?2 ORDER BY tick DESC LIMIT ?3")
    .bind(failoverId, before, limit)
    .all<{ sample: string }>();
  return results.map((row) => JSON.parse(row.sample) as Sample);
}
