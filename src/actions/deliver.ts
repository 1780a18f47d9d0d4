import type { Channel } from "../notifications/channel.ts";
import type { Notification } from "../notifications/notification.ts";
import { decideAfter, type Outcome } from "../notifications/retry.ts";
import { WrongKey } from "../notifications/sealing.ts";
import { send } from "../notifications/send.ts";
import { holdChannel, loadChannel, resealChannel, saveChannel, type ChannelRow } from "../store/channels.ts";
import {
  claimDelivery,
  endDelivery,
  failDeliveries,
  hastenDeliveries,
  loadDueChannels,
  loadDueDelivery,
  postponeDelivery,
  putOffDeliveries,
  type DeliveryRow,
} from "../store/deliveries.ts";
import { commit, insertEvents, type Write } from "../store/failovers.ts";
import { openChannel, sealChannel, secretsInUse, toChannel, WITHOUT_DATA_KEY } from "./channel-secrets.ts";
import type { Context } from "./context.ts";
import { FLEET } from "./freeze-fleet.ts";
import { eventOf, SYSTEM } from "./record.ts";

/** So many channels at once, one message at a time each: an invocation has six connections, and others need some. */
const WIDTH = 3;
/** Whoever has a delivery and falls over leaves it to others after this long. */
const CLAIM_MS = 60_000;

/** That a message about messages got lost is not told by messages. */
const UNTOLD: ReadonlySet<Notification["type"]> = new Set([
  "channel.disabled",
  "channel.test",
  "delivery.failed",
] as const);

const failing = (error: string): Outcome => ({ status: null, error, retryAfterMs: null });

/** What was sealed with an older key is sealed anew, so that the older key can go. */
async function keepSealed(
  context: Context,
  row: ChannelRow,
  opened: Awaited<ReturnType<typeof openChannel>>,
): Promise<void> {
  const { vault } = context.notifications;
  if (vault === null || ((await vault.isCurrent(row.url)) && (await vault.isCurrent(row.secrets)))) return;
  const sealed = await sealChannel(vault, row, opened);
  await commit(context.db, [resealChannel(context.db, row, { ...row, ...sealed })]);
}

async function attempt(
  context: Context,
  row: ChannelRow,
  channel: Channel,
  delivery: DeliveryRow,
  notification: Notification,
): Promise<Outcome> {
  const { vault, send: ports } = context.notifications;
  if (vault === null) return failing(WITHOUT_DATA_KEY);
  try {
    const opened = await openChannel(vault, row);
    await keepSealed(context, row, opened);
    const now = context.clock.now();
    const secrets = secretsInUse(opened.secrets, now);
    return await send(
      { id: delivery.id, type: channel.type, url: opened.url, secrets, notification },
      ports,
      now,
    );
  } catch (error) {
    if (error instanceof WrongKey) return failing(error.message);
    throw error;
  }
}

/** Everything that follows from one attempt, to be written as one. */
function settle(
  context: Context,
  row: ChannelRow,
  delivery: DeliveryRow,
  notification: Notification,
  outcome: Outcome,
): Write[] {
  const { db, accountId } = context;
  const now = context.clock.now();
  const { id, startedAt, attempts } = delivery;
  const verdict = decideAfter(outcome, { id, startedAt, attempts: attempts + 1 }, now);
  const tried = { lastStatus: outcome.status, lastError: outcome.error };
  switch (verdict.kind) {
    case "delivered":
      return [
        ...endDelivery(db, delivery, "delivered", tried, now),
        ...(row.heldUntil === null ? [] : [holdChannel(db, row.id, null)]),
        hastenDeliveries(db, row.id, now),
      ];
    case "retry":
      return [
        postponeDelivery(db, id, verdict.dueAt, tried),
        ...(verdict.holdUntil === null
          ? []
          : [holdChannel(db, row.id, verdict.holdUntil), putOffDeliveries(db, row.id, verdict.holdUntil)]),
      ];
    case "failed": {
      const about = { channel_id: row.id, name: row.name };
      const lost = { ...about, channel: row.name, delivery_id: id, title: notification.title };
      const why = "its receiver answered that it is gone (status 410)";
      const events = verdict.isGone
        ? [
            eventOf(context, "channel.disabled", FLEET, SYSTEM, {
              ...about,
              message: `Disabled: ${why}.`,
              before: { enabled: true },
              after: { enabled: false },
            }),
          ]
        : UNTOLD.has(notification.type)
          ? []
          : [eventOf(context, "delivery.failed", FLEET, SYSTEM, { ...lost, message: outcome.error })];
      return [
        ...endDelivery(db, delivery, "failed", tried, now),
        ...(verdict.isGone
          ? [
              saveChannel(db, { ...row, disabled: why, updatedAt: now }),
              failDeliveries(db, row.id, "the channel was disabled before it was sent", now),
            ]
          : []),
        ...insertEvents(db, accountId, events),
      ];
    }
    default:
      return verdict satisfies never;
  }
}

/** Sends what a channel is due, one after the other; answers how many attempts it took. */
async function serve(context: Context, channelId: string): Promise<number> {
  const { db, accountId, clock } = context;
  for (let attempts = 0; ; attempts += 1) {
    const now = clock.now();
    const delivery = await loadDueDelivery(db, channelId, now);
    if (delivery === null) return attempts;
    if (!(await claimDelivery(db, delivery, now, now + CLAIM_MS))) continue;
    const row = await loadChannel(db, accountId, channelId);
    if (row === null) return attempts;
    const notification = JSON.parse(delivery.message) as Notification;
    const outcome = await attempt(context, row, toChannel(row), delivery, notification);
    // Whoever changed or deleted the channel meanwhile isn't overwritten.
    const latest = await loadChannel(db, accountId, channelId);
    if (latest === null) return attempts;
    await commit(db, settle(context, latest, delivery, notification, outcome));
  }
}

export interface Sender {
  /** Sends whatever is due, in the background; whoever sends already goes on. Never throws. */
  wake(): void;
  /** The ids of the channels that it serves now: what is due to them needs nobody else. */
  busy(): readonly string[];
}

/** `rested` is called after attempts, whatever came of them: what is due next may have changed. */
export function createSender(context: Context, rested: () => Promise<void>): Sender {
  const busy = new Set<string>();
  const failed = (error: unknown) =>
    context.log({ level: "error", message: "messages could not be sent", error: String(error) });

  async function run(channelId: string): Promise<void> {
    let attempts = 0;
    try {
      attempts = await serve(context, channelId);
    } catch (error) {
      failed(error);
    } finally {
      busy.delete(channelId);
    }
    // After a fault the next minute's cron looks again: at once it would fail again.
    if (attempts === 0) return;
    await rested();
    await look();
  }

  async function look(): Promise<void> {
    for (const id of await loadDueChannels(context.db, context.accountId, context.clock.now())) {
      if (busy.size >= WIDTH) return;
      if (busy.has(id)) continue;
      busy.add(id);
      run(id).catch(failed);
    }
  }

  return {
    wake: () => void look().catch(failed),
    busy: () => [...busy],
  };
}
