import { describe, expect, test } from "vitest";
import {
  GUARD_IDS,
  guardOperation,
  guardPromotion,
  guardRevision,
  guardUnderneath,
  refusal,
  withoutOverridden,
  type PromotionFacts,
  type Underneath,
} from "../../src/failover/guards.ts";
import type { Operation, SideHealth, Verdict } from "../../src/failover/results.ts";
import { aFailover, aSpec } from "./builders.ts";

function aHealth(cloudflare: Verdict, probe: Verdict = "healthy"): SideHealth {
  const witness = (name: "cloudflare" | "probe", verdict: Verdict) => ({
    witness: name,
    verdict,
    since: null,
    observedAt: null,
    detail: `${name} says ${verdict}`,
  });
  return {
    verdict: cloudflare,
    since: null,
    witnesses: [witness("cloudflare", cloudflare), witness("probe", probe)],
  };
}

function promotionFacts(given: Partial<PromotionFacts> = {}): PromotionFacts {
  return {
    spec: aSpec(),
    health: { primary: aHealth("healthy"), secondary: aHealth("healthy") },
    probeSucceededBefore: { primary: true, secondary: true },
    unreadable: null,
    inSync: true,
    syncMessage: "everything at Cloudflare is as wanted",
    foreign: [],
    after: null,
    ...given,
  };
}

function anOperation(): Operation {
  return {
    id: "op_9",
    failoverId: "fo_2f8Kq1",
    kind: "promote",
    status: "running",
    message: "",
    steps: [],
    refusals: [],
    state: {},
    result: null,
    origin: { actor: { kind: "token", name: "ann" }, requestId: null },
    createdAt: 0,
    dueAt: null,
    deadlineAt: 1,
    finishedAt: null,
  };
}

const guardsOf = (given: Partial<PromotionFacts>) =>
  guardPromotion(promotionFacts(given)).map(({ guard }) => guard);

/** The design's two, and those that only an import, a drill or an approval meets. */
const FIXED = [
  "lease-in-force",
  "not-importable",
  "operation-running",
  "own-request",
  "plan-changed",
  "primary-not-active",
  "revision-mismatch",
];

describe("overriding", () => {
  test("all guards of the design have an id, and these can't be overridden", () => {
    const fixed = GUARD_IDS.filter((guard) => !refusal(guard, "no").overridable);
    expect(fixed.toSorted()).toStrictEqual(FIXED);
    expect(GUARD_IDS).toStrictEqual(
      expect.arrayContaining([
        "no-healthy-target",
        "target-not-ready",
        "preflight-failed",
        "drill-missing",
        "foreign-routing",
        "certificate-missing",
        "hostname-conflict",
        "revision-mismatch",
        "operation-running",
        "frozen",
        "too-much-change",
        "in-production",
        "nothing-underneath",
      ]),
    );
  });

  test.each(GUARD_IDS)("%s by name drops it alone, where it may be overridden", (guard) => {
    const all = GUARD_IDS.map((one) => refusal(one, "no"));
    const left = withoutOverridden(all, [guard]).map((one) => one.guard);
    expect(left).toStrictEqual(FIXED.includes(guard) ? GUARD_IDS : GUARD_IDS.filter((one) => one !== guard));
  });

  test("everything still leaves what can't be overridden", () => {
    const left = withoutOverridden(
      GUARD_IDS.map((one) => refusal(one, "no")),
      GUARD_IDS,
    );
    expect(left.map(({ guard }) => guard).toSorted()).toStrictEqual(FIXED);
  });

  test("a guard that doesn't apply changes nothing", () => {
    expect(withoutOverridden([refusal("frozen", "no")], ["drill-missing", "no-such-guard"])).toHaveLength(1);
  });
});

describe("the revision", () => {
  test.each([undefined, 3])("%s is no reason to refuse at revision 3", (expected) => {
    expect(guardRevision(aFailover({ revision: 3 }), expected)).toStrictEqual([]);
  });

  test.each([2, 4, 0])("%d is, and both numbers are told", (expected) => {
    const [refused] = guardRevision(aFailover({ revision: 3 }), expected);
    expect(refused).toMatchObject({
      guard: "revision-mismatch",
      facts: { expected, revision: 3 },
      overridable: false,
    });
    expect(refused?.message).toMatch(new RegExp(`${expected}.*3`));
  });
});

describe("a running operation", () => {
  test("refuses, and names itself", () => {
    expect(guardOperation(anOperation())).toStrictEqual([
      {
        guard: "operation-running",
        message: expect.stringContaining("op_9"),
        facts: { operation_id: "op_9", kind: "promote" },
        remedy: expect.stringContaining("GET /v1/operations/{id}"),
        overridable: false,
      },
    ]);
  });

  test("that isn't there refuses nothing", () => {
    expect(guardOperation(null)).toStrictEqual([]);
  });
});

describe("promotion", () => {
  test("of a healthy pair in place is refused by nothing", () => {
    expect(guardsOf({})).toStrictEqual([]);
  });

  test.each(["unhealthy", "flapping", "unknown"] as const)(
    "is refused where Cloudflare finds an endpoint %s",
    (verdict) => {
      for (const side of ["primary", "secondary"] as const) {
        const health = { ...promotionFacts().health, [side]: aHealth(verdict) };
        const [refused, ...others] = guardPromotion(promotionFacts({ health }));
        expect(others).toStrictEqual([]);
        expect(refused).toMatchObject({ guard: "target-not-ready", facts: { endpoint: side, verdict } });
        expect(refused?.message).toContain(`cloudflare says ${verdict}`);
      }
    },
  );

  const byProbe: [Verdict, boolean, string[]][] = [
    ["unhealthy", true, ["target-not-ready"]],
    ["flapping", true, ["target-not-ready"]],
    ["unhealthy", false, []],
    ["flapping", false, []],
    ["unknown", true, []],
    ["unknown", false, []],
    ["healthy", true, []],
  ];
  test.each(byProbe)(
    "where the probe says %s and succeeded before: %s, is refused by %j",
    (probe, before, guards) => {
      const health = { primary: aHealth("healthy"), secondary: aHealth("healthy", probe) };
      expect(guardsOf({ health, probeSucceededBefore: { primary: true, secondary: before } })).toStrictEqual(
        guards,
      );
    },
  );

  test("is refused by all that applies at once", () => {
    const given = {
      health: { primary: aHealth("unhealthy"), secondary: aHealth("unknown") },
      inSync: false,
      syncMessage: "the primary pool does not exist",
      foreign: [
        {
          role: "load_balancer" as const,
          path: "rules",
          message: "rules can send visitors past the pair",
          effect: "routes" as const,
          kept: false,
        },
      ],
    };
    expect(guardsOf(given)).toStrictEqual([
      "target-not-ready",
      "target-not-ready",
      "target-not-ready",
      "foreign-routing",
    ]);
    const sentences = guardPromotion(promotionFacts(given)).map(({ message }) => message);
    expect(sentences.join("\n")).toMatch(/primary[^]*secondary[^]*does not exist[^]*past the pair/);
  });

  test("is refused where Cloudflare can't be read", () => {
    const given = { unreadable: "429", inSync: false };
    expect(guardsOf(given)).toStrictEqual(["target-not-ready"]);
    expect(guardPromotion(promotionFacts(given))[0]?.facts).toStrictEqual({ reason: "429" });
  });
});

describe("what lies underneath", () => {
  const RECORD = ["A 8.8.8.8"];
  const both = (primary: Verdict, secondary: Verdict) => ({
    primary: aHealth(primary),
    secondary: aHealth(secondary),
  });

  test.each<[string, Underneath | null, Verdict, Verdict, string[]]>([
    ["a record of something else", { records: RECORD, leadsTo: "other" }, "unhealthy", "healthy", []],
    ["a healthy primary's record", { records: RECORD, leadsTo: "primary" }, "healthy", "healthy", []],
    ["a primary's that nobody knows", { records: RECORD, leadsTo: "primary" }, "unknown", "healthy", []],
    [
      "a dead primary's while the secondary serves",
      { records: RECORD, leadsTo: "primary" },
      "unhealthy",
      "healthy",
      ["no-healthy-target"],
    ],
    [
      "a dead primary's where nobody serves",
      { records: RECORD, leadsTo: "primary" },
      "unhealthy",
      "unhealthy",
      [],
    ],
    ["no record", { records: [], leadsTo: null }, "healthy", "healthy", ["nothing-underneath"]],
    ["records that can't be read", null, "healthy", "healthy", ["nothing-underneath"]],
  ])("%s", (_, underneath, primary, secondary, guards) => {
    const refused = guardUnderneath("www.example.com", underneath, both(primary, secondary));
    expect(refused.map(({ guard, overridable }) => [guard, overridable])).toStrictEqual(
      guards.map((guard) => [guard, true]),
    );
  });
});
