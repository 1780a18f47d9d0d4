import { fail, ok, type Origin, type Result } from "../failover/results.ts";
import type { ChannelType } from "../notifications/channel.ts";
import { newSecret } from "../notifications/forms/webhook.ts";
import { WrongKey } from "../notifications/sealing.ts";
import { loadChannel, saveChannel, type ChannelRow } from "../store/channels.ts";
import { failDeliveries, releaseDeliveries } from "../store/deliveries.ts";
import { commit, insertEvents } from "../store/failovers.ts";
import {
  openChannel,
  sealChannel,
  toChannel,
  WITHOUT_DATA_KEY,
  type ChannelSecret,
  type OpenedChannel,
} from "./channel-secrets.ts";
import type { Context } from "./context.ts";
import type { ChannelAnswer, ChannelPatch } from "./coordinator-port.ts";
import { invalid, nameTaken, secretFault, targetProblem } from "./create-channel.ts";
import { FLEET } from "./freeze-fleet.ts";
import { eventOf } from "./record.ts";

/** So long a receiver has to learn a new signing secret. */
const OVERLAP_MS = 86_400_000;

const DISABLED_BY_HAND = "disabled by hand";

export function noSuchChannel(): Result<never> {
  return fail("not-found", "There is no channel with this id or name.");
}

async function faultsOf(context: Context, type: ChannelType, patch: ChannelPatch) {
  const url = patch.url === undefined ? null : await targetProblem(context, patch.url);
  const secret = patch.secret === undefined ? null : secretFault(type, patch.secret);
  const rotation = patch.rotateSecret === true && type !== "webhook";
  return [
    ...(url === null ? [] : [{ pointer: "/url", message: url }]),
    ...(secret === null ? [] : [{ pointer: "/secret", message: secret }]),
    ...(rotation ? [{ pointer: "/rotate_secret", message: "is for channels of type webhook" }] : []),
    ...(patch.rotateSecret === true && patch.secret !== undefined
      ? [{ pointer: "/rotate_secret", message: "makes a secret: give none beside it" }]
      : []),
  ];
}

/** A signing secret stays in use beside its successor; a key of somebody else's is replaced. */
function withSecret(
  type: ChannelType,
  before: readonly ChannelSecret[],
  value: string,
  now: number,
): ChannelSecret[] {
  const kept = type === "webhook" ? before.filter(({ until }) => until === null) : [];
  return [{ value, until: null }, ...kept.map((one) => ({ ...one, until: now + OVERLAP_MS }))];
}

/** The sealed columns, if they change. */
async function resealed(
  context: Context,
  row: ChannelRow,
  patch: ChannelPatch,
  value: string | null,
): Promise<Result<Partial<ChannelRow>>> {
  const { vault } = context.notifications;
  if (patch.url === undefined && value === null) return ok({});
  if (vault === null) return fail("refused", WITHOUT_DATA_KEY);
  let opened: OpenedChannel;
  try {
    opened = await openChannel(vault, row);
  } catch (error) {
    if (error instanceof WrongKey)
      return fail("refused", `${error.message}; make the channel anew, or bring that key back`);
    throw error;
  }
  const type = row.type as ChannelType;
  const secrets =
    value === null ? opened.secrets : withSecret(type, opened.secrets, value, context.clock.now());
  return ok(await sealChannel(vault, row, { url: patch.url ?? opened.url, secrets }));
}

/** Changes what is given; enabling a channel that was disabled lets it hear again of what happens from now on. */
export async function patchChannel(
  context: Context,
  reference: string,
  patch: ChannelPatch,
  origin: Origin,
): Promise<Result<ChannelAnswer>> {
  const { db, accountId, clock } = context;
  const row = await loadChannel(db, accountId, reference);
  if (row === null) return noSuchChannel();
  const errors = await faultsOf(context, row.type as ChannelType, patch);
  if (errors.length > 0) return invalid(errors);
  const made = patch.rotateSecret === true ? newSecret() : null;
  const sealed = await resealed(context, row, patch, patch.secret ?? made);
  if (!sealed.ok) return sealed;
  const now = clock.now();
  const { name = row.name, filter, enabled } = patch;
  const isElsewhere = patch.url !== undefined || patch.secret !== undefined;
  const changed: ChannelRow = {
    ...row,
    ...sealed.value,
    name,
    filter: filter === undefined ? row.filter : JSON.stringify(filter),
    disabled: enabled === undefined ? row.disabled : enabled ? null : (row.disabled ?? DISABLED_BY_HAND),
    heldUntil: isElsewhere ? null : row.heldUntil,
    updatedAt: now,
  };
  const data = {
    channel_id: row.id,
    name,
    before: {
      name: row.name,
      url: row.shownUrl,
      filter: JSON.parse(row.filter),
      enabled: row.disabled === null,
    },
    after: {
      name,
      url: changed.shownUrl,
      filter: JSON.parse(changed.filter),
      enabled: changed.disabled === null,
    },
    secret_changed: patch.secret !== undefined || made !== null,
  };
  const isEnding = changed.disabled !== null && row.disabled === null;
  try {
    await commit(db, [
      saveChannel(db, changed),
      ...(isElsewhere ? [releaseDeliveries(db, row.id, now)] : []),
      ...(isEnding ? [failDeliveries(db, row.id, "the channel was disabled before it was sent", now)] : []),
      ...insertEvents(db, accountId, [eventOf(context, "channel.updated", FLEET, origin, data)]),
    ]);
  } catch (error) {
    if (String(error).includes("channels.name")) return nameTaken(name);
    throw error;
  }
  return ok({ channel: toChannel(changed), secret: made });
}
