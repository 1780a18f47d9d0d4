// Decides who hears of what: a channel and the filter that it was given.
import { fitsWildcard } from "../failover/wildcard.ts";
import type { Severity } from "./notification.ts";

export const CHANNEL_TYPES = ["slack", "discord", "teams", "pagerduty", "webhook"] as const;
export type ChannelType = (typeof CHANNEL_TYPES)[number];

/** All that is given has to fit; what isn't given doesn't matter. */
export interface Filter {
  /** Types of events; `*` stands for any characters, e.g. `drift.*`. */
  readonly types?: readonly string[] | undefined;
  readonly severities?: readonly Severity[] | undefined;
  /** Names of failovers, `*` as above. What is about the whole fleet fits always. */
  readonly failovers?: readonly string[] | undefined;
}

export interface Channel {
  readonly id: string;
  readonly name: string;
  readonly type: ChannelType;
  /** Without what is secret of it. */
  readonly shownUrl: string;
  readonly filter: Filter;
  /** Why nothing is sent to it; null while it is in use. */
  readonly disabled: string | null;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface About {
  readonly type: string;
  readonly severity: Severity;
  /** Null where it is about the whole fleet. */
  readonly failoverName: string | null;
}

const fits = (patterns: readonly string[] | undefined, text: string): boolean =>
  patterns === undefined || patterns.some((pattern) => fitsWildcard(pattern, text));

export function fitsFilter(filter: Filter, { type, severity, failoverName }: About): boolean {
  if (filter.severities !== undefined && !filter.severities.includes(severity)) return false;
  return fits(filter.types, type) && (failoverName === null || fits(filter.failovers, failoverName));
}

/** Beside its filter: a pager has use for what begins and ends, and none for news. */
export function takesNews({ type }: Pick<Channel, "type">): boolean {
  return type !== "pagerduty";
}
