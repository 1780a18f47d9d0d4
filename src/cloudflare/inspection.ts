// What a preflight asks of Cloudflare beyond the objects themselves. All of it only reads, but for the preview, which
// runs a check and stores nothing.
import type {
  CertificateFacts,
  DeploymentFacts,
  DnsRecordFacts,
  PreviewFacts,
  TokenFacts,
  UsageFacts,
  ZoneFacts,
} from "../failover/preflight/facts.ts";
import { bareName, isObject, listAll, text, textOf, unreadable, type CloudflareObject } from "./answers.ts";
import type { Priority } from "./budget.ts";
import { CloudflareError, type Envelope } from "./errors.ts";
import type { Call } from "./transport.ts";

/** A rule of a ruleset, or a page rule, as far as it says whose requests it acts on and how. */
export interface RawRule {
  readonly id: string;
  readonly description: string;
  readonly expression: string;
  readonly action: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface PagesState {
  readonly subdomain: string;
  readonly domains: readonly string[];
  readonly serving: DeploymentFacts | null;
  /** The newest of any environment. */
  readonly latest: DeploymentFacts | null;
}

/** Every method throws `CloudflareError` and nothing else. */
export interface CloudflareInspection {
  /** Both forms of verifying are tried: account-owned tokens are refused by the first (API-FACTS 1.2). */
  token(): Promise<TokenFacts>;
  zone(zoneId: string): Promise<ZoneFacts>;
  /** A zone of exactly this name, whosever account it is in; null where the token sees none. */
  zoneNamed(name: string): Promise<ZoneFacts | null>;
  usage(): Promise<UsageFacts>;
  pages(project: string): Promise<PagesState>;
  /** The newest production deployment, whatever became of it. */
  latestProduction(project: string): Promise<DeploymentFacts | null>;
  /** The records of a zone by name, in one call; null of a zone that has more than one call tells. */
  records(zoneId: string): Promise<ReadonlyMap<string, readonly DnsRecordFacts[]> | null>;
  certificatePacks(zoneId: string): Promise<readonly CertificateFacts[]>;
  universalSsl(zoneId: string): Promise<boolean>;
  /** Customers' hostnames (Cloudflare for SaaS) of exactly this name. */
  customHostnames(zoneId: string, hostname: string): Promise<readonly { name: string; status: string }[]>;
  workerRoutes(zoneId: string): Promise<readonly { id: string; pattern: string; script: string | null }[]>;
  workerDomains(hostname: string): Promise<readonly { id: string; hostname: string; service: string }[]>;
  /** The phases for which the zone has rules. */
  rulesetPhases(zoneId: string): Promise<readonly string[]>;
  rules(zoneId: string, phase: string): Promise<readonly RawRule[]>;
  pageRules(
    zoneId: string,
  ): Promise<readonly { id: string; pattern: string; actions: readonly Record<string, unknown>[] }[]>;
  /** Names of what uses these pools, by pool id; one call for the whole account. */
  poolUsers(poolIds: readonly string[]): Promise<readonly { poolId: string; id: string; name: string }[]>;
  /** Starts a check of the monitor's pools with these settings; answers the preview's id. */
  startPreview(monitorId: string, settings: object): Promise<string>;
  /** By pool id; null until the checks have finished. */
  preview(previewId: string): Promise<ReadonlyMap<string, PreviewFacts> | null>;
}

/** Far more than most zones have (API-FACTS 16.1 advises 100 to 1000). */
const RECORDS_A_CALL = 1000;

const numberOf = (value: unknown): number | null => (typeof value === "number" ? value : null);
const objectsIn = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter(isObject) : [];

function instantOf(value: unknown): number | null {
  const at = Date.parse(text(value));
  return Number.isNaN(at) ? null : at;
}

/** Those that decide where requests for a name go. */
function recordFacts(result: unknown): (DnsRecordFacts & { readonly name: string })[] {
  return objectsIn(result)
    .filter((record) => ["A", "AAAA", "CNAME"].includes(textOf(record, "type")))
    .map((record) => ({
      name: bareName(textOf(record, "name")),
      type: textOf(record, "type"),
      content: textOf(record, "content"),
      proxied: record["proxied"] === true,
    }));
}

function resultOf(envelope: Envelope): Record<string, unknown> {
  if (!isObject(envelope.result)) throw unreadable("not an object");
  return envelope.result;
}

function zoneFacts(zone: CloudflareObject | Record<string, unknown>): ZoneFacts {
  const account = isObject(zone["account"]) ? textOf(zone["account"], "id") : "";
  const plan = isObject(zone["plan"])
    ? textOf(zone["plan"], "legacy_id") || textOf(zone["plan"], "name")
    : "";
  return {
    id: textOf(zone, "id"),
    name: textOf(zone, "name").toLowerCase(),
    status: textOf(zone, "status"),
    type: textOf(zone, "type"),
    paused: zone["paused"] === true,
    plan,
    accountId: account === "" ? null : account,
  };
}

/** API-FACTS 12.1: live, failed and running by its stages. */
function deploymentFacts(value: unknown): DeploymentFacts | null {
  if (!isObject(value) || typeof value["id"] !== "string") return null;
  const stages = objectsIn(value["stages"]);
  const latest = isObject(value["latest_stage"]) ? value["latest_stage"] : {};
  const isLive = textOf(latest, "name") === "deploy" && textOf(latest, "status") === "success";
  const hasFailed = [...stages, latest].some((stage) =>
    ["failure", "canceled"].includes(textOf(stage, "status")),
  );
  const trigger = isObject(value["deployment_trigger"]) ? value["deployment_trigger"] : {};
  const metadata = isObject(trigger["metadata"]) ? trigger["metadata"] : {};
  const outcome =
    value["is_skipped"] === true ? "skipped" : isLive ? "live" : hasFailed ? "failed" : "running";
  return {
    id: value["id"],
    environment: textOf(value, "environment"),
    outcome,
    commit: textOf(metadata, "commit_hash") || null,
    createdAt: instantOf(value["created_on"]),
  };
}

/** The result is keyed by the address, written with a trailing dot where it is a name (API-FACTS 6.2). */
function previewFacts(value: unknown): PreviewFacts | null {
  if (!isObject(value)) return null;
  const origins = objectsIn(value["origins"]).flatMap((entry) =>
    Object.entries(entry).flatMap(([address, one]) =>
      isObject(one)
        ? [
            {
              address: bareName(address),
              healthy: one["healthy"] === true,
              reason: textOf(one, "failure_reason"),
            },
          ]
        : [],
    ),
  );
  return { healthy: value["healthy"] === true, origins };
}

function rawRule(rule: Record<string, unknown>): RawRule {
  return {
    id: textOf(rule, "id"),
    description: textOf(rule, "description"),
    expression: textOf(rule, "expression"),
    action: textOf(rule, "action"),
    parameters: isObject(rule["action_parameters"]) ? rule["action_parameters"] : {},
  };
}

function pageRulePattern(rule: Record<string, unknown>): string {
  const [target] = objectsIn(rule["targets"]);
  const constraint = isObject(target?.["constraint"]) ? target["constraint"] : {};
  return textOf(constraint, "value");
}

/** `remembered` keeps between calls which form of verification the token answers to. */
export function createInspection(
  call: Call,
  accountId: string,
  priority: Priority,
  remembered: { tokenOwner?: TokenFacts["owner"] } = {},
): CloudflareInspection {
  const get = (path: string, query: Record<string, string | number> = {}) =>
    call(priority, "get", path, { query });
  const account = `/accounts/${accountId}`;
  const balancing = `${account}/load_balancers`;

  const verify = async (owner: TokenFacts["owner"]): Promise<TokenFacts> => {
    const path = owner === "user" ? "/user/tokens/verify" : `${account}/tokens/verify`;
    const found = resultOf(await get(path));
    remembered.tokenOwner = owner;
    return { owner, status: textOf(found, "status"), expiresAt: instantOf(found["expires_on"]) };
  };

  return {
    async token() {
      const first = remembered.tokenOwner ?? "user";
      try {
        return await verify(first);
      } catch (error) {
        if (
          !(error instanceof CloudflareError) ||
          error.kind === "rate-limited" ||
          error.kind === "unavailable"
        )
          throw error;
        return verify(first === "user" ? "account" : "user");
      }
    },
    zone: async (zoneId) => zoneFacts(resultOf(await get(`/zones/${zoneId}`))),
    zoneNamed: async (name) => {
      const { result } = await get("/zones", { name });
      const found = objectsIn(result).find((zone) => textOf(zone, "name").toLowerCase() === name);
      return found === undefined ? null : zoneFacts(found);
    },
    usage: async () => {
      const found = resultOf(await get(`${balancing}/usage`));
      return {
        loadBalancers: numberOf(found["load_balancers"]),
        pools: numberOf(found["pools"]),
        monitors: numberOf(found["monitors"]),
        origins: numberOf(found["origins"]),
        originsPerPool: numberOf(found["max_origins_per_pool"]),
        minimumInterval: numberOf(found["minimum_monitor_interval"]),
      };
    },
    pages: async (project) => {
      const found = resultOf(await get(`${account}/pages/projects/${project}`));
      const subdomain = textOf(found, "subdomain");
      if (subdomain === "") throw unreadable("a Pages project without a subdomain");
      const domains = Array.isArray(found["domains"])
        ? found["domains"].map((one) => bareName(text(one)))
        : [];
      return {
        subdomain: bareName(subdomain),
        domains,
        serving: deploymentFacts(found["canonical_deployment"]),
        latest: deploymentFacts(found["latest_deployment"]),
      };
    },
    latestProduction: async (project) => {
      // A page of more than 25 is refused (API-FACTS 12.2).
      const { result } = await get(`${account}/pages/projects/${project}/deployments`, {
        env: "production",
        page: 1,
        per_page: 5,
      });
      const found = objectsIn(result).map(deploymentFacts);
      return found.find((one) => one?.environment === "production") ?? null;
    },
    records: async (zoneId) => {
      const { result, result_info: pages } = await get(`/zones/${zoneId}/dns_records`, {
        page: 1,
        per_page: RECORDS_A_CALL,
      });
      if (!Array.isArray(result)) throw unreadable("not a list");
      const total = isObject(pages) ? numberOf(pages["total_count"]) : null;
      if (result.length < (total ?? 0) || result.length >= RECORDS_A_CALL) return null;
      return Map.groupBy(recordFacts(result), ({ name }) => name);
    },
    certificatePacks: async (zoneId) => {
      const { objects } = await listAll((page) =>
        get(`/zones/${zoneId}/ssl/certificate_packs`, { status: "all", page, per_page: 50 }),
      );
      return objects.map((pack) => ({
        type: textOf(pack, "type"),
        status: textOf(pack, "status"),
        hosts: Array.isArray(pack["hosts"]) ? pack["hosts"].map((host) => bareName(text(host))) : [],
      }));
    },
    universalSsl: async (zoneId) =>
      resultOf(await get(`/zones/${zoneId}/ssl/universal/settings`))["enabled"] === true,
    customHostnames: async (zoneId, hostname) => {
      const { result } = await get(`/zones/${zoneId}/custom_hostnames`, { hostname });
      return objectsIn(result)
        .map((one) => ({ name: bareName(textOf(one, "hostname")), status: textOf(one, "status") }))
        .filter(({ name }) => name === hostname);
    },
    workerRoutes: async (zoneId) => {
      const { result } = await get(`/zones/${zoneId}/workers/routes`);
      return objectsIn(result).map((route) => ({
        id: textOf(route, "id"),
        pattern: textOf(route, "pattern"),
        script: textOf(route, "script") || null,
      }));
    },
    workerDomains: async (hostname) => {
      const { result } = await get(`${account}/workers/domains`, { hostname });
      return objectsIn(result)
        .map((domain) => ({
          id: textOf(domain, "id"),
          hostname: bareName(textOf(domain, "hostname")),
          service: textOf(domain, "service"),
        }))
        .filter((domain) => domain.hostname === hostname);
    },
    rulesetPhases: async (zoneId) => {
      const { result } = await get(`/zones/${zoneId}/rulesets`);
      if (!Array.isArray(result)) throw unreadable("not a list");
      return objectsIn(result)
        .filter((ruleset) => textOf(ruleset, "kind") === "zone")
        .map((ruleset) => textOf(ruleset, "phase"));
    },
    rules: async (zoneId, phase) => {
      const found = resultOf(await get(`/zones/${zoneId}/rulesets/phases/${phase}/entrypoint`));
      return objectsIn(found["rules"])
        .filter((rule) => rule["enabled"] !== false)
        .map(rawRule);
    },
    pageRules: async (zoneId) => {
      const { result } = await get(`/zones/${zoneId}/pagerules`, { status: "active" });
      if (!Array.isArray(result)) throw unreadable("not a list");
      return objectsIn(result)
        .filter((rule) => textOf(rule, "status") !== "disabled")
        .map((rule) => ({
          id: textOf(rule, "id"),
          pattern: pageRulePattern(rule),
          actions: objectsIn(rule["actions"]),
        }));
    },
    poolUsers: async (poolIds) => {
      const found = resultOf(
        await get(`${balancing}/search`, { query: "", references: "referrer", per_page: 1000 }),
      );
      const pools = objectsIn(found["resources"]).filter((one) =>
        poolIds.includes(textOf(one, "resource_id")),
      );
      if (pools.length < poolIds.length) throw unreadable("a search without our pools");
      return pools.flatMap((pool) =>
        objectsIn(pool["references"])
          .filter((one) => textOf(one, "reference_type") !== "referral")
          .map((one) => ({
            poolId: textOf(pool, "resource_id"),
            id: textOf(one, "resource_id"),
            name: textOf(one, "resource_name") || textOf(one, "resource_id"),
          })),
      );
    },
    startPreview: async (monitorId, settings) => {
      const { result } = await call(priority, "post", `${balancing}/monitors/${monitorId}/preview`, {
        body: settings,
      });
      const id = isObject(result) ? textOf(result, "preview_id") : "";
      if (id === "") throw unreadable("a preview without an id");
      return id;
    },
    preview: async (previewId) => {
      const found = resultOf(await get(`${balancing}/preview/${previewId}`));
      const entries = Object.entries(found).flatMap(([poolId, value]) => {
        const facts = previewFacts(value);
        return facts === null ? [] : [[poolId, facts] as const];
      });
      return entries.length === 0 ? null : new Map(entries);
    },
  };
}
