// Decides what a promotion to production is worth while it bakes: look by look after the rename, and in the end whether
// to take it back. Visitors are moved back only on proof, because their way back is a DNS record that nobody drilled.
import type { MonitorSpec } from "./complete.ts";
import { otherSide, type Side } from "./failover.ts";
import type { Underneath } from "./guards.ts";
import type { ProbeResult, Sample } from "./results.ts";
import { cantBeTold, IN_A_ROW, showsItsContent, type ServingView } from "./serving.ts";

/**
 * `good`: the active endpoint serves. `other`: the other one does, which is a failover and nothing wrong. `bad`: a definite
 * failure from neither endpoint. `failing over`: the same, but the active endpoint is down and the other one isn't, which
 * Cloudflare's checks have yet to find. `unclear`: no answer, a challenge, or one that nobody can tell.
 */
export type Look = "good" | "other" | "bad" | "failing over" | "unclear";

/** How far apart the looks of a bake are: a change on its way through Cloudflare's edge is no outage. */
export const BETWEEN_BAKING_LOOKS_MS = 10_000;
/** However rarely Cloudflare checks, nobody waits for a failover longer than ten minutes. */
const MOST_LOOKS_FAILING_OVER = 60;

type Checks = Pick<MonitorSpec, "interval" | "timeout" | "retries">;

/** So many looks take longer than an interval of Cloudflare's checks with all retries. */
function looksFailingOver({ interval, timeout, retries }: Checks): number {
  const seconds = interval + timeout * (retries + 1);
  return Math.min(MOST_LOOKS_FAILING_OVER, Math.ceil((seconds * 1000) / BETWEEN_BAKING_LOOKS_MS) + 1);
}

/** How many looks in a row said the same. */
export interface BakeWatch {
  readonly look: Look;
  readonly inARow: number;
}

export const NOT_LOOKED: BakeWatch = { look: "unclear", inARow: 0 };

/** Where both endpoints answer well themselves, a bad answer of the hostname comes from neither. */
function comesFromNeither(hostname: ProbeResult, { primary, secondary }: Sample): boolean {
  const isAnswer = hostname.failure === "status" || hostname.failure === "body";
  return isAnswer && showsItsContent(hostname) && primary.ok && secondary.ok;
}

export function judgeLook(sample: Sample, view: ServingView, active: Side): Look {
  if (view.serving === active || cantBeTold(view, sample, active)) return "good";
  if (view.serving === otherSide(active)) return "other";
  const { hostname } = sample;
  // An answer that doesn't come is no proof: what a Worker is told of TLS and DNS can be its own platform's trouble.
  if (hostname === null || hostname.ok || hostname.status === null) return "unclear";
  if (view.serving !== "none" && !comesFromNeither(hostname, sample)) return "unclear";
  return !sample[active].ok && sample[otherSide(active)].ok ? "failing over" : "bad";
}

export function watchBake(before: BakeWatch, look: Look): BakeWatch {
  return { look, inARow: look === before.look ? before.inARow + 1 : 1 };
}

export function isSettled(watch: BakeWatch, ...looks: readonly Look[]): boolean {
  return looks.includes(watch.look) && watch.inARow >= IN_A_ROW;
}

/** Visitors get errors for certain, and no failover comes to their help. */
export function isBroken(watch: BakeWatch, checks: Checks): boolean {
  const isStuck = watch.look === "failing over" && watch.inARow >= looksFailingOver(checks);
  return isStuck || isSettled(watch, "bad");
}

/** The last looks were bad ones, and yet too few to say that it is broken: a bake doesn't end in the midst of them. */
export function isUndecided(watch: BakeWatch, checks: Checks): boolean {
  return (watch.look === "bad" || watch.look === "failing over") && !isBroken(watch, checks);
}

export interface WayBack {
  /** What lies under the load balancer now; null where it could not be read. */
  readonly underneath: Underneath | null;
  /** The endpoints that don't answer us at this moment. */
  readonly down: readonly Side[];
  /** Whether that answered well right before the promotion, and who was seen to serve then. */
  readonly answeredBefore: boolean;
  readonly servedBefore: string;
  /** Null where the load balancer was read back as ours; otherwise what was read. */
  readonly notOurs: string | null;
}

/** Why a promotion that goes wrong stays nevertheless; null where going back helps visitors for certain. */
export function whyNotBack(hostname: string, way: WayBack): string | null {
  const { underneath, down, answeredBefore, servedBefore, notOurs } = way;
  if (notOurs !== null) return notOurs;
  if (underneath === null) return `the DNS records of ${hostname} could not be read`;
  const { leadsTo, records } = underneath;
  if (leadsTo === null) return `there is no DNS record for ${hostname} to go back to`;
  // An address may be an endpoint's without saying so; who answered under it does.
  const dead = down.find((side) => side === leadsTo || side === servedBefore);
  if (dead !== undefined)
    return `the DNS record of ${hostname}, ${records.join(", ")}, leads to the ${dead} endpoint, which does not answer now`;
  return answeredBefore
    ? null
    : `the DNS record of ${hostname} was not seen to answer well before the promotion`;
}
