import { decideFailback, failbackFacts } from "../failover/failback.ts";
import { activeNow, disabledNow, leasesInForce, type Lease } from "../failover/leases.ts";
import type { FailoverEvent, Origin } from "../failover/results.ts";
import { commit, insertEvents, type FailoverRecord } from "../store/failovers.ts";
import { deleteLeases } from "../store/leases.ts";
import type { Context } from "./context.ts";
import { latch, type Latched } from "./latch.ts";
import { eventOf, SYSTEM } from "./record.ts";

export function leaseEnded(
  context: Context,
  { id, failoverId, kind, active, reason, expiresAt }: Lease,
  because: "expired" | "ended" | "replaced",
  origin: Origin,
): FailoverEvent {
  const until = new Date(expiresAt).toISOString();
  const [before, after] = [{ expires_at: until, active }, null];
  const data = { lease_id: id, kind, active, reason, expires_at: until, because, before, after };
  return eventOf(context, "lease.ended", failoverId, origin, data);
}

export function leaseRenewed(
  context: Context,
  before: Lease,
  { id, failoverId, kind, active, reason, expiresAt, version }: Lease,
  origin: Origin,
): FailoverEvent {
  const [from, until] = [before.expiresAt, expiresAt].map((at) => new Date(at).toISOString());
  const data = {
    lease_id: id,
    kind,
    active,
    reason,
    version,
    before: { expires_at: from },
    after: { expires_at: until },
  };
  return eventOf(context, "lease.renewed", failoverId, origin, data);
}

/** A lease that put the secondary first becomes a latch where the primary is out when it ends. */
function latchAtEnd(context: Context, record: FailoverRecord, expired: readonly Lease[]): Latched | null {
  const lease = expired.find(({ active }) => active === "secondary");
  if (lease === undefined) return null;
  const facts = { ...failbackFacts(record, context.clock.now()), leaseEnds: true };
  const decision = decideFailback(facts);
  return decision.kind === "latch" ? latch(context, record, facts, decision.reason, lease) : null;
}

/**
 * Removes what counts for nothing any more: desired state is what it was already, whoever says so. Answers the failover
 * as it is without.
 */
export async function endExpiredLeases(context: Context, record: FailoverRecord): Promise<FailoverRecord> {
  const now = context.clock.now();
  const leases = leasesInForce(record.leases, now);
  const expired = record.leases.filter((lease) => !leases.includes(lease));
  if (expired.length === 0) return record;
  const { failover } = record;
  const active = activeNow(failover.settledActive, leases, now);
  const without = {
    ...record,
    leases,
    failover: { ...failover, active, disabled: disabledNow(leases, now) },
  };
  const latched = latchAtEnd(context, without, expired);
  await commit(context.db, [
    ...deleteLeases(context.db, expired),
    ...(latched?.writes ?? []),
    ...insertEvents(context.db, context.accountId, [
      ...expired.map((lease) => leaseEnded(context, lease, "expired", SYSTEM)),
      ...(latched === null ? [] : [latched.event]),
    ]),
  ]);
  return latched?.record ?? without;
}
