import { describe, expect, it } from "vitest";
import { installation, sentWrites, watchDatabase } from "./ledger.ts";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";

type Members = Record<string, unknown>;
interface Bodies {
  monitor: Members;
  primary: Members;
  secondary: Members;
  load_balancer: Members;
}

/** The tutorial's objects, as they have to be sent for the four-field request. */
async function tutorialBodies(failover: Answer["body"]): Promise<Bodies> {
  const marker = `understudy:${await installation()}:${failover.id}`;
  const { monitor_id, primary_pool_id, secondary_pool_id } = failover.cloudflare;
  const pool = (side: string, description: string, address: string, host: string) => ({
    name: `shop-${side}`,
    description: `${description} ${marker}:${side}`,
    enabled: true,
    minimum_origins: 1,
    monitor: monitor_id,
    check_regions: ["WNAM"],
    origins: [{ name: side, address, enabled: true, weight: 1, header: { Host: [host] } }],
  });
  return {
    monitor: {
      type: "http",
      description: `HTTP - 200 - Follow Redirects ${marker}:monitor`,
      method: "GET",
      path: "/",
      port: 80,
      expected_codes: "200",
      expected_body: "",
      follow_redirects: true,
      allow_insecure: false,
      interval: 60,
      timeout: 5,
      retries: 2,
    },
    primary: pool("primary", "production website", "origin.example.net", "www.example.com"),
    secondary: pool("secondary", "Pages version", "shop.pages.dev", "shop.pages.dev"),
    load_balancer: {
      name: "lb-shop.example.com",
      description: `shop: active-passive failover ${marker}:load_balancer`,
      enabled: false,
      proxied: true,
      default_pools: [primary_pool_id, secondary_pool_id],
      fallback_pool: secondary_pool_id,
      steering_policy: "off",
      session_affinity: "none",
      adaptive_routing: { failover_across_pools: true },
    },
  };
}

function creates({ zone }: Answer["body"], bodies: Bodies) {
  const account = "/accounts/a0000000000000000000000000000001/load_balancers";
  return [
    { method: "POST", path: `${account}/monitors`, body: bodies.monitor },
    { method: "POST", path: `${account}/pools`, body: bodies.primary },
    { method: "POST", path: `${account}/pools`, body: bodies.secondary },
    { method: "POST", path: `/zones/${zone.id}/load_balancers`, body: bodies.load_balancer },
  ];
}

async function created(stage: Stage, spec: object): Promise<Answer["body"]> {
  const failover = await stage.ready(spec);
  expect(failover.status).toMatchObject({
    sync: "synced",
    message: expect.stringMatching(/^everything at Cloudflare is as wanted/),
  });
  return failover;
}

describe("the request of four fields", () => {
  it("makes exactly the tutorial's monitor, two pools and load balancer, each by one write", async () => {
    const stage = setStage();
    const failover = await created(stage, SHOP);
    expect(sentWrites(stage)).toEqual(creates(failover, await tutorialBodies(failover)));
    const { world } = stage.simulator;
    expect([...world.monitors.keys()]).toEqual([failover.cloudflare.monitor_id]);
    expect(new Set(world.pools.keys())).toEqual(
      new Set([failover.cloudflare.primary_pool_id, failover.cloudflare.secondary_pool_id]),
    );
    expect([...world.loadBalancers.keys()]).toEqual([failover.cloudflare.load_balancer_id]);
  });

  it("answers 201 at once, converging, and says where it is", async () => {
    const stage = setStage();
    const { status, headers, body } = await stage.call("POST", "/v1/failovers", SHOP);
    expect(status).toBe(201);
    expect(headers.get("location")).toBe(`/v1/failovers/${body.id}`);
    expect(headers.get("etag")).toBe('"1"');
    expect(body).toMatchObject({
      id: expect.stringMatching(/^fo_[A-Za-z0-9]+$/),
      name: "shop",
      revision: 1,
      stage: "draft",
      active: "primary",
      hostname: "www.example.com",
      test_hostname: "lb-shop.example.com",
      zone: { id: "20000000000000000000000000000001", name: "example.com" },
      status: { sync: "converging", serving: "none" },
    });
  });

  it("is steady: twenty further ticks write nothing to Cloudflare, and to D1 what was measured alone", async () => {
    const stage = setStage();
    await created(stage, SHOP);
    stage.forgetCalls();
    const database = await watchDatabase();
    await stage.minutes(21);
    expect(stage.writes()).toEqual([]);
    const { samples, ticks, pool_health = 0, ...others } = await database.written();
    expect(others).toEqual({});
    // The old samples go once an hour, and an hour begins within these ticks at most once.
    expect(samples).toBe(21);
    expect(ticks).toBe(21);
    expect(pool_health).toBeLessThanOrEqual(2 * 21);
  });

  it("writes nothing on the second tick, also where the first alarm never came", async () => {
    const stage = setStage();
    await stage.call("POST", "/v1/failovers", SHOP);
    await stage.minutes(1);
    expect(stage.writes()).toHaveLength(4);
    stage.forgetCalls();
    await stage.minutes(1);
    expect(stage.writes()).toEqual([]);
  });
});

interface Variant {
  readonly what: string;
  readonly spec: object;
  /** What differs from the tutorial's bodies. */
  readonly differs: (bodies: Bodies, marker: string) => Partial<Bodies>;
}

const origin = (pool: Members, members: Members): Members => ({
  ...pool,
  origins: [members],
});

const VARIANTS: readonly Variant[] = [
  {
    what: "an endpoint on a port of its own",
    spec: { primary: { address: "origin.example.net", port: 8080 } },
    differs: ({ primary }) => ({
      primary: origin(primary, {
        name: "primary",
        address: "origin.example.net",
        enabled: true,
        weight: 1,
        port: 8080,
        header: { Host: ["www.example.com"] },
      }),
    }),
  },
  ...[
    ["the empty host_header, which passes the visitor's on", "", null],
    ["a host_header of null", null, null],
    ["a host_header of its own", "origin.example.net", "origin.example.net"],
    ["a host_header in capitals with a trailing dot", "Shop.Example.COM.", "shop.example.com"],
  ].map(([what, given, host]): Variant => ({
    what: String(what),
    spec: { primary: { address: "origin.example.net", host_header: given } },
    differs: ({ primary }) => ({
      primary: origin(primary, {
        name: "primary",
        address: "origin.example.net",
        enabled: true,
        weight: 1,
        ...(host === null ? {} : { header: { Host: [host] } }),
      }),
    }),
  })),
  {
    what: "an IP address as the primary",
    spec: { primary: { address: "93.184.216.34" } },
    differs: ({ primary }) => ({
      primary: origin(primary, {
        name: "primary",
        address: "93.184.216.34",
        enabled: true,
        weight: 1,
        header: { Host: ["www.example.com"] },
      }),
    }),
  },
  {
    what: "a Pages project as the primary",
    spec: { primary: { pages_project: "shop" }, secondary: { address: "origin.example.net" } },
    differs: ({ primary, secondary }, marker) => ({
      primary: origin(primary, {
        name: "primary",
        address: "shop.pages.dev",
        enabled: true,
        weight: 1,
        header: { Host: ["shop.pages.dev"] },
      }),
      secondary: {
        ...origin(secondary, {
          name: "secondary",
          address: "origin.example.net",
          enabled: true,
          weight: 1,
          header: { Host: ["www.example.com"] },
        }),
        description: `stand-in website ${marker}:secondary`,
      },
    }),
  },
  {
    what: "a Pages project whose subdomain has a suffix",
    spec: { secondary: { pages_project: "store" } },
    differs: ({ secondary }) => ({
      secondary: origin(secondary, {
        name: "secondary",
        address: "store-7xk.pages.dev",
        enabled: true,
        weight: 1,
        header: { Host: ["store-7xk.pages.dev"] },
      }),
    }),
  },
  {
    what: "a Pages project by its custom domain",
    spec: { secondary: { pages_project: "store", custom_domain: "store.example.org" } },
    differs: ({ secondary }) => ({
      secondary: origin(secondary, {
        name: "secondary",
        address: "store.example.org",
        enabled: true,
        weight: 1,
        header: { Host: ["store.example.org"] },
      }),
    }),
  },
  {
    what: "descriptions of its own",
    spec: {
      primary: { address: "origin.example.net", description: "the shop in Frankfurt" },
      secondary: { pages_project: "shop", description: "" },
      monitor: { description: "asks for the home page" },
      load_balancer: { description: "" },
    },
    differs: ({ monitor, primary, secondary, load_balancer }, marker) => ({
      monitor: { ...monitor, description: `asks for the home page ${marker}:monitor` },
      primary: { ...primary, description: `the shop in Frankfurt ${marker}:primary` },
      secondary: { ...secondary, description: `${marker}:secondary` },
      load_balancer: { ...load_balancer, description: `${marker}:load_balancer` },
    }),
  },
  {
    what: "a monitor of its own",
    spec: {
      monitor: {
        type: "https",
        method: "HEAD",
        path: "/healthz?deep=1",
        expected_codes: "301, 2XX",
        follow_redirects: false,
        allow_insecure: true,
        interval: 120,
        timeout: 3,
        retries: 1,
        consecutive_up: 2,
        consecutive_down: 3,
        header: { "X-Check": ["understudy"] },
      },
    },
    differs: (_, marker) => ({
      monitor: {
        type: "https",
        description: `HTTPS - 301,2xx ${marker}:monitor`,
        method: "HEAD",
        path: "/healthz?deep=1",
        port: 443,
        expected_codes: "301,2xx",
        expected_body: "",
        follow_redirects: false,
        allow_insecure: true,
        interval: 120,
        timeout: 3,
        retries: 1,
        consecutive_up: 2,
        consecutive_down: 3,
        header: { "X-Check": ["understudy"] },
      },
    }),
  },
  {
    what: "regions of its own",
    spec: { check_regions: ["WEU", "ENAM"] },
    differs: ({ primary, secondary }) => ({
      primary: { ...primary, check_regions: ["WEU", "ENAM"] },
      secondary: { ...secondary, check_regions: ["WEU", "ENAM"] },
    }),
  },
  {
    what: "a load balancer with session affinity",
    spec: {
      test_hostname: "try.shop.example.com",
      load_balancer: {
        session_affinity: "cookie",
        session_affinity_ttl: 3600,
        session_affinity_attributes: { samesite: "Lax", secure: "Always", drain_duration: 30 },
        adaptive_routing: { failover_across_pools: false },
      },
    },
    differs: ({ load_balancer }) => ({
      load_balancer: {
        ...load_balancer,
        name: "try.shop.example.com",
        session_affinity: "cookie",
        session_affinity_ttl: 3600,
        session_affinity_attributes: { samesite: "Lax", secure: "Always", drain_duration: 30 },
        adaptive_routing: { failover_across_pools: false },
      },
    }),
  },
  {
    what: "affinity by a header",
    spec: {
      load_balancer: {
        session_affinity: "header",
        session_affinity_attributes: { headers: ["X-Visitor", "X-Account"], require_all_headers: true },
      },
    },
    differs: ({ load_balancer }) => ({
      load_balancer: {
        ...load_balancer,
        session_affinity: "header",
        session_affinity_attributes: { headers: ["X-Visitor", "X-Account"], require_all_headers: true },
      },
    }),
  },
  {
    what: "a load balancer that is not proxied",
    spec: { load_balancer: { proxied: false, ttl: 60 } },
    differs: ({ load_balancer }) => ({ load_balancer: { ...load_balancer, proxied: false, ttl: 60 } }),
  },
];

describe("a request that says more", () => {
  it.each(VARIANTS)("makes what it says, and is steady: $what", async ({ spec, differs }) => {
    const stage = setStage();
    stage.simulator.world.limits.regions = 13;
    stage.simulator.world.addOrigin({ address: "93.184.216.34" });
    stage.simulator.world.addPagesProject({
      name: "store",
      subdomain: "store-7xk.pages.dev",
      domains: ["store.example.org"],
    });
    const failover = await created(stage, { ...SHOP, ...spec });
    const bodies = await tutorialBodies(failover);
    const marker = `understudy:${await installation()}:${failover.id}`;
    const expected = { ...bodies, ...differs(bodies, marker) };
    expect(sentWrites(stage)).toEqual(creates(failover, expected));
    stage.forgetCalls();
    const { body: plan } = await stage.call("GET", "/v1/failovers/shop/plan");
    expect(plan.changes).toEqual([]);
    await stage.minutes(3);
    expect(stage.writes()).toEqual([]);
  });

  it("is blocked with Cloudflare's own words where the plan doesn't allow it, and goes on once it does", async () => {
    const stage = setStage();
    const blocked = await stage.ready({ ...SHOP, check_regions: ["WEU", "ENAM"] });
    expect(blocked.status.sync).toBe("blocked");
    expect(blocked.status.message).toBe(
      "Cloudflare refused creating the primary pool: check_regions: at most 1 regions allowed: validation failed (code 1002)",
    );
    expect(stage.simulator.world.loadBalancers.size).toBe(0);
    stage.simulator.world.limits.regions = 2;
    await stage.minutes(1);
    expect((await stage.failover()).status.sync).toBe("synced");
  });
});
