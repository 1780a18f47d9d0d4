import type { ProjectWatch } from "../failover/deploys.ts";
import type { Write } from "./failovers.ts";

export function saveWatch(db: D1Database, accountId: string, watch: ProjectWatch): Write {
  return db
    .prepare(
      `INSERT INTO pages_projects (account_id, project, due_at, watch) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT (account_id, project) DO UPDATE SET due_at = ?3, watch = ?4`,
    )
    .bind(accountId, watch.project, watch.dueAt, JSON.stringify(watch));
}

/** One that makes no sense counts as none, so that it is watched anew and keeps nothing else from being read. */
function parse(row: { readonly watch: string }): ProjectWatch | null {
  try {
    const watch = JSON.parse(row.watch) as Partial<ProjectWatch> | null;
    return Array.isArray(watch?.verification?.endpoints) ? (watch as ProjectWatch) : null;
  } catch {
    return null;
  }
}

/** All of the account's, for a batch that reads more than this; `toWatches` reads them, by the project's name. */
export function selectWatches(db: D1Database, accountId: string): D1PreparedStatement {
  return db.prepare("SELECT watch FROM pages_projects WHERE account_id = ?1").bind(accountId);
}

export function toWatches(rows: readonly { readonly watch: string }[]): ReadonlyMap<string, ProjectWatch> {
  return new Map(rows.flatMap((row) => parse(row) ?? []).map((watch) => [watch.project, watch]));
}

export async function loadWatch(
  db: D1Database,
  accountId: string,
  project: string,
): Promise<ProjectWatch | null> {
  const row = await db
    .prepare("SELECT watch FROM pages_projects WHERE account_id = ?1 AND project = ?2")
    .bind(accountId, project)
    .first<{ watch: string }>();
  return row === null ? null : parse(row);
}

/** The projects whose next step is due, the longest waiting first. */
export async function loadDueProjects(db: D1Database, accountId: string, now: number): Promise<string[]> {
  const { results } = await db
    .prepare(
      "SELECT project FROM pages_projects WHERE account_id = ?1 AND due_at <= ?2 ORDER BY due_at LIMIT 50",
    )
    .bind(accountId, now)
    .all<{ project: string }>();
  return results.map(({ project }) => project);
}

/** Puts a step off without touching what it is; null until somebody looks again. */
export function postponeProject(
  db: D1Database,
  accountId: string,
  project: string,
  dueAt: number | null,
): Write {
  return db
    .prepare("UPDATE pages_projects SET due_at = ?3 WHERE account_id = ?1 AND project = ?2")
    .bind(accountId, project, dueAt);
}

/** Forgets the projects that are no endpoint any more. */
export function pruneWatches(db: D1Database, accountId: string, projects: readonly string[]): Write {
  return db
    .prepare(
      "DELETE FROM pages_projects WHERE account_id = ?1 AND project NOT IN (SELECT value FROM json_each(?2))",
    )
    .bind(accountId, JSON.stringify(projects));
}
