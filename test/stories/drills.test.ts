import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { guardDrill, hashOfContent } from "../../src/failover/drill-evidence.ts";
import { findPassedDrill } from "../../src/store/drills.ts";
import {
  begin,
  eventsOfType,
  expectOriginal,
  hostnameIn,
  inStage,
  lastDrill,
  REHEARSALS,
  SHOP_PATH,
  untilEnded,
  visitor,
} from "./rehearsal.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** How long we look again after at most; what is measured may be wrong by that much. */
const PROBE_INTERVAL_MS = 2_000;
const millisecondsOf = (instant: string) => Date.parse(instant);

describe("a drill", () => {
  it.each(REHEARSALS)(
    "that goes well by $method takes two writes, and measures what a visitor saw",
    async (rehearsal) => {
      const stage = await inStage(rehearsal.stage);
      const hostname = hostnameIn(rehearsal.stage);
      const { revision } = await stage.failover();
      const id = await begin(stage, rehearsal, { reason: "quarterly rehearsal" });
      const truth: { at: number; serves: string }[] = [];
      for (let seconds = 0; seconds < 180; seconds += 1) {
        await stage.alarms();
        const serves = visitor(stage, hostname);
        if (truth.at(-1)?.serves !== serves) truth.push({ at: stage.now(), serves });
        await stage.pass(1);
        if (seconds % 60 === 59) await stage.tick();
      }
      const operation = await untilEnded(stage, id);
      expect(operation).toMatchObject({
        status: "succeeded",
        result: { passed: true, evidence: "observed" },
      });
      expect(truth.map(({ serves }) => serves)).toEqual(["primary", "secondary", "primary"]);

      const { cloudflare } = await stage.failover();
      const path =
        rehearsal.method === "reorder"
          ? `/zones/20000000000000000000000000000001/load_balancers/${cloudflare.load_balancer_id}`
          : `/accounts/a0000000000000000000000000000001/load_balancers/pools/${cloudflare.primary_pool_id}`;
      expect(stage.writes()).toEqual([`PATCH ${path}`, `PATCH ${path}`]);

      const drill = await lastDrill(stage);
      expect(drill).toMatchObject({
        operation_id: id,
        status: "succeeded",
        passed: true,
        ...rehearsal,
        report: {
          verdict: "passed",
          interrupted_by: null,
          hostname,
          asked_by: { kind: "token" },
          reason: "quarterly rehearsal",
          evidence: "observed",
          errors: { count: 0, first: [] },
        },
      });
      const { times, divert_seconds, hold_seconds, restore_seconds } = drill.report;
      const [, diverted, restored] = truth;
      const off = (instant: string, at: number | undefined) => Math.abs(millisecondsOf(instant) - (at ?? 0));
      expect(off(times.secondary_at, diverted?.at)).toBeLessThanOrEqual(PROBE_INTERVAL_MS);
      expect(off(times.primary_at, restored?.at)).toBeLessThanOrEqual(PROBE_INTERVAL_MS);
      expect(divert_seconds).toBeLessThanOrEqual(2);
      expect(Math.abs(hold_seconds - 20)).toBeLessThanOrEqual(2);
      const returned = ((restored?.at ?? 0) - millisecondsOf(times.restored_at)) / 1000;
      expect(Math.abs(restore_seconds - returned)).toBeLessThanOrEqual(2);
      expect(drill.report.samples.map(({ serving }: { serving: string }) => serving)).toEqual(
        truth.map(({ serves }) => serves),
      );

      await expectOriginal(stage);
      expect(await stage.failover()).toMatchObject({
        active: "primary",
        leases: [],
        revision,
        status: { sync: "synced" },
      });
      expect((await eventsOfType(stage, "drill.")).map(({ type }) => type)).toEqual([
        "drill.passed",
        "drill.started",
      ]);
      expect(await eventsOfType(stage, "drift.")).toEqual([]);
      expect(await stage.call("GET", `${SHOP_PATH}/drills/${drill.id}`)).toMatchObject({
        status: 200,
        body: drill,
      });
    },
  );

  it("leaves nothing latched where failback isn't automatic, however long the primary's checks take", async () => {
    const stage = await inStage("testing");
    const { revision } = await stage.failover();
    const manual = { failback: { mode: "manual" } };
    await stage.call("PATCH", SHOP_PATH, manual, { "if-match": `"${revision}"` });
    await stage.minutes(6);
    const id = await begin(stage, { method: "disable-primary", stage: "testing" });
    expect(await untilEnded(stage, id)).toMatchObject({ status: "succeeded" });
    const { report } = await lastDrill(stage);
    // Five checks in a row, a minute apart.
    expect(report.restore_seconds).toBeGreaterThan(240);
    expect(report.hold_seconds).toBeLessThanOrEqual(22);
    await stage.minutes(3);
    expect(await stage.failover()).toMatchObject({ active: "primary", status: { serving: "primary" } });
    expect(await eventsOfType(stage, "failover.latched")).toEqual([]);
  });

  it("that passed is evidence for its spec's content, and for no other", async () => {
    const stage = await inStage("testing");
    const evidence = async () => {
      const { id, spec } = await stage.failover();
      const hash = hashOfContent(spec);
      return guardDrill(hash, await findPassedDrill(env.DB, id, hash));
    };
    const patch = async (body: object) => {
      const { revision } = await stage.failover();
      const answer = await stage.call("PATCH", SHOP_PATH, body, { "if-match": `"${revision}"` });
      expect(answer.status).toBe(200);
      await stage.minutes(3);
    };
    expect(await evidence()).toMatchObject([{ facts: { last_passed: null } }]);
    await untilEnded(stage, await begin(stage, { method: "reorder", stage: "testing" }));
    await begin(stage, { method: "reorder", stage: "testing" });
    await stage.call("POST", `${SHOP_PATH}/abort`);
    await stage.alarms();
    expect(await evidence()).toEqual([]);
    await patch({ monitor: { path: "/health" } });
    expect(await evidence()).toMatchObject([{ facts: { last_passed: { id: expect.any(String) } } }]);
    await untilEnded(stage, await begin(stage, { method: "reorder", stage: "testing" }));
    expect(await evidence()).toEqual([]);
    await patch({ monitor: { path: "/" } });
    expect(await evidence()).toEqual([]);
  });
});
