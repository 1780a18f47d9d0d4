// Decides what a new production deployment of a Pages project is worth: verified, broken or unknown, by repeated looks
// at the endpoints that it serves, for as long as it takes to settle.
import type { Side } from "./failover.ts";
import type { Rollback } from "./rollback.ts";
import type { ProbeResult, Sample, Verdict } from "./results.ts";
import { probeOutcome } from "./verdict.ts";

/** A production deployment, as far as it matters here. */
export interface Deployment {
  readonly id: string;
  readonly commit: string | null;
  /** The first line of the commit's message. */
  readonly message: string | null;
  readonly url: string | null;
  /** When it went live by Cloudflare's clock, ms since the epoch; null where that isn't told. */
  readonly liveAt: number | null;
}

export type DeployOutcome = "verified" | "broken" | "unknown";

export interface Look {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** `unknown` says nothing of the endpoint: our probe wasn't admitted, or found no way. */
  readonly found: "good" | "bad" | "unknown";
  /** Whether any HTTP answer came: a silence may be ours. */
  readonly answered: boolean;
  readonly seen: string;
}

export interface EndpointVerification {
  readonly failoverId: string;
  readonly side: Side;
  readonly looks: readonly Look[];
  /** Null while it isn't decided. */
  readonly outcome: DeployOutcome | null;
  /** Milliseconds since the epoch. */
  readonly decidedAt: number | null;
}

export interface Verification {
  readonly deployment: Deployment;
  /** What was there when the project was first watched is no deploy: nothing is said of it. */
  readonly why: "first-seen" | "deployed" | "rolled-back";
  /** What told us, e.g. `cron` or a webhook's id. */
  readonly noticedBy: string;
  /** Milliseconds since the epoch, as all instants here. */
  readonly startedAt: number;
  /** From then on what is seen is this deployment. */
  readonly settledAt: number;
  readonly endpoints: readonly EndpointVerification[];
}

/** What is known of one Pages project that is an endpoint: one for all failovers that share it. */
export interface ProjectWatch {
  readonly project: string;
  /** Of the deployment that was last seen to be served. */
  readonly verification: Verification;
  /** The last one that all endpoints were good with. */
  readonly verified: Deployment | null;
  readonly rollback: Rollback | null;
  /** Ids of what was rolled back, the latest last: none is rolled back twice. */
  readonly rolledBack: readonly string[];
  /** When the next step wants to be made; null where there is none. */
  readonly dueAt: number | null;
}

/** One endpoint that a project serves. */
export interface Served {
  readonly failoverId: string;
  readonly side: Side;
}

/** Until then an answer may still be the one before's. */
const SETTLES_WITHIN_MS = 15_000;
/** So many equal looks in a row decide. */
export const LOOKS_IN_A_ROW = 3;
/** When to look, counted from the beginning; after the last, nothing is certain. */
const LOOK_AFTER_MS = [0, 5_000, 15_000, 30_000, 45_000, 60_000] as const;
/** The probes of so many ticks in a row say the same: they are a minute apart. */
const SAMPLES_IN_A_ROW = 2;

export function lookOf(result: ProbeResult, cloudflare: Verdict, at: number): Look {
  const isOurs = result.failure === "dns" || result.failure === "unreachable";
  const outcome = isOurs ? null : probeOutcome(result, cloudflare);
  return {
    at,
    found: outcome === null ? "unknown" : outcome ? "good" : "bad",
    answered: result.status !== null,
    seen: result.ok
      ? `answered ${result.status ?? ""}`.trim()
      : (result.detail ?? result.failure ?? "no answer"),
  };
}

export function beginVerification(
  deployment: Deployment,
  why: Verification["why"],
  noticedBy: string,
  served: readonly Served[],
  now: number,
): Verification {
  // A rollback goes live now, whenever what it returns to did; and Cloudflare's clock may be ahead of ours.
  const liveAt = why === "rolled-back" ? now : Math.min(deployment.liveAt ?? now, now);
  return {
    deployment,
    why,
    noticedBy,
    startedAt: now,
    settledAt: liveAt + SETTLES_WITHIN_MS,
    endpoints: served.map((one) => ({ ...one, looks: [], outcome: null, decidedAt: null })),
  };
}

const OUTCOMES = { good: "verified", bad: "broken", unknown: "unknown" } as const;

/** The outcome that so many equal looks in a row give, the last of them after it has settled. */
function outcomeOf(looks: readonly Look[], settledAt: number): DeployOutcome | null {
  const row = looks.slice(-LOOKS_IN_A_ROW);
  const last = row.at(-1);
  if (last === undefined || row.length < LOOKS_IN_A_ROW || last.at < settledAt) return null;
  return row.every(({ found }) => found === last.found) ? OUTCOMES[last.found] : null;
}

/** Adds one look at each endpoint that isn't decided yet; `lookAt` is null for one that can't be looked at any more. */
export function foldLooks(
  verification: Verification,
  lookAt: (endpoint: EndpointVerification) => Look | null,
): Verification {
  const endpoints = verification.endpoints.flatMap((endpoint) => {
    if (endpoint.outcome !== null) return [endpoint];
    const look = lookAt(endpoint);
    if (look === null) return [];
    const looks = [...endpoint.looks, look];
    const outcome = outcomeOf(looks, verification.settledAt);
    return [{ ...endpoint, looks, outcome, decidedAt: outcome === null ? null : look.at }];
  });
  return { ...verification, endpoints };
}

export function isDecided({ endpoints }: Verification): boolean {
  return endpoints.every(({ outcome }) => outcome !== null);
}

/** When to look again, ms since the epoch; null where there is nothing more to wait for. */
export function nextLookAt(verification: Verification, now: number): number | null {
  if (isDecided(verification)) return null;
  const { startedAt } = verification;
  const next = LOOK_AFTER_MS.map((after) => startedAt + after).find((at) => at > now);
  // A clock that was set back must not make it wait for longer than it was meant to.
  return next === undefined ? null : Math.min(next, now + 15_000);
}

/** After the last look what isn't decided is unknown: the answers differed. */
export function endUndecided(verification: Verification, now: number): Verification {
  const endpoints = verification.endpoints.map((endpoint) =>
    endpoint.outcome === null ? { ...endpoint, outcome: "unknown" as const, decidedAt: now } : endpoint,
  );
  return { ...verification, endpoints };
}

/** Our own probes of an endpoint, once a tick, as looks since it was decided, or since it was first seen. */
function rowOfSamples(
  endpoint: EndpointVerification,
  startedAt: number,
  samples: readonly Sample[],
): boolean {
  const from = endpoint.decidedAt ?? startedAt;
  const since = samples.filter(({ tick }) => tick >= from).slice(-SAMPLES_IN_A_ROW);
  return since.length === SAMPLES_IN_A_ROW && since.every((sample) => sample[endpoint.side].ok);
}

/**
 * What the probes of the ticks say afterwards: an endpoint that wasn't found good, and is by now. Of what was first
 * seen they are the only looks, because a steady site needs no others. Null where nothing changed.
 */
export function recoverBySamples(
  verification: Verification,
  samplesOf: (failoverId: string) => readonly Sample[],
  now: number,
): Verification | null {
  let changed = false;
  const endpoints = verification.endpoints.map((endpoint) => {
    const waits = endpoint.outcome === null && verification.why !== "first-seen";
    if (waits || endpoint.outcome === "verified") return endpoint;
    if (!rowOfSamples(endpoint, verification.startedAt, samplesOf(endpoint.failoverId))) return endpoint;
    changed = true;
    return { ...endpoint, outcome: "verified" as const, decidedAt: now };
  });
  return changed ? { ...verification, endpoints } : null;
}

export function isVerified({ endpoints }: Verification): boolean {
  return endpoints.length > 0 && endpoints.every(({ outcome }) => outcome === "verified");
}

/** A deployment in a few words, e.g. `1b2c3d4e (commit 9f8e7d6, "Fix the footer")`. */
export function describeDeployment({ id, commit, message }: Deployment): string {
  const about = [
    ...(commit === null ? [] : [`commit ${commit.slice(0, 7)}`]),
    ...(message === null ? [] : [`"${message}"`]),
  ].join(", ");
  return about === "" ? id.slice(0, 8) : `${id.slice(0, 8)} (${about})`;
}

/** The sentence about an endpoint that the last deploy broke; null of any other. */
export function brokenDeploy(watch: ProjectWatch | undefined, failoverId: string, side: Side): string | null {
  if (watch === undefined || watch.verification.why === "first-seen") return null;
  const { deployment, endpoints } = watch.verification;
  const endpoint = endpoints.find((one) => one.failoverId === failoverId && one.side === side);
  if (endpoint?.outcome !== "broken") return null;
  const seen = endpoint.looks.at(-1)?.seen ?? "no good answer";
  return `the deployment ${describeDeployment(deployment)} of the Pages project ${watch.project} broke the ${side} endpoint (${seen}): deploy a mended version, or roll the project back`;
}
