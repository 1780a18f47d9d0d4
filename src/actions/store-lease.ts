import { deviatingMember, type Lease } from "../failover/leases.ts";
import type { Role } from "../failover/marker.ts";
import { setApplied, type FailoverRecord, type Write } from "../store/failovers.ts";
import { insertLease } from "../store/leases.ts";
import type { Context } from "./context.ts";

/**
 * What is about to be written of this member is ours until it was looked at again, whatever stands there: neither a crash
 * right after the write nor a lost answer may let our own write pass for somebody else's.
 */
export function claimMember(
  context: Context,
  { failover, applied }: FailoverRecord,
  { role, member }: { readonly role: Role; readonly member: string },
): Write[] {
  const body = applied[role];
  return body === undefined ? [] : [setApplied(context.db, failover.id, role, { ...body, [member]: null })];
}

/** A lease is stored before its deviation is made. */
export function storeLease(context: Context, record: FailoverRecord, lease: Lease): Write[] {
  const deviating = deviatingMember(lease);
  return [
    insertLease(context.db, context.accountId, lease),
    ...(deviating === null ? [] : claimMember(context, record, deviating)),
  ];
}
