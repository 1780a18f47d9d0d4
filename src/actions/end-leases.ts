import type { Lease } from "../failover/leases.ts";
import type { FailoverEvent, Origin } from "../failover/results.ts";
import { commit, insertEvents, type FailoverRecord } from "../store/failovers.ts";
import { deleteLeases } from "../store/leases.ts";
import type { Context } from "./context.ts";
import { eventOf, SYSTEM } from "./record.ts";

export function leaseEnded(
  context: Context,
  { id, failoverId, kind, active, reason, expiresAt }: Lease,
  because: "expired" | "ended" | "replaced",
  origin: Origin,
): FailoverEvent {
  const data = { lease_id: id, kind, active, reason, expires_at: new Date(expiresAt).toISOString(), because };
  return eventOf(context, "lease.ended", failoverId, origin, data);
}

/** Removes what counts for nothing any more: desired state is what it was already, whoever says so. */
export async function endExpiredLeases(context: Context, { leases }: FailoverRecord): Promise<void> {
  const expired = leases.filter(({ expiresAt }) => expiresAt <= context.clock.now());
  if (expired.length === 0) return;
  await commit(context.db, [
    ...deleteLeases(context.db, expired),
    ...insertEvents(
      context.db,
      context.accountId,
      expired.map((lease) => leaseEnded(context, lease, "expired", SYSTEM)),
    ),
  ]);
}
