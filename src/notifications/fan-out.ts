// Decides what becomes of new events: which troubles begin and end, and which channel is told what, in order.
import type { FailoverEvent } from "../failover/results.ts";
import { fitsFilter, takesNews, type Channel } from "./channel.ts";
import { textIn } from "./facts.ts";
import { gather } from "./groups.ts";
import { changesOf, INCIDENTS, type Change, type IncidentKind } from "./incident-kinds.ts";
import { closes, incidentKey, isForgotten, opens, settles, type Incident, type Step } from "./incidents.ts";
import type { Notification } from "./notification.ts";
import { atStage, type Subject } from "./subject.ts";
import { news, trouble, type LinkOf, type Setting } from "./words.ts";

export interface FanOutFacts {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** In the order of their seq. */
  readonly events: readonly FailoverEvent[];
  /** By id, as they are now; one that is gone is missing. */
  readonly subjects: ReadonlyMap<string, Subject>;
  readonly fleetSize: number;
  readonly incidents: readonly Incident[];
  readonly channels: readonly Channel[];
  readonly linkOf: LinkOf;
}

export interface Message {
  readonly channelId: string;
  /** Messages of one lane reach a channel in order: a failover's id, or the fleet. */
  readonly lane: string;
  readonly notification: Notification;
}

export interface FanOut {
  readonly messages: readonly Message[];
  /** New or changed. */
  readonly saved: readonly Incident[];
  /** Keys of those that needn't be remembered. */
  readonly forgotten: readonly string[];
}

/** Something to say, before it is known to whom. */
export type Utterance =
  | { readonly kind: "news"; readonly event: FailoverEvent; readonly setting: Setting }
  | {
      readonly kind: "trouble";
      readonly says: Exclude<Step["says"], null> | "acknowledge";
      readonly key: string;
      readonly setting: Setting;
    };

/** How long after a rehearsal its traces may still be seen. */
const AFTER_DRILL_MS = 180_000;
const WHILE_DRILLING_MS = 600_000;
/** These tell why an operation failed in words of their own. */
const TELLS_OF_FAILURE: ReadonlySet<string> = new Set([
  "bake.failed",
  "drill.failed",
  "failover.demote_reverted",
  "failover.promote_reverted",
  "failover.switch_over_reverted",
]);

const DRILL_ENDS: ReadonlySet<string> = new Set(["drill.passed", "drill.failed", "drill.aborted"]);

/** By these a person shows that somebody knows of the trouble and is at it. */
const SOMEBODY_ACTS: ReadonlySet<string> = new Set([
  "drift.adopted",
  "failover.paused",
  "failover.switch_over_started",
  "lease.renewed",
]);

/** Until when a trouble is our own doing: a rehearsal moves traffic, and takes a pool out of use. */
function silentUntil(kind: IncidentKind, subject: Subject | null, now: number): number | null {
  if (subject === null || !subject.drilling) return null;
  const isOurs =
    kind === "diverted" || (subject.disabled !== null && kind === `${subject.disabled}-unhealthy`);
  return isOurs ? now + WHILE_DRILLING_MS : null;
}

/** The incidents while they are changed, and what became of them. */
interface Ledger {
  readonly incidents: Map<string, Incident>;
  set(key: string, incident: Incident | null): void;
  changed(): readonly Incident[];
  gone(): readonly string[];
}

function openLedger(found: readonly Incident[]): Ledger {
  const before = new Map(found.map((incident) => [incident.key, incident]));
  const incidents = new Map(before);
  return {
    incidents,
    set(key, incident) {
      if (incident === null) incidents.delete(key);
      else incidents.set(key, incident);
    },
    changed: () => [...incidents.values()].filter((incident) => before.get(incident.key) !== incident),
    gone: () => [...before.keys()].filter((key) => !incidents.has(key)),
  };
}

function stepOf(
  event: FailoverEvent,
  change: Change,
  ledger: Ledger,
  subject: Subject | null,
  now: number,
): Step {
  const key = incidentKey(event.failoverId, change.kind);
  const before = ledger.incidents.get(key) ?? null;
  if (!change.isOpen) {
    const step = closes(before, now);
    return step.says === null || step.incident === null
      ? step
      : { ...step, incident: { ...step.incident, detail: change.detail } };
  }
  const severity = INCIDENTS[change.kind].severity(subject);
  const opening = {
    failoverId: event.failoverId,
    kind: change.kind,
    type: event.type as Incident["type"],
    severity: subject === null ? severity : atStage(severity, subject.stage),
    detail: change.detail,
  };
  const silence = silentUntil(change.kind, subject, now);
  return opens(before, opening, now, { silentUntil: silence, flaps: change.flaps === true });
}

/** What is said of one event, with the troubles that it begins and ends written into the ledger. */
function tell(event: FailoverEvent, ledger: Ledger, facts: FanOutFacts): Utterance[] {
  const { now, subjects, linkOf } = facts;
  const subject = subjects.get(event.failoverId) ?? null;
  const name = subject?.name ?? textIn(event, "name") ?? event.failoverId;
  const setting: Setting = { name, subject, eventId: event.id, at: event.at, linkOf };
  const told: Utterance[] = [];
  let isToldAsEnd = false;
  for (const change of changesOf(event, subject)) {
    const step = stepOf(event, change, ledger, subject, now);
    const key = incidentKey(event.failoverId, change.kind);
    ledger.set(key, step.incident);
    if (step.says === null) continue;
    told.push({ kind: "trouble", says: step.says, key, setting });
    isToldAsEnd ||= step.says === "resolve" && (change.kind === "drift" || change.kind === "brake");
  }
  const isToldBeside =
    event.type === "operation.failed" &&
    facts.events.some(
      (one) => TELLS_OF_FAILURE.has(one.type) && one.data["operation_id"] === event.data["operation_id"],
    );
  if (!isToldAsEnd && !isToldBeside) told.push({ kind: "news", event, setting });
  for (const incident of ledger.incidents.values()) {
    if (incident.failoverId !== event.failoverId) continue;
    if (DRILL_ENDS.has(event.type) && incident.state === "silenced") {
      ledger.set(incident.key, { ...incident, dueAt: now + AFTER_DRILL_MS });
    }
    if (SOMEBODY_ACTS.has(event.type) && event.origin.actor.kind !== "system" && incident.isOpen) {
      if (incident.acknowledged || incident.state === "silenced") continue;
      ledger.set(incident.key, { ...incident, acknowledged: true });
      told.push({ kind: "trouble", says: "acknowledge", key: incident.key, setting });
    }
    if (event.type === "failover.deleted" && incident.isOpen && incident.state !== "silenced") {
      const closed = { ...incident, state: "closed", isOpen: false, detail: null, dueAt: null } as const;
      ledger.set(incident.key, closed);
      told.push({ kind: "trouble", says: "resolve", key: incident.key, setting });
    }
  }
  return told;
}

/** What is said because an instant came. */
function tellDue(ledger: Ledger, { now, subjects, linkOf }: FanOutFacts): Utterance[] {
  return [...ledger.incidents.values()].flatMap((incident): Utterance[] => {
    if (incident.dueAt === null || incident.dueAt > now) return [];
    const subject = subjects.get(incident.failoverId) ?? null;
    const step = settles(incident, now, silentUntil(incident.kind, subject, now));
    ledger.set(incident.key, step.incident);
    const name = subject?.name ?? incident.failoverId;
    const setting: Setting = { name, subject, eventId: null, at: now, linkOf };
    return step.says === null ? [] : [{ kind: "trouble", says: step.says, key: incident.key, setting }];
  });
}

/** A trouble that begins is told to whom it concerns; how it goes on, to those who know of it. */
function hearers(
  incident: Incident,
  says: string,
  name: string | null,
  channels: readonly Channel[],
): readonly Channel[] {
  const { type, severity, told } = incident;
  if (says === "acknowledge")
    return channels.filter((one) => one.type === "pagerduty" && told.includes(one.id));
  const isNew = says === "trigger" || says === "flapping";
  return channels.filter(
    ({ id, filter }) =>
      told.includes(id) || (isNew && fitsFilter(filter, { type, severity, failoverName: name })),
  );
}

function address(utterance: Utterance, ledger: Ledger, channels: readonly Channel[]): Message[] {
  const { setting } = utterance;
  if (utterance.kind === "news") {
    const { event } = utterance;
    const notification = news(event, setting);
    if (notification === null) return [];
    const failoverName = event.failoverId === "fleet" ? null : setting.name;
    const about = { type: event.type, severity: notification.severity, failoverName };
    return channels
      .filter(
        (one) => takesNews(one) && one.id !== textIn(event, "channel_id") && fitsFilter(one.filter, about),
      )
      .map(({ id }) => ({ channelId: id, lane: event.failoverId, notification }));
  }
  const incident = ledger.incidents.get(utterance.key);
  if (incident === undefined) return [];
  const name = incident.failoverId === "fleet" ? null : setting.name;
  const to = hearers(incident, utterance.says, name, channels);
  const notification = trouble(incident, utterance.says, setting);
  ledger.set(incident.key, {
    ...incident,
    told: [...new Set([...incident.told, ...to.map(({ id }) => id)])],
  });
  return to.map(({ id }) => ({ channelId: id, lane: incident.failoverId, notification }));
}

export function decideFanOut(facts: FanOutFacts): FanOut {
  const { now, events } = facts;
  const ledger = openLedger(facts.incidents);
  const channels = facts.channels.filter(({ disabled }) => disabled === null);
  const said = [...events.flatMap((event) => tell(event, ledger, facts)), ...tellDue(ledger, facts)];
  const { single, messages: grouped } = gather(said, ledger.incidents, { ...facts, channels });
  const messages = [...single.flatMap((one) => address(one, ledger, channels)), ...grouped];
  const deleted = new Set(
    events.filter(({ type }) => type === "failover.deleted").map(({ failoverId }) => failoverId),
  );
  for (const incident of ledger.incidents.values()) {
    if (deleted.has(incident.failoverId) || isForgotten(incident, now)) ledger.set(incident.key, null);
  }
  return { messages, saved: ledger.changed(), forgotten: ledger.gone() };
}
