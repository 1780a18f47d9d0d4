import type { Facts, Failover } from "../failover/failover.ts";
import { refusal } from "../failover/guards.ts";
import { isInZone } from "../failover/hostnames.ts";
import { fail, ok, type Origin, type Result } from "../failover/results.ts";
import type { SpecInput } from "../failover/spec.ts";
import { commit, forgetObject, insertEvents } from "../store/failovers.ts";
import { removeObject } from "./advance-delete.ts";
import type { Context } from "./context.ts";
import { eventOf } from "./record.ts";

/**
 * A load balancer can't change zones, so that of a draft goes before its failover moves: under the new zone it would
 * never be looked for again. The next look makes another there. Answers the facts to go on with.
 */
export async function leaveZone(
  context: Context,
  failover: Failover,
  input: SpecInput,
  facts: Facts,
  origin: Origin,
): Promise<Result<Facts>> {
  const { zone } = failover.facts;
  if (zone === null || facts.zone?.id === zone.id) return ok(facts);
  // Where the zones can't be read, a name that lies in the present one stays there.
  if (facts.zone === null && isInZone(input.hostname, zone.name)) return ok({ ...facts, zone });
  const stays = (why: string) => {
    const message = `the draft's load balancer can't leave ${zone.name} yet: ${why}`;
    return fail("refused", message, {
      refusals: [refusal("target-not-ready", message, { zone: zone.name })],
    });
  };
  if (facts.zone === null) return stays("the zones of the account could not be read from Cloudflare");
  const removed = await removeObject(context, failover, "load_balancer", (zoneId, priority) =>
    context.snapshots.take([zoneId], priority),
  );
  if (!removed.done) return stays(removed.why);
  const { load_balancer: id = null } = failover.ids;
  const data = {
    role: "load_balancer",
    cloudflare_id: id,
    reason: `the failover leaves ${zone.name}`,
    before: { cloudflare_id: id, zone: zone.name },
    after: null,
  };
  await commit(context.db, [
    forgetObject(context.db, failover.id, "load_balancer"),
    ...insertEvents(context.db, context.accountId, [
      eventOf(context, "object.deleted", failover.id, origin, data),
    ]),
  ]);
  return ok(facts);
}
