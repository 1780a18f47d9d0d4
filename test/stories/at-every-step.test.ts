import { afterEach, describe, expect, it, vi } from "vitest";
import {
  currentStep,
  eventsOfType,
  hostnameIn,
  inStage,
  operationOf,
  SHOP_PATH,
  untilEnded,
  visitor,
} from "./rehearsal.ts";
import { UNDRILLED, type Answer, type Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
});

const VISITORS = hostnameIn("production");
const FOR_AN_HOUR = { to: "secondary", expires_in_seconds: 3600, reason: "a new disk" };
const { bake_seconds: _, ...BAKED } = UNDRILLED;

/** What keeps an operation at a step; answers how to let it go. */
const HOLDS: Readonly<Record<string, (stage: Stage) => () => void>> = {
  write: ({ simulator }) => {
    const lost = simulator.faults.add({
      match: { method: "PATCH", path: /load_balancers\/[0-9a-f]+$/, times: Number.POSITIVE_INFINITY },
      effect: { kind: "drop", when: "before" },
    });
    return () => lost.remove();
  },
  "read back": ({ simulator }) => {
    let lift = (): void => undefined;
    // Right before the write it is read as well: that has to succeed.
    simulator.faults.after({ method: "PATCH" }, () => {
      const path = /zones\/[0-9a-f]+\/load_balancers\/[0-9a-f]+$/;
      const unread = simulator.faults.add({
        match: { method: "GET", path, times: Number.POSITIVE_INFINITY },
        effect: { kind: "status", status: 500, when: "before" },
      });
      lift = () => unread.remove();
    });
    return () => lift();
  },
  observe: ({ simulator }) => {
    for (const zone of simulator.world.zones.values()) zone.challengesWorkers = true;
    return () => {
      for (const zone of simulator.world.zones.values()) zone.challengesWorkers = false;
    };
  },
  bake: () => () => undefined,
  "being in force": () => () => undefined,
};

/** Begins it and brings it to this step. */
async function begin(stage: Stage, verb: string, body: object, step: string): Promise<() => void> {
  const release = HOLDS[step]?.(stage) ?? (() => undefined);
  const { status, body: operation } = await stage.call("POST", `${SHOP_PATH}/${verb}`, body);
  expect(status).toBe(202);
  for (let seconds = 0; seconds < 60; seconds += 2) {
    await stage.alarms();
    const now = currentStep(await operationOf(stage, operation.id));
    if (now === step || (now === null && step === "being in force")) return release;
    await stage.pass(2);
  }
  throw new Error(`${verb} did not come to ${step}`);
}

const order = (stage: Stage): string => {
  const [balancer] = stage.simulator.world.loadBalancers.values();
  const name = stage.simulator.world.pools.get(balancer?.default_pools[0] ?? "")?.name;
  return name === "shop-primary" ? "primary" : "secondary";
};

async function switchOver(stage: Stage, to: string): Promise<Answer["body"]> {
  const accepted = await stage.call("POST", `${SHOP_PATH}/switch-over`, { to, reason: "a person says so" });
  expect(accepted).toMatchObject({ status: 202 });
  return untilEnded(stage, accepted.body.id);
}

describe("a person's switch-over wins within one write, and stays", { timeout: 60_000 }, () => {
  it("at the step write of a promotion, which isn't carried out any more", async () => {
    const stage = await inStage("testing");
    const release = await begin(stage, "promote", BAKED, "write");
    release();
    stage.forgetCalls();
    expect(await switchOver(stage, "secondary")).toMatchObject({ status: "succeeded" });
    await stage.minutes(10);
    expect(order(stage)).toBe("secondary");
    expect(stage.writes()).toHaveLength(1);
    expect(await stage.failover()).toMatchObject({ stage: "testing", active: "secondary" });
    expect(await eventsOfType(stage, "failover.promote_reverted")).toHaveLength(1);
  });

  it.each(["read back", "observe", "bake"])("at the step %s of a promotion", async (step) => {
    const stage = await inStage("testing");
    const release = await begin(stage, "promote", BAKED, step);
    release();
    stage.forgetCalls();
    expect(await switchOver(stage, "secondary")).toMatchObject({ status: "succeeded" });
    expect(stage.writes()).toHaveLength(1);
    await stage.minutes(10);
    expect(order(stage)).toBe("secondary");
    expect(visitor(stage, VISITORS)).toBe("secondary");
    expect(stage.writes()).toHaveLength(1);
    expect(await stage.failover()).toMatchObject({ stage: "production", active: "secondary" });
  });

  it.each(["write", "read back", "observe", "being in force"])(
    "at the step %s of a timed switch-over",
    async (step) => {
      const stage = await inStage("production");
      const release = await begin(stage, "switch-over", FOR_AN_HOUR, step);
      release();
      // Not even the first write was made, or it was: then the order needs one more.
      const needed = order(stage) === "primary" ? 0 : 1;
      stage.forgetCalls();
      expect(await switchOver(stage, "primary")).toMatchObject({ status: "succeeded" });
      expect(stage.writes()).toHaveLength(needed);
      await stage.minutes(step === "being in force" ? 65 : 10);
      expect(visitor(stage, VISITORS)).toBe("primary");
      expect(stage.writes()).toHaveLength(needed);
      expect(await stage.failover()).toMatchObject({ active: "primary", leases: [] });
    },
  );

  it("over a timed switch-over to the same endpoint, which then stays beyond the hour", async () => {
    const stage = await inStage("production");
    await begin(stage, "switch-over", FOR_AN_HOUR, "being in force");
    stage.forgetCalls();
    expect(await switchOver(stage, "secondary")).toMatchObject({ status: "succeeded" });
    await stage.minutes(65);
    expect(visitor(stage, VISITORS)).toBe("secondary");
    expect(stage.writes()).toEqual([]);
    expect((await stage.failover()).leases).toEqual([]);
  });
});

describe("a pause", () => {
  it("keeps a promotion that isn't written yet from being carried out by nobody's watch", async () => {
    const stage = await inStage("testing");
    const release = await begin(stage, "promote", BAKED, "write");
    const { status } = await stage.call("POST", `${SHOP_PATH}/pause`, {
      expires_in_seconds: 600,
      reason: "wait",
    });
    expect(status).toBe(200);
    release();
    stage.forgetCalls();
    await stage.minutes(15);
    expect(stage.writes()).toEqual([]);
    expect(await stage.failover()).toMatchObject({ stage: "testing", status: { sync: "synced" } });
    expect(await eventsOfType(stage, "failover.promote_reverted")).toMatchObject([
      { data: { before: { stage: "production" }, after: { stage: "testing" } } },
    ]);
  });
});

describe("a switch-over after which visitors get errors", () => {
  it("is rolled back within half a minute where the endpoint before answers", async () => {
    const stage = await inStage("production");
    const { cloudflare } = await stage.failover();
    const { world, faults } = stage.simulator;
    // Whoever did that did it in the very moment of the switch.
    faults.after({ method: "PATCH" }, () => {
      for (const id of [cloudflare.primary_pool_id, cloudflare.secondary_pool_id])
        world.edit("pool", id, { enabled: false });
    });
    const { body } = await stage.call("POST", `${SHOP_PATH}/switch-over`, {
      to: "secondary",
      reason: "trying",
    });
    for (let seconds = 0; seconds < 40; seconds += 2) {
      await stage.alarms();
      await stage.pass(2);
    }
    const operation = await operationOf(stage, body.id);
    expect(operation).toMatchObject({ status: "failed", result: { active: "primary", rolled_back: true } });
    expect(operation.message).toContain("530");
    expect((await stage.failover()).active).toBe("primary");
  });
});

describe("a timed switch-over whose Coordinator is killed", { timeout: 60_000 }, () => {
  it.each(["write", "read back", "observe", "being in force"])(
    "at the step %s ends by its deadline and a tick",
    async (step) => {
      const stage = await inStage("production");
      const began = stage.now();
      const release = await begin(stage, "switch-over", { ...FOR_AN_HOUR, expires_in_seconds: 600 }, step);
      await stage.crash();
      release();
      while (stage.now() < began + 660_000) await stage.minutes(1);
      expect(order(stage)).toBe("primary");
      expect(visitor(stage, VISITORS)).toBe("primary");
      await stage.minutes(3);
      expect(await stage.failover()).toMatchObject({
        active: "primary",
        leases: [],
        status: { sync: "synced", operation: null },
      });
    },
  );
});

describe("the times of a switch-over", () => {
  /** How long we look again after at most; what is measured may be wrong by that much. */
  const PROBE_INTERVAL_MS = 2_000;

  it("agree with what a visitor saw, within one probe interval", async () => {
    const stage = await inStage("production");
    const { body } = await stage.call("POST", `${SHOP_PATH}/switch-over`, {
      to: "secondary",
      reason: "measured",
    });
    const truth: { at: number; serves: string }[] = [];
    let ended: Answer["body"] = null;
    while (ended === null) {
      await stage.alarms();
      const serves = visitor(stage, VISITORS);
      if (truth.at(-1)?.serves !== serves) truth.push({ at: stage.now(), serves });
      const operation = await operationOf(stage, body.id);
      if (operation.status === "succeeded") ended = operation;
      else await stage.pass(0.5);
    }
    const moved = truth.find(({ serves }) => serves === "secondary")?.at ?? Number.NaN;
    const measured = Date.parse(ended.result.first_response_at);
    expect(Math.abs(measured - moved)).toBeLessThanOrEqual(PROBE_INTERVAL_MS);
    expect(Math.abs(Date.parse(ended.result.acknowledged_at) - moved)).toBeLessThanOrEqual(PROBE_INTERVAL_MS);
    expect(stage.writes()).toHaveLength(1);
  });
});
