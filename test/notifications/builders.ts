// What fan-out is decided from: failovers as messages describe them, events, channels.
import type { EventType } from "../../src/failover/events.ts";
import type { FailoverEvent, Origin } from "../../src/failover/results.ts";
import type { Channel } from "../../src/notifications/channel.ts";
import { decideFanOut, type FanOut, type FanOutFacts } from "../../src/notifications/fan-out.ts";
import type { Incident } from "../../src/notifications/incidents.ts";
import type { Subject } from "../../src/notifications/subject.ts";

export const NOON = Date.UTC(2026, 10, 23, 12);
export const MINUTE = 60_000;

const SYSTEM: Origin = { actor: { kind: "system", name: "reconciler" }, requestId: null };
export const PERSON: Origin = { actor: { kind: "token", name: "ada" }, requestId: "req_1" };

export function aSubject(change: Partial<Subject> = {}): Subject {
  return {
    id: "fo_shop",
    name: "shop",
    hostname: "www.example.com",
    stage: "production",
    active: "primary",
    serving: "primary",
    verdicts: { primary: "healthy", secondary: "healthy" },
    addresses: { primary: "origin.example.net", secondary: "shop.pages.dev" },
    sync: "synced",
    message: "everything at Cloudflare is as wanted",
    drifted: false,
    foreign: false,
    drilling: false,
    disabled: null,
    ...change,
  };
}

export function aChannel(change: Partial<Channel> = {}): Channel {
  return {
    id: "ch_slack",
    name: "on-call",
    type: "slack",
    shownUrl: "https://hooks.slack.com/…",
    filter: {},
    disabled: null,
    createdAt: NOON,
    updatedAt: NOON,
    ...change,
  };
}

let made = 0;

export function anEvent(
  type: EventType,
  data: Readonly<Record<string, unknown>> = {},
  change: Partial<FailoverEvent> = {},
): FailoverEvent {
  made += 1;
  return {
    id: `evt_${made}`,
    seq: made,
    type,
    at: NOON,
    failoverId: "fo_shop",
    origin: SYSTEM,
    data,
    ...change,
  };
}

export const health = (endpoint: string, after: string, change: Partial<FailoverEvent> = {}) =>
  anEvent(
    "health.changed",
    { endpoint, witness: "cloudflare", before: "unknown", after, detail: "503" },
    change,
  );

/** A service that remembers its incidents from one fan-out to the next. */
export function aService(channels: readonly Channel[], fleetSize = 1) {
  let incidents: readonly Incident[] = [];
  return {
    incidents: () => incidents,
    hear: (events: readonly FailoverEvent[], more: Partial<FanOutFacts> = {}): FanOut => {
      const subject = aSubject();
      const found = decideFanOut({
        now: NOON,
        subjects: new Map([[subject.id, subject]]),
        fleetSize,
        linkOf: (name) => `https://understudy.test/${name ?? ""}`,
        ...more,
        events,
        incidents,
        channels,
      });
      const changed = new Set([...found.saved.map(({ key }) => key), ...found.forgotten]);
      incidents = [...incidents.filter(({ key }) => !changed.has(key)), ...found.saved];
      return found;
    },
  };
}

export const told = ({ messages }: FanOut): string[] =>
  messages.map(({ channelId, notification }) => `${channelId} ${notification.action} ${notification.title}`);
