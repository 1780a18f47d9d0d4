// Leads one step of the life again and again, each time with another of its writes spoiled in another way.
import { expect } from "vitest";
import type { Effect } from "../simulator/simulator.ts";
import { expectToStay, setAdversity, untilEnded, untilSettled, type Adversity } from "./adversity.ts";
import type { Step } from "./life.ts";

async function suffer(world: Adversity, step: Step, nth: number, effect: Effect): Promise<void> {
  const { stage } = world;
  await step.arrange(world);
  const fault = stage.simulator.faults.add({ match: { method: step.method, nth }, effect });
  const id = await step.act(world);
  const operation = id === null ? null : await untilEnded(stage, id);
  expect(fault.hits, "the fault was not met").toBe(1);
  stage.simulator.faults.clear();
  if (operation !== null) expect(operation).toMatchObject({ status: "succeeded" });
  // What was sent and not lost may land until then.
  const lateUntil = effect.kind === "late" ? effect.landsAfterMs / 1000 : 0;
  const blockedFor = effect.kind === "rate-limit" ? (effect.retryAfterSeconds ?? 300) : 0;
  await stage.pass(lateUntil + blockedFor);
  await untilSettled(world);
  await step.verify(world, operation);
}

/** What broke, as sentences; empty where everything held. */
export async function endure(step: Step, effects: Readonly<Record<string, Effect>>): Promise<string[]> {
  const broken: string[] = [];
  const world = await setAdversity();
  for (const [name, effect] of Object.entries(effects)) {
    for (let nth = 1; nth <= step.writes; nth += 1) {
      try {
        await suffer(world, step, nth, effect);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        broken.push(`${step.name}, write ${nth}, ${name}: ${why}`);
        await world.startAnew();
      }
    }
  }
  await expectToStay(world).catch((error: unknown) => broken.push(`in the end: ${String(error)}`));
  return broken;
}
