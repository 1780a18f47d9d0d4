// Fills a spec with the tutorial's values and with what Cloudflare says of its zone and Pages projects.
import { DEFAULT_HOLD_SECONDS, type DrillMethod } from "./drill.ts";
import type { Facts, Side } from "./failover.ts";
import type {
  APPROVAL_POLICIES,
  BROKEN_DEPLOY_POLICIES,
  EndpointInput,
  FAILBACK_MODES,
  SpecInput,
} from "./spec.ts";
import { BAKE_SECONDS, MONITOR_DEFAULTS } from "./spec-rules.ts";
import type { WeeklyWindow } from "./windows.ts";

export interface Endpoint {
  /** Null as long as Cloudflare hasn't told the Pages project's subdomain. */
  readonly address: string | null;
  readonly pages_project?: string;
  readonly custom_domain?: string;
  /** Null passes the visitor's Host through. */
  readonly host_header: string | null;
  readonly port?: number;
  readonly description: string;
  readonly marker?: {
    readonly header?: string | undefined;
    readonly value?: string | undefined;
    readonly body?: string | undefined;
  };
}

export interface MonitorSpec {
  readonly type: "http" | "https";
  readonly description: string;
  readonly method: "GET" | "HEAD";
  readonly path: string;
  readonly port: number;
  readonly expected_codes: string;
  readonly expected_body: string;
  readonly follow_redirects: boolean;
  readonly allow_insecure: boolean;
  readonly interval: number;
  readonly timeout: number;
  readonly retries: number;
  readonly consecutive_up?: number;
  readonly consecutive_down?: number;
  readonly header?: Readonly<Record<string, readonly string[]>>;
}

export interface LoadBalancerSpec {
  readonly proxied: boolean;
  readonly ttl?: number;
  readonly session_affinity: "none" | "cookie" | "ip_cookie" | "header";
  readonly session_affinity_ttl?: number;
  readonly session_affinity_attributes?: Readonly<Record<string, unknown>>;
  readonly adaptive_routing: { readonly failover_across_pools: boolean };
  readonly description: string;
}

export type Policy = "heal" | "report";
export type DriftClass = "role" | "safety" | "cosmetic" | "foreign";

export interface Failback {
  readonly mode: (typeof FAILBACK_MODES)[number];
  /** Of the mode `after` alone: for how long the primary has to be healthy. */
  readonly healthy_seconds?: number;
  /** Of the mode `after` alone: when it may return; absent where it may at any time. */
  readonly windows?: readonly WeeklyWindow[];
}

export interface DrillSchedule {
  readonly windows: readonly WeeklyWindow[];
  /** Absent where the stage decides; production reorders in any case. */
  readonly method?: DrillMethod;
  readonly hold_seconds: number;
  /** The production hostname, where drills shall move its visitors. */
  readonly confirm?: string;
}

/** The spec with every default filled in: what the API shows and what `desired` is made of. */
export interface Spec {
  readonly name: string;
  readonly hostname: string;
  /** Null as long as the zone is not known and none was given. */
  readonly test_hostname: string | null;
  readonly primary: Endpoint;
  readonly secondary: Endpoint;
  readonly monitor: MonitorSpec;
  readonly check_regions: readonly string[];
  readonly load_balancer: LoadBalancerSpec;
  readonly drift: Readonly<Record<DriftClass, Policy>>;
  readonly drift_grace_seconds: number;
  /** For how long a promotion to production is watched. */
  readonly bake_seconds: number;
  readonly failback: Failback;
  /** What is done about a deploy that breaks a Pages endpoint. */
  readonly approval: (typeof APPROVAL_POLICIES)[number];
  readonly on_broken_deploy: (typeof BROKEN_DEPLOY_POLICIES)[number];
  readonly drills: { readonly schedule: DrillSchedule | null };
}

/** Drops members that are undefined: an absent member and an undefined one must not differ. */
function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> };
function defined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));
}

/** A project may be called `constructor`: only what was read of Cloudflare counts. */
function subdomainOf(project: string | undefined, facts: Facts): string | null {
  return project !== undefined && Object.hasOwn(facts.subdomains, project)
    ? (facts.subdomains[project] ?? null)
    : null;
}

function describeEndpoint(side: Side, isPages: boolean): string {
  if (side === "primary") return "production website";
  return isPages ? "Pages version" : "stand-in website";
}

function completeEndpoint(input: EndpointInput, side: Side, hostname: string, facts: Facts): Endpoint {
  const { host_header: given, ...members } = input;
  const isPages = input.pages_project !== undefined;
  const address = input.address ?? input.custom_domain ?? subdomainOf(input.pages_project, facts);
  const passesVisitorsHost = given === null || given === "";
  // Pages finds the project by the Host header alone (API-FACTS 12.3), so for Pages it is always set.
  const hostHeader = isPages
    ? passesVisitorsHost
      ? address
      : (given ?? address)
    : passesVisitorsHost
      ? null
      : (given ?? hostname);
  return defined({
    ...members,
    address,
    host_header: hostHeader,
    description: input.description ?? describeEndpoint(side, isPages),
  });
}

/**
 * An endpoint that fails is known to within three ticks, and the latch is written within one more. A primary that comes
 * back sooner would pull its visitors back before anything could be latched.
 */
const DETECTION_BOUND_SECONDS = 240;
const HEALTHY_SECONDS = 600;

/** So many good checks in a row take longer than it takes to know of an outage. */
function checksBeyondDetection(intervalSeconds: number): number {
  return Math.floor(DETECTION_BOUND_SECONDS / intervalSeconds) + 1;
}

function completeMonitor(input: SpecInput["monitor"], failback: Failback): MonitorSpec {
  const given = input ?? {};
  const type = given.type ?? "http";
  const codes = given.expected_codes ?? "200";
  const follow = given.follow_redirects ?? true;
  const called = `${type.toUpperCase()} - ${codes}${follow ? " - Follow Redirects" : ""}`;
  const interval = given.interval ?? MONITOR_DEFAULTS.interval;
  return defined({
    ...given,
    type,
    description: given.description ?? called,
    method: given.method ?? "GET",
    path: given.path ?? "/",
    port: given.port ?? (type === "https" ? 443 : 80),
    expected_codes: codes,
    expected_body: given.expected_body ?? "",
    follow_redirects: follow,
    allow_insecure: given.allow_insecure ?? false,
    interval,
    timeout: given.timeout ?? MONITOR_DEFAULTS.timeout,
    retries: given.retries ?? MONITOR_DEFAULTS.retries,
    consecutive_up:
      given.consecutive_up ?? (failback.mode === "automatic" ? undefined : checksBeyondDetection(interval)),
  });
}

function completeDrift(input: SpecInput["drift"]): Record<DriftClass, Policy> {
  // Somebody else's routing is healed only where that is asked for by name.
  const all = { role: "heal", safety: "heal", cosmetic: "heal", foreign: "report" } as const;
  if (input === undefined) return all;
  if (typeof input === "string") return { ...all, role: input, safety: input, cosmetic: input };
  return { ...all, ...defined(input) };
}

function completeFailback(input: SpecInput["failback"]): Failback {
  const { mode, healthy_seconds: seconds, windows } = input ?? { mode: "automatic" };
  return mode === "after"
    ? defined({ mode, healthy_seconds: seconds ?? HEALTHY_SECONDS, windows })
    : { mode };
}

function completeDrills(input: SpecInput["drills"]): Spec["drills"] {
  const schedule = input?.schedule ?? null;
  if (schedule === null) return { schedule };
  return { schedule: defined({ ...schedule, hold_seconds: schedule.hold_seconds ?? DEFAULT_HOLD_SECONDS }) };
}

export function completeSpec(input: SpecInput, facts: Facts): Spec {
  const lb = input.load_balancer ?? {};
  const failback = completeFailback(input.failback);
  const zone = facts.zone?.name ?? null;
  return {
    name: input.name,
    hostname: input.hostname,
    test_hostname: input.test_hostname ?? (zone === null ? null : `lb-${input.name}.${zone}`),
    primary: completeEndpoint(input.primary, "primary", input.hostname, facts),
    secondary: completeEndpoint(input.secondary, "secondary", input.hostname, facts),
    monitor: completeMonitor(input.monitor, failback),
    check_regions: input.check_regions ?? ["WNAM"],
    load_balancer: defined({
      ...lb,
      proxied: lb.proxied ?? true,
      session_affinity: lb.session_affinity ?? "none",
      adaptive_routing: {
        // Where the order says who serves, no single request may go past it.
        failover_across_pools: lb.adaptive_routing?.failover_across_pools ?? failback.mode === "automatic",
      },
      description: lb.description ?? `${input.name}: active-passive failover`,
    }),
    drift: completeDrift(input.drift),
    drift_grace_seconds: input.drift_grace_seconds ?? 900,
    bake_seconds: input.bake_seconds ?? BAKE_SECONDS.default,
    failback,
    on_broken_deploy: input.on_broken_deploy ?? "report",
    drills: completeDrills(input.drills),
    approval: input.approval ?? "none",
  };
}
