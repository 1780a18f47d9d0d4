import { fail, ok, type Origin, type Result } from "../failover/results.ts";
import type { Action, Notification } from "../notifications/notification.ts";
import { loadChannel } from "../store/channels.ts";
import { insertDelivery } from "../store/deliveries.ts";
import { commit } from "../store/failovers.ts";
import type { Context } from "./context.ts";
import { keepOutcome } from "./idempotency-keys.ts";
import { noSuchChannel } from "./patch-channel.ts";

/** Nothing that happens waits for a test. */
const LANE = "test";

/** Sends a message that says that it is a test. A pager gets what ends it right after it. */
export async function testChannel(
  context: Context,
  reference: string,
  origin: Origin,
): Promise<Result<{ channelId: string; deliveryId: string }>> {
  const { db, accountId, clock } = context;
  const row = await loadChannel(db, accountId, reference);
  if (row === null) return noSuchChannel();
  if (row.disabled !== null) return fail("refused", `the channel is disabled: ${row.disabled}`);
  const deliveryId = context.newId("dl");
  const isPager = row.type === "pagerduty";
  const messageOf = (action: Action): string =>
    JSON.stringify({
      type: "channel.test",
      action,
      incident: isPager ? `test:${deliveryId}` : null,
      severity: "info",
      title: `A test of the channel ${row.name}`,
      what: `Asked for by ${origin.actor.name}. What you read here is how messages come.`,
      visitors: null,
      remedy: null,
      link: context.notifications.linkOf(null),
      failover: null,
      members: [],
      eventId: null,
      at: clock.now(),
    } satisfies Notification);
  const insert = (id: string, action: Action) =>
    insertDelivery(
      db,
      accountId,
      { id, channelId: row.id, lane: LANE, message: messageOf(action) },
      clock.now(),
    );
  await commit(db, [
    insert(deliveryId, isPager ? "trigger" : "notice"),
    ...(isPager ? [insert(context.newId("dl"), "resolve")] : []),
    ...keepOutcome(context, { channelId: row.id, deliveryId }),
  ]);
  return ok({ channelId: row.id, deliveryId });
}
