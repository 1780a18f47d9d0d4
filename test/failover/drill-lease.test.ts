import { describe, expect, test } from "vitest";
import { completeSpec } from "../../src/failover/complete.ts";
import { desiredObjects, type Applied } from "../../src/failover/desired.ts";
import { decideDrift } from "../../src/failover/drift.ts";
import type { Failover } from "../../src/failover/failover.ts";
import { activeNow, deviatingMember, disabledNow, type Lease } from "../../src/failover/leases.ts";
import { planChanges } from "../../src/failover/plan.ts";
import { aFailover, anObserved, found, IDS, INSTALLATION, objectsInPlace } from "./builders.ts";

const NOW = 1_720_000_000_000;

function aLease(given: Partial<Lease> = {}): Lease {
  return {
    id: "le_1",
    failoverId: "fo_2f8Kq1",
    kind: "drill",
    version: 1,
    active: "secondary",
    reason: "rehearsal",
    origin: { actor: { kind: "token", name: "ann" }, requestId: null },
    startedAt: NOW,
    expiresAt: NOW + 240_000,
    ...given,
  };
}

const REORDER = aLease();
const DISABLE = aLease({ active: "primary", disabled: "primary" });

/** As it would be loaded at that instant. */
function at(now: number, lease: Lease): Failover {
  return aFailover({
    stage: "production",
    active: activeNow("primary", [lease], now),
    settledActive: "primary",
    disabled: disabledNow([lease], now),
  });
}

describe("the desired state under a drill's lease", () => {
  test.each([
    ["reorder", REORDER, [IDS.secondary, IDS.primary], true],
    ["disable-primary", DISABLE, [IDS.primary, IDS.secondary], false],
  ])("is the deviation of %s until its deadline, and then what it was", (_, lease, order, enabled) => {
    const during = desiredObjects(at(lease.expiresAt - 1, lease), INSTALLATION);
    expect(during.load_balancer["default_pools"]).toStrictEqual(order);
    expect(during.primary["enabled"]).toBe(enabled);
    expect(during.secondary["enabled"]).toBe(true);
    const after = desiredObjects(at(lease.expiresAt, lease), INSTALLATION);
    expect(after).toStrictEqual(desiredObjects(aFailover({ stage: "production" }), INSTALLATION));
  });
});

describe("a deviation that nobody has seen in place", () => {
  test.each([
    ["reorder", REORDER],
    ["disable-primary", DISABLE],
  ])("is put right at once after %s, whatever the policy and the grace time say", (_, lease) => {
    const failover = aFailover({ stage: "production", spec: { drift: "report" } });
    const diverted: Failover = {
      ...failover,
      active: lease.active ?? "primary",
      disabled: lease.disabled ?? null,
    };
    const observed = anObserved(failover, {
      load_balancer: found(objectsInPlace(diverted).load_balancer),
      primary: found(objectsInPlace(diverted).primary),
    });
    const decide = (applied: Applied) =>
      decideDrift(planChanges(failover, observed, INSTALLATION).changes, objectsInPlace(diverted), {
        spec: completeSpec(failover.input, failover.facts),
        stage: failover.stage,
        applied,
        known: [],
        asked: false,
        now: NOW,
      });
    const inPlace = desiredObjects(failover, INSTALLATION);
    expect(decide(inPlace).held).toHaveLength(1);
    const { role, member } = deviatingMember(lease) ?? {};
    if (role === undefined || member === undefined) throw new Error("it deviates nowhere");
    const unseen = { ...inPlace, [role]: { ...inPlace[role], [member]: null } };
    expect(decide(unseen)).toMatchObject({
      write: [{ role, body: { [member]: expect.anything() } }],
      held: [],
    });
  });

  test("is not looked for under a pause, which changes nothing", () => {
    expect(deviatingMember(aLease({ kind: "pause", active: null }))).toBeNull();
  });
});
