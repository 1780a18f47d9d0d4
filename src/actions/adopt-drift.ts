import { otherSide, type AdoptedDrift, type Failover } from "../failover/failover.ts";
import { guardOperation, guardRevision } from "../failover/guards.ts";
import { fail, ok, type KnownDrift, type Origin, type Result } from "../failover/results.ts";
import { completeSpec } from "../failover/complete.ts";
import { commit, insertEvents, updateIntent } from "../store/failovers.ts";
import { deleteLeases } from "../store/leases.ts";
import type { Context } from "./context.ts";
import { keepOutcome } from "./idempotency-keys.ts";
import { aloneWith } from "./load.ts";
import { eventOf } from "./record.ts";

/** The pair in the other order is simply the other endpoint being active. */
function isReordered(failover: Failover, drift: KnownDrift): boolean {
  const { primary, secondary } = failover.ids;
  const order = failover.active === "primary" ? [secondary, primary] : [primary, secondary];
  return drift.path === "default_pools" && JSON.stringify(drift.before) === JSON.stringify(order);
}

function canBeKept(drift: KnownDrift): boolean {
  return (
    drift.path === "enabled" || drift.path === "fallback_pool" || /^origins\..*\.enabled$/.test(drift.path)
  );
}

/** Accepts what somebody did at Cloudflare as wanted: from now on it isn't drift, for as long as it is in place. */
export function adoptDrift(
  context: Context,
  reference: string,
  request: { reason: string; revision?: number },
  origin: Origin,
): Promise<Result<{ failoverId: string; revision: number }>> {
  return aloneWith(context, reference, async ({ failover, status, operation, leases }) => {
    const [stale] = guardRevision(failover, request.revision);
    if (stale !== undefined) return fail("revision-mismatch", stale.message, { refusals: [stale] });
    if (failover.deleting !== null) return fail("deleting", "the failover is being deleted");
    const running = guardOperation(operation);
    if (running.length > 0) return fail("refused", "drift can't be adopted now", { refusals: running });

    const drift = status.drift.filter((one) => one.class === "role");
    if (drift.length === 0) return fail("invalid", "there is no drift of class role to adopt");
    const reordered = drift.some((one) => isReordered(failover, one));
    const rest = drift.filter((one) => !isReordered(failover, one));
    const foreign = rest.filter((one) => !canBeKept(one));
    if (foreign.length > 0) {
      const paths = foreign.map(({ path }) => path).join(", ");
      return fail(
        "invalid",
        `${paths} can't be adopted: it has no place in a failover's spec; change the spec, or let it be healed`,
      );
    }
    const adopted: AdoptedDrift[] = [
      ...failover.adopted.filter(
        (old) => !rest.some((one) => one.role === old.role && one.path === old.path),
      ),
      ...rest.map(({ role, path, before }) => ({ role, path, value: before })),
    ];
    const now = context.clock.now();
    const changed: Failover = {
      ...failover,
      adopted,
      ...(reordered
        ? { settledActive: otherSide(failover.active), settledBy: "person", settledAt: now }
        : {}),
      revision: failover.revision + 1,
      updatedAt: now,
    };
    const data = {
      reason: request.reason,
      adopted: drift.map(({ role, path, before }) => ({ role, path, value: before })),
      before: { active: failover.active },
      after: { active: reordered ? changed.settledActive : failover.active },
    };
    const { test_hostname: testHostname } = completeSpec(changed.input, changed.facts);
    const value = { failoverId: failover.id, revision: changed.revision };
    await commit(context.db, [
      updateIntent(context.db, changed, testHostname, failover.revision, now),
      // The order that was accepted is no deviation any more.
      ...(reordered
        ? deleteLeases(
            context.db,
            leases.filter(({ active }) => active !== null),
          )
        : []),
      ...insertEvents(context.db, context.accountId, [
        eventOf(context, "drift.adopted", failover.id, origin, data),
      ]),
      ...keepOutcome(context, value),
    ]);
    return ok(value);
  });
}
