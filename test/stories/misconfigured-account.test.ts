import { env } from "cloudflare:workers";
import { afterEach, vi } from "vitest";
import type { Permission } from "../simulator/permissions.ts";
import type { World } from "../simulator/simulator.ts";
import { saved, tell, unsaved, type Misconfiguration, type Row } from "./misconfigurations.ts";
import type { Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
});

const DAY_MS = 86_400_000;

const zone = (world: World) => {
  const [first] = world.zones.values();
  if (first === undefined) throw new Error("there is no zone");
  return first;
};
const elsewhere = { id: "b0000000000000000000000000000002", name: "Another account" };
const STRANGE_ID = "70000000000000000000000000000007";

const TOKEN: readonly Row[] = [
  [
    "the token is a person's",
    {
      seed: (world) => (world.token.kind = "user"),
      checks: { "token-owner": "warn" },
      says: /person's.*1200 requests/,
      remedy: /the account owns/,
    },
  ],
  [
    "the token ends in three days",
    {
      seed: (world) => (world.token.expiresOn = new Date(Date.now() + 3 * DAY_MS).toISOString()),
      checks: { "token-valid": "warn" },
      says: /expires at 2035-01-04/,
      remedy: /CF_API_TOKEN/,
    },
  ],
];

const DEAD_TOKEN: readonly Row[] = [
  [
    "the token has expired",
    {
      seed: (world) => (world.token.status = "expired"),
      later: 0,
      checks: { "token-valid": "fail" },
      unknown: ["token-permissions", "zone-active", "certificate", "endpoint-health", "foreign-routing"],
      says: /expired/,
      remedy: /CF_API_TOKEN/,
    },
  ],
  [
    "the token was disabled",
    {
      seed: (world) => (world.token.status = "disabled"),
      later: 0,
      checks: { "token-valid": "fail" },
      says: /disabled/,
      remedy: /CF_API_TOKEN/,
    },
  ],
  [
    "the token was rolled",
    {
      seed: (world) => (world.token.value = "another-token"),
      later: 0,
      checks: { "token-valid": "fail" },
      says: /refuses the API token/,
      remedy: /CF_API_TOKEN/,
    },
  ],
];

const without =
  (...groups: Permission[]) =>
  (world: World) => {
    for (const group of groups) world.token.permissions.delete(group);
  };

const lacking = (named: RegExp, ...groups: Permission[]): Misconfiguration => ({
  seed: without(...groups),
  later: 0,
  checks: { "token-permissions": "fail" },
  says: named,
  remedy: named,
});

const BALANCING = "Load Balancing: Monitors and Pools";

const PERMISSIONS: readonly Row[] = [
  [
    "the token can't do anything with monitors and pools",
    lacking(/Monitors and Pools Write \(account\)/, `${BALANCING} Read`, `${BALANCING} Write`),
  ],
  [
    "the token can't do anything with load balancers",
    lacking(/Load Balancers Write \(zone\)/, "Load Balancers Read", "Load Balancers Write"),
  ],
  ["the token can't read the zone", lacking(/Zone Read \(zone\)/, "Zone Read")],
  ["the token can't read DNS records", lacking(/DNS Read \(zone\)/, "DNS Read", "DNS Write")],
  ["the token can't read Pages projects", lacking(/Pages Read \(account\)/, "Pages Read", "Pages Write")],
];

const OUT_OF_SCOPE: readonly Row[] = [
  [
    "the zone is not among the token's resources",
    {
      seed: (world) => (world.token.zones = ["example.org"]),
      later: 0,
      checks: { "token-permissions": "fail" },
      says: /nothing with the zone example\.com/,
      remedy: /Include the zone example\.com/,
    },
  ],
];

const UNCERTIFIED: readonly Row[] = [
  [
    "the token can't read certificates",
    {
      seed: without("SSL and Certificates Read"),
      later: 0,
      checks: { "token-permissions": "warn" },
      unknown: ["certificate", "test-hostname-certificate", "custom-hostname"],
      says: /SSL and Certificates Read \(zone\)/,
      remedy: /SSL and Certificates Read \(zone\)/,
    },
  ],
];

const READ_ONLY: readonly Row[] = [
  [
    "the token may only read monitors and pools",
    { ...lacking(/Monitors and Pools Write \(account\)/, `${BALANCING} Write`), promotes: "does not ask" },
  ],
];

const BORN_READ_ONLY: readonly Row[] = [
  [
    "the token may only read load balancers, which shows when the first one is made",
    {
      seed: without("Load Balancers Write"),
      checks: { "token-permissions": "fail" },
      says: /load balancer/i,
      remedy: /Load Balancers Write \(zone\)/,
    },
  ],
];

const ZONE: readonly Row[] = [
  ...(["pending", "moved", "initializing"] as const).map((status): Row => [
    `the zone is ${status}`,
    {
      seed: (world) => world.edit("zone", zone(world).id, { status }),
      later: 0,
      checks: { "zone-active": "fail" },
      says: new RegExp(`example\\.com is ${status}`),
      remedy: /nameservers/,
    },
  ]),
  ...(["partial", "secondary"] as const).map((type): Row => [
    `the zone has a ${type} setup`,
    {
      seed: (world) => world.edit("zone", zone(world).id, { type }),
      later: 0,
      checks: { "zone-setup": "fail" },
      says: new RegExp(`example\\.com has a ${type} setup`),
      remedy: /full setup/,
    },
  ]),
  [
    "the zone is paused",
    {
      seed: (world) => world.edit("zone", zone(world).id, { paused: true }),
      later: 0,
      checks: { "zone-paused": "fail" },
      says: /paused.*example\.com/,
      remedy: /End the pause.*Advanced Actions/,
    },
  ],
];

const ZONE_UNSAVED: readonly Row[] = [
  [
    "the zone is not among the token's resources, so that nobody knows of it",
    {
      seed: (world) => (world.token.zones = []),
      checks: { "zone-found": "fail" },
      says: /www\.example\.com lies in no zone/,
      remedy: /API token's zone resources/,
    },
  ],
  [
    "the hostname lies in no zone of the account",
    {
      spec: { hostname: "www.nowhere.example" },
      checks: { "zone-found": "fail" },
      says: /www\.nowhere\.example.*example\.com/,
      remedy: /hostname/,
    },
  ],
  [
    "the zone belongs to another account",
    {
      seed: (world) => {
        world.token.kind = "user";
        world.addZone({ name: "example.org", account: elsewhere });
      },
      spec: { hostname: "www.example.org" },
      checks: { "account-match": "fail", "token-owner": "warn" },
      says: /example\.org.*b0000000000000000000000000000002/,
      remedy: /CF_ACCOUNT_ID/,
    },
  ],
  [
    "the test hostname lies in another zone",
    {
      spec: { test_hostname: "lb.example.org" },
      checks: { "hostnames-valid": "fail" },
      says: /test_hostname.*example\.com/,
      remedy: /test_hostname/,
    },
  ],
  [
    "the test hostname is the production hostname",
    {
      spec: { test_hostname: "www.example.com" },
      checks: { "hostnames-valid": "fail" },
      says: /test_hostname.*differ/,
      remedy: /test_hostname/,
    },
  ],
];

const noBalancing = (world: World) => {
  Object.assign(world.limits, {
    loadBalancing: false,
    loadBalancers: 0,
    pools: 0,
    monitors: 0,
    origins: 0,
    originsPerPool: 0,
    minimumInterval: 0,
    maximumInterval: 0,
  });
  world.subscriptions.clear();
};

const NO_BALANCING: Omit<Misconfiguration, "seed"> = {
  checks: { "load-balancing-enabled": "fail" },
  says: /Load Balancing is not enabled/,
  remedy: /Enable Load Balancing/,
};

const ENABLED: readonly Row[] = [
  ["Load Balancing is not enabled, and its limits are zero", { ...NO_BALANCING, seed: noBalancing }],
  ...([403, 404] as const).map((status): Row => [
    `Load Balancing is not enabled, and asking for its usage is a ${status}`,
    {
      ...NO_BALANCING,
      seed: (world) => {
        noBalancing(world);
        world.switches.usageWithoutSubscription = status;
      },
    },
  ]),
];

const refusing =
  (path: RegExp, message: string) =>
  (_: World, { simulator }: Stage) =>
    simulator.faults.add({
      match: { method: "POST", path, times: Infinity },
      effect: { kind: "status", status: 400, code: 1002, message, when: "before" },
    });

/** Every form in which the absence of Load Balancing shows in a refused write (API-FACTS 3). */
const ABSENCES: readonly Row[] = (
  [
    [/pools$/, "the origin list length must be in range [1, 0]: validation failed"],
    [/monitors$/, "interval is not in range [0, 0]: validation failed"],
    [/monitors$/, "interval is not in range [1, 1]: validation failed"],
    [/zones\/\w+\/load_balancers$/, "load balancing not enabled for zone: validation failed"],
    [/pools$/, "Internal error creating or modifying pool. Access Failed."],
  ] as const
).map(([path, message]) => [
  `Load Balancing is not enabled, and Cloudflare says "${message}"`,
  { ...NO_BALANCING, seed: refusing(path, message) },
]);

async function fill(stage: Stage, pools: number, origins = 1) {
  const account = `/accounts/${stage.simulator.world.account.id}/load_balancers`;
  for (let index = 0; index < pools; index += 1) {
    await stage.cloudflare("POST", `${account}/pools`, {
      name: `theirs-${index}`,
      origins: Array.from({ length: origins }, (_, at) => ({
        name: `one-${at}`,
        address: `80.0.${index}.${at + 1}`,
      })),
      check_regions: ["WNAM"],
    });
  }
}

const PLAN_LIMITS = { pools: 20, loadBalancers: 20, monitors: 30, origins: 20 };

const QUOTA: readonly Row[] = [
  [
    "19 of 20 pools are used",
    {
      seed: async (world, stage) => {
        Object.assign(world.limits, { ...PLAN_LIMITS, origins: 100 });
        await fill(stage, 19);
      },
      checks: { quota: "fail" },
      says: /2 more pools.*19.*20/,
      remedy: /Delete/,
    },
  ],
  [
    "19 of 20 endpoints are used",
    {
      seed: async (world, stage) => {
        Object.assign(world.limits, PLAN_LIMITS);
        await fill(stage, 1, 19);
      },
      checks: { quota: "fail" },
      says: /2 more endpoints.*19.*20/,
      remedy: /Delete/,
    },
  ],
  [
    "every load balancer of the plan is used",
    {
      seed: async (world, stage) => {
        Object.assign(world.limits, PLAN_LIMITS);
        await fill(stage, 1);
        const [pool] = world.pools.keys();
        for (let index = 0; index < 20; index += 1) {
          await stage.cloudflare("POST", `/zones/${zone(world).id}/load_balancers`, {
            name: `n${index}.example.com`,
            default_pools: [pool],
            fallback_pool: pool,
          });
        }
      },
      checks: { quota: "fail" },
      says: /1 more load balancer.*20/,
      remedy: /Delete/,
    },
  ],
  [
    "every monitor of the plan is used",
    {
      seed: async (world, stage) => {
        Object.assign(world.limits, PLAN_LIMITS);
        for (let index = 0; index < 30; index += 1)
          await stage.cloudflare("POST", `/accounts/${world.account.id}/load_balancers/monitors`, {
            type: "http",
            expected_codes: "200",
          });
      },
      checks: { quota: "fail" },
      says: /1 more monitor.*30/,
      remedy: /Delete/,
    },
  ],
];

const QUOTA_ALLOWED: readonly Row[] = [
  [
    "the usage says that one pool is allowed",
    {
      seed: (world) => {
        Object.assign(world.limits, PLAN_LIMITS, { pools: 1 });
        world.switches.usageMeaning = "allowed";
      },
      checks: { quota: "fail" },
      says: /2 more pools.* 1,/,
      remedy: /Delete/,
    },
  ],
];

const PLAN: readonly Row[] = [
  [
    "the plan's shortest interval is longer",
    {
      spec: { monitor: { interval: 20 } },
      checks: { "monitor-interval": "fail" },
      says: /20 seconds.*60/,
      remedy: /monitor\.interval to 60/,
    },
  ],
  [
    "the plan doesn't allow checks from everywhere",
    {
      spec: { check_regions: ["ALL_REGIONS"] },
      checks: { "check-regions": "fail" },
      says: /Enterprise|every data centre/,
      remedy: /check_regions/,
    },
  ],
];

const PLAN_UNSAVED: readonly Row[] = [
  [
    "there are more regions than the plan may allow",
    {
      spec: { check_regions: ["WNAM", "WEU"] },
      checks: { "check-regions": "warn" },
      says: /2 regions.*may refuse/,
      remedy: /check_regions/,
    },
  ],
];

const PLAN_SAVED: readonly Row[] = [
  [
    "there are more regions than the plan allows",
    {
      spec: { check_regions: ["WNAM", "WEU"] },
      checks: { "check-regions": "fail" },
      says: /at most 1 region/,
      remedy: /check_regions/,
    },
  ],
];

const theirBalancer = (name: string) => (world: World) => {
  world.loadBalancers.set(STRANGE_ID, {
    id: STRANGE_ID,
    zone_id: zone(world).id,
    zone_name: "example.com",
    name,
    description: "",
    enabled: true,
    proxied: true,
    ttl: 30,
    default_pools: [],
    fallback_pool: "",
    steering_policy: "off",
    session_affinity: "none",
    session_affinity_ttl: 0,
    session_affinity_attributes: {},
    adaptive_routing: { failover_across_pools: true },
    location_strategy: { mode: "pop", prefer_ecs: "proximity" },
    random_steering: { default_weight: 1 },
    region_pools: {},
    country_pools: {},
    pop_pools: {},
    rules: [],
    networks: ["cloudflare"],
    created_on: "2034-01-01T00:00:00Z",
    modified_on: "2034-01-01T00:00:00Z",
  });
};

const UNCOVERED = "www.shop.example.com";

const HOSTNAME: readonly Row[] = [
  [
    "somebody else's load balancer has the production hostname",
    {
      seed: theirBalancer("www.example.com"),
      later: 0,
      checks: { "hostname-free": "fail" },
      says: /www\.example\.com.*70000000000000000000000000000007/,
      remedy: /import/i,
    },
  ],
  [
    "the production hostname is an active custom domain of the Pages project",
    {
      seed: (world) => world.addPagesDomain("shop", "www.example.com"),
      later: 0,
      checks: { "custom-hostname": "fail" },
      says: /www\.example\.com is an active custom domain of the Pages project shop/,
      remedy: /Remove www\.example\.com/,
    },
  ],
  [
    "the production hostname is an active custom domain of another Pages project",
    {
      seed: (world) => {
        world.addPagesProject({ name: "old-shop", domains: ["www.example.com"] });
        for (const { id } of world.dnsRecords.values())
          world.edit("dns_record", id, { content: "old-shop.pages.dev" });
      },
      later: 0,
      checks: { "custom-hostname": "fail" },
      says: /Pages project old-shop/,
      remedy: /Remove www\.example\.com/,
    },
  ],
  [
    "the production hostname is an active custom hostname of Cloudflare for SaaS",
    {
      seed: (world) => world.addCustomHostname("example.com", { hostname: "www.example.com" }),
      later: 0,
      checks: { "custom-hostname": "fail" },
      says: /custom hostname \(Cloudflare for SaaS\)/,
      remedy: /Remove www\.example\.com/,
    },
  ],
  [
    "no DNS record lies under the production hostname",
    {
      seed: (world) => world.dnsRecords.clear(),
      later: 0,
      checks: { "record-underneath": "warn" },
      says: /no DNS record for www\.example\.com/,
      remedy: /www\.example\.com/,
    },
  ],
  [
    "a Worker route matches the production hostname",
    {
      seed: (world) => world.addWorkerRoute("example.com", { pattern: "*.example.com/*", script: "headers" }),
      later: 0,
      checks: { "worker-route": "warn" },
      says: /www\.example\.com.*\*\.example\.com\/\*.*headers/,
      remedy: /route/,
    },
  ],
  [
    "the production hostname is a custom domain of a Worker",
    {
      seed: (world) =>
        world.addWorkerDomain("example.com", { hostname: "www.example.com", service: "landing" }),
      later: 0,
      checks: { "worker-domain": "fail" },
      says: /www\.example\.com.*Worker landing/,
      remedy: /landing|custom domain/,
    },
  ],
  [
    "a redirect rule acts on every hostname of the zone",
    {
      seed: (world) =>
        world.addRule("example.com", "http_request_dynamic_redirect", {
          expression: "true",
          description: "to the campaign",
        }),
      later: 0,
      checks: { "redirect-rule": "warn" },
      says: /www\.example\.com.*"to the campaign"/,
      remedy: /rule/,
    },
  ],
  [
    "an origin rule acts on the production hostname",
    {
      seed: (world) =>
        world.addRule("example.com", "http_request_origin", {
          expression: '(http.host eq "www.example.com" and starts_with(http.request.uri.path, "/admin"))',
        }),
      later: 0,
      checks: { "origin-rule": "warn" },
      says: /www\.example\.com/,
      remedy: /rule/,
    },
  ],
  [
    "a cache rule caches everything on the production hostname",
    {
      seed: (world) =>
        world.addRule("example.com", "http_request_cache_settings", {
          expression: '(http.host eq "www.example.com")',
          description: "cache everything",
        }),
      later: 0,
      checks: { "cache-rule": "warn" },
      says: /www\.example\.com.*"cache everything"/,
      remedy: /cache|caching/i,
    },
  ],
  [
    "a Page Rule forwards the production hostname",
    {
      seed: (world) => {
        world.token.kind = "user";
        world.addPageRule("example.com", { url: "*example.com/*" });
      },
      later: 0,
      checks: { "page-rule": "warn", "token-owner": "warn" },
      says: /www\.example\.com.*\*example\.com\/\*.*redirects/,
      remedy: /rule/i,
    },
  ],
  [
    "a DNS record has the test hostname",
    {
      seed: (world) =>
        world.addDnsRecord("example.com", { type: "A", name: "lb-shop.example.com", content: "80.1.1.1" }),
      later: 0,
      checks: { "test-hostname-free": "warn" },
      says: /lb-shop\.example\.com.*A 80\.1\.1\.1/,
      remedy: /test_hostname/,
    },
  ],
];

const HOSTNAME_UNSAVED: readonly Row[] = [
  [
    "somebody else's load balancer has the test hostname",
    {
      seed: theirBalancer("lb-shop.example.com"),
      checks: { "test-hostname-free": "fail" },
      says: /lb-shop\.example\.com.*70000000000000000000000000000007/,
      remedy: /test_hostname/,
    },
  ],
  [
    "somebody else's pool has the name",
    {
      seed: async (world, stage) => {
        await stage.cloudflare("POST", `/accounts/${world.account.id}/load_balancers/pools`, {
          name: "shop-primary",
          origins: [{ name: "one", address: "80.0.0.1" }],
          check_regions: ["WNAM"],
        });
      },
      checks: { "name-free": "fail" },
      says: /shop-primary/,
      remedy: /name/,
    },
  ],
];

const CERTIFICATE: readonly Row[] = [
  [
    "the production hostname is too deep for Universal SSL",
    {
      spec: { hostname: UNCOVERED },
      seed: (world) =>
        world.addDnsRecord("example.com", { type: "CNAME", name: UNCOVERED, content: "origin.example.net" }),
      checks: { certificate: "fail" },
      says: /www\.shop\.example\.com.*2 labels.*Universal SSL/,
      remedy: /advanced certificate/,
    },
  ],
  [
    "the certificate of the production hostname is still being validated",
    {
      spec: { hostname: UNCOVERED },
      seed: (world) => {
        world.addDnsRecord("example.com", { type: "CNAME", name: UNCOVERED, content: "origin.example.net" });
        world.addCertificatePack("example.com", { hosts: [UNCOVERED], status: "pending_validation" });
      },
      checks: { certificate: "fail" },
      says: /www\.shop\.example\.com.*pending_validation/,
      remedy: /Wait/,
    },
  ],
  [
    "the test hostname is too deep for Universal SSL",
    {
      spec: { test_hostname: "lb.test.example.com" },
      checks: { "test-hostname-certificate": "fail" },
      says: /lb\.test\.example\.com.*2 labels/,
      remedy: /test_hostname/,
    },
  ],
  [
    "Universal SSL is switched off, and there is no other certificate",
    {
      seed: (world) => {
        world.certificatePacks.clear();
        world.edit("zone", zone(world).id, { universalSsl: false });
      },
      checks: { "test-hostname-certificate": "fail" },
      unknown: ["certificate"],
      says: /lb-shop\.example\.com.*Universal SSL is switched off/,
      remedy: /Universal SSL/,
    },
  ],
];

const SERVICE: readonly Row[] = [
  [
    "the cron has not fired for five minutes",
    {
      seed: async (_, stage) => stage.pass(300),
      later: 0,
      checks: { "cron-fresh": "warn" },
      says: /cron trigger.*5 minutes ago/,
      remedy: /cron trigger/,
    },
  ],
  [
    "the cron has not fired for an hour",
    {
      seed: async (_, stage) => stage.pass(3600),
      later: 0,
      checks: { "cron-fresh": "fail" },
      says: /60 minutes ago/,
      remedy: /cron trigger/,
    },
  ],
  [
    "the queue has delivered nothing for five minutes",
    {
      seed: async (_, stage) => {
        await stage.minutes(5);
        await env.DB.prepare("DELETE FROM samples WHERE tick > ?1")
          .bind(stage.now() - 300_000)
          .run();
      },
      later: 0,
      checks: { "probes-arriving": "warn" },
      says: /5 minutes/,
      remedy: /queue/,
    },
  ],
];

tell("before it is saved", unsaved, [
  ...TOKEN,
  ...PERMISSIONS,
  ...UNCERTIFIED,
  ...ZONE,
  ...ZONE_UNSAVED,
  ...ENABLED,
  ...QUOTA,
  ...QUOTA_ALLOWED,
  ...PLAN,
  ...PLAN_UNSAVED,
  ...HOSTNAME,
  ...HOSTNAME_UNSAVED,
  ...CERTIFICATE,
]);

tell("of a saved failover", saved, [
  ...TOKEN,
  ...DEAD_TOKEN,
  ...PERMISSIONS,
  ...OUT_OF_SCOPE,
  ...UNCERTIFIED,
  ...READ_ONLY,
  ...BORN_READ_ONLY,
  ...ZONE,
  ...ENABLED,
  ...ABSENCES,
  ...PLAN,
  ...PLAN_SAVED,
  ...HOSTNAME,
  ...CERTIFICATE,
  ...SERVICE,
]);
