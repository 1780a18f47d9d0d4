import { CloudflareError } from "../cloudflare/errors.ts";
import type { Failover } from "../failover/failover.ts";
import { carriesMarker, markerOf, ROLES } from "../failover/marker.ts";
import { commit, insertEvents } from "../store/failovers.ts";
import { writeObject } from "./apply.ts";
import type { Context } from "./context.ts";
import { readById } from "./observe.ts";
import { eventOf, SYSTEM } from "./record.ts";
import { findMarked, placeOf, readingOf, type Snapshot } from "./snapshot.ts";

/**
 * A create that landed late leaves a second object with our exact marker. It goes if it is not the stored one, still
 * carries the marker when read by id, and nothing refers to it.
 */
export async function deleteSurplus(context: Context, failover: Failover, snapshot: Snapshot): Promise<void> {
  const zoneId = failover.facts.zone?.id ?? "";
  for (const role of ROLES) {
    const own = failover.ids[role];
    if (own === undefined) continue;
    const marker = markerOf(context.installation, failover.id, role);
    for (const { id } of findMarked(readingOf(snapshot, role, zoneId), marker)) {
      if (id === own) continue;
      const seen = await readById(context, failover, role, id, "heal");
      if (seen.state !== "found" || !carriesMarker(seen.object["description"], marker)) continue;
      try {
        const place = placeOf(role, zoneId);
        const references =
          place.kind === "load_balancer" ? [] : await context.cloudflare("heal").references(place, id);
        if (references.some(({ type }) => type !== "referral")) continue;
      } catch (error) {
        if (error instanceof CloudflareError) continue;
        throw error;
      }
      const outcome = await writeObject(context, {
        failover,
        role,
        action: "delete",
        id,
        body: {},
        priority: "heal",
      });
      if (outcome.outcome !== "gone") continue;
      const data = {
        role,
        cloudflare_id: id,
        reason: "a second object with the same marker",
        before: { cloudflare_id: id },
        after: null,
      };
      await commit(
        context.db,
        insertEvents(context.db, context.accountId, [
          eventOf(context, "object.deleted", failover.id, SYSTEM, data),
        ]),
      );
    }
  }
}
