import { commit, insertEvents, setObjectId } from "../store/failovers.ts";
import type { Context } from "./context.ts";
import type { Observation } from "./observe.ts";
import { eventOf, SOMEBODY_ELSE, SYSTEM } from "./record.ts";

/**
 * Writes down what a look found out, before anything else is done: an id that is gone is forgotten, so that the next
 * step can only create or find by marker, and one that is ours is stored. The caller has the failover for itself alone.
 */
export async function recordDiscoveries(
  context: Context,
  { failover, discoveries }: Observation,
): Promise<void> {
  for (const { role, kind, cloudflareId } of discoveries) {
    if (kind !== "never-created") {
      const data = {
        role,
        cloudflare_id: cloudflareId,
        // What is adopted existed before, but not in our books.
        before: { cloudflare_id: kind === "vanished" ? cloudflareId : null },
        after: { cloudflare_id: kind === "vanished" ? null : cloudflareId },
      };
      const origin = kind === "vanished" ? { ...SYSTEM, actor: SOMEBODY_ELSE } : SYSTEM;
      await commit(context.db, [
        setObjectId(context.db, failover, role, kind === "adopted" ? cloudflareId : null),
        ...insertEvents(context.db, context.accountId, [
          eventOf(context, `object.${kind}`, failover.id, origin, data),
        ]),
      ]);
    }
    if (kind !== "vanished") await context.intents.close(failover.id, role);
  }
}
