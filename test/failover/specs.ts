// Any spec that is valid: what properties are tried with.
import * as fc from "fast-check";
import type { Side, Stage } from "../../src/failover/failover.ts";
import { REGIONS } from "../../src/failover/spec.ts";
import type { Patch } from "./builders.ts";

const optional = (members: Record<string, fc.Arbitrary<unknown>>) => fc.record(members, { requiredKeys: [] });

const both = (one: object, other: object): Patch => ({ ...one, ...other });

const host = fc.constantFrom("www.example.com", "shop.example.com", "a.b.example.com", "bücher.example.com");
const endpointMembers = {
  port: fc.integer({ min: 1, max: 65535 }),
  description: fc.constantFrom("", "a website", "Übung: 100 %"),
  marker: fc.constantFrom({ header: "X-Origin", value: "a" }, { body: "built by make" }),
};
const byAddress = (address: fc.Arbitrary<string>) =>
  fc
    .tuple(address, optional({ ...endpointMembers, host_header: fc.oneof(fc.constant(""), host) }))
    .map(([given, more]) => both(more, { address: given }));
const primary = byAddress(
  fc.constantFrom(
    "origin.example.net",
    "Origin.Example.org.",
    "bücher.example.net",
    "8.8.8.8",
    "2A00:1450::0:1",
  ),
);
const secondary = fc.oneof(
  byAddress(fc.constantFrom("stand-in.example.net", "9.9.9.9")),
  fc
    .tuple(
      fc.constant("shop"),
      optional({ ...endpointMembers, custom_domain: fc.constant("pages.example.org") }),
    )
    .map(([project, more]) => both(more, { pages_project: project })),
);

const monitor = fc
  .tuple(
    fc.integer({ min: 1, max: 10 }),
    fc.integer({ min: 0, max: 5 }),
    fc.integer({ min: 5, max: 3000 }),
    optional({
      type: fc.constantFrom("http", "https"),
      method: fc.constantFrom("GET", "HEAD"),
      path: fc.constantFrom("/", "/health", "/a?b=c"),
      port: fc.oneof(fc.constantFrom(80, 443), fc.integer({ min: 1, max: 65535 })),
      expected_codes: fc.constantFrom("200", "2xx", "200, 301", "301,200", "2XX,404", "200,200"),
      follow_redirects: fc.boolean(),
      allow_insecure: fc.boolean(),
      consecutive_up: fc.integer({ min: 0, max: 5 }),
      consecutive_down: fc.integer({ min: 0, max: 5 }),
      header: fc.constantFrom({}, { Host: ["www.example.com"] }, { "X-Check": ["a", "b"], Accept: ["*/*"] }),
      description: fc.constantFrom("", "mine"),
    }),
    fc.constantFrom(undefined, "Welcome"),
  )
  .map(([timeout, retries, spare, more, body]) => {
    const timing = { timeout, retries, interval: (retries + 1) * timeout + spare };
    const looksAtBody = body !== undefined && more["method"] !== "HEAD";
    return both(more, looksAtBody ? { ...timing, expected_body: body } : timing);
  });

const common = {
  adaptive_routing: optional({ failover_across_pools: fc.boolean() }),
  description: fc.constantFrom("", "mine"),
};
/** Browsers drop a cookie with SameSite=None that isn't secure, so these two don't go together freely. */
const cookies = fc.constantFrom(
  {},
  { samesite: "Auto", secure: "Auto" },
  { samesite: "Lax" },
  { samesite: "None" },
  { samesite: "None", secure: "Always" },
  { samesite: "Strict", secure: "Never" },
  { secure: "Never" },
);
const attributes = (zeroDowntime: readonly string[]) =>
  fc
    .tuple(
      cookies,
      optional({
        drain_duration: fc.integer({ min: 0, max: 3600 }),
        require_all_headers: fc.boolean(),
        zero_downtime_failover: fc.constantFrom(...zeroDowntime),
      }),
    )
    .map(([cookie, more]) => both(cookie, more));
const loadBalancer = fc.oneof(
  optional({ ...common, proxied: fc.constant(true) }),
  optional({ ...common, ttl: fc.constantFrom(30, 60, 3600) }).map((given) => both(given, { proxied: false })),
  optional({
    ...common,
    session_affinity_ttl: fc.constantFrom(1800, 82800, 604800),
    session_affinity_attributes: attributes(["none", "temporary", "sticky"]),
  }).chain((given) =>
    fc.constantFrom("cookie", "ip_cookie").map((affinity) => both(given, { session_affinity: affinity })),
  ),
  fc
    .tuple(
      optional({ ...common, session_affinity_ttl: fc.constantFrom(30, 1800, 3600) }),
      attributes(["none", "temporary"]),
      fc.constantFrom(["X-Visitor"], ["X-B", "X-A"]),
    )
    .map(([given, more, headers]) =>
      both(given, {
        session_affinity: "header",
        session_affinity_attributes: both(more, { headers }),
      }),
    ),
);

const policy = fc.constantFrom("heal", "report");

/** The members of a request body, as JSON. */
export const anySpec: fc.Arbitrary<Patch> = fc
  .tuple(
    fc.record({ name: fc.constantFrom("shop", "a", "x--1"), hostname: host, primary, secondary }),
    optional({
      test_hostname: fc.constantFrom("try.example.com", "prüfung.example.com"),
      monitor,
      load_balancer: loadBalancer,
      drift: fc.oneof(policy, optional({ role: policy, safety: policy, cosmetic: policy })),
      drift_grace_seconds: fc.integer({ min: 0, max: 86_400 }),
      bake_seconds: fc.integer({ min: 0, max: 3600 }),
      failback: fc.constantFrom(
        { mode: "automatic" },
        { mode: "manual" },
        { mode: "after", healthy_seconds: 900 },
        {
          mode: "after",
          windows: [{ days: ["sat", "sun"], from: "22:00", to: "06:00", time_zone: "Europe/Berlin" }],
        },
      ),
      drills: fc.constantFrom(
        {},
        { schedule: null },
        {
          schedule: { windows: [{ days: ["tue"], from: "03:00", to: "15:00", time_zone: "Europe/Berlin" }] },
        },
      ),
      check_regions: fc.oneof(
        fc.constant(["ALL_REGIONS"]),
        fc.shuffledSubarray(
          REGIONS.filter((region) => region !== "ALL_REGIONS"),
          { minLength: 1, maxLength: 5 },
        ),
      ),
    }),
  )
  .map(([demanded, more]) => both(demanded, more));

export const anyStage = fc.constantFrom<Stage[]>("draft", "testing", "production");
export const anySide = fc.constantFrom<Side[]>("primary", "secondary");
