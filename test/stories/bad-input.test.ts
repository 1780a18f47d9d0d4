import { describe, expect, it } from "vitest";
import { mergePatch } from "../../src/failover/merge-patch.ts";
import { rowsOf } from "./ledger.ts";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";
import { callCloudflare, idOf } from "./somebody.ts";

interface Fault {
  readonly pointer: string;
  readonly message: RegExp;
}

/** What was sent to Cloudflare that changes anything, and what was stored. */
async function traces(stage: Stage): Promise<unknown[]> {
  const tables = ["failovers", "objects", "statuses", "operations", "events"];
  const rows = await Promise.all(tables.map((table) => rowsOf(`SELECT * FROM ${table}`)));
  return [...stage.writes(), ...rows.flat()];
}

/** A problem as it must be answered, with exactly these faults. */
function problemWith(status: number, faults: readonly Fault[]): object {
  return {
    status,
    type: "application/problem+json",
    body: {
      type: expect.stringMatching(/^urn:understudy:problem:/),
      title: expect.any(String),
      status,
      detail: expect.any(String),
      request_id: expect.any(String),
      errors: faults.map(({ pointer, message }) => ({ pointer, message: expect.stringMatching(message) })),
    },
  };
}

const told = ({ status, headers, body }: Answer) => ({ status, type: headers.get("content-type"), body });

describe("a body that can't be read", () => {
  it.each([
    ["bad JSON", '{"name": "shop",}', 400, /not valid JSON/],
    ["JSON that ends too early", '{"name": "shop"', 400, /not valid JSON/],
    ["nothing", "", 400, /needs a JSON object/],
    ["more than 64 KiB", JSON.stringify({ ...SHOP, name: "x".repeat(70_000) }), 413, /64 KiB/],
    ["nested beyond reason", `${'{"a":'.repeat(100)}1${"}".repeat(100)}`, 400, /nested deeper/],
  ])("is refused and nothing is written: %s", async (_, body, status, detail) => {
    const stage = setStage();
    const answer = await stage.call("POST", "/v1/failovers", body);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.body.detail).toMatch(detail);
    expect(await traces(stage)).toEqual([]);
  });

  it.each([
    ["a list", "[]"],
    ["null", "null"],
    ["a text", '"shop"'],
  ])("must be an object and not %s", async (_, body) => {
    const stage = setStage();
    const answer = await stage.call("POST", "/v1/failovers", body);
    expect(told(answer)).toEqual(problemWith(422, [{ pointer: "", message: /must be an object/ }]));
    expect(await traces(stage)).toEqual([]);
  });
});

/** A merge patch of the smallest request; null takes a member away. */
const FAULTY: [what: string, patch: object, ...faults: [string, RegExp][]][] = [
  [
    "nothing that is needed",
    { name: null, hostname: null },
    ["/name", /is required, for example "shop"|is required/],
    ["/hostname", /is required/],
  ],
  ["no primary", { primary: null }, ["/primary", /is required/]],
  ["an unknown member", { nmae: "shop" }, ["/nmae", /not known: did you mean "name"\?/]],
  [
    "an unknown member of an endpoint",
    { primary: { adress: "x" } },
    ["/primary/adress", /did you mean "address"\?/],
  ],
  [
    "an unknown member of the other endpoint",
    { secondary: { project: "shop" } },
    ["/secondary/project", /is not known/],
  ],
  [
    "an unknown member of a marker",
    { primary: { marker: { body: "x", colour: "y" } } },
    ["/primary/marker/colour", /is not known/],
  ],
  [
    "an unknown member of the monitor",
    { monitor: { intervall: 60 } },
    ["/monitor/intervall", /did you mean "interval"\?/],
  ],
  [
    "an unknown member of the load balancer",
    { load_balancer: { enabled: true } },
    ["/load_balancer/enabled", /is not known/],
  ],
  [
    "an unknown member of affinity's details",
    { load_balancer: { session_affinity_attributes: { same_site: "Lax" } } },
    ["/load_balancer/session_affinity_attributes/same_site", /is not known/],
  ],
  [
    "an unknown member of adaptive routing",
    { load_balancer: { adaptive_routing: { failover: true } } },
    ["/load_balancer/adaptive_routing/failover", /is not known/],
  ],
  ["an unknown class of drift", { drift: { routing: "heal" } }, ["/drift/routing", /is not known/]],
  [
    "an unknown member of failback",
    { failback: { mode: "automatic", after: 3 } },
    ["/failback/after", /is not known/],
  ],
  ["a number as the name", { name: 7 }, ["/name", /must be a text/]],
  ["a list as an endpoint", { primary: [] }, ["/primary", /must be an object/]],
  ["a text as a port", { primary: { port: "8080" } }, ["/primary/port", /must be a (whole )?number/]],
  ["a port that isn't one", { primary: { port: 70_000 } }, ["/primary/port", /must be at most 65535/]],
  ["half a port", { primary: { port: 80.5 } }, ["/primary/port", /whole number/]],
  [
    "a text as a flag",
    { monitor: { follow_redirects: "yes" } },
    ["/monitor/follow_redirects", /must be true or false/],
  ],
  ["an unknown region", { check_regions: ["WNAM", "MARS"] }, ["/check_regions/1", /must be one of "WNAM"/]],
  ["no region at all", { check_regions: [] }, ["/check_regions", /must have at least 1 items?/]],
  ["an unknown method", { monitor: { method: "POST" } }, ["/monitor/method", /must be one of "GET", "HEAD"/]],
  [
    "codes that are none",
    { monitor: { expected_codes: "ok" } },
    ["/monitor/expected_codes", /such as 200 or 2xx/],
  ],
  ["a path without a slash", { monitor: { path: "health" } }, ["/monitor/path", /must begin with \//]],
  [
    "a check that outlasts its interval",
    { monitor: { interval: 15 } },
    ["/monitor/interval", /must exceed \(retries \+ 1\) \* timeout, here 15 seconds/],
  ],
  [
    "an affinity that doesn't exist",
    { load_balancer: { session_affinity: "sticky" } },
    ["/load_balancer/session_affinity", /must be one of "none", "cookie"/],
  ],
  ["a drift policy that doesn't exist", { drift: "ignore" }, ["/drift", /heal/]],
  ["a grace time below nothing", { drift_grace_seconds: -1 }, ["/drift_grace_seconds", /must be at least 0/]],
  ["a name in capitals", { name: "Shop" }, ["/name", /lower-case letters, digits and inner hyphens/]],
  ["a name that is too long", { name: "x".repeat(51) }, ["/name", /at most 50 characters/]],
  [
    "neither address nor project",
    { primary: { address: null } },
    ["/primary", /exactly one of address .* and pages_project/],
  ],
  [
    "both address and project",
    { primary: { pages_project: "shop" } },
    ["/primary", /exactly one of address .* and pages_project/],
  ],
  [
    "a hostname outside of the account",
    { hostname: "www.example.org" },
    ["/hostname", /lies in no zone that the Cloudflare token can see \(example\.com\)/],
  ],
  [
    "a hostname that only ends like a zone",
    { hostname: "www.notexample.com" },
    ["/hostname", /lies in no zone/],
  ],
  [
    "a test hostname in another zone",
    { test_hostname: "try.example.org" },
    ["/test_hostname", /must lie in example\.com/],
  ],
  [
    "a test hostname that is the hostname",
    { test_hostname: "www.example.com" },
    ["/test_hostname", /must differ from hostname/],
  ],
  ["a URL as the hostname", { hostname: "https://www.example.com" }, ["/hostname", /has a scheme/]],
  ["a wildcard", { hostname: "*.example.com" }, ["/hostname", /is a wildcard/]],
  [
    "a name that resolves nowhere",
    { primary: { address: "db.internal" } },
    ["/primary/address", /can't resolve publicly/],
  ],
  [
    "the balanced hostname as an endpoint",
    { primary: { address: "www.example.com" } },
    ["/primary/address", /balanced hostname itself/],
  ],
  [
    "the test hostname as an endpoint",
    { primary: { address: "lb-shop.example.com" } },
    ["/primary/address", /balanced test_hostname itself/],
  ],
  [
    "an endpoint that stands in for itself",
    { secondary: { pages_project: null, address: "origin.example.net" } },
    ["/secondary/address", /must be another endpoint than primary/],
  ],
  [
    "an unknown Pages project",
    { secondary: { pages_project: "shpo" } },
    ["/secondary/pages_project", /the account has no Pages project "shpo"/],
  ],
  [
    "a custom domain that isn't the project's",
    { secondary: { custom_domain: "shop.example.org" } },
    ["/secondary/custom_domain", /not a custom domain of the Pages project shop \(it has shop\.pages\.dev\)/],
  ],
  [
    "the visitor's Host for a Pages project",
    { secondary: { host_header: "" } },
    ["/secondary/host_header", /can't pass the visitor's Host to a Pages project/],
  ],
  [
    "several faults at once",
    { name: "Shop", monitor: { retries: 9 }, check_regions: ["MARS"] },
    ["/name", /lower-case/],
    ["/monitor/retries", /at most 5/],
    ["/check_regions/0", /must be one of/],
  ],
];

const ADDRESSES: [what: string, address: string, message: RegExp][] = [
  ["Cloudflare's", "104.16.132.229", /Cloudflare's anycast addresses/],
  ["Cloudflare's, in IPv6", "2606:4700::6810:84e5", /Cloudflare's anycast addresses/],
  ["private", "10.1.2.3", /private address/],
  ["private", "172.16.0.1", /private address/],
  ["private", "192.168.1.1", /private address/],
  ["private, in IPv6", "fd00::1", /private/],
  ["loopback", "127.0.0.1", /loopback address/],
  ["loopback, in IPv6", "::1", /loopback address/],
  ["loopback, dressed up as IPv6", "::ffff:127.0.0.1", /loopback address/],
  ["link-local", "169.254.169.254", /link-local address/],
  ["link-local, in IPv6", "fe80::1", /link-local address/],
  ["unspecified", "0.0.0.0", /unspecified address/],
  ["carrier-grade NAT", "100.64.0.1", /carrier-grade NAT/],
  ["in an unusual notation", "0x7f000001", /unusual notation/],
  ["in fewer parts", "127.1", /unusual notation/],
];

describe("a failover that can't be had as it is asked for", () => {
  it.each(FAULTY.map(([what, patch, ...faults]) => ({ what, patch, faults })))(
    "is refused by the member that is wrong, and nothing is written: $what",
    async ({ patch, faults }) => {
      const stage = setStage();
      const answer = await stage.call("POST", "/v1/failovers", mergePatch(SHOP, patch));
      const expected = faults.map(([pointer, message]) => ({ pointer, message }));
      expect(told(answer)).toEqual(problemWith(422, expected));
      expect(await traces(stage)).toEqual([]);
    },
  );

  it.each(ADDRESSES)("can't have an address that is %s: %s", async (_, address, message) => {
    const stage = setStage();
    const answer = await stage.call("POST", "/v1/failovers", { ...SHOP, primary: { address } });
    expect(told(answer)).toEqual(problemWith(422, [{ pointer: "/primary/address", message }]));
    expect(answer.body.errors[0].message).toMatch(/give (a|the) .*(address|hostname)/);
    expect(await traces(stage)).toEqual([]);
  });
});

describe("a name that is taken", () => {
  const second = { ...SHOP, name: "other", hostname: "other.example.com" };

  it.each([
    ["the name of another failover", { ...second, name: "shop" }, "/name", /"shop" is the name of fo_/],
    [
      "the hostname of another failover",
      { ...second, hostname: "www.example.com" },
      "/hostname",
      /belongs to the failover shop/,
    ],
    [
      "the test hostname of another failover",
      { ...second, hostname: "lb-shop.example.com" },
      "/hostname",
      /belongs to the failover shop/,
    ],
    [
      "the hostname of another as its test hostname",
      { ...second, test_hostname: "www.example.com" },
      "/test_hostname",
      /belongs to the failover shop/,
    ],
  ])("is refused: %s", async (_, spec, pointer, message) => {
    const stage = setStage();
    await stage.ready();
    stage.forgetCalls();
    const before = await rowsOf("SELECT * FROM events");
    const answer = await stage.call("POST", "/v1/failovers", spec);
    expect(answer.body.errors).toContainEqual({ pointer, message: expect.stringMatching(message) });
    expect(answer.status).toBe(409);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(stage.writes()).toEqual([]);
    expect(await rowsOf("SELECT id FROM failovers")).toHaveLength(1);
    expect(await rowsOf("SELECT * FROM events")).toEqual(before);
  });

  it.each([
    ["shop-primary", /the pool name shop-primary is taken by the pool [0-9a-f]{32}/],
    ["shop-secondary", /the pool name shop-secondary is taken by the pool [0-9a-f]{32}/],
  ])("is refused where a pool of somebody else has it: %s", async (name, message) => {
    const stage = setStage();
    await callCloudflare(stage, "POST", "/accounts/a0000000000000000000000000000001/load_balancers/pools", {
      name,
      check_regions: ["WNAM"],
      origins: [{ name: "theirs", address: "origin.example.net" }],
    });
    stage.forgetCalls();
    const answer = await stage.call("POST", "/v1/failovers", SHOP);
    expect(told(answer)).toEqual(problemWith(409, [{ pointer: "/name", message }]));
    expect(await traces(stage)).toEqual([]);
  });

  it.each([
    ["www.example.com", "/hostname"],
    ["lb-shop.example.com", "/test_hostname"],
  ])("is refused where a load balancer of somebody else has it: %s", async (name, pointer) => {
    const stage = setStage();
    const pool = await callCloudflare(
      stage,
      "POST",
      "/accounts/a0000000000000000000000000000001/load_balancers/pools",
      {
        name: "theirs",
        check_regions: ["WNAM"],
        origins: [{ name: "theirs", address: "origin.example.net" }],
      },
    );
    await callCloudflare(stage, "POST", "/zones/20000000000000000000000000000001/load_balancers", {
      name,
      default_pools: [pool.id],
      fallback_pool: pool.id,
    });
    stage.forgetCalls();
    const answer = await stage.call("POST", "/v1/failovers", SHOP);
    expect(told(answer)).toEqual(
      problemWith(409, [
        { pointer, message: /already has the load balancer [0-9a-f]{32}, which is somebody else's/ },
      ]),
    );
    expect(await traces(stage)).toEqual([]);
  });

  it("is refused where a marker of ours was copied by hand to an object of another name", async () => {
    const stage = setStage();
    const failover = await stage.ready();
    const monitor = stage.simulator.world.monitors.get(idOf(failover, "monitor"));
    await callCloudflare(stage, "POST", "/accounts/a0000000000000000000000000000001/load_balancers/pools", {
      name: "other-primary",
      description: monitor?.description,
      check_regions: ["WNAM"],
      origins: [{ name: "theirs", address: "origin.example.net" }],
    });
    stage.forgetCalls();
    // A look of a few seconds ago is good enough to call a name free.
    await stage.pass(11);
    const answer = await stage.call("POST", "/v1/failovers", second);
    expect(answer.status).toBe(409);
    expect(answer.body.errors).toEqual([
      { pointer: "/name", message: expect.stringContaining("other-primary is taken") },
    ]);
    expect(stage.writes()).toEqual([]);
  });

  it("goes to one of two that ask at the same time", async () => {
    const stage = setStage();
    const answers = await Promise.all([
      stage.call("POST", "/v1/failovers", SHOP),
      stage.call("POST", "/v1/failovers", SHOP),
    ]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409]);
    expect(await rowsOf("SELECT id FROM failovers")).toHaveLength(1);
    expect(await rowsOf("SELECT id FROM events WHERE type = 'failover.created'")).toHaveLength(1);
    await stage.minutes(1);
    expect(stage.simulator.world.pools.size).toBe(2);
  });
});
