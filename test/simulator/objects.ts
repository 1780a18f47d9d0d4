// What a Cloudflare account holds, as plain data. Members that Cloudflare may leave out are optional here too.

export interface Zone {
  id: string;
  name: string;
  status: "initializing" | "pending" | "active" | "moved";
  type: "full" | "partial" | "secondary" | "internal";
  paused: boolean;
  universalSsl: boolean;
  plan: string;
  created_on: string;
  modified_on: string;
  /** The account that it belongs to, where that is another one. */
  account?: { id: string; name: string };
  /** A WAF that challenges requests of Workers, unless they carry this header. */
  challengesWorkers: boolean | { unlessHeader: string; value: string };
}

export interface DnsRecord {
  id: string;
  zone_id: string;
  type: string;
  name: string;
  content: string;
  proxied: boolean;
  ttl: number;
  comment: string | null;
  tags: string[];
  priority?: number;
  created_on: string;
  modified_on: string;
}

export interface CertificatePack {
  id: string;
  zone_id: string;
  type: string;
  hosts: string[];
  status: string;
  expires_on: string;
}

export interface Monitor {
  id: string;
  type: "http" | "https" | "tcp" | "udp_icmp" | "icmp_ping" | "smtp";
  description: string;
  method: string;
  path: string;
  header: Record<string, string[]>;
  port: number;
  timeout: number;
  retries: number;
  interval: number;
  expected_codes: string;
  expected_body: string;
  follow_redirects: boolean;
  allow_insecure: boolean;
  consecutive_up: number;
  consecutive_down: number;
  probe_zone: string;
  created_on: string;
  modified_on: string;
}

export interface PoolOrigin {
  name: string;
  address: string;
  enabled: boolean;
  weight: number;
  header?: { Host?: string[] };
  port?: number;
  virtual_network_id?: string;
  flatten_cname?: boolean;
  disabled_at?: string;
}

export interface Pool {
  id: string;
  name: string;
  description: string;
  enabled: boolean;
  minimum_origins: number;
  monitor: string;
  monitor_group?: string;
  check_regions: string[] | null;
  origins: PoolOrigin[];
  origin_steering: { policy: string };
  load_shedding: {
    default_percent: number;
    default_policy: string;
    session_percent: number;
    session_policy: string;
  } | null;
  notification_email: string;
  notification_filter: Record<string, unknown> | null;
  latitude?: number | null;
  longitude?: number | null;
  health_sources?: string[] | null;
  networks: string[];
  disabled_at?: string;
  created_on: string;
  modified_on: string;
}

export type PoolMap = Record<string, string[]>;

export interface LoadBalancerRule {
  name: string;
  condition: string;
  disabled: boolean;
  priority: number;
  terminates: boolean;
  fixed_response?: { status_code?: number; content_type?: string; location?: string; message_body?: string };
  overrides?: { default_pools?: string[]; fallback_pool?: string; [member: string]: unknown };
}

export interface LoadBalancer {
  id: string;
  zone_id: string;
  zone_name: string;
  name: string;
  description: string;
  enabled: boolean;
  proxied: boolean;
  ttl: number;
  default_pools: string[];
  fallback_pool: string;
  steering_policy: string;
  session_affinity: string;
  session_affinity_ttl: number;
  session_affinity_attributes: Record<string, unknown>;
  adaptive_routing: { failover_across_pools: boolean };
  location_strategy: { mode: string; prefer_ecs: string };
  random_steering: { default_weight: number; pool_weights?: Record<string, number> };
  region_pools: PoolMap;
  country_pools: PoolMap;
  pop_pools: PoolMap;
  rules: LoadBalancerRule[];
  pool_sets?: unknown;
  networks: string[];
  created_on: string;
  modified_on: string;
}

export interface PagesStage {
  name: "queued" | "initialize" | "clone_repo" | "build" | "deploy";
  status: "idle" | "active" | "canceled" | "success" | "failure" | "skipped";
  started_on: string | null;
  ended_on: string | null;
}

export interface PagesDeployment {
  id: string;
  short_id: string;
  project_id: string;
  project_name: string;
  environment: "production" | "preview";
  url: string;
  aliases: string[] | null;
  stages: PagesStage[];
  latest_stage: PagesStage;
  deployment_trigger: {
    type: string;
    metadata: { branch: string; commit_hash: string; commit_message: string };
  };
  is_skipped: boolean;
  skip_reason: string | null;
  created_on: string;
  modified_on: string;
  /** What this deployment serves. Not part of the API's answer. */
  body: string;
  /** The status of its pages; absent = 200. Not part of the API's answer either. */
  status?: number;
}

export interface PagesDomain {
  id: string;
  name: string;
  status: "initializing" | "pending" | "active" | "deactivated" | "blocked" | "error";
  created_on: string;
}

export interface PagesProject {
  id: string;
  name: string;
  subdomain: string;
  production_branch: string;
  domains: PagesDomain[];
  /** Newest first. */
  deployments: PagesDeployment[];
  canonicalId: string | null;
  created_on: string;
  /** Single-page application: every path answers as "/" does; absent = true. */
  spa?: boolean;
  /** Pages besides "/", with the same content, where it is no single-page application. */
  paths?: string[];
}

export interface WorkerRoute {
  id: string;
  zone_id: string;
  pattern: string;
  script?: string;
}

/** A Worker's custom domain. */
export interface WorkerDomain {
  id: string;
  zone_id: string;
  zone_name: string;
  hostname: string;
  service: string;
  environment: string;
  cert_id: string;
}

export interface RulesetRule {
  id: string;
  version: string;
  action: string;
  action_parameters: Record<string, unknown>;
  expression: string;
  description: string;
  last_updated: string;
  ref: string;
  enabled: boolean;
}

/** The rules of one phase of a zone: its entry point. */
export interface Ruleset {
  id: string;
  zone_id: string;
  name: string;
  description: string;
  kind: "zone";
  phase: string;
  version: string;
  rules: RulesetRule[];
  last_updated: string;
}

export interface PageRule {
  id: string;
  zone_id: string;
  targets: { target: "url"; constraint: { operator: string; value: string } }[];
  actions: { id: string; value?: unknown }[];
  priority: number;
  status: "active" | "disabled";
  created_on: string;
  modified_on: string;
}

/** A name that a customer of somebody's SaaS brought into the zone. */
export interface CustomHostname {
  id: string;
  zone_id: string;
  hostname: string;
  status: string;
  ssl: { id: string; type: string; method: string; status: string; certificate_authority: string };
  custom_origin_server?: string;
  created_at: string;
}

export type OriginFailure =
  | "refused"
  | "timeout"
  | "unreachable"
  | "reset"
  | "dns"
  | "tls"
  | "tls-name"
  | "tls-handshake"
  | "garbage";

export interface OriginAnswer {
  status?: number;
  body?: string;
  headers?: Record<string, string>;
  redirectTo?: string;
}

/** What a receiver of webhooks got, and what it answered. */
export interface Received {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
  status: number;
}

/** A web server somewhere on the Internet. */
export interface Origin extends OriginAnswer {
  /** Everything that it was asked, the first first; absent where nobody wants to know. */
  received?: Received[];
  address: string;
  status: number;
  body: string;
  headers: Record<string, string>;
  up: boolean;
  /** Host names that it answers to; absent = any. */
  hosts?: string[];
  /** Ports that it listens on; absent = any. */
  ports?: number[];
  admitsOnlyCloudflare: boolean | "403";
  failure?: OriginFailure | undefined;
  latencyMs: number;
  perPath: Record<string, OriginAnswer>;
  /** For every path but "/" and those of `perPath`, while "/" answers well; absent = as for "/". */
  notFound?: OriginAnswer;
  /** What its name publicly resolves to; absent = an address of its own. */
  resolvesTo?: string[];
  /** Regions or places of health checks that can't reach it. */
  unreachableFrom: string[];
}

export interface PlaceResult {
  /** Of the endpoint at that time; a new address starts as unknown. */
  address: string;
  healthy: boolean;
  reason: string;
  responseCode: number;
  rttMs: number;
  ups: number;
  downs: number;
}

/** Results of a pool's health checks: place → name of the endpoint → result. */
export interface PoolHealth {
  monitorId: string;
  nextCheckAt: number;
  places: Record<string, Record<string, PlaceResult>>;
}

export interface Preview {
  id: string;
  readyAt: number;
  poolIds: string[];
  monitor: Monitor;
}

export interface Subscription {
  id: string;
  rate_plan: { id: string; public_name: string };
  state: string;
  component_values: { name: string; value: number }[];
}

/** A write whose caller has given up and that takes effect later. */
export interface LateWrite {
  landsAt: number;
  method: string;
  url: string;
  body: string;
}

export interface EdgeCache {
  storedAt: number;
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** API-FACTS 14.1. The secret is never shown. */
export interface WebhookDestination {
  id: string;
  name: string;
  url: string;
  type: string;
  created_at: string;
  last_success: string | null;
  last_failure: string | null;
  secret: string;
}

/** API-FACTS 14.5. */
export interface AlertPolicy {
  id: string;
  name: string;
  description: string;
  alert_type: string;
  enabled: boolean;
  mechanisms: Record<string, { id: string }[]>;
  filters: Record<string, string[]>;
  created: string;
  modified: string;
}

/** What alerts are about, as it was when it was last looked at: a pool's state; null of a deployment. */
export type SeenState = { enabled: boolean; healthy: boolean | null } | null;
