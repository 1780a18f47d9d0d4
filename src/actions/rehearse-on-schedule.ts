import {
  decideScheduledDrill,
  heldBackBy,
  withHeldBack,
  type DrillOpening,
  type ScheduleDecision,
} from "../failover/drill-schedule.ts";
import type { Failure, Origin } from "../failover/results.ts";
import { commit, insertEvents, saveDrillOpening, type FailoverRecord } from "../store/failovers.ts";
import type { Context } from "./context.ts";
import { inParallel } from "./in-parallel.ts";
import { loadRecord } from "./load.ts";
import { eventOf } from "./record.ts";
import { beginDrill } from "./run-drill.ts";

const SCHEDULE: Origin = { actor: { kind: "cron", name: "schedule" }, requestId: null };

const WIDTH = 5;
/** A whole fleet may have the same window, and each drill costs calls: the others begin in the next minutes. */
const MOST_IN_A_TICK = 5;
/** A look this young serves all that begin in the same moment. */
const SHARED_FOR_MS = 5_000;

async function skip(
  context: Context,
  failoverId: string,
  { opening, message }: Extract<ScheduleDecision, { kind: "skip" }>,
): Promise<void> {
  const data = {
    window: {
      opens_at: new Date(opening.opensAt).toISOString(),
      closes_at: new Date(opening.closesAt).toISOString(),
    },
    message,
    held_back: opening.heldBack.map(({ why, guard, facts, at }) => {
      return { guard, message: why, facts, first_seen_at: new Date(at).toISOString() };
    }),
  };
  await commit(context.db, [
    saveDrillOpening(context.db, failoverId, opening),
    ...insertEvents(context.db, context.accountId, [
      eventOf(context, "drill.skipped", failoverId, SCHEDULE, data),
    ]),
  ]);
}

async function begin(
  context: Context,
  record: FailoverRecord,
  { request, opening }: Extract<ScheduleDecision, { kind: "begin" }>,
): Promise<Failure | null> {
  const begun: DrillOpening = { ...opening, outcome: "begun" };
  const started = await beginDrill(
    context,
    record,
    request,
    SCHEDULE,
    {
      snapshotFor: (zoneId, priority) => context.snapshots.recent([zoneId], SHARED_FOR_MS, priority),
      priority: "heal",
    },
    [saveDrillOpening(context.db, record.failover.id, begun)],
  );
  return started.ok ? null : started.failure;
}

/** What the judge found that nobody knew before. */
async function holdBack(
  context: Context,
  failoverId: string,
  opening: DrillOpening,
  { detail, refusals = [] }: Failure,
): Promise<void> {
  const now = context.clock.now();
  const found =
    refusals.length > 0
      ? heldBackBy(refusals, now)
      : [{ why: detail, guard: null, facts: {}, at: now } as const];
  const heldBack = withHeldBack(opening, found);
  if (heldBack !== null) await commit(context.db, [saveDrillOpening(context.db, failoverId, heldBack)]);
}

async function act(context: Context, record: FailoverRecord, mayBegin: () => boolean): Promise<void> {
  const { id } = record.failover;
  const decision = decideScheduledDrill(record, context.clock.now());
  switch (decision.kind) {
    case "none":
      return;
    case "hold back":
      await commit(context.db, [saveDrillOpening(context.db, id, decision.opening)]);
      return;
    case "skip":
      return skip(context, id, decision);
    case "begin": {
      if (!mayBegin()) return;
      const failure = await begin(context, record, decision);
      return failure === null ? undefined : holdBack(context, id, decision.opening, failure);
    }
    default:
      return decision satisfies never;
  }
}

function logFault(context: Context, failoverId: string, error: unknown): void {
  context.log({
    level: "error",
    message: "a scheduled drill could not be decided",
    failover_id: failoverId,
    error: String(error),
  });
}

/** Whether it is anything's turn, by what the tick has read. */
function turnOf(context: Context, record: FailoverRecord): ScheduleDecision["kind"] {
  try {
    return decideScheduledDrill(record, context.clock.now()).kind;
  } catch (error) {
    // A fault in one never stops the next.
    logFault(context, record.failover.id, error);
    return "none";
  }
}

/** Whoever was refused already lets those go first that were not tried yet. */
const triesOf = ({ drillOpening }: FailoverRecord) =>
  drillOpening?.outcome === "held back" ? drillOpening.heldBack.length : 0;

/**
 * Begins the drills that are due by their schedule, holds back or gives up those that something stands against. What
 * the tick has read says whose turn it is: where it is nobody's, nothing is read or written.
 */
export async function rehearseOnSchedule(
  context: Context,
  records: readonly FailoverRecord[],
): Promise<void> {
  const wanting = records
    .map((record) => ({ id: record.failover.id, kind: turnOf(context, record), tries: triesOf(record) }))
    .filter(({ kind }) => kind !== "none")
    .toSorted((a, b) => a.tries - b.tries);
  let begun = 0;
  const mayBegin = () => (begun += 1) <= MOST_IN_A_TICK;
  await inParallel(wanting, WIDTH, async ({ id, kind }) => {
    if (kind === "begin" && begun >= MOST_IN_A_TICK) return;
    try {
      await context.alone(id, async () => {
        const record = await loadRecord(context, id);
        if (record.ok) await act(context, record.value, mayBegin);
      });
    } catch (error) {
      logFault(context, id, error);
    }
  });
}
