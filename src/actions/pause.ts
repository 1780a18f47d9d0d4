import type { Lease } from "../failover/leases.ts";
import { fail, ok, type Origin, type Result } from "../failover/results.ts";
import { commit, insertEvents } from "../store/failovers.ts";
import { deleteLeases, insertLease } from "../store/leases.ts";
import type { Context } from "./context.ts";
import { leaseEnded } from "./end-leases.ts";
import { aloneWith } from "./load.ts";
import { endDrillLease, preempt } from "./preempt.ts";
import { eventOf } from "./record.ts";

type Changed = Result<{ failoverId: string }>;

/** Holds back healing until the deadline, or anew until another one; what is under way ends. */
export function pause(
  context: Context,
  reference: string,
  request: { expiresInSeconds: number; reason: string },
  origin: Origin,
): Promise<Changed> {
  return aloneWith(context, reference, async (record) => {
    const { failover, leases, operation } = record;
    if (failover.deleting !== null) return fail("deleting", "the failover is being deleted");
    const now = context.clock.now();
    const before = leases.filter(({ kind }) => kind === "pause");
    const lease: Lease = {
      id: context.newId("le"),
      failoverId: failover.id,
      kind: "pause",
      version: 1,
      active: null,
      reason: request.reason,
      origin,
      startedAt: now,
      expiresAt: now + request.expiresInSeconds * 1000,
    };
    const data = {
      lease_id: lease.id,
      reason: lease.reason,
      expires_at: new Date(lease.expiresAt).toISOString(),
    };
    const preempted = preempt(context, operation, "preempted by a pause", origin);
    const diversion = endDrillLease(context, record, origin);
    await commit(context.db, [
      ...deleteLeases(context.db, before),
      insertLease(context.db, context.accountId, lease),
      ...preempted.writes,
      ...diversion.writes,
      ...insertEvents(context.db, context.accountId, [
        ...preempted.events,
        ...diversion.events,
        ...before.map((one) => leaseEnded(context, one, "replaced", origin)),
        eventOf(context, "failover.paused", failover.id, origin, data),
      ]),
    ]);
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
    if (paused.length === 0) return ok({ failoverId: failover.id });
    await commit(context.db, [
      ...deleteLeases(context.db, paused),
      ...insertEvents(context.db, context.accountId, [
        ...paused.map((one) => leaseEnded(context, one, "ended", origin)),
        eventOf(context, "failover.resumed", failover.id, origin, { reason: request.reason ?? null }),
      ]),
    ]);
    return ok({ failoverId: failover.id });
  });
}
