import type { AuditLogEntry } from "./audit-log.ts";
import type {
  AlertPolicy,
  CertificatePack,
  CustomHostname,
  DnsRecord,
  EdgeCache,
  LateWrite,
  LoadBalancer,
  Monitor,
  Origin,
  PageRule,
  PagesProject,
  Pool,
  PoolHealth,
  Preview,
  Ruleset,
  SeenState,
  Subscription,
  WebhookDestination,
  WorkerDomain,
  WorkerRoute,
  Zone,
} from "./objects.ts";
import { PERMISSIONS, type Permission, type Token } from "./permissions.ts";
import { limitsOf, type Limits, type Profile } from "./plans.ts";
import type { Resolver } from "./resolver.ts";
import { defaultSwitches, type Switches } from "./switches.ts";

/** Everything that the simulator remembers. Maps keep their identity when a dump is loaded. */
export interface State {
  account: { id: string; name: string };
  token: Token;
  limits: Limits;
  switches: Switches;
  zones: Map<string, Zone>;
  dnsRecords: Map<string, DnsRecord>;
  certificatePacks: Map<string, CertificatePack>;
  monitors: Map<string, Monitor>;
  pools: Map<string, Pool>;
  loadBalancers: Map<string, LoadBalancer>;
  pagesProjects: Map<string, PagesProject>;
  workerRoutes: Map<string, WorkerRoute>;
  workerDomains: Map<string, WorkerDomain>;
  rulesets: Map<string, Ruleset>;
  pageRules: Map<string, PageRule>;
  customHostnames: Map<string, CustomHostname>;
  origins: Map<string, Origin>;
  health: Map<string, PoolHealth>;
  previews: Map<string, Preview>;
  subscriptions: Map<string, Subscription>;
  destinations: Map<string, WebhookDestination>;
  alertPolicies: Map<string, AlertPolicy>;
  /** By the id of a pool or a deployment. */
  seen: Map<string, SeenState>;
  /** Hostnames that the edge caches; null = switched on, nothing stored yet. */
  cached: Map<string, EdgeCache | null>;
  resolver: Resolver;
  lateWrites: LateWrite[];
  /** Who changed what, the oldest first. */
  auditLog: AuditLogEntry[];
  /** Who sits in the dashboard. */
  somebody: { email: string };
  /** Tokens of others, which may do all that ours may. */
  otherTokens: { id: string; value: string; name: string }[];
  budget: { limit: number; windowSeconds: number; windowStart: number; used: number; blockedUntil: number };
  sequence: { value: number };
}

const MAPS = [
  "zones",
  "dnsRecords",
  "certificatePacks",
  "monitors",
  "pools",
  "loadBalancers",
  "pagesProjects",
  "workerRoutes",
  "workerDomains",
  "rulesets",
  "pageRules",
  "customHostnames",
  "origins",
  "health",
  "previews",
  "subscriptions",
  "destinations",
  "alertPolicies",
  "seen",
  "cached",
] as const;

const RECORDS = ["account", "token", "limits", "switches", "resolver", "budget", "sequence"] as const;

export function newState(accountId: string, apiToken: string, profile: Profile): State {
  return {
    account: { id: accountId, name: "Example account" },
    token: {
      id: "70000000000000000000000000000001",
      value: apiToken,
      kind: "user",
      status: "active",
      zones: "all",
      permissions: new Set(PERMISSIONS),
      expiresOn: null,
    },
    limits: limitsOf(profile),
    switches: defaultSwitches(),
    zones: new Map(),
    dnsRecords: new Map(),
    certificatePacks: new Map(),
    monitors: new Map(),
    pools: new Map(),
    loadBalancers: new Map(),
    pagesProjects: new Map(),
    workerRoutes: new Map(),
    workerDomains: new Map(),
    rulesets: new Map(),
    pageRules: new Map(),
    customHostnames: new Map(),
    origins: new Map(),
    health: new Map(),
    previews: new Map(),
    subscriptions: new Map(),
    destinations: new Map(),
    alertPolicies: new Map(),
    seen: new Map(),
    cached: new Map(),
    resolver: { outage: null },
    lateWrites: [],
    auditLog: [],
    somebody: { email: "somebody@example.com" },
    otherTokens: [],
    budget: { limit: 1200, windowSeconds: 300, windowStart: 0, used: 0, blockedUntil: 0 },
    sequence: { value: 0 },
  };
}

/** As JSON: maps are lists of entries, sets are lists. An older dump lacks what came later. */
type Dump = Partial<Record<(typeof MAPS)[number], [string, unknown][]>> &
  Pick<State, Exclude<(typeof RECORDS)[number], "token">> & {
    token: Omit<Token, "permissions"> & { permissions: Permission[] };
    lateWrites: LateWrite[];
  };

/** A view of the objects as they are now, which later writes don't change: writes replace objects, they never alter them. */
export function snapshotOf(state: State): State {
  const copy = { ...state };
  for (const name of MAPS) Object.assign(copy, { [name]: new Map<string, unknown>(state[name]) });
  return copy;
}

export function dumpState(state: State): string {
  const plain: Record<string, unknown> = { lateWrites: state.lateWrites };
  for (const name of MAPS) plain[name] = [...state[name]];
  for (const name of RECORDS) plain[name] = state[name];
  plain["token"] = { ...state.token, permissions: [...state.token.permissions] };
  return JSON.stringify(plain);
}

export function loadState(state: State, dump: string): void {
  const plain: Dump = JSON.parse(dump);
  for (const name of MAPS) {
    const map: Map<string, unknown> = state[name];
    map.clear();
    for (const [key, value] of plain[name] ?? []) map.set(key, value);
  }
  for (const name of RECORDS) {
    if (name === "token") continue;
    Object.assign(state[name], plain[name]);
  }
  Object.assign(state.token, plain.token, { permissions: new Set(plain.token.permissions) });
  state.lateWrites.splice(0, state.lateWrites.length, ...plain.lateWrites);
}
