import { deviatingMember, type Lease } from "../failover/leases.ts";
import { setApplied, type FailoverRecord, type Write } from "../store/failovers.ts";
import { insertLease } from "../store/leases.ts";
import type { Context } from "./context.ts";

/**
 * A lease is stored before its deviation is made. From then until it was looked at again, the member that it changes is
 * ours whatever stands there: a crash right after the write must not let our own deviation pass for somebody else's.
 */
export function storeLease(context: Context, { failover, applied }: FailoverRecord, lease: Lease): Write[] {
  const insert = insertLease(context.db, context.accountId, lease);
  const deviating = deviatingMember(lease);
  const body = deviating === null ? undefined : applied[deviating.role];
  if (deviating === null || body === undefined) return [insert];
  const unseen = { ...body, [deviating.member]: null };
  return [insert, setApplied(context.db, failover.id, deviating.role, unseen)];
}
