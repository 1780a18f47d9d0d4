import { beforeEach, describe, expect, test } from "vitest";
import { aBench, buildFailover, type Bench, type BuiltFailover } from "./failover-setup.ts";
import { codeMatches } from "./health-check.ts";
import type { Origin } from "./objects.ts";
import { PLACES } from "./plans.ts";

let bench: Bench;
let built: BuiltFailover;

beforeEach(async () => {
  bench = aBench({ limits: { regions: 13, allRegions: true } });
  built = await buildFailover(bench);
});

const healthPath = (id: string): string => `${bench.account}/load_balancers/pools/${id}/health`;

async function afterSeconds(seconds: number): Promise<void> {
  bench.clock.advance(seconds * 1000);
  await bench.simulator.runDue();
}

interface Report {
  healthy: boolean;
  failure_reason: string;
}

/** What every place says of the endpoints of a pool, as [address, report]. */
async function reports(id: string): Promise<[string, Report][]> {
  const { result } = await bench.call("GET", healthPath(id));
  const places: { origins: Record<string, Report>[] }[] = Object.values(result.pop_health ?? {});
  return places.flatMap(({ origins }) => origins.flatMap((origin) => Object.entries(origin)));
}

test("reports by place, keyed by address and not by name", async () => {
  const { result } = await bench.call("GET", healthPath(built.primary));
  expect(result.pool_id).toBe(built.primary);
  expect(Object.keys(result.pop_health)).toEqual(["Amsterdam, NL", "Frankfurt, DE", "London, GB"]);
  expect(result.pop_health["Amsterdam, NL"]).toEqual({
    healthy: true,
    colo_id: "AMS",
    origins: [
      {
        "origin.example.net": {
          healthy: true,
          failure_reason: "No failures",
          rtt: "5ms",
          response_code: 200,
        },
      },
    ],
  });
});

test("probes three places of each region, and 39 places for all regions", async () => {
  const { world } = bench.simulator;
  world.edit("pool", built.primary, { check_regions: ["WEU", "ENAM"] });
  world.edit("pool", built.secondary, { check_regions: null });
  world.settleHealth();
  expect(await reports(built.primary)).toHaveLength(6);
  expect(await reports(built.secondary)).toHaveLength(39);
});

describe("before there are results", () => {
  test.each([
    ["null", null],
    ["{}", {}],
    ["absent", undefined],
  ] as const)("pop_health is %s", async (emptyHealth, expected) => {
    bench.simulator.world.switches.emptyHealth = emptyHealth;
    await bench.call("PATCH", `${bench.account}/load_balancers/pools/${built.primary}`, { monitor: "" });
    const { result } = await bench.call("GET", healthPath(built.primary));
    expect(result.pop_health).toEqual(expected);
  });

  test("a pool is unknown until its first interval has passed", async () => {
    const fresh = aBench();
    const ids = await buildFailover(fresh, { settle: false });
    fresh.clock.advance(59_999);
    await fresh.simulator.runDue();
    expect(fresh.simulator.world.isPoolHealthy(ids.primary)).toBeNull();
    fresh.clock.advance(1);
    await fresh.simulator.runDue();
    expect(fresh.simulator.world.isPoolHealthy(ids.primary)).toBe(true);
  });

  test.each([
    ["absent", undefined],
    ["false", false],
    ["true", true],
  ] as const)("the pool's healthy member is %s", async (healthyWhenUnknown, expected) => {
    bench.simulator.world.switches.healthyWhenUnknown = healthyWhenUnknown;
    bench.simulator.world.edit("pool", built.primary, { enabled: false });
    const { result } = await bench.call("GET", `${bench.account}/load_balancers/pools/${built.primary}`);
    expect(result.healthy).toBe(expected);
  });
});

test("has the flat form of the newer schema where switched so", async () => {
  bench.simulator.world.switches.healthShape = "flat";
  const { result } = await bench.call("GET", healthPath(built.primary));
  expect(result.pop_health).toMatchObject({
    healthy: true,
    origins: [{ ip: { address: "origin.example.net", healthy: true } }],
  });
});

test("forgets results while a pool is disabled, and starts as unknown after re-enabling", async () => {
  const { world } = bench.simulator;
  world.edit("pool", built.primary, { enabled: false });
  await afterSeconds(120);
  expect(await reports(built.primary)).toEqual([]);
  world.edit("pool", built.primary, { enabled: true });
  await afterSeconds(59);
  expect(world.isPoolHealthy(built.primary)).toBeNull();
  await afterSeconds(1);
  expect(world.isPoolHealthy(built.primary)).toBe(true);
});

test("doesn't check a disabled endpoint, and takes a new address as unknown", async () => {
  const { world } = bench.simulator;
  const two = [
    { name: "a", address: "origin.example.net", enabled: true, weight: 1 },
    { name: "b", address: "b.example.net", enabled: false, weight: 1 },
  ];
  world.edit("pool", built.primary, { origins: two });
  world.settleHealth();
  expect(new Set((await reports(built.primary)).map(([address]) => address))).toEqual(
    new Set(["origin.example.net"]),
  );
  world.addOrigin({ address: "moved.example.net" });
  world.edit("pool", built.primary, {
    origins: [{ name: "a", address: "moved.example.net", enabled: true, weight: 1 }],
  });
  expect(world.isPoolHealthy(built.primary)).toBeNull();
});

describe("the reason", () => {
  const cases: [string, Partial<Origin>, Record<string, unknown>, string][] = [
    ["a web server that is down", { up: false }, {}, "TCP connection failed"],
    ["a dropped connection", { failure: "timeout" }, {}, "TCP timeout"],
    ["a slow answer", { latencyMs: 5001 }, {}, "HTTP timeout occurred"],
    ["a reset", { failure: "reset" }, {}, "Connection reset by peer"],
    ["no route", { failure: "unreachable" }, {}, "No route to host"],
    ["gibberish", { failure: "garbage" }, {}, "HTTP invalid response"],
    ["a name that doesn't resolve", { failure: "dns" }, {}, "DNS unknown host"],
    ["an error page", { status: 503 }, {}, "Response code mismatch"],
    [
      "a redirect that isn't followed",
      { redirectTo: "/login" },
      { follow_redirects: false },
      "Response code mismatch",
    ],
    ["a redirect in circles", { redirectTo: "/again" }, { follow_redirects: true }, "Response code mismatch"],
    [
      "a redirect to nowhere",
      { redirectTo: "https://nowhere.example.net/" },
      { follow_redirects: true },
      "DNS unknown host",
    ],
    ["a missing marker", {}, { expected_body: "welcome" }, "Response body mismatch"],
    [
      "a marker behind 10 KB",
      { body: `${"x".repeat(10_240)}welcome` },
      { expected_body: "welcome" },
      "Response body mismatch",
    ],
    [
      "a marker asked for by HEAD",
      {},
      { expected_body: "Primary", method: "HEAD" },
      "Response body mismatch",
    ],
    ["an untrusted certificate", { failure: "tls" }, { type: "https" }, "TLS untrusted certificate"],
    ["a certificate of another name", { hosts: ["other.example"] }, { type: "https" }, "TLS name mismatch"],
    [
      "no TLS at all",
      { failure: "tls-handshake" },
      { type: "https", allow_insecure: true },
      "TLS handshake failure",
    ],
    [
      "a path that is broken alone",
      { perPath: { "/health": { status: 500 } } },
      { path: "/health" },
      "Response code mismatch",
    ],
    ["a port where nothing listens", { ports: [80] }, { port: 8080 }, "TCP connection failed"],
    ["a tcp port where nothing listens", { up: false }, { type: "tcp", port: 80 }, "TCP connection failed"],
    ["a tcp port that drops", { failure: "timeout" }, { type: "tcp", port: 80 }, "TCP timeout"],
  ];
  test.each(cases)("for %s is in Cloudflare's words", async (_what, origin, monitor, reason) => {
    const { world } = bench.simulator;
    Object.assign(world.origin("origin.example.net"), origin);
    world.edit("monitor", built.monitor, { port: 0, ...monitor });
    world.settleHealth();
    const all = await reports(built.primary);
    expect(all).toHaveLength(3);
    for (const [, { healthy, failure_reason }] of all)
      expect([healthy, failure_reason]).toEqual([false, reason]);
    expect(world.isPoolHealthy(built.primary)).toBe(false);
  });
});

describe("passes", () => {
  const cases: [string, Partial<Origin>, Record<string, unknown>][] = [
    ["a marker in any case", {}, { expected_body: "PRIMARY origin" }],
    ["a class of codes", { status: 204 }, { expected_codes: "2xx" }],
    ["a list of codes", { status: 301 }, { expected_codes: "200, 301" }],
    ["an untrusted certificate that is allowed", { failure: "tls" }, { type: "https", allow_insecure: true }],
    ["a broken certificate over http", { failure: "tls" }, { type: "http" }],
    ["an answer just in time", { latencyMs: 5000 }, {}],
    ["an origin that admits only Cloudflare", { admitsOnlyCloudflare: true }, {}],
    [
      "a redirect on the same server",
      { perPath: { "/": { redirectTo: "/home" }, "/home": { status: 200 } } },
      { follow_redirects: true },
    ],
    ["an open tcp port with a broken page", { status: 500 }, { type: "tcp", port: 80 }],
  ];
  test.each(cases)("%s", async (_what, origin, monitor) => {
    const { world } = bench.simulator;
    Object.assign(world.origin("origin.example.net"), origin);
    world.edit("monitor", built.monitor, { port: 0, ...monitor });
    world.settleHealth();
    expect(world.isPoolHealthy(built.primary)).toBe(true);
  });
});

test.each([
  ["200", 200, true],
  ["2xx", 299, true],
  ["2XX", 201, true],
  ["2xx", 301, false],
  ["200,301", 301, true],
  ["200, 3xx", 308, true],
  ["200", 204, false],
  ["", 200, false],
])("expected codes %j match %i: %s", (expected, status, matches) => {
  expect(codeMatches(expected, status)).toBe(matches);
});

describe("the Host of a check", () => {
  test("is the endpoint's header, else the monitor's, else the address", async () => {
    const { world } = bench.simulator;
    const origin = world.origin("origin.example.net");
    const endpoint = { name: "a", address: "origin.example.net", enabled: true, weight: 1 };
    const passes = (host: string): boolean => {
      origin.hosts = [host];
      world.settleHealth();
      return world.isPoolHealthy(built.primary) === true;
    };
    world.edit("pool", built.primary, { origins: [endpoint] });
    expect(passes("origin.example.net")).toBe(true);
    world.edit("monitor", built.monitor, { header: { host: ["monitor.example.com"] } });
    expect(passes("monitor.example.com")).toBe(true);
    world.edit("pool", built.primary, { origins: [{ ...endpoint, header: { Host: ["own.example.com"] } }] });
    expect(passes("own.example.com")).toBe(true);
    expect(passes("monitor.example.com")).toBe(false);
  });

  test("is what Pages needs: without a header the code mismatches, unless switched off", () => {
    const { world } = bench.simulator;
    const endpoint = { name: "a", address: "shop.pages.dev", enabled: true, weight: 1 };
    world.edit("pool", built.secondary, { origins: [endpoint] });
    world.settleHealth();
    expect(JSON.stringify(world.poolHealth(built.secondary))).toContain("Response code mismatch");
    world.switches.pagesProbeNeedsHost = false;
    world.settleHealth();
    expect(world.isPoolHealthy(built.secondary)).toBe(true);
  });
});

test("Pages over http is healthy only if redirects are followed", () => {
  const { world } = bench.simulator;
  world.edit("monitor", built.monitor, { follow_redirects: false });
  world.settleHealth();
  expect([world.isPoolHealthy(built.primary), world.isPoolHealthy(built.secondary)]).toEqual([true, false]);
  expect(JSON.stringify(world.poolHealth(built.secondary))).toContain('"response_code":301');
});

test("doesn't probe a name that leads to Cloudflare's own proxy", async () => {
  const { world } = bench.simulator;
  world.edit("pool", built.primary, {
    origins: [{ name: "a", address: "www.example.com", enabled: true, weight: 1 }],
  });
  world.settleHealth();
  expect((await reports(built.primary))[0]?.[1].failure_reason).toBe("DNS internal");
});

describe("the verdict", () => {
  test.each([
    [["Amsterdam, NL"], true],
    [["Amsterdam, NL", "London, GB"], false],
    [["WEU"], false],
  ])("of a region is the majority of its places, with %j cut off: %s", (unreachableFrom, healthy) => {
    const { world } = bench.simulator;
    world.origin("origin.example.net").unreachableFrom = unreachableFrom;
    world.settleHealth();
    expect(world.isPoolHealthy(built.primary)).toBe(healthy);
  });

  test.each([
    [["WEU"], true],
    [["WEU", "ENAM"], false],
  ])("of an endpoint is the majority of three regions, with %j cut off: %s", (unreachableFrom, healthy) => {
    const { world } = bench.simulator;
    world.edit("pool", built.primary, { check_regions: ["WEU", "ENAM", "OC"] });
    world.origin("origin.example.net").unreachableFrom = unreachableFrom;
    world.settleHealth();
    expect(world.isPoolHealthy(built.primary)).toBe(healthy);
  });

  test("of two regions that disagree is down, since half is no majority", () => {
    const { world } = bench.simulator;
    world.edit("pool", built.primary, { check_regions: ["WEU", "ENAM"] });
    world.origin("origin.example.net").unreachableFrom = ["ENAM"];
    world.settleHealth();
    expect(world.isPoolHealthy(built.primary)).toBe(false);
  });

  test.each([
    [["WEU", "ENAM", "OC"], false],
    [null, true],
  ])(
    "counts regions where some are chosen and places where all are: %j gives %s",
    (check_regions, healthy) => {
      const { world } = bench.simulator;
      world.edit("pool", built.primary, { check_regions });
      // Two places of each of eight regions: 16 of 39 places, but eight of thirteen regions.
      const cutOff = ["WEU", "ENAM", "EEU", "NSAM", "SSAM", "ME", "NAF", "SAF"];
      world.origin("origin.example.net").unreachableFrom = cutOff.flatMap(
        (region) => PLACES[region]?.slice(1) ?? [],
      );
      world.settleHealth();
      expect(world.isPoolHealthy(built.primary)).toBe(healthy);
    },
  );

  test("compares the healthy endpoints of a pool with minimum_origins", () => {
    const { world } = bench.simulator;
    const endpoint = { enabled: true, weight: 1 };
    world.addOrigin({ address: "b.example.net", up: false });
    const origins = [
      { name: "a", address: "origin.example.net", ...endpoint },
      { name: "b", address: "b.example.net", ...endpoint },
    ];
    world.edit("pool", built.primary, { origins });
    world.settleHealth();
    expect(world.isPoolHealthy(built.primary)).toBe(true);
    world.edit("pool", built.primary, { minimum_origins: 2 });
    expect(world.isPoolHealthy(built.primary)).toBe(false);
  });

  test("shows in the pool's healthy member", async () => {
    bench.simulator.world.origin("origin.example.net").up = false;
    bench.simulator.world.settleHealth();
    const { result } = await bench.call("GET", `${bench.account}/load_balancers/pools`);
    expect(result.map(({ name, healthy }: { name: string; healthy: boolean }) => [name, healthy])).toEqual([
      ["primary", false],
      ["secondary", true],
    ]);
  });
});

test("flips only after consecutive_down failures and consecutive_up successes", async () => {
  const { world } = bench.simulator;
  world.edit("monitor", built.monitor, { consecutive_down: 2, consecutive_up: 3 });
  const origin = world.origin("origin.example.net");
  const seen: (boolean | null)[] = [];
  for (const up of [false, false, true, true, true]) {
    origin.up = up;
    await afterSeconds(60);
    seen.push(world.isPoolHealthy(built.primary));
  }
  expect(seen).toEqual([true, false, false, false, true]);
});

test("checks on the interval of each monitor, and catches up after a jump of the clock", async () => {
  const { world } = bench.simulator;
  const origin = world.origin("origin.example.net");
  origin.up = false;
  await afterSeconds(59);
  expect(world.isPoolHealthy(built.primary)).toBe(true);
  await afterSeconds(1);
  expect(world.isPoolHealthy(built.primary)).toBe(false);
  origin.up = true;
  world.edit("monitor", built.monitor, { consecutive_up: 3 });
  await afterSeconds(86_400);
  expect(world.isPoolHealthy(built.primary)).toBe(true);
  origin.up = false;
  await afterSeconds(59);
  expect(world.isPoolHealthy(built.primary)).toBe(true);
  await afterSeconds(1);
  expect(world.isPoolHealthy(built.primary)).toBe(false);
});
