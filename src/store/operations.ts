import type { Actor, Operation } from "../failover/results.ts";
import type { Write } from "./failovers.ts";

export function insertOperation(db: D1Database, accountId: string, operation: Operation): Write {
  return db
    .prepare(
      `INSERT INTO operations (id, account_id, failover_id, kind, status, due_at, created_at, operation)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`,
    )
    .bind(
      operation.id,
      accountId,
      operation.failoverId,
      operation.kind,
      operation.status,
      operation.dueAt,
      operation.createdAt,
      JSON.stringify(operation),
    );
}

/** An operation that has ended stays as it ended: a late step of it changes nothing. */
export function saveOperation(db: D1Database, operation: Operation): Write {
  return db
    .prepare(
      `UPDATE operations SET status = ?2, due_at = ?3, operation = ?4 WHERE id = ?1 AND status IN ('pending', 'running')`,
    )
    .bind(operation.id, operation.status, operation.dueAt, JSON.stringify(operation));
}

export async function loadOperation(
  db: D1Database,
  accountId: string,
  id: string,
): Promise<Operation | null> {
  const row = await db
    .prepare("SELECT operation FROM operations WHERE account_id = ?1 AND id = ?2")
    .bind(accountId, id)
    .first<{ operation: string }>();
  return row === null ? null : (JSON.parse(row.operation) as Operation);
}

/** Those whose next step is due, the longest waiting first. They are read one by one, so that none can spoil the rest. */
export async function loadDueOperations(
  db: D1Database,
  accountId: string,
  now: number,
): Promise<{ id: string; failoverId: string }[]> {
  const { results } = await db
    .prepare(
      "SELECT id, failover_id FROM operations WHERE account_id = ?1 AND due_at <= ?2 ORDER BY due_at LIMIT 50",
    )
    .bind(accountId, now)
    .all<{ id: string; failover_id: string }>();
  return results.map((row) => ({ id: row.id, failoverId: row.failover_id }));
}

/** Puts an operation off without touching what it is. */
export function postponeOperation(db: D1Database, id: string, dueAt: number): Write {
  return db
    .prepare("UPDATE operations SET due_at = ?2 WHERE id = ?1 AND status IN ('pending', 'running')")
    .bind(id, dueAt);
}

/** Failovers that want a look before the next minute; those with a lease that has ended first. */
export async function loadDueFailovers(
  db: D1Database,
  accountId: string,
  now: number,
): Promise<{ id: string; leaseEnded: boolean }[]> {
  const { results } = await db
    .prepare(
      `SELECT id, min(due_at) AS due_at, max(is_lease) AS is_lease FROM (
         SELECT id, due_at, 0 AS is_lease FROM failovers WHERE account_id = ?1 AND due_at <= ?2
         UNION ALL SELECT failover_id, expires_at, 1 FROM leases WHERE account_id = ?1 AND expires_at <= ?2)
       GROUP BY id ORDER BY is_lease DESC, due_at LIMIT 50`,
    )
    .bind(accountId, now)
    .all<{ id: string; is_lease: number }>();
  return results.map(({ id, is_lease: isLease }) => ({ id, leaseEnded: isLease === 1 }));
}

/** When something is due next, ms since the epoch: a message to a channel that isn't `busy`, and anything else. */
export async function loadNextDue(
  db: D1Database,
  accountId: string,
  busy: readonly string[],
): Promise<{ message: number | null; work: number | null }> {
  const row = await db
    .prepare(
      `SELECT (SELECT min(due_at) FROM deliveries WHERE account_id = ?1 AND due_at IS NOT NULL
                 AND channel_id NOT IN (SELECT value FROM json_each(?2))) AS message,
         (SELECT min(due_at) FROM (
           SELECT due_at FROM failovers WHERE account_id = ?1 AND due_at IS NOT NULL
           UNION ALL SELECT due_at FROM operations WHERE account_id = ?1 AND due_at IS NOT NULL
           UNION ALL SELECT due_at FROM pages_projects WHERE account_id = ?1 AND due_at IS NOT NULL
           UNION ALL SELECT expires_at FROM leases WHERE account_id = ?1)) AS work`,
    )
    .bind(accountId, JSON.stringify(busy))
    .first<{ message: number | null; work: number | null }>();
  return row ?? { message: null, work: null };
}

/** Which of these failovers were deleted together with their objects. */
export async function findDeleted(
  db: D1Database,
  accountId: string,
  failoverIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const { results } = await db
    .prepare(
      `SELECT failover_id FROM operations
       WHERE account_id = ?1 AND kind = 'delete' AND status = 'succeeded'
         AND json_extract(operation, '$.state.mode') = 'destroy'
         AND failover_id IN (SELECT value FROM json_each(?2))
         AND failover_id NOT IN (SELECT id FROM failovers)`,
    )
    .bind(accountId, JSON.stringify(failoverIds))
    .all<{ failover_id: string }>();
  return new Set(results.map((row) => row.failover_id));
}

/** The id of a request of the same person for the same plan that nobody has decided about. */
export async function findPendingApproval(
  db: D1Database,
  failoverId: string,
  plan: string,
  { kind, name }: Actor,
): Promise<string | null> {
  const row = await db
    .prepare(
      `SELECT id FROM operations WHERE failover_id = ?1 AND kind = 'approval' AND due_at IS NOT NULL
         AND json_extract(operation, '$.state.plan') = ?2
         AND json_extract(operation, '$.origin.actor.kind') = ?3 AND json_extract(operation, '$.origin.actor.name') = ?4`,
    )
    .bind(failoverId, plan, kind, name)
    .first<{ id: string }>();
  return row?.id ?? null;
}

/** The id of a reconciliation of this failover that hasn't ended. */
export async function findPendingReconcile(db: D1Database, failoverId: string): Promise<string | null> {
  const row = await db
    .prepare(
      "SELECT id FROM operations WHERE failover_id = ?1 AND kind = 'reconcile' AND due_at IS NOT NULL LIMIT 1",
    )
    .bind(failoverId)
    .first<{ id: string }>();
  return row?.id ?? null;
}
