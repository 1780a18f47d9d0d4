// Every kind of write that the service makes, as steps of one life: creating, healing, moving, deleting, orphaning.
import { expect } from "vitest";
import { SHOP, type Answer, UNDRILLED } from "./stage.ts";
import { expectAsWanted, expectNothingLeft, untilEnded, type Adversity } from "./adversity.ts";

export interface Step {
  readonly name: string;
  /** The method of its writes, and how many there are. */
  readonly method: "POST" | "PATCH" | "DELETE";
  readonly writes: number;
  /** True where nothing of the failover is left afterwards. */
  readonly removes?: true;
  /** What has to be so beforehand. */
  arrange(world: Adversity): Promise<void>;
  /** Begins the work; an operation's id where there is one to wait for. */
  act(world: Adversity): Promise<string | null>;
  /** What must hold in the end, given the operation as it ended. */
  verify(world: Adversity, operation: Answer["body"]): Promise<void>;
}

async function ensure({ stage }: Adversity): Promise<void> {
  const { status } = await stage.call("GET", "/v1/failovers/shop");
  if (status === 404) await stage.ready();
}

/** A draft whose objects are there; nobody has looked at its health yet, which deleting doesn't ask for. */
async function newDraft({ stage }: Adversity): Promise<void> {
  const { status } = await stage.call("GET", "/v1/failovers/shop");
  if (status === 200) return;
  const created = await stage.call("POST", "/v1/failovers", SHOP);
  if (created.status !== 201) throw new Error(`creating answered ${created.status}`);
  await stage.alarms();
  await stage.minutes(1);
}

/** Brings the failover to a stage in fair weather. */
export async function bringTo(world: Adversity, wanted: "draft" | "testing" | "production"): Promise<void> {
  await ensure(world);
  const order = ["draft", "testing", "production"];
  for (;;) {
    const { stage: now } = await world.stage.failover();
    if (now === wanted) return;
    const verb = order.indexOf(now) < order.indexOf(wanted) ? "promote" : "demote";
    const how = verb === "promote" ? UNDRILLED : undefined;
    const { status, body } = await world.stage.call("POST", `/v1/failovers/shop/${verb}`, how);
    if (status !== 202) throw new Error(`${verb} answered ${status}: ${JSON.stringify(body)}`);
    const ended = await untilEnded(world.stage, body.id);
    if (ended.status !== "succeeded") throw new Error(`${verb} ended ${ended.status}: ${ended.message}`);
  }
}

export async function accepted({ stage }: Adversity, method: string, path: string): Promise<string> {
  const { revision } = await stage.failover();
  const headers = method === "DELETE" ? { "if-match": `"${revision}"` } : {};
  const how = path.endsWith("/promote") ? UNDRILLED : undefined;
  const { status, body } = await stage.call(method, path, how, headers);
  if (status !== 202) throw new Error(`${method} ${path} answered ${status}: ${JSON.stringify(body)}`);
  return body.id;
}

const move = (verb: "promote" | "demote", from: "draft" | "testing" | "production"): Step => ({
  name: `${verb} from ${from}`,
  method: "PATCH",
  writes: 1,
  arrange: (world) => bringTo(world, from),
  act: (world) => accepted(world, "POST", `/v1/failovers/shop/${verb}`),
  verify: expectAsWanted,
});

type Edit = (world: Adversity, ids: Record<string, string>) => void;

const heal = (what: string, edit: Edit): Step => ({
  name: `heal ${what}`,
  method: "PATCH",
  writes: 1,
  arrange: async (world) => {
    await bringTo(world, "testing");
    edit(world, (await world.stage.failover()).cloudflare);
  },
  act: async ({ stage }) => {
    await stage.minutes(1);
    return null;
  },
  verify: expectAsWanted,
});

const remove = (mode: "destroy" | "orphan"): Step => ({
  name: mode === "destroy" ? "delete" : "orphan",
  method: mode === "destroy" ? "DELETE" : "PATCH",
  writes: 4,
  removes: true,
  arrange: newDraft,
  act: (world) => accepted(world, "DELETE", `/v1/failovers/shop?mode=${mode}`),
  verify: async (world) => {
    expect((await world.stage.call("GET", "/v1/failovers/shop")).status).toBe(404);
    if (mode === "orphan") {
      expect(world.own()).toEqual({ monitors: 1, pools: 2, loadBalancers: 1 });
      for (const description of world.clearAway()) expect(description).not.toContain("understudy:");
    }
    expectNothingLeft(world);
  },
});

export const STEPS: readonly Step[] = [
  {
    name: "create",
    method: "POST",
    writes: 4,
    arrange: async (world) => {
      const { status } = await world.stage.call("GET", "/v1/failovers/shop");
      if (status === 404) return;
      await bringTo(world, "draft");
      await untilEnded(world.stage, await accepted(world, "DELETE", "/v1/failovers/shop"));
    },
    act: async ({ stage }) => {
      const { status, body } = await stage.call("POST", "/v1/failovers", SHOP);
      if (status !== 201) throw new Error(`creating answered ${status}: ${JSON.stringify(body)}`);
      await stage.alarms();
      return null;
    },
    verify: expectAsWanted,
  },
  heal("the monitor", ({ stage }, { monitor_id = "" }) => {
    stage.simulator.world.edit("monitor", monitor_id, { path: "/edited" });
  }),
  heal("the primary pool", ({ stage }, { primary_pool_id = "" }) => {
    stage.simulator.world.edit("pool", primary_pool_id, { minimum_origins: 0 });
  }),
  heal("the secondary pool", ({ stage }, { secondary_pool_id = "" }) => {
    stage.simulator.world.edit("pool", secondary_pool_id, { enabled: false });
  }),
  heal("the load balancer", ({ stage }, { load_balancer_id = "" }) => {
    const { default_pools } = stage.simulator.world.loadBalancers.get(load_balancer_id) ?? {
      default_pools: [],
    };
    stage.simulator.world.edit("load_balancer", load_balancer_id, {
      default_pools: default_pools.toReversed(),
    });
  }),
  move("promote", "draft"),
  move("promote", "testing"),
  move("demote", "production"),
  move("demote", "testing"),
  remove("destroy"),
  remove("orphan"),
];
