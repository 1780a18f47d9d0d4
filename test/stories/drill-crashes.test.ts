import { describe, expect, it } from "vitest";
import { DRILL_STEPS } from "../../src/failover/drill.ts";
import { killDuring } from "./adversity.ts";
import {
  begin,
  eventsOfType,
  expectOriginal,
  hostnameIn,
  inStage,
  lastDrill,
  REHEARSALS,
  until,
  untilEnded,
  visitor,
  type Rehearsal,
} from "./rehearsal.ts";
import type { Stage } from "./stage.ts";

const TIMEOUT_MS = 180_000;
/** More calls than a drill makes: the loop ends at the first that is not reached. */
const MOST_CALLS = 60;

/** So long a write whose answer was lost keeps others from that object. */
const A_LOST_WRITE_SECONDS = 35;

/** Until the deadline nobody is there; then comes one tick. */
async function oneTickAfterTheDeadline(stage: Stage): Promise<void> {
  const { leases } = await stage.failover();
  const deadline = leases[0] === undefined ? stage.now() + 60_000 : Date.parse(leases[0].expires_at);
  await stage.pass(Math.max(1, Math.ceil((deadline - stage.now()) / 1000)));
  await stage.tick();
}

async function expectInterrupted(stage: Stage, rehearsal: Rehearsal): Promise<void> {
  await expectOriginal(stage);
  const drill = await lastDrill(stage);
  expect(drill).toMatchObject({
    status: "aborted",
    passed: false,
    report: { verdict: "interrupted", interrupted_by: expect.stringContaining("the service was restarted") },
  });
  expect(await stage.failover()).toMatchObject({
    leases: [],
    active: "primary",
    status: { operation: null },
  });
  expect((await eventsOfType(stage, "drill.aborted"))[0]).toMatchObject({ data: { drill_id: drill.id } });
  // A pool that is enabled again has to be found healthy first.
  if (rehearsal.method === "reorder") expect(visitor(stage, hostnameIn(rehearsal.stage))).toBe("primary");
}

const AT_EACH_STEP = REHEARSALS.flatMap((rehearsal) => DRILL_STEPS.map((step) => ({ ...rehearsal, step })));

describe("a drill whose Coordinator is killed", () => {
  it.each(AT_EACH_STEP)(
    "by $method at $step, until after the deadline, is undone by one tick",
    async ({ step, ...rehearsal }) => {
      const stage = await inStage(rehearsal.stage);
      const id = await begin(stage, rehearsal);
      await until(stage, id, step);
      await stage.crash();
      await oneTickAfterTheDeadline(stage);
      await expectInterrupted(stage, rehearsal);
    },
  );

  it.each(AT_EACH_STEP)(
    "by $method at $step, and comes back soon, is undone soon",
    async ({ step, ...rehearsal }) => {
      const stage = await inStage(rehearsal.stage);
      const id = await begin(stage, rehearsal);
      await until(stage, id, step);
      await stage.crash();
      for (let looks = 0; looks < A_LOST_WRITE_SECONDS / 5; looks += 1) {
        await stage.pass(5);
        await stage.alarms();
      }
      await expectInterrupted(stage, rehearsal);
    },
  );

  it.each(
    REHEARSALS.flatMap((rehearsal) => (["before", "after"] as const).map((when) => ({ ...rehearsal, when }))),
  )(
    "by $method, $when any call of Cloudflare's, is undone by one tick after the deadline",
    async ({ when, ...rehearsal }) => {
      const stage = await inStage(rehearsal.stage);
      const broken: string[] = [];
      let reached = 0;
      for (let nth = 1; nth <= MOST_CALLS; nth += 1) {
        const id = await begin(stage, rehearsal);
        const outcome = await killDuring(stage, { nth }, when, () => untilEnded(stage, id));
        if (outcome === "not reached") break;
        reached = nth;
        try {
          await oneTickAfterTheDeadline(stage);
          await expectInterrupted(stage, rehearsal);
        } catch (error) {
          broken.push(`call ${nth}: ${error instanceof Error ? error.message : String(error)}`);
        }
        // Both have to be found healthy again before the next.
        await stage.minutes(3);
      }
      expect(broken).toEqual([]);
      expect(reached).toBeGreaterThanOrEqual(6);
    },
    TIMEOUT_MS,
  );
});
