import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonical, ownershipOf } from "../../src/failover/canonical.ts";
import { desiredObjects, type Body } from "../../src/failover/desired.ts";
import type { Failover, Side, Stage } from "../../src/failover/failover.ts";
import { kindOf, ROLES, type Role } from "../../src/failover/marker.ts";
import { mergePatch } from "../../src/failover/merge-patch.ts";
import { findDifferences } from "../../src/failover/plan.ts";
import { specInputSchema } from "../../src/failover/spec.ts";
import { specProblems } from "../../src/failover/spec-rules.ts";
import { completeSpec } from "../../src/failover/complete.ts";
import { aFailover, FACTS, INSTALLATION, OWNED_FIELD_EDITS, SMALLEST, type Patch } from "./builders.ts";
import { READ_BACKS } from "./read-back.ts";
import { anySpec } from "./specs.ts";

function failoverWith(body: unknown, stage: Stage, active: Side): Failover {
  return aFailover({ input: specInputSchema.parse(body), stage, active });
}

/** What each row is read back from: specs in which its members matter. */
const SPECS: readonly Patch[] = [
  {},
  { primary: { host_header: "" }, check_regions: ["WEU", "ENAM", "OC"] },
  {
    check_regions: ["ALL_REGIONS"],
    monitor: { type: "https", expected_codes: "200,301,2xx", consecutive_up: 0 },
  },
  {
    monitor: {
      header: { Host: ["a"], "X-Check": ["b", "c"] },
      allow_insecure: true,
      follow_redirects: false,
    },
  },
  {
    monitor: { header: {}, consecutive_down: 0, method: "HEAD" },
    load_balancer: { proxied: false, ttl: 30 },
  },
  {
    load_balancer: {
      session_affinity: "cookie",
      session_affinity_ttl: 82800,
      session_affinity_attributes: {
        samesite: "Auto",
        secure: "Auto",
        drain_duration: 0,
        zero_downtime_failover: "none",
      },
      adaptive_routing: { failover_across_pools: false },
    },
  },
  {
    hostname: "bücher.example.com",
    test_hostname: "prüfung.example.com",
    primary: { address: "bücher.example.net" },
    load_balancer: { proxied: false, ttl: 30, adaptive_routing: { failover_across_pools: false } },
  },
  {
    load_balancer: {
      session_affinity: "header",
      session_affinity_ttl: 1800,
      session_affinity_attributes: { headers: ["X-B", "X-A"], require_all_headers: false },
    },
  },
];

describe("what Cloudflare may read back is no drift (API-FACTS 9)", () => {
  test.each(READ_BACKS.map((one) => [one.kind, one.row, one.rewrite] as const))(
    "%s: %s",
    (kind, _, rewrite) => {
      let rewritten = 0;
      for (const patch of SPECS) {
        const desired = desiredObjects(
          failoverWith(mergePatch(SMALLEST, patch), "testing", "primary"),
          INSTALLATION,
        );
        for (const role of ROLES.filter((one) => kindOf(one) === kind)) {
          const observed = rewrite(desired[role]);
          if (JSON.stringify(observed) !== JSON.stringify(desired[role])) rewritten += 1;
          expect(findDifferences(role, observed, desired[role])).toStrictEqual([]);
        }
      }
      expect(rewritten).toBeGreaterThan(0);
    },
  );

  test("any generated spec is one that a user may ask for", () => {
    fc.assert(
      fc.property(anySpec, (body) => {
        expect(specProblems(completeSpec(specInputSchema.parse(body), FACTS), FACTS.zone)).toStrictEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

describe("any single change of a field of ours is found", () => {
  test.each(OWNED_FIELD_EDITS.map((one) => [one.role, one.path, one] as const))(
    "%s %s",
    (role, path, one) => {
      const failover = aFailover({ stage: "testing", spec: one.spec ?? {} });
      const desired = desiredObjects(failover, INSTALLATION)[role];
      const before = structuredClone(desired);
      const differences = findDifferences(role, one.edit(desired), desired);
      expect(differences).toHaveLength(1);
      expect(differences[0]).toMatchObject({ path, class: one.class });
      expect(Object.keys(desired)).toContain(path.split(".")[0]);
      expect(desired, "the edit must leave its argument alone").toStrictEqual(before);
    },
  );

  test("the table has every field that is compared", () => {
    const listed = new Set(OWNED_FIELD_EDITS.map((one) => `${one.role} ${one.path}`));
    const compared = OWNED_FIELD_EDITS.flatMap(({ role, spec = {} }) => {
      const desired = desiredObjects(aFailover({ spec }), INSTALLATION)[role];
      return [...canonical(kindOf(role), desired, ownershipOf(desired)).keys()].map(
        (path) => `${role} ${path}`,
      );
    });
    const wholes = ["primary origins.primary", "secondary origins.secondary"];
    expect([...new Set(compared)].filter((path) => !listed.has(path)).toSorted()).toStrictEqual(wholes);
  });
});

const differ = (role: Role, observed: Body, desired: Body) =>
  findDifferences(role, observed, desired).map(({ path }) => path);
const withAddress = (address: string): Body => ({ origins: [{ name: "a", address }] });

describe("what looks alike is told apart", () => {
  test("an empty list of regions is not every data centre", () => {
    expect(differ("primary", { check_regions: [] }, { check_regions: ["ALL_REGIONS"] })).toStrictEqual([
      "check_regions",
    ]);
  });

  test("origins are compared by name, whatever their order", () => {
    const [a, b] = [
      { name: "a", address: "a.example.net" },
      { name: "b", address: "b.example.net" },
    ];
    expect(differ("primary", { origins: [b, a] }, { origins: [a, b] })).toStrictEqual([]);
    expect(
      differ(
        "primary",
        {
          origins: [
            { ...a, address: "b.example.net" },
            { ...b, address: "a.example.net" },
          ],
        },
        { origins: [a, b] },
      ),
    ).toStrictEqual(["origins.a.address", "origins.b.address"]);
  });

  test("an origin that was renamed is one too few and one too many", () => {
    const origin = { name: "primary", address: "a.example.net" };
    const differences = findDifferences(
      "primary",
      { origins: [{ ...origin, name: "my.website" }] },
      { origins: [origin] },
    );
    expect(
      differences.map(({ path, before, after, class: kind }) => [
        path,
        before === null,
        after === null,
        kind,
      ]),
    ).toStrictEqual([
      ["origins.primary", true, false, "safety"],
      ["origins.my.website", false, true, "safety"],
    ]);
  });

  test("the order of default_pools counts", () => {
    expect(
      differ("load_balancer", { default_pools: ["b", "a"] }, { default_pools: ["a", "b"] }),
    ).toStrictEqual(["default_pools"]);
  });

  test("a weight that is off by a hundredth is a change", () => {
    expect(
      differ("primary", { origins: [{ name: "a", weight: 0.99 }] }, { origins: [{ name: "a", weight: 1 }] }),
    ).toStrictEqual(["origins.a.weight"]);
  });

  test("a steering policy that Cloudflare would resolve to geo is a change", () => {
    const observed = { steering_policy: "", region_pools: { WNAM: ["a"] } };
    expect(differ("load_balancer", observed, { steering_policy: "off" })).toStrictEqual(["steering_policy"]);
  });

  test("the order of a monitor header's values counts", () => {
    expect(
      differ("monitor", { header: { "X-A": ["2", "1"] } }, { header: { "X-A": ["1", "2"] } }),
    ).toStrictEqual(["header"]);
  });

  test("two spellings of one IPv6 address are one address", () => {
    expect(differ("primary", withAddress("2A00:1450::0:1"), withAddress("2a00:1450::1"))).toStrictEqual([]);
    expect(differ("primary", withAddress("2a00:1450::2"), withAddress("2a00:1450::1"))).toStrictEqual([
      "origins.a.address",
    ]);
  });

  test("somebody else's members are never compared", () => {
    const foreign = {
      notification_email: "a@example.com",
      latitude: 5,
      location_strategy: { mode: "resolver_ip" },
      probe_zone: "x.example.com",
      header: { A: ["b"] },
      consecutive_up: 3,
      session_affinity_ttl: 99,
      ttl: 99,
    };
    const desired = desiredObjects(aFailover(), INSTALLATION);
    for (const role of ROLES) {
      expect(findDifferences(role, { ...foreign, ...desired[role] }, desired[role])).toStrictEqual([]);
    }
  });
});
