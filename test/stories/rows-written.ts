import { env } from "cloudflare:workers";

const TABLES = [
  "failovers",
  "objects",
  "statuses",
  "pool_health",
  "samples",
  "operations",
  "events",
  "ticks",
];

/** From now on D1 itself counts the rows that are written, by table. Answers what was counted since the last time. */
export async function countRowsWritten(
  tables: readonly string[] = TABLES,
): Promise<() => Promise<Record<string, number>>> {
  await env.DB.batch([
    env.DB.prepare("CREATE TABLE IF NOT EXISTS written (name TEXT NOT NULL)"),
    ...tables.flatMap((table) =>
      ["INSERT", "UPDATE", "DELETE"].map((change) =>
        env.DB.prepare(
          `CREATE TRIGGER written_${table}_${change} AFTER ${change} ON ${table}
           BEGIN INSERT INTO written (name) VALUES ('${table}'); END`,
        ),
      ),
    ),
  ]);
  return async () => {
    const [counted] = await env.DB.batch<{ name: string; rows: number }>([
      env.DB.prepare("SELECT name, count(*) AS rows FROM written GROUP BY name"),
      env.DB.prepare("DELETE FROM written"),
    ]);
    return Object.fromEntries((counted?.results ?? []).map(({ name, rows }) => [name, rows]));
  };
}
