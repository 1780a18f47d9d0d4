import type { DrillEvidence } from "../failover/drill-evidence.ts";
import { drillOf, drillStateOf, type Aftermath, type Drill } from "../failover/drill-report.ts";
import type { Operation } from "../failover/results.ts";
import type { Write } from "./failovers.ts";

export function insertDrill(db: D1Database, accountId: string, operation: Operation): Write {
  const { drillId, specHash } = drillStateOf(operation);
  return db
    .prepare(
      `INSERT INTO drills (id, account_id, failover_id, operation_id, spec_hash) VALUES (?1, ?2, ?3, ?4, ?5)`,
    )
    .bind(drillId, accountId, operation.failoverId, operation.id, specHash);
}

/** From now on somebody has to look until what was before is read back; see `FailoverRecord.unrestoredDrill`. */
export function awaitRestoring(db: D1Database, drillId: string): Write {
  return db.prepare("UPDATE drills SET awaits_restoring = 1 WHERE id = ?1").bind(drillId);
}

export function saveAftermath(
  db: D1Database,
  drillId: string,
  { restoredAt, takenOverBy }: Aftermath,
): Write {
  return db
    .prepare("UPDATE drills SET awaits_restoring = 0, restored_at = ?2, taken_over_by = ?3 WHERE id = ?1")
    .bind(drillId, restoredAt, takenOverBy);
}

interface DrillRow {
  seq: number;
  operation: string;
  restored_at: number | null;
  taken_over_by: string | null;
}

const DRILL = "drills.seq, operations.operation, drills.restored_at, drills.taken_over_by";

function toDrill({ operation, restored_at: restoredAt, taken_over_by: takenOverBy }: DrillRow): Drill {
  return drillOf(JSON.parse(operation) as Operation, { restoredAt, takenOverBy });
}

/** Newest first, below `before` (a seq). */
export async function loadDrills(
  db: D1Database,
  failoverId: string,
  before: number,
  limit: number,
): Promise<{ seq: number; drill: Drill }[]> {
  const { results } = await db
    .prepare(
      `SELECT ${DRILL} FROM drills JOIN operations ON operations.id = operation_id
       WHERE drills.failover_id = ?1 AND drills.seq < ?2 ORDER BY drills.seq DESC LIMIT ?3`,
    )
    .bind(failoverId, before, limit)
    .all<DrillRow>();
  return results.map((row) => ({ seq: row.seq, drill: toDrill(row) }));
}

export async function loadDrill(db: D1Database, failoverId: string, id: string): Promise<Drill | null> {
  const row = await db
    .prepare(
      `SELECT ${DRILL} FROM drills JOIN operations ON operations.id = operation_id
       WHERE drills.failover_id = ?1 AND drills.id = ?2`,
    )
    .bind(failoverId, id)
    .first<DrillRow>();
  return row === null ? null : toDrill(row);
}

/** The last drill that passed with this content of the spec, else the last that passed at all: what `guardDrill` asks for. */
export async function findPassedDrill(
  db: D1Database,
  failoverId: string,
  specHash: string,
): Promise<DrillEvidence | null> {
  const row = await db
    .prepare(
      `SELECT ${DRILL} FROM drills JOIN operations ON operations.id = operation_id
       WHERE drills.failover_id = ?1 AND operations.status = 'succeeded'
       ORDER BY drills.spec_hash = ?2 DESC, drills.seq DESC LIMIT 1`,
    )
    .bind(failoverId, specHash)
    .first<DrillRow>();
  if (row === null) return null;
  const { id, stage, startedAt, finishedAt, report } = toDrill(row);
  return { id, stage, specHash: report.specHash, passedAt: finishedAt ?? startedAt };
}
