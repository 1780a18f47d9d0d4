import { describe, expect, test } from "vitest";
import { completeSpec } from "../../src/failover/complete.ts";
import type { Facts } from "../../src/failover/failover.ts";
import { fieldErrors } from "../../src/failover/field-errors.ts";
import { mergePatch } from "../../src/failover/merge-patch.ts";
import { specInputSchema } from "../../src/failover/spec.ts";
import { specProblems } from "../../src/failover/spec-rules.ts";
import { aSpec, FACTS, SMALLEST, type Patch } from "./builders.ts";

/** The faults of a body, or an empty list. */
function faultsOf(body: unknown): { pointer: string; message: string }[] {
  const parsed = specInputSchema.safeParse(body);
  return parsed.success ? [] : fieldErrors(parsed.error.issues, specInputSchema, body);
}

const faultsWith = (patch: Patch) => faultsOf(mergePatch(SMALLEST, patch));
const byHeader = { session_affinity: "header", session_affinity_attributes: { headers: ["X-Visitor"] } };

const OFFICE = { days: ["mon", "fri"], from: "09:00", to: "17:00", time_zone: "Europe/Berlin" };

describe("a malformed member is named, with what would be right", () => {
  const cases: [string, Patch, RegExp][] = [
    ["/name", { name: 7 }, /must be a text|is required/],
    ["/name", { name: null }, /must be a text|is required/],
    ["/name", { name: "Shop" }, /lower-case letters, digits and inner hyphens/],
    ["/name", { name: "-shop" }, /inner hyphens/],
    ["/name", { name: "a".repeat(51) }, /50/],
    ["/hostname", { hostname: null }, /must be a text|is required/],
    ["/hostname", { hostname: "www.example.com/path" }, /give the name alone/],
    ["/hostname", { hostname: "*.example.com" }, /wildcard/],
    ["/hostname", { hostname: "192.0.2.1" }, /give a hostname/],
    ["/hostname", { hostname: "www.example.internal" }, /give a public hostname/],
    ["/test_hostname", { test_hostname: "lb" }, /full hostname/],
    ["/hostnam", { hostnam: "www.example.com" }, /the member ".*" is not known/],
    ["/primary", { primary: "origin.example.net" }, /object/],
    ["/primary", { primary: { address: null } }, /exactly one of address .* and pages_project/],
    ["/primary", { primary: { pages_project: "shop" } }, /exactly one of address .* and pages_project/],
    ["/primary/adress", { primary: { adress: "a.example.net" } }, /the member ".*" is not known/],
    ["/primary/address", { primary: { address: 5 } }, /must be a text|is required/],
    ["/primary/address", { primary: { address: "10.0.0.1" } }, /public address or hostname/],
    ["/primary/address", { primary: { address: "104.16.1.1" } }, /give the endpoint's hostname/],
    ["/primary/address", { primary: { address: "::1" } }, /public address or hostname/],
    ["/primary/address", { primary: { address: "localhost" } }, /public hostname/],
    ["/primary/address", { primary: { address: "0x7f.1" } }, /four decimal numbers/],
    ["/primary/address", { primary: { address: "origin.example.net:8080" } }, /port/],
    ["/primary/custom_domain", { primary: { custom_domain: "a.example.org" } }, /belongs to a pages_project/],
    ["/primary/port", { primary: { port: 0 } }, /1/],
    ["/primary/port", { primary: { port: 65536 } }, /65535/],
    ["/primary/port", { primary: { port: "80" } }, /number/],
    ["/primary/host_header", { primary: { host_header: "http://x.example.com" } }, /name alone/],
    ["/secondary/host_header", { secondary: { host_header: "" } }, /leave it out/],
    ["/secondary/pages_project", { secondary: { pages_project: "Shop" } }, /lower-case letters/],
    ["/primary/marker", { primary: { marker: {} } }, /needs header .* or body/],
    ["/primary/marker/value", { primary: { marker: { body: "b", value: "v" } } }, /name that header/],
    [
      "/primary/marker/text",
      { primary: { marker: { body: "b", text: "v" } } },
      /the member ".*" is not known/,
    ],
    ["/primary/description", { primary: { description: "d".repeat(501) } }, /500/],
    ["/monitor", { monitor: [] }, /object/],
    ["/monitor/intervall", { monitor: { intervall: 60 } }, /the member ".*" is not known/],
    ["/monitor/type", { monitor: { type: "tcp" } }, /"http", "https"/],
    ["/monitor/method", { monitor: { method: "POST" } }, /"GET", "HEAD"/],
    ["/monitor/path", { monitor: { path: "health" } }, /begin with \//],
    ["/monitor/path", { monitor: { path: "/a b" } }, /no blanks/],
    ["/monitor/expected_codes", { monitor: { expected_codes: "ok" } }, /such as 200 or 2xx/],
    ["/monitor/expected_codes", { monitor: { expected_codes: "200," } }, /such as 200 or 2xx/],
    ["/monitor/expected_codes", { monitor: { expected_codes: "600" } }, /such as 200 or 2xx/],
    ["/monitor/expected_codes", { monitor: { expected_codes: 200 } }, /must be a text|is required/],
    ["/monitor/expected_body", { monitor: { method: "HEAD", expected_body: "ok" } }, /use the method GET/],
    ["/monitor/follow_redirects", { monitor: { follow_redirects: "yes" } }, /true or false/],
    ["/monitor/interval", { monitor: { interval: 15 } }, /exceed \(retries \+ 1\) \* timeout, here 15/],
    ["/monitor/interval", { monitor: { timeout: 10, retries: 5 } }, /here 60/],
    ["/monitor/interval", { monitor: { interval: 3601 } }, /3600/],
    ["/monitor/interval", { monitor: { interval: 60.5 } }, /whole number/],
    ["/monitor/timeout", { monitor: { timeout: 11 } }, /10/],
    ["/monitor/timeout", { monitor: { timeout: 0 } }, /1/],
    ["/monitor/retries", { monitor: { retries: 6 } }, /5/],
    ["/monitor/retries", { monitor: { retries: -1 } }, /0/],
    ["/monitor/header/User-Agent", { monitor: { header: { "User-Agent": ["x"] } } }, /can't be overridden/],
    ["/monitor/header/host", { monitor: { header: { Host: ["a"], host: ["b"] } } }, /give each header once/],
    ["/monitor/header/Host", { monitor: { header: { Host: "a" } } }, /must be a list/],
    ["/check_regions", { check_regions: [] }, /1/],
    ["/check_regions/0", { check_regions: ["EU"] }, /"WEU"/],
    ["/check_regions", { check_regions: ["WEU", "WEU"] }, /each region once/],
    [
      "/load_balancer/steering_policy",
      { load_balancer: { steering_policy: "geo" } },
      /the member ".*" is not known/,
    ],
    ["/load_balancer/ttl", { load_balancer: { ttl: 60 } }, /only where proxied is false/],
    ["/load_balancer/ttl", { load_balancer: { proxied: false, ttl: 0 } }, /10/],
    ["/load_balancer/session_affinity", { load_balancer: { session_affinity: "ip" } }, /"cookie"/],
    [
      "/load_balancer/session_affinity",
      { load_balancer: { session_affinity: "cookie", proxied: false } },
      /proxied is true/,
    ],
    [
      "/load_balancer/session_affinity_ttl",
      { load_balancer: { session_affinity_ttl: 3600 } },
      /session_affinity of cookie, ip_cookie or header/,
    ],
    [
      "/load_balancer/session_affinity_ttl",
      { load_balancer: { session_affinity: "cookie", session_affinity_ttl: 1799 } },
      /1800 to 604800/,
    ],
    [
      "/load_balancer/session_affinity_ttl",
      { load_balancer: { session_affinity: "ip_cookie", session_affinity_ttl: 30 } },
      /1800 to 604800/,
    ],
    [
      "/load_balancer/session_affinity_ttl",
      { load_balancer: { ...byHeader, session_affinity_ttl: 3601 } },
      /30 to 3600/,
    ],
    [
      "/load_balancer/session_affinity_attributes/secure",
      {
        load_balancer: {
          session_affinity: "cookie",
          session_affinity_attributes: { samesite: "None", secure: "Never" },
        },
      },
      /Auto or Always/,
    ],
    [
      "/load_balancer/session_affinity_attributes/zero_downtime_failover",
      {
        load_balancer: mergePatch(byHeader, {
          session_affinity_attributes: { zero_downtime_failover: "sticky" },
        }),
      },
      /none or temporary/,
    ],
    [
      "/load_balancer/session_affinity_attributes/headers",
      { load_balancer: { session_affinity: "header" } },
      /at least one header/,
    ],
    [
      "/load_balancer/session_affinity_attributes/headers",
      { load_balancer: { session_affinity: "cookie", session_affinity_attributes: { headers: ["X"] } } },
      /only with session_affinity header/,
    ],
    [
      "/load_balancer/session_affinity_attributes/same_site",
      { load_balancer: { session_affinity_attributes: { same_site: "Lax" } } },
      /the member ".*" is not known/,
    ],
    [
      "/load_balancer/adaptive_routing/enabled",
      { load_balancer: { adaptive_routing: { enabled: true } } },
      /the member ".*" is not known/,
    ],
    ["/drift", { drift: "ignore" }, /"heal", "report"/],
    ["/drift/rolle", { drift: { rolle: "heal" } }, /the member ".*" is not known/],
    ["/drift/role", { drift: { role: "ignore" } }, /"heal", "report"/],
    ["/drift_grace_seconds", { drift_grace_seconds: -1 }, /0/],
    ["/bake_seconds", { bake_seconds: 3601 }, /3600/],
    ["/failback/mode", { failback: { mode: "never" } }, /"automatic", "manual", "after"/],
    ["/failback/mode", { failback: {} }, /required|must be one of/],
    ["/failback/healthy_seconds", { failback: { mode: "after", healthy_seconds: 0 } }, /at least 1/],
    ["/failback/healthy_seconds", { failback: { mode: "after", healthy_seconds: 1.5 } }, /whole number/],
    [
      "/failback/healthy_seconds",
      { failback: { mode: "manual", healthy_seconds: 600 } },
      /only with the mode after, not with manual/,
    ],
    ["/failback/windows", { failback: { mode: "automatic", windows: [OFFICE] } }, /only with the mode after/],
    ["/failback/windows", { failback: { mode: "after", windows: [] } }, /at least 1/],
    [
      "/failback/windows/0/time_zone",
      { failback: { mode: "after", windows: [{ ...OFFICE, time_zone: "Berlin" }] } },
      /name of a time zone/,
    ],
    [
      "/failback/windows/0/zone",
      { failback: { mode: "after", windows: [{ ...OFFICE, zone: "x" }] } },
      /the member ".*" is not known/,
    ],
    ["/drills/schedules", { drills: { schedules: [] } }, /did you mean "schedule"/],
    ["/drills/schedule/windows", { drills: { schedule: {} } }, /is required/],
    ["/drills/schedule/windows", { drills: { schedule: { windows: [] } } }, /at least 1/],
    [
      "/drills/schedule/windows/0/from",
      { drills: { schedule: { windows: [{ ...OFFICE, from: "9" }] } } },
      /such as 09:00/,
    ],
    [
      "/drills/schedule/method",
      { drills: { schedule: { windows: [OFFICE], method: "disable" } } },
      /"reorder", "disable-primary"/,
    ],
    [
      "/drills/schedule/hold_seconds",
      { drills: { schedule: { windows: [OFFICE], hold_seconds: 3001 } } },
      /at most 3000/,
    ],
    ["/a~1b", { "a/b": 1 }, /the member ".*" is not known/],
  ];
  test.each(cases)("%s in %j", (pointer, patch, message) => {
    expect(faultsWith(patch)).toStrictEqual([{ pointer, message: expect.stringMatching(message) }]);
  });

  test.each([null, 5, "shop", []])("a body that is %j is refused as a whole", (body) => {
    expect(faultsOf(body)).toStrictEqual([{ pointer: "", message: expect.stringMatching(/object/) }]);
  });

  test("all faults are named at once", () => {
    const faults = faultsWith({ name: "S", monitor: { timeout: 0, retries: 9 }, extra: 1 });
    expect(faults.map(({ pointer }) => pointer).toSorted()).toStrictEqual([
      "/extra",
      "/monitor/retries",
      "/monitor/timeout",
      "/name",
    ]);
  });
});

describe("what is allowed at the bounds", () => {
  test.each<[Patch]>([
    [{ name: "a".repeat(50) }],
    [{ name: "a--1" }],
    [{ monitor: { interval: 16 } }],
    [{ monitor: { interval: 61, timeout: 10, retries: 5 } }],
    [{ monitor: { expected_codes: "2xx, 301,404" } }],
    [{ check_regions: ["ALL_REGIONS"] }],
    [{ load_balancer: { session_affinity: "cookie", session_affinity_ttl: 1800 } }],
    [{ load_balancer: { session_affinity: "ip_cookie", session_affinity_ttl: 604800 } }],
    [{ load_balancer: { ...byHeader, session_affinity_ttl: 30 } }],
    [{ load_balancer: { ...byHeader, session_affinity_ttl: 3600 } }],
    [{ load_balancer: { session_affinity: "cookie", session_affinity_attributes: { samesite: "None" } } }],
    [{ load_balancer: { proxied: false, ttl: 30 } }],
    [{ primary: { address: "8.8.8.8" } }],
    [{ hostname: "WWW.Example.com." }],
    [{ failback: { mode: "manual" } }],
    [{ drills: {} }],
    [{ drills: { schedule: null } }],
    [{ drills: { schedule: { windows: [OFFICE], method: "reorder", hold_seconds: 3000 } } }],
    [{ failback: { mode: "after" } }],
    [
      {
        failback: { mode: "after", healthy_seconds: 604_800, windows: [OFFICE, { ...OFFICE, to: "24:00" }] },
      },
    ],
  ])("%j", (patch) => {
    expect(faultsWith(patch)).toStrictEqual([]);
  });

  test("hostnames are kept in lower case, without a trailing dot, in punycode", () => {
    const parsed = specInputSchema.parse({ ...SMALLEST, hostname: "Bücher.Example.com." });
    expect(parsed.hostname).toBe("xn--bcher-kva.example.com");
  });
});

describe("what a whole spec must not be", () => {
  const cases: [string, string, Patch, RegExp][] = [
    [
      "the test hostname is the hostname",
      "/test_hostname",
      { test_hostname: "www.example.com" },
      /differ from hostname/,
    ],
    [
      "the default test hostname is the hostname",
      "/test_hostname",
      { hostname: "lb-shop.example.com" },
      /differ/,
    ],
    [
      "the test hostname lies in another zone",
      "/test_hostname",
      { test_hostname: "lb.example.org" },
      /must lie in example\.com/,
    ],
    [
      "the test hostname only ends like the zone",
      "/test_hostname",
      { test_hostname: "lb.notexample.com" },
      /must lie in/,
    ],
    [
      "an endpoint is the balanced hostname",
      "/primary/address",
      { primary: { address: "WWW.example.com." } },
      /balanced hostname itself/,
    ],
    [
      "an endpoint is the test hostname",
      "/primary/address",
      { primary: { address: "lb-shop.example.com" } },
      /balanced test_hostname/,
    ],
    [
      "a custom domain is the balanced hostname",
      "/secondary/custom_domain",
      { secondary: { custom_domain: "www.example.com" } },
      /balanced hostname itself/,
    ],
    [
      "scheduled drills are confirmed for another hostname",
      "/drills/schedule/confirm",
      { drills: { schedule: { windows: [OFFICE], confirm: "lb-shop.example.com" } } },
      /must be "www\.example\.com"/,
    ],
    [
      "a scheduled drill doesn't fit into its window",
      "/drills/schedule/windows/1/to",
      { drills: { schedule: { windows: [OFFICE, { ...OFFICE, from: "23:55", to: "00:03" }] } } },
      /closes 8 minutes after it opens, and a drill that holds for 60 seconds may take 9: .* or give the method reorder/,
    ],
    [
      "both endpoints have one address",
      "/secondary/address",
      { secondary: { pages_project: null, address: "origin.example.net" } },
      /another endpoint/,
    ],
    [
      "both endpoints are one Pages project",
      "/secondary/pages_project",
      { primary: { address: null, pages_project: "shop" } },
      /another endpoint/,
    ],
    [
      "both endpoints are one unknown Pages project",
      "/secondary/pages_project",
      { primary: { address: null, pages_project: "new" }, secondary: { pages_project: "new" } },
      /another endpoint/,
    ],
    [
      "both endpoints are one Pages project under two names",
      "/secondary/custom_domain",
      {
        primary: { address: null, pages_project: "shop" },
        secondary: { custom_domain: "pages.example.org" },
      },
      /another endpoint/,
    ],
    [
      "an address is the other's Pages subdomain",
      "/secondary/pages_project",
      { primary: { address: "shop-7xk.pages.dev" } },
      /another endpoint/,
    ],
    [
      "both endpoints have one IPv6 address",
      "/secondary/address",
      {
        primary: { address: "2a00:1450::1" },
        secondary: { pages_project: null, address: "2A00:1450:0::0:1" },
      },
      /another endpoint/,
    ],
    [
      "an explicit port is the standard one",
      "/secondary/address",
      { primary: { port: 80 }, secondary: { pages_project: null, address: "origin.example.net" } },
      /another endpoint/,
    ],
  ];
  test.each(cases)("%s", (_, pointer, patch, message) => {
    const problems = specProblems(aSpec(patch), FACTS.zone);
    expect(problems).toStrictEqual([{ pointer, message: expect.stringMatching(message) }]);
  });

  test("the hostname lies outside the zone", () => {
    const zone: Facts["zone"] = { id: "z", name: "example.org" };
    const spec = completeSpec(specInputSchema.parse(SMALLEST), { ...FACTS, zone });
    expect(specProblems(spec, zone)).toStrictEqual([
      { pointer: "/hostname", message: expect.stringMatching(/example\.org/) },
    ]);
  });

  test("several problems are named at once", () => {
    const same = {
      primary: { address: "www.example.com" },
      secondary: { pages_project: null, address: "www.example.com" },
    };
    expect(specProblems(aSpec(same), FACTS.zone).map(({ pointer }) => pointer)).toStrictEqual([
      "/primary/address",
      "/secondary/address",
      "/secondary/address",
    ]);
  });
});

describe("what a whole spec may be", () => {
  test.each<[string, Patch]>([
    ["the smallest", {}],
    [
      "one address with two ports",
      { primary: { port: 81 }, secondary: { pages_project: null, address: "origin.example.net" } },
    ],
    [
      "one address with two Hosts",
      { secondary: { pages_project: null, address: "origin.example.net", host_header: "b.example.com" } },
    ],
    ["a test hostname at the zone's apex", { test_hostname: "example.com" }],
    [
      "scheduled drills of its own hostname, however that is spelled",
      { drills: { schedule: { windows: [OFFICE], confirm: "WWW.example.com." } } },
    ],
    [
      "a window just long enough to reorder in",
      {
        drills: {
          schedule: { windows: [{ ...OFFICE, from: "23:57", to: "00:04" }], method: "reorder" },
        },
      },
    ],
    ["a custom domain in the zone", { secondary: { custom_domain: "pages.example.com" } }],
    [
      "two unknown Pages projects",
      { primary: { address: null, pages_project: "one" }, secondary: { pages_project: "two" } },
    ],
  ])("%s", (_, patch) => {
    expect(specProblems(aSpec(patch), FACTS.zone)).toStrictEqual([]);
  });

  test("anything about a zone that is not known yet", () => {
    expect(specProblems(aSpec({}, { zone: null, subdomains: {} }))).toStrictEqual([]);
  });
});
