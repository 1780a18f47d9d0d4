import { completeSpec } from "../failover/complete.ts";
import type { Failover } from "../failover/failover.ts";
import { findRenewable, guardRenewal, renewed, type Lease } from "../failover/leases.ts";
import { fail, ok, type Origin, type Result } from "../failover/results.ts";
import { commit, insertEvents, LeaseConflict, RevisionConflict, updateIntent } from "../store/failovers.ts";
import { deleteLeases, insertLease, renewLease } from "../store/leases.ts";
import type { Context } from "./context.ts";
import { keepOutcome, okForGood } from "./idempotency-keys.ts";
import { leaseEnded, leaseRenewed } from "./end-leases.ts";
import { aloneWith } from "./load.ts";
import { endDrillLease, preempt, withoutUnwritten } from "./preempt.ts";
import { eventOf } from "./record.ts";

type Changed = Result<{ failoverId: string }>;

/** Holds back healing until the deadline, or anew until another one; what is under way ends. */
export function pause(
  context: Context,
  reference: string,
  request: { expiresInSeconds: number; reason: string },
  origin: Origin,
): Promise<Changed> {
  return aloneWith(context, reference, async (record, asked) => {
    const { failover, leases, operation } = record;
    if (failover.deleting !== null) return fail("deleting", "the failover is being deleted");
    const now = context.clock.now();
    const known = findRenewable(leases, "pause", null, now);
    const unknown = known === null ? null : guardRenewal(known, asked.leases);
    if (unknown !== null) return fail("refused", unknown.message, { refusals: [unknown] });
    const lapsed = leases.filter((one) => one.kind === "pause" && one !== known);
    const given = { reason: request.reason, origin, expiresAt: now + request.expiresInSeconds * 1000 };
    const lease: Lease =
      known === null
        ? {
            id: context.newId("le"),
            failoverId: failover.id,
            kind: "pause",
            version: 1,
            active: null,
            startedAt: now,
            ...given,
          }
        : renewed(known, given);
    const store = known === null ? insertLease : renewLease;
    const data = {
      lease_id: lease.id,
      reason: lease.reason,
      expires_at: new Date(lease.expiresAt).toISOString(),
      before: { paused_until: null },
      after: { paused_until: new Date(lease.expiresAt).toISOString() },
    };
    const preempted = preempt(context, operation, "preempted by a pause", origin);
    const diversion = endDrillLease(context, record, origin);
    const undone = withoutUnwritten(context, failover, operation, origin);
    const { test_hostname: testHostname } = completeSpec(failover.input, failover.facts);
    const back: Failover = { ...undone.failover, revision: failover.revision + 1, updatedAt: now };
    const told =
      known === null
        ? eventOf(context, "failover.paused", failover.id, origin, data)
        : leaseRenewed(context, known, lease, origin);
    try {
      await commit(context.db, [
        ...deleteLeases(context.db, lapsed),
        store(context.db, context.accountId, lease),
        ...preempted.writes,
        ...diversion.writes,
        ...(undone.failover === failover
          ? []
          : [updateIntent(context.db, back, testHostname, failover.revision, now)]),
        ...insertEvents(context.db, context.accountId, [
          ...preempted.events,
          ...undone.events,
          ...diversion.events,
          ...lapsed.map((one) => leaseEnded(context, one, "expired", origin)),
          told,
        ]),
        ...keepOutcome(context, { failoverId: failover.id }),
      ]);
    } catch (error) {
      if (error instanceof LeaseConflict || error instanceof RevisionConflict)
        return fail("refused", error.message);
      throw error;
    }
    return ok({ failoverId: failover.id });
  });
}

/** Ends the pause now; without one there is nothing to do. */
export function resume(
  context: Context,
  reference: string,
  request: { reason?: string },
  origin: Origin,
): Promise<Changed> {
  return aloneWith(context, reference, async ({ failover, leases }) => {
    if (failover.deleting !== null) return fail("deleting", "the failover is being deleted");
    const paused = leases.filter(({ kind }) => kind === "pause");
    if (paused.length === 0) return okForGood(context, { failoverId: failover.id });
    await commit(context.db, [
      ...deleteLeases(context.db, paused),
      ...insertEvents(context.db, context.accountId, [
        ...paused.map((one) => leaseEnded(context, one, "ended", origin)),
        eventOf(context, "failover.resumed", failover.id, origin, {
          reason: request.reason ?? null,
          before: { paused_until: new Date(Math.max(...paused.map((one) => one.expiresAt))).toISOString() },
          after: { paused_until: null },
        }),
      ]),
      ...keepOutcome(context, { failoverId: failover.id }),
    ]);
    return ok({ failoverId: failover.id });
  });
}
