// Decides when the same trouble of many failovers is one message with a list: when more than five of them, or a third
// of the fleet, have it in the same moment.
import { fitsFilter, type Channel } from "./channel.ts";
import type { FanOutFacts, Message, Utterance } from "./fan-out.ts";
import type { IncidentKind } from "./incident-kinds.ts";
import { incidentKey, type Incident, type Member } from "./incidents.ts";
import { worse, type Severity } from "./notification.ts";
import { troubleOfMany } from "./words.ts";

/** Events of the whole fleet belong to no failover. */
const FLEET = "fleet";
const MANY = 5;
const FEWEST = 3;
/** So long after it began, who has the same trouble is counted in. */
const JOINING_MS = 600_000;

export function isFleetWide(count: number, fleetSize: number): boolean {
  return count > MANY || (count >= FEWEST && count * 3 >= fleetSize);
}

type Trouble = Extract<Utterance, { kind: "trouble" }>;
type Facts = Pick<FanOutFacts, "now" | "fleetSize" | "linkOf"> & { readonly channels: readonly Channel[] };

const isOfMany = (incident: Incident): boolean => incident.members !== undefined;

function beginningsByKind(
  said: readonly Utterance[],
  incidents: ReadonlyMap<string, Incident>,
): Map<IncidentKind, { utterance: Trouble; incident: Incident }[]> {
  const begun = said.flatMap((utterance) => {
    const incident = utterance.kind === "trouble" ? incidents.get(utterance.key) : undefined;
    const isBeginning = utterance.kind === "trouble" && utterance.says === "trigger";
    return incident === undefined || !isBeginning || incident.failoverId === FLEET || !incident.isOpen
      ? []
      : [{ utterance, incident }];
  });
  return Map.groupBy(begun, ({ incident }) => incident.kind);
}

function messagesOf(
  before: readonly Member[],
  group: Incident,
  { channels, now, linkOf }: Facts,
): { messages: Message[]; told: readonly string[] } {
  const { type, severity, members = [] } = group;
  const told = new Set(group.told);
  const messages = channels.flatMap((channel): Message[] => {
    const seen = (all: readonly Member[]) =>
      all.filter(({ name }) => fitsFilter(channel.filter, { type, severity, failoverName: name }));
    const [was, is] = [new Set(seen(before).map(({ id }) => id)), seen(members)];
    const isOver = is.length === 0 && told.has(channel.id);
    if (!isOver && !is.some(({ id }) => !was.has(id))) return [];
    if (isOver) told.delete(channel.id);
    else told.add(channel.id);
    const names = is.map(({ name }) => name);
    const notification = troubleOfMany(group, names, { eventId: null, at: now, linkOf });
    return [{ channelId: channel.id, lane: FLEET, notification }];
  });
  return { messages, told: [...told] };
}

function severityOf(incidents: readonly Incident[]): Severity {
  return incidents.reduce<Severity>((worst, { severity }) => worse(worst, severity), "info");
}

/**
 * Takes out of what is said whatever is told for many at once, and says that instead. Changes the incidents: who is
 * part of a trouble of many, and that trouble itself.
 */
export function gather(
  said: readonly Utterance[],
  incidents: Map<string, Incident>,
  facts: Facts,
): { single: readonly Utterance[]; messages: readonly Message[] } {
  const { now, fleetSize } = facts;
  const taken = new Set<Utterance>();
  const before = new Map([...incidents.values()].filter(isOfMany).map((one) => [one.key, one.members ?? []]));

  for (const [kind, begun] of beginningsByKind(said, incidents)) {
    const key = incidentKey(FLEET, kind);
    const group = incidents.get(key);
    const isJoined = group?.isOpen === true && now - (group.changedAt[0] ?? 0) < JOINING_MS;
    if (!isJoined && !isFleetWide(begun.length, fleetSize)) continue;
    const joining = begun.map(({ utterance, incident }) => {
      taken.add(utterance);
      incidents.set(incident.key, { ...incident, group: key });
      return { id: incident.failoverId, name: utterance.setting.name };
    });
    const found = begun.map(({ incident }) => incident);
    const [first] = found;
    if (first === undefined) continue;
    const isOpen = group?.isOpen === true;
    const known = isOpen ? (group.members ?? []) : [];
    incidents.set(key, {
      ...first,
      key,
      failoverId: FLEET,
      severity: severityOf(isOpen ? [...found, group] : found),
      detail: null,
      changedAt: isOpen ? group.changedAt : [now],
      told: isOpen ? group.told : [],
      group: null,
      members: [...known, ...joining.filter(({ id }) => !known.some((one) => one.id === id))],
    });
  }

  for (const incident of incidents.values()) {
    const group = incident.group === null ? undefined : incidents.get(incident.group);
    if (group === undefined || (incident.isOpen && incident.state === "open")) continue;
    const members = (group.members ?? []).filter(({ id }) => id !== incident.failoverId);
    incidents.set(incident.key, { ...incident, group: null });
    const isOpen = members.length > 0;
    incidents.set(group.key, { ...group, members, isOpen, state: isOpen ? "open" : "closed" });
    // Who was told of it only as one of many hears of the end of all.
    const end = said.find(
      (one) => one.kind === "trouble" && one.key === incident.key && one.says === "resolve",
    );
    if (end !== undefined && incident.told.length === 0) taken.add(end);
  }

  const messages: Message[] = [];
  for (const group of [...incidents.values()].filter(isOfMany)) {
    const was = before.get(group.key) ?? [];
    if (JSON.stringify(was) === JSON.stringify(group.members)) continue;
    const told = messagesOf(was, group, facts);
    messages.push(...told.messages);
    incidents.set(group.key, { ...group, told: told.told });
  }
  return { single: said.filter((one) => !taken.has(one)), messages };
}
