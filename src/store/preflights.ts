import type { CheckOutcome } from "../failover/preflight/check.ts";
import type { Preflight } from "../failover/preflight/preflight.ts";
import type { PreflightSummary } from "../failover/results.ts";
import type { Write } from "./failovers.ts";

/** A full run as it is kept: the last one of each failover. */
export interface StoredPreflight {
  readonly preflight: Preflight;
  /** Milliseconds since the epoch. */
  readonly ranAt: number;
  readonly revision: number;
  /** The checks that fail as far as is known: those of which an event told last. */
  readonly standing: readonly string[];
}

interface SummaryRow {
  failover_id: string;
  ran_at: number;
  revision: number;
  outcome: CheckOutcome;
  failed: string;
}

function toSummary(row: SummaryRow): PreflightSummary {
  const { ran_at: ranAt, revision, outcome } = row;
  return { ranAt, revision, outcome, failed: JSON.parse(row.failed) as string[] };
}

function failedIn({ checks }: Preflight): string[] {
  return checks.filter(({ outcome }) => outcome === "fail").map(({ id }) => id);
}

/** Of these failovers, the last run of each that had one. */
export async function loadPreflightSummaries(
  db: D1Database,
  failoverIds: readonly string[],
): Promise<ReadonlyMap<string, PreflightSummary>> {
  const { results } = await db
    .prepare(
      `SELECT failover_id, ran_at, revision, outcome, failed FROM preflights
       WHERE failover_id IN (SELECT value FROM json_each(?1))`,
    )
    .bind(JSON.stringify(failoverIds))
    .all<SummaryRow>();
  return new Map(results.map((row) => [row.failover_id, toSummary(row)]));
}

/** A run that began earlier than the stored one changes nothing; nor does one of a failover that is gone. */
export function savePreflight(
  db: D1Database,
  accountId: string,
  failoverId: string,
  { preflight, ranAt, revision, standing }: StoredPreflight,
): Write {
  return db
    .prepare(
      `INSERT INTO preflights (failover_id, account_id, ran_at, revision, outcome, failed, report)
       SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE EXISTS (SELECT 1 FROM failovers WHERE id = ?1)
       ON CONFLICT (failover_id) DO UPDATE SET ran_at = ?3, revision = ?4, outcome = ?5, failed = ?6, report = ?7
       WHERE ran_at <= ?3`,
    )
    .bind(
      failoverId,
      accountId,
      ranAt,
      revision,
      preflight.outcome,
      JSON.stringify(failedIn(preflight)),
      JSON.stringify({ ...preflight, standing }),
    );
}

export async function loadPreflight(db: D1Database, failoverId: string): Promise<StoredPreflight | null> {
  const row = await db
    .prepare("SELECT ran_at, revision, report FROM preflights WHERE failover_id = ?1")
    .bind(failoverId)
    .first<{ ran_at: number; revision: number; report: string }>();
  if (row === null) return null;
  const { standing, ...preflight } = JSON.parse(row.report) as Preflight & { standing?: string[] };
  return {
    ranAt: row.ran_at,
    revision: row.revision,
    preflight,
    standing: standing ?? failedIn(preflight),
  };
}

/** Failovers whose last run, or whose creation, lies before `before`; the longest waiting first. */
export async function findPreflightsDue(
  db: D1Database,
  accountId: string,
  before: number,
  limit: number,
): Promise<string[]> {
  const { results } = await db
    .prepare(
      `SELECT failovers.id FROM failovers LEFT JOIN preflights ON preflights.failover_id = failovers.id
       WHERE failovers.account_id = ?1 AND deleting IS NULL AND coalesce(ran_at, created_at) < ?2
       ORDER BY coalesce(ran_at, created_at) LIMIT ?3`,
    )
    .bind(accountId, before, limit)
    .all<{ id: string }>();
  return results.map(({ id }) => id);
}
