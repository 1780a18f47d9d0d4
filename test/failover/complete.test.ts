import { describe, expect, test } from "vitest";
import { completeSpec } from "../../src/failover/complete.ts";
import { desiredObjects, incompleteness, placeholder, presentHostname } from "../../src/failover/desired.ts";
import type { Facts } from "../../src/failover/failover.ts";
import { aFailover, aSpec, aSpecInput, FACTS, IDS, INSTALLATION, SMALLEST } from "./builders.ts";

const marker = (role: string) => `understudy:${INSTALLATION}:fo_2f8Kq1:${role}`;

const MONITOR = {
  type: "http",
  description: "HTTP - 200 - Follow Redirects",
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
};

describe("the smallest request", () => {
  test("is completed with the tutorial's values", () => {
    expect(completeSpec(aSpecInput(), FACTS)).toStrictEqual({
      name: "shop",
      hostname: "www.example.com",
      test_hostname: "lb-shop.example.com",
      primary: {
        address: "origin.example.net",
        host_header: "www.example.com",
        description: "production website",
      },
      secondary: {
        pages_project: "shop",
        address: "shop-7xk.pages.dev",
        host_header: "shop-7xk.pages.dev",
        description: "Pages version",
      },
      monitor: MONITOR,
      check_regions: ["WNAM"],
      load_balancer: {
        proxied: true,
        session_affinity: "none",
        adaptive_routing: { failover_across_pools: true },
        description: "shop: active-passive failover",
      },
      drift: { role: "heal", safety: "heal", cosmetic: "heal", foreign: "report" },
      drift_grace_seconds: 900,
      bake_seconds: 300,
      failback: { mode: "automatic" },
      on_broken_deploy: "report",
      approval: "none",
      drills: { schedule: null },
    });
  });

  test("becomes the tutorial's monitor, pools and load balancer, each with its marker", () => {
    const pool = { enabled: true, minimum_origins: 1, monitor: IDS.monitor, check_regions: ["WNAM"] };
    expect(desiredObjects(aFailover(), INSTALLATION)).toStrictEqual({
      monitor: { ...MONITOR, description: `HTTP - 200 - Follow Redirects ${marker("monitor")}` },
      primary: {
        ...pool,
        name: "shop-primary",
        description: `production website ${marker("primary")}`,
        origins: [
          {
            name: "primary",
            address: "origin.example.net",
            enabled: true,
            weight: 1,
            header: { Host: ["www.example.com"] },
          },
        ],
      },
      secondary: {
        ...pool,
        name: "shop-secondary",
        description: `Pages version ${marker("secondary")}`,
        origins: [
          {
            name: "secondary",
            address: "shop-7xk.pages.dev",
            enabled: true,
            weight: 1,
            header: { Host: ["shop-7xk.pages.dev"] },
          },
        ],
      },
      load_balancer: {
        name: "lb-shop.example.com",
        description: `shop: active-passive failover ${marker("load_balancer")}`,
        enabled: false,
        proxied: true,
        default_pools: [IDS.primary, IDS.secondary],
        fallback_pool: IDS.secondary,
        steering_policy: "off",
        session_affinity: "none",
        adaptive_routing: { failover_across_pools: true },
      },
    });
  });
});

describe("an endpoint", () => {
  const pages = { pages_project: "shop", address: null };
  const cases: [string, object, string | null, string | null][] = [
    ["with an address asks for the production hostname", {}, "origin.example.net", "www.example.com"],
    [
      "passes the visitor's Host through where host_header is empty",
      { host_header: "" },
      "origin.example.net",
      null,
    ],
    [
      "asks for the Host that was given",
      { host_header: "Shop.Example.com." },
      "origin.example.net",
      "shop.example.com",
    ],
    [
      "that is a Pages project asks for the subdomain that Cloudflare reports",
      pages,
      "shop-7xk.pages.dev",
      "shop-7xk.pages.dev",
    ],
    [
      "that is a Pages project with a custom domain uses that as address and Host",
      { ...pages, custom_domain: "pages.example.org" },
      "pages.example.org",
      "pages.example.org",
    ],
    [
      "that is a Pages project asks for the custom domain given as host_header",
      { ...pages, host_header: "pages.example.org" },
      "shop-7xk.pages.dev",
      "pages.example.org",
    ],
    [
      "that is an unknown Pages project has no address and no Host yet",
      { ...pages, pages_project: "other" },
      null,
      null,
    ],
    [
      "that is a Pages project called as one of JavaScript's own members has no address yet",
      { ...pages, pages_project: "constructor" },
      null,
      null,
    ],
  ];
  test.each(cases)("%s", (_, primary, address, host) => {
    expect(aSpec({ primary })).toMatchObject({ primary: { address, host_header: host } });
  });

  // A merge patch would drop a null, so these are bodies of a create.
  test.each([
    ["an address passes the visitor's Host through", { address: "origin.example.net" }, null],
    ["a Pages project always has a Host", { pages_project: "shop" }, "shop-7xk.pages.dev"],
  ])("with host_header null and %s", (_, given, host) => {
    const input = { ...aSpecInput(), secondary: { ...given, host_header: null } };
    expect(completeSpec(input, FACTS).secondary.host_header).toBe(host);
  });

  test("sends no header member where the visitor's Host passes through", () => {
    const failover = aFailover({ spec: { primary: { host_header: "" } } });
    expect(desiredObjects(failover, INSTALLATION).primary["origins"]).toStrictEqual([
      { name: "primary", address: "origin.example.net", enabled: true, weight: 1 },
    ]);
  });

  test("keeps a port that was given", () => {
    const failover = aFailover({ spec: { primary: { port: 8080 } } });
    expect(desiredObjects(failover, INSTALLATION).primary).toMatchObject({ origins: [{ port: 8080 }] });
  });

  test("is described by its role, and never calls a website a Pages version", () => {
    const swapped = {
      primary: { address: null, pages_project: "shop" },
      secondary: { pages_project: null, address: "b.example.net" },
    };
    const { primary, secondary } = aSpec(swapped);
    expect([primary.description, secondary.description]).toStrictEqual([
      "production website",
      "stand-in website",
    ]);
  });
});

describe("what follows from other members", () => {
  test.each([
    [{ type: "https" }, { port: 443, description: "HTTPS - 200 - Follow Redirects" }],
    [{ type: "https", port: 8443 }, { port: 8443 }],
    [
      { expected_codes: "2xx, 301", follow_redirects: false },
      { expected_codes: "2xx,301", description: "HTTP - 2xx,301" },
    ],
    [{ description: "mine" }, { description: "mine" }],
  ])("monitor %j becomes %j", (monitor, expected) => {
    expect(aSpec({ monitor }).monitor).toMatchObject(expected);
  });

  test.each([
    ["report", { role: "report", safety: "report", cosmetic: "report", foreign: "report" }],
    ["heal", { role: "heal", safety: "heal", cosmetic: "heal", foreign: "report" }],
    [{ role: "report" }, { role: "report", safety: "heal", cosmetic: "heal", foreign: "report" }],
    [{ foreign: "heal" }, { role: "heal", safety: "heal", cosmetic: "heal", foreign: "heal" }],
  ])("drift %j becomes %j", (drift, expected) => {
    expect(aSpec({ drift }).drift).toStrictEqual(expected);
  });

  test("the test hostname is unknown as long as the zone is, unless it was given", () => {
    const nothing: Facts = { zone: null, subdomains: {} };
    expect(aSpec({}, nothing).test_hostname).toBeNull();
    expect(aSpec({ test_hostname: "try.example.com" }, nothing).test_hostname).toBe("try.example.com");
  });

  test("a hostname deep in the zone still gets a test hostname one label deep", () => {
    expect(aSpec({ hostname: "a.b.c.example.com" }).test_hostname).toBe("lb-shop.example.com");
  });

  test("an IPv6 address is kept in its shortest spelling", () => {
    const { primary } = aSpec({ primary: { address: "2A00:1450:4001:0800:0:0:0:200E" } });
    expect(primary.address).toBe("2a00:1450:4001:800::200e");
  });
});

describe("where failback isn't automatic", () => {
  test("the defaults keep a primary that comes back from pulling its visitors back before the latch", () => {
    const spec = aSpec({ failback: { mode: "manual" } });
    expect(spec.monitor).toStrictEqual({ ...MONITOR, consecutive_up: 5 });
    expect(spec.load_balancer.adaptive_routing).toStrictEqual({ failover_across_pools: false });
    expect(spec.failback).toStrictEqual({ mode: "manual" });
    expect(desiredObjects(aFailover({ spec: { failback: { mode: "manual" } } }), INSTALLATION)).toMatchObject(
      {
        monitor: { consecutive_up: 5 },
        load_balancer: { adaptive_routing: { failover_across_pools: false } },
      },
    );
  });

  test.each([
    [5, 49],
    [16, 16],
    [60, 5],
    [120, 3],
    [240, 2],
    [300, 1],
  ])("good checks every %d seconds take longer than detection: %d of them", (interval, checks) => {
    const monitor = { interval, timeout: 1 };
    const spec = aSpec({ monitor, failback: { mode: "after" } });
    expect(spec.monitor.consecutive_up).toBe(checks);
    expect(checks * interval).toBeGreaterThan(240);
    expect((checks - 1) * interval).toBeLessThanOrEqual(240);
  });

  test("what the user gave stays", () => {
    const spec = aSpec({
      failback: { mode: "after", healthy_seconds: 60 },
      monitor: { consecutive_up: 0 },
      load_balancer: { adaptive_routing: { failover_across_pools: true } },
    });
    expect(spec.monitor.consecutive_up).toBe(0);
    expect(spec.load_balancer.adaptive_routing.failover_across_pools).toBe(true);
    expect(spec.failback).toStrictEqual({ mode: "after", healthy_seconds: 60 });
  });

  test("traffic returns after ten healthy minutes unless another time was given", () => {
    expect(aSpec({ failback: { mode: "after" } }).failback).toStrictEqual({
      mode: "after",
      healthy_seconds: 600,
    });
  });

  test("the checks in a row are ours no more once failback is automatic again", () => {
    const before = desiredObjects(aFailover({ spec: { failback: { mode: "manual" } } }), INSTALLATION);
    const after = desiredObjects(aFailover(), INSTALLATION, before);
    expect(after).toMatchObject({
      monitor: { consecutive_up: 0 },
      load_balancer: { adaptive_routing: { failover_across_pools: true } },
    });
  });
});

describe("the load balancer", () => {
  test.each([
    ["draft", "lb-shop.example.com", false],
    ["testing", "lb-shop.example.com", true],
    ["production", "www.example.com", true],
  ] as const)("in %s answers on %s, enabled: %s", (stage, name, enabled) => {
    const { load_balancer: lb } = desiredObjects(aFailover({ stage }), INSTALLATION);
    expect(lb).toMatchObject({ name, enabled });
    expect(presentHostname(stage, aSpec())).toBe(name);
  });

  test("puts the active pool first and keeps the secondary as fallback", () => {
    const { load_balancer: lb } = desiredObjects(aFailover({ active: "secondary" }), INSTALLATION);
    expect(lb).toMatchObject({
      default_pools: [IDS.secondary, IDS.primary],
      fallback_pool: IDS.secondary,
    });
  });

  test("sends a ttl and affinity details only where they are given", () => {
    const spec = { load_balancer: { proxied: false, ttl: 60 } };
    expect(desiredObjects(aFailover({ spec }), INSTALLATION).load_balancer).toMatchObject({
      proxied: false,
      ttl: 60,
    });
    const members = Object.keys(desiredObjects(aFailover(), INSTALLATION).load_balancer);
    expect(members).not.toContain("ttl");
    expect(members.filter((member) => member.startsWith("session_affinity_"))).toStrictEqual([]);
  });
});

describe("an object that is yet to be made", () => {
  test("is referred to by a placeholder", () => {
    const desired = desiredObjects(aFailover({ ids: {} }), INSTALLATION);
    expect(desired.primary["monitor"]).toBe(placeholder("monitor"));
    expect(desired.load_balancer["default_pools"]).toStrictEqual([
      placeholder("primary"),
      placeholder("secondary"),
    ]);
  });
});

describe("a failover of which too little is known", () => {
  test.each([
    ["the zone", { zone: null, subdomains: FACTS.subdomains }, /zone of www\.example\.com/],
    ["the subdomain", { zone: FACTS.zone, subdomains: {} }, /Pages project shop/],
  ])("says that %s is missing", (_, facts, sentence) => {
    const failover = aFailover({ facts });
    expect(incompleteness(failover, completeSpec(failover.input, facts))).toMatch(sentence);
  });

  test("is complete once zone and subdomain are known", () => {
    expect(incompleteness(aFailover(), aSpec())).toBeNull();
  });
});

test("completing changes nothing of the request", () => {
  const before = structuredClone(SMALLEST);
  aSpec();
  expect(SMALLEST).toStrictEqual(before);
});
