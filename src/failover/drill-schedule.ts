// Decides what becomes of a scheduled drill in this moment. Each opening of a window has one at most: what is remembered
// of the last opening is stored together with the drill that begins.
//
//   the last opening       | what stands against it           | then
//   -----------------------+----------------------------------+------------------------------------------------
//   had its drill, or told | -                                | nothing
//   open, time enough left | nothing                          | begin
//   open, time enough left | something                        | hold back, remember why, try again next tick
//   no time is left        | something, or nobody was there   | skip: one event with all that stood against it
//   before the last change | -                                | nothing: nobody wanted one then
import { completeSpec, type DrillSchedule, type Spec } from "./complete.ts";
import { presentHostname } from "./desired.ts";
import { longestMs } from "./drill.ts";
import {
  findFaults,
  guardDrillStart,
  methodOf,
  type DrillRequest,
  type DrillStartFacts,
} from "./drill-start.ts";
import type { Failover, Side, Stage } from "./failover.ts";
import { targetFacts } from "./guards.ts";
import type { Lease } from "./leases.ts";
import type { Operation, Refusal, Sample } from "./results.ts";
import type { StoredStatus } from "./status.ts";
import type { PoolHealth } from "./verdict.ts";
import { comingOpening, isAnyOpen, lastOpening, type Opening } from "./windows.ts";

/** Something that stood against the drill during an opening. */
export interface HeldBack {
  readonly why: string;
  /** Null where the schedule itself is the reason. */
  readonly guard: string | null;
  readonly facts: Readonly<Record<string, unknown>>;
  /** When it was first found, ms since the epoch. */
  readonly at: number;
}

/** What is remembered of the last opening that was looked at. */
export interface DrillOpening extends Opening {
  readonly outcome: "begun" | "held back" | "skipped";
  readonly heldBack: readonly HeldBack[];
}

/** What is stored of a failover, as far as it bears on its scheduled drills. */
export interface ScheduleSources {
  readonly failover: Failover;
  readonly status: StoredStatus;
  readonly health: Readonly<Partial<Record<Side, PoolHealth>>>;
  readonly samples: readonly Sample[];
  readonly operation: Operation | null;
  readonly leases: readonly Lease[];
  readonly freeze: DrillStartFacts["freeze"];
  /** Null where none was looked at yet. */
  readonly drillOpening: DrillOpening | null;
}

export type ScheduleDecision =
  | { readonly kind: "none" }
  | { readonly kind: "begin"; readonly request: DrillRequest; readonly opening: DrillOpening }
  /** What is to be remembered; not decided where that is known already. */
  | { readonly kind: "hold back"; readonly opening: DrillOpening }
  | { readonly kind: "skip"; readonly opening: DrillOpening; readonly message: string };

/** Nothing was remembered of an opening in which a drill would have fitted. */
const NO_TURN =
  "its turn did not come while there was time for it: the service did not run, or other drills came first";

const NONE: ScheduleDecision = { kind: "none" };
const instant = (at: number): string => new Date(at).toISOString();

/** Where visitors are there is one way only; elsewhere the schedule's, or the stage's own. */
export function scheduledMethod({ method }: DrillSchedule, stage: Stage) {
  return methodOf(stage, stage === "production" ? undefined : method);
}

function requestOf(schedule: DrillSchedule, stage: Stage, { opensAt, closesAt }: Opening): DrillRequest {
  return {
    method: scheduledMethod(schedule, stage),
    holdSeconds: schedule.hold_seconds,
    reason: `scheduled for the window from ${instant(opensAt)} to ${instant(closesAt)}`,
    window: { opensAt, closesAt },
    ...(stage === "production" && schedule.confirm !== undefined ? { confirm: schedule.confirm } : {}),
  };
}

const keyOf = ({ guard, why, facts }: HeldBack): string =>
  guard === null ? why : JSON.stringify([guard, facts["endpoint"], facts["kind"]]);

/** The opening with all that stood against it so far; null where nothing of it is new. */
export function withHeldBack(opening: DrillOpening, found: readonly HeldBack[]): DrillOpening | null {
  const known = new Set(opening.heldBack.map(keyOf));
  const news = found.filter((one) => !known.has(keyOf(one)));
  return news.length === 0 ? null : { ...opening, heldBack: [...opening.heldBack, ...news] };
}

export function heldBackBy(refusals: readonly Refusal[], now: number): HeldBack[] {
  return refusals.map(({ guard, message, facts }) => ({ why: message, guard, facts, at: now }));
}

/** What is known to stand against it without asking anybody: the same guards that judge it before it begins. */
function findAgainst(sources: ScheduleSources, spec: Spec, request: DrillRequest, now: number): HeldBack[] {
  const { failover, status, health, operation, leases, freeze } = sources;
  const { stage } = failover;
  const hostname = presentHostname(stage, spec);
  if (hostname === null) return [{ why: "its zone is not known yet", guard: null, facts: {}, at: now }];
  const faults = findFaults(request, stage, hostname).map(({ pointer, message }): HeldBack => {
    return { why: `drills.schedule.${pointer.slice(1)}: ${message}`, guard: null, facts: {}, at: now };
  });
  const refusals = guardDrillStart({
    spec,
    ...targetFacts(sources, health, now),
    unreadable: status.sync === "unknown" ? status.message : null,
    inSync: status.sync !== "drifted" && status.sync !== "converging",
    syncMessage: status.message,
    foreign: status.foreign,
    after: null,
    failover,
    hostname,
    operation,
    leases,
    freeze,
    // These two are found out only by asking.
    distinguishable: true,
    detail: "",
    now,
  }).filter(({ facts }) => facts["verdict"] !== "unknown");
  return [...faults, ...heldBackBy(refusals, now)];
}

function skip(opening: DrillOpening): ScheduleDecision {
  const window = `the window from ${instant(opening.opensAt)} to ${instant(opening.closesAt)}`;
  const why = opening.heldBack.map((one) => one.why).join("; ");
  const message = `the scheduled drill of ${window} did not take place: ${why}`;
  return { kind: "skip", opening: { ...opening, outcome: "skipped" }, message };
}

/** The opening that counts now, with what is remembered of it; null where all is said of it, or nobody wants one. */
function openingNow(
  { failover, drillOpening: last }: ScheduleSources,
  current: Opening | null,
): DrillOpening | null {
  if (last?.outcome === "held back")
    return current?.opensAt === last.opensAt ? { ...last, ...current } : last;
  if (current === null || failover.stage === "draft" || failover.deleting !== null) return null;
  if (last !== null && current.opensAt <= last.opensAt) return null;
  return { ...current, outcome: "held back", heldBack: [] };
}

export function decideScheduledDrill(sources: ScheduleSources, now: number): ScheduleDecision {
  const { failover } = sources;
  const spec = completeSpec(failover.input, failover.facts);
  const { schedule } = spec.drills;
  if (schedule === null && sources.drillOpening === null) return NONE;
  const current = schedule === null ? null : lastOpening(schedule.windows, now);
  const opening = openingNow(sources, current);
  if (opening === null) return NONE;
  const isRemembered = opening.heldBack.length > 0;
  // Of this one nothing will come any more.
  if (isRemembered && current !== null && current.opensAt > opening.opensAt) return skip(opening);
  const ms =
    schedule === null
      ? 0
      : longestMs(scheduledMethod(schedule, failover.stage), schedule.hold_seconds, spec.monitor);
  if (now + ms > opening.closesAt) {
    if (isRemembered) return skip(opening);
    // Whoever changed it since then could not have meant that opening.
    if (opening.opensAt < failover.updatedAt) return NONE;
    return skip({ ...opening, heldBack: [{ why: NO_TURN, guard: null, facts: {}, at: now }] });
  }
  // Waits for its end; or for the clocks, which show an hour of the night a second time.
  if (schedule === null || failover.stage === "draft" || !isAnyOpen(schedule.windows, now)) return NONE;
  const request = requestOf(schedule, failover.stage, opening);
  const against = findAgainst(sources, spec, request, now);
  if (against.length === 0) return { kind: "begin", request, opening };
  const heldBack = withHeldBack(opening, against);
  return heldBack === null ? NONE : { kind: "hold back", opening: heldBack };
}

/** What holds back the scheduled drill in this moment; null where nothing does. */
export function describeHeldBack(
  { failover, drillOpening: opening }: Pick<ScheduleSources, "failover" | "drillOpening">,
  now: number,
): string | null {
  const isWanted = (failover.input.drills?.schedule ?? null) !== null;
  if (!isWanted || opening?.outcome !== "held back" || now >= opening.closesAt) return null;
  const why = opening.heldBack.at(-1)?.why ?? "";
  return `The drill scheduled for the window until ${instant(opening.closesAt)} is held back: ${why}`;
}

/**
 * When the next scheduled drill is due, ms since the epoch: past where it is held back in this moment, null where none
 * will be.
 */
export function nextDrillAt(
  { failover, drillOpening }: Pick<ScheduleSources, "failover" | "drillOpening">,
  now: number,
): number | null {
  const spec = completeSpec(failover.input, failover.facts);
  const { schedule } = spec.drills;
  const { stage, deleting } = failover;
  if (schedule === null || stage === "draft" || deleting !== null) return null;
  if (stage === "production" && schedule.confirm === undefined) return null;
  const last = lastOpening(schedule.windows, now);
  const ms = longestMs(scheduledMethod(schedule, stage), schedule.hold_seconds, spec.monitor);
  const isSettled =
    last === null ||
    now + ms > last.closesAt ||
    (drillOpening !== null &&
      (last.opensAt < drillOpening.opensAt ||
        (last.opensAt === drillOpening.opensAt && drillOpening.outcome !== "held back")));
  return isSettled ? (comingOpening(schedule.windows, now)?.opensAt ?? null) : last.opensAt;
}
