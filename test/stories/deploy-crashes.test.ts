import { describe, expect, it } from "vitest";
import { killDuring } from "./adversity.ts";
import {
  announce,
  aWatchedShop,
  deployBroken,
  passWithAlarms,
  PROJECT,
  rollbacks,
  ROLLING_BACK,
  servedId,
  toldOf,
} from "./deploying.ts";

const TIMEOUT_MS = 180_000;

describe("a Coordinator that is killed", () => {
  it.each(["before", "after"] as const)(
    "%s any call, goes on where it was, and tells everything once",
    async (when) => {
      const stage = await aWatchedShop(ROLLING_BACK);
      const good = servedId(stage);
      const broken: string[] = [];
      let reached = 0;
      for (let nth = 1; nth <= 20; nth += 1) {
        const before = (await toldOf(stage)).length;
        const requests = rollbacks(stage);
        const deployment = deployBroken(stage);
        await stage.pass(20);
        const pages = { path: /\/pages\//, nth };
        const outcome = await killDuring(stage, pages, when, async () => {
          await stage.call("POST", "/webhooks/deploys", { pages_project: PROJECT });
          for (let looks = 0; looks < 4; looks += 1) {
            await stage.tick();
            await passWithAlarms(stage, 20);
          }
        });
        // Within two minutes, nobody being asked for anything.
        await stage.minutes(1);
        await passWithAlarms(stage, 60);
        await stage.minutes(1);
        const told = (await toldOf(stage)).slice(0, -before || undefined);
        const types = told.map(({ type }) => type).join(" ");
        if (types !== "standby.rolled_back standby.broken" || servedId(stage) !== good)
          broken.push(
            `call ${nth}: ${types}, ${servedId(stage) === deployment.id ? "still broken" : "served"}`,
          );
        if (rollbacks(stage) - requests > 2)
          broken.push(`call ${nth}: ${rollbacks(stage) - requests} rollbacks`);
        if (outcome === "not reached") break;
        reached = nth;
      }
      expect(broken).toEqual([]);
      expect(reached).toBeGreaterThanOrEqual(4);
    },
    TIMEOUT_MS,
  );

  it("while a deployment settles, goes on looking when it is due", async () => {
    const stage = await aWatchedShop();
    deployBroken(stage);
    await announce(stage);
    for (let seconds = 0; seconds < 20; seconds += 5) {
      // It may have fallen asleep by itself.
      await stage.crash().catch(() => undefined);
      await stage.pass(5);
      await stage.alarms();
    }
    expect((await toldOf(stage)).map(({ type }) => type)).toEqual(["standby.broken"]);
  });
});
