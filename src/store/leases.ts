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

/** Ends these leases, and no renewed version of them. */
export function deleteLeases(db: D1Database, leases: readonly Lease[]): Write[] {
  return leases.map(({ id, version }) =>
    db.prepare("DELETE FROM leases WHERE id = ?1 AND version = ?2").bind(id, version),
  );
}
