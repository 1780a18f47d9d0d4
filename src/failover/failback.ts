// Decides what the failback policy does now: whether an outage latches the order to secondary first, whether a latched
// order returns, and otherwise what it waits for. A latch moves nobody, for health steers already; it keeps a primary
// that comes back from pulling its visitors back. What a person settled is never touched.
//
//   settled order, by whom     | primary              | mode         | then
//   ---------------------------+----------------------+--------------+---------------------------------------
//   primary first, by anyone   | newly unhealthy      | manual/after | latch, if the secondary is healthy
//   secondary first, a person  | any                  | any          | nothing
//   secondary first, a latch   | any                  | manual       | wait for a person to switch back
//   secondary first, a latch   | healthy long enough  | after        | switch back, if nothing stands against it
//   secondary first, a latch   | healthy              | automatic    | the same: the mode was changed meanwhile
import { completeSpec, type Failback } from "./complete.ts";
import type { Failover, Side } from "./failover.ts";
import type { ForeignRouting } from "./foreign.ts";
import { leasesInForce, pausedUntil, type Lease } from "./leases.ts";
import type { Operation, Sample, SideHealth } from "./results.ts";
import { deriveSideHealth, probeHasSucceeded, type PoolHealth } from "./verdict.ts";
import { isAnyOpen, nextOpening } from "./windows.ts";

/** After each automatic move nothing moves by itself for this long. */
export const BLOCK_SECONDS = 300;

export interface FailbackFacts {
  readonly policy: Failback;
  /** True of a draft, which has no visitors, and of what is being deleted. */
  readonly idle: boolean;
  readonly settled: Pick<Failover, "settledActive" | "settledBy" | "settledAt">;
  /** Cloudflare decides; our probe may add a refusal where it succeeded before. */
  readonly health: Readonly<Record<Side, SideHealth>>;
  readonly probeSucceededBefore: boolean;
  /** Until when an unhealthy primary may merely be one whose first checks aren't done; null where it was healthy. */
  readonly warmingUpUntil: number | null;
  /** True where a lease that put the secondary first ends in this moment. */
  readonly leaseEnds: boolean;
  /** When the lease ends that moves traffic; null where there is none. */
  readonly movedUntil: number | null;
  readonly pausedUntil: number | null;
  readonly frozen: boolean;
  readonly operation: Pick<Operation, "id" | "kind"> | null;
  /** Somebody else's routing past the pair, in sentences. */
  readonly foreign: readonly string[];
  /** Milliseconds since the epoch, as all instants here. */
  readonly now: number;
}

export type FailbackDecision =
  | { readonly kind: "none" }
  /** What it waits for, as a sentence. */
  | { readonly kind: "wait"; readonly message: string }
  | { readonly kind: "latch" | "switch-back"; readonly reason: string };

const NONE: FailbackDecision = { kind: "none" };
const wait = (message: string): FailbackDecision => ({ kind: "wait", message });
const instant = (at: number): string => new Date(at).toISOString();
const found = (side: Side, { verdict }: SideHealth): string =>
  verdict === "unknown"
    ? `it is not known whether the ${side} is healthy`
    : `Cloudflare finds the ${side} ${verdict}`;

/** Why an order with a primary that Cloudflare finds unhealthy isn't latched; null where it is. */
function whyNotLatched(facts: FailbackFacts): string | null {
  const { health, settled, warmingUpUntil, now } = facts;
  if (facts.movedUntil !== null)
    return `until ${instant(facts.movedUntil)} a lease says who stands first, and the order is latched then if the primary still is`;
  // Who put the primary first during this very outage meant it: the next one latches.
  if (!facts.leaseEnds && settled.settledBy === "person" && (health.primary.since ?? 0) <= settled.settledAt)
    return `the order is not latched, for the primary was put first during this outage, at ${instant(settled.settledAt)}`;
  if (warmingUpUntil !== null && now < warmingUpUntil)
    return `the order is not latched before ${instant(warmingUpUntil)}, for an endpoint without results counts as unhealthy until its first checks are done`;
  const { verdict } = health.secondary;
  if (verdict !== "healthy") {
    const too = verdict === "unhealthy" ? " too" : "";
    return `the order is not latched, for ${found("secondary", health.secondary)}${too}`;
  }
  return null;
}

function decideLatch(facts: FailbackFacts): FailbackDecision {
  const { policy, health, operation } = facts;
  if (policy.mode === "automatic" || health.primary.verdict !== "unhealthy") return NONE;
  // A drill takes the primary away by itself, and waits afterwards until Cloudflare has seen it again.
  if (operation?.kind === "drill" && !facts.leaseEnds) return NONE;
  const why = whyNotLatched(facts);
  const unhealthy = "Cloudflare finds the primary unhealthy";
  return why === null
    ? { kind: "latch", reason: `${unhealthy}, and failback is ${policy.mode}` }
    : wait(`${unhealthy}: ${why}`);
}

/** All that a latched order waits for before it returns by itself; empty where it may return now. */
function obstaclesToReturn(facts: FailbackFacts): string[] {
  const { policy, health, settled, now } = facts;
  const { verdict, since } = health.primary;
  const { healthy_seconds: wanted = 0, windows = [] } = policy;
  const obstacles: string[] = [];
  // A switch back that failed has put the latch back: the time counts anew from then.
  const healthySince = Math.max(since ?? now, settled.settledAt);
  const healthyAt = healthySince + wanted * 1000;
  if (verdict !== "healthy") obstacles.push(`the primary to be healthy: ${found("primary", health.primary)}`);
  else if (now < healthyAt)
    obstacles.push(`${wanted} healthy seconds of the primary without interruption, at ${instant(healthyAt)}`);
  const probe = health.primary.witnesses.find(({ witness }) => witness === "probe");
  const contradicts = probe?.verdict === "unhealthy" || probe?.verdict === "flapping";
  if (verdict === "healthy" && contradicts && facts.probeSucceededBefore)
    obstacles.push(
      `our probe, which finds the primary ${probe.verdict}: ${probe.detail ?? "no reason given"}`,
    );
  const blockedUntil = settled.settledAt + BLOCK_SECONDS * 1000;
  if (now < blockedUntil) obstacles.push(`the end of the block period at ${instant(blockedUntil)}`);
  if (windows.length > 0 && !isAnyOpen(windows, now)) {
    const opening = nextOpening(windows, now);
    obstacles.push(opening === null ? "a window" : `its window, which opens at ${instant(opening)}`);
  }
  if (facts.movedUntil !== null) obstacles.push(`the lease that ends at ${instant(facts.movedUntil)}`);
  if (facts.pausedUntil !== null) obstacles.push(`the pause, until ${instant(facts.pausedUntil)}`);
  if (facts.frozen) obstacles.push("the end of the fleet's freeze");
  if (facts.operation !== null)
    obstacles.push(`the ${facts.operation.kind} ${facts.operation.id} to be over`);
  if (facts.foreign.length > 0)
    obstacles.push(`an end of what sends visitors past the pair: ${facts.foreign.join("; ")}`);
  return obstacles;
}

function decideReturn(facts: FailbackFacts): FailbackDecision {
  const { policy, health, settled } = facts;
  const latched = `the order is latched to secondary first since ${instant(settled.settledAt)}`;
  if (policy.mode === "manual")
    return wait(`${latched} and waits for a person to switch back: ${found("primary", health.primary)}`);
  const obstacles = obstaclesToReturn(facts);
  if (obstacles.length > 0) return wait(`${latched} and waits for ${obstacles.join("; and for ")}`);
  const { healthy_seconds: seconds } = policy;
  const healthy = seconds === undefined ? "is healthy" : `has been healthy for ${seconds} seconds`;
  return { kind: "switch-back", reason: `the primary ${healthy}, and failback is ${policy.mode}` };
}

export function decideFailback(facts: FailbackFacts): FailbackDecision {
  if (facts.idle) return NONE;
  const { settledActive, settledBy } = facts.settled;
  if (settledActive === "primary") return decideLatch(facts);
  return settledBy === "policy" ? decideReturn(facts) : NONE;
}

/** What is stored of a failover, as far as it bears on failback. */
export interface FailbackSources {
  readonly failover: Failover;
  readonly leases: readonly Lease[];
  readonly health: Readonly<Partial<Record<Side, PoolHealth>>>;
  readonly samples: readonly Sample[];
  readonly status: {
    readonly probeSucceeded: Readonly<Record<Side, string | null>>;
    readonly foreign: readonly ForeignRouting[];
  };
  readonly operation: Operation | null;
  readonly freeze: object | null;
}

/** The facts as of `now`, ms since the epoch. */
export function failbackFacts(sources: FailbackSources, now: number): FailbackFacts {
  const { failover, leases, health, samples, status, operation, freeze } = sources;
  const spec = completeSpec(failover.input, failover.facts);
  const { interval, consecutive_up: checks = 1 } = spec.monitor;
  const moving = leasesInForce(leases, now).find(({ kind }) => kind !== "pause");
  const primary = health.primary;
  return {
    policy: spec.failback,
    idle: failover.stage === "draft" || failover.deleting !== null,
    settled: failover,
    health: {
      primary: deriveSideHealth("primary", health.primary, samples, now),
      secondary: deriveSideHealth("secondary", health.secondary, samples, now),
    },
    probeSucceededBefore:
      status.probeSucceeded.primary === spec.primary.address || probeHasSucceeded(samples, "primary"),
    // One more than it takes, for what was read is a tick old.
    warmingUpUntil:
      primary?.untried === true ? primary.since + (Math.max(1, checks) + 1) * interval * 1000 : null,
    leaseEnds: false,
    movedUntil: moving?.expiresAt ?? null,
    pausedUntil: pausedUntil(leases, now),
    frozen: freeze !== null,
    operation,
    foreign: status.foreign.filter(({ effect }) => effect !== "none").map(({ message }) => message),
    now,
  };
}
