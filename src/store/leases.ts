import type { Lease } from "../failover/leases.ts";
import type { Write } from "./failovers.ts";

export function insertLease(db: D1Database, accountId: string, lease: Lease): Write {
  return db
    .prepare(
      `INSERT INTO leases (id, failover_id, account_id, kind, version, expires_at, lease)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`,
    )
    .bind(
      lease.id,
      lease.failoverId,
      accountId,
      lease.kind,
      lease.version,
      lease.expiresAt,
      JSON.stringify(lease),
    );
}

/**
 * Stores the next version of a lease. Where the stored one isn't the version before it the whole batch fails as
 * `LeaseConflict`.
 */
export function renewLease(db: D1Database, accountId: string, lease: Lease): Write {
  return db
    .prepare(
      `INSERT INTO leases (id, failover_id, account_id, kind, version, expires_at, lease)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
       ON CONFLICT (id) DO UPDATE SET version = CASE WHEN leases.version = ?5 - 1 THEN ?5 ELSE NULL END,
         expires_at = ?6, lease = ?7`,
    )
    .bind(
      lease.id,
      lease.failoverId,
      accountId,
      lease.kind,
      lease.version,
      lease.expiresAt,
      JSON.stringify(lease),
    );
}

/** Ends these leases, and no renewed version of them. */
export function deleteLeases(db: D1Database, leases: readonly Lease[]): Write[] {
  return leases.map(({ id, version }) =>
    db.prepare("DELETE FROM leases WHERE id = ?1 AND version = ?2").bind(id, version),
  );
}
