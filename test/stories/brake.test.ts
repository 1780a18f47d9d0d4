import { afterEach, describe, expect, it, vi } from "vitest";
import { createFleet, everyFailover } from "./fleet.ts";
import { setStage, type Answer, type Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
});

async function aFleet(count: number): Promise<Stage> {
  const stage = setStage();
  await createFleet(stage, count);
  await stage.minutes(2);
  stage.forgetCalls();
  return stage;
}

const pools = ({ simulator }: Stage) => [...simulator.world.pools.values()];

/** Somebody's script has raised a threshold in so many failovers' primary pools. */
function spoil(stage: Stage, count: number): void {
  const primaries = pools(stage).filter(({ name }) => name.endsWith("-primary"));
  for (const { id } of primaries.slice(0, count))
    stage.simulator.world.edit("pool", id, { minimum_origins: 0 });
}

const fleet = async (stage: Stage): Promise<Answer["body"]> => (await stage.call("GET", "/v1/fleet")).body;

async function fleetEvents(stage: Stage): Promise<string[]> {
  const { body } = await stage.call("GET", "/v1/events?limit=100");
  return body.items
    .map(({ type }: Answer["body"]) => type)
    .filter((type: string) => type.startsWith("fleet."));
}

describe("a tick that would change too much", () => {
  it("heals as many as are usual, however small the fleet", async () => {
    const stage = await aFleet(12);
    spoil(stage, 10);
    await stage.minutes(1);
    expect(stage.writes()).toHaveLength(10);
    expect((await fleet(stage)).brake).toBeNull();
  });

  it("writes nothing of it until a person agrees to exactly that", { timeout: 120_000 }, async () => {
    const stage = await aFleet(12);
    spoil(stage, 11);
    await stage.minutes(2);
    expect(stage.writes()).toEqual([]);
    const { brake, sync } = await fleet(stage);
    expect(brake).toMatchObject({ message: "11 of 12 failovers would be healed at once" });
    expect(brake.plans).toHaveLength(11);
    expect(sync).toMatchObject({ drifted: 11, synced: 1 });
    const held = [...(await everyFailover(stage)).values()].find(({ status }) => status.sync === "drifted");
    expect(held?.status.message).toContain(brake.id);
    const { body: plan } = await stage.call("GET", `/v1/failovers/${brake.plans[0].failover_id}/plan`);
    expect(plan.id).toBe(brake.plans[0].plan_id);

    const agree = (id: string) =>
      stage.call("POST", "/v1/fleet/agree", { brake_id: id, reason: "it was our own script" });
    expect((await agree("br_another")).status).toBe(409);
    // What is seen by now is another plan than the one that somebody looked at.
    spoil(stage, 12);
    await stage.minutes(1);
    expect((await agree(brake.id)).status).toBe(409);
    const { brake: another } = await fleet(stage);
    expect((await agree(another.id)).body).toEqual({ failovers: 12 });
    await stage.minutes(1);
    expect(stage.writes()).toHaveLength(12);
    await stage.minutes(1);
    expect(await fleet(stage)).toMatchObject({ brake: null, sync: { synced: 12 } });
    expect(await fleetEvents(stage)).toEqual(["fleet.brake_agreed", "fleet.braked", "fleet.braked"]);
  });

  it("lets go by itself once it is less, and stops no person meanwhile", { timeout: 120_000 }, async () => {
    const stage = await aFleet(12);
    spoil(stage, 11);
    await stage.minutes(1);
    const [first] = [...(await everyFailover(stage)).values()].filter(
      ({ status }) => status.sync === "drifted",
    );
    expect(await stage.operate("POST", `/v1/failovers/${first?.id}/reconcile`)).toMatchObject({
      status: "succeeded",
    });
    expect(stage.writes()).toHaveLength(1);
    await stage.minutes(1);
    expect(stage.writes()).toHaveLength(11);
    expect((await fleet(stage)).brake).toBeNull();
    expect(await fleetEvents(stage)).toEqual(["fleet.brake_released", "fleet.braked"]);
  });

  it("creates objects of no more than two failovers again", { timeout: 120_000 }, async () => {
    const stage = await aFleet(4);
    const balancers = [...stage.simulator.world.loadBalancers.values()];
    for (const { id } of balancers.slice(0, 3)) stage.simulator.world.remove("load_balancer", id);
    await stage.minutes(2);
    expect(stage.writes()).toEqual([]);
    const { brake } = await fleet(stage);
    expect(brake.message).toBe("objects of 3 failovers would be created again at once");
    const request = { brake_id: brake.id, reason: "deleted by mistake" };
    expect((await stage.call("POST", "/v1/fleet/agree", request)).status).toBe(200);
    await stage.minutes(1);
    expect(stage.writes()).toHaveLength(3);
    expect(stage.simulator.world.loadBalancers.size).toBe(4);
  });
});
