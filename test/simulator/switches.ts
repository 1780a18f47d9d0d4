/** API-FACTS 16.5: what could not be verified. Every member names both outcomes, so that a test can try each. */
export interface Switches {
  /** Lists of monitors, pools and load balancers: all at once, or 20 a page. */
  listMode: "everything" | "paged";
  listPageSize: number;
  inUse: "412/1005" | "400/1002";
  unknownReference: "400/1002" | "404/1001";
  emptyHealth: "null" | "{}" | "absent";
  healthShape: "map" | "flat";
  /** `healthy` of a pool without results. */
  healthyWhenUnknown: "absent" | "false" | "true";
  nullMaps: "null" | "{}" | "absent";
  dnsListShowsLb: boolean;
  recordUnderLbRefused: boolean;
  renameOntoTaken: "refused" | "allowed";
  monitorDetachedAs: "absent" | "empty";
  headerCase: "as-sent" | "lower" | "canonical";
  lowercaseNames: boolean;
  noopMovesModifiedOn: boolean;
  rateLimitBody: "envelope" | "html" | "empty";
  retryAfter: boolean;
  rateLimitHeaders: boolean;
  allRegionsStatus: 400 | 403;
  portReadback: "zero" | "absent" | "as-sent";
  consecutiveReadback: "zero" | "absent";
  pagesCustomDomainBeatsLb: boolean;
  /** Tutorial and API-FACTS 10.1: a check of Pages without a Host header is a mismatch; by 4 it would pass. */
  pagesProbeNeedsHost: boolean;
  /** What `canonical_deployment` is after a rollback: what is served, or the newest successful one as before. */
  canonicalDeployment: "served" | "newest";
  usageMeaning: "used" | "allowed";
  /** The usage endpoint of an account without Load Balancing. */
  usageWithoutSubscription: "zeros" | 403 | 404;
  exceededQuota: "400/1002" | "403/1004";
  documentationAddresses: "accepted" | "refused";
  /** Cloudflare's own addresses as endpoints: refused by the API, or accepted and then Error 1000. */
  cloudflareAddresses: "refused" | "error-1000";
  /** API-FACTS 1.1: gateway errors may lack `messages` and `result`. */
  bareErrors: boolean;
  /** How long a preview takes until its checks have finished. */
  previewMs: number;
  /** Whether this account may have webhooks at all (API-FACTS 14.1). */
  webhooksEligible: boolean;
  /** Cloudflare posts to public names on the ports 80 and 443 alone; on one machine there are none. */
  webhookTargets: "public" | "any";
  /** Whether the test message carries cf-webhook-auth is open. */
  testHasSecret: boolean;
  /** How often an alert arrives: retries are undocumented. */
  alertsArrive: "once" | "twice" | "never";
  /** No source promises read-your-writes for lists: let every list show the state before the last write. */
  lists: "fresh" | "lag-one-write";
  /** Whether the token may read the account's audit log, and how long its entries take to appear there. */
  auditLog: "forbidden" | "readable";
  auditLogLagMs: number;
}

export function defaultSwitches(): Switches {
  return {
    listMode: "everything",
    listPageSize: 20,
    inUse: "412/1005",
    unknownReference: "400/1002",
    emptyHealth: "null",
    healthShape: "map",
    healthyWhenUnknown: "absent",
    nullMaps: "{}",
    dnsListShowsLb: false,
    recordUnderLbRefused: false,
    renameOntoTaken: "refused",
    monitorDetachedAs: "absent",
    headerCase: "as-sent",
    lowercaseNames: true,
    noopMovesModifiedOn: true,
    rateLimitBody: "envelope",
    retryAfter: true,
    rateLimitHeaders: true,
    allRegionsStatus: 400,
    portReadback: "zero",
    consecutiveReadback: "zero",
    pagesCustomDomainBeatsLb: true,
    pagesProbeNeedsHost: true,
    canonicalDeployment: "served",
    usageMeaning: "used",
    usageWithoutSubscription: "zeros",
    exceededQuota: "400/1002",
    documentationAddresses: "accepted",
    cloudflareAddresses: "refused",
    bareErrors: false,
    previewMs: 1000,
    webhooksEligible: true,
    webhookTargets: "public",
    testHasSecret: true,
    alertsArrive: "once",
    lists: "fresh",
    auditLog: "forbidden",
    auditLogLagMs: 0,
  };
}
