// Decides how a drill goes: its steps, what each look at the hostname means, and when it has to turn back.
//
//   step              | waits for                                    | turns back, or gives up, when
//   ------------------+----------------------------------------------+-------------------------------------------
//   baseline          | the primary serves, three looks in a row     | not seen in time; bad answers; secondary fails
//   divert            | Cloudflare has the deviation                 | refused, or not in time
//   secondary serves  | the secondary serves, three looks in a row   | not seen in time; bad answers; secondary fails
//   hold              | the time to pass                             | bad answers; secondary fails; primary serves
//   restore           | Cloudflare has what was before               | never: it only says that it isn't done yet
//   primary serves    | the primary serves, three looks in a row     | not seen in time
import type { Side, Stage } from "./failover.ts";
import type { Lease } from "./leases.ts";
import type { ProbeFailure, ProbeResult, Sample, Serving, SideHealth } from "./results.ts";
import { IN_A_ROW } from "./serving.ts";
import type { Opening } from "./windows.ts";

export const DRILL_METHODS = ["reorder", "disable-primary"] as const;
export type DrillMethod = (typeof DRILL_METHODS)[number];

export const DRILL_STEPS = [
  "baseline",
  "divert",
  "secondary serves",
  "hold",
  "restore",
  "primary serves",
] as const;
export type DrillStep = (typeof DRILL_STEPS)[number];
/** The steps that look at the hostname. */
export type WatchStep = Exclude<DrillStep, "divert" | "restore">;

/** So many bad answers of the hostname in a row are more than a rehearsal may cost visitors. */
const BAD_IN_A_ROW = 3;
/** And so many in all while it is diverted, however many good ones come between. */
const BAD_IN_ALL = 6;
const SECONDARY_FAILURES_IN_A_ROW = 2;
/** For the baseline, for the deviation to be written, and for an endpoint to be seen serving. */
export const STEP_PATIENCE_MS = 90_000;
export const LONGEST_HOLD_SECONDS = 3_000;
export const DEFAULT_HOLD_SECONDS = 60;

/** A lease holds for as long as the steps under it may take, so that it ends well within an hour. */
export function leaseMs(holdSeconds: number): number {
  return holdSeconds * 1000 + 2 * STEP_PATIENCE_MS;
}

/** A disabled pool isn't checked: after it is enabled again, its monitor has to find it healthy first. */
export function returnPatienceMs(
  method: DrillMethod,
  monitor: { readonly interval: number; readonly consecutive_up?: number },
): number {
  if (method === "reorder") return STEP_PATIENCE_MS;
  return STEP_PATIENCE_MS + (2 + (monitor.consecutive_up ?? 0)) * monitor.interval * 1000;
}

/** How long a drill takes at most, whatever becomes of it, as long as Cloudflare can be written. */
export function longestMs(
  method: DrillMethod,
  holdSeconds: number,
  monitor: Parameters<typeof returnPatienceMs>[1],
): number {
  return STEP_PATIENCE_MS + leaseMs(holdSeconds) + returnPatienceMs(method, monitor);
}

/** One look at the hostname, and what is known of the secondary in the same moment. */
export interface Look {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly serving: Serving;
  readonly status: number | null;
  readonly failure: ProbeFailure | null;
  readonly detail: string | null;
  /** A definite bad answer of the hostname; not one that says nothing. */
  readonly bad: boolean;
  /** Why our own probe of the secondary failed; null where it didn't, or says nothing. */
  readonly secondaryFailure: string | null;
  /** Why Cloudflare finds the secondary unhealthy; null where it doesn't. */
  readonly secondaryComplaint: string | null;
}

/** Answers of something in front of the endpoints, or meant for us alone. */
const SAYS_NOTHING: ReadonlySet<ProbeFailure | null> = new Set<ProbeFailure>([
  "challenged",
  "blocked",
  "cached",
]);
const isBad = ({ ok, failure }: ProbeResult): boolean => !ok && !SAYS_NOTHING.has(failure);
const reasonOf = ({ detail, failure, status }: ProbeResult): string =>
  detail ?? failure ?? (status === null ? "no answer" : `status ${status}`);

/** `admitted` is whether our probe ever had a good answer of the secondary: only then does a refusal speak against it. */
export function toLook(
  sample: Sample,
  serving: Serving,
  secondary: { readonly health: SideHealth; readonly admitted: boolean },
): Look {
  const { hostname } = sample;
  const { verdict, witnesses } = secondary.health;
  const isIll = verdict === "unhealthy" || verdict === "flapping";
  const said = witnesses.find(({ witness }) => witness === "cloudflare")?.detail;
  return {
    at: sample.tick,
    serving,
    status: hostname?.status ?? null,
    failure: hostname?.failure ?? null,
    detail: hostname === null || hostname.ok ? null : reasonOf(hostname),
    bad: hostname !== null && isBad(hostname),
    secondaryFailure: secondary.admitted && isBad(sample.secondary) ? reasonOf(sample.secondary) : null,
    secondaryComplaint: isIll ? `${verdict}: ${said ?? "no reason given"}` : null,
  };
}

/** Equal looks in a row. */
export interface LookRun {
  readonly from: number;
  readonly to: number;
  readonly looks: number;
  readonly serving: Serving;
  readonly status: number | null;
  readonly failure: ProbeFailure | null;
}

export interface SeenError {
  readonly at: number;
  readonly step: WatchStep;
  readonly status: number | null;
  readonly failure: ProbeFailure | null;
  readonly detail: string | null;
}

/** What the looks came to so far. */
export interface Watch {
  /** Looks in a row at the endpoint that this step waits for, and at the other one. */
  readonly seen: number;
  readonly astray: number;
  readonly bad: number;
  /** Bad answers in all since it was diverted. */
  readonly cost: number;
  readonly secondaryFailed: number;
  readonly runs: readonly LookRun[];
  readonly errors: number;
  /** The first of them. */
  readonly shownErrors: readonly SeenError[];
  readonly last: Look | null;
}

export const NOTHING_SEEN: Watch = {
  seen: 0,
  astray: 0,
  bad: 0,
  cost: 0,
  secondaryFailed: 0,
  runs: [],
  errors: 0,
  shownErrors: [],
  last: null,
};

/** Enough to read what happened; a report is no log. */
const MOST_RUNS = 50;
const MOST_ERRORS = 20;

function withRun(runs: readonly LookRun[], { at, serving, status, failure }: Look): readonly LookRun[] {
  const last = runs.at(-1);
  if (last?.serving === serving && last.status === status && last.failure === failure) {
    return [...runs.slice(0, -1), { ...last, to: at, looks: last.looks + 1 }];
  }
  return runs.length >= MOST_RUNS
    ? runs
    : [...runs, { from: at, to: at, looks: 1, serving, status, failure }];
}

/** The endpoint that a step wants to see. */
export function awaited(step: WatchStep): Side {
  return step === "baseline" || step === "primary serves" ? "primary" : "secondary";
}

export function foldLook(watch: Watch, step: WatchStep, look: Look): Watch {
  const { at, status, failure, detail, serving, bad } = look;
  const side = awaited(step);
  const isOther = serving === "primary" || serving === "secondary" ? serving !== side : false;
  const error: SeenError = { at, step, status, failure, detail };
  return {
    seen: serving === side ? watch.seen + 1 : 0,
    astray: isOther ? watch.astray + 1 : 0,
    bad: bad ? watch.bad + 1 : 0,
    cost: watch.cost + (bad && step !== "baseline" ? 1 : 0),
    secondaryFailed: look.secondaryFailure === null ? 0 : watch.secondaryFailed + 1,
    runs: withRun(watch.runs, look),
    errors: watch.errors + (bad ? 1 : 0),
    shownErrors:
      bad && watch.shownErrors.length < MOST_ERRORS ? [...watch.shownErrors, error] : watch.shownErrors,
    last: look,
  };
}

/** The next step waits for an endpoint of its own; what was seen so far stays in the report. */
export function nextWatch(watch: Watch): Watch {
  return { ...watch, seen: 0, astray: 0, bad: 0 };
}

export type Course =
  | { readonly course: "look again"; readonly detail: string }
  | { readonly course: "go on"; readonly detail: string }
  | { readonly course: "turn back"; readonly why: string };

export interface StepFacts {
  readonly hostname: string;
  /** When the step began, and now; ms since the epoch. */
  readonly since: number;
  readonly now: number;
  /** How long an endpoint may take to be seen; of a hold, how long it is. */
  readonly ms: number;
}

/** Why a rehearsal must not go on; once it has turned back nothing more can be avoided. */
function danger(step: WatchStep, watch: Watch, hostname: string): string | null {
  if (step === "primary serves" || watch.last === null) return null;
  const { secondaryComplaint, secondaryFailure, detail } = watch.last;
  if (secondaryComplaint !== null) return `Cloudflare finds the secondary endpoint ${secondaryComplaint}`;
  if (watch.secondaryFailed >= SECONDARY_FAILURES_IN_A_ROW) {
    return `the secondary endpoint failed our probe ${watch.secondaryFailed} times in a row: ${secondaryFailure ?? "no answer"}`;
  }
  if (watch.bad >= BAD_IN_A_ROW)
    return `${hostname} gave ${watch.bad} bad answers in a row: ${detail ?? "no answer"}`;
  if (watch.cost >= BAD_IN_ALL)
    return `${hostname} gave ${watch.cost} bad answers since it was diverted: ${describeErrors(watch)}`;
  if (step === "hold" && watch.astray >= IN_A_ROW)
    return `${hostname} served the primary endpoint ${watch.astray} times in a row during the hold`;
  return null;
}

const describeErrors = ({ shownErrors }: Watch): string =>
  [
    ...new Set(shownErrors.filter(({ step }) => step !== "baseline").map((one) => one.detail ?? "no answer")),
  ].join("; ");

/** What follows from the looks of one step so far. */
export function decideCourse(step: WatchStep, watch: Watch, facts: StepFacts): Course {
  const { hostname, since, now, ms } = facts;
  const why = danger(step, watch, hostname);
  if (why !== null) return { course: "turn back", why };
  const side = awaited(step);
  if (step === "hold") {
    const left = Math.max(0, since + ms - now) / 1000;
    return left > 0
      ? { course: "look again", detail: `${hostname} is held at the secondary for ${Math.ceil(left)} s more` }
      : { course: "go on", detail: `${hostname} was held at the secondary for ${(now - since) / 1000} s` };
  }
  if (watch.seen >= IN_A_ROW)
    return {
      course: "go on",
      detail: `${hostname} served the ${side} endpoint ${watch.seen} times in a row`,
    };
  if (now - since >= ms) {
    const instead = watch.last === null ? "" : `; the last look found ${describeLook(watch.last)}`;
    return {
      course: "turn back",
      why: `${hostname} was not seen to serve the ${side} endpoint within ${ms / 1000} s${instead}`,
    };
  }
  // A pool that was disabled was not checked, and counts as unhealthy until it was.
  const isAwaited = step === "primary serves" && watch.last?.serving === "secondary";
  return {
    course: "look again",
    detail: isAwaited
      ? `restored; the secondary endpoint serves ${hostname} until Cloudflare's checks find the primary healthy again`
      : `${hostname} served the ${side} endpoint ${watch.seen} of ${IN_A_ROW} times in a row`,
  };
}

function describeLook({ serving, detail }: Look): string {
  if (serving === "primary" || serving === "secondary") return `the ${serving} endpoint`;
  const why = detail === null ? "" : ` (${detail})`;
  return serving === "none" ? `that no endpoint serves${why}` : `no sign of who serves${why}`;
}

/** When things were seen or done, ms since the epoch; absent where it didn't come to that. */
export interface DrillTimes {
  readonly baselineAt?: number;
  /** The lease is stored; nothing is written yet. */
  readonly leasedAt?: number;
  /** Cloudflare had taken the deviation. */
  readonly divertedAt?: number;
  /** The secondary was first seen to serve. */
  readonly secondaryAt?: number;
  readonly heldFrom?: number;
  /** The hold was over, or the drill turned back: the lease ended. */
  readonly leaseEndedAt?: number;
  /** Cloudflare had what was before. */
  readonly restoredAt?: number;
  /** The primary was first seen to serve again. */
  readonly primaryAt?: number;
}

/** What a drill's operation keeps from step to step. */
export interface DrillState {
  readonly drillId: string;
  readonly method: DrillMethod;
  readonly stage: Stage;
  readonly hostname: string;
  readonly holdSeconds: number;
  readonly reason: string | null;
  /** Of what it is evidence for: see drill-evidence.ts. */
  readonly specHash: string;
  /** Who watches: a Coordinator that was started anew has seen nothing of what was before. */
  readonly incarnation: string;
  readonly affinity: string | null;
  /** The opening of the schedule's window that it is for; absent or null where somebody asked for it. */
  readonly window?: Opening | null;
  readonly leaseId: string | null;
  /** When the lease ends by itself. */
  readonly deadlineAt: number | null;
  readonly watch: Watch;
  readonly times: DrillTimes;
  /** Why it can't pass any more; it is on its way back then. */
  readonly failed: string | null;
}

export interface Surroundings {
  readonly step: DrillStep;
  readonly incarnation: string;
  readonly stage: Stage;
  readonly specHash: string;
  readonly isFrozen: boolean;
  /** Those in force. */
  readonly leases: readonly Lease[];
}

/** Why a drill is no rehearsal any more, although nothing of what it looks at went wrong; null while it is one. */
export function findInterruption(state: DrillState, now: Surroundings): string | null {
  if (now.incarnation !== state.incarnation)
    return `the service was restarted during the step "${now.step}", and nobody watched`;
  if (now.stage !== state.stage) return `the failover is in ${now.stage} by now`;
  if (now.specHash !== state.specHash) return "the failover's spec is another one by now";
  if (now.isFrozen && now.step !== "restore" && now.step !== "primary serves") return "the fleet was frozen";
  const mustHold = state.leaseId !== null && state.times.leaseEndedAt === undefined;
  if (mustHold && !now.leases.some(({ id }) => id === state.leaseId)) {
    return `its lease ended during the step "${now.step}"`;
  }
  return null;
}
