import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { renewed, type Lease } from "../../src/failover/leases.ts";
import { commit, LeaseConflict } from "../../src/store/failovers.ts";
import { insertLease, renewLease } from "../../src/store/leases.ts";
import { eventsOfType, inStage, SHOP_PATH, visitor } from "./rehearsal.ts";
import type { Answer, Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
});

const away = (seconds: number, more: object = {}) => ({
  to: "secondary",
  reason: "maintenance",
  expires_in_seconds: seconds,
  ...more,
});

/** In production, and away for ten minutes. */
async function onTheWay(): Promise<Stage> {
  const stage = await inStage("production");
  const switched = await stage.operate("POST", `${SHOP_PATH}/switch-over`, away(600));
  expect(switched).toMatchObject({ status: "succeeded" });
  stage.forgetCalls();
  return stage;
}

const renew = (stage: Stage, seconds: number, more: object = {}): Promise<Answer> =>
  stage.call("POST", `${SHOP_PATH}/switch-over`, away(seconds, more));
const served = (stage: Stage) => visitor(stage, "www.example.com");

describe("renewing a timed switch-over", () => {
  it.each([
    { what: "extends it", seconds: 3600, staysMinutes: 55 },
    { what: "shortens it", seconds: 120, staysMinutes: 1 },
  ])("$what, by one revision, one event, and no write to Cloudflare", async ({ seconds, staysMinutes }) => {
    const stage = await onTheWay();
    const before = await stage.failover();
    const until = new Date(stage.now() + seconds * 1000).toISOString();
    const { status, body } = await renew(stage, seconds, { reason: "it takes another while" });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      kind: "switch-over",
      status: "succeeded",
      result: { active: "secondary", renewed: true, expires_at: until },
    });
    expect(await stage.failover()).toMatchObject({
      revision: before.revision + 1,
      active: "secondary",
      leases: [{ kind: "switchover", expires_at: until, reason: "it takes another while" }],
    });
    expect(await eventsOfType(stage, "lease.")).toMatchObject([
      {
        type: "lease.renewed",
        actor: { name: "admin" },
        data: {
          version: 2,
          before: { expires_at: before.leases[0].expires_at },
          after: { expires_at: until },
        },
      },
    ]);
    expect(await eventsOfType(stage, "failover.switch_over_started")).toHaveLength(1);
    await stage.minutes(staysMinutes);
    expect(served(stage)).toBe("secondary");
    expect(stage.writes()).toEqual([]);
    await stage.pass(Math.ceil((Date.parse(until) - stage.now()) / 1000));
    await stage.alarms();
    expect(served(stage)).toBe("primary");
    expect(stage.writes()).toHaveLength(1);
    expect(await stage.failover()).toMatchObject({
      active: "primary",
      leases: [],
      status: { sync: "synced" },
    });
  });

  it("twice at once lets one win and tells the other", async () => {
    const stage = await onTheWay();
    const { revision } = await stage.failover();
    const answers = await Promise.all([renew(stage, 3600), renew(stage, 7200)]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    const told = answers.find(({ status }) => status === 409);
    expect(told?.body.refusals).toMatchObject([
      {
        guard: "revision-mismatch",
        message: expect.stringContaining("renewed in this very moment by admin"),
      },
    ]);
    const won = answers.find(({ status }) => status === 200);
    const failover = await stage.failover();
    expect(failover.revision).toBe(revision + 1);
    expect(failover.leases).toMatchObject([{ expires_at: won?.body.result.expires_at }]);
    expect(await eventsOfType(stage, "lease.renewed")).toHaveLength(1);
    expect((await renew(stage, 900)).status).toBe(200);
  });

  it("for longer is judged as the way there is, and for shorter is refused to nobody", async () => {
    const stage = await onTheWay();
    stage.simulator.world.pagesProject("shop").canonicalId = null;
    await stage.minutes(3);
    const refused = await renew(stage, 3600);
    expect(refused).toMatchObject({ status: 409, body: { refusals: [{ guard: "target-not-ready" }] } });
    expect((await renew(stage, 3600, { override: ["target-not-ready"] })).status).toBe(200);
    expect((await eventsOfType(stage, "guard.overridden"))[0]).toMatchObject({
      data: { guards: [{ guard: "target-not-ready" }] },
    });
    expect((await renew(stage, 60, { expected_active: "primary" })).status).toBe(409);
    expect((await renew(stage, 60)).status).toBe(200);
    await stage.minutes(2);
    expect((await stage.failover()).leases).toEqual([]);
  });

  it("is another thing than settling it, going back, or coming after its end", async () => {
    const stage = await onTheWay();
    await stage.pass(601);
    await stage.tick();
    expect(served(stage)).toBe("primary");
    expect(await stage.operate("POST", `${SHOP_PATH}/switch-over`, away(600))).toMatchObject({
      status: "succeeded",
      result: { evidence: "observed" },
    });
    const settled = { to: "secondary", reason: "for good" };
    expect(await stage.operate("POST", `${SHOP_PATH}/switch-over`, settled)).toMatchObject({
      status: "succeeded",
    });
    expect(await stage.failover()).toMatchObject({ active: "secondary", leases: [] });
    expect(await eventsOfType(stage, "lease.renewed")).toEqual([]);
  });
});

describe("a renewal", () => {
  it("is a compare-and-set in D1 itself: of two of one version the second writes nothing", async () => {
    const { DB } = env;
    const origin = { actor: { kind: "token", name: "ann" }, requestId: null } as const;
    const deadlines = { startedAt: 0, expiresAt: 1_000 };
    const lease: Lease = {
      id: "le_1",
      failoverId: "fo_1",
      kind: "switchover",
      version: 1,
      active: "secondary",
      reason: "maintenance",
      origin,
      ...deadlines,
    };
    await commit(DB, [insertLease(DB, "a1", lease)]);
    const longer = renewed(lease, { reason: "longer", origin, expiresAt: 2_000 });
    const longest = renewed(lease, { reason: "longest", origin, expiresAt: 3_000 });
    await commit(DB, [renewLease(DB, "a1", longer)]);
    const late = [
      insertLease(DB, "a1", { ...lease, id: "le_2", kind: "pause" }),
      renewLease(DB, "a1", longest),
    ];
    await expect(commit(DB, late)).rejects.toThrow(LeaseConflict);
    const { results } = await DB.prepare("SELECT id, version, expires_at FROM leases").all();
    expect(results).toEqual([{ id: "le_1", version: 2, expires_at: 2_000 }]);
  });
});

describe("pausing again", () => {
  const pause = (stage: Stage, seconds: number, reason: string) =>
    stage.call("POST", `${SHOP_PATH}/pause`, { expires_in_seconds: seconds, reason });

  it("renews the pause, until the new deadline and no longer", async () => {
    const stage = await inStage("production");
    await pause(stage, 600, "looking into it");
    const { body } = await pause(stage, 1200, "still looking");
    const until = new Date(stage.now() + 1_200_000).toISOString();
    expect(body.leases).toMatchObject([{ kind: "pause", expires_at: until, reason: "still looking" }]);
    expect(await eventsOfType(stage, "lease.")).toMatchObject([
      { type: "lease.renewed", data: { kind: "pause", version: 2, after: { expires_at: until } } },
    ]);
    expect(await eventsOfType(stage, "failover.paused")).toHaveLength(1);
    await stage.minutes(15);
    expect((await stage.failover()).leases).toHaveLength(1);
    await stage.minutes(6);
    expect((await stage.failover()).leases).toEqual([]);
  });

  it("twice at once lets one win and tells the other", async () => {
    const stage = await inStage("testing");
    await pause(stage, 600, "looking into it");
    const answers = await Promise.all([pause(stage, 1200, "a"), pause(stage, 1800, "b")]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    expect(await eventsOfType(stage, "lease.renewed")).toHaveLength(1);
  });
});
