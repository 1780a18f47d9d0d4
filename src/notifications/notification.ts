// What a channel is told, whatever its type: plain data that is stored with the delivery and put into a form when it is sent.
import type { EventType } from "../failover/events.ts";

export const SEVERITIES = ["info", "warning", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

export function worse(a: Severity, b: Severity): Severity {
  return SEVERITIES.indexOf(a) >= SEVERITIES.indexOf(b) ? a : b;
}

/** `trigger` and `resolve` open and end an incident, `acknowledge` says that somebody is at it; a `notice` is only news. */
export type Action = "notice" | "trigger" | "acknowledge" | "resolve";

export interface Notification {
  readonly type: EventType | "channel.test";
  readonly action: Action;
  /** The incident's key; null of a notice. */
  readonly incident: string | null;
  readonly severity: Severity;
  readonly title: string;
  readonly what: string;
  /** What visitors get now; null where that is not the matter. */
  readonly visitors: string | null;
  /** What to do; null where there is nothing to do. */
  readonly remedy: string | null;
  readonly link: string | null;
  /** Null where it is about the fleet or the service itself. */
  readonly failover: { readonly id: string; readonly name: string; readonly hostname: string | null } | null;
  /** Whom else it is about, where one message stands for many. */
  readonly members: readonly string[];
  /** The event that it tells of; null where there is none. */
  readonly eventId: string | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
}
