import { describe, expect, it } from "vitest";
import type { Effect } from "../simulator/simulator.ts";
import { expectAsWanted, expectNothingLeft, setAdversity, untilEnded, type Adversity } from "./adversity.ts";
import { endure } from "./endure.ts";
import { accepted, bringTo, STEPS } from "./life.ts";
import { SHOP } from "./stage.ts";

const TIMEOUT_MS = 180_000;

const late = (seconds: number): Effect => ({ kind: "late", landsAfterMs: seconds * 1000 });
const delays = (...all: readonly number[]) =>
  Object.fromEntries(all.map((seconds) => [`${seconds} s late`, late(seconds)]));
/** Before and after the deadline of an intent, which is 60 s: each write meets both, and its neighbour others. */
const [EVEN, ODD] = [delays(5, 45, 150), delays(25, 90)];

/** A PATCH of the load balancer that nobody hears of, and that takes effect so much later. */
function delayPatch({ stage }: Adversity, seconds: number): void {
  stage.simulator.faults.add({ match: { method: "PATCH", path: "/load_balancers" }, effect: late(seconds) });
}

async function moved(world: Adversity, verb: "promote" | "demote"): Promise<void> {
  const ended = await untilEnded(world.stage, await accepted(world, "POST", `/v1/failovers/shop/${verb}`));
  expect(ended).toMatchObject({ status: "succeeded" });
}

describe("a write that lands late", () => {
  it.each(STEPS)(
    "leaves everything as wanted, whichever write it is and however late: $name",
    async (step) => expect(await endure(step, STEPS.indexOf(step) % 2 === 0 ? EVEN : ODD)).toEqual([]),
    TIMEOUT_MS,
  );

  it("is undone within a tick where it brings back in production what was wanted before", async () => {
    const world = await setAdversity();
    await bringTo(world, "production");
    delayPatch(world, 120);
    await moved(world, "demote");
    await moved(world, "promote");
    expect((await world.stage.failover()).stage).toBe("production");
    await world.stage.pass(180);
    const { load_balancer_id } = (await world.stage.failover()).cloudflare;
    const object = () => world.stage.simulator.world.loadBalancers.get(load_balancer_id);
    expect(object()).toMatchObject({ name: "lb-shop.example.com" });
    await world.stage.minutes(1);
    expect(object()).toMatchObject({ name: "www.example.com" });
    await world.stage.minutes(2);
    await expectAsWanted(world);
  });

  it("is undone by a failover that only reports what others do, because it is no other's doing", async () => {
    const world = await setAdversity();
    await world.stage.ready({ ...SHOP, drift: "report" });
    const patch = async (path: string) => {
      const { revision } = await world.stage.failover();
      const headers = { "if-match": `"${revision}"` };
      const body = { monitor: { path } };
      expect((await world.stage.call("PATCH", "/v1/failovers/shop", body, headers)).status).toBe(200);
      await world.stage.alarms();
    };
    world.stage.simulator.faults.add({ match: { method: "PATCH", path: "/monitors" }, effect: late(90) });
    await patch("/first");
    await world.stage.pass(40);
    await world.stage.alarms();
    await patch("/");
    await world.stage.minutes(4);
    await expectAsWanted(world);
  });

  it.each(["monitors", "pools", "load_balancers"])(
    "leaves nothing behind where one of the creates of %s lands after the failover was deleted",
    async (kind) => {
      const world = await setAdversity();
      const { stage } = world;
      stage.simulator.faults.add({
        match: { method: "POST", path: new RegExp(`${kind}$`) },
        effect: late(150),
      });
      expect((await stage.call("POST", "/v1/failovers", SHOP)).status).toBe(201);
      await stage.alarms();
      const gone = await untilEnded(stage, await accepted(world, "DELETE", "/v1/failovers/shop"));
      expect(gone).toMatchObject({ status: "succeeded" });
      await stage.pass(150);
      await stage.minutes(3);
      expectNothingLeft(world);
    },
  );
});
