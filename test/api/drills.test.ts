import { describe, expect, it } from "vitest";
import { drillSchema } from "../../src/api/drill-schema.ts";
import { NOTHING_SEEN, type DrillState } from "../../src/failover/drill.ts";
import { drillOf } from "../../src/failover/drill-report.ts";
import type { Operation } from "../../src/failover/results.ts";
import { anOperation, NOON } from "./builders.ts";
import { inMemoryService } from "./in-memory-service.ts";

function aDrill(drillId: string, change: Partial<Operation> = {}) {
  const state: DrillState = {
    drillId,
    method: "reorder",
    stage: "production",
    hostname: "www.example.com",
    holdSeconds: 60,
    reason: "quarterly rehearsal",
    specHash: "9ae16a3b2f90404f",
    incarnation: "k2",
    affinity: null,
    leaseId: "le_1",
    deadlineAt: NOON + 240_000,
    watch: {
      ...NOTHING_SEEN,
      runs: [{ from: NOON, to: NOON + 4_000, looks: 3, serving: "primary", status: 200, failure: null }],
      errors: 1,
      shownErrors: [{ at: NOON, step: "hold", status: 522, failure: "status", detail: "status 522" }],
    },
    times: { baselineAt: NOON, divertedAt: NOON + 1_000, secondaryAt: NOON + 2_500 },
    failed: null,
  };
  return drillOf(anOperation({ kind: "drill", state: { ...state }, ...change }));
}

const DRILLS = "/v1/failovers/shop/drills";

describe("asking for a drill", () => {
  it("needs no body, and answers 202 with its operation", async () => {
    const { world, ask } = inMemoryService();
    const answer = await ask(DRILLS, { method: "POST" });
    expect(answer.status).toBe(202);
    expect(answer.headers.get("location")).toBe("/v1/operations/op_abc");
    expect(world.actions).toMatchObject([
      { verb: "startDrill", given: ["shop", {}, { actor: { kind: "token" } }] },
    ]);
  });

  it("hands on what was asked for, and the revision of If-Match", async () => {
    const { world, ask } = inMemoryService();
    const body = { method: "reorder", hold_seconds: 90, confirm: "www.example.com", reason: "why not" };
    await ask(DRILLS, { method: "POST", body, headers: { "if-match": '"3"' } });
    const { hold_seconds: holdSeconds, ...rest } = body;
    expect(world.actions[0]?.given[1]).toEqual({ ...rest, holdSeconds, revision: 3 });
  });

  it.each([
    [{ method: "disable-secondary" }, "/method"],
    [{ hold_seconds: 0 }, "/hold_seconds"],
    [{ hold_seconds: 3_001 }, "/hold_seconds"],
    [{ hold_seconds: 1.5 }, "/hold_seconds"],
    [{ confirm: true }, "/confirm"],
    [{ reason: " " }, "/reason"],
    [{ force: true }, "/force"],
  ])("%j is a 422 that names the member", async (body, pointer) => {
    const { world, ask } = inMemoryService();
    const answer = await ask(DRILLS, { method: "POST", body });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ errors: [{ pointer }] });
    expect(world.actions).toEqual([]);
  });

  it("passes refusals on, and is a 404 where there is no failover", async () => {
    const { world, ask } = inMemoryService();
    expect((await ask(DRILLS.replace("shop", "store"), { method: "POST" })).status).toBe(404);
    world.failure = {
      code: "refused",
      detail: "no",
      refusals: [
        { guard: "frozen", message: "no", facts: {}, remedy: "Do something else.", overridable: false },
      ],
    };
    const answer = await ask(DRILLS, { method: "POST" });
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ refusals: [{ guard: "frozen", overridable: false }] });
  });
});

describe("a drill", () => {
  it("has the members of the contract and nothing of its inner state", async () => {
    const { world, ask } = inMemoryService();
    world.drills = [
      aDrill("dr_1", { status: "aborted", message: "preempted by op_9", finishedAt: NOON + 9_000 }),
    ];
    const body = await (await ask(`${DRILLS}/dr_1`)).json();
    expect(drillSchema.parse(body)).toEqual(body);
    expect(body).toMatchObject({
      id: "dr_1",
      operation_id: "op_abc",
      status: "aborted",
      passed: false,
      method: "reorder",
      stage: "production",
      finished_at: "2026-11-23T12:00:09.000Z",
      report: {
        verdict: "interrupted",
        interrupted_by: "preempted by op_9",
        taken_over_by: null,
        window: null,
        asked_by: { kind: "token", name: "admin" },
        deadline_at: "2026-11-23T12:04:00.000Z",
        times: { diverted_at: "2026-11-23T12:00:01.000Z", restored_at: null },
        divert_seconds: 1.5,
        hold_seconds: null,
        restore_seconds: null,
        samples: [{ looks: 3, serving: "primary" }],
        errors: { count: 1, first: [{ step: "hold", status: 522 }] },
      },
    });
    expect(JSON.stringify(body)).not.toContain("incarnation");
  });

  it.each([
    ["running", null, null],
    ["succeeded", "passed", true],
    ["failed", "failed", false],
    ["aborted", "interrupted", false],
  ] as const)("whose operation is %s has the verdict %s", (status, verdict, passed) => {
    expect(aDrill("dr_1", { status })).toMatchObject({ passed, report: { verdict } });
  });

  it("says which window of the schedule it was for", async () => {
    const { world, ask } = inMemoryService();
    const byHand = aDrill("dr_1");
    const window = { opensAt: NOON, closesAt: NOON + 3_600_000 };
    world.drills = [{ ...byHand, scheduled: true, report: { ...byHand.report, window } }, byHand];
    const body = await (await ask(DRILLS)).json();
    expect(body).toMatchObject({
      items: [
        {
          scheduled: true,
          report: { window: { opens_at: "2026-11-23T12:00:00.000Z", closes_at: "2026-11-23T13:00:00.000Z" } },
        },
        { scheduled: false, report: { window: null } },
      ],
    });
  });

  it("is a 404 where there is none, also where another failover has it", async () => {
    const { world, ask } = inMemoryService();
    world.drills = [aDrill("dr_1", { failoverId: "fo_other" })];
    expect((await ask(`${DRILLS}/dr_1`)).status).toBe(404);
    expect((await ask(DRILLS.replace("shop", "store"))).status).toBe(404);
  });

  it("is listed by pages", async () => {
    const { world, ask } = inMemoryService();
    world.drills = [aDrill("dr_3"), aDrill("dr_2"), aDrill("dr_1")];
    const first = await (
      await ask(`${DRILLS}?limit=2`)
    ).json<{ items: { id: string }[]; next_cursor: string }>();
    expect(first.items.map(({ id }) => id)).toEqual(["dr_3", "dr_2"]);
    const rest = await (await ask(`${DRILLS}?limit=2&cursor=${first.next_cursor}`)).json();
    expect(rest).toMatchObject({ items: [{ id: "dr_1" }], next_cursor: null });
    expect((await ask(`${DRILLS}?limit=101`)).status).toBe(422);
  });
});

describe("aborting", () => {
  it.each([
    ["/v1/failovers/shop/drills/dr_1/abort", { drillId: "dr_1", reason: "enough" }],
    ["/v1/failovers/shop/abort", { reason: "enough" }],
  ])("%s says which drill and why", async (path, request) => {
    const { world, ask } = inMemoryService();
    world.operations = [anOperation({ kind: "drill", status: "aborted" })];
    const answer = await ask(path, { method: "POST", body: { reason: "enough" } });
    expect(answer.status).toBe(200);
    expect(world.actions).toMatchObject([{ verb: "abortDrill", given: ["shop", request, {}] }]);
  });
});
