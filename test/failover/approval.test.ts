import { describe, expect, it } from "vitest";
import {
  approvalEndsAt,
  contentOf,
  guardApproval,
  guardApprovalKept,
  guardPlan,
  whyUndecidable,
  type Prospect,
} from "../../src/failover/approval.ts";
import { newOperation, operationEnds } from "../../src/failover/operations.ts";
import type { Operation } from "../../src/failover/results.ts";

const NOON = Date.UTC(2035, 0, 1, 12);
const HOUR_MS = 3_600_000;
const ANN = { kind: "person", name: "ann@example.com" } as const;
const BOB = { kind: "person", name: "bob@example.com" } as const;

const PROSPECT: Prospect = {
  action: "switch-over",
  to: "secondary",
  before: { revision: 3, stage: "production", active: "primary" },
  after: { stage: "production", active: "secondary" },
  at: null,
  expiresInSeconds: null,
  bakeSeconds: null,
  prediction: { serving: "secondary", rule: "first-healthy-pool", path: ["the secondary is healthy: yes"] },
  changes: [],
  overridden: [],
};

function aRequest(change: Partial<Operation> = {}): Operation {
  const given = {
    id: "op_1",
    failoverId: "fo_1",
    kind: "approval" as const,
    message: "waits",
    origin: { actor: ANN, requestId: null },
  };
  return { ...newOperation(given, ["approval"], {}, NOON), ...change };
}

describe("what is approved", () => {
  const same = (change: Partial<Prospect>) =>
    JSON.stringify(contentOf({ ...PROSPECT, ...change })) === JSON.stringify(contentOf(PROSPECT));

  it.each<[string, Partial<Prospect>]>([
    ["where it goes", { to: "primary" }],
    ["the revision that it starts from", { before: { ...PROSPECT.before, revision: 4 } }],
    ["when it begins", { at: NOON }],
    ["how long it lasts", { expiresInSeconds: 600 }],
    ["how long it is watched", { bakeSeconds: 600 }],
    ["who would serve", { prediction: { serving: "none", rule: "first-healthy-pool", path: [] } }],
    ["that nobody knows who would", { prediction: null }],
    ["what is overridden", { overridden: ["target-not-ready"] }],
    [
      "what is written",
      {
        changes: [
          {
            action: "update",
            kind: "load_balancer",
            role: "load_balancer",
            id: "lb",
            reason: "",
            differences: [],
            body: {},
          },
        ],
      },
    ],
  ])("is another plan with another: %s", (_, change) => {
    expect(same(change)).toBe(false);
  });

  it("isn't another because of how the same is said", () => {
    const prediction = {
      serving: "secondary",
      rule: "first-healthy-pool",
      path: ["in other words"],
    } as const;
    expect(same({ prediction })).toBe(true);
  });

  it("is refused where it isn't what was seen", () => {
    expect(guardPlan("plan_a", { plan: "plan_a", prospect: PROSPECT })).toEqual([]);
    expect(guardPlan("plan_a", { plan: "plan_b", prospect: PROSPECT })).toMatchObject([
      {
        guard: "plan-changed",
        overridable: false,
        facts: { seen: "plan_a", plan: "plan_b", serving: "secondary" },
      },
    ]);
  });
});

describe("approval", () => {
  it.each([
    ["none", "none", []],
    ["none", "required", []],
    ["required", "required", []],
    ["required", "none", ["approval-required"]],
  ] as const)("can go from %s to %s unless %j stands against it", (before, after, guards) => {
    const refusals = guardApprovalKept({ approval: before }, { approval: after });
    expect(refusals.map(({ guard }) => guard)).toEqual(guards);
  });

  it("stands against an action only where it is required", () => {
    expect(guardApproval({ approval: "none" })).toEqual([]);
    expect(guardApproval({ approval: "required" })).toMatchObject([
      { guard: "approval-required", overridable: true },
    ]);
  });

  it.each([
    ["at once", null, HOUR_MS],
    ["in ten minutes", 600_000, 600_000],
    ["in two hours", 2 * HOUR_MS, HOUR_MS],
  ])("of what begins %s is waited for no longer than that, and an hour", (_, inMs, lastsMs) => {
    expect(approvalEndsAt(NOON, inMs === null ? null : NOON + inMs)).toBe(NOON + lastsMs);
  });
});

describe("who may decide", () => {
  it.each<[string, Operation, typeof ANN | typeof BOB, number, RegExp | null, string[]]>([
    ["another person may", aRequest(), BOB, NOON, null, []],
    ["not whoever asked", aRequest(), ANN, NOON, /another person has to decide/, ["own-request"]],
    ["nobody once it has expired", aRequest(), BOB, NOON + HOUR_MS, /expired/, []],
    [
      "nobody once it is decided",
      operationEnds(aRequest(), "aborted", "rejected by cy", null, NOON),
      BOB,
      NOON,
      /rejected by cy/,
      [],
    ],
    ["nobody about anything else", aRequest({ kind: "drill" }), BOB, NOON, /a drill waits for nobody's/, []],
  ])("%s", (_, operation, by, now, message, guards) => {
    const why = whyUndecidable(operation, by, now);
    if (message === null) expect(why).toBeNull();
    else expect(why?.message).toMatch(message);
    expect((why?.refusals ?? []).map(({ guard }) => guard)).toEqual(guards);
  });

  it("tells a token from a person of its name", () => {
    const token = { kind: "token", name: ANN.name } as const;
    expect(whyUndecidable(aRequest(), token, NOON)).toBeNull();
  });
});
