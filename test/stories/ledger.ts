// What a story left behind: the writes that reached Cloudflare, in full, and every row that D1 was made to change.
import { env } from "cloudflare:workers";
import type { Stage } from "./stage.ts";

export interface SentWrite {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

/** Cloudflare calls that change something, with their bodies, since the last `forgetCalls`. */
export function sentWrites(stage: Stage): SentWrite[] {
  return stage.simulator.calls
    .filter(({ write }) => write)
    .map(({ method, path, body }) => ({ method, path, body }));
}

export async function rowsOf<T>(sql: string, ...parameters: unknown[]): Promise<T[]> {
  const { results } = await env.DB.prepare(sql)
    .bind(...parameters)
    .all<T>();
  return results;
}

/** This installation's short id, as it stands in markers. */
export async function installation(): Promise<string> {
  const [row] = await rowsOf<{ short_id: string }>("SELECT short_id FROM installation");
  if (row === undefined) throw new Error("no installation yet");
  return row.short_id;
}

const WATCHED = [
  "failovers",
  "objects",
  "statuses",
  "pool_health",
  "samples",
  "operations",
  "events",
  "ticks",
] as const;

/** From now on D1 itself counts what is written to each table, also where a row is replaced by its like. */
export async function watchDatabase(): Promise<{ written(): Promise<Record<string, number>> }> {
  const verbs = ["INSERT", "UPDATE", "DELETE"];
  const triggers = WATCHED.flatMap((table) =>
    verbs.map(
      (verb) =>
        `CREATE TRIGGER watch_${table}_${verb} AFTER ${verb} ON ${table} BEGIN INSERT INTO watched VALUES ('${table}'); END`,
    ),
  );
  await env.DB.batch(
    ["CREATE TABLE watched (name TEXT NOT NULL)", ...triggers].map((sql) => env.DB.prepare(sql)),
  );
  return {
    async written() {
      const counted = await rowsOf<{ name: string; writes: number }>(
        "SELECT name, count(*) AS writes FROM watched GROUP BY name ORDER BY name",
      );
      return Object.fromEntries(counted.map(({ name, writes }) => [name, writes]));
    },
  };
}

/** Events of a failover in the order in which they happened. */
export async function eventsOf(
  failoverId: string,
): Promise<{ type: string; data: Record<string, unknown>; actor: string }[]> {
  const rows = await rowsOf<{ type: string; data: string; actor_kind: string }>(
    "SELECT type, data, actor_kind FROM events WHERE failover_id = ?1 ORDER BY seq",
    failoverId,
  );
  return rows.map(({ type, data, actor_kind }) => ({
    type,
    data: JSON.parse(data) as Record<string, unknown>,
    actor: actor_kind,
  }));
}
