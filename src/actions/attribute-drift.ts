// Asks the account's audit log whose doing it was what somebody changed at Cloudflare. Nothing waits for the answer.
import { CloudflareError } from "../cloudflare/errors.ts";
import { findDoer, nextAsk, type AuditEntry } from "../failover/attribution.ts";
import type { FailoverEvent } from "../failover/results.ts";
import {
  forgetAttributions,
  insertUnattributed,
  loadAuditLogState,
  loadDueAttributions,
  postponeAttribution,
  saveAuditLogState,
  type PendingAttribution,
} from "../store/attributions.ts";
import { commit, insertEvents, type FailoverRecord, type Write } from "../store/failovers.ts";
import type { Context } from "./context.ts";
import { eventOf, SYSTEM } from "./record.ts";

const AT_ONCE = 50;
/** Without the permission it is tried so often, in case that somebody has granted it. */
const TRY_AGAIN_AFTER_MS = 3_600_000;
/** No change is looked for that happened longer ago, whenever we last looked. */
const LONGEST_MS = 86_400_000;

const TYPES: ReadonlySet<string> = new Set(["drift.detected", "foreign_routing.detected"]);

/** To be stored with the events that tell of somebody else's doing. */
export function awaitAttribution(
  context: Context,
  { failover }: FailoverRecord,
  events: readonly FailoverEvent[],
): Write[] {
  const told = events.find(({ type }) => TYPES.has(type));
  const objectIds = Object.values(failover.ids);
  if (told === undefined || objectIds.length === 0) return [];
  const since = Math.max(context.lastLookAt() ?? 0, told.at - LONGEST_MS);
  return [
    insertUnattributed(context.db, context.accountId, {
      eventId: told.id,
      failoverId: failover.id,
      objectIds,
      since: Math.min(since, told.at),
      detectedAt: told.at,
    }),
  ];
}

function attributed(context: Context, pending: PendingAttribution, doer: AuditEntry): FailoverEvent {
  return eventOf(context, "drift.attributed", pending.failoverId, SYSTEM, {
    event_id: pending.eventId,
    by: {
      actor: doer.actor,
      kind: doer.kind,
      context: doer.context,
      token_name: doer.tokenName,
      action: doer.action,
      at: new Date(doer.at).toISOString(),
      audit_log_id: doer.id,
      source: "audit log",
    },
  });
}

function settled(
  context: Context,
  due: readonly PendingAttribution[],
  entries: readonly AuditEntry[],
): Write[] {
  const now = context.clock.now();
  return due.flatMap((pending) => {
    const doer = findDoer(entries, pending);
    const asked = pending.asked + 1;
    const dueAt = nextAsk(asked, now);
    if (doer === null && dueAt !== null)
      return [postponeAttribution(context.db, pending.eventId, asked, dueAt)];
    return [
      forgetAttributions(context.db, [pending.eventId]),
      ...(doer === null
        ? []
        : insertEvents(context.db, context.accountId, [attributed(context, pending, doer)])),
    ];
  });
}

/** One call for all that waits, within what polling may cost. */
export async function attributeDrift(context: Context): Promise<void> {
  const { db, accountId, clock } = context;
  const now = clock.now();
  const due = await loadDueAttributions(db, accountId, now, AT_ONCE);
  if (due.length === 0) return;
  const ids = due.map(({ eventId }) => eventId);
  const state = await loadAuditLogState(db, accountId);
  if (state !== null && state.unreadable !== null && now - state.readAt < TRY_AGAIN_AFTER_MS) {
    await commit(db, [forgetAttributions(db, ids)]);
    return;
  }
  let entries: readonly AuditEntry[];
  try {
    const since = Math.min(...due.map((one) => one.since));
    entries = await context.auditLog.changes(since - 60_000, now + 1);
  } catch (error) {
    if (!(error instanceof CloudflareError)) throw error;
    const mayPass = error.kind === "rate-limited" || error.kind === "unavailable";
    const unreadable = `whose doing drift is can't be told: the account's audit log can't be read (${error.message})`;
    // GET /readyz says so; it is no fault.
    await commit(
      db,
      mayPass
        ? due.map(({ eventId, asked }) => postponeAttribution(db, eventId, asked, now + 60_000))
        : [saveAuditLogState(db, accountId, { readAt: now, unreadable }), forgetAttributions(db, ids)],
    );
    return;
  }
  await commit(db, [
    ...(state?.unreadable === null
      ? []
      : [saveAuditLogState(db, accountId, { readAt: now, unreadable: null })]),
    ...settled(context, due, entries),
  ]);
}
