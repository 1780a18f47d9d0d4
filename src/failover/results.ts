// The shapes in which the core's answers travel: refusals, failures, operations, events, status.
import type { Condition, Explanation } from "./explain.ts";
import type { Change } from "./plan.ts";
import type { Facts, Side, Stage } from "./failover.ts";
import type { DriftClass, Spec } from "./complete.ts";
import type { ForeignRouting } from "./foreign.ts";
import type { ImportFinding } from "./import.ts";
import type { Lease } from "./leases.ts";
import type { Role } from "./marker.ts";
import type { SpecInput } from "./spec.ts";
import type { Body } from "./desired.ts";
import type { Preflight } from "./preflight/preflight.ts";

/** A guard's no, with the facts that it rests on. */
export interface Refusal {
  readonly guard: string;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
  /** What would satisfy the guard, as a sentence. */
  readonly remedy: string;
  readonly overridable: boolean;
}

/** A fault in one member of a request; `pointer` is a JSON pointer into the body. */
export interface FieldError {
  readonly pointer: string;
  readonly message: string;
}

export type FailureCode =
  | "invalid" // 422
  | "not-found" // 404
  | "taken" // 409: a name or hostname that something else has
  | "refused" // 409 with refusals
  | "revision-mismatch" // 412
  | "precondition-required" // 428
  | "deleting" // 409: the failover is on its way out
  | "unavailable"; // 503: Cloudflare could not be read, and nothing was done

/** Why an action did nothing. Closed, so that the API maps it to a status in one table. */
export interface Failure {
  readonly code: FailureCode;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  readonly refusals?: readonly Refusal[];
}

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: Failure };

export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function fail(
  code: FailureCode,
  detail: string,
  more: Omit<Failure, "code" | "detail"> = {},
): Result<never> {
  return { ok: false, failure: { code, detail, ...more } };
}

export const ACTOR_KINDS = ["token", "person", "cron", "webhook", "cloudflare", "system"] as const;

export interface Actor {
  readonly kind: (typeof ACTOR_KINDS)[number];
  readonly name: string;
}

/** Who asks, and under which request. */
export interface Origin {
  readonly actor: Actor;
  readonly requestId: string | null;
}

export type StepStatus = "pending" | "running" | "succeeded" | "failed" | "skipped";
export interface OperationStep {
  readonly name: string;
  readonly status: StepStatus;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly detail: string | null;
}

export type OperationKind =
  | "promote"
  | "demote"
  | "switch-over"
  | "scheduled-switch-over"
  | "approval"
  | "drill"
  | "reconcile"
  | "delete";
export type OperationStatus = "pending" | "running" | "succeeded" | "failed" | "aborted";

/** A piece of work longer than a request: a row with its next step and due time. Times are ms since the epoch. */
export interface Operation {
  readonly id: string;
  readonly failoverId: string;
  readonly kind: OperationKind;
  readonly status: OperationStatus;
  readonly message: string;
  readonly steps: readonly OperationStep[];
  readonly refusals: readonly Refusal[];
  /** What the operation needs to go on after a crash, and in the end what it found. */
  readonly state: Readonly<Record<string, unknown>>;
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly origin: Origin;
  readonly createdAt: number;
  readonly dueAt: number | null;
  readonly deadlineAt: number;
  readonly finishedAt: number | null;
}

/** A past-tense fact. `seq` is given by the store. */
export interface FailoverEvent {
  readonly id: string;
  readonly seq?: number;
  readonly type: string;
  readonly at: number;
  readonly failoverId: string;
  readonly origin: Origin;
  readonly data: Readonly<Record<string, unknown>>;
}

export type Sync = "synced" | "drifted" | "converging" | "blocked" | "deleting" | "unknown";
export type Verdict = "healthy" | "unhealthy" | "flapping" | "unknown";
export type Serving = Side | "none" | "unknown";

export interface WitnessView {
  readonly witness: "cloudflare" | "probe";
  readonly verdict: Verdict;
  readonly since: number | null;
  readonly observedAt: number | null;
  /** Why, in a sentence, e.g. "Response code mismatch in 3 of 3 places" or "probe not admitted: 403". */
  readonly detail: string | null;
}

export interface SideHealth {
  /** Cloudflare's witness: what steers traffic. */
  readonly verdict: Verdict;
  readonly since: number | null;
  readonly witnesses: readonly WitnessView[];
}

/** Drift that is known and not (yet) healed. */
export interface KnownDrift {
  readonly role: Role;
  readonly class: DriftClass;
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly firstSeenAt: number;
  /** When a pool or an endpoint that is out of use was disabled, as Cloudflare says. */
  readonly disabledAt?: string;
  /** When it will be healed unless adopted; null where the policy is to report only. */
  readonly healAt: number | null;
}

/** What the last look found; the Coordinator alone writes it, and only when it changed. */
export interface FailoverStatus {
  readonly sync: Sync;
  readonly message: string;
  readonly drift: readonly KnownDrift[];
  readonly foreign: readonly ForeignRouting[];
  readonly health: Readonly<Record<Side, SideHealth>>;
  readonly serving: Serving;
  readonly servingDetail: string | null;
  readonly reconciledRevision: number | null;
  /** When Cloudflare was last read for it. */
  readonly observedAt: number | null;
}

/** What became of the last full preflight. */
export interface PreflightSummary {
  /** Milliseconds since the epoch. */
  readonly ranAt: number;
  /** Of the spec that was looked at: another one's may come out otherwise. */
  readonly revision: number;
  readonly outcome: Preflight["outcome"];
  /** Ids of the checks that failed. */
  readonly failed: readonly string[];
}

/** Everything that the API shows of a failover. */
export interface FailoverView {
  readonly id: string;
  readonly name: string;
  readonly revision: number;
  readonly stage: Stage;
  readonly active: Side;
  readonly spec: Spec;
  readonly facts: Facts;
  readonly ids: Readonly<Partial<Record<Role, string>>>;
  readonly deleting: "destroy" | "orphan" | null;
  readonly status: FailoverStatus;
  readonly readiness: "ready" | "degraded" | "not_ready";
  readonly operationId: string | null;
  /** Null before the first one. */
  readonly preflight: PreflightSummary | null;
  /** When the next scheduled drill is due, ms since the epoch; null where none will be. */
  readonly nextDrillAt: number | null;
  /** Those in force. */
  readonly leases: readonly Lease[];
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** One probe's outcome. */
export interface ProbeResult {
  readonly ok: boolean;
  readonly status: number | null;
  readonly latencyMs: number | null;
  /** Null where ok. */
  readonly failure: ProbeFailure | null;
  /** One short sentence for a person. */
  readonly detail: string | null;
  /** What tells endpoints apart; empty where no answer came. */
  readonly traits: Readonly<Record<string, string>>;
  readonly way: "fetch" | "socket" | "egress";
}

export type ProbeFailure =
  | "dns"
  | "refused"
  | "timeout"
  | "reset"
  | "tls"
  | "status"
  | "body"
  | "redirect" // leaves the endpoint, or too many
  | "challenged" // a WAF challenge or a login page stands in the way
  | "cached" // an answer from a cache says nothing about now
  | "blocked" // the platform does not let a Worker connect there
  | "protocol"
  | "unreachable"; // no better word was to be had

/** The samples of one failover at one tick: comparable because they were taken together. */
export interface Sample {
  readonly failoverId: string;
  /** The instant at which the tick began, ms since the epoch. */
  readonly tick: number;
  readonly primary: ProbeResult;
  readonly secondary: ProbeResult;
  /** Null where the hostname was not looked at (the load balancer isn't enabled). */
  readonly hostname: ProbeResult | null;
  /** Which hostname that was: its answer says nothing of another. */
  readonly asked?: string | null;
}

/** Who serves and why; `conditions` are what was supposed. */
export interface ExplanationView extends Omit<Explanation, "rule"> {
  readonly rule: Explanation["rule"] | "unreadable";
  readonly hostname: string | null;
  readonly conditions: readonly Condition[];
  /** What session affinity adds to that, where it is on. */
  readonly affinity: string | null;
}

/** What a preflight found; the ids are null of a spec that isn't saved. */
export interface PreflightView extends Preflight {
  readonly failoverId: string | null;
  readonly revision: number | null;
  /** When it began, ms since the epoch. */
  readonly ranAt: number;
}

/** What an existing load balancer would become. */
export interface ImportView {
  readonly importable: boolean;
  /** What a create would have to say to have the same; null where it can't be read as a failover. */
  readonly spec: SpecInput | null;
  readonly active: Side | null;
  /** What was found, as it stands at Cloudflare. */
  readonly objects: Readonly<Partial<Record<Role, Body>>>;
  readonly changes: readonly Change[];
  readonly foreign: readonly ImportFinding[];
  readonly refusals: readonly Refusal[];
}

/** What became of a switch-over of many, or would. */
export interface FleetSwitchView {
  readonly dryRun: boolean;
  readonly items: readonly {
    readonly failoverId: string;
    readonly name: string;
    /** `approval`: it waits, or would wait, for another person. */
    readonly outcome: "switch" | "already" | "refused" | "approval";
    readonly refusals: readonly Refusal[];
    readonly operationId: string | null;
  }[];
}

export interface PlanView {
  readonly id: string;
  readonly failoverId: string;
  readonly revision: number;
  readonly changes: readonly Change[];
  readonly refusals: readonly Refusal[];
  readonly foreign: readonly ForeignRouting[];
}
