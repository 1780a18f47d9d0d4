import { describe, expect, it } from "vitest";
import { preferredWaitSeconds } from "../../src/api/prefer.ts";
import { operationSchema } from "../../src/api/schemas.ts";
import type { OperationStatus } from "../../src/failover/results.ts";
import { anOperation, NOON } from "./builders.ts";
import { inMemoryService } from "./in-memory-service.ts";

describe("an operation", () => {
  it("has the members of the contract and nothing of its inner state", async () => {
    const { ask } = inMemoryService();
    const body = await (await ask("/v1/operations/op_abc")).json();
    expect(body).toEqual({
      id: "op_abc",
      kind: "promote",
      failover_id: "fo_abc",
      status: "running",
      message: "Waiting for both pools to be healthy.",
      steps: [
        {
          name: "enable",
          status: "succeeded",
          started_at: "2026-11-23T12:00:00.000Z",
          finished_at: "2026-11-23T12:00:00.900Z",
          detail: "read back",
        },
        {
          name: "bake",
          status: "running",
          started_at: "2026-11-23T12:00:00.900Z",
          finished_at: null,
          detail: null,
        },
        { name: "verify", status: "pending", started_at: null, finished_at: null, detail: null },
      ],
      progress: { done: 1, total: 3 },
      refusals: [],
      result: null,
      approval: null,
      deadline_at: "2026-11-23T12:10:00.000Z",
      created_at: "2026-11-23T12:00:00.000Z",
      finished_at: null,
    });
    expect(operationSchema.parse(body)).toEqual(body);
  });

  it("is a 404 where there is none", async () => {
    const { ask } = inMemoryService();
    expect((await ask("/v1/operations/op_none")).status).toBe(404);
  });
});

describe("a preferred wait", () => {
  it.each([
    [undefined, null],
    ["wait=5", 5],
    ["respond-async, wait=10", 10],
    ['WAIT = "7"', 7],
    ["wait=0", 0],
    ["wait=3600", 60],
    ["wait=99999999999", null],
    ["wait=-1", null],
    ["wait=soon", null],
    ["waiter=5", null],
  ])("of %j is %j", (header, seconds) => {
    expect(preferredWaitSeconds(header)).toBe(seconds);
  });
});

async function promote(prefer: string, endsAtMs: number, status: OperationStatus = "succeeded") {
  const { world, ask } = inMemoryService();
  world.whenSlept = () => {
    if (world.now - NOON >= endsAtMs)
      world.operations = [anOperation({ status, result: { evidence: "seen" } })];
  };
  const answer = await ask("/v1/failovers/shop/promote", { method: "POST", headers: { prefer } });
  return { world, answer, waitedMs: world.now - NOON };
}

describe("waiting for an accepted operation", () => {
  it("answers 200 as soon as it has ended", async () => {
    const { answer, waitedMs } = await promote("wait=30", 2_000);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("preference-applied")).toBe("wait=30");
    expect(answer.headers.get("location")).toBe("/v1/operations/op_abc");
    expect(await answer.json()).toMatchObject({ status: "succeeded", result: { evidence: "seen" } });
    expect(waitedMs).toBe(2_000);
  });

  it.each(["failed", "aborted"] as const)("answers 200 when it %s, too", async (status) => {
    const { answer } = await promote("wait=30", 1_000, status);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ status });
  });

  it("answers 202 once the wait is over", async () => {
    const { answer, waitedMs } = await promote("wait=3", 10_000);
    expect(answer.status).toBe(202);
    expect(answer.headers.get("preference-applied")).toBe("wait=3");
    expect(await answer.json()).toMatchObject({ status: "running" });
    expect(waitedMs).toBe(3_000);
  });

  it("waits a minute at most and says so", async () => {
    const { answer, waitedMs } = await promote("wait=3600", Infinity);
    expect(answer.headers.get("preference-applied")).toBe("wait=60");
    expect(waitedMs).toBe(60_000);
  });

  it("doesn't wait unless asked to", async () => {
    const { world, answer } = await promote("respond-async", 1_000);
    expect(answer.status).toBe(202);
    expect(answer.headers.get("preference-applied")).toBeNull();
    expect(world.slept).toEqual([]);
  });

  it("is possible on the operation itself", async () => {
    const { world, ask } = inMemoryService();
    world.whenSlept = () => {
      world.operations = [anOperation({ status: "succeeded" })];
    };
    const answer = await ask("/v1/operations/op_abc", { headers: { prefer: "wait=5" } });
    expect(await answer.json()).toMatchObject({ status: "succeeded" });
    expect(answer.headers.get("preference-applied")).toBe("wait=5");
  });
});
