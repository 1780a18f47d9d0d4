// Decides whether an action may move traffic. Every guard that applies is named at once, each with the facts that it
// rests on and whether a person may override it.
import { completeSpec, type Spec } from "./complete.ts";
import type { Explanation, TrafficRule, TrafficState } from "./explain.ts";
import { otherSide, SIDES, type Failover, type Side } from "./failover.ts";
import type { ForeignRouting } from "./foreign.ts";
import type { Operation, Refusal, Sample, SideHealth } from "./results.ts";
import type { StoredStatus } from "./status.ts";
import { deriveSideHealth, probeHasSucceeded, type PoolHealth } from "./verdict.ts";

/** Whether a person may override it, and what would satisfy it. */
const GUARDS = {
  "no-healthy-target": {
    overridable: true,
    remedy: "Bring an endpoint back to health, or its pool into use, and try again.",
  },
  "target-not-ready": {
    overridable: true,
    remedy: "Wait until the endpoint is found healthy; GET /v1/failovers/{id} says what is wrong with it.",
  },
  "preflight-failed": { overridable: true, remedy: "Do what the remedies of the named checks say." },
  "drill-missing": {
    overridable: true,
    remedy: "Rehearse it: POST /v1/failovers/{id}/drills, and let that pass.",
  },
  "foreign-routing": {
    overridable: true,
    remedy:
      'Take that routing off, or have it taken off: POST /v1/failovers/{id}/reconcile {"heal_foreign": true}.',
  },
  "certificate-missing": { overridable: true, remedy: "Get a certificate that covers the hostname." },
  "hostname-conflict": { overridable: true, remedy: "Free the hostname of whatever else has it." },
  "revision-mismatch": {
    overridable: false,
    remedy: "Read the failover again, and say what you want of it as it is now.",
  },
  "operation-running": {
    overridable: false,
    remedy: "Wait until it has ended (GET /v1/operations/{id}); switch-over, demote, abort and pause end it.",
  },
  frozen: { overridable: true, remedy: "End the freeze: DELETE /v1/fleet/freeze." },
  "too-much-change": { overridable: true, remedy: "Agree to it: POST /v1/fleet/agree." },
  "in-production": { overridable: true, remedy: "Demote the failover first." },
  "nothing-underneath": {
    overridable: true,
    remedy: "Make a DNS record for the hostname that visitors can get instead.",
  },
  "not-importable": {
    overridable: false,
    remedy: "Change at Cloudflare what the message names, and try again.",
  },
  "lease-in-force": {
    overridable: false,
    remedy: "Wait for its end, or end it: switch-back, resume or abort.",
  },
  "primary-not-active": { overridable: false, remedy: "Switch back first." },
  indistinguishable: {
    overridable: true,
    remedy: "Give each endpoint a marker: a header or a text that only its own answers carry.",
  },
  "approval-required": {
    overridable: true,
    remedy: "Leave it on, or override this with a reason, which everybody hears of.",
  },
  "own-request": { overridable: false, remedy: "Let another person approve or reject it." },
  "plan-changed": {
    overridable: false,
    remedy: "Ask for it anew, and have the plan approved that the new operation shows.",
  },
} as const;

export type GuardId = keyof typeof GUARDS;
const isGuardId = (id: string): id is GuardId => Object.hasOwn(GUARDS, id);
export const GUARD_IDS: readonly GuardId[] = Object.keys(GUARDS).filter(isGuardId);

export function refusal(guard: GuardId, message: string, facts: Record<string, unknown> = {}): Refusal {
  return { guard, message, facts, ...GUARDS[guard] };
}

/** Drops the refusals that a person overrode by name. */
export function withoutOverridden(refusals: readonly Refusal[], override: readonly string[]): Refusal[] {
  return refusals.filter((one) => !(one.overridable && override.includes(one.guard)));
}

export function guardRevision(failover: Failover, expected: number | undefined): Refusal[] {
  if (expected === undefined || expected === failover.revision) return [];
  const message = `revision ${expected} was expected, but the failover is at revision ${failover.revision}: read it again`;
  return [refusal("revision-mismatch", message, { expected, revision: failover.revision })];
}

export function guardOperation(running: Operation | null): Refusal[] {
  if (running === null) return [];
  const message = `the ${running.kind} ${running.id} is still ${running.status}: wait until it has ended`;
  return [refusal("operation-running", message, { operation_id: running.id, kind: running.kind })];
}

/** What is known of the endpoints that may get visitors. */
export interface TargetFacts {
  /** Read no longer than two ticks ago. */
  readonly health: Readonly<Record<Side, SideHealth>>;
  readonly probeSucceededBefore: Readonly<Record<Side, boolean>>;
}

/** As the witnesses have it now. Our probe counts from its first success on, of the same endpoint. */
export function targetFacts(
  { failover, status, samples }: WitnessedFailover,
  health: Readonly<Partial<Record<Side, PoolHealth>>>,
  now: number,
): TargetFacts {
  const spec = completeSpec(failover.input, failover.facts);
  const succeeded = (side: Side) =>
    status.probeSucceeded[side] === spec[side].address || probeHasSucceeded(samples, side);
  return {
    health: {
      primary: deriveSideHealth("primary", health.primary, samples, now),
      secondary: deriveSideHealth("secondary", health.secondary, samples, now),
    },
    probeSucceededBefore: { primary: succeeded("primary"), secondary: succeeded("secondary") },
  };
}

interface WitnessedFailover {
  readonly failover: Failover;
  readonly status: Pick<StoredStatus, "probeSucceeded">;
  /** In tick order. */
  readonly samples: readonly Sample[];
}

export interface PromotionFacts extends TargetFacts {
  readonly spec: Spec;
  /** Null where Cloudflare could be read; otherwise why not. */
  readonly unreadable: string | null;
  readonly inSync: boolean;
  readonly syncMessage: string;
  readonly foreign: readonly ForeignRouting[];
  /** Who would get visitors afterwards, as explain predicts it; null where nothing was seen to predict from. */
  readonly after: Explanation | null;
}

function guardTarget(side: Side, facts: TargetFacts): Refusal[] {
  const health = facts.health[side];
  const witnesses = health.witnesses.map(({ witness, verdict, detail }) => ({ witness, verdict, detail }));
  if (health.verdict !== "healthy") {
    const detail =
      health.witnesses.find(({ witness }) => witness === "cloudflare")?.detail ?? "no result yet";
    const message =
      health.verdict === "unknown"
        ? `it is not known yet whether the ${side} endpoint is healthy: ${detail}`
        : `Cloudflare finds the ${side} endpoint ${health.verdict}: ${detail}`;
    return [refusal("target-not-ready", message, { endpoint: side, verdict: health.verdict, witnesses })];
  }
  const probe = health.witnesses.find(({ witness }) => witness === "probe");
  // Origins often admit only Cloudflare: our probe may add a refusal only where it succeeded before.
  const fails = probe?.verdict === "unhealthy" || probe?.verdict === "flapping";
  if (fails && facts.probeSucceededBefore[side]) {
    const message = `Cloudflare finds the ${side} endpoint healthy, but our probe does not: ${probe.detail ?? "it fails"}`;
    return [refusal("target-not-ready", message, { endpoint: side, verdict: health.verdict, witnesses })];
  }
  return [];
}

function guardReadiness(facts: PromotionFacts): Refusal[] {
  if (facts.unreadable !== null) {
    const message = `Cloudflare could not be read, so nothing is known of the endpoints now: ${facts.unreadable}`;
    return [refusal("target-not-ready", message, { reason: facts.unreadable })];
  }
  const refusals = SIDES.flatMap((side) => guardTarget(side, facts));
  if (!facts.inSync) {
    refusals.push(refusal("target-not-ready", `the failover is not in place yet: ${facts.syncMessage}`, {}));
  }
  return refusals;
}

function guardForeign(all: readonly ForeignRouting[]): Refusal[] {
  const foreign = all.filter(({ effect }) => effect !== "none");
  if (foreign.length === 0) return [];
  const message = `visitors can be sent past the pair: ${foreign.map((one) => one.message).join("; ")}`;
  return [refusal("foreign-routing", message, { foreign })];
}

/** What explain says where health steers to nobody. */
const LEAVES_NOBODY: readonly TrafficRule[] = ["fallback-pool", "no-pool-left", "endpoint-error"];

function guardAfterwards(after: Explanation): Refusal[] {
  if (!LEAVES_NOBODY.includes(after.rule)) return [];
  const message = `no enabled pool with a healthy endpoint would be left: ${after.path.at(-1) ?? ""}`;
  return [refusal("no-healthy-target", message, { rule: after.rule, path: after.path })];
}

/** All that stands against taking a failover one stage further. */
export function guardPromotion(facts: PromotionFacts): Refusal[] {
  return [
    ...guardReadiness(facts),
    ...(facts.after === null ? [] : guardAfterwards(facts.after)),
    ...guardForeign(facts.foreign),
  ];
}

/** What was tried of an endpoint as a patch would have it. */
export interface Tried {
  readonly endpoint: Side;
  readonly by: "preview" | "probe";
  /** Null where it is not known. */
  readonly ok: boolean | null;
  readonly detail: string;
}

/** In production an endpoint or monitor changes only to what was seen to work. */
export function guardChange(tried: readonly Tried[]): Refusal[] {
  return tried.flatMap(({ endpoint, by, ok, detail }) => {
    if (ok === true) return [];
    const who = by === "preview" ? "Cloudflare's preview" : "our probe";
    const message =
      ok === false
        ? `with this change ${who} finds the ${endpoint} endpoint failing: ${detail}`
        : `it is not known whether the ${endpoint} endpoint works with this change: ${detail}`;
    return [refusal("target-not-ready", message, { endpoint, by, detail })];
  });
}

/** While the fleet is frozen nothing moves but what restores. */
export function guardFreeze(
  freeze: { readonly reason: string; readonly frozenAt: number } | null,
): Refusal[] {
  if (freeze === null) return [];
  const since = new Date(freeze.frozenAt).toISOString();
  const message = `the fleet is frozen since ${since}: ${freeze.reason}`;
  return [refusal("frozen", message, { reason: freeze.reason, frozen_at: since })];
}

export interface SwitchFacts extends TargetFacts {
  readonly to: Side;
  /** Whom the caller took for active; undefined where they didn't say. */
  readonly expected: Side | undefined;
  readonly active: Side;
  /** Null where Cloudflare could be read; otherwise why not. */
  readonly unreadable: string | null;
  /** Who would get visitors afterwards, as explain predicts it. */
  readonly after: Explanation;
  readonly endpoints: TrafficState["endpoints"];
  readonly foreign: readonly ForeignRouting[];
  /** True where the endpoint is out of use by a drill that this ends: it comes back by itself in any case. */
  readonly restores?: boolean;
}

/** All that stands against putting an endpoint first. */
export function guardSwitch(facts: SwitchFacts): Refusal[] {
  const { to, expected, active, unreadable, after, endpoints } = facts;
  const refusals: Refusal[] = [];
  if (expected !== undefined && expected !== active) {
    const message = `the ${expected} was expected to be active, but the ${active} is: read the failover again`;
    refusals.push(refusal("revision-mismatch", message, { expected_active: expected, active }));
  }
  if (unreadable !== null) {
    const message = `Cloudflare could not be read, so nothing is known of the ${to} endpoint now: ${unreadable}`;
    refusals.push(refusal("target-not-ready", message, { reason: unreadable }));
    return refusals;
  }
  if (facts.restores === true) return [...refusals, ...guardForeign(facts.foreign)];
  refusals.push(...guardTarget(to, facts));
  if (!endpoints[to].poolEnabled || !endpoints[to].originEnabled) {
    const message = `the ${to} pool or its endpoint is disabled at Cloudflare, so it would get no visitors`;
    refusals.push(refusal("target-not-ready", message, { endpoint: to, enabled: false }));
  }
  return [...refusals, ...guardAfterwards(after), ...guardForeign(facts.foreign)];
}

/** What answers for a name where no load balancer has it. */
export interface Underneath {
  /** As `TYPE content`. */
  readonly records: readonly string[];
  /** The endpoint that they lead to; null where there are none. */
  readonly leadsTo: TrafficState["underneath"];
}

/** What visitors are left with once the load balancer gives up the production hostname. */
export function guardUnderneath(
  hostname: string,
  underneath: Underneath | null,
  health: Readonly<Record<Side, SideHealth>>,
): Refusal[] {
  if (underneath === null) {
    const message = `the DNS records of ${hostname} could not be read, so it is not known what visitors would get afterwards`;
    return [refusal("nothing-underneath", message, { hostname })];
  }
  const { records, leadsTo } = underneath;
  if (leadsTo === null) {
    const message = `there is no DNS record for ${hostname} under the load balancer: afterwards it would not resolve`;
    return [refusal("nothing-underneath", message, { hostname })];
  }
  if (leadsTo === "other" || health[leadsTo].verdict !== "unhealthy") return [];
  const other = otherSide(leadsTo);
  if (health[other].verdict !== "healthy") return [];
  const message = `visitors would get ${records.join(", ")}, the ${leadsTo} endpoint, which Cloudflare finds unhealthy; now the ${other} serves them`;
  return [refusal("no-healthy-target", message, { hostname, visitors_get: records, endpoint: leadsTo })];
}
