// What a preflight asks about a zone: records, certificates, and whatever else may claim or act on the hostname.
import type { CloudflareAccount } from "../../cloudflare/account.ts";
import { CloudflareError } from "../../cloudflare/errors.ts";
import type { CloudflareInspection } from "../../cloudflare/inspection.ts";
import type { Asked, DnsRecordFacts, PreflightFacts, RuleFacts } from "../../failover/preflight/facts.ts";
import { isPatternFor, pageRulesFor, rulesFor, type RuleKind } from "../../failover/preflight/matching.ts";
import { ask, mapped, notAsked, whenKnown } from "./ask.ts";

const PHASES: Readonly<Record<RuleKind, string>> = {
  redirect: "http_request_dynamic_redirect",
  origin: "http_request_origin",
  cache: "http_request_cache_settings",
};

type ZonePart = Pick<
  PreflightFacts,
  | "certificates"
  | "universalSsl"
  | "workerRoutes"
  | "workerDomains"
  | "redirectRules"
  | "originRules"
  | "cacheRules"
  | "pageRules"
>;

const UNKNOWN_ZONE = notAsked("the zone is not known");

function emptyPart(): ZonePart {
  return {
    certificates: UNKNOWN_ZONE,
    universalSsl: UNKNOWN_ZONE,
    workerRoutes: UNKNOWN_ZONE,
    workerDomains: UNKNOWN_ZONE,
    redirectRules: UNKNOWN_ZONE,
    originRules: UNKNOWN_ZONE,
    cacheRules: UNKNOWN_ZONE,
    pageRules: UNKNOWN_ZONE,
  };
}

/** The rules of one phase, where the zone has any. */
async function rulesOf(
  inspection: CloudflareInspection,
  zoneId: string,
  phases: Asked<readonly string[]>,
  kind: RuleKind,
  hostname: string,
): Promise<Asked<readonly RuleFacts[]>> {
  return whenKnown(phases, async (known) => {
    if (!known.includes(PHASES[kind])) return [];
    try {
      return rulesFor(kind, await inspection.rules(zoneId, PHASES[kind]), hostname);
    } catch (error) {
      // An entry point that was there a moment ago.
      if (error instanceof CloudflareError && error.kind === "not-found") return [];
      throw error;
    }
  });
}

function isCovered(certificates: PreflightFacts["certificates"], hostname: string): boolean {
  const wildcard = `*.${hostname.split(".").slice(1).join(".")}`;
  return (
    certificates.state === "known" &&
    certificates.value.some(
      ({ status, hosts }) => status === "active" && (hosts.includes(hostname) || hosts.includes(wildcard)),
    )
  );
}

export async function gatherZone(
  inspection: CloudflareInspection,
  zoneId: string | null,
  hostname: string,
  token: PreflightFacts["token"],
): Promise<ZonePart> {
  if (zoneId === null) return emptyPart();
  const [certificates, workerDomains, workerRoutes, phases, pageRules] = await Promise.all([
    ask(() => inspection.certificatePacks(zoneId)),
    ask(() => inspection.workerDomains(hostname)),
    ask(() => inspection.workerRoutes(zoneId)),
    ask(() => inspection.rulesetPhases(zoneId)),
    // Cloudflare shows them to no token of an account's own.
    token.state === "known" && token.value.owner === "account"
      ? notAsked("Cloudflare shows Page Rules to user tokens only")
      : ask(() => inspection.pageRules(zoneId)),
  ]);
  // Why it isn't covered is only of interest where it isn't.
  const universalSsl =
    certificates.state === "known" && !isCovered(certificates, hostname)
      ? await ask(() => inspection.universalSsl(zoneId))
      : notAsked("the hostname is covered, or the certificates could not be read");
  const of = (kind: RuleKind) => rulesOf(inspection, zoneId, phases, kind, hostname);
  return {
    certificates,
    universalSsl,
    workerRoutes: mapped(workerRoutes, (routes) =>
      routes
        .filter(({ pattern, script }) => script !== null && isPatternFor(pattern, hostname))
        .map(({ id, pattern, script }) => ({ id, what: `${pattern} (${script ?? ""})`, matches: pattern })),
    ),
    workerDomains: mapped(workerDomains, (domains) =>
      domains.map(({ id, service, hostname: matches }) => ({ id, what: `the Worker ${service}`, matches })),
    ),
    redirectRules: await of("redirect"),
    originRules: await of("origin"),
    cacheRules: await of("cache"),
    pageRules: mapped(pageRules, (rules) => pageRulesFor(rules, hostname)),
  };
}

/** Active custom domains of Pages projects and customers' hostnames (SaaS) that have this name, as sentences. */
export async function gatherCustomHostnames(
  account: CloudflareAccount,
  inspection: CloudflareInspection,
  zoneId: string | null,
  hostname: string,
  projects: readonly string[],
  records: Asked<readonly DnsRecordFacts[]>,
): Promise<Asked<readonly string[]>> {
  if (zoneId === null) return UNKNOWN_ZONE;
  // A record that leads to a project is how a custom domain becomes active (API-FACTS 11.1).
  const led = records.state === "known" ? records.value.map(({ content }) => content.toLowerCase()) : [];
  const others = led.flatMap((content) => /^([a-z0-9-]+)\.pages\.dev\.?$/.exec(content)?.[1] ?? []);
  const found: string[] = [];
  for (const project of new Set([...projects, ...others])) {
    const domains = await ask(() => account.pagesDomains(project));
    if (domains.state === "missing") continue;
    if (domains.state !== "known") return domains;
    if (domains.value.some(({ name, status }) => name === hostname && status === "active"))
      found.push(`${hostname} is an active custom domain of the Pages project ${project}`);
  }
  return whenKnown(await ask(() => inspection.customHostnames(zoneId, hostname)), async (hostnames) => [
    ...found,
    ...hostnames
      .filter(({ status }) => status === "active")
      .map(({ name }) => `${name} is an active custom hostname (Cloudflare for SaaS) of the zone`),
  ]);
}
