import type { Priority } from "../cloudflare/budget.ts";
import { completeSpec } from "../failover/complete.ts";
import { incompleteness } from "../failover/desired.ts";
import type { EventType } from "../failover/events.ts";
import type { Failover } from "../failover/failover.ts";
import { ROLES } from "../failover/marker.ts";
import { describeRole, findDifferences, wantedOf } from "../failover/plan.ts";
import type { FailoverEvent, FieldError, KnownDrift, Origin, Sync } from "../failover/results.ts";
import { latest, type StoredStatus } from "../failover/status.ts";
import {
  commit,
  insertEvents,
  saveStatus,
  setApplied,
  setDue,
  type FailoverRecord,
  type Write,
} from "../store/failovers.ts";
import { awaitAttribution } from "./attribute-drift.ts";
import type { Context } from "./context.ts";
import { converge, type Convergence, type ReconcileRequest } from "./converge.ts";
import { deleteSurplus } from "./delete-surplus.ts";
import { endExpiredLeases } from "./end-leases.ts";
import { endLapsed } from "./end-lapsed.ts";
import { followDrill } from "./follow-drill.ts";
import { observe } from "./observe.ts";
import { eventOf, SOMEBODY_ELSE } from "./record.ts";
import { recordDiscoveries } from "./record-discoveries.ts";
import { resolveFacts } from "./resolve-facts.ts";
import type { Snapshot } from "./snapshot.ts";
import { findTakenHostnames } from "./taken-names.ts";

export type { ReconcileRequest } from "./converge.ts";

export interface ReconcileResult {
  /** With the ids and facts as they are now. */
  readonly failover: Failover;
  readonly sync: Sync;
  readonly message: string;
  /** Whether all four objects are as wanted, whatever else there is to say. */
  readonly inPlace: boolean;
  readonly convergence: Convergence | null;
  /** As it is stored now. */
  readonly status: StoredStatus;
}

function describeDrift(drift: readonly KnownDrift[]): string {
  const listed = drift.slice(0, 3).map(({ role, path, healAt }) => {
    const when = healAt === null ? "" : `, to be healed at ${new Date(healAt).toISOString()} unless adopted`;
    return path === "id"
      ? `${describeRole(role)} was deleted by somebody else${when}`
      : `${path} of ${describeRole(role)} was changed by somebody else${when}`;
  });
  return listed.join("; ") + (drift.length > 3 ? `; and ${drift.length - 3} more` : "");
}

function isInPlace({ plan, obstacles }: Convergence): boolean {
  return obstacles.size + plan.unknown.length + plan.blocked.length + plan.changes.length === 0;
}

/** What holds back healing beside policy and grace time. */
function whyHeld({ freeze, brake }: FailoverRecord): string {
  if (freeze !== null) return `; the fleet is frozen (${freeze.reason}), so it is not healed`;
  return brake === null
    ? ""
    : `; it is not healed before somebody agrees (POST /v1/fleet/agree, ${brake.id}), because ${brake.message}`;
}

/** `taken` is what somebody else has by now and this failover needs, or will need for its next stage. */
function conclude(
  { plan, decision, obstacles }: Convergence,
  taken: readonly FieldError[],
  record: FailoverRecord,
): { sync: Sync; message: string } {
  const found = [...obstacles.values()];
  const obstacle = found.find(({ sync }) => sync === "blocked") ?? found[0];
  if (obstacle !== undefined) return { sync: obstacle.sync, message: obstacle.why };
  if (plan.unknown[0] !== undefined) return { sync: "unknown", message: plan.unknown[0] };
  if (plan.blocked[0] !== undefined) return { sync: "blocked", message: plan.blocked[0] };
  if (decision.held.length > 0)
    return { sync: "drifted", message: `${describeDrift(decision.held)}${whyHeld(record)}` };
  if (plan.changes[0] !== undefined) return { sync: "converging", message: plan.changes[0].reason };
  if (taken[0] !== undefined) return { sync: "blocked", message: taken[0].message };
  if (plan.foreign[0] !== undefined)
    return { sync: "synced", message: `as wanted, but ${plan.foreign[0].message}` };
  return { sync: "synced", message: "everything at Cloudflare is as wanted" };
}

const keyOf = ({ role, path, before }: KnownDrift) => JSON.stringify([role, path, before]);

function shown(drift: readonly KnownDrift[]): readonly Record<string, unknown>[] {
  return drift.map(({ role, class: kind, path, before, after, healAt, disabledAt }) => {
    return {
      role,
      class: kind,
      path,
      before,
      after,
      heal_at: healAt === null ? null : new Date(healAt).toISOString(),
      ...(disabledAt === undefined ? {} : { disabled_at: disabledAt }),
    };
  });
}

/** Facts for what changed only. */
function eventsOf(
  context: Context,
  record: FailoverRecord,
  after: StoredStatus,
  healed: readonly KnownDrift[],
  origin: Origin,
): FailoverEvent[] {
  const { id } = record.failover;
  const before = record.status;
  const known = new Set(before.drift.map(keyOf));
  const ended = new Set([...after.drift, ...healed].map(keyOf));
  const detected = [...after.drift, ...healed].filter((one) => !known.has(keyOf(one)));
  const resolved = before.drift.filter((one) => !ended.has(keyOf(one)));
  // Whoever asked us to look did no more than that.
  const theirs: Origin = { ...origin, actor: SOMEBODY_ELSE };
  const of = (type: EventType, drift: readonly KnownDrift[], by: Origin) =>
    drift.length === 0 ? [] : [eventOf(context, type, id, by, { drift: shown(drift) })];
  const routing = (
    type: EventType,
    here: StoredStatus["foreign"],
    there: StoredStatus["foreign"],
    by: Origin,
  ) => {
    const old = new Set(there.map(({ message }) => message));
    const news = here.filter(({ message }) => !old.has(message));
    const told = news.map(({ role, path, message, kept }) => {
      return { role, path, message, class: "foreign", kept };
    });
    return news.length === 0 ? [] : [eventOf(context, type, id, by, { foreign: told })];
  };
  const changed = { before: before.sync, after: after.sync, message: after.message };
  return [
    ...of("drift.detected", detected, theirs),
    ...of("drift.healed", healed, origin),
    ...of("drift.resolved", resolved, origin),
    ...routing("foreign_routing.detected", after.foreign, before.foreign, theirs),
    ...routing("foreign_routing.resolved", before.foreign, after.foreign, origin),
    ...(before.sync === after.sync ? [] : [eventOf(context, "sync.changed", id, origin, changed)]),
  ];
}

/** Marks as applied what is in place, so that a later difference is known to be somebody else's. */
function appliedWrites(
  context: Context,
  record: FailoverRecord,
  { observation, desired, decision }: Convergence,
): Write[] {
  const { failover, observed } = observation;
  return ROLES.flatMap((role) => {
    const sighting = observed[role];
    if (sighting.state !== "found" || JSON.stringify(record.applied[role]) === JSON.stringify(desired[role]))
      return [];
    const wanted = wantedOf(failover, role, sighting.object, desired[role]);
    const theirs = new Set(decision.held.filter((one) => one.role === role).map(({ path }) => path));
    const ours = findDifferences(role, sighting.object, wanted).filter(({ path }) => !theirs.has(path));
    return ours.length === 0 ? [setApplied(context.db, failover.id, role, desired[role])] : [];
  });
}

/**
 * The instant of the next look that can't wait for the minute: when an unresolved write can't land any more. One that
 * is past was looked at just now, to no avail: the next tick will do.
 */
function nextLook(context: Context, failoverId: string): number | null {
  const now = context.clock.now();
  const deadlines = ROLES.flatMap((role) => context.intents.of(failoverId, role)?.deadlineAt ?? []);
  const ahead = deadlines.filter((deadlineAt) => deadlineAt >= now);
  return ahead.length === 0 ? null : Math.min(...ahead) + 1000;
}

async function settle(
  context: Context,
  record: FailoverRecord,
  failover: Failover,
  convergence: Convergence | null,
  { sync, message }: { sync: Sync; message: string },
  readAt: number | null,
  origin: Origin,
): Promise<ReconcileResult> {
  const before = record.status;
  const inPlace = convergence !== null && isInPlace(convergence);
  const unseen = new Set(ROLES.filter((role) => convergence?.observation.observed[role].state !== "found"));
  const carried = before.drift.filter((one) => unseen.has(one.role) && one.path !== "id");
  const status: StoredStatus = {
    ...before,
    sync,
    message,
    drift: convergence === null ? before.drift : [...carried, ...convergence.decision.drift],
    foreign: convergence?.plan.foreign ?? before.foreign,
    reconciledRevision: inPlace ? failover.revision : before.reconciledRevision,
    observedAt: before.observedAt,
  };
  const changed = JSON.stringify(status) !== JSON.stringify(before);
  const observedAt = sync === "unknown" ? latest(before.observedAt, context.lastLookAt()) : readAt;
  const stored = changed ? { ...status, observedAt } : before;
  const events = eventsOf(context, record, status, convergence?.healed ?? [], origin);
  const dueAt = nextLook(context, failover.id);
  await commit(context.db, [
    ...(convergence === null ? [] : appliedWrites(context, record, convergence)),
    ...(changed ? [saveStatus(context.db, failover.id, stored)] : []),
    ...(dueAt === record.dueAt ? [] : [setDue(context.db, failover.id, dueAt)]),
    ...insertEvents(context.db, context.accountId, events),
    ...awaitAttribution(context, record, events),
  ]);
  return { failover, sync, message, inPlace, convergence, status: stored };
}

/** A snapshot that has this zone; shared wherever it can be. */
export type SnapshotFor = (zoneId: string, priority: Priority) => Promise<Snapshot>;

/**
 * Looks at one failover, compares and converges, and writes down what was found. Level-triggered: nothing matters but
 * the stored intent and what Cloudflare says. The caller has the failover for itself alone.
 */
export async function reconcile(
  context: Context,
  given: FailoverRecord,
  snapshotFor: SnapshotFor,
  request: ReconcileRequest,
): Promise<ReconcileResult> {
  let record = await endExpiredLeases(context, given);
  const spec = completeSpec(record.failover.input, record.failover.facts);
  if (incompleteness(record.failover, spec) !== null) {
    const { failover, problem } = await resolveFacts(context, record.failover, request.priority);
    record = { ...record, failover };
    if (problem !== null) {
      const outcome = { sync: problem.definite ? "blocked" : "unknown", message: problem.why } as const;
      return settle(context, record, failover, null, outcome, null, request.origin);
    }
  }
  const snapshot = await snapshotFor(record.failover.facts.zone?.id ?? "", request.priority);
  const first = await observe(context, record.failover, snapshot, request.priority);
  await recordDiscoveries(context, first);
  const convergence = await converge(context, record, first, request);
  const failover = await endLapsed(context, convergence.observation, request.priority);
  await deleteSurplus(context, failover, snapshot);
  await followDrill(context, record, convergence, request.priority);
  const completed = completeSpec(failover.input, failover.facts);
  const taken = findTakenHostnames(context.installation, completed, failover, snapshot);
  return settle(
    context,
    record,
    failover,
    convergence,
    conclude(convergence, taken, record),
    snapshot.readAt,
    request.origin,
  );
}
