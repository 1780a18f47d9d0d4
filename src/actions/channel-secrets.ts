import type { Channel, ChannelType, Filter } from "../notifications/channel.ts";
import type { Vault } from "../notifications/sealing.ts";
import { shownUrl } from "../notifications/target.ts";
import type { ChannelRow } from "../store/channels.ts";

/** A secret in use; one that was replaced is used beside its successor until then (ms since the epoch). */
export interface ChannelSecret {
  readonly value: string;
  readonly until: number | null;
}

export interface OpenedChannel {
  readonly url: string;
  /** The newest first. */
  readonly secrets: readonly ChannelSecret[];
}

export const WITHOUT_DATA_KEY =
  "channels hold secrets, which are only stored encrypted: set the secret DATA_KEY first (32 random bytes as base64, e.g. openssl rand -base64 32)";

const placeOf = (channelId: string, field: "url" | "secrets") => `${channelId} ${field}`;

export function toChannel(row: ChannelRow): Channel {
  const { id, name, type, shownUrl: shown, filter, disabled, createdAt, updatedAt } = row;
  return {
    id,
    name,
    type: type as ChannelType,
    shownUrl: shown,
    filter: JSON.parse(filter) as Filter,
    disabled,
    createdAt,
    updatedAt,
  };
}

/** The columns of a channel that hold its secrets. */
export async function sealChannel(
  vault: Vault,
  { id, type }: Pick<ChannelRow, "id" | "type">,
  { url, secrets }: OpenedChannel,
): Promise<Pick<ChannelRow, "url" | "secrets" | "shownUrl">> {
  return {
    url: await vault.seal(url, placeOf(id, "url")),
    secrets: await vault.seal(JSON.stringify(secrets), placeOf(id, "secrets")),
    shownUrl: shownUrl(type as ChannelType, url),
  };
}

/** Throws `WrongKey`. */
export async function openChannel(
  vault: Vault,
  row: Pick<ChannelRow, "id" | "url" | "secrets">,
): Promise<OpenedChannel> {
  const url = await vault.open(row.url, placeOf(row.id, "url"));
  const secrets = await vault.open(row.secrets, placeOf(row.id, "secrets"));
  return { url, secrets: JSON.parse(secrets) as ChannelSecret[] };
}

export function secretsInUse(secrets: readonly ChannelSecret[], now: number): string[] {
  return secrets.filter(({ until }) => until === null || now < until).map(({ value }) => value);
}
