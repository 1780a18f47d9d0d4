// Decides whether an endpoint is healthy, from two witnesses that are kept apart: Cloudflare's pool health, which
// steers traffic, and our own probes.
import { SIDES, type Side } from "./failover.ts";
import type { ProbeResult, Sample, SideHealth, Verdict, WitnessView } from "./results.ts";

/** Four or more changes within ten minutes are flapping. */
const FLAPPING_CHANGES = 4;
export const FLAPPING_WINDOW_MS = 600_000;
/** A witness that hasn't spoken for this long knows nothing of now. */
export const WITNESS_FRESH_MS = 600_000;
/** Our probe changes its mind only after so many equal answers in a row: a single odd answer is no news. */
const PROBE_THRESHOLD = 2;

/** What Cloudflare said of one endpoint at one place. */
export interface PlaceHealth {
  readonly place: string;
  readonly healthy: boolean;
  readonly reason: string;
}

/** A pool's health as it was read last, with the instants at which it changed within the flapping window. */
export interface PoolHealth {
  readonly poolId: string;
  readonly healthy: boolean | null;
  readonly since: number;
  readonly readAt: number;
  readonly changes: readonly number[];
  readonly detail: string | null;
  /** True of an unhealthy endpoint that had no results before: until enough checks have passed, every new one is. */
  readonly untried?: true;
}

/**
 * The majority of places decides, as it does at Cloudflare (API-FACTS 10). No entry is unknown, never healthy: a new
 * pool has no results yet and a disabled one isn't checked.
 */
export function judgePlaces(places: readonly PlaceHealth[]): {
  healthy: boolean | null;
  detail: string | null;
} {
  if (places.length === 0)
    return { healthy: null, detail: "Cloudflare has no results: the pool is new or disabled" };
  const failing = places.filter((place) => !place.healthy);
  if (failing.length * 2 < places.length) return { healthy: true, detail: null };
  const counts = new Map<string, number>();
  for (const { reason } of failing) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const [reason] = [...counts].toSorted((a, b) => b[1] - a[1])[0] ?? ["unknown"];
  // The checks pass again, and `consecutive_up` wants more of them before that counts.
  const why = /no failures/i.test(reason) ? "not enough good checks in a row yet" : reason;
  return { healthy: false, detail: `${why} in ${failing.length} of ${places.length} places` };
}

const isRecent = (change: number, now: number): boolean => change <= now && now - change < FLAPPING_WINDOW_MS;

function verdictOf(healthy: boolean | null, recentChanges: number): Verdict {
  if (recentChanges >= FLAPPING_CHANGES) return "flapping";
  return healthy === null ? "unknown" : healthy ? "healthy" : "unhealthy";
}

/** Folds a new reading into what was known; a change is remembered for as long as it can count as flapping. */
export function foldPoolHealth(
  before: PoolHealth | undefined,
  reading: { poolId: string; healthy: boolean | null; detail: string | null; at: number },
): PoolHealth {
  const { poolId, healthy, detail, at } = reading;
  const untried = healthy === false ? ({ untried: true } as const) : {};
  if (before === undefined || before.poolId !== poolId) {
    return { poolId, healthy, since: at, readAt: at, changes: [], detail, ...untried };
  }
  const recent = before.changes.filter((change) => isRecent(change, at));
  if (before.healthy === healthy) {
    // In a long silence nobody knew: nobody can say that it was healthy without interruption.
    const since = healthy === true && at - before.readAt > WITNESS_FRESH_MS ? at : before.since;
    return { ...before, since, readAt: at, changes: recent, detail };
  }
  // The first result after "no results yet" is news, but no change of health.
  if (before.healthy === null || healthy === null)
    return { poolId, healthy, since: at, readAt: at, changes: recent, detail, ...untried };
  return { poolId, healthy, since: at, readAt: at, changes: [...recent, at], detail };
}

export function cloudflareWitness(health: PoolHealth | undefined, now: number): WitnessView {
  const nothing = { witness: "cloudflare", verdict: "unknown", since: null } as const;
  if (health === undefined)
    return { ...nothing, observedAt: null, detail: "Cloudflare's health was not read yet" };
  const { since, readAt, detail } = health;
  if (now - readAt > WITNESS_FRESH_MS) {
    return { ...nothing, observedAt: readAt, detail: "Cloudflare's health was not read for ten minutes" };
  }
  const recent = health.changes.filter((change) => isRecent(change, now));
  const verdict = verdictOf(health.healthy, recent.length);
  return { witness: "cloudflare", verdict, since, observedAt: readAt, detail };
}

function isNotAdmitted(result: ProbeResult): boolean {
  return (
    result.status === 403 ||
    result.failure === "refused" ||
    result.failure === "reset" ||
    result.failure === "challenged" ||
    result.failure === "blocked"
  );
}

/** True, false, or null where the answer says nothing about the endpoint. */
export function probeOutcome(result: ProbeResult, cloudflare: Verdict): boolean | null {
  if (result.ok) return true;
  const saysNothing = ["blocked", "challenged", "cached"].includes(result.failure ?? "");
  return saysNothing || (cloudflare === "healthy" && isNotAdmitted(result)) ? null : false;
}

/** One outcome a tick, in tick order: that a sample came late or twice changes nothing. */
function inTickOrder(samples: readonly Sample[]): readonly Sample[] {
  const ordered = samples.toSorted((a, b) => a.tick - b.tick);
  return ordered.filter((sample, index) => sample.tick !== ordered[index - 1]?.tick);
}

interface ProbeHistory {
  readonly healthy: boolean | null;
  readonly since: number | null;
  /** Instants at which an outcome differed from the one before. */
  readonly changes: readonly number[];
}

interface Run {
  readonly outcome: boolean | null;
  readonly length: number;
  readonly from: number;
}

function longerRun(run: Run | null, outcome: boolean | null, tick: number): Run {
  return run !== null && run.outcome === outcome
    ? { ...run, length: run.length + 1 }
    : { outcome, length: 1, from: tick };
}

/** Folds outcomes in tick order; what was known before a long silence is forgotten. */
function foldProbes(samples: readonly Sample[], side: Side, cloudflare: Verdict): ProbeHistory {
  let healthy: boolean | null = null;
  let since: number | null = null;
  let run: Run | null = null;
  let lastKnown: boolean | null = null;
  let lastTick: number | null = null;
  const changes: number[] = [];
  for (const sample of samples) {
    const { tick } = sample;
    const outcome = probeOutcome(sample[side], cloudflare);
    if (lastTick !== null && tick - lastTick > WITNESS_FRESH_MS) {
      healthy = null;
      since = null;
      run = null;
      lastKnown = null;
    }
    if (outcome !== null && lastKnown !== null && outcome !== lastKnown) changes.push(tick);
    run = longerRun(run, outcome, tick);
    if (run.length >= PROBE_THRESHOLD && (outcome !== healthy || since === null)) {
      healthy = outcome;
      since = run.from;
    }
    lastKnown = outcome ?? lastKnown;
    lastTick = tick;
  }
  return { healthy, since, changes };
}

/** A verdict is a function of the samples and their ticks alone, in whichever order they arrived. */
export function probeWitness(
  samples: readonly Sample[],
  side: Side,
  cloudflare: Verdict,
  now: number,
): WitnessView {
  const ordered = inTickOrder(samples);
  const last = ordered.at(-1);
  if (last === undefined || now - last.tick > WITNESS_FRESH_MS) {
    const [observedAt, detail] =
      last === undefined ? [null, "not probed yet"] : [last.tick, "not probed for ten minutes"];
    return { witness: "probe", verdict: "unknown", since: null, observedAt, detail };
  }
  const { healthy, since, changes } = foldProbes(ordered, side, cloudflare);
  const result = last[side];
  const why = result.detail ?? result.failure;
  const notAdmitted = cloudflare === "healthy" && !result.ok && isNotAdmitted(result);
  const verdict = verdictOf(healthy, changes.filter((change) => isRecent(change, now)).length);
  const good = verdict === "unknown" ? "one good answer so far; two in a row decide" : null;
  const detail = result.ok ? good : notAdmitted ? `probe not admitted: ${why ?? "refused"}` : why;
  return { witness: "probe", verdict, since, observedAt: last.tick, detail };
}

export function deriveSideHealth(
  side: Side,
  health: PoolHealth | undefined,
  samples: readonly Sample[],
  now: number,
): SideHealth {
  const cloudflare = cloudflareWitness(health, now);
  const probe = probeWitness(samples, side, cloudflare.verdict, now);
  return { verdict: cloudflare.verdict, since: cloudflare.since, witnesses: [cloudflare, probe] };
}

/** Whether our probe ever had a good answer from this endpoint: only then may it add a refusal. */
export function probeHasSucceeded(samples: readonly Sample[], side: Side): boolean {
  return samples.some((sample) => sample[side].ok);
}

export type Readiness = "ready" | "degraded" | "not_ready";

/** `broken` are the endpoints that a deploy broke: Cloudflare may look at less than what broke, or later. */
export function deriveReadiness(
  health: Readonly<Record<Side, SideHealth>>,
  broken: readonly Side[] = [],
): Readiness {
  const good = SIDES.filter((side) => health[side].verdict === "healthy" && !broken.includes(side)).length;
  return good === 2 ? "ready" : good === 1 ? "degraded" : "not_ready";
}
