// Seeding and inspecting the account, playing its owner, the people in the dashboard, and the Internet around it.
import { bareName, isInZone } from "./addresses.ts";
import { fillRecord } from "./api/dns-records.ts";
import { presentPoolHealth } from "./api/pool-health.ts";
import { besideTheBalancer, type BesideTheBalancer } from "./beside-the-balancer.ts";
import { zoneOf } from "./dns.ts";
import { isPoolHealthy } from "./health-verdict.ts";
import { settleHealth } from "./health-checks.ts";
import { newId, newUuid, timestamp } from "./identity.ts";
import type {
  AlertPolicy,
  CertificatePack,
  DnsRecord,
  LoadBalancer,
  Monitor,
  Origin,
  OriginAnswer,
  OriginFailure,
  PagesDeployment,
  PagesDomain,
  PagesProject,
  Pool,
  Received,
  Subscription,
  WebhookDestination,
  Zone,
} from "./objects.ts";
import { deploy, type DeployOptions } from "./pages-projects.ts";
import type { Token } from "./permissions.ts";
import type { Limits } from "./plans.ts";
import type { Resolver } from "./resolver.ts";
import type { State } from "./state.ts";
import type { Switches } from "./switches.ts";
import { editObject, found, removeObject, type Kind, type Kinds } from "./world-edits.ts";
import { visit, type Visit, type VisitOptions } from "./visitor.ts";

export interface OriginOptions extends OriginAnswer {
  address: string;
  title?: string;
  hosts?: string[];
  ports?: number[];
  up?: boolean;
  admitsOnlyCloudflare?: boolean | "403";
  failure?: OriginFailure;
  latencyMs?: number;
  perPath?: Record<string, OriginAnswer>;
  notFound?: OriginAnswer;
  resolvesTo?: string[];
  received?: Received[];
  unreachableFrom?: string[];
}

export interface PagesProjectOptions {
  name: string;
  subdomain?: string;
  deployments?: DeployOptions[];
  domains?: (string | { name: string; status: PagesDomain["status"] })[];
  productionBranch?: string;
  body?: string;
  spa?: boolean;
  paths?: string[];
}

export interface World extends BesideTheBalancer {
  zones: Map<string, Zone>;
  dnsRecords: Map<string, DnsRecord>;
  certificatePacks: Map<string, CertificatePack>;
  monitors: Map<string, Monitor>;
  pools: Map<string, Pool>;
  loadBalancers: Map<string, LoadBalancer>;
  pagesProjects: Map<string, PagesProject>;
  origins: Map<string, Origin>;
  subscriptions: Map<string, Subscription>;
  destinations: Map<string, WebhookDestination>;
  alertPolicies: Map<string, AlertPolicy>;
  account: { id: string; name: string };
  token: Token;
  /** Who sits in the dashboard, as the audit log will name them. */
  somebody: State["somebody"];
  /** Somebody else's token for the same account. */
  addToken(token: { value: string; name: string }): void;
  switches: Switches;
  limits: Limits;
  budget: State["budget"];
  resolver: Resolver;
  addZone(options: Pick<Zone, "name"> & Partial<Zone>): Zone;
  addDnsRecord(
    zoneName: string,
    record: { type: string; name: string; content: string; proxied?: boolean; ttl?: number },
  ): DnsRecord;
  addCertificatePack(
    zoneName: string,
    pack: { hosts: string[]; status?: string; type?: string; expires_on?: string },
  ): CertificatePack;
  addOrigin(options: OriginOptions): Origin;
  origin(address: string): Origin;
  /** A receiver of webhooks: an origin that remembers what it was asked. */
  addReceiver(options: OriginOptions): Origin & { received: Received[] };
  addPagesProject(options: PagesProjectOptions): PagesProject;
  pagesProject(name: string): PagesProject;
  deploy(projectName: string, options?: DeployOptions): PagesDeployment;
  /** Adds a custom domain to a Pages project, active unless told. */
  addPagesDomain(projectName: string, name: string, status?: PagesDomain["status"]): PagesDomain;
  /** Somebody in the dashboard; `modified_on` and `disabled_at` follow as at Cloudflare. */
  edit<K extends Kind>(kind: K, id: string, patch: Partial<Kinds[K]>): Kinds[K];
  remove(kind: Kind, id: string): void;
  /** As `GET pools/{id}/health` answers. */
  poolHealth(poolId: string): Record<string, unknown>;
  /** null = unknown. */
  isPoolHealthy(poolId: string): boolean | null;
  settleHealth(): void;
  /** From now on the edge answers for this hostname from its cache, once it has something to keep. */
  cacheAtEdge(hostname: string, on?: boolean): void;
  visit(url: string, options?: VisitOptions): Visit;
}

function newOrigin(options: OriginOptions): Origin {
  const title = options.title ?? "Primary";
  const { title: _title, ...given } = options;
  return {
    status: 200,
    body: `<!doctype html><title>${title}</title><p>${title.toLowerCase()} origin</p>`,
    headers: {},
    up: true,
    admitsOnlyCloudflare: false,
    latencyMs: 5,
    perPath: {},
    unreachableFrom: [],
    ...given,
    address: bareName(options.address),
  };
}

export function createWorld(state: State, now: () => number): World {
  const zoneNamed = (name: string): Zone =>
    found(
      [...state.zones.values()].find((zone) => zone.name === name),
      `zone ${name}`,
    );
  const projectNamed = (name: string): PagesProject =>
    found(
      [...state.pagesProjects.values()].find((project) => project.name === name),
      `Pages project ${name}`,
    );

  const addCertificatePack: World["addCertificatePack"] = (zoneName, pack) => {
    const stored: CertificatePack = {
      id: newUuid(state),
      zone_id: zoneNamed(zoneName).id,
      type: "advanced",
      status: "active",
      expires_on: new Date(now() + 80 * 86_400_000).toISOString(),
      ...pack,
    };
    state.certificatePacks.set(stored.id, stored);
    return stored;
  };

  const addPagesDomain: World["addPagesDomain"] = (projectName, name, status = "active") => {
    const domain: PagesDomain = { id: newUuid(state), name, status, created_on: timestamp(state, now()) };
    projectNamed(projectName).domains.push(domain);
    return domain;
  };

  const addOrigin: World["addOrigin"] = (options) => {
    const origin = newOrigin(options);
    state.origins.set(origin.address, origin);
    return origin;
  };

  return {
    zones: state.zones,
    dnsRecords: state.dnsRecords,
    certificatePacks: state.certificatePacks,
    monitors: state.monitors,
    pools: state.pools,
    loadBalancers: state.loadBalancers,
    pagesProjects: state.pagesProjects,
    origins: state.origins,
    subscriptions: state.subscriptions,
    destinations: state.destinations,
    alertPolicies: state.alertPolicies,
    account: state.account,
    token: state.token,
    somebody: state.somebody,
    addToken: (token) => void state.otherTokens.push({ ...token, id: newId(state) }),
    switches: state.switches,
    limits: state.limits,
    budget: state.budget,
    resolver: state.resolver,
    ...besideTheBalancer(state, now, zoneNamed),
    addZone: (options) => {
      const id = options.id ?? newId(state);
      const at = timestamp(state, now());
      const zone: Zone = {
        status: "active",
        type: "full",
        paused: false,
        universalSsl: true,
        plan: "pro",
        created_on: at,
        modified_on: at,
        challengesWorkers: false,
        ...options,
        id,
      };
      if (zone.account?.id === state.account.id) delete zone.account;
      state.zones.set(id, zone);
      // Universal SSL covers the apex and one label (API-FACTS 11.2).
      if (zone.universalSsl && zone.type === "full") {
        addCertificatePack(zone.name, { type: "universal", hosts: [zone.name, `*.${zone.name}`] });
      }
      return zone;
    },
    addDnsRecord: (zoneName, record) => {
      const zone = zoneNamed(zoneName);
      const stored = fillRecord(state, now(), zone, { proxied: false, ...record });
      state.dnsRecords.set(stored.id, stored);
      return stored;
    },
    addCertificatePack,
    addOrigin,
    addReceiver: (options) => Object.assign(addOrigin({ body: "ok", ...options }), { received: [] }),
    origin: (address) => found(state.origins.get(bareName(address)), `origin ${address}`),
    addPagesProject: (options) => {
      const project: PagesProject = {
        id: newUuid(state),
        name: options.name,
        subdomain: options.subdomain ?? `${options.name}.pages.dev`,
        production_branch: options.productionBranch ?? "main",
        domains: [],
        deployments: [],
        canonicalId: null,
        created_on: timestamp(state, now()),
        ...(options.spa === undefined ? {} : { spa: options.spa }),
        ...(options.paths === undefined ? {} : { paths: options.paths }),
      };
      state.pagesProjects.set(project.id, project);
      const base = options.body === undefined ? {} : { body: options.body };
      for (const deployment of options.deployments ?? [{}])
        deploy(state, now(), project, { ...base, ...deployment });
      for (const domain of options.domains ?? []) {
        if (typeof domain === "string") addPagesDomain(project.name, domain);
        else addPagesDomain(project.name, domain.name, domain.status);
      }
      return project;
    },
    pagesProject: projectNamed,
    deploy: (projectName, options) => deploy(state, now(), projectNamed(projectName), options),
    addPagesDomain,
    edit: (kind, id, patch) => editObject(state, now(), kind, id, patch),
    remove: (kind, id) => removeObject(state, now(), kind, id),
    poolHealth: (poolId) => presentPoolHealth(state, found(state.pools.get(poolId), `pool ${poolId}`)),
    isPoolHealthy: (poolId) => isPoolHealthy(state, found(state.pools.get(poolId), `pool ${poolId}`)),
    settleHealth: () => settleHealth(state, now()),
    cacheAtEdge: (hostname, on = true) => {
      const name = bareName(hostname);
      const zone = zoneOf(state, name);
      if (zone === null || !isInZone(name, zone.name))
        throw new Error(`no zone of the account has ${hostname}`);
      if (on) state.cached.set(name, null);
      else state.cached.delete(name);
    },
    visit: (url, options) => visit(state, now(), url, options),
  };
}
