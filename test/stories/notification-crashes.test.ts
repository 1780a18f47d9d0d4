import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { kill } from "./adversity.ts";
import { allSent, aListener, deliveriesOf, pauseBecause } from "./listeners.ts";
import { setStage, SHOP, type Stage } from "./stage.ts";

/** From now on whatever is sent to this host stays under way, before or after it was received. */
function holdUp({ simulator }: Stage, host: string, when: "before" | "after") {
  const reach = simulator.egress.bind(simulator);
  const progress = { isReached: false };
  simulator.egress = async (request) => {
    if (new URL(request.url).hostname !== host) return reach(request);
    if (when === "after") await reach(request);
    progress.isReached = true;
    return new Promise<Response>(() => {});
  };
  return {
    /** Asked again and again, because what waits for a promise of the Coordinator's would die with it. */
    async reached() {
      while (!progress.isReached) await new Promise((resolve) => setTimeout(resolve, 2));
    },
    release() {
      simulator.egress = reach;
    },
  };
}

const HOST = "hook.receiver.example.org";

async function aStage() {
  const stage = setStage();
  await stage.call("POST", "/v1/failovers", SHOP);
  await stage.alarms();
  return { stage, hook: await aListener(stage) };
}

describe("a Coordinator that falls over", () => {
  it("before it has made a message of what was committed: nothing is lost", async () => {
    const { stage, hook } = await aStage();
    // As a batch leaves it that nothing followed.
    await env.DB.prepare(
      `INSERT INTO events (id, account_id, failover_id, type, at, actor_kind, actor_name, data)
       SELECT 'evt_lone', account_id, id, 'failover.paused', ?1, 'token', 'admin', '{"reason":"committed"}' FROM failovers`,
    )
      .bind(stage.now())
      .run();
    await kill();
    await stage.minutes(1);
    await allSent();
    expect(hook.pauses()).toEqual(["shop committed"]);
    await stage.minutes(2);
    await allSent();
    expect(hook.pauses()).toEqual(["shop committed"]);
  });

  it("before a message has reached its receiver: nothing is lost", async () => {
    const { stage, hook } = await aStage();
    const way = holdUp(stage, HOST, "before");
    await pauseBecause(stage, "on its way");
    await way.reached();
    await kill();
    way.release();
    expect(hook.pauses()).toEqual([]);
    await stage.minutes(2);
    await allSent();
    expect(hook.pauses()).toEqual(["shop on its way"]);
    expect(hook.receiver.received.map(({ headers }) => headers["webhook-id"])).toHaveLength(2);
  });

  it("before it could note that a message was taken: it comes again under the same id", async () => {
    const { stage, hook } = await aStage();
    const way = holdUp(stage, HOST, "after");
    await pauseBecause(stage, "taken");
    await way.reached();
    await kill();
    way.release();
    await stage.minutes(2);
    await allSent();
    expect(hook.pauses()).toEqual(["shop taken", "shop taken"]);
    const ids = hook.receiver.received.map(({ headers }) => headers["webhook-id"]);
    expect(ids[1]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(2);
    const delivery = (await deliveriesOf(stage, "hook")).at(-1);
    expect(delivery).toMatchObject({ id: ids[0], status: "delivered", attempts: 2 });
  });
});
