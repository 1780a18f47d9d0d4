import { describe, expect, test } from "vitest";
import { guardDrill, hashOfContent, type DrillEvidence } from "../../src/failover/drill-evidence.ts";
import { aSpec, FACTS } from "./builders.ts";

const NIGHT = { days: ["tue"], from: "03:00", to: "05:00", time_zone: "Europe/Berlin" };
const HASH = hashOfContent(aSpec());

describe("the hash of a spec's content", () => {
  test("is 16 hex digits, and the same for the same spec", () => {
    expect(HASH).toMatch(/^[0-9a-f]{16}$/);
    expect(hashOfContent(aSpec())).toBe(HASH);
  });

  test.each([
    ["the primary's address", { primary: { address: "origin.example.org" } }],
    ["a Host header", { primary: { address: "origin.example.net", host_header: "shop.example.net" } }],
    ["another Pages project", { secondary: { pages_project: "store" } }],
    ["the hostname", { hostname: "shop.example.com" }],
    ["the test hostname", { test_hostname: "try.example.com" }],
    ["the monitor's path", { monitor: { path: "/health" } }],
    ["the monitor's interval", { monitor: { interval: 30, timeout: 3 } }],
    ["the regions", { check_regions: ["WEU"] }],
    ["session affinity", { load_balancer: { session_affinity: "cookie" } }],
    ["failover across pools", { load_balancer: { adaptive_routing: { failover_across_pools: false } } }],
  ])("changes with %s", (_, patch) => {
    expect(hashOfContent(aSpec(patch))).not.toBe(HASH);
  });

  test.each([
    ["the name", { name: "store", test_hostname: "lb-shop.example.com" }],
    [
      "descriptions",
      { monitor: { description: "every minute" }, load_balancer: { description: "the shop" } },
    ],
    ["an endpoint's description", { primary: { address: "origin.example.net", description: "the old one" } }],
    ["a marker", { primary: { address: "origin.example.net", marker: { header: "x-side" } } }],
    ["what is done about drift", { drift: "report", drift_grace_seconds: 60 }],
    ["for how long a promotion bakes", { bake_seconds: 0 }],
    ["what is done about a broken deploy", { on_broken_deploy: "rollback" }],
    ["who has to approve", { approval: "required" }],
    ["when it is rehearsed", { drills: { schedule: { windows: [NIGHT] } } }],
    ["what is said already by default", { monitor: { path: "/" } }],
  ])("doesn't change with %s", (_, patch) => {
    expect(hashOfContent(aSpec(patch))).toBe(HASH);
  });

  test("changes with what Cloudflare says of a Pages project", () => {
    const facts = { ...FACTS, subdomains: { shop: "shop-2.pages.dev" } };
    expect(hashOfContent(aSpec({}, facts))).not.toBe(HASH);
  });

  test("doesn't depend on the order of members", () => {
    const { primary, ...rest } = aSpec();
    expect(
      hashOfContent({
        ...rest,
        primary: Object.fromEntries(Object.entries(primary).toReversed()) as typeof primary,
      }),
    ).toBe(HASH);
  });
});

describe("drill-missing", () => {
  const passed: DrillEvidence = { id: "dr_1", specHash: HASH, stage: "testing", passedAt: 1_720_000_000_000 };

  test("is content with a passed drill of this spec's content", () => {
    expect(guardDrill(HASH, passed)).toStrictEqual([]);
  });

  test("refuses where no drill has passed", () => {
    expect(guardDrill(HASH, null)).toMatchObject([
      { guard: "drill-missing", overridable: true, facts: { spec_hash: HASH, last_passed: null } },
    ]);
  });

  test("refuses where the last one was of another content, and names it", () => {
    expect(guardDrill("0000000000000000", passed)).toMatchObject([
      { guard: "drill-missing", facts: { last_passed: { id: "dr_1", spec_hash: HASH } } },
    ]);
  });
});
