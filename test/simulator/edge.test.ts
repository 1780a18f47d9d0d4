import { beforeEach, describe, expect, test } from "vitest";
import { aBench, buildFailover, type Bench, type BuiltFailover } from "./failover-setup.ts";
import type { World } from "./simulator.ts";

let bench: Bench;
let built: BuiltFailover;
let world: World;

const URL_OF_LB = "https://lb.example.com/";
const endpoint = { enabled: true, weight: 1 };

beforeEach(async () => {
  bench = aBench();
  world = bench.simulator.world;
  built = await buildFailover(bench);
});

const servedBy = (): string => world.visit(URL_OF_LB).servedBy;

describe("a load balancer with policy off", () => {
  test("takes the first enabled and healthy pool in order", () => {
    expect(servedBy()).toBe("primary");
    world.edit("load_balancer", built.lb, { default_pools: [built.secondary, built.primary] });
    expect(servedBy()).toBe("secondary");
    world.edit("pool", built.secondary, { enabled: false });
    expect(servedBy()).toBe("primary");
  });

  test("moves away when the health of the first pool changes, and not before", () => {
    world.origin("origin.example.net").up = false;
    expect(world.visit(URL_OF_LB)).toMatchObject({ status: 521, servedBy: "primary" });
    world.settleHealth();
    expect(world.visit(URL_OF_LB)).toMatchObject({ status: 200, servedBy: "secondary" });
  });

  test("falls back without looking at health when no pool is healthy", () => {
    world.origin("origin.example.net").up = false;
    world.pagesProject("shop").deployments.length = 0;
    world.edit("load_balancer", built.lb, { fallback_pool: built.primary });
    world.settleHealth();
    expect(world.visit(URL_OF_LB)).toMatchObject({ status: 521, servedBy: "primary" });
  });

  test("answers 530 with 1016 when the fallback is disabled too", () => {
    world.edit("pool", built.primary, { enabled: false });
    world.edit("pool", built.secondary, { enabled: false });
    const visit = world.visit(URL_OF_LB);
    expect(visit).toMatchObject({ status: 530, servedBy: "none" });
    expect(visit.body).toContain("1016");
  });

  test("counts a pool without results as down, and a pool without monitor as usable", () => {
    world.edit("pool", built.primary, { enabled: false });
    world.edit("pool", built.primary, { enabled: true });
    expect(servedBy()).toBe("secondary");
    world.edit("pool", built.primary, { monitor: "" });
    expect(servedBy()).toBe("primary");
    world.edit("pool", built.primary, { enabled: false });
    expect(servedBy()).toBe("secondary");
  });

  test("sends nothing to an endpoint that is disabled or has no weight", () => {
    world.addOrigin({ address: "b.example.net", title: "Second" });
    for (const first of [{ enabled: false }, { weight: 0 }]) {
      world.edit("pool", built.primary, {
        origins: [
          { name: "a", address: "origin.example.net", ...endpoint, ...first },
          { name: "b", address: "b.example.net", ...endpoint },
        ],
      });
      world.settleHealth();
      expect(world.visit(URL_OF_LB).address).toBe("b.example.net");
    }
  });
});

describe("what a visitor sees of a broken endpoint", () => {
  test.each([
    ["refused", 521],
    ["timeout", 522],
    ["unreachable", 523],
    ["reset", 520],
    ["garbage", 520],
    ["dns", 530],
    ["tls", 526],
    ["tls-name", 526],
    ["tls-handshake", 525],
  ] as const)("%s shows as %i", (failure, status) => {
    world.origin("origin.example.net").failure = failure;
    expect(world.visit(URL_OF_LB).status).toBe(status);
  });

  test("Pages without a Host header shows Error 1000", () => {
    world.edit("pool", built.secondary, {
      monitor: "",
      origins: [{ name: "a", address: "shop.pages.dev", ...endpoint }],
    });
    world.edit("load_balancer", built.lb, { default_pools: [built.secondary] });
    const visit = world.visit(URL_OF_LB);
    expect(visit).toMatchObject({ status: 403, servedBy: "secondary" });
    expect(visit.body).toContain("1000");
  });

  test("an endpoint that is proxied itself shows Error 1000", () => {
    world.edit("pool", built.primary, {
      monitor: "",
      origins: [{ name: "a", address: "www.example.com", ...endpoint }],
    });
    expect(world.visit(URL_OF_LB).body).toContain("1000");
  });
});

describe("zero-downtime failover", () => {
  test("tries another endpoint of the pool once", () => {
    world.addOrigin({ address: "b.example.net", title: "Second" });
    world.edit("pool", built.primary, {
      origins: [
        { name: "a", address: "origin.example.net", ...endpoint },
        { name: "b", address: "b.example.net", ...endpoint },
      ],
    });
    world.settleHealth();
    world.origin("origin.example.net").up = false;
    expect(world.visit(URL_OF_LB)).toMatchObject({ status: 200, address: "b.example.net" });
  });

  test.each([
    ["refused", "secondary"],
    ["timeout", "secondary"],
    ["unreachable", "secondary"],
    ["tls", "secondary"],
    ["tls-handshake", "secondary"],
    ["reset", "primary"],
    ["dns", "primary"],
  ] as const)("across pools, after %s the visitor is served by %s", (failure, pool) => {
    world.edit("load_balancer", built.lb, { adaptive_routing: { failover_across_pools: true } });
    world.origin("origin.example.net").failure = failure;
    expect(servedBy()).toBe(pool);
  });

  test("doesn't leave the pool unless adaptive routing allows it", () => {
    world.origin("origin.example.net").up = false;
    expect(servedBy()).toBe("primary");
  });
});

describe("session affinity", () => {
  beforeEach(() => {
    world.edit("load_balancer", built.lb, { session_affinity: "cookie", session_affinity_ttl: 1800 });
  });

  test("holds a visitor to an endpoint through a reorder, and moves those without the cookie", () => {
    const { cookies } = world.visit(URL_OF_LB);
    expect(Object.keys(cookies)).toEqual(["__cflb"]);
    world.edit("load_balancer", built.lb, { default_pools: [built.secondary, built.primary] });
    expect(world.visit(URL_OF_LB, { cookies }).servedBy).toBe("primary");
    expect(servedBy()).toBe("secondary");
  });

  test("lets go when the endpoint is unhealthy or the pool disabled", () => {
    const { cookies } = world.visit(URL_OF_LB);
    world.edit("pool", built.primary, { enabled: false });
    expect(world.visit(URL_OF_LB, { cookies }).servedBy).toBe("secondary");
    world.edit("pool", built.primary, { enabled: true });
    world.origin("origin.example.net").up = false;
    world.settleHealth();
    expect(world.visit(URL_OF_LB, { cookies }).servedBy).toBe("secondary");
  });

  test("sets no cookie without affinity", () => {
    world.edit("load_balancer", built.lb, { session_affinity: "none" });
    expect(world.visit(URL_OF_LB).cookies).toEqual({});
  });
});

describe("custom rules", () => {
  const rule = { name: "r", condition: "", disabled: false, priority: 0, terminates: false };

  test("can answer by themselves", () => {
    const fixed_response = { status_code: 503, message_body: "closed", content_type: "text/plain" };
    world.edit("load_balancer", built.lb, { rules: [{ ...rule, fixed_response }] });
    expect(world.visit(URL_OF_LB)).toMatchObject({ status: 503, body: "closed", servedBy: "none" });
  });

  test("steer by path with their own pools, unless disabled", () => {
    const steer = {
      ...rule,
      condition: 'http.request.uri.path contains "/admin"',
      overrides: { default_pools: [built.secondary] },
    };
    world.edit("load_balancer", built.lb, { rules: [steer] });
    expect(world.visit("https://lb.example.com/admin/x").servedBy).toBe("secondary");
    expect(servedBy()).toBe("primary");
    world.edit("load_balancer", built.lb, { rules: [{ ...steer, disabled: true }] });
    expect(world.visit("https://lb.example.com/admin/x").servedBy).toBe("primary");
  });
});

describe("which thing answers for a name", () => {
  test("a load balancer beats the record of its name, and disabled leaves it to the record", () => {
    expect(world.visit("https://www.example.com/").servedBy).toBe("dns");
    world.edit("load_balancer", built.lb, { name: "www.example.com" });
    expect(world.visit("https://www.example.com/").servedBy).toBe("primary");
    world.edit("load_balancer", built.lb, { enabled: false });
    expect(world.visit("https://www.example.com/").servedBy).toBe("dns");
    world.edit("load_balancer", built.lb, { enabled: true });
    world.remove("load_balancer", built.lb);
    expect(world.visit("https://www.example.com/").servedBy).toBe("dns");
  });

  test("nothing resolves where neither stands", () => {
    expect(world.visit("https://nothing.example.com/")).toMatchObject({
      status: 0,
      error: "dns: unknown host",
    });
    expect(world.visit("https://nothing.example.net/").error).toBe("dns: unknown host");
  });

  test("a wildcard load balancer yields to a more specific record, and beats a wildcard record", () => {
    world.edit("load_balancer", built.lb, { name: "*.example.com" });
    world.addDnsRecord("example.com", {
      type: "CNAME",
      name: "*",
      content: "origin.example.net",
      proxied: true,
    });
    expect(world.visit("https://www.example.com/").servedBy).toBe("dns");
    expect(world.visit("https://anything.example.com/").servedBy).toBe("primary");
  });

  test("an active custom domain of Pages beats the load balancer, unless switched off", () => {
    const domain = world.addPagesDomain("shop", "lb.example.com");
    expect(world.visit(URL_OF_LB)).toMatchObject({ status: 200, servedBy: "shop.pages.dev" });
    domain.status = "pending";
    expect(servedBy()).toBe("primary");
    domain.status = "active";
    world.switches.pagesCustomDomainBeatsLb = false;
    expect(servedBy()).toBe("primary");
  });

  test("an active custom hostname (SaaS) beats the load balancer, unless switched off", () => {
    world.addOrigin({ address: "saas.example.net", title: "Provider" });
    const customer = world.addCustomHostname("example.com", {
      hostname: "lb.example.com",
      custom_origin_server: "saas.example.net",
    });
    const visit = world.visit(URL_OF_LB);
    expect(visit).toMatchObject({ status: 200, servedBy: "custom hostname", address: "saas.example.net" });
    expect(visit.body).toContain("provider origin");
    customer.status = "pending";
    expect(servedBy()).toBe("primary");
    customer.status = "active";
    world.switches.pagesCustomDomainBeatsLb = false;
    expect(servedBy()).toBe("primary");
  });

  test("a custom hostname serves also where the zone of its name isn't of the account", () => {
    world.addCustomHostname("example.com", { hostname: "app.customer.example" });
    expect(world.visit("https://app.customer.example/").body).toContain("fallback origin");
    expect(world.visit("https://other.customer.example/").error).toBe("dns: unknown host");
  });

  test("a custom hostname whose certificate isn't there yet has none of its own", () => {
    const hostname = "a.b.example.com";
    world.addCustomHostname("example.com", { hostname, sslStatus: "pending_validation" });
    expect(world.visit(`https://${hostname}/`).error).toBe("tls: handshake failure");
    expect(world.visit(`http://${hostname}/`).servedBy).toBe("custom hostname");
    world.addCustomHostname("example.com", { hostname: "c.b.example.com" });
    expect(world.visit("https://c.b.example.com/").status).toBe(200);
  });

  test("a Worker's custom domain answers in the load balancer's place", () => {
    const domain = world.addWorkerDomain("example.com", { hostname: "lb.example.com", service: "shopfront" });
    world.switches.pagesCustomDomainBeatsLb = false;
    expect(world.visit(URL_OF_LB)).toMatchObject({ status: 200, servedBy: "worker" });
    expect(world.visit(URL_OF_LB).body).toContain("shopfront");
    world.remove("worker_domain", domain.id);
    expect(servedBy()).toBe("primary");
  });

  test("a record that isn't proxied leads straight to its target, without Cloudflare", () => {
    world.addDnsRecord("example.com", { type: "CNAME", name: "direct", content: "origin.example.net" });
    const visit = world.visit("https://direct.example.com/");
    expect(visit).toMatchObject({ status: 200, servedBy: "origin.example.net" });
    expect(visit.headers).not.toHaveProperty("server");
  });

  test("a proxied record may lead over another name of the zone, to an address", () => {
    world.addOrigin({ address: "203.0.113.10", title: "By address" });
    world.addDnsRecord("example.com", { type: "A", name: "origin", content: "203.0.113.10" });
    world.addDnsRecord("example.com", {
      type: "CNAME",
      name: "app",
      content: "origin.example.com",
      proxied: true,
    });
    expect(world.visit("https://app.example.com/")).toMatchObject({ status: 200, address: "203.0.113.10" });
  });

  test("a proxied record whose target is gone answers 530 with 1016", () => {
    world.addDnsRecord("example.com", {
      type: "CNAME",
      name: "old",
      content: "gone.example.net",
      proxied: true,
    });
    const visit = world.visit("https://old.example.com/");
    expect(visit.status).toBe(530);
    expect(visit.body).toContain("1016");
  });

  test("an unproxied load balancer hands out endpoint addresses", () => {
    world.edit("load_balancer", built.lb, { proxied: false });
    expect(world.visit("http://lb.example.com/")).toMatchObject({
      status: 200,
      servedBy: "origin.example.net",
    });
  });

  test("records alone, without Cloudflare in between, in a paused zone", () => {
    world.edit("zone", bench.zoneId, { paused: true });
    expect(world.visit("https://www.example.com/")).toMatchObject({
      status: 200,
      servedBy: "origin.example.net",
    });
  });

  test("nothing in a zone that isn't active", () => {
    world.edit("zone", bench.zoneId, { status: "pending" });
    expect(world.visit(URL_OF_LB).error).toBe("dns: unknown host");
  });
});

describe("certificates", () => {
  test("cover the apex and one label, and no more", () => {
    for (const [name, status] of [
      ["example.com", 200],
      ["a.example.com", 200],
      ["a.b.example.com", 0],
    ] as const) {
      world.edit("load_balancer", built.lb, { name });
      expect(world.visit(`https://${name}/`).status).toBe(status);
    }
    expect(world.visit("https://a.b.example.com/").error).toMatch(/^tls: /);
    expect(world.visit("http://a.b.example.com/").status).toBe(200);
  });

  test("count only while active", () => {
    const pack = world.addCertificatePack("example.com", {
      hosts: ["a.b.example.com"],
      status: "pending_validation",
    });
    world.edit("load_balancer", built.lb, { name: "a.b.example.com" });
    expect(world.visit("https://a.b.example.com/").status).toBe(0);
    pack.status = "active";
    expect(world.visit("https://a.b.example.com/").status).toBe(200);
  });

  test("are missing in a partial zone", () => {
    world.addZone({ name: "partial.example", type: "partial" });
    world.addDnsRecord("partial.example", {
      type: "CNAME",
      name: "www",
      content: "origin.example.net",
      proxied: true,
    });
    expect(world.visit("https://www.partial.example/").error).toMatch(/^tls: /);
  });
});

test("keeps answering from the cache of a hostname while the endpoint is down", () => {
  world.cacheAtEdge("lb.example.com");
  expect(world.visit(URL_OF_LB).headers["cf-cache-status"]).toBe("MISS");
  world.origin("origin.example.net").up = false;
  bench.clock.advance(42_000);
  const hit = world.visit(URL_OF_LB);
  expect(hit).toMatchObject({ status: 200, servedBy: "cache" });
  expect(hit.headers).toMatchObject({ "cf-cache-status": "HIT", age: "42" });
  world.cacheAtEdge("lb.example.com", false);
  expect(world.visit(URL_OF_LB).status).toBe(521);
});
