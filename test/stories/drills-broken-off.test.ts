import { afterEach, describe, expect, it, vi } from "vitest";
import { DRILL_STEPS } from "../../src/failover/drill.ts";
import {
  begin,
  eventsOfType,
  expectOriginal,
  hostnameIn,
  inStage,
  lastDrill,
  operationOf,
  REHEARSALS,
  SHOP_PATH,
  until,
  untilEnded,
  untilStep,
  visitor,
  type Rehearsal,
} from "./rehearsal.ts";
import type { Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
});

const [REORDER, DISABLE] = REHEARSALS as readonly [Rehearsal, Rehearsal];

/** Begins a drill, takes it to a step, and forgets the writes until then. */
async function drillAt(rehearsal: Rehearsal, step: string): Promise<{ stage: Stage; id: string }> {
  const stage = await inStage(rehearsal.stage);
  const id = await begin(stage, rehearsal);
  await until(stage, id, step);
  stage.forgetCalls();
  return { stage, id };
}

async function expectBrokenOff(stage: Stage, by: string): Promise<void> {
  const drill = await lastDrill(stage);
  expect(drill).toMatchObject({
    status: "aborted",
    passed: false,
    report: { verdict: "interrupted", interrupted_by: expect.stringContaining(by) },
  });
  expect((await eventsOfType(stage, "drill."))[0]).toMatchObject({
    type: "drill.aborted",
    data: { drill_id: drill.id, message: expect.stringContaining(by) },
  });
  expect((await eventsOfType(stage, "lease.ended"))[0]).toMatchObject({ data: { kind: "drill" } });
}

/** What the report says of the time after it was broken off. */
async function aftermath(stage: Stage): Promise<{ restoredAt: string | null; takenOverBy: string | null }> {
  const { report } = await lastDrill(stage);
  return { restoredAt: report.times.restored_at, takenOverBy: report.taken_over_by };
}

const why = { reason: "I take over" };
const balancerWrites = (stage: Stage) => stage.writes().filter((write) => write.includes("/zones/"));

describe("a person in the middle of a drill", () => {
  it.each(REHEARSALS.flatMap((rehearsal) => DRILL_STEPS.map((step) => ({ ...rehearsal, step }))))(
    "by $method at $step wins with a switch-over within one write, and it stays",
    async ({ step, ...rehearsal }) => {
      const { stage, id } = await drillAt(rehearsal, step);
      // What was lost in order to stop a drill here may still land.
      await stage.pass(35);
      const switched = await stage.operate("POST", `${SHOP_PATH}/switch-over`, { to: "secondary", ...why });
      expect(switched).toMatchObject({ status: "succeeded", result: { active: "secondary" } });
      expect(balancerWrites(stage).length).toBeLessThanOrEqual(1);
      expect(await operationOf(stage, id)).toMatchObject({ status: "aborted" });
      await stage.minutes(3);
      expect(visitor(stage, hostnameIn(rehearsal.stage))).toBe("secondary");
      const { cloudflare, ...failover } = await stage.failover();
      expect(failover).toMatchObject({
        active: "secondary",
        leases: [],
        status: { sync: "synced", operation: null },
      });
      expect(stage.simulator.world.pools.get(cloudflare.primary_pool_id)?.enabled).toBe(true);
      expect(balancerWrites(stage).length).toBeLessThanOrEqual(1);
      expect(await lastDrill(stage)).toMatchObject({
        report: { interrupted_by: `preempted by ${switched.id}` },
      });
      const diverted = ["secondary serves", "hold", "restore"].includes(step);
      const takenOverBy = `the switch-over ${switched.id} of admin, to the secondary`;
      if (diverted) expect(await aftermath(stage)).toEqual({ restoredAt: null, takenOverBy });
    },
  );

  it.each(REHEARSALS)(
    "by $method wins with a switch-over to the primary, which restores it",
    async (rehearsal) => {
      const { stage } = await drillAt(rehearsal, "hold");
      const switched = await stage.operate("POST", `${SHOP_PATH}/switch-over`, { to: "primary", ...why });
      expect(switched).toMatchObject({ status: "succeeded", result: { active: "primary" } });
      expect(stage.writes()).toHaveLength(1);
      await expectOriginal(stage);
      await expectBrokenOff(stage, `preempted by ${switched.id}`);
      expect(await aftermath(stage)).toEqual({ restoredAt: expect.any(String), takenOverBy: null });
    },
  );

  it.each(REHEARSALS)("by $method wins by switching back", async (rehearsal) => {
    const { stage } = await drillAt(rehearsal, "hold");
    const switched = await stage.operate("POST", `${SHOP_PATH}/switch-back`, why);
    expect(switched).toMatchObject({ status: "succeeded", result: { active: "primary" } });
    expect(stage.writes()).toHaveLength(1);
    await expectOriginal(stage);
    await expectBrokenOff(stage, `preempted by ${switched.id}`);
  });

  it.each(REHEARSALS)("by $method wins by demoting", async (rehearsal) => {
    const { stage } = await drillAt(rehearsal, "hold");
    const demoted = await stage.operate("POST", `${SHOP_PATH}/demote`);
    expect(demoted).toMatchObject({ status: "succeeded" });
    expect(balancerWrites(stage)).toHaveLength(1);
    await stage.minutes(1);
    await expectOriginal(stage);
    await expectBrokenOff(stage, `preempted by ${demoted.id}`);
  });

  it.each(REHEARSALS)("by $method wins with a pause, which restores at once", async (rehearsal) => {
    const { stage } = await drillAt(rehearsal, "hold");
    const paused = await stage.call("POST", `${SHOP_PATH}/pause`, { expires_in_seconds: 600, ...why });
    expect(paused.status).toBe(200);
    await stage.alarms();
    await expectOriginal(stage);
    expect(stage.writes()).toHaveLength(1);
    await expectBrokenOff(stage, "preempted by a pause");
    const restoredAt = new Date(stage.now()).toISOString();
    expect(await aftermath(stage)).toEqual({ restoredAt, takenOverBy: null });
    await stage.minutes(2);
    expect(await aftermath(stage)).toEqual({ restoredAt, takenOverBy: null });
  });

  it.each(REHEARSALS)("by $method aborts it, once however often it is asked for", async (rehearsal) => {
    const { stage, id } = await drillAt(rehearsal, "hold");
    const { id: drillId } = await lastDrill(stage);
    const abort = `${SHOP_PATH}/drills/${drillId}/abort`;
    const aborted = await stage.call("POST", abort, { reason: "the phone rings" });
    expect(aborted).toMatchObject({ status: 200, body: { id, status: "aborted" } });
    await stage.alarms();
    await expectOriginal(stage);
    expect(stage.writes()).toHaveLength(1);
    await expectBrokenOff(stage, "the phone rings");
    expect(await stage.call("POST", abort)).toMatchObject({ status: 200, body: { id } });
    expect(await eventsOfType(stage, "drill.aborted")).toHaveLength(1);
    expect((await stage.call("POST", `${SHOP_PATH}/abort`)).status).toBe(409);
    expect((await stage.call("POST", `${SHOP_PATH}/drills/dr_none/abort`)).status).toBe(404);
  });

  it.each(REHEARSALS)(
    "by $method is told when what was before is back, and not before",
    async (rehearsal) => {
      const { stage } = await drillAt(rehearsal, "hold");
      const busy = stage.simulator.faults.add({
        match: { method: "PATCH", times: Number.POSITIVE_INFINITY },
        effect: { kind: "status", status: 500, when: "before" },
      });
      await stage.call("POST", `${SHOP_PATH}/abort`, { reason: "the phone rings" });
      await stage.alarms();
      await stage.minutes(2);
      expect(await aftermath(stage)).toEqual({ restoredAt: null, takenOverBy: null });
      busy.remove();
      await stage.minutes(2);
      await expectOriginal(stage);
      const { restoredAt } = await aftermath(stage);
      expect(Date.parse(restoredAt ?? "")).toBeGreaterThan(stage.now() - 120_000);
      await stage.minutes(1);
      expect(await aftermath(stage)).toEqual({ restoredAt, takenOverBy: null });
    },
  );

  it("is told that a deletion came before it was restored", async () => {
    const { stage, id } = await drillAt(DISABLE, "hold");
    const { id: drillId } = await lastDrill(stage);
    await stage.call("POST", `${SHOP_PATH}/abort`);
    const { revision } = await stage.failover();
    const gone = await stage.call("DELETE", SHOP_PATH, undefined, { "if-match": `"${revision}"` });
    expect(gone.status).toBe(202);
    const { body } = await stage.call("GET", `${SHOP_PATH}/drills/${drillId}`);
    expect(body).toMatchObject({
      operation_id: id,
      report: { times: { restored_at: null }, taken_over_by: `the deletion ${gone.body.id} of admin` },
    });
  });

  it.each(REHEARSALS)("who restarts the service reads by $method when it was restored", async (rehearsal) => {
    const { stage } = await drillAt(rehearsal, "hold");
    await stage.crash();
    for (let looks = 0; looks < 3; looks += 1) {
      await stage.pass(5);
      await stage.alarms();
    }
    await expectOriginal(stage);
    await expectBrokenOff(stage, "the service was restarted");
    expect(await aftermath(stage)).toEqual({ restoredAt: expect.any(String), takenOverBy: null });
  });

  it("has to wait with all else: a promotion, a patch, a delete, another drill", async () => {
    const { stage, id } = await drillAt(REORDER, "hold");
    const { revision } = await stage.failover();
    const headers = { "if-match": `"${revision}"` };
    for (const [method, path, body] of [
      ["POST", `${SHOP_PATH}/promote`, undefined],
      ["POST", `${SHOP_PATH}/drills`, { confirm: "www.example.com" }],
      ["PATCH", SHOP_PATH, { monitor: { path: "/new" } }],
      ["DELETE", `${SHOP_PATH}?override=in-production&reason=x`, undefined],
    ] as const) {
      expect(
        (await stage.call(method, path, body, headers)).status,
        `${method} ${path}`,
      ).toBeGreaterThanOrEqual(409);
    }
    expect(await operationOf(stage, id)).toMatchObject({ status: "running" });
  });

  it("who freezes the fleet ends it, and it is restored all the same", async () => {
    const { stage } = await drillAt(REORDER, "hold");
    await stage.call("POST", "/v1/fleet/freeze", { reason: "black friday" });
    await stage.pass(5);
    await stage.alarms();
    await expectOriginal(stage);
    await expectBrokenOff(stage, "the fleet was frozen");
  });
});

async function expectFailed(stage: Stage, id: string, words: string): Promise<void> {
  const operation = await untilEnded(stage, id);
  expect(operation).toMatchObject({ status: "failed", message: expect.stringContaining(words) });
  expect(await lastDrill(stage)).toMatchObject({
    status: "failed",
    passed: false,
    report: { verdict: "failed", interrupted_by: null, message: expect.stringContaining(words) },
  });
  expect((await eventsOfType(stage, "drill."))[0]).toMatchObject({ type: "drill.failed" });
  await expectOriginal(stage);
  expect((await stage.failover()).leases).toEqual([]);
}

describe("a drill turns back by itself", () => {
  it.each(REHEARSALS)("by $method where the secondary fails during the hold", async (rehearsal) => {
    const { stage, id } = await drillAt(rehearsal, "hold");
    stage.simulator.world.pagesProject("shop").canonicalId = null;
    await expectFailed(stage, id, "the secondary endpoint failed our probe 2 times in a row");
    const { report } = await lastDrill(stage);
    expect(report.hold_seconds).toBeLessThan(20);
    expect(report.times.primary_at).not.toBeNull();
  });

  it("before anything moved, where the secondary fails during the baseline", async () => {
    const stage = await inStage("production");
    const id = await begin(stage, REORDER);
    stage.simulator.world.pagesProject("shop").canonicalId = null;
    await expectFailed(stage, id, "the secondary endpoint failed our probe");
    expect(stage.writes()).toEqual([]);
    expect((await lastDrill(stage)).report).toMatchObject({ deadline_at: null, divert_seconds: null });
  });

  it("where visitors get errors, and the report has them", async () => {
    const { stage, id } = await drillAt(DISABLE, "hold");
    const { cloudflare } = await stage.failover();
    stage.simulator.world.edit("load_balancer", cloudflare.load_balancer_id, { enabled: false });
    await expectFailed(stage, id, "gave 3 bad answers in a row");
    const { errors } = (await lastDrill(stage)).report;
    expect(errors.count).toBeGreaterThanOrEqual(3);
    expect(errors.first[0]).toMatchObject({ step: "hold", failure: "dns" });
  });

  it("but not for a challenge, which says nothing of what visitors get", async () => {
    const { stage, id } = await drillAt(REORDER, "hold");
    const zone = [...stage.simulator.world.zones.values()][0];
    if (zone === undefined) throw new Error("no zone");
    zone.challengesWorkers = true;
    await stage.pass(6);
    await stage.alarms();
    await stage.pass(6);
    await stage.alarms();
    zone.challengesWorkers = false;
    expect(await untilEnded(stage, id)).toMatchObject({ status: "succeeded" });
    const { report } = await lastDrill(stage);
    expect(report.errors.count).toBe(0);
    expect(report.samples).toContainEqual(
      expect.objectContaining({ serving: "unknown", failure: "challenged" }),
    );
  });

  it("where Cloudflare takes no write, and leaves nothing behind", async () => {
    const stage = await inStage("production");
    const id = await begin(stage, REORDER);
    const busy = stage.simulator.faults.add({
      match: { method: "PATCH", times: Number.POSITIVE_INFINITY },
      effect: { kind: "status", status: 500, when: "before" },
    });
    await untilStep(stage, id, "primary serves");
    busy.remove();
    await expectFailed(stage, id, "it could not be diverted");
    expect(await stage.failover()).toMatchObject({ status: { sync: "synced" } });
  });
});
