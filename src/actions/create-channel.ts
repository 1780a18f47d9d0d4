import { fail, ok, type FieldError, type Origin, type Result } from "../failover/results.ts";
import type { ChannelType } from "../notifications/channel.ts";
import { PAGERDUTY_URL } from "../notifications/forms/pagerduty.ts";
import { newSecret, secretProblem } from "../notifications/forms/webhook.ts";
import { addressesProblem, urlProblem } from "../notifications/target.ts";
import { insertChannel, loadChannels, type ChannelRow } from "../store/channels.ts";
import { commit, insertEvents } from "../store/failovers.ts";
import { sealChannel, toChannel, WITHOUT_DATA_KEY } from "./channel-secrets.ts";
import type { Context } from "./context.ts";
import { keepOutcome } from "./idempotency-keys.ts";
import type { ChannelAnswer, ChannelRequest } from "./coordinator-port.ts";
import { FLEET } from "./freeze-fleet.ts";
import { eventOf } from "./record.ts";

/** Every event is looked at for every channel. */
const MOST_CHANNELS = 100;
/** PagerDuty's integration keys. */
const ROUTING_KEY = /^[A-Za-z0-9]{32}$/;

/** Why nothing may be sent there; null where it may. What a name resolves to is asked afresh. */
export async function targetProblem(context: Context, url: string): Promise<string | null> {
  const problem = urlProblem(url);
  if (problem !== null) return problem;
  const { hostname } = new URL(url);
  const addresses = await context.notifications.send.addressesOf(hostname);
  return addresses === null ? null : addressesProblem(hostname, addresses);
}

export function secretFault(type: ChannelType, secret: string | undefined): string | null {
  if (type === "webhook") return secret === undefined ? null : secretProblem(secret);
  if (type === "pagerduty") {
    if (secret === undefined)
      return "is required: the integration key (routing key) of the PagerDuty service";
    return ROUTING_KEY.test(secret) ? null : "must be an integration key of PagerDuty: 32 letters and digits";
  }
  return secret === undefined ? null : `is not used by a channel of type ${type}: its URL is the secret`;
}

export function invalid(errors: readonly FieldError[]): Result<never> {
  return fail("invalid", errors.map(({ pointer, message }) => `${pointer.slice(1)} ${message}`).join("; "), {
    errors,
  });
}

export function nameTaken(name: string): Result<never> {
  const message = "is the name of another channel";
  return fail("taken", `another channel has the name ${name}`, { errors: [{ pointer: "/name", message }] });
}

/** A channel that hears of everything that fits its filter from now on. Its secrets are stored sealed. */
export async function createChannel(
  context: Context,
  request: ChannelRequest,
  origin: Origin,
): Promise<Result<ChannelAnswer>> {
  const { db, accountId, clock } = context;
  const { vault } = context.notifications;
  if (vault === null) return fail("refused", WITHOUT_DATA_KEY);
  const { name, type, filter = {} } = request;
  const url = request.url ?? (type === "pagerduty" ? PAGERDUTY_URL : undefined);
  const urlFault = url === undefined ? "is required" : await targetProblem(context, url);
  const fault = secretFault(type, request.secret);
  const errors = [
    ...(urlFault === null ? [] : [{ pointer: "/url", message: urlFault }]),
    ...(fault === null ? [] : [{ pointer: "/secret", message: fault }]),
  ];
  if (url === undefined || errors.length > 0) return invalid(errors);
  const existing = await loadChannels(db, accountId);
  if (existing.some((one) => one.name === name)) return nameTaken(name);
  if (existing.length >= MOST_CHANNELS)
    return fail("refused", `there are ${MOST_CHANNELS} channels already, which is the most that are kept`);
  const made = type === "webhook" && request.secret === undefined ? newSecret() : null;
  const value = request.secret ?? made;
  const now = clock.now();
  const id = context.newId("ch");
  const opened = { url, secrets: value === null ? [] : [{ value, until: null }] };
  const row: ChannelRow = {
    id,
    name,
    type,
    ...(await sealChannel(vault, { id, type }, opened)),
    filter: JSON.stringify(filter),
    disabled: null,
    heldUntil: null,
    createdAt: now,
    updatedAt: now,
  };
  const shown = { name, type, url: row.shownUrl, filter, enabled: true };
  const data = { channel_id: id, name, type, url: row.shownUrl, filter, before: null, after: shown };
  try {
    await commit(db, [
      ...insertChannel(db, accountId, row),
      ...insertEvents(db, accountId, [eventOf(context, "channel.created", FLEET, origin, data)]),
      ...keepOutcome(context, { channel: toChannel(row), secret: null } satisfies ChannelAnswer),
    ]);
  } catch (error) {
    if (String(error).includes("channels.name")) return nameTaken(name);
    throw error;
  }
  return ok({ channel: toChannel(row), secret: made });
}
