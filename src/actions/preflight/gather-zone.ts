// What a preflight asks about a zone: records, certificates, and whatever else may claim or act on the hostname.
import { CloudflareError } from "../../cloudflare/errors.ts";
import type { CloudflareInspection } from "../../cloudflare/inspection.ts";
import type { Facts, Stage } from "../../failover/failover.ts";
import { namesAnswering } from "../../failover/hostnames.ts";
import type { Asked, DnsRecordFacts, PreflightFacts, RuleFacts } from "../../failover/preflight/facts.ts";
import { isPatternFor, pageRulesFor, rulesFor, type RuleKind } from "../../failover/preflight/matching.ts";
import { ask, mapped, notAsked, whenKnown, type Questions } from "./ask.ts";

const PHASES: Readonly<Record<RuleKind, string>> = {
  redirect: "http_request_dynamic_redirect",
  origin: "http_request_origin",
  cache: "http_request_cache_settings",
};

const UNKNOWN_ZONE = notAsked("the zone is not known");

/** Zones of more labels are rare, and the other questions need calls too. */
const MOST_ZONE_LABELS = 5;

/** A zone of another account, if that is where the hostname lies. */
async function foreignZone(inspection: CloudflareInspection, hostname: string) {
  const labels = hostname.split(".").slice(-MOST_ZONE_LABELS);
  for (let from = 0; from <= labels.length - 2; from += 1) {
    const found = await inspection.zoneNamed(labels.slice(from).join("."));
    if (found !== null) return found;
  }
  return null;
}

export async function gatherZone(
  { inspection }: Questions,
  hostname: string,
  zoneId: string | null,
): Promise<PreflightFacts["zone"]> {
  if (zoneId !== null) return ask(() => inspection.zone(zoneId));
  const found = await ask(() => foreignZone(inspection, hostname));
  if (found.state !== "known") return found;
  return found.value === null ? UNKNOWN_ZONE : { state: "known", value: found.value };
}

export type RecordsOf = (name: string) => Promise<Asked<readonly DnsRecordFacts[]>>;

/** All records of the zone at once; of a zone with very many, name by name. */
export async function gatherRecords(
  { account, inspection }: Questions,
  zoneId: string | null,
): Promise<RecordsOf> {
  if (zoneId === null) return async () => UNKNOWN_ZONE;
  const all = await ask(() => inspection.records(zoneId));
  if (all.state !== "known") return async () => all;
  const { value: byName } = all;
  if (byName === null) return async (name) => ask(() => account.dnsRecords(zoneId, name));
  return async (name) => ({
    state: "known",
    value: (byName.get(name) ?? []).map(({ type, content, proxied }) => ({ type, content, proxied })),
  });
}

/** A wildcard's record answers for a name that has none of its own. */
export async function recordsUnderneath(
  hostname: string,
  zone: Facts["zone"],
  recordsOf: RecordsOf,
): Promise<PreflightFacts["records"]["hostname"]> {
  for (const name of zone === null ? [] : namesAnswering(hostname, zone.name)) {
    const records = await recordsOf(name);
    if (records.state !== "known" || records.value.length > 0) return records;
  }
  return recordsOf(hostname);
}

/** It is to be found free before the load balancer first takes it. */
export async function recordsOfTestHostname(
  name: string | null,
  stage: Stage,
  recordsOf: RecordsOf,
): Promise<PreflightFacts["records"]["testHostname"]> {
  if (name === null) return notAsked("the test hostname is not known before the zone is");
  return stage === "draft" ? recordsOf(name) : notAsked("the load balancer has been there already");
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

/** What would keep visitors from the load balancer altogether. */
export async function gatherClaims(
  { inspection }: Questions,
  zoneId: string | null,
  hostname: string,
): Promise<Pick<PreflightFacts, "certificates" | "workerDomains">> {
  if (zoneId === null) return { certificates: UNKNOWN_ZONE, workerDomains: UNKNOWN_ZONE };
  const [certificates, workerDomains] = await Promise.all([
    ask(() => inspection.certificatePacks(zoneId)),
    ask(() => inspection.workerDomains(hostname)),
  ]);
  return {
    certificates,
    workerDomains: mapped(workerDomains, (domains) =>
      domains.map(({ id, service, hostname: matches }) => ({ id, what: `the Worker ${service}`, matches })),
    ),
  };
}

type Interference = Pick<
  PreflightFacts,
  "universalSsl" | "workerRoutes" | "redirectRules" | "originRules" | "cacheRules" | "pageRules"
>;

/** What may act on some requests, and why a certificate is missing: asked last, because it is never more than a warning. */
export async function gatherInterference(
  { inspection }: Questions,
  zoneId: string | null,
  hostname: string,
  { token, certificates }: Pick<PreflightFacts, "token" | "certificates">,
): Promise<Interference> {
  if (zoneId === null) {
    return {
      universalSsl: UNKNOWN_ZONE,
      workerRoutes: UNKNOWN_ZONE,
      redirectRules: UNKNOWN_ZONE,
      originRules: UNKNOWN_ZONE,
      cacheRules: UNKNOWN_ZONE,
      pageRules: UNKNOWN_ZONE,
    };
  }
  const universalSsl =
    certificates.state === "known" && !isCovered(certificates, hostname)
      ? await ask(() => inspection.universalSsl(zoneId))
      : notAsked("the hostname is covered, or the certificates could not be read");
  const [workerRoutes, phases] = await Promise.all([
    ask(() => inspection.workerRoutes(zoneId)),
    ask(() => inspection.rulesetPhases(zoneId)),
  ]);
  const of = (kind: RuleKind) => rulesOf(inspection, zoneId, phases, kind, hostname);
  const [redirectRules, originRules, cacheRules] = [
    await of("redirect"),
    await of("origin"),
    await of("cache"),
  ];
  const pageRules =
    token.state === "known" && token.value.owner === "account"
      ? notAsked("Cloudflare shows Page Rules to no token that belongs to an account")
      : await ask(() => inspection.pageRules(zoneId));
  return {
    universalSsl,
    workerRoutes: mapped(workerRoutes, (routes) =>
      routes
        .filter(({ pattern, script }) => script !== null && isPatternFor(pattern, hostname))
        .map(({ id, pattern, script }) => ({ id, what: `${pattern} (${script ?? ""})`, matches: pattern })),
    ),
    redirectRules,
    originRules,
    cacheRules,
    pageRules: mapped(pageRules, (rules) => pageRulesFor(rules, hostname)),
  };
}

/** Active custom domains of Pages projects and customers' hostnames (SaaS) that have this name, as sentences. */
export async function gatherCustomHostnames(
  { account, inspection }: Questions,
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
  if (found.length > 0) return { state: "known", value: found };
  const claims = mapped(await ask(() => inspection.customHostnames(zoneId, hostname)), (hostnames) =>
    hostnames
      .filter(({ status }) => status === "active")
      .map(({ name }) => `${name} is an active custom hostname (Cloudflare for SaaS) of the zone`),
  );
  // That nothing claims the name is known only where its records are: they lead to the projects that were asked.
  return claims.state === "known" && claims.value.length === 0 ? mapped(records, () => []) : claims;
}
