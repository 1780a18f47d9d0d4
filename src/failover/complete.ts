// Fills a spec with the tutorial's values and with what Cloudflare says of its zone and Pages projects.
import type { Facts, Side } from "./failover.ts";
import type { EndpointInput, SpecInput } from "./spec.ts";

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
export type DriftClass = "role" | "safety" | "cosmetic";

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
  readonly failback: { readonly mode: "automatic" };
}

/** Drops members that are undefined: an absent member and an undefined one must not differ. */
function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as never;
}

function completeEndpoint(input: EndpointInput, side: Side, hostname: string, facts: Facts): Endpoint {
  const { host_header: givenHost, ...given } = input;
  const isPages = given.pages_project !== undefined;
  const address = given.address ?? given.custom_domain ?? facts.subdomains[given.pages_project ?? ""] ?? null;
  const defaultHost = isPages ? address : hostname;
  const defaultDescription = isPages
    ? "Pages version"
    : side === "primary"
      ? "production website"
      : "stand-in website";
  return defined({
    ...given,
    address,
    host_header: givenHost === undefined ? defaultHost : givenHost === "" ? null : givenHost,
    description: given.description ?? defaultDescription,
  }) as Endpoint;
}

function completeMonitor(input: SpecInput["monitor"]): MonitorSpec {
  const given = input ?? {};
  const type = given.type ?? "http";
  const codes = given.expected_codes ?? "200";
  const follow = given.follow_redirects ?? true;
  const called = `${type.toUpperCase()} - ${codes}${follow ? " - Follow Redirects" : ""}`;
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
    interval: given.interval ?? 60,
    timeout: given.timeout ?? 5,
    retries: given.retries ?? 2,
  }) as MonitorSpec;
}

function completeDrift(input: SpecInput["drift"]): Record<DriftClass, Policy> {
  const all = { role: "heal", safety: "heal", cosmetic: "heal" } as const;
  if (input === undefined) return all;
  if (typeof input === "string") return { role: input, safety: input, cosmetic: input };
  return { ...all, ...defined(input) };
}

export function completeSpec(input: SpecInput, facts: Facts): Spec {
  const lb = input.load_balancer ?? {};
  const zone = facts.zone?.name ?? null;
  return {
    name: input.name,
    hostname: input.hostname,
    test_hostname: input.test_hostname ?? (zone === null ? null : `lb-${input.name}.${zone}`),
    primary: completeEndpoint(input.primary, "primary", input.hostname, facts),
    secondary: completeEndpoint(input.secondary, "secondary", input.hostname, facts),
    monitor: completeMonitor(input.monitor),
    check_regions: input.check_regions ?? ["WNAM"],
    load_balancer: defined({
      ...lb,
      proxied: lb.proxied ?? true,
      session_affinity: lb.session_affinity ?? "none",
      adaptive_routing: { failover_across_pools: lb.adaptive_routing?.failover_across_pools ?? true },
      description: lb.description ?? `${input.name}: active-passive failover`,
    }) as LoadBalancerSpec,
    drift: completeDrift(input.drift),
    drift_grace_seconds: input.drift_grace_seconds ?? 900,
    failback: { mode: input.failback?.mode ?? "automatic" },
  };
}
