import { describe, expect, test } from "vitest";
import {
  findFaults,
  guardDrillStart,
  methodOf,
  refuseDraft,
  type DrillRequest,
  type DrillStartFacts,
} from "../../src/failover/drill-start.ts";
import type { Stage } from "../../src/failover/failover.ts";
import type { Lease } from "../../src/failover/leases.ts";
import { newOperation } from "../../src/failover/operations.ts";
import type { Origin, SideHealth, Verdict } from "../../src/failover/results.ts";
import { aFailover, aSpec } from "./builders.ts";

const NOW = 1_720_000_000_000;
const HOSTNAME = "www.example.com";
const ORIGIN: Origin = { actor: { kind: "token", name: "ann" }, requestId: null };

function aHealth(cloudflare: Verdict, probe: Verdict = "healthy"): SideHealth {
  const witness = (name: "cloudflare" | "probe", verdict: Verdict) => {
    return { witness: name, verdict, since: null, observedAt: null, detail: `${name} says ${verdict}` };
  };
  return {
    verdict: cloudflare,
    since: null,
    witnesses: [witness("cloudflare", cloudflare), witness("probe", probe)],
  };
}

function aLease(given: Partial<Lease> = {}): Lease {
  return {
    id: "le_1",
    failoverId: "fo_2f8Kq1",
    kind: "switchover",
    version: 1,
    active: "secondary",
    reason: "maintenance",
    origin: ORIGIN,
    startedAt: NOW,
    expiresAt: NOW + 60_000,
    ...given,
  };
}

function startFacts(given: Partial<DrillStartFacts> = {}): DrillStartFacts {
  return {
    spec: aSpec(),
    health: { primary: aHealth("healthy"), secondary: aHealth("healthy") },
    probeSucceededBefore: { primary: true, secondary: true },
    unreadable: null,
    inSync: true,
    syncMessage: "everything at Cloudflare is as wanted",
    foreign: [],
    after: null,
    failover: aFailover({ stage: "production" }),
    hostname: HOSTNAME,
    operation: null,
    leases: [],
    freeze: null,
    distinguishable: true,
    detail: "",
    now: NOW,
    ...given,
  };
}

const running = newOperation(
  { id: "op_9", failoverId: "fo_2f8Kq1", kind: "promote", message: "", origin: ORIGIN },
  ["write"],
  {},
  NOW,
);
const foreign = {
  role: "load_balancer",
  path: "rules",
  message: "two rules",
  effect: "routes",
  kept: false,
} as const;

const AGAINST: readonly [string, Partial<DrillStartFacts>, string, string][] = [
  [
    "an unhealthy secondary",
    { health: { primary: aHealth("healthy"), secondary: aHealth("unhealthy") } },
    "target-not-ready",
    "secondary endpoint unhealthy",
  ],
  [
    "an unhealthy primary",
    { health: { primary: aHealth("unhealthy"), secondary: aHealth("healthy") } },
    "target-not-ready",
    "primary endpoint unhealthy",
  ],
  [
    "a secondary that nobody knows yet",
    { health: { primary: aHealth("healthy"), secondary: aHealth("unknown") } },
    "target-not-ready",
    "not known yet",
  ],
  [
    "a secondary that our probe finds dead",
    { health: { primary: aHealth("healthy"), secondary: aHealth("healthy", "unhealthy") } },
    "target-not-ready",
    "our probe does not",
  ],
  ["an unreadable Cloudflare", { unreadable: "no answer" }, "target-not-ready", "could not be read"],
  ["drift", { inSync: false, syncMessage: "path was changed" }, "target-not-ready", "path was changed"],
  ["another operation", { operation: running }, "operation-running", "op_9"],
  ["a timed switch-over", { leases: [aLease()] }, "lease-in-force", "a timed switch-over is in force until"],
  ["a pause", { leases: [aLease({ kind: "pause", active: null })] }, "lease-in-force", "paused"],
  ["a freeze", { freeze: { reason: "black friday", frozenAt: NOW } }, "frozen", "black friday"],
  ["routing past the pair", { foreign: [foreign] }, "foreign-routing", "two rules"],
  [
    "twins",
    { distinguishable: false, detail: "both endpoints answer alike" },
    "indistinguishable",
    "give each endpoint a marker",
  ],
  [
    "an active secondary",
    { failover: aFailover({ stage: "production", active: "secondary" }) },
    "primary-not-active",
    "switch back first",
  ],
];

describe("against a drill stands", () => {
  test.each(AGAINST)("%s", (_, given, guard, words) => {
    const refusals = guardDrillStart(startFacts(given));
    expect(refusals).toMatchObject([{ guard, message: expect.stringContaining(words), overridable: false }]);
  });

  test("nothing where all is well, nor a lease that has ended", () => {
    expect(guardDrillStart(startFacts({ leases: [aLease({ expiresAt: NOW })] }))).toStrictEqual([]);
  });

  test("all of it at once", () => {
    const all = Object.assign({}, ...AGAINST.map(([, given]) => given)) as Partial<DrillStartFacts>;
    const guards = guardDrillStart(startFacts({ ...all, unreadable: null })).map(({ guard }) => guard);
    expect(new Set(guards)).toStrictEqual(new Set(AGAINST.map(([, , guard]) => guard)));
  });

  test("a draft", () => {
    expect(refuseDraft()).toMatchObject({ guard: "target-not-ready", overridable: false });
  });
});

describe("what is asked for", () => {
  test.each<[Stage, DrillRequest["method"], string]>([
    ["testing", undefined, "disable-primary"],
    ["testing", "reorder", "reorder"],
    ["production", undefined, "reorder"],
  ])("in %s: %s is %s", (stage, asked, method) => {
    expect(methodOf(stage, asked)).toBe(method);
  });

  test.each<[string, DrillRequest, Stage, string[]]>([
    ["nothing", {}, "testing", []],
    ["production without its name", {}, "production", ["/confirm"]],
    ["production under another name", { confirm: "example.com" }, "production", ["/confirm"]],
    ["production", { confirm: HOSTNAME }, "production", []],
    ["testing under another name", { confirm: "example.com" }, "testing", ["/confirm"]],
    ["a disabled pool in testing", { method: "disable-primary" }, "testing", []],
    ["a disabled pool in production", { method: "disable-primary" }, "production", ["/method", "/confirm"]],
    ["no hold", { holdSeconds: 0 }, "testing", ["/hold_seconds"]],
    ["too long a hold", { holdSeconds: 3_001 }, "testing", ["/hold_seconds"]],
  ])("%s has its faults named", (_, request, stage, pointers) => {
    expect(findFaults(request, stage, HOSTNAME).map(({ pointer }) => pointer)).toStrictEqual(pointers);
  });

  test("names the hostname that has to be confirmed", () => {
    expect(findFaults({}, "production", HOSTNAME)[0]?.message).toContain(`"${HOSTNAME}"`);
  });
});
