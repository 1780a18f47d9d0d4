import { fail, ok, type Result } from "../failover/results.ts";
import { loadChannel } from "../store/channels.ts";
import { loadDelivery, reviveDeliveries } from "../store/deliveries.ts";
import type { Context } from "./context.ts";
import { noSuchChannel } from "./patch-channel.ts";

/** Sends again under the same id: one delivery that has ended, or all that failed, in the order in which they happened. */
export async function redeliver(
  context: Context,
  reference: string,
  deliveryId: string | null,
): Promise<Result<{ deliveries: number }>> {
  const { db, accountId, clock } = context;
  const row = await loadChannel(db, accountId, reference);
  if (row === null) return noSuchChannel();
  if (row.disabled !== null) return fail("refused", `the channel is disabled: ${row.disabled}`);
  if (deliveryId !== null) {
    const found = await loadDelivery(db, row.id, deliveryId);
    if (found === null) return fail("not-found", "The channel has no delivery with this id.");
    if (found.status === "pending") return fail("refused", "it is on its way already");
  }
  return ok({ deliveries: await reviveDeliveries(db, row.id, deliveryId, clock.now(), context.claim) });
}
