// The drift engine's two promises, over generated specs: what is as wanted is never a difference, in whichever form it is
// read back, and any single change of a field of ours is found, rightly classed and healed by what is sent.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { DriftClass } from "../../src/failover/complete.ts";
import { desiredObjects, type Applied, type Body, type Desired } from "../../src/failover/desired.ts";
import type { AdoptedDrift, Failover, Side, Stage } from "../../src/failover/failover.ts";
import { kindOf, ROLES, type Role } from "../../src/failover/marker.ts";
import { mergePatch } from "../../src/failover/merge-patch.ts";
import { findDifferences, planChanges, planUpdate } from "../../src/failover/plan.ts";
import { specInputSchema } from "../../src/failover/spec.ts";
import {
  aFailover,
  anObserved,
  found,
  IDS,
  INSTALLATION,
  OWNED_FIELD_EDITS,
  type OwnedFieldEdit,
  type Patch,
} from "./builders.ts";
import { aReadBack, type Rewrite } from "./read-back.ts";
import { anySide, anySpec, anyStage } from "./specs.ts";

const ROUND_TRIPS = 10_000;
const READ_BACKS_A_SPEC = 5;
const MUTATIONS = 10_000;
const MUTATIONS_A_SPEC = 5;

interface Given {
  readonly body: Patch;
  readonly stage: Stage;
  readonly active: Side;
  /** The spec whose objects were in place before; null where nothing was. */
  readonly before: Patch | null;
}

const anyGiven: fc.Arbitrary<Given> = fc.record({
  body: anySpec,
  stage: anyStage,
  active: anySide,
  before: fc.option(anySpec),
});

function failoverOf({ body, stage, active }: Omit<Given, "before">): Failover {
  return aFailover({ input: specInputSchema.parse(body), stage, active });
}

function appliedBefore(given: Given): Applied {
  const { before, stage, active } = given;
  return before === null ? {} : desiredObjects(failoverOf({ body: before, stage, active }), INSTALLATION);
}

/** What a person may do in an emergency and have adopted. */
const ADOPTABLE = OWNED_FIELD_EDITS.filter(
  ({ path, class: kind }) => kind === "role" && (path.endsWith("enabled") || path === "fallback_pool"),
);

/** The objects as somebody changed them, and the failover that wants them so. */
function withAdopted(failover: Failover, desired: Desired, edits: readonly OwnedFieldEdit[]) {
  const objects: Record<Role, Body> = { ...desired };
  for (const one of edits) objects[one.role] = one.edit(objects[one.role]);
  const adopted = ROLES.flatMap((role): AdoptedDrift[] =>
    findDifferences(role, objects[role], desired[role]).map(({ path, before }) => ({
      role,
      path,
      value: before,
    })),
  );
  return { objects, failover: { ...failover, adopted } };
}

const anyReadBack: fc.Arbitrary<Readonly<Record<Role, Rewrite>>> = fc.record({
  monitor: aReadBack("monitor"),
  primary: aReadBack("pool"),
  secondary: aReadBack("pool"),
  load_balancer: aReadBack("load_balancer"),
});

test("whatever is wanted, in place and read back in whichever legal form is never a difference", () => {
  const seen = { roundTrips: 0, otherForms: 0, adopted: 0, optional: 0 };
  fc.assert(
    fc.property(
      anyGiven,
      fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.subarray([...ADOPTABLE])),
      fc.array(anyReadBack, { minLength: READ_BACKS_A_SPEC, maxLength: READ_BACKS_A_SPEC }),
      (given, edits, readBacks) => {
        const applied = appliedBefore(given);
        const wanted = failoverOf(given);
        const desired = desiredObjects(wanted, INSTALLATION, applied);
        const { failover, objects } = withAdopted(wanted, desired, edits);
        for (const readBack of readBacks) {
          const sightings = ROLES.map((role) => {
            const object = readBack[role](objects[role]);
            if (JSON.stringify(object) !== JSON.stringify(objects[role])) seen.otherForms += 1;
            return [role, found({ ...object, id: IDS[role] })] as const;
          });
          const observed = anObserved(failover, Object.fromEntries(sightings));
          const { changes, blocked, unknown, foreign } = planChanges(
            failover,
            observed,
            INSTALLATION,
            applied,
          );
          expect([changes, blocked, unknown, foreign]).toStrictEqual([[], [], [], []]);
          seen.roundTrips += 1;
          seen.adopted += edits.length > 0 ? 1 : 0;
          seen.optional += given.before === null ? 0 : 1;
        }
      },
    ),
    { numRuns: ROUND_TRIPS / READ_BACKS_A_SPEC },
  );
  console.log(
    `${seen.roundTrips} round trips without a false difference: ${seen.otherForms} of ${4 * seen.roundTrips} objects came back in another form, ${seen.adopted} with adopted deviations, ${seen.optional} after another spec`,
  );
  expect(seen.roundTrips).toBe(ROUND_TRIPS);
  expect(seen.otherForms).toBeGreaterThan(2 * ROUND_TRIPS);
  expect(seen.adopted).toBeGreaterThan(ROUND_TRIPS / 10);
  expect(seen.optional).toBeGreaterThan(ROUND_TRIPS / 2);
});

const anyMutation = fc
  .constantFrom(...OWNED_FIELD_EDITS)
  .chain((one) => fc.record({ one: fc.constant(one), rewrite: aReadBack(kindOf(one.role)) }));

test("any single change of a field of ours is found, rightly classed, and healed by what is sent", () => {
  const classes = new Map<DriftClass, number>();
  const tried = new Set<OwnedFieldEdit>();
  fc.assert(
    fc.property(
      anyGiven,
      fc.array(anyMutation, { minLength: MUTATIONS_A_SPEC, maxLength: MUTATIONS_A_SPEC }),
      (given, mutations) => {
        const applied = appliedBefore(given);
        const byDefault = desiredObjects(failoverOf(given), INSTALLATION, applied);
        for (const { one, rewrite } of mutations) {
          const desired =
            one.spec === undefined
              ? byDefault[one.role]
              : desiredObjects(
                  failoverOf({ ...given, body: mergePatch(given.body, one.spec) as Patch }),
                  INSTALLATION,
                  applied,
                )[one.role];
          const observed: Body = { id: IDS[one.role], ...one.edit(rewrite(desired)) };
          const change = planUpdate(one.role, observed, desired);
          expect(change?.differences.map(({ path, class: kind }) => [path, kind])).toStrictEqual([
            [one.path, one.class],
          ]);
          expect(Object.keys(change?.body ?? {}).toSorted()).toStrictEqual(one.expectedMembers.toSorted());
          // Merged as Cloudflare merges, nothing is left to do.
          expect(findDifferences(one.role, { ...observed, ...change?.body }, desired)).toStrictEqual([]);
          classes.set(one.class, (classes.get(one.class) ?? 0) + 1);
          tried.add(one);
        }
      },
    ),
    { numRuns: MUTATIONS / MUTATIONS_A_SPEC },
  );
  const all = [...classes.values()].reduce((sum, count) => sum + count, 0);
  const each = [...classes]
    .toSorted()
    .map(([kind, count]) => `${count} ${kind}`)
    .join(", ");
  console.log(`${all} single changes of ${tried.size} fields found, rightly classed and healed: ${each}`);
  expect(all).toBe(MUTATIONS);
  expect(tried.size).toBe(OWNED_FIELD_EDITS.length);
});
