// What the adverse stories share: a world with somebody else's objects in it, a life to lead, and what must hold after.
import { applyD1Migrations, reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import type { CallRecord, Match } from "../simulator/simulator.ts";
import { setStage, type Answer, type Stage } from "./stage.ts";

type D1Migration = Parameters<typeof applyD1Migrations>[1][number];

const ZONE = "20000000000000000000000000000001";
const ACCOUNT = "/accounts/a0000000000000000000000000000001/load_balancers";

export type Kind = "monitors" | "pools" | "loadBalancers";

async function dashboard(stage: Stage, path: string, body: object): Promise<string> {
  const request = new Request(`https://api.cloudflare.test/client/v4${path}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${stage.simulator.world.token.value}`,
      "content-type": "application/json",
    },
    body: JSON.stringify(body),
  });
  const { result } = (await (await stage.simulator.api(request)).json()) as { result: { id: string } };
  return result.id;
}

export interface Adversity {
  readonly stage: Stage;
  /** The objects of ours that exist. */
  own(): { monitors: number; pools: number; loadBalancers: number };
  /** Fails unless somebody else's objects are as they were. */
  foreignUntouched(): void;
  /** Takes what a failover left behind out of the world; answers the descriptions of it. */
  clearAway(): string[];
  /** As on the first day, after something broke. */
  startAnew(): Promise<void>;
}

/** A stage in whose account somebody else has objects of each kind, named much like ours would be. */
export async function setAdversity(stage = setStage()): Promise<Adversity> {
  const monitor = await dashboard(stage, `${ACCOUNT}/monitors`, {
    type: "http",
    path: "/",
    expected_codes: "200",
    description: "HTTP - 200 - Follow Redirects",
  });
  const pool = await dashboard(stage, `${ACCOUNT}/pools`, {
    name: "shop-primary-2",
    description: "production website",
    monitor,
    check_regions: ["WNAM"],
    origins: [{ name: "primary", address: "origin.example.net", enabled: true }],
  });
  await dashboard(stage, `/zones/${ZONE}/load_balancers`, {
    name: "lb-other.example.com",
    default_pools: [pool],
    fallback_pool: pool,
    enabled: false,
  });
  const { world } = stage.simulator;
  const all = () => [...world.monitors.values(), ...world.pools.values(), ...world.loadBalancers.values()];
  const foreign = new Map(all().map((object) => [object.id, JSON.stringify(object)]));
  const ours = (kind: Kind) => [...world[kind].keys()].filter((id) => !foreign.has(id)).length;
  stage.forgetCalls();
  const clearAway = () => {
    const left = all().filter(({ id }) => !foreign.has(id));
    for (const { id } of left) {
      for (const map of [world.loadBalancers, world.pools, world.monitors]) map.delete(id);
    }
    return left.map(({ description }) => description ?? "");
  };
  return {
    stage,
    clearAway,
    own: () => ({
      monitors: ours("monitors"),
      pools: ours("pools"),
      loadBalancers: ours("loadBalancers"),
    }),
    foreignUntouched: () => {
      const now = new Map(all().map((object) => [object.id, JSON.stringify(object)]));
      for (const [id, before] of foreign) expect(now.get(id)).toBe(before);
    },
    async startAnew() {
      stage.simulator.faults.clear();
      await reset();
      await applyD1Migrations(env.DB, (env as unknown as { TEST_MIGRATIONS: D1Migration[] }).TEST_MIGRATIONS);
      clearAway();
    },
  };
}

/** One monitor, two pools and one load balancer, as the failover's stage wants them; nothing is left to be done. */
export async function expectAsWanted(adversity: Adversity): Promise<void> {
  const { stage } = adversity;
  const failover = await stage.failover();
  const { world } = stage.simulator;
  expect({ sync: failover.status.sync, message: failover.status.message }).toEqual({
    sync: "synced",
    message: "everything at Cloudflare is as wanted",
  });
  expect(adversity.own()).toEqual({ monitors: 1, pools: 2, loadBalancers: 1 });
  const { monitor_id, primary_pool_id, secondary_pool_id, load_balancer_id } = failover.cloudflare;
  expect(world.monitors.get(monitor_id)).toMatchObject({ path: "/", interval: 60 });
  expect(world.pools.get(primary_pool_id)).toMatchObject({ monitor: monitor_id, name: "shop-primary" });
  expect(world.pools.get(secondary_pool_id)).toMatchObject({ monitor: monitor_id, name: "shop-secondary" });
  expect(world.loadBalancers.get(load_balancer_id)).toMatchObject({
    name: failover.stage === "production" ? "www.example.com" : "lb-shop.example.com",
    enabled: failover.stage !== "draft",
    default_pools: [primary_pool_id, secondary_pool_id],
    fallback_pool: secondary_pool_id,
  });
  const plan = await stage.call("GET", "/v1/failovers/shop/plan");
  expect(plan).toMatchObject({ status: 200, body: { changes: [], refusals: [], foreign: [] } });
  adversity.foreignUntouched();
}

export function expectNothingLeft(adversity: Adversity): void {
  expect(adversity.own()).toEqual({ monitors: 0, pools: 0, loadBalancers: 0 });
  adversity.foreignUntouched();
}

const ENDED = ["succeeded", "failed", "aborted"];

/** Lets simulated time pass until the operation has ended, by alarms and by the cron of each minute. */
export async function untilEnded(stage: Stage, id: string, minutes = 20): Promise<Answer["body"]> {
  for (let looks = 1; looks <= minutes * 12; looks += 1) {
    await stage.alarms();
    const { body } = await stage.call("GET", `/v1/operations/${id}`);
    if (ENDED.includes(body.status)) return body;
    await stage.pass(5);
    if (looks % 12 === 0) await stage.tick();
  }
  throw new Error(`operation ${id} did not end within ${minutes} minutes`);
}

/** How long it may take from the last fault to the end of the story, in ticks of fair weather. */
const TICKS = 3;

/** Ticks until nothing is left to be done, three at most: what isn't as wanted then is for the caller to find. */
export async function untilSettled({ stage }: Adversity): Promise<void> {
  for (let tick = 1; tick <= TICKS; tick += 1) {
    await stage.minutes(1);
    const { status, body } = await stage.call("GET", "/v1/failovers/shop");
    if (status === 404) return;
    if (body.status.sync === "synced" && body.status.operation === null) return;
  }
}

/** What was settled stays so: nothing that comes later makes a twin or takes something away. */
export async function expectToStay(world: Adversity): Promise<void> {
  await world.stage.minutes(TICKS);
  const { status } = await world.stage.call("GET", "/v1/failovers/shop");
  if (status === 404) expectNothingLeft(world);
  else await expectAsWanted(world);
}

function coordinator() {
  const { CF_ACCOUNT_ID } = env as unknown as { CF_ACCOUNT_ID: string };
  return env.COORDINATOR.get(env.COORDINATOR.idFromName(CF_ACCOUNT_ID));
}

/** A tick that is not waited for until all its probes are stored: where some never will be. */
export async function tickWithoutProbes(): Promise<void> {
  await coordinator().tick();
}

/** The Coordinator falls over in the middle of what it does: nothing of it runs on, not even a `finally`. */
export async function kill(): Promise<void> {
  const died = runInDurableObject(coordinator(), (_, state) => state.abort("killed by a test"));
  // Nobody may be left to answer.
  await Promise.race([died.catch(() => undefined), new Promise((resolve) => setTimeout(resolve, 50))]);
}

/** Asked of every call in turn, whether this is the one. */
export type IsTheCall = (call: CallRecord) => boolean | Promise<boolean>;

/** Does something, and kills the Coordinator the moment the call in question arrives (`before`) or took effect (`after`). */
export async function killDuring(
  { simulator }: Stage,
  call: Match | IsTheCall,
  when: "before" | "after",
  act: () => Promise<unknown>,
): Promise<"killed" | "not reached"> {
  const progress = { isReached: false, isOver: false };
  const [match, isTheCall] =
    typeof call === "function" ? ([{ times: Infinity }, call] as const) : ([call, () => true] as const);
  const handle = simulator.faults[when](match, async (arrived) => {
    if (progress.isReached || !(await isTheCall(arrived))) return;
    progress.isReached = true;
    await new Promise(() => undefined);
  });
  const end = () => void (progress.isOver = true);
  const over = act().then(end, end);
  // Asked again and again, because what waits for a promise of the Coordinator's would die with it.
  while (!progress.isReached && !progress.isOver) await new Promise((resolve) => setTimeout(resolve, 2));
  const outcome = progress.isReached ? "killed" : "not reached";
  if (progress.isReached) {
    await kill();
    await over;
  }
  handle.remove();
  return outcome;
}

/** Two writes at once, from leaving to answer or failure: of a world with one failover there must be none. */
export function watchOverlap({ simulator }: Stage): () => readonly string[] {
  const running = new Set<string>();
  const overlaps: string[] = [];
  const reach = simulator.api.bind(simulator);
  simulator.api = async (request) => {
    if (request.method === "GET") return reach(request);
    const write = `${request.method} ${new URL(request.url).pathname}`;
    for (const other of running) overlaps.push(`${other} | ${write}`);
    running.add(write);
    try {
      return await reach(request);
    } finally {
      running.delete(write);
    }
  };
  return () => overlaps;
}
