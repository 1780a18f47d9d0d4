import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { completeSpec, type DriftClass, type Policy } from "../../src/failover/complete.ts";
import { desiredObjects, type Body } from "../../src/failover/desired.ts";
import { decideDrift, type DriftContext, type DriftDecision } from "../../src/failover/drift.ts";
import type { Failover, Stage } from "../../src/failover/failover.ts";
import { ROLES, type Role } from "../../src/failover/marker.ts";
import { planChanges, type Observed } from "../../src/failover/plan.ts";
import type { KnownDrift } from "../../src/failover/results.ts";
import {
  aFailover,
  anObserved,
  found,
  IDS,
  INSTALLATION,
  objectsInPlace,
  OWNED_FIELD_EDITS,
  type OwnedFieldEdit,
} from "./builders.ts";

const NOW = 1_720_000_000_000;
const GRACE_MS = 900_000;

/** Looks once: `applied` is what was last in place, by default what is wanted. */
function look(failover: Failover, observed: Observed, given: Partial<DriftContext> = {}): DriftDecision {
  const desired = desiredObjects(failover, INSTALLATION);
  const objects = Object.fromEntries(
    ROLES.flatMap((role) => {
      const sighting = observed[role];
      return sighting.state === "found" ? [[role, sighting.object]] : [];
    }),
  );
  return decideDrift(planChanges(failover, observed, INSTALLATION).changes, objects, {
    spec: completeSpec(failover.input, failover.facts),
    stage: failover.stage,
    applied: desired,
    known: [],
    asked: false,
    now: NOW,
    ...given,
  });
}

const edited = (failover: Failover, one: OwnedFieldEdit): Observed =>
  anObserved(failover, { [one.role]: found(one.edit(objectsInPlace(failover)[one.role])) });

function editOf(role: Role, path: string): OwnedFieldEdit {
  const one = OWNED_FIELD_EDITS.find((candidate) => candidate.role === role && candidate.path === path);
  if (one === undefined) throw new Error(`no edit of ${role} ${path}`);
  return one;
}

function originOf(body: Body | undefined): unknown {
  const origins: unknown = body?.["origins"];
  return Array.isArray(origins) ? origins[0] : undefined;
}

const STAGES: readonly Stage[] = ["draft", "testing", "production"];
const POLICIES: readonly Policy[] = ["heal", "report"];
const ONE_OF_EACH: Record<Exclude<DriftClass, "foreign">, OwnedFieldEdit> = {
  role: editOf("load_balancer", "default_pools"),
  safety: editOf("primary", "origins.primary.address"),
  cosmetic: editOf("monitor", "description"),
};
const CLASSES = ["role", "safety", "cosmetic"] as const;

describe("the truth table of drift", () => {
  const rows = CLASSES.flatMap((kind) =>
    STAGES.flatMap((stage) =>
      POLICIES.flatMap((policy) =>
        [false, true].map((asked) => {
          const graceful = kind === "role" && stage === "production";
          const healAt = policy === "report" ? null : graceful ? NOW + GRACE_MS : NOW;
          return { kind, stage, policy, asked, healAt, written: asked || healAt === NOW };
        }),
      ),
    ),
  );

  test.each(rows)(
    "somebody else's $kind in $stage under $policy, asked: $asked, is written: $written",
    ({ kind, stage, policy, asked, healAt, written }) => {
      const failover = aFailover({ stage, spec: { drift: policy } });
      const one = ONE_OF_EACH[kind];
      const { write, held, drift } = look(failover, edited(failover, one), { asked });
      expect(drift).toStrictEqual([
        expect.objectContaining({ role: one.role, path: one.path, class: kind, firstSeenAt: NOW, healAt }),
      ]);
      expect(write.map(({ role }) => role)).toStrictEqual(written ? [one.role] : []);
      expect(held).toStrictEqual(written ? [] : drift);
    },
  );

  test.each(rows)(
    "our own $kind in $stage under $policy, asked: $asked, is written at once",
    ({ kind, stage, policy, asked }) => {
      const failover = aFailover({ stage, spec: { drift: policy } });
      const one = ONE_OF_EACH[kind];
      // What was last in place is what is observed now: the user wants it otherwise since.
      const desired = desiredObjects(failover, INSTALLATION);
      const applied = { ...desired, [one.role]: one.edit(desired[one.role]) };
      const { write, held, drift } = look(failover, edited(failover, one), { asked, applied });
      expect([held, drift]).toStrictEqual([[], []]);
      expect(write.map(({ role }) => role)).toStrictEqual([one.role]);
    },
  );

  test.each(OWNED_FIELD_EDITS.map((one) => [one.role, one.path, one] as const))(
    "%s %s: whoever didn't ask for it is healed with exactly its members, outside production",
    (role, _, one) => {
      const failover = aFailover({ stage: "testing", spec: one.spec ?? {} });
      const { write } = look(failover, edited(failover, one));
      expect(write.map((change) => change.role)).toStrictEqual([role]);
      expect(Object.keys(write[0]?.body ?? {}).toSorted()).toStrictEqual(one.expectedMembers.toSorted());
    },
  );

  test("nothing was ever in place: everything is ours", () => {
    const failover = aFailover({ stage: "production", spec: { drift: "report" } });
    const { write, drift } = look(failover, edited(failover, ONE_OF_EACH.role), { applied: {} });
    expect(drift).toStrictEqual([]);
    expect(write).toHaveLength(1);
  });

  test("a policy can differ by class", () => {
    const failover = aFailover({ stage: "testing", spec: { drift: { safety: "report" } } });
    expect(look(failover, edited(failover, ONE_OF_EACH.safety)).held).toHaveLength(1);
    expect(look(failover, edited(failover, ONE_OF_EACH.cosmetic)).held).toStrictEqual([]);
  });

  test("a member that the spec gives only now is ours, even where it wants the default", () => {
    const failover = aFailover({ spec: { drift: "report", monitor: { consecutive_up: 0 } } });
    const before = desiredObjects(aFailover({ spec: { drift: "report" } }), INSTALLATION);
    const object = { ...objectsInPlace(failover).monitor, consecutive_up: 3 };
    const { write, drift } = look(failover, anObserved(failover, { monitor: found(object) }), {
      applied: before,
    });
    expect(drift).toStrictEqual([]);
    expect(write[0]?.body).toStrictEqual({ consecutive_up: 0, expected_codes: "200" });
  });

  test("an origin too many and one too few are somebody else's", () => {
    const failover = aFailover({ spec: { drift: "report" } });
    const object = objectsInPlace(failover).primary;
    const renamed = { ...object, origins: [{ name: "other", address: "origin.example.net" }] };
    const { write, held } = look(failover, anObserved(failover, { primary: found(renamed) }));
    expect(write).toStrictEqual([]);
    expect(held.map(({ path }) => path)).toStrictEqual(["origins.primary", "origins.other"]);
  });

  test("the user's change goes through beside drift that is held back", () => {
    const failover = aFailover({ stage: "production", active: "secondary" });
    const applied = desiredObjects({ ...failover, active: "primary" }, INSTALLATION);
    const lb = {
      ...objectsInPlace(failover).load_balancer,
      default_pools: [IDS.primary, IDS.secondary],
      enabled: false,
    };
    const { write, held } = look(failover, anObserved(failover, { load_balancer: found(lb) }), { applied });
    expect(write.map(({ body, reason }) => [body, reason])).toStrictEqual([
      [{ default_pools: [IDS.secondary, IDS.primary] }, "default_pools is not as wanted"],
    ]);
    expect(held.map(({ path }) => path)).toStrictEqual(["enabled"]);
  });
});

describe("the grace time", () => {
  const failover = aFailover({ stage: "production" });
  const observed = edited(failover, ONE_OF_EACH.role);

  test("ends when it was announced to end, however often one looks", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 120_000 }), { maxLength: 30 }), (steps) => {
        let known: readonly KnownDrift[] = [];
        let now = NOW;
        for (const step of [0, ...steps]) {
          now += step;
          const { drift, write } = look(failover, observed, { known, now });
          expect(drift[0]).toMatchObject({ firstSeenAt: NOW, healAt: NOW + GRACE_MS });
          expect(write).toHaveLength(now >= NOW + GRACE_MS ? 1 : 0);
          known = drift;
        }
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    [0, NOW],
    [60, NOW + 60_000],
    [86_400, NOW + 86_400_000],
  ])("of %d seconds is kept", (seconds, healAt) => {
    const given = aFailover({ stage: "production", spec: { drift_grace_seconds: seconds } });
    const { drift, write } = look(given, edited(given, ONE_OF_EACH.role));
    expect(drift[0]?.healAt).toBe(healAt);
    expect(write).toHaveLength(seconds === 0 ? 1 : 0);
  });

  test("begins anew where somebody changes it to something else", () => {
    const { drift } = look(failover, observed);
    const lb = { ...objectsInPlace(failover).load_balancer, default_pools: [IDS.secondary] };
    const later = look(failover, anObserved(failover, { load_balancer: found(lb) }), {
      known: drift,
      now: NOW + 60_000,
    });
    expect(later.drift[0]?.healAt).toBe(NOW + 60_000 + GRACE_MS);
  });

  test("is each deviation's own, also where two of one object look alike", () => {
    const object = objectsInPlace(failover).primary;
    const disabled = { ...object, enabled: false };
    const first = look(failover, anObserved(failover, { primary: found(disabled) }));
    const both = { ...disabled, origins: [{ ...Object(originOf(object)), enabled: false }] };
    const { drift } = look(failover, anObserved(failover, { primary: found(both) }), {
      known: first.drift,
      now: NOW + 60_000,
    });
    expect(drift.map(({ path, firstSeenAt }) => [path, firstSeenAt])).toStrictEqual([
      ["enabled", NOW],
      ["origins.primary.enabled", NOW + 60_000],
    ]);
  });

  test("is put off by no clock that was set back", () => {
    const { drift } = look(failover, observed);
    const back = look(failover, observed, { known: drift, now: NOW - 3_600_000 });
    expect(back.drift[0]?.healAt).toBe(NOW - 3_600_000 + GRACE_MS);
    const testing = aFailover({ stage: "testing" });
    const seen = look(testing, edited(testing, ONE_OF_EACH.safety), { now: NOW }).drift;
    const healed = look(testing, edited(testing, ONE_OF_EACH.safety), { known: seen, now: NOW - 1 });
    expect(healed.write).toHaveLength(1);
  });
});

describe("what is held back", () => {
  const production = aFailover({ stage: "production" });

  test("inside of origins stays while another member of that origin is healed", () => {
    const object = objectsInPlace(production).primary;
    const origin = { ...Object(originOf(object)), enabled: false, weight: 0.5, flatten_cname: false };
    const observed = anObserved(production, { primary: found({ ...object, origins: [origin] }) });
    const { write, held } = look(production, observed);
    expect(held.map(({ path }) => path)).toStrictEqual(["origins.primary.enabled"]);
    expect(write[0]?.differences.map(({ path }) => path)).toStrictEqual(["origins.primary.weight"]);
    expect(originOf(write[0]?.body)).toMatchObject({ enabled: false, weight: 1, flatten_cname: false });
  });

  test("and what was adopted both stay while another member is healed", () => {
    const adopted = [{ role: "primary" as const, path: "origins.primary.enabled", value: false }];
    const failover = { ...production, adopted };
    const object = objectsInPlace(failover).primary;
    const origin = { ...Object(originOf(object)), enabled: false, port: 81 };
    const observed = anObserved(failover, {
      primary: found({ ...object, origins: [origin], enabled: false }),
    });
    const { write, held } = look(failover, observed);
    expect(held.map(({ path }) => path)).toStrictEqual(["enabled"]);
    expect(Object.keys(write[0]?.body ?? {})).toStrictEqual(["origins"]);
    expect(originOf(write[0]?.body)).toMatchObject({ enabled: false });
    expect(originOf(write[0]?.body)).not.toHaveProperty("port");
  });

  test("an origin's Host and an extra origin stay as they are while the user changes its port", () => {
    const failover = aFailover({ spec: { drift: "report", primary: { port: 8080 } } });
    const applied = desiredObjects(aFailover({ spec: { drift: "report" } }), INSTALLATION);
    const object = objectsInPlace(failover).primary;
    const origin = {
      name: "primary",
      address: "origin.example.net",
      enabled: true,
      weight: 1,
      header: { Host: ["X.Example.com"] },
    };
    const extra = { name: "extra", address: "extra.example.net", weight: 0.3 };
    const observed = anObserved(failover, {
      primary: found({ ...object, origins: [{ ...extra, disabled_at: "2024-07-03T10:00:00Z" }, origin] }),
    });
    const { write, held } = look(failover, observed, { applied });
    expect(held.map(({ path }) => path).toSorted()).toStrictEqual([
      "origins.extra",
      "origins.primary.header.Host",
    ]);
    expect(write[0]?.body).toStrictEqual({ origins: [{ ...origin, port: 8080 }, extra] });
  });

  test("an affinity attribute keeps its own spelling while the user changes its neighbour", () => {
    const withSecure = (secure: string) =>
      aFailover({
        spec: {
          drift: "report",
          load_balancer: {
            session_affinity: "cookie",
            session_affinity_attributes: { secure, samesite: "Lax", drain_duration: 5 },
          },
        },
      });
    const failover = withSecure("Always");
    const lb = {
      ...objectsInPlace(withSecure("Never")).load_balancer,
      session_affinity_attributes: { secure: "Never", samesite: "Strict" },
    };
    const { write } = look(failover, anObserved(failover, { load_balancer: found(lb) }), {
      applied: desiredObjects(withSecure("Never"), INSTALLATION),
    });
    expect(write[0]?.body).toStrictEqual({
      session_affinity_attributes: { secure: "Always", samesite: "Strict" },
    });
  });

  test("a monitor's expected_codes are sent as they are where the schema demands them", () => {
    const failover = aFailover({ spec: { drift: { safety: "report" }, monitor: { description: "new" } } });
    const object = { ...objectsInPlace(failover).monitor, expected_codes: "2XX", description: "old" };
    const marked = { ...object, description: String(objectsInPlace(aFailover()).monitor["description"]) };
    const { write, held } = look(failover, anObserved(failover, { monitor: found(marked) }));
    expect(held.map(({ path }) => path)).toStrictEqual(["expected_codes"]);
    expect(write[0]?.body).toMatchObject({ expected_codes: "2XX" });
  });

  test("and what is written together are all that differs, each once", () => {
    const shuffled = fc.subarray(
      OWNED_FIELD_EDITS.filter((one) => one.spec === undefined),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(
        shuffled,
        fc.constantFrom(...STAGES),
        fc.constantFrom(...POLICIES),
        (edits, stage, drift) => {
          const failover = aFailover({ stage, spec: { drift: { safety: drift } } });
          const objects: Record<Role, Body> = objectsInPlace(failover);
          for (const one of edits) objects[one.role] = one.edit(objects[one.role]);
          const observed = anObserved(
            failover,
            Object.fromEntries(ROLES.map((role) => [role, found(objects[role])])),
          );
          const { changes } = planChanges(failover, observed, INSTALLATION);
          const { write, held } = look(failover, observed);
          const all = changes.flatMap(({ role, differences }) =>
            differences.map(({ path }) => `${role} ${path}`),
          );
          const written = write.flatMap(({ role, differences }) =>
            differences.map(({ path }) => `${role} ${path}`),
          );
          expect([...written, ...held.map(({ role, path }) => `${role} ${path}`)].toSorted()).toStrictEqual(
            all.toSorted(),
          );

          // Once written, just what was held back is left.
          const after = Object.fromEntries(
            ROLES.map((role) => [
              role,
              found({ ...objects[role], ...write.find((change) => change.role === role)?.body }),
            ]),
          );
          const left = planChanges(failover, anObserved(failover, after), INSTALLATION).changes;
          expect(
            left
              .flatMap(({ role, differences }) => differences.map(({ path }) => `${role} ${path}`))
              .toSorted(),
          ).toStrictEqual(held.map(({ role, path }) => `${role} ${path}`).toSorted());
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("an object that vanished", () => {
  const failover = aFailover({ stage: "production" });

  test.each(ROLES)("%s was ours and in place: it is drift, and made again at once", (role) => {
    const { write, drift, held } = look(failover, anObserved(failover, { [role]: { state: "absent" } }));
    expect(drift[0]).toMatchObject({ role, path: "id", class: "safety", before: null, healAt: NOW });
    expect(write.some((change) => change.action === "create" && change.role === role)).toBe(true);
    expect(held).toStrictEqual([]);
  });

  test("is only announced where the policy is to report, unless somebody asks", () => {
    const reporting = aFailover({ stage: "production", spec: { drift: "report" } });
    const observed = anObserved(reporting, { monitor: { state: "absent" } });
    const { write, held } = look(reporting, observed);
    expect(write.filter(({ action }) => action === "create")).toStrictEqual([]);
    expect(held[0]).toMatchObject({ role: "monitor", path: "id", healAt: null });
    const asked = look(reporting, observed, { asked: true });
    expect(asked.write[0]).toMatchObject({ action: "create", role: "monitor" });
  });

  test("that was never there is no drift", () => {
    const { write, drift } = look(failover, anObserved(failover, { monitor: { state: "absent" } }), {
      applied: {},
    });
    expect(drift).toStrictEqual([]);
    expect(write[0]).toMatchObject({ action: "create", role: "monitor" });
  });
});
