import { ok, type Origin, type Result } from "../failover/results.ts";
import { commit, insertEvents } from "../store/failovers.ts";
import { deleteFreeze, insertFreeze, loadFreeze, type Freeze } from "../store/freezes.ts";
import type { Context } from "./context.ts";
import { keepOutcome, okForGood } from "./idempotency-keys.ts";
import { eventOf } from "./record.ts";

/** Events of the whole fleet belong to no failover. */
export const FLEET = "fleet";

/** From now on nothing of the account's fleet moves but what restores. Freezing twice keeps the first reason. */
export async function freezeFleet(context: Context, reason: string, origin: Origin): Promise<Result<Freeze>> {
  const before = await loadFreeze(context.db, context.accountId);
  if (before !== null) return okForGood(context, before);
  const freeze: Freeze = { frozenAt: context.clock.now(), reason, actor: origin.actor.name };
  await commit(context.db, [
    insertFreeze(context.db, context.accountId, freeze),
    ...insertEvents(context.db, context.accountId, [
      eventOf(context, "fleet.frozen", FLEET, origin, {
        reason,
        before: { frozen: false },
        after: { frozen: true },
      }),
    ]),
    ...keepOutcome(context, freeze),
  ]);
  return ok(freeze);
}

export async function thawFleet(context: Context, origin: Origin): Promise<Result<null>> {
  const before = await loadFreeze(context.db, context.accountId);
  if (before === null) return ok(null);
  await commit(context.db, [
    deleteFreeze(context.db, context.accountId),
    ...insertEvents(context.db, context.accountId, [
      eventOf(context, "fleet.thawed", FLEET, origin, {
        reason: before.reason,
        before: { frozen: true, by: before.actor, since: new Date(before.frozenAt).toISOString() },
        after: { frozen: false },
      }),
    ]),
  ]);
  return ok(null);
}
