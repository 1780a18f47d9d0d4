// Decides what stands in a failover's way: runs every check over the facts, and lets a failure that another one explains
// not be told twice.
import { refusal } from "../guards.ts";
import type { Stage } from "../failover.ts";
import type { Refusal } from "../results.ts";
import { ACCOUNT_CHECKS } from "./account-checks.ts";
import { ADDRESS_CHECKS } from "./address-checks.ts";
import { BALANCER_CHECKS } from "./balancer-checks.ts";
import {
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
import { PAGES_CHECKS } from "./pages-checks.ts";
import { SERVICE_CHECKS } from "./service-checks.ts";
import { ZONE_CHECKS } from "./zone-checks.ts";

export const CHECKS: readonly Check[] = [
  ...ACCOUNT_CHECKS,
  ...ZONE_CHECKS,
  ...PAGES_CHECKS,
  ...ADDRESS_CHECKS,
  ...ENDPOINT_CHECKS,
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

const isBad = (finding: Finding | undefined): boolean => finding?.outcome === "fail";

/** A check whose failure explains this one's, at the same endpoint or of the whole. */
function explanationOf(check: Check, place: Place, found: ReadonlyMap<string, Findings>): string | null {
  const causes = check.follows ?? [];
  const fits = (id: string): boolean => {
    const findings = found.get(id);
    if (findings === undefined) return false;
    return place === "both"
      ? Object.values(findings).some(isBad)
      : isBad(findings[place]) || isBad(findings.both);
  };
  return causes.find(fits) ?? null;
}

function withoutEchoes(check: Check, findings: Findings, found: ReadonlyMap<string, Findings>): Findings {
  const settled = Object.entries(findings).map(([place, finding]) => {
    const isComplaint = finding.outcome === "fail" || finding.outcome === "warn";
    const cause = isComplaint ? explanationOf(check, place as Place, found) : null;
    if (cause === null) return [place, finding] as const;
    const echo: Finding = {
      outcome: "unknown",
      found: `${finding.found}, which may follow from ${cause}`,
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
  if (typeof evidence["follows"] === "string") return `Mend ${evidence["follows"]} first.`;
  return evidence["reason"] === "forbidden" && check.permission !== undefined
    ? `Give the API token the permission ${check.permission.group} (${check.permission.scope}) to have this checked.`
    : null;
}

const capitalized = (text: string): string => `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}`;

/** One result a check: the worst of its findings speaks, and each endpoint's evidence stands beside the other's. */
function conclude(check: Check, findings: Findings): CheckResult {
  const all = Object.values(findings);
  const outcome = worstOf(all.map((finding) => finding.outcome));
  const telling = all.filter((finding) => finding.outcome === outcome);
  const found =
    telling.length === 0 ? "it concerns neither endpoint" : telling.map((one) => one.found).join("; ");
  const isComplaint = outcome === "fail" || outcome === "warn";
  const remedies = [...new Set(telling.flatMap((finding) => remedyOf(check, finding) ?? []))];
  const { both, ...endpoints } = findings;
  const evidence =
    both?.evidence ??
    Object.fromEntries(Object.entries(endpoints).map(([side, one]) => [side, one.evidence]));
  return {
    id: check.id,
    outcome,
    evidence,
    message: `${capitalized(found)}${isComplaint ? `: ${check.means}` : ""}.`,
    remedy: remedies.length === 0 ? null : remedies.join(" "),
    documentation: check.documentation,
  };
}

export function runPreflight(facts: PreflightFacts): Preflight {
  const found = new Map(CHECKS.map((check) => [check.id, judgeCheck(check, facts)]));
  const checks = CHECKS.map((check) =>
    conclude(check, withoutEchoes(check, found.get(check.id) ?? {}, found)),
  );
  return { outcome: worstOf(checks.map(({ outcome }) => outcome)), checks, calls: facts.calls };
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
