import { ok, type Origin, type Result } from "../failover/results.ts";
import { deleteChannel as removeChannel, loadChannel } from "../store/channels.ts";
import { commit, insertEvents } from "../store/failovers.ts";
import type { Context } from "./context.ts";
import { FLEET } from "./freeze-fleet.ts";
import { noSuchChannel } from "./patch-channel.ts";
import { eventOf } from "./record.ts";

/** Takes the channel away with all that waits for it; the others hear of it. */
export async function deleteChannel(
  context: Context,
  reference: string,
  origin: Origin,
): Promise<Result<null>> {
  const row = await loadChannel(context.db, context.accountId, reference);
  if (row === null) return noSuchChannel();
  const { id, name, type, shownUrl } = row;
  const before = {
    name,
    type,
    url: shownUrl,
    filter: JSON.parse(row.filter),
    enabled: row.disabled === null,
  };
  const data = { channel_id: id, name, type, before, after: null };
  await commit(context.db, [
    ...removeChannel(context.db, context.accountId, row.id),
    ...insertEvents(context.db, context.accountId, [
      eventOf(context, "channel.deleted", FLEET, origin, data),
    ]),
  ]);
  return ok(null);
}
