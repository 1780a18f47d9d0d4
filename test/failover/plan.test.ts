import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { desiredObjects, placeholder, type Body } from "../../src/failover/desired.ts";
import { ROLES, type Role } from "../../src/failover/marker.ts";
import { findForeignRouting } from "../../src/failover/foreign.ts";
import {
  classOf,
  keepObserved,
  overlay,
  planChanges,
  withAdopted,
  withObservedIds,
  type Observed,
  type Plan,
  type Sighting,
} from "../../src/failover/plan.ts";
import {
  aFailover,
  anObserved,
  found,
  IDS,
  INSTALLATION,
  objectsInPlace,
  OWNED_FIELD_EDITS,
} from "./builders.ts";

const ABSENT: Sighting = { state: "absent" };
const NOTHING: Observed = {
  monitor: ABSENT,
  primary: ABSENT,
  secondary: ABSENT,
  load_balancer: ABSENT,
  sharedWith: [],
};

const failover = aFailover({ stage: "testing" });
const inPlace = objectsInPlace(failover);
const plan = (given: Partial<Observed>): Plan =>
  planChanges(failover, anObserved(failover, given), INSTALLATION);

function firstOrigin(body: Body | undefined): Body {
  const origins: unknown = body?.["origins"];
  const [origin]: unknown[] = Array.isArray(origins) ? origins : [];
  return typeof origin === "object" && origin !== null ? { ...origin } : {};
}

describe("the truth table of the planner", () => {
  test("all in place: nothing", () => {
    expect(plan({})).toStrictEqual({
      failoverId: failover.id,
      revision: 3,
      changes: [],
      foreign: [],
      blocked: [],
      unknown: [],
    });
  });

  test.each(ROLES)("absent %s: a create of the whole object", (role) => {
    const { changes, blocked, unknown } = plan({ [role]: ABSENT });
    expect(blocked).toStrictEqual([]);
    expect(unknown).toStrictEqual([]);
    expect(changes[0]).toMatchObject({ action: "create", role, id: null });
    expect(changes.filter(({ action }) => action === "create")).toHaveLength(1);
    expect(Object.keys(changes[0]?.body ?? {})).toStrictEqual(
      Object.keys(desiredObjects(failover, INSTALLATION)[role]),
    );
  });

  test.each(ROLES)("unknown %s: nothing, and a sentence", (role) => {
    const why = "the list was partial";
    expect(plan({ [role]: { state: "unknown", why } })).toMatchObject({ changes: [], unknown: [why] });
  });

  test.each(ROLES)("found %s without our marker: nothing, and blocked", (role) => {
    for (const description of [
      undefined,
      "",
      "production website",
      `${String(inPlace[role]["description"])}x`,
      `x${String(inPlace[role]["description"]).split(" ").at(-1)}`,
      String(inPlace[role]["description"]).replace(INSTALLATION, "zzzzzzzz"),
      String(inPlace[role]["description"]).replace(failover.id, "fo_other"),
    ]) {
      const { changes, blocked } = plan({ [role]: found({ ...inPlace[role], description, enabled: false }) });
      expect(changes.filter((change) => change.role === role)).toStrictEqual([]);
      expect(blocked).toStrictEqual([expect.stringContaining(`:${role}"`)]);
    }
  });

  test.each(OWNED_FIELD_EDITS.map((one) => [one.role, one.path, one] as const))(
    "found %s with our marker and another %s: an update of that alone",
    (role, path, one) => {
      const edited = aFailover({ stage: "testing", spec: one.spec ?? {} });
      const object = one.edit(objectsInPlace(edited)[role]);
      const { changes } = planChanges(edited, anObserved(edited, { [role]: found(object) }), INSTALLATION);
      expect(changes).toHaveLength(1);
      expect(changes[0]).toMatchObject({ action: "update", role, id: IDS[role] });
      expect(changes[0]?.differences.map((difference) => difference.path)).toStrictEqual([path]);
      expect(changes[0]?.reason).toContain(path);
      expect(Object.keys(changes[0]?.body ?? {}).toSorted()).toStrictEqual(one.expectedMembers.toSorted());
    },
  );
});

describe("creating", () => {
  test("goes from what is referred to to what refers", () => {
    const { changes } = planChanges(aFailover({ ids: {} }), NOTHING, INSTALLATION);
    expect(changes.map(({ action, role }) => [action, role])).toStrictEqual([
      ["create", "monitor"],
      ["create", "primary"],
      ["create", "secondary"],
      ["create", "load_balancer"],
    ]);
    expect(changes[1]?.body["monitor"]).toBe(placeholder("monitor"));
    expect(changes[3]?.body["fallback_pool"]).toBe(placeholder("secondary"));
  });

  test("again refers to what is there, and not to a stored id that names nothing", () => {
    const { changes } = plan({ primary: ABSENT, load_balancer: ABSENT });
    const lb = changes.find(({ role }) => role === "load_balancer");
    expect(lb?.body["default_pools"]).toStrictEqual([placeholder("primary"), IDS.secondary]);
    expect(changes.find(({ role }) => role === "primary")?.body["monitor"]).toBe(IDS.monitor);
  });

  test("tells of each field once, an origin as a whole", () => {
    const { changes } = plan({ primary: ABSENT });
    const paths = changes[0]?.differences.map(({ path }) => path);
    expect(paths).toContain("origins.primary");
    expect(paths?.filter((path) => path.startsWith("origins"))).toHaveLength(1);
  });
});

describe("ids", () => {
  test("come from what was found where none is stored, so no placeholder is ever sent in an update", () => {
    const states = fc.constantFrom("found", "unknown", "edited");
    fc.assert(
      fc.property(fc.tuple(states, states, states, states), fc.subarray([...ROLES]), (seen, stored) => {
        const ids = Object.fromEntries(
          ROLES.filter((role) => stored.includes(role)).map((role) => [role, IDS[role]]),
        );
        const bare = { ...failover, ids };
        const observed: Record<string, Sighting> = {};
        for (const [index, role] of ROLES.entries()) {
          const edited = { ...inPlace[role], enabled: false, type: "https" };
          observed[role] =
            seen[index] === "unknown"
              ? { state: "unknown", why: "?" }
              : found(seen[index] === "edited" ? edited : inPlace[role]);
        }
        const known = ROLES.every((role) => ids[role] !== undefined || observed[role]?.state === "found");
        fc.pre(known);
        const { changes } = planChanges(bare, anObserved(failover, observed), INSTALLATION);
        expect(JSON.stringify(changes)).not.toContain("(the new");
        expect(changes.map(({ role }) => role)).toStrictEqual(
          ROLES.filter((_, index) => seen[index] === "edited"),
        );
      }),
      { numRuns: 500 },
    );
  });

  test("of somebody else's object are not taken over", () => {
    const foreign = found({ ...inPlace.monitor, id: "somebody-elses", description: "mine" });
    const { ids } = withObservedIds(
      { ...failover, ids: {} },
      anObserved(failover, { monitor: foreign }),
      INSTALLATION,
    );
    expect(ids).toStrictEqual({
      primary: IDS.primary,
      secondary: IDS.secondary,
      load_balancer: IDS.load_balancer,
    });
  });
});

describe("what isn't ours inside of a member that a PATCH replaces whole", () => {
  const pool = (origins: Body[]) => plan({ primary: found({ ...inPlace.primary, origins }) }).changes[0];
  const origin = firstOrigin(inPlace.primary);
  const foreign = { virtual_network_id: "a5624d4e-044a-4ff0-b3e1-e2465353d4b4", flatten_cname: false };

  test("stays with its origin", () => {
    expect(
      pool([{ ...origin, ...foreign, weight: 0.5, disabled_at: "2024-07-03T10:00:00Z" }])?.body,
    ).toStrictEqual({
      origins: [{ ...foreign, ...origin, weight: 1 }],
    });
  });

  test("goes with an origin that is one too many", () => {
    const extra = { name: "extra", address: "extra.example.net", ...foreign };
    const change = pool([extra, { ...origin, flatten_cname: false }]);
    expect(change?.differences.map(({ path, after }) => [path, after])).toStrictEqual([
      ["origins.extra", null],
    ]);
    expect(change?.body).toStrictEqual({ origins: [{ flatten_cname: false, ...origin }] });
  });

  test("is not taken from another origin where ours is missing", () => {
    const change = pool([{ ...origin, name: "other", ...foreign }]);
    expect(change?.body).toStrictEqual({ origins: [origin] });
  });

  test("a Host header or port that we don't want is not carried along", () => {
    const bare = aFailover({ spec: { primary: { host_header: "" } } });
    const object = objectsInPlace(bare).primary;
    const edited = {
      ...object,
      origins: [{ ...firstOrigin(object), header: { Host: ["x.example.com"] }, port: 81 }],
    };
    const { changes } = planChanges(bare, anObserved(bare, { primary: found(edited) }), INSTALLATION);
    expect(firstOrigin(changes[0]?.body)).toStrictEqual(firstOrigin(object));
  });

  test("stays beside adaptive_routing.failover_across_pools", () => {
    const edited = { ...inPlace.load_balancer, adaptive_routing: { failover_across_pools: false, newer: 1 } };
    expect(plan({ load_balancer: found(edited) }).changes[0]?.body).toStrictEqual({
      adaptive_routing: { failover_across_pools: true, newer: 1 },
    });
  });

  test("stays beside an affinity attribute", () => {
    const spec = {
      load_balancer: { session_affinity: "cookie", session_affinity_attributes: { secure: "Always" } },
    };
    const given = aFailover({ spec });
    const edited = {
      ...objectsInPlace(given).load_balancer,
      session_affinity_attributes: { secure: "Never", samesite: "Lax" },
    };
    const { changes } = planChanges(given, anObserved(given, { load_balancer: found(edited) }), INSTALLATION);
    expect(changes[0]?.body).toStrictEqual({
      session_affinity_attributes: { secure: "Always", samesite: "Lax" },
    });
  });

  test("a monitor's header is ours as a whole where the spec gives it", () => {
    const given = aFailover({ spec: { monitor: { header: { "X-A": ["1"] } } } });
    const edited = { ...objectsInPlace(given).monitor, header: { "X-A": ["1"], "X-B": ["2"] } };
    const { changes } = planChanges(given, anObserved(given, { monitor: found(edited) }), INSTALLATION);
    expect(changes[0]?.body).toStrictEqual({ header: { "X-A": ["1"] }, expected_codes: "200" });
  });
});

describe("foreign routing", () => {
  const own = { region_pools: { WNAM: [IDS.primary] } };
  test.each([
    ["rules", { rules: [{ name: "r", disabled: true }] }],
    ["region_pools", own],
    ["country_pools", { country_pools: { DE: ["x"] } }],
    ["pop_pools", { pop_pools: { AMS: ["x"] } }],
    ["pool_sets", { pool_sets: [{ pools: ["x"] }] }],
    ["pool_sets", { pool_sets: { a: 1 } }],
  ])("in %s is reported and not healed", (path, members) => {
    const { changes, foreign } = plan({ load_balancer: found({ ...inPlace.load_balancer, ...members }) });
    expect(changes).toStrictEqual([]);
    expect(foreign).toStrictEqual([
      {
        role: "load_balancer",
        path,
        message: expect.stringContaining(path),
        effect: "routes",
        kept: false,
      },
    ]);
  });

  test.each([null, undefined, {}, []])("is not seen in %j", (empty) => {
    const members = {
      rules: empty,
      region_pools: empty,
      country_pools: empty,
      pop_pools: empty,
      pool_sets: empty,
    };
    expect(findForeignRouting(members, [])).toStrictEqual([]);
  });

  test("in all members and shared pools is reported at once", () => {
    const members = {
      rules: [1],
      region_pools: { a: [] },
      country_pools: { a: [] },
      pop_pools: { a: [] },
      pool_sets: [1],
    };
    expect(findForeignRouting(members, ["other.example.com", "b.example.com"])).toHaveLength(7);
  });

  test("by a shared pool is reported also where our load balancer is not there", () => {
    const { foreign } = plan({ load_balancer: ABSENT, sharedWith: ["other.example.com"] });
    expect(foreign).toStrictEqual([
      expect.objectContaining({
        path: "default_pools",
        message: expect.stringContaining("other.example.com"),
        effect: "shares",
      }),
    ]);
  });
});

const adopting = (path: string, value: unknown, role: Role = "load_balancer") => ({
  ...failover,
  adopted: [{ role, path, value }],
});

describe("an adopted deviation", () => {
  const reversed = [IDS.secondary, IDS.primary];
  test("is wanted for as long as it is in place", () => {
    const observed = anObserved(failover, {
      load_balancer: found({ ...inPlace.load_balancer, default_pools: reversed }),
    });
    expect(planChanges(adopting("default_pools", reversed), observed, INSTALLATION).changes).toStrictEqual(
      [],
    );
    expect(planChanges(failover, observed, INSTALLATION).changes).toHaveLength(1);
  });

  test("counts no more once it is gone or another", () => {
    const one = adopting("default_pools", reversed);
    expect(planChanges(one, anObserved(failover), INSTALLATION).changes).toStrictEqual([]);
    const other = { ...inPlace.load_balancer, default_pools: [IDS.secondary] };
    const { changes } = planChanges(one, anObserved(failover, { load_balancer: found(other) }), INSTALLATION);
    expect(changes[0]?.differences[0]?.after).toStrictEqual([IDS.primary, IDS.secondary]);
  });

  test("inside of origins survives the healing of its neighbour", () => {
    const one = adopting("origins.primary.enabled", false, "primary");
    const origin = { ...firstOrigin(inPlace.primary), enabled: false, weight: 0.5 };
    const observed = anObserved(failover, { primary: found({ ...inPlace.primary, origins: [origin] }) });
    const { changes } = planChanges(one, observed, INSTALLATION);
    expect(changes[0]?.differences.map(({ path }) => path)).toStrictEqual(["origins.primary.weight"]);
    expect(firstOrigin(changes[0]?.body)).toMatchObject({ enabled: false, weight: 1 });
  });

  test("of one object says nothing of another", () => {
    const desired = desiredObjects(failover, INSTALLATION);
    const disabled = { ...inPlace.secondary, enabled: false };
    const one = adopting("enabled", false, "primary");
    expect(withAdopted(one, "secondary", disabled, desired.secondary)).toStrictEqual(desired.secondary);
  });
});

describe("paths", () => {
  const edits = OWNED_FIELD_EDITS.map((one) => [one.role, one.path, one] as const);
  test.each(edits)("%s %s has the class of DESIGN section 4", (role, path, one) => {
    expect(classOf(role, path)).toBe(one.class);
  });

  test.each(edits)("%s %s can be kept as observed in a body", (role, path, one) => {
    const given = aFailover({ stage: "testing", spec: one.spec ?? {} });
    const observed = one.edit(objectsInPlace(given)[role]);
    const wanted = desiredObjects(given, INSTALLATION)[role];
    const { changes } = planChanges(
      given,
      anObserved(given, { [role]: found({ ...observed, ...keepObserved(wanted, path, observed) }) }),
      INSTALLATION,
    );
    expect(changes.map(({ differences }) => differences.map((one_) => one_.path))).toStrictEqual([[path]]);
  });

  test("an overlay sets members, origins' members and nothing else", () => {
    const body = {
      enabled: true,
      origins: [
        { name: "a", weight: 1 },
        { name: "b", weight: 1 },
      ],
    };
    expect(overlay(body, "enabled", false)["enabled"]).toBe(false);
    expect(overlay(body, "origins.b.weight", 0)["origins"]).toStrictEqual([
      { name: "a", weight: 1 },
      { name: "b", weight: 0 },
    ]);
    expect(overlay(body, "adaptive_routing.failover_across_pools", false)).toStrictEqual(body);
  });
});
