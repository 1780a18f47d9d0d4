import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { completeSpec, type Spec } from "../../src/failover/complete.ts";
import { desiredObjects, type Body } from "../../src/failover/desired.ts";
import type { Failover, Side } from "../../src/failover/failover.ts";
import { decideImport, refuseForeign, type ImportDecision } from "../../src/failover/import.ts";
import { assignRoles, type Parts } from "../../src/failover/import-parts.ts";
import {
  parseMembers,
  projectCandidates,
  readMembers,
  withoutDefaults,
} from "../../src/failover/import-spec.ts";
import {
  carriesMarker,
  kindOf,
  markerOf,
  ROLES,
  withoutMarker,
  type Role,
} from "../../src/failover/marker.ts";
import { planChanges, type Observed } from "../../src/failover/plan.ts";
import { specInputSchema, type SpecInput } from "../../src/failover/spec.ts";
import { spelled } from "../../src/failover/spelled.ts";
import { aFailover, aSpecInput, FACTS, IDS, INSTALLATION, OWNED_FIELD_EDITS } from "./builders.ts";
import { aReadBack } from "./read-back.ts";
import { anySide, anySpec } from "./specs.ts";

const NAMES = {
  pools: { primary: "tf_web.1", secondary: "Pages" },
  origins: { primary: "web.eu.address", secondary: "pages" },
};

/** Objects that somebody made, of which a failover could have been made: no marker, names of their own. */
function objectsOf(input: SpecInput, active: Side): { failover: Failover; parts: Parts } {
  const failover = aFailover({
    input,
    active,
    stage: "production",
    imported: { ...NAMES, kept: [] },
  });
  const desired = desiredObjects(failover, INSTALLATION);
  const object = (role: Role): Body => ({
    id: IDS[role],
    ...desired[role],
    description: withoutMarker(
      String(desired[role]["description"]),
      markerOf(INSTALLATION, failover.id, role),
    ),
  });
  const parts = {
    monitor: object("monitor"),
    primary: object("primary"),
    secondary: object("secondary"),
    load_balancer: object("load_balancer"),
  };
  return { failover, parts };
}

type Imported = { readonly spec: Spec; readonly decision: ImportDecision } | { readonly errors: string[] };

function importing(parts: Parts, { name, input, active }: Failover): Imported {
  const { secondary } = input;
  const subdomain = FACTS.subdomains["shop"] ?? "";
  const isProject = secondary.pages_project !== undefined && secondary.custom_domain === undefined;
  const projects = isProject ? { secondary: { project: "shop", subdomain } } : {};
  const parsed = parseMembers(readMembers(parts, { name, hostname: input.hostname, projects }));
  if ("errors" in parsed) return { errors: parsed.errors.map(({ pointer }) => pointer) };
  const read = withoutDefaults(parsed.input, FACTS);
  const decision = decideImport({
    id: "fo_new",
    accountId: "a0000000000000000000000000000001",
    installation: INSTALLATION,
    parts,
    active,
    input: read,
    facts: FACTS,
    poolsSharedWith: [],
    monitorSharedWith: [],
    now: 0,
  });
  return { spec: completeSpec(read, FACTS), decision };
}

/** The objects once everything that is to be written was written. */
function written(parts: Parts, { changes }: ImportDecision): Observed {
  const after = (role: Role) => {
    const change = changes.find((one) => one.role === role);
    return { state: "found", object: { ...parts[role], ...change?.body } } as const;
  };
  return {
    monitor: after("monitor"),
    primary: after("primary"),
    secondary: after("secondary"),
    load_balancer: after("load_balancer"),
    sharedWith: [],
  };
}

/** Four descriptions and nothing else are written, and then nothing is left to be done. */
function expectMarkedOnly(parts: Parts, decision: ImportDecision): void {
  const { failover, changes, applied } = decision;
  expect(changes.map(({ role }) => role)).toStrictEqual(ROLES);
  for (const { role, differences, body } of changes) {
    expect(differences.map(({ path }) => path)).toStrictEqual(["description"]);
    const { description, ...demanded } = body;
    expect(carriesMarker(description, markerOf(INSTALLATION, "fo_new", role))).toBe(true);
    expect(Object.keys(demanded)).toStrictEqual(role === "monitor" ? ["expected_codes"] : []);
  }
  const plan = planChanges(failover, written(parts, decision), INSTALLATION, applied);
  expect([plan.changes, plan.blocked, plan.unknown]).toStrictEqual([[], [], []]);
}

/** What a spec doesn't say of where its endpoints come from. */
function addressed(spec: Spec): unknown {
  const { secondary } = spec;
  if (secondary.custom_domain === undefined) return spec;
  const { pages_project: _project, custom_domain: _domain, ...endpoint } = secondary;
  return { ...spec, secondary: endpoint };
}

describe("a load balancer that a spec can say", () => {
  test("is read as that spec, however Cloudflare spells it, and only marked", () => {
    const allRoles = fc.record({
      monitor: aReadBack("monitor"),
      primary: aReadBack("pool"),
      secondary: aReadBack("pool"),
      load_balancer: aReadBack("load_balancer"),
    });
    let read = 0;
    fc.assert(
      fc.property(anySpec, anySide, allRoles, (given, active, rewrites) => {
        const { failover, parts: made } = objectsOf(specInputSchema.parse(given), active);
        const wanted = completeSpec(failover.input, FACTS);
        const parts = {
          monitor: rewrites.monitor(made.monitor),
          primary: rewrites.primary(made.primary),
          secondary: rewrites.secondary(made.secondary),
          load_balancer: rewrites.load_balancer(made.load_balancer),
        };
        const imported = importing(parts, failover);
        if ("errors" in imported) throw new Error(imported.errors.join(", "));
        expect(imported.decision.foreign).toStrictEqual([]);
        expectMarkedOnly(parts, imported.decision);
        const { failover: stored } = imported.decision;
        expect(stored).toMatchObject({ stage: "production", active, imported: { ...NAMES, kept: [] } });
        const { test_hostname: _, ...said } = imported.spec;
        expect(JSON.parse(spelled(comparable(said)))).toEqual(
          JSON.parse(spelled(comparable(addressed({ ...wanted, test_hostname: null }) as Spec))),
        );
        read += 1;
      }),
      { numRuns: 300 },
    );
    console.log(`${read} load balancers imported as the specs that they were made of`);
    expect(read).toBe(300);
  });

  test("leaves out of the spec what holds by default", () => {
    const { failover, parts } = objectsOf(aSpecInput(), "primary");
    const imported = importing(parts, failover);
    if ("errors" in imported) throw new Error(imported.errors.join(", "));
    expect(imported.decision.failover.input).toStrictEqual({
      name: "shop",
      hostname: "www.example.com",
      primary: { address: "origin.example.net" },
      secondary: { pages_project: "shop" },
    });
  });
});

/** As far as two ways of saying it can differ: order, spelling, and members that Cloudflare fills in. */
function comparable(spec: Partial<Spec>): unknown {
  const { name, hostname, monitor, check_regions: regions, load_balancer: lb } = spec;
  const header = Object.entries(monitor?.header ?? {}).map(([key, values]) => [key.toLowerCase(), values]);
  const isHeader = lb?.session_affinity === "header";
  const attributes = lb?.session_affinity_attributes ?? {};
  const endpoints = [spec.primary, spec.secondary].map((one) => ({ ...one, marker: null }));
  return {
    name,
    hostname,
    endpoints,
    check_regions: regions?.toSorted(),
    monitor: {
      ...monitor,
      header: Object.fromEntries(header),
      expected_codes: [...new Set(monitor?.expected_codes.split(","))].toSorted().join(","),
      consecutive_up: monitor?.consecutive_up ?? 0,
      consecutive_down: monitor?.consecutive_down ?? 0,
    },
    load_balancer: {
      ...lb,
      ttl: lb?.ttl ?? 30,
      session_affinity_ttl: lb?.session_affinity_ttl ?? (isHeader ? 1800 : 82800),
      session_affinity_attributes: {
        samesite: "Auto",
        secure: "Auto",
        drain_duration: 0,
        zero_downtime_failover: "none",
        require_all_headers: false,
        ...attributes,
        headers: isHeader
          ? (attributes["headers"] as string[]).map((one) => one.toLowerCase()).toSorted()
          : [],
      },
    },
  };
}

describe("any single difference from what a spec says", () => {
  test.each(OWNED_FIELD_EDITS.map((edit) => ({ ...edit, of: edit.role })))(
    "in $path of $of is read, left alone or refused, and never written over",
    ({ role, path, edit, spec = {} }) => {
      const { failover, parts: made } = objectsOf(aSpecInput(spec), "primary");
      const parts = { ...made, [role]: edit(made[role]) };
      const imported = importing(parts, failover);
      if ("errors" in imported) {
        expect(imported.errors.length).toBeGreaterThan(0);
        return;
      }
      const { decision } = imported;
      const refused = refuseForeign(decision.foreign, true);
      if (refused.length === 0) expectMarkedOnly(parts, decision);
      const isSaid = spelled(imported.spec) !== spelled(completeSpec(failover.input, FACTS));
      const isFound = decision.foreign.length > 0;
      const isOwnName = path === "name" && kindOf(role) === "pool";
      expect([isSaid || isOwnName, isFound].filter(Boolean).length, spelled(imported)).toBeGreaterThan(0);
    },
  );
});

describe("who plays which role", () => {
  const pool = (id: string, name: string) => ({ id, name, monitor: "m", origins: [{ name: "a" }] });
  const balancer = (ids: readonly string[]) => ({ id: "l", name: "www.example.com", default_pools: ids });
  test.each([
    ["anything", "else", "primary", "anything"],
    ["shop-primary", "shop-secondary", "primary", "shop-primary"],
    ["shop-secondary", "shop-primary", "secondary", "shop-primary"],
    ["SECONDARY_1", "1.Primary", "secondary", "1.Primary"],
    ["secondary", "other", "primary", "secondary"],
    ["primary-secondary", "secondary-primary", "primary", "primary-secondary"],
    ["notsecondary", "notprimary", "primary", "notsecondary"],
  ])("%s before %s: %s is active", (first, second, active, primary) => {
    const found = assignRoles(balancer(["1", "2"]), [pool("1", first), pool("2", second)], [{ id: "m" }]);
    expect(found.refusals).toStrictEqual([]);
    expect(found.active).toBe(active);
    expect(found.parts?.primary["name"]).toBe(primary);
  });
});

describe("an address at pages.dev", () => {
  const at = (address: string, host: string | null) =>
    projectCandidates({
      origins: [{ name: "a", address, ...(host === null ? {} : { header: { Host: [host] } }) }],
    });
  test.each([
    ["shop.pages.dev", "shop.pages.dev", ["shop"]],
    ["Shop.pages.dev.", "SHOP.pages.dev", ["shop"]],
    ["my-shop-7xk.pages.dev", "my-shop-7xk.pages.dev", ["my-shop-7xk", "my-shop"]],
    ["abc.shop.pages.dev", "abc.shop.pages.dev", []],
    ["shop.pages.dev", null, []],
    ["shop.pages.dev", "www.example.com", []],
    ["pages.dev", "pages.dev", []],
    ["shop.pages.dev.example.com", "shop.pages.dev.example.com", []],
  ])("%s with the Host %s may be of %j", (address, host, candidates) => {
    expect(at(address, host)).toStrictEqual(candidates);
  });
});
