// Puts what is to be said into a notification: one failover's trouble, a trouble of many, or mere news.
import type { FailoverEvent } from "../failover/results.ts";
import { listed } from "./facts.ts";
import { INCIDENTS } from "./incident-kinds.ts";
import { FLAPPING_WINDOW_MS, type Incident, type Says } from "./incidents.ts";
import { describeEvent } from "./message.ts";
import type { Notification } from "./notification.ts";
import { describeVisitors, type Subject } from "./subject.ts";

export type LinkOf = (failoverName: string | null) => string | null;

/** What stands around the words. */
export interface Setting {
  readonly name: string;
  readonly subject: Subject | null;
  readonly eventId: string | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly linkOf: LinkOf;
}

const MINUTES = FLAPPING_WINDOW_MS / 60_000;
const MOST_NAMES = 20;

function about({ subject, name, eventId, at, linkOf }: Setting, failoverId: string) {
  const isFleet = failoverId === "fleet";
  return {
    link: linkOf(subject === null ? null : name),
    failover: isFleet ? null : { id: failoverId, name, hostname: subject?.hostname ?? null },
    visitors: subject === null ? null : describeVisitors(subject),
    members: [],
    eventId,
    at,
  };
}

/** Null where the event is no news. */
export function news(event: FailoverEvent, setting: Setting): Notification | null {
  const words = describeEvent(event, setting.name, setting.subject);
  if (words === null) return null;
  return {
    type: event.type as Notification["type"],
    action: "notice",
    incident: null,
    ...words,
    ...about(setting, event.failoverId),
  };
}

/** A trouble of one failover, or of the service as a whole. */
export function trouble(
  incident: Incident,
  says: Exclude<Says, null> | "acknowledge",
  setting: Setting,
): Notification {
  const { kind, type, key, severity, detail, changedAt, isOpen } = incident;
  const { name, subject } = setting;
  const naming = INCIDENTS[kind];
  const shared = { type, incident: key, ...about(setting, incident.failoverId) };
  const opened = naming.opened(name, subject);
  const remedy = naming.remedy(subject);
  switch (says) {
    case "trigger":
      return { ...shared, action: "trigger", severity, title: opened, what: detail ?? `${opened}.`, remedy };
    case "resolve": {
      const title = naming.closed(name, subject);
      return {
        ...shared,
        action: "resolve",
        severity: "info",
        title,
        what: detail ?? `${title}.`,
        remedy: null,
      };
    }
    case "flapping": {
      const what = `It changed ${changedAt.length} times within ${MINUTES} minutes. Nothing more is said of it until it was steady for ${MINUTES} minutes.`;
      const title = `${name}: ${naming.many}, on and off`;
      return { ...shared, action: "trigger", severity, title, what, remedy };
    }
    case "settled": {
      const what = `It did not change for ${MINUTES} minutes.`;
      return isOpen
        ? { ...shared, action: "trigger", severity, title: opened, what, remedy }
        : {
            ...shared,
            action: "resolve",
            severity: "info",
            title: naming.closed(name, subject),
            what,
            remedy: null,
          };
    }
    case "acknowledge":
      return {
        ...shared,
        action: "acknowledge",
        severity: "info",
        title: opened,
        what: "Somebody is at it.",
        remedy: null,
      };
    default:
      return says satisfies never;
  }
}

/** One message for many failovers that have the same trouble; without names it is over. */
export function troubleOfMany(
  { kind, type, key, severity }: Incident,
  names: readonly string[],
  { eventId, at, linkOf }: Omit<Setting, "name" | "subject">,
): Notification {
  const { many, remedy } = INCIDENTS[kind];
  const shared = { type, incident: key, link: linkOf(null), failover: null, visitors: null, eventId, at };
  if (names.length === 0) {
    const title = `Over for every failover: ${many}`;
    return {
      ...shared,
      action: "resolve",
      severity: "info",
      title,
      what: `${title}.`,
      remedy: null,
      members: [],
    };
  }
  return {
    ...shared,
    action: "trigger",
    severity,
    title: `${names.length} failovers: ${many}`,
    what: `At the same time: ${listed(names, MOST_NAMES)}.`,
    remedy: remedy(null),
    members: names,
  };
}
