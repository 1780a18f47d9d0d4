// Decides how a trouble lives: it opens, it ends, it keeps coming and going, or it is our own doing and stays unsaid.
//
//   before   | now it is there           | now it isn't    | its instant came
//   ---------+---------------------------+-----------------+---------------------------------------
//   -        | open: told                | -               |
//   -        | silenced, if by our lease | -               |
//   silenced | silenced                  | -               | open: told, unless still by our lease
//   open     | open                      | closed: told    |
//   closed   | open: told                | closed          | forgotten after ten minutes
//   any      | the third change within ten minutes: flapping, told once
//   flapping | flapping                  | flapping        | open or closed: told, ten minutes after the last change
import type { EventType } from "../failover/events.ts";
import type { IncidentKind } from "./incident-kinds.ts";
import type { Severity } from "./notification.ts";

export const FLAPPING_WINDOW_MS = 600_000;
const FLAPPING_CHANGES = 3;

export interface Incident {
  readonly key: string;
  readonly failoverId: string;
  readonly kind: IncidentKind;
  readonly state: "silenced" | "open" | "flapping" | "closed";
  /** Whether the trouble is there, by the last event; what a flapping one has to be remembered for. */
  readonly isOpen: boolean;
  /** The event that began it: channels choose by its type and severity, also for how it ends. */
  readonly type: EventType;
  readonly severity: Severity;
  readonly detail: string | null;
  /** When it changed of late, ms since the epoch. */
  readonly changedAt: readonly number[];
  /** Whom it was told to: they hear of its end too, and nobody else. */
  readonly told: readonly string[];
  readonly acknowledged: boolean;
  /** Where it was told as part of a trouble of many failovers: that one's key. */
  readonly group: string | null;
  /** Of a trouble of many: whom it is about, as long as they have it. */
  readonly members?: readonly Member[];
  /** When it has to be looked at although nothing happens; ms since the epoch, null where it hasn't. */
  readonly dueAt: number | null;
}

export interface Member {
  readonly id: string;
  readonly name: string;
}

/** What is to be said. */
export type Says = "trigger" | "resolve" | "flapping" | "settled" | null;

export interface Step {
  /** Null where nothing of it needs to be remembered. */
  readonly incident: Incident | null;
  readonly says: Says;
}

export function incidentKey(failoverId: string, kind: IncidentKind): string {
  return `${failoverId}:${kind}`;
}

export type Opening = Pick<Incident, "failoverId" | "kind" | "type" | "severity" | "detail">;

const recent = (incident: Incident | null, now: number) =>
  (incident?.changedAt ?? []).filter((at) => now - at < FLAPPING_WINDOW_MS);

function flapping(incident: Incident, changedAt: readonly number[], now: number): Step {
  const due = now + FLAPPING_WINDOW_MS;
  return { incident: { ...incident, state: "flapping", changedAt, dueAt: due }, says: "flapping" };
}

/** The trouble is there. `silentUntil` is set where a lease of ours causes it; `flaps` where Cloudflare itself says so. */
export function opens(
  before: Incident | null,
  opening: Opening,
  now: number,
  { silentUntil = null, flaps = false }: { silentUntil?: number | null; flaps?: boolean } = {},
): Step {
  const changedAt = [...recent(before, now), now];
  const fresh: Incident = {
    ...opening,
    key: incidentKey(opening.failoverId, opening.kind),
    state: "open",
    isOpen: true,
    changedAt,
    told: before?.told ?? [],
    acknowledged: false,
    group: null,
    dueAt: null,
  };
  if (before === null || before.state === "closed") {
    if (silentUntil !== null)
      return { incident: { ...fresh, state: "silenced", dueAt: silentUntil }, says: null };
    if (flaps || changedAt.length >= FLAPPING_CHANGES) return flapping(fresh, changedAt, now);
    return { incident: fresh, says: "trigger" };
  }
  if (before.state === "open") {
    return flaps
      ? flapping(before, recent(before, now), now)
      : { incident: { ...before, detail: opening.detail }, says: null };
  }
  if (before.state === "silenced" || before.isOpen) return { incident: before, says: null };
  return { incident: { ...before, isOpen: true, changedAt, dueAt: now + FLAPPING_WINDOW_MS }, says: null };
}

/** The trouble is over. */
export function closes(before: Incident | null, now: number): Step {
  if (before === null || before.state === "silenced") return { incident: null, says: null };
  if (before.state === "closed") return { incident: before, says: null };
  const changedAt = [...recent(before, now), now];
  if (before.state === "flapping") {
    if (!before.isOpen) return { incident: before, says: null };
    const dueAt = now + FLAPPING_WINDOW_MS;
    return { incident: { ...before, isOpen: false, changedAt, dueAt }, says: null };
  }
  const closed: Incident = { ...before, state: "closed", isOpen: false, changedAt, dueAt: null };
  if (changedAt.length >= FLAPPING_CHANGES) return flapping(closed, changedAt, now);
  return { incident: closed, says: "resolve" };
}

/** Its instant came, and nothing happened until then. */
export function settles(before: Incident, now: number, silentUntil: number | null): Step {
  if (before.dueAt === null || now < before.dueAt) return { incident: before, says: null };
  if (before.state === "silenced") {
    return silentUntil === null
      ? { incident: { ...before, state: "open", dueAt: null }, says: "trigger" }
      : { incident: { ...before, dueAt: silentUntil }, says: null };
  }
  if (before.state !== "flapping") return { incident: { ...before, dueAt: null }, says: null };
  const state = before.isOpen ? "open" : "closed";
  return { incident: { ...before, state, dueAt: null }, says: "settled" };
}

/** One that ended this long ago can't be flapping any more. */
export function isForgotten({ state, changedAt }: Incident, now: number): boolean {
  return state === "closed" && changedAt.every((at) => now - at >= FLAPPING_WINDOW_MS);
}
