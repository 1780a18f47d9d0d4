import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import {
  expectAsWanted,
  expectNothingLeft,
  setAdversity,
  tickWithoutProbes,
  untilEnded,
  watchOverlap,
  type Adversity,
} from "./adversity.ts";
import { bringTo, STEPS } from "./life.ts";
import type { Answer, Stage } from "./stage.ts";
import { UNDRILLED } from "./stage.ts";

const TIMEOUT_MS = 120_000;

interface Intent {
  readonly stage: string;
  readonly deleting: string | null;
  readonly input: { monitor?: { path?: string } };
}

async function storedIntent(): Promise<Intent | null> {
  const row = await env.DB.prepare("SELECT stage, deleting, input FROM failovers").first<{
    stage: string;
    deleting: string | null;
    input: string;
  }>();
  return row === null ? null : { ...row, input: JSON.parse(row.input) as Intent["input"] };
}

/** Compares each write, the moment it arrives at Cloudflare, with the intent that is stored in that very moment. */
function watchIntents({ simulator }: Stage): () => readonly string[] {
  const older: string[] = [];
  simulator.faults.before({ times: Infinity }, async (call) => {
    if (!call.write) return;
    const stored = await storedIntent();
    const body = (call.body ?? {}) as { path?: string; name?: string; enabled?: boolean };
    const sent = `${call.method} ${call.path} ${JSON.stringify(body)}`;
    if (stored === null) return;
    if (stored.deleting !== null && call.method !== "DELETE") older.push(`${sent} while deleting`);
    if (call.path.includes("/monitors/") && body.path !== undefined) {
      if (body.path !== (stored.input.monitor?.path ?? "/")) older.push(`${sent} with another path`);
    }
    if (!call.path.startsWith("/zones/")) return;
    const hostname = stored.stage === "production" ? "www.example.com" : "lb-shop.example.com";
    if (body.name !== undefined && body.name !== hostname) older.push(`${sent} in ${stored.stage}`);
    if (body.enabled !== undefined && body.enabled !== (stored.stage !== "draft"))
      older.push(`${sent} in ${stored.stage}`);
  });
  return () => older;
}

interface Deed {
  readonly what: string;
  run(world: Adversity, revision: number): Promise<Answer>;
  verify(world: Adversity): Promise<void>;
}

const stageIs = (wanted: string) => async (world: Adversity) => {
  await expectAsWanted(world);
  expect((await world.stage.failover()).stage).toBe(wanted);
};

const DEEDS: readonly Deed[] = [
  {
    what: "a patch",
    run: ({ stage }, revision) =>
      stage.call(
        "PATCH",
        "/v1/failovers/shop",
        { monitor: { path: "/new" } },
        { "if-match": `"${revision}"` },
      ),
    verify: async ({ stage }) => {
      const { cloudflare, status } = await stage.failover();
      expect(status.sync).toBe("synced");
      expect(stage.simulator.world.monitors.get(cloudflare.monitor_id)).toMatchObject({ path: "/new" });
    },
  },
  {
    what: "a promotion",
    run: ({ stage }) => stage.call("POST", "/v1/failovers/shop/promote", UNDRILLED),
    verify: stageIs("production"),
  },
  {
    what: "a demotion",
    run: ({ stage }) => stage.call("POST", "/v1/failovers/shop/demote"),
    verify: stageIs("draft"),
  },
  {
    what: "a delete",
    run: ({ stage }, revision) =>
      stage.call("DELETE", "/v1/failovers/shop", undefined, { "if-match": `"${revision}"` }),
    verify: async (world) => expectNothingLeft(world),
  },
];

/** A tick that has something to heal in the monitor and the load balancer, with a deed in the middle of it. */
async function tickWith(world: Adversity, deed: Deed, nth: number): Promise<boolean> {
  const { stage } = world;
  await bringTo(world, "testing");
  const { cloudflare, revision } = await stage.failover();
  stage.simulator.world.edit("monitor", cloudflare.monitor_id, { path: "/edited" });
  stage.simulator.world.edit("load_balancer", cloudflare.load_balancer_id, { enabled: false });
  const overlaps = watchOverlap(stage);
  const older = watchIntents(stage);
  let deeds: Promise<Answer> | undefined;
  stage.simulator.faults.after({ nth }, async () => {
    deeds = deed.run(world, revision);
    // Long enough for it to be stored, or to stand in line behind the tick.
    await new Promise((resolve) => setTimeout(resolve, 40));
  });
  await stage.pass(60);
  // A patch forgets the probes of what it replaced, so they are not waited for.
  await tickWithoutProbes();
  const answer = await deeds;
  stage.simulator.faults.clear();
  if (answer === undefined) return false;
  expect(answer.status).toBeLessThan(300);
  if (answer.status === 202)
    expect(await untilEnded(stage, answer.body.id)).toMatchObject({ status: "succeeded" });
  await stage.minutes(3);
  expect(older()).toEqual([]);
  expect(overlaps()).toEqual([]);
  await deed.verify(world);
  return true;
}

describe("a person's change while a tick is between reading and writing", () => {
  it.each(DEEDS)(
    "is the last word, after whichever call it comes, and nothing older is sent: $what",
    async (deed) => {
      let nth = 1;
      for (; nth < 30; nth += 1) {
        const world = await setAdversity();
        if (!(await tickWith(world, deed, nth))) break;
        await world.startAnew();
      }
      // Three lists, two confirmations and two writes at the least.
      expect(nth).toBeGreaterThan(7);
    },
    TIMEOUT_MS,
  );
});

describe("lists that are one write behind", () => {
  it.each(STEPS)(
    "make neither a twin nor a write too many: $name",
    async (step) => {
      const world = await setAdversity();
      const { stage } = world;
      await step.arrange(world);
      stage.forgetCalls();
      stage.simulator.world.switches.lists = "lag-one-write";
      const id = await step.act(world);
      for (let looks = 0; looks < 12; looks += 1) {
        await stage.pass(5);
        await stage.alarms();
      }
      await stage.tick();
      stage.simulator.world.switches.lists = "fresh";
      const operation = id === null ? null : await untilEnded(stage, id);
      if (operation !== null) expect(operation).toMatchObject({ status: "succeeded" });
      await stage.minutes(3);
      expect(stage.writes()).toHaveLength(step.writes);
      await step.verify(world, operation);
    },
    TIMEOUT_MS,
  );

  it("don't pass for the effect of a move that undoes the one before", async () => {
    const world = await setAdversity();
    const { stage } = world;
    await bringTo(world, "testing");
    stage.simulator.world.switches.lists = "lag-one-write";
    for (const verb of ["promote", "demote", "promote"]) {
      const how = verb === "promote" ? UNDRILLED : undefined;
      const { status, body } = await stage.call("POST", `/v1/failovers/shop/${verb}`, how);
      expect(status).toBe(202);
      expect(await untilEnded(stage, body.id)).toMatchObject({ status: "succeeded" });
    }
    stage.simulator.world.switches.lists = "fresh";
    await stage.minutes(1);
    await stageIs("production")(world);
  });
});

describe("a partial list", () => {
  it.each(["monitors", "pools", "load_balancers"])("of %s is no absence", async (kind) => {
    const world = await setAdversity();
    const { stage } = world;
    await bringTo(world, "testing");
    stage.forgetCalls();
    stage.simulator.faults.add({
      match: { method: "GET", path: new RegExp(`/${kind}$`), times: Infinity },
      effect: { kind: "partial-list", omit: () => true },
    });
    await stage.minutes(3);
    expect(stage.writes()).toEqual([]);
    expect((await stage.failover()).status.sync).toBe("synced");
    stage.simulator.faults.clear();
    await expectAsWanted(world);
  });
});
