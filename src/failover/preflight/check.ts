// What a check is: one question about a failover's prerequisites, what its answers mean, and what mends a bad one.
import type { GuardId } from "../guards.ts";
import { SIDES, type Side } from "../failover.ts";
import type { Asked, PreflightFacts } from "./facts.ts";

export type CheckOutcome = "pass" | "warn" | "fail" | "unknown";
export type Evidence = Readonly<Record<string, unknown>>;

/** What one look at the facts says. */
export interface Finding {
  readonly outcome: CheckOutcome;
  /** What was seen, as a clause that names where. */
  readonly found: string;
  readonly evidence: Evidence;
  /** In the place of the check's own remedy, where more can be said. */
  readonly remedy?: string;
  /** In the place of what the check's bad answer means, where it is milder. */
  readonly means?: string;
}

/** A permission group as Cloudflare's API names it, and the resource that it has to cover. */
export interface NeededPermission {
  readonly group: string;
  readonly scope: "account" | "zone";
}

interface Described {
  /** Stable: it stands in answers, events and overrides. */
  readonly id: string;
  /** The question, for the table of checks. */
  readonly asks: string;
  /** The worst that it can say. */
  readonly worst: "warn" | "fail";
  /** What a bad answer means for visitors or for the service, as a clause. */
  readonly means: string;
  /** What to do, as a sentence; `{endpoint}` stands for `primary` or `secondary`. */
  readonly remedy: string;
  /** The title of the page of Cloudflare's documentation on it. */
  readonly documentation: string;
  /** The guard that refuses for it; `preflight-failed` unless given. */
  readonly guard?: GuardId;
  /** True where it matters only once the production hostname is to be taken. */
  readonly production?: true;
  /** Checks whose complaint explains this one's, unless it is the milder: it then says so instead of complaining too. */
  readonly follows?: readonly string[];
  /** Without it, the check can't be made. */
  readonly permission?: NeededPermission;
}

export interface WholeCheck extends Described {
  judge(facts: PreflightFacts): Finding;
}

/** A check of each endpoint by itself; null where it doesn't concern that endpoint. */
export interface EndpointCheck extends Described {
  judgeEndpoint(facts: PreflightFacts, side: Side): Finding | null;
}

export type Check = WholeCheck | EndpointCheck;

export interface CheckResult {
  readonly id: string;
  readonly outcome: CheckOutcome;
  readonly evidence: Evidence;
  /** A sentence on what was found, and of a complaint one on what it means. */
  readonly message: string;
  /** One sentence; null where there is nothing to mend. */
  readonly remedy: string | null;
  readonly documentation: string;
}

export const pass = (found: string, evidence: Evidence = {}): Finding => ({
  outcome: "pass",
  found,
  evidence,
});
export const warn = (found: string, evidence: Evidence = {}, remedy?: string): Finding => ({
  outcome: "warn",
  found,
  evidence,
  ...(remedy === undefined ? {} : { remedy }),
});
export const fail = (found: string, evidence: Evidence = {}, remedy?: string): Finding => ({
  outcome: "fail",
  found,
  evidence,
  ...(remedy === undefined ? {} : { remedy }),
});
export const unknown = (found: string, evidence: Evidence = {}, remedy?: string): Finding => ({
  outcome: "unknown",
  found,
  evidence,
  ...(remedy === undefined ? {} : { remedy }),
});

/** Judges an answer; where there is none, nothing is claimed. */
export function given<T>(asked: Asked<T>, judge: (value: T) => Finding): Finding {
  if (asked.state === "known") return judge(asked.value);
  return unknown(asked.why, { reason: asked.state });
}

/** True where the question was asked and the token may not ask it. */
export function isForbidden(asked: Asked<unknown> | null): boolean {
  return asked?.state === "forbidden";
}

const ORDER: readonly CheckOutcome[] = ["pass", "unknown", "warn", "fail"];

export function worstOf(outcomes: readonly CheckOutcome[]): CheckOutcome {
  return outcomes.reduce<CheckOutcome>((worst, one) => (isWorse(one, worst) ? one : worst), "pass");
}

export function isWorse(one: CheckOutcome, other: CheckOutcome): boolean {
  return ORDER.indexOf(one) > ORDER.indexOf(other);
}

export function isComplaint({ outcome }: Pick<Finding, "outcome">): boolean {
  return outcome === "fail" || outcome === "warn";
}

/** Findings by endpoint; the whole of the failover stands under `both`. */
export type Findings = Readonly<Partial<Record<Side | "both", Finding>>>;

export function judgeCheck(check: Check, facts: PreflightFacts): Findings {
  if ("judge" in check) return { both: check.judge(facts) };
  const found = SIDES.flatMap((side) => {
    const finding = check.judgeEndpoint(facts, side);
    return finding === null ? [] : [[side, finding] as const];
  });
  return Object.fromEntries(found);
}
