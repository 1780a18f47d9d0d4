import { afterEach, describe, expect, test } from "vitest";
import { createNarrator, StoryEnds } from "../../scripts/narrator.ts";
import { clearAway, runNpm, type Running } from "./npm.ts";

describe("npm run demo", () => {
  let running: Running | undefined;
  afterEach(() => clearAway(running));

  test("plays the whole story in less than a minute, sees all that it expects, and leaves nothing behind", async () => {
    const since = Date.now();
    running = runNpm(["run", "demo"]);
    const code = await running.ended;
    expect(running.said()).toMatch(/\n(\d+) of \1 observations as expected/);
    expect(code).toBe(0);
    expect(Date.now() - since).toBeLessThan(60_000);
    await expect.poll(() => running?.left(), { timeout: 10_000 }).toEqual([]);
  });

  test("fails and leaves nothing behind when it is stopped in the middle", async () => {
    running = runNpm(["run", "demo"]);
    await running.until("✓", 60_000);
    running.pressCtrlC();
    expect(await running.ended).not.toBe(0);
    expect(running.said()).toContain("The story ended early: stopped by SIGINT");
    await expect.poll(() => running?.left(), { timeout: 10_000 }).toEqual([]);
  });

  test("ends the story at the first observation that is not as expected", async () => {
    const narrator = createNarrator(1, 0);
    await narrator.observe("the stage is", "draft", async () => "draft");
    await expect(narrator.observe("the stage is", "testing", async () => "draft")).rejects.toThrow(StoryEnds);
    expect(narrator.observations.map(({ expected, seen }) => expected === seen)).toEqual([true, false]);
  });
});
