import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import {
  expectAsWanted,
  expectNothingLeft,
  expectToStay,
  killDuring,
  setAdversity,
  untilEnded,
  untilSettled,
  type Adversity,
  type IsTheCall,
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

async function rowsWritten(): Promise<number> {
  const row = await env.DB.prepare("SELECT total_changes() AS rows").first<{ rows: number }>();
  return row?.rows ?? 0;
}

/**
 * The nth moment at which a crash leaves something else behind than it did before: a write arrives, a write was
 * answered, something was stored. Reads between which nothing of that lies are one moment.
 */
async function nthMoment(nth: number): Promise<IsTheCall> {
  // The local D1 counts a statement itself as a row, at most.
  const from = await rowsWritten();
  const asking = Math.min(1, (await rowsWritten()) - from);
  let moments = 0;
  let before = { rows: -Infinity, write: false };
  return async ({ write }) => {
    const now = { rows: await rowsWritten(), write };
    const isNew = write || before.write || now.rows - before.rows > asking;
    before = now;
    return isNew && (moments += 1) === nth;
  };
}

async function nthWrite(nth: number): Promise<IsTheCall> {
  let writes = 0;
  return ({ write }) => write && (writes += 1) === nth;
}

/** Kills the Coordinator in the middle of a step; answers whether the step came as far as that call. */
async function crashAt(
  world: Adversity,
  step: Step,
  when: "before" | "after",
  isTheCall: IsTheCall,
): Promise<boolean> {
  const { stage } = world;
  await step.arrange(world);
  const outcome = await killDuring(stage, isTheCall, when, async () => {
    await step.act(world);
    await stage.alarms();
  });
  await stage.alarms();
  await stage.minutes(1);
  await untilQuiet(world);
  await untilSettled(world);
  const { status } = await stage.call("GET", "/v1/failovers/shop");
  // A crash before anything was stored leaves everything as it was, and whoever asked was told so.
  const wasStored = step.removes ? status === 404 : status === 200;
  if (wasStored) await step.verify(world, null);
  else if (status === 200) await expectAsWanted(world);
  else expectNothingLeft(world);
  return outcome === "killed";
}

const MOMENTS = [
  { moment: "as any call arrives", when: "before", nthCall: nthMoment },
  { moment: "after any write took effect", when: "after", nthCall: nthWrite },
] as const;

describe("a Coordinator that falls over", () => {
  it.each(STEPS.flatMap((step) => MOMENTS.map((one) => ({ step, ...one, name: step.name }))))(
    "leaves nothing half done: $name, $moment",
    async ({ step, when, nthCall }) => {
      const world = await setAdversity();
      const broken: string[] = [];
      let reached = 0;
      for (let nth = 1; nth <= MOST_CALLS; nth += 1) {
        try {
          if (!(await crashAt(world, step, when, await nthCall(nth)))) break;
          reached = nth;
        } catch (error) {
          broken.push(`call ${nth}: ${error instanceof Error ? error.message : String(error)}`);
          await world.startAnew();
        }
      }
      await expectToStay(world).catch((error: unknown) => broken.push(`in the end: ${String(error)}`));
      expect(broken).toEqual([]);
      expect(reached).toBeGreaterThanOrEqual(step.writes);
    },
    TIMEOUT_MS,
  );
});
