// Decides what stands in a failover's way: runs every check over the facts, and lets a failure that another one explains
// not be told twice.
import { refusal } from "../guards.ts";
import type { Stage } from "../failover.ts";
import type { Refusal } from "../results.ts";
import { ACCOUNT_CHECKS } from "./account-checks.ts";
import { ADDRESS_CHECKS } from "./address-checks.ts";
import { BALANCER_CHECKS } from "./balancer-checks.ts";
import {
  isComplaint,
  isWorse,
  judgeCheck,
  worstOf,
  type Check,
  type CheckOutcome,
  type CheckResult,
  type Finding,
  type Findings,
} from "./check.ts";
import { ENDPOINT_CHECKS } from "./endpoint-checks.ts";
import type { PreflightFacts } from "./facts.ts";
import { HOSTNAME_CHECKS } from "./hostname-checks.ts";
import { LIKENESS_CHECKS } from "./likeness-checks.ts";
import { PAGES_CHECKS } from "./pages-checks.ts";
import { PLAN_CHECKS } from "./plan-checks.ts";
import { REDIRECT_CHECKS } from "./redirect-checks.ts";
import { SERVICE_CHECKS } from "./service-checks.ts";
import { ZONE_CHECKS } from "./zone-checks.ts";

export const CHECKS: readonly Check[] = [
  ...ACCOUNT_CHECKS,
  ...PLAN_CHECKS,
  ...ZONE_CHECKS,
  ...PAGES_CHECKS,
  ...ADDRESS_CHECKS,
  ...REDIRECT_CHECKS,
  ...ENDPOINT_CHECKS,
  ...LIKENESS_CHECKS,
  ...BALANCER_CHECKS,
  ...HOSTNAME_CHECKS,
  ...SERVICE_CHECKS,
];

export interface Preflight {
  readonly outcome: CheckOutcome;
  readonly checks: readonly CheckResult[];
  /** Calls of Cloudflare's API that it took. */
  readonly calls: number;
}

type Place = keyof Findings;

/** A check whose complaint is no milder and explains this one's, at the same endpoint or of the whole. */
function explanationOf(
  check: Check,
  place: Place,
  finding: Finding,
  found: ReadonlyMap<string, Findings>,
): string | null {
  const explains = (cause: Finding | undefined): boolean =>
    cause !== undefined && isComplaint(cause) && !isWorse(finding.outcome, cause.outcome);
  const fits = (id: string): boolean => {
    const findings = found.get(id) ?? {};
    const near = place === "both" ? Object.values(findings) : [findings[place], findings.both];
    return near.some((cause) => explains(cause));
  };
  return (check.follows ?? []).find((id) => fits(id)) ?? null;
}

function withoutEchoes(check: Check, findings: Findings, found: ReadonlyMap<string, Findings>): Findings {
  const settled = Object.entries(findings).map(([place, finding]) => {
    const cause = isComplaint(finding) ? explanationOf(check, place as Place, finding, found) : null;
    if (cause === null) return [place, finding] as const;
    const echo: Finding = {
      outcome: "unknown",
      found: `${finding.found}, which may follow from what ${cause} says`,
      evidence: { ...finding.evidence, follows: cause },
    };
    return [place, echo] as const;
  });
  return Object.fromEntries(settled);
}

function remedyOf(check: Check, { outcome, evidence, remedy }: Finding): string | null {
  if (outcome === "pass") return null;
  if (remedy !== undefined) return remedy;
  if (outcome !== "unknown") return check.remedy;
  if (typeof evidence["follows"] === "string") return `First do what ${evidence["follows"]} says.`;
  return evidence["reason"] === "forbidden" && check.permission !== undefined
    ? `Give the API token the permission ${check.permission.group} (${check.permission.scope}) to have this checked.`
    : null;
}

/** A hostname or a member's name keeps its own spelling. */
function capitalized(text: string): string {
  const isWord = /^[a-z]+(?![\w.-])/.test(text);
  return isWord ? `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}` : text;
}

/** One result a check: the worst of its findings speaks, and each endpoint's evidence stands beside the other's. */
function conclude(check: Check, findings: Findings): CheckResult {
  const outcome = worstOf(Object.values(findings).map((finding) => finding.outcome));
  const telling = Object.entries(findings).filter(([, finding]) => finding.outcome === outcome);
  const found =
    telling.length === 0
      ? "it concerns neither endpoint"
      : telling.map(([, finding]) => finding.found).join("; ");
  const remedies = new Set(
    telling.flatMap(([place, finding]) => remedyOf(check, finding)?.replaceAll("{endpoint}", place) ?? []),
  );
  const means = new Set(telling.map(([, finding]) => `${capitalized(finding.means ?? check.means)}.`));
  const { both, ...endpoints } = findings;
  const evidence =
    both?.evidence ??
    Object.fromEntries(Object.entries(endpoints).map(([side, one]) => [side, one.evidence]));
  return {
    id: check.id,
    outcome,
    evidence,
    message: `${capitalized(found)}.${isComplaint({ outcome }) ? ` ${[...means].join(" ")}` : ""}`,
    remedy: remedies.size === 0 ? null : [...remedies].join(" "),
    documentation: check.documentation,
  };
}

/** What there was no reason or no way to ask takes nothing from the rest. */
const wasAsked = ({ outcome, evidence }: Finding): boolean =>
  outcome !== "unknown" || evidence["reason"] !== "not-asked";

export function runPreflight(facts: PreflightFacts): Preflight {
  const found = new Map(CHECKS.map((check) => [check.id, judgeCheck(check, facts)]));
  const settled = CHECKS.map(
    (check) => [check, withoutEchoes(check, found.get(check.id) ?? {}, found)] as const,
  );
  const counted = settled.flatMap(([, findings]) => Object.values(findings)).filter(wasAsked);
  return {
    outcome: worstOf(counted.map(({ outcome }) => outcome)),
    checks: settled.map(([check, findings]) => conclude(check, findings)),
    calls: facts.calls,
  };
}

/** What fails as far as is known: what failed before and can't be told now has not been mended by that. */
export function standingFailures({ checks }: Pick<Preflight, "checks">, before: readonly string[]): string[] {
  return checks
    .filter(({ id, outcome }) => outcome === "fail" || (outcome === "unknown" && before.includes(id)))
    .map(({ id }) => id);
}

/** A guard that refuses by itself says more than the checks that share it: they become its facts. */
export function withChecks(byState: readonly Refusal[], byChecks: readonly Refusal[]): Refusal[] {
  const joined = byState.map((one) => {
    const { checks } = byChecks.find(({ guard }) => guard === one.guard)?.facts ?? {};
    return checks === undefined ? one : { ...one, facts: { ...one.facts, checks } };
  });
  return [...joined, ...byChecks.filter(({ guard }) => byState.every((one) => one.guard !== guard))];
}

/** What a preflight has against a promotion: each failed check under the guard that speaks for it. */
export function guardPreflight({ checks }: Pick<Preflight, "checks">, to: Stage): Refusal[] {
  const failed = checks.filter(({ outcome }) => outcome === "fail");
  const counted = failed.flatMap((result) => {
    const check = CHECKS.find(({ id }) => id === result.id);
    if (check === undefined || (check.production === true && to !== "production")) return [];
    return [{ guard: check.guard ?? "preflight-failed", result } as const];
  });
  const guards = [...new Set(counted.map(({ guard }) => guard))];
  return guards.map((guard) => {
    const results = counted.filter((one) => one.guard === guard).map(({ result }) => result);
    const message = results.map((one) => one.message.replace(/\.$/, "")).join("; ");
    const facts = {
      checks: results.map(({ id, message: says, remedy }) => ({ id, message: says, remedy })),
    };
    return refusal(guard, message, facts);
  });
}
