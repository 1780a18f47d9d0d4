// Decides whether a drill may begin: what was asked for has to fit the stage, and nothing may stand against it.
import { DEFAULT_HOLD_SECONDS, LONGEST_HOLD_SECONDS, type DrillMethod } from "./drill.ts";
import type { Failover, Stage } from "./failover.ts";
import { guardFreeze, guardOperation, guardPromotion, refusal, type PromotionFacts } from "./guards.ts";
import { leasesInForce, type Lease } from "./leases.ts";
import type { FieldError, Operation, Refusal } from "./results.ts";
import type { Opening } from "./windows.ts";

export interface DrillRequest {
  readonly method?: DrillMethod;
  readonly holdSeconds?: number;
  /** In production the hostname that visitors will be moved under. */
  readonly confirm?: string;
  readonly reason?: string;
  /** The opening of the schedule's window that it is for. */
  readonly window?: Opening;
  /** From If-Match, where it was sent. */
  readonly revision?: number;
}

/** The tutorial's test disables the primary; where there are visitors, a pool that isn't checked couldn't catch them. */
export function methodOf(stage: Stage, asked: DrillMethod | undefined): DrillMethod {
  return asked ?? (stage === "testing" ? "disable-primary" : "reorder");
}

/** What is wrong with the request itself. */
export function findFaults(request: DrillRequest, stage: Stage, hostname: string): FieldError[] {
  const { method, holdSeconds = DEFAULT_HOLD_SECONDS, confirm } = request;
  const faults: FieldError[] = [];
  if (stage === "production" && method === "disable-primary") {
    faults.push({
      pointer: "/method",
      message:
        "disable-primary is only for testing: a disabled pool isn't checked and can't catch traffic; use reorder",
    });
  }
  if (!(holdSeconds >= 1 && holdSeconds <= LONGEST_HOLD_SECONDS)) {
    faults.push({ pointer: "/hold_seconds", message: `must be from 1 to ${LONGEST_HOLD_SECONDS}` });
  }
  if (stage === "production" && confirm !== hostname) {
    faults.push({
      pointer: "/confirm",
      message: `visitors of ${hostname} will be moved: must be "${hostname}" to confirm that`,
    });
  } else if (confirm !== undefined && confirm !== hostname) {
    faults.push({ pointer: "/confirm", message: `the drill moves ${hostname}: leave it out, or name that` });
  }
  return faults;
}

export interface DrillStartFacts extends PromotionFacts {
  readonly failover: Failover;
  readonly hostname: string;
  readonly operation: Operation | null;
  readonly leases: readonly Lease[];
  readonly freeze: { readonly reason: string; readonly frozenAt: number } | null;
  /** Whether our own look told the endpoints apart, and what it says where it didn't. */
  readonly distinguishable: boolean;
  readonly detail: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const ABOUT: Readonly<Record<Lease["kind"], string>> = {
  switchover: "a timed switch-over is in force",
  drill: "another drill is in force",
  pause: "the failover is paused",
};

function guardLeases(leases: readonly Lease[], now: number): Refusal[] {
  return leasesInForce(leases, now).map(({ kind, reason, expiresAt }) => {
    const until = new Date(expiresAt).toISOString();
    const message = `${ABOUT[kind]} until ${until} (${reason})`;
    return refusal("lease-in-force", message, { kind, expires_at: until, reason });
  });
}

/** All that stands against a drill, at once. Nothing of it can be overridden: a rehearsal is worth no risk. */
export function guardDrillStart(facts: DrillStartFacts): Refusal[] {
  const { failover, hostname, operation, leases, freeze, distinguishable, detail, now } = facts;
  const refusals = [
    ...guardOperation(operation),
    ...guardPromotion(facts),
    ...guardLeases(leases, now),
    ...guardFreeze(freeze),
  ];
  if (failover.settledActive !== "primary") {
    const message = "the secondary is active: a drill begins and ends with the primary, so switch back first";
    refusals.push(refusal("primary-not-active", message, { active: failover.settledActive }));
  }
  if (!distinguishable) {
    const message = `indistinguishable: nobody could see who serves ${hostname}: ${detail}; a drill that can't see is none, so give each endpoint a marker`;
    refusals.push(refusal("indistinguishable", message, { hostname, detail }));
  }
  return refusals.map((one) => ({ ...one, overridable: false }));
}

/** A draft has no visitors, not even of a test hostname. */
export function refuseDraft(): Refusal {
  const message =
    "a draft's load balancer is disabled, so nothing can be rehearsed: promote it to testing first";
  return { ...refusal("target-not-ready", message, { stage: "draft" }), overridable: false };
}
