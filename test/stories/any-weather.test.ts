import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Effect } from "../simulator/simulator.ts";
import { expectAsWanted, kill, setAdversity, untilEnded, watchOverlap, type Adversity } from "./adversity.ts";
import { SHOP, UNDRILLED } from "./stage.ts";

const EFFECTS: readonly Effect[] = [
  { kind: "drop", when: "before" },
  { kind: "drop", when: "after" },
  { kind: "timeout", when: "after" },
  { kind: "status", status: 500, when: "after" },
  { kind: "status", status: 502, body: "html", when: "before" },
  { kind: "status", status: 200, body: "null", when: "after" },
  { kind: "late", landsAfterMs: 20_000 },
  { kind: "late", landsAfterMs: 100_000 },
  { kind: "rate-limit", retryAfterSeconds: 30 },
  { kind: "stale-list" },
  { kind: "partial-list", omit: () => true },
];
const METHODS = ["GET", "POST", "PATCH"] as const;
/** The last late write lands, the last block ends. */
const FAIR_AFTER_SECONDS = 130;

const DEEDS = ["promote", "demote", "edit pool", "edit balancer", "crash", "tick"] as const;

const deed = fc.oneof(
  fc.record({ do: fc.constantFrom(...DEEDS) }),
  fc.record({ do: fc.constant("pass" as const), seconds: fc.integer({ min: 1, max: 70 }) }),
  fc.record({
    do: fc.constant("fault" as const),
    effect: fc.constantFrom(...EFFECTS),
    method: fc.constantFrom(...METHODS),
    nth: fc.integer({ min: 1, max: 4 }),
  }),
);
type Deed =
  | { do: (typeof DEEDS)[number] }
  | { do: "pass"; seconds: number }
  | { do: "fault"; effect: Effect; method: (typeof METHODS)[number]; nth: number };

async function carryOut({ stage }: Adversity, one: Deed): Promise<void> {
  const { world, faults } = stage.simulator;
  const call = async (path: string, how?: object) => {
    const { status, body } = await stage.call("POST", path, how);
    if (status >= 500) throw new Error(`our API answered ${status}: ${JSON.stringify(body)}`);
  };
  if (one.do === "fault") {
    const lists = one.effect.kind === "stale-list" || one.effect.kind === "partial-list";
    const method = lists ? "GET" : one.effect.kind === "late" && one.method === "GET" ? "PATCH" : one.method;
    faults.add({ match: { method, nth: one.nth }, effect: one.effect });
    return;
  }
  if (one.do === "pass") return stage.pass(one.seconds).then(() => stage.alarms());
  const { cloudflare } = await stage.failover();
  switch (one.do) {
    case "promote":
    case "demote":
      return call(`/v1/failovers/shop/${one.do}`, one.do === "promote" ? UNDRILLED : undefined);
    case "edit pool":
      if (world.pools.has(cloudflare.primary_pool_id))
        world.edit("pool", cloudflare.primary_pool_id, { minimum_origins: 0 });
      return undefined;
    case "edit balancer":
      if (world.loadBalancers.has(cloudflare.load_balancer_id))
        world.edit("load_balancer", cloudflare.load_balancer_id, { steering_policy: "random" });
      return undefined;
    case "crash":
      return kill();
    case "tick":
      return stage.minutes(1);
    default:
      return one satisfies never;
  }
}

describe("whatever happens, in whatever order", () => {
  it("ends three ticks after the faults with what is wanted, once, and with two writes never at once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(deed, { minLength: 6, maxLength: 16 }),
        async (isReady, deeds) => {
          const world = await setAdversity();
          const { stage } = world;
          const overlaps = watchOverlap(stage);
          if (isReady) await stage.ready();
          else await stage.call("POST", "/v1/failovers", SHOP);
          for (const one of deeds) await carryOut(world, one);
          expect(overlaps()).toEqual([]);
          stage.simulator.faults.clear();
          await stage.pass(FAIR_AFTER_SECONDS);
          await stage.minutes(3);
          const { operation } = (await stage.failover()).status;
          if (operation !== null) {
            await untilEnded(stage, operation.id ?? operation);
            await stage.minutes(1);
          }
          await expectAsWanted(world);
          await world.startAnew();
        },
      ),
      { numRuns: 12, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false, endOnFailure: true },
    );
  }, 120_000);
});
