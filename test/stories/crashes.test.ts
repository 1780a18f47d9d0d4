import { describe, expect, it } from "vitest";
import {
  expectAsWanted,
  expectNothingLeft,
  killDuring,
  setAdversity,
  untilEnded,
  type Adversity,
} from "./adversity.ts";
import { STEPS, type Step } from "./life.ts";

const TIMEOUT_MS = 180_000;
/** More calls than any step makes: the loop ends at the first that is not reached. */
const MOST_CALLS = 60;

/** An operation that was begun goes on by itself: whoever asked may have lost the answer with the crash. */
async function untilQuiet({ stage }: Adversity): Promise<void> {
  for (let minutes = 0; minutes < 12; minutes += 1) {
    const { status, body } = await stage.call("GET", "/v1/failovers/shop");
    if (status === 404) return;
    if (body.status.operation === null) return;
    await untilEnded(stage, body.status.operation.id ?? body.status.operation);
  }
  throw new Error("an operation is still under way");
}

/** Kills the Coordinator at the nth call of a step: once as the call arrives, once after it took effect. */
async function crashAt(
  world: Adversity,
  step: Step,
  nth: number,
  when: "before" | "after",
): Promise<boolean> {
  const { stage } = world;
  await step.arrange(world);
  const outcome = await killDuring(stage, { nth }, when, async () => {
    await step.act(world);
    await stage.alarms();
  });
  await stage.alarms();
  await stage.minutes(1);
  await untilQuiet(world);
  await stage.minutes(2);
  const { status } = await stage.call("GET", "/v1/failovers/shop");
  // A crash before anything was stored leaves everything as it was, and whoever asked was told so.
  const wasStored = step.removes ? status === 404 : status === 200;
  if (wasStored) await step.verify(world, null);
  else if (status === 200) await expectAsWanted(world);
  else expectNothingLeft(world);
  return outcome === "killed";
}

describe("a Coordinator that falls over", () => {
  it.each(
    STEPS.flatMap((step) => (["before", "after"] as const).map((when) => ({ step, when, name: step.name }))),
  )(
    "leaves nothing half done, at whichever call it happens: $name, $when the call",
    async ({ step, when }) => {
      const world = await setAdversity();
      const broken: string[] = [];
      let reached = 0;
      for (let nth = 1; nth <= MOST_CALLS; nth += 1) {
        try {
          if (!(await crashAt(world, step, nth, when))) break;
          reached = nth;
        } catch (error) {
          broken.push(`call ${nth}: ${error instanceof Error ? error.message : String(error)}`);
          await world.startAnew();
        }
      }
      expect(broken).toEqual([]);
      expect(reached).toBeGreaterThanOrEqual(step.writes);
    },
    TIMEOUT_MS,
  );
});
