import type { Priority } from "../cloudflare/budget.ts";
import type { AdoptedDrift, Failover } from "../failover/failover.ts";
import { ROLES } from "../failover/marker.ts";
import { findLapsed } from "../failover/plan.ts";
import { commit, insertEvents, saveAdopted } from "../store/failovers.ts";
import type { Context } from "./context.ts";
import { readById, type Observation } from "./observe.ts";
import { eventOf, SYSTEM } from "./record.ts";

/** Ends what was adopted once it is gone. Lists can be stale, so that it is gone is read by id. */
export async function endLapsed(
  context: Context,
  { failover, observed }: Observation,
  priority: Priority,
): Promise<Failover> {
  const lapsed: AdoptedDrift[] = [];
  for (const role of ROLES) {
    const sighting = observed[role];
    const id = failover.ids[role];
    if (sighting.state !== "found" || id === undefined) continue;
    if (findLapsed(failover, role, sighting.object).length === 0) continue;
    const seen = await readById(context, failover, role, id, priority);
    if (seen.state === "found") lapsed.push(...findLapsed(failover, role, seen.object));
  }
  if (lapsed.length === 0) return failover;
  const left: Failover = { ...failover, adopted: failover.adopted.filter((one) => !lapsed.includes(one)) };
  await commit(context.db, [
    saveAdopted(context.db, left),
    ...insertEvents(context.db, context.accountId, [
      eventOf(context, "drift.adoption_ended", failover.id, SYSTEM, { ended: lapsed }),
    ]),
  ]);
  return left;
}
