import { describe, expect, test } from "vitest";
import { awaitsRestoring, findTakeover } from "../../src/failover/drill-report.ts";
import { NOTHING_SEEN, type DrillState } from "../../src/failover/drill.ts";
import type { Failover } from "../../src/failover/failover.ts";
import type { Lease } from "../../src/failover/leases.ts";
import { newOperation } from "../../src/failover/operations.ts";
import type { Operation, Origin } from "../../src/failover/results.ts";
import { aFailover } from "./builders.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const ORIGIN: Origin = { actor: { kind: "token", name: "ann" }, requestId: null };

const switching = newOperation(
  { id: "op_9", failoverId: "fo_2f8Kq1", kind: "switch-over", message: "", origin: ORIGIN },
  ["write"],
  {},
  NOW,
);
const lease: Lease = {
  id: "le_1",
  failoverId: "fo_2f8Kq1",
  kind: "switchover",
  version: 1,
  active: "secondary",
  reason: "maintenance",
  origin: ORIGIN,
  startedAt: NOW,
  expiresAt: NOW + 60_000,
};

describe("who took over after a drill that was broken off", () => {
  const away = (given: Partial<Failover> = {}) =>
    aFailover({ active: "secondary", settledAt: NOW, ...given });
  const cases: [
    what: string,
    failover: Failover,
    leases: Lease[],
    running: Operation | null,
    who: string | null,
  ][] = [
    ["nobody, where the primary is wanted first", aFailover(), [], switching, null],
    [
      "the switch-over that is under way",
      away(),
      [lease],
      switching,
      "the switch-over op_9 of ann, to the secondary",
    ],
    ["whoever leased the order", away(), [lease], null, "a timed switch-over of ann: maintenance"],
    [
      "whoever settled it, where the lease has ended",
      away(),
      [{ ...lease, expiresAt: NOW }],
      null,
      "a switch-over to the secondary at 2026-11-23T12:00:00.000Z",
    ],
    [
      "the policy, where it latched",
      away({ settledBy: "policy" }),
      [],
      null,
      "the failback policy, which latched the order at 2026-11-23T12:00:00.000Z",
    ],
  ];
  test.each(cases)("%s", (_, failover, leases, running, who) => {
    expect(findTakeover(failover, leases, running, NOW)).toBe(who);
  });
});

describe("a drill that ended", () => {
  const state: DrillState = {
    drillId: "dr_1",
    method: "reorder",
    stage: "production",
    hostname: "www.example.com",
    holdSeconds: 60,
    reason: null,
    specHash: "9ae16a3b2f90404f",
    incarnation: "k2",
    affinity: null,
    leaseId: "le_1",
    deadlineAt: NOW,
    watch: NOTHING_SEEN,
    times: {},
    failed: null,
  };
  test.each([
    ["leaves nothing where nothing was leased", { leaseId: null }, false],
    ["leaves its diversion", {}, true],
    ["leaves nothing once it was restored", { times: { restoredAt: NOW } }, false],
  ] as const)("%s", (_, given, awaits) => {
    expect(awaitsRestoring({ ...state, ...given })).toBe(awaits);
  });
});
