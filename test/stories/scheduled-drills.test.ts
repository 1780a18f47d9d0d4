import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createFleet } from "./fleet.ts";
import {
  eventsOfType,
  expectOriginal,
  inStage,
  lastDrill,
  SHOP_PATH,
  untilEnded,
  visitor,
  type Playing,
} from "./rehearsal.ts";
import { countRowsWritten } from "./rows-written.ts";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** Stories begin on a Monday at midnight. */
const NIGHT = { days: ["tue"], from: "03:00", to: "05:00", time_zone: "Europe/Berlin" };
const OPENS = Date.UTC(2035, 0, 2, 2);
const CLOSES = Date.UTC(2035, 0, 2, 4);
const WEEK_MS = 7 * 86_400_000;
const MINUTE_MS = 60_000;
const CONFIRMED = { windows: [NIGHT], hold_seconds: 10, confirm: "www.example.com" };

const withSchedule = (playing: Playing, schedule: object = CONFIRMED) =>
  inStage(playing, { ...SHOP, drills: { schedule } });

/** The clock jumps: nobody was there meanwhile. Then come three ticks, after which all is known again. */
async function jumpTo(stage: Stage, instant: number): Promise<void> {
  await stage.pass((instant - 3 * MINUTE_MS - stage.now()) / 1000);
  await stage.minutes(3);
}

async function drills(stage: Stage): Promise<Answer["body"][]> {
  return (await stage.call("GET", `${SHOP_PATH}/drills`)).body.items;
}

/** The scheduled drill that is under way, taken to its end. */
async function finish(stage: Stage): Promise<Answer["body"]> {
  const drill = await lastDrill(stage);
  await untilEnded(stage, drill.operation_id);
  return lastDrill(stage);
}

const skipped = (stage: Stage) => eventsOfType(stage, "drill.skipped");

describe("a scheduled drill", () => {
  it.each([
    { playing: "production", method: "reorder" },
    { playing: "testing", method: "disable-primary" },
  ] as const)(
    "in $playing takes place once a week, by $method, and says who asked",
    async ({ playing, method }) => {
      const stage = await withSchedule(playing);
      const schedule = { schedule: { ...CONFIRMED } };
      expect((await stage.failover()).spec.drills).toEqual(schedule);
      expect((await stage.failover()).status.next_drill_at).toBe(new Date(OPENS).toISOString());
      for (let week = 0; week < 2; week += 1) {
        await jumpTo(stage, OPENS + week * WEEK_MS);
        const drill = await finish(stage);
        expect(drill).toMatchObject({
          status: "succeeded",
          scheduled: true,
          method,
          report: {
            asked_by: { kind: "cron", name: "schedule" },
            requested_hold_seconds: 10,
            window: {
              opens_at: new Date(OPENS + week * WEEK_MS).toISOString(),
              closes_at: new Date(CLOSES + week * WEEK_MS).toISOString(),
            },
          },
        });
        expect(await drills(stage)).toHaveLength(week + 1);
        await stage.minutes(3);
        expect((await stage.failover()).status.next_drill_at).toBe(
          new Date(OPENS + (week + 1) * WEEK_MS).toISOString(),
        );
        await jumpTo(stage, CLOSES + week * WEEK_MS + 10 * MINUTE_MS);
      }
      expect(await drills(stage)).toHaveLength(2);
      expect(await skipped(stage)).toEqual([]);
      const [passed] = await eventsOfType(stage, "drill.passed");
      expect(passed).toMatchObject({
        actor: { kind: "cron", name: "schedule" },
        data: { scheduled: true, window: { opens_at: expect.any(String) } },
      });
      await expectOriginal(stage);
    },
  );

  it("is held back while an endpoint is unhealthy, and takes place in the same window afterwards", async () => {
    const stage = await withSchedule("production");
    stage.simulator.world.pagesProject("shop").canonicalId = null;
    await jumpTo(stage, OPENS + 5 * MINUTE_MS);
    await stage.minutes(5);
    const { status } = await stage.failover();
    expect(status.message).toContain("is held back: Cloudflare finds the secondary endpoint unhealthy");
    expect(status.next_drill_at).toBe(new Date(OPENS).toISOString());
    expect(await drills(stage)).toEqual([]);
    const project = stage.simulator.world.pagesProject("shop");
    project.canonicalId = project.deployments[0]?.id ?? null;
    await stage.minutes(4);
    expect(await finish(stage)).toMatchObject({ status: "succeeded", scheduled: true });
    await jumpTo(stage, CLOSES + 10 * MINUTE_MS);
    expect(await skipped(stage)).toEqual([]);
    expect(await drills(stage)).toHaveLength(1);
  });

  it("is skipped with one event and all its reasons where something is in its way until it fits no more", async () => {
    const stage = await withSchedule("production");
    await jumpTo(stage, OPENS - 10 * MINUTE_MS);
    await stage.call("POST", `${SHOP_PATH}/pause`, { expires_in_seconds: 3600, reason: "a visit" });
    await jumpTo(stage, OPENS + 2 * MINUTE_MS);
    await stage.call("POST", "/v1/fleet/freeze", { reason: "audit" });
    await stage.minutes(3);
    await jumpTo(stage, OPENS + 100 * MINUTE_MS);
    expect(await skipped(stage)).toEqual([]);
    await jumpTo(stage, CLOSES + 5 * MINUTE_MS);
    await stage.minutes(5);
    expect(await skipped(stage)).toMatchObject([
      {
        actor: { kind: "cron", name: "schedule" },
        data: {
          window: { opens_at: new Date(OPENS).toISOString() },
          message: expect.stringContaining("did not take place"),
          held_back: [
            { guard: "lease-in-force", facts: { kind: "pause", reason: "a visit" } },
            { guard: "frozen", facts: { reason: "audit" } },
          ],
        },
      },
    ]);
    expect(await drills(stage)).toEqual([]);
    expect(stage.writes()).toEqual([]);
  });

  it("moves nobody in production without the hostname as its confirmation, and says so each week", async () => {
    const stage = await withSchedule("production", { windows: [NIGHT] });
    for (const week of [0, 1]) {
      await jumpTo(stage, OPENS + week * WEEK_MS + 2 * MINUTE_MS);
      await jumpTo(stage, CLOSES + week * WEEK_MS);
    }
    expect(await skipped(stage)).toHaveLength(2);
    expect((await skipped(stage))[0]).toMatchObject({
      data: { held_back: [{ guard: null, message: expect.stringContaining("drills.schedule.confirm") }] },
    });
    expect(await drills(stage)).toEqual([]);
    expect((await stage.failover()).status.next_drill_at).toBeNull();
    const { revision } = await stage.failover();
    const patch = (body: object) => stage.call("PATCH", SHOP_PATH, body, { "if-match": `"${revision}"` });
    const wrong = await patch({ drills: { schedule: { confirm: "lb-shop.example.com" } } });
    expect(wrong).toMatchObject({ status: 422, body: { errors: [{ pointer: "/drills/schedule/confirm" }] } });
    expect((await patch({ drills: { schedule: { confirm: "www.example.com" } } })).status).toBe(200);
    await jumpTo(stage, OPENS + 2 * WEEK_MS + MINUTE_MS);
    expect(await finish(stage)).toMatchObject({ status: "succeeded", stage: "production" });
    await stage.call("PATCH", SHOP_PATH, { drills: null }, { "if-match": `"${revision + 1}"` });
    expect((await stage.failover()).spec.drills).toEqual({ schedule: null });
    await jumpTo(stage, OPENS + 3 * WEEK_MS + MINUTE_MS);
    expect(await drills(stage)).toHaveLength(1);
  });

  it("has one for each window, whatever is restarted, killed or lost, and a drill by hand is none of them", async () => {
    const stage = await withSchedule("production");
    await jumpTo(stage, OPENS - 20 * MINUTE_MS);
    const byHand = await stage.call("POST", `${SHOP_PATH}/drills`, { confirm: "www.example.com" });
    await untilEnded(stage, byHand.body.id);
    await jumpTo(stage, OPENS + MINUTE_MS);
    expect(await drills(stage)).toMatchObject([{ scheduled: true, status: "running" }, { scheduled: false }]);
    await stage.crash();
    await stage.minutes(5);
    expect(await lastDrill(stage)).toMatchObject({ status: "aborted", scheduled: true });
    for (let minutes = 0; minutes < 3; minutes += 1) {
      await stage.crash();
      await stage.minutes(1);
    }
    await jumpTo(stage, CLOSES);
    expect(await drills(stage)).toHaveLength(2);
    expect(await skipped(stage)).toEqual([]);
    await expectOriginal(stage);
    expect(visitor(stage, "www.example.com")).toBe("primary");
    // What begins and what remembers it are one: where the one could not be written, neither was.
    await env.DB.exec(
      "CREATE TRIGGER no_memory BEFORE UPDATE OF drill_opening ON failovers BEGIN SELECT RAISE(ABORT, 'lost'); END",
    );
    await jumpTo(stage, OPENS + WEEK_MS + 3 * MINUTE_MS);
    expect(await drills(stage)).toHaveLength(2);
    await env.DB.exec("DROP TRIGGER no_memory");
    await stage.minutes(1);
    expect(await finish(stage)).toMatchObject({ status: "succeeded", scheduled: true });
    expect(await drills(stage)).toHaveLength(3);
  });

  it("that nobody was there for is skipped too", async () => {
    const stage = await withSchedule("production");
    await jumpTo(stage, CLOSES + 30 * MINUTE_MS);
    await stage.minutes(2);
    expect(await skipped(stage)).toMatchObject([
      { data: { message: expect.stringContaining("the service did not run") } },
    ]);
  });

  it("costs no call and no row while none is due", async () => {
    const stage = await withSchedule("production");
    const rowsWritten = await countRowsWritten();
    const threeMinutes = async () => {
      stage.forgetCalls();
      await stage.minutes(3);
      const { failovers = 0, events = 0, operations = 0 } = await rowsWritten();
      return { calls: stage.simulator.calls.length, failovers, events, operations };
    };
    const before = await threeMinutes();
    const { revision } = await stage.failover();
    await stage.call("PATCH", SHOP_PATH, { drills: null }, { "if-match": `"${revision}"` });
    await stage.minutes(3);
    await rowsWritten();
    expect(await threeMinutes()).toEqual(before);
    expect(before).toMatchObject({ failovers: 0, events: 0, operations: 0 });
  });

  it("begins with few at once where a whole fleet has the same window, and all have their turn", async () => {
    const stage = setStage();
    const { names } = await createFleet(stage, 7, {
      drills: { schedule: { windows: [NIGHT], method: "reorder", hold_seconds: 1 } },
    });
    await stage.minutes(3);
    for (const name of names) await stage.call("POST", `/v1/failovers/${name}/promote`);
    await stage.minutes(3);
    const drilled = async () => {
      const pages = names.map((name) => stage.call("GET", `/v1/failovers/${name}/drills`));
      return (await Promise.all(pages)).flatMap(({ body }) => body.items);
    };
    await jumpTo(stage, OPENS);
    expect(await drilled()).toHaveLength(5);
    await stage.minutes(1);
    expect(await drilled()).toHaveLength(7);
    for (const { operation_id: id } of await drilled()) await untilEnded(stage, id);
    for (const drill of await drilled())
      expect(drill).toMatchObject({ status: "succeeded", scheduled: true });
  });
});
