// What a preflight judges: everything that was asked of the world, each with its answer or the reason why there is none.
import type { Spec } from "../complete.ts";
import type { Facts, Failover, Side } from "../failover.ts";
import type { Observed } from "../plan.ts";
import type { FieldError, ProbeFailure, ProbeResult } from "../results.ts";
import type { PlaceHealth } from "../verdict.ts";

/** One question and what came of it. */
export type Asked<T> =
  | { readonly state: "known"; readonly value: T }
  /** The token may not ask this. */
  | { readonly state: "forbidden"; readonly why: string }
  /** What was asked for does not exist. */
  | { readonly state: "missing"; readonly why: string }
  /** It has no answer now: Cloudflare gave none, or no call was left to ask with. */
  | { readonly state: "unreadable"; readonly why: string }
  /** There was no reason to ask, or nobody is answered who asks with such a token. */
  | { readonly state: "not-asked"; readonly why: string };

export interface TokenFacts {
  readonly owner: "user" | "account";
  readonly status: string;
  /** Milliseconds since the epoch; null where it doesn't expire. */
  readonly expiresAt: number | null;
}

export interface ZoneFacts {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly type: string;
  readonly paused: boolean;
  readonly plan: string;
  readonly accountId: string | null;
}

/** What the usage endpoint says; whether the counts are used or allowed is an open question (API-FACTS 6.5). */
export interface UsageFacts {
  readonly loadBalancers: number | null;
  readonly pools: number | null;
  readonly monitors: number | null;
  readonly origins: number | null;
  readonly originsPerPool: number | null;
  /** Seconds. */
  readonly minimumInterval: number | null;
}

export interface DeploymentFacts {
  readonly id: string;
  readonly environment: string;
  /** `live`, `failed`, `skipped` or `running`. */
  readonly outcome: "live" | "failed" | "skipped" | "running";
  readonly commit: string | null;
  /** Milliseconds since the epoch. */
  readonly createdAt: number | null;
}

export interface PagesFacts {
  readonly project: string;
  readonly subdomain: string;
  readonly domains: readonly string[];
  /** The newest production deployment that succeeded: what visitors get. */
  readonly serving: DeploymentFacts | null;
  /** The newest production deployment of all. */
  readonly latest: Asked<DeploymentFacts | null>;
  /** Custom domain → its status. */
  readonly domainStatus: Asked<Readonly<Record<string, string>>>;
}

export interface DnsRecordFacts {
  readonly type: string;
  readonly content: string;
  readonly proxied: boolean;
}

export interface CertificateFacts {
  readonly type: string;
  readonly status: string;
  readonly hosts: readonly string[];
}

/** Something on the zone that may act on requests of a hostname before or instead of the load balancer. */
export interface RuleFacts {
  readonly id: string;
  /** What a person would know it by. */
  readonly what: string;
  /** Its pattern or expression. */
  readonly matches: string;
}

/** What Cloudflare's preview of the monitor says of one pool. */
export interface PreviewFacts {
  readonly healthy: boolean;
  /** Its results by endpoint address. */
  readonly origins: readonly {
    readonly address: string;
    readonly healthy: boolean;
    readonly reason: string;
  }[];
}

/** One request of ours on the way to an endpoint's answer. */
export interface InspectedHop {
  /** Without query: that may hold what only the endpoint should know. */
  readonly url: string;
  readonly status: number;
  /** Where it redirects to, without query; null where it doesn't. */
  readonly location: string | null;
}

/** A closer look at one endpoint than a probe takes: every hop, a path that can't exist, more of the body. */
export interface Inspection {
  readonly hops: readonly InspectedHop[];
  /** Why there is no good answer, as a probe would say; null where there is one. */
  readonly failure: ProbeFailure | null;
  readonly detail: string | null;
  /** Of the last answer; null where none came. */
  readonly status: number | null;
  readonly title: string | null;
  /** Whether the answer carries the marker that the spec gives this endpoint; null where it gives none. */
  readonly markerFound: boolean | null;
  /** What the answer calls its build or version, in a header or a meta element; null where it doesn't say. */
  readonly build: string | null;
  /** A hash of the body; null where it is empty or no answer came. */
  readonly body: string | null;
  /** Where `expected_body` begins in the body, in bytes; null where it wasn't found, or isn't expected. */
  readonly expectedBodyAt: number | null;
  /** What a path that can't exist answers; null where that wasn't asked or no answer came. */
  readonly absentPath: { readonly status: number; readonly sameBody: boolean } | null;
  /** What the address resolves to publicly; of an IP address, itself. */
  readonly addresses: Asked<readonly string[]>;
}

/** Everything that the checks are made from: plain data, gathered in at most twenty calls of Cloudflare's API. */
export interface PreflightFacts {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly accountId: string;
  readonly installation: string;
  readonly spec: Spec;
  readonly facts: Facts;
  /** What is wrong with its hostnames. */
  readonly hostnameErrors: readonly FieldError[];
  /** Null of a spec that isn't saved. */
  readonly failover: Failover | null;
  /** What Cloudflare refused when the objects were last written, in its words; null where it refused nothing. */
  readonly refused: string | null;
  /** The account's zones that the token sees. */
  readonly zoneNames: Asked<readonly string[]>;
  readonly token: Asked<TokenFacts>;
  readonly zone: Asked<ZoneFacts>;
  readonly usage: Asked<UsageFacts>;
  /** How many there are now; null where the list could not be read completely. */
  readonly counts: {
    readonly monitors: number | null;
    readonly pools: number | null;
    readonly origins: number | null;
    readonly loadBalancers: number | null;
  };
  /** Whether each list could be read. */
  readonly lists: Readonly<Record<"monitors" | "pools" | "loadBalancers", Asked<true>>>;
  readonly observed: Observed;
  /** Load balancers and pools of somebody else that have a name which the spec needs. */
  readonly taken: readonly FieldError[];
  /** What else uses one of our pools, by name. */
  readonly references: Asked<readonly string[]>;
  readonly health: Readonly<Record<Side, Asked<readonly PlaceHealth[]>>>;
  readonly preview: Asked<Readonly<Record<Side, PreviewFacts | null>>>;
  /** Null of an endpoint that is no Pages project. */
  readonly pages: Readonly<Record<Side, Asked<PagesFacts> | null>>;
  /** Records of the very names. */
  readonly records: {
    readonly hostname: Asked<readonly DnsRecordFacts[]>;
    readonly testHostname: Asked<readonly DnsRecordFacts[]>;
    /** Of an endpoint's own name where it lies in the failover's zone; null elsewhere. */
    readonly endpoints: Readonly<Record<Side, Asked<readonly DnsRecordFacts[]> | null>>;
  };
  readonly certificates: Asked<readonly CertificateFacts[]>;
  readonly universalSsl: Asked<boolean>;
  /** Pages projects or customers' hostnames (SaaS) that have the production hostname and are active, as sentences. */
  readonly customHostnames: Asked<readonly string[]>;
  readonly workerRoutes: Asked<readonly RuleFacts[]>;
  readonly workerDomains: Asked<readonly RuleFacts[]>;
  readonly redirectRules: Asked<readonly RuleFacts[]>;
  readonly originRules: Asked<readonly RuleFacts[]>;
  readonly cacheRules: Asked<readonly RuleFacts[]>;
  readonly pageRules: Asked<readonly RuleFacts[]>;
  readonly inspections: Readonly<Record<Side, Inspection | null>>;
  /** What each endpoint's Host resolves to, where that matters for whether it is legal; null elsewhere. */
  readonly hostAddresses: Readonly<Record<Side, Asked<readonly string[]> | null>>;
  /** Cloudflare's own ranges, in CIDR notation. */
  readonly cloudflareRanges: readonly string[];
  /** Our own latest answer of each endpoint, as the last tick has it; null where there is none. */
  readonly lastProbes: Readonly<Record<Side, ProbeResult | null>>;
  /** When the last tick began, and whether its probes arrived; ms since the epoch. */
  readonly lastTickAt: number | null;
  readonly lastSampleAt: number | null;
  /** Calls of Cloudflare's API that this took. */
  readonly calls: number;
}
