import { completeSpec } from "../failover/complete.ts";
import { presentHostname } from "../failover/desired.ts";
import { leasesInForce } from "../failover/leases.ts";
import type { FailoverEvent } from "../failover/results.ts";
import { deriveStatus } from "../failover/status.ts";
import { decideFanOut, type Message } from "../notifications/fan-out.ts";
import { INCIDENT_KINDS } from "../notifications/incident-kinds.ts";
import type { Incident } from "../notifications/incidents.ts";
import type { Subject } from "../notifications/subject.ts";
import { loadChannels } from "../store/channels.ts";
import { hastenLane, insertDelivery } from "../store/deliveries.ts";
import { commit, loadRecords, type FailoverRecord } from "../store/failovers.ts";
import {
  countFailovers,
  forgetIncidents,
  loadIncidents,
  loadOutbox,
  moveOutbox,
  saveIncidents,
} from "../store/outbox.ts";
import { toChannel } from "./channel-secrets.ts";
import type { Context } from "./context.ts";

/** So many events at once: what became of many failovers in one tick is seen together. */
const MOST_EVENTS = 500;

function subjectOf(record: FailoverRecord, now: number): Subject {
  const { failover, status, leases, operation } = record;
  const spec = completeSpec(failover.input, failover.facts);
  const { verdicts, serving } = status.announced;
  return {
    id: failover.id,
    name: failover.name,
    hostname: presentHostname(failover.stage, spec),
    stage: failover.stage,
    active: failover.active,
    serving,
    verdicts: { primary: verdicts.primary.cloudflare, secondary: verdicts.secondary.cloudflare },
    addresses: { primary: spec.primary.address, secondary: spec.secondary.address },
    sync: status.sync,
    message: deriveStatus(failover, status, record, null, now).message,
    drifted: status.drift.length > 0,
    foreign: status.foreign.some(({ kept }) => !kept),
    drilling: operation?.kind === "drill" || leasesInForce(leases, now).some(({ kind }) => kind === "drill"),
    disabled: failover.disabled,
  };
}

async function subjectsOf(context: Context, ids: ReadonlySet<string>): Promise<Map<string, Subject>> {
  if (ids.size === 0) return new Map();
  const now = context.clock.now();
  const among = [...ids];
  // The tick names in the log what can't be read.
  const records = await loadRecords(
    context.db,
    context.accountId,
    { all: true, among },
    now,
    () => undefined,
  );
  return new Map(records.map((record) => [record.failover.id, subjectOf(record, now)]));
}

function concerned(
  events: readonly FailoverEvent[],
  incidents: readonly Incident[],
  now: number,
): Set<string> {
  const due = incidents.filter(({ dueAt }) => dueAt !== null && dueAt <= now);
  return new Set(
    [...events, ...due].map(({ failoverId }) => failoverId).filter((id) => id.startsWith("fo_")),
  );
}

const isKnown = ({ kind }: Incident): boolean => INCIDENT_KINDS.includes(kind);

/** Each lane once. */
function lanesOf(messages: readonly Message[]): readonly Message[] {
  return [...new Map(messages.map((one) => [`${one.channelId} ${one.lane}`, one])).values()];
}

/**
 * Turns what happened since the last time into messages, in one batch with how far it came: whatever was committed as
 * an event is told, also where everything falls over in between, and told once.
 */
export async function fanOut(context: Context): Promise<void> {
  const { db, accountId, clock } = context;
  for (;;) {
    const now = clock.now();
    const outbox = await loadOutbox(db, accountId, now, MOST_EVENTS);
    if (outbox === null || (outbox.events.length === 0 && !outbox.isIncidentDue)) return;
    const { events, eventSeq } = outbox;
    const stored = (await loadIncidents(db, accountId)).map((text) => JSON.parse(text) as Incident);
    // Another version may have known other troubles: that one can't be told must not keep all others from it.
    const [incidents, unknown] = [stored.filter(isKnown), stored.filter((one) => !isKnown(one))];
    const [channels, subjects, fleetSize] = await Promise.all([
      loadChannels(db, accountId),
      subjectsOf(context, concerned(events, incidents, now)),
      countFailovers(db, accountId),
    ]);
    const { linkOf } = context.notifications;
    const decision = decideFanOut({
      now,
      events,
      subjects,
      fleetSize,
      incidents,
      channels: channels.map(toChannel),
      linkOf,
    });
    await commit(db, [
      moveOutbox(db, accountId, eventSeq, events.at(-1)?.seq ?? eventSeq),
      ...saveIncidents(db, accountId, decision.saved),
      ...forgetIncidents(db, accountId, [...decision.forgotten, ...unknown.map(({ key }) => key)]),
      ...decision.messages.map(({ channelId, lane, notification }) => {
        const delivery = { id: context.newId("dl"), channelId, lane, message: JSON.stringify(notification) };
        return insertDelivery(db, accountId, delivery, now);
      }),
      ...lanesOf(decision.messages).map(({ channelId, lane }) => hastenLane(db, channelId, lane, now)),
    ]);
    if (events.length < MOST_EVENTS) return;
  }
}
