import { textOf, type CloudflareObject, type Place } from "../cloudflare/account.ts";
import { CloudflareError } from "../cloudflare/errors.ts";
import { carriesMarker, failoverIn } from "../failover/marker.ts";
import { commit, insertEvents } from "../store/failovers.ts";
import { findDeleted } from "../store/operations.ts";
import type { Context } from "./context.ts";
import { eventOf, SYSTEM } from "./record.ts";
import type { Snapshot } from "./snapshot.ts";

interface Remains {
  readonly place: Place;
  readonly id: string;
  readonly failoverId: string;
  readonly marker: string;
}

/** Objects of failovers that don't exist any more. Only kinds whose late create needs nothing else of the failover. */
function findRemains(installation: string, snapshot: Snapshot, known: ReadonlySet<string>): Remains[] {
  const among = (place: Place, objects: readonly CloudflareObject[]) =>
    objects.flatMap((object): Remains[] => {
      const found = failoverIn(textOf(object, "description"), installation);
      return found === null || known.has(found.failoverId) ? [] : [{ place, id: object.id, ...found }];
    });
  return [
    ...(snapshot.pools.ok ? among({ kind: "pool" }, snapshot.pools.listing.objects) : []),
    ...(snapshot.monitors.ok ? among({ kind: "monitor" }, snapshot.monitors.listing.objects) : []),
  ];
}

async function remove(context: Context, { place, id, failoverId, marker }: Remains): Promise<void> {
  const account = context.cloudflare("heal");
  const object = await account.get(place, id);
  if (!carriesMarker(object["description"], marker)) return;
  const references = await account.references(place, id);
  if (references.some(({ type }) => type !== "referral")) return;
  await account.delete(place, id);
  const data = {
    kind: place.kind,
    cloudflare_id: id,
    reason: "it was made after its failover was deleted",
    before: { cloudflare_id: id, name: textOf(object, "name"), description: textOf(object, "description") },
    after: null,
  };
  await commit(
    context.db,
    insertEvents(context.db, context.accountId, [
      eventOf(context, "object.deleted", failoverId, SYSTEM, data),
    ]),
  );
}

/**
 * A create that lands after its failover was deleted belongs to nothing. It goes if D1 says that this failover was
 * here and was deleted with all that it had; a failover that D1 knows nothing of may be another database's.
 */
export async function sweepRemains(
  context: Context,
  snapshot: Snapshot,
  known: ReadonlySet<string>,
): Promise<void> {
  const remains = findRemains(context.installation, snapshot, known);
  if (remains.length === 0) return;
  const deleted = await findDeleted(
    context.db,
    context.accountId,
    remains.map(({ failoverId }) => failoverId),
  );
  for (const one of remains) {
    if (!deleted.has(one.failoverId)) continue;
    try {
      await remove(context, one);
    } catch (error) {
      // What couldn't be read or deleted is found again by the next tick.
      if (!(error instanceof CloudflareError)) throw error;
    }
  }
}
