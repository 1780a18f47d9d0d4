// What stories about drills share: a failover in its stage, a drill taken step by step, and what a visitor gets.
import { expect } from "vitest";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";

export const SHOP_PATH = "/v1/failovers/shop";
export const TEST_HOSTNAME = "lb-shop.example.com";

export type Playing = "testing" | "production";
export interface Rehearsal {
  readonly method: "reorder" | "disable-primary";
  readonly stage: Playing;
}
export const REHEARSALS: readonly Rehearsal[] = [
  { method: "reorder", stage: "production" },
  { method: "disable-primary", stage: "testing" },
];

/** Both endpoints healthy, and the hostname of that stage served by the primary. */
export async function inStage(
  playing: Playing,
  spec: object = SHOP,
  arrange: (stage: Stage) => void = () => undefined,
): Promise<Stage> {
  const stage = setStage();
  arrange(stage);
  await stage.ready(spec);
  const promotions = playing === "testing" ? 1 : 2;
  for (let promotion = 0; promotion < promotions; promotion += 1) {
    expect(await stage.promote()).toMatchObject({ status: "succeeded" });
    await stage.minutes(1);
  }
  stage.forgetCalls();
  return stage;
}

export const hostnameIn = (playing: Playing) =>
  playing === "production" ? "www.example.com" : TEST_HOSTNAME;

/** Which endpoint a visitor without a cookie gets, or what else. */
export function visitor({ simulator }: Stage, hostname: string): string {
  const { status, body } = simulator.world.visit(`https://${hostname}/`);
  if (body.includes("primary origin")) return "primary";
  return body.includes("pages project") ? "secondary" : String(status);
}

export const request = ({ method, stage }: Rehearsal, more: object = {}) => ({
  method,
  hold_seconds: 20,
  ...(stage === "production" ? { confirm: hostnameIn(stage) } : {}),
  ...more,
});

export async function begin(stage: Stage, rehearsal: Rehearsal, more: object = {}): Promise<string> {
  const { status, body } = await stage.call("POST", `${SHOP_PATH}/drills`, request(rehearsal, more));
  expect(body).toMatchObject({ kind: "drill" });
  expect(status).toBe(202);
  return body.id;
}

export async function operationOf(stage: Stage, id: string): Promise<Answer["body"]> {
  return (await stage.call("GET", `/v1/operations/${id}`)).body;
}

/** The last drill, as the API shows it. */
export async function lastDrill(stage: Stage): Promise<Answer["body"]> {
  const { body } = await stage.call("GET", `${SHOP_PATH}/drills?limit=1`);
  return body.items[0];
}

export function currentStep(operation: Answer["body"]): string | null {
  const step = operation.steps.find(
    ({ status }: Answer["body"]) => status === "pending" || status === "running",
  );
  return step?.name ?? null;
}

/** Lets time pass, a second at a time, until the drill stands at this step. */
export async function untilStep(stage: Stage, id: string, step: string): Promise<void> {
  for (let seconds = 0; seconds < 300; seconds += 1) {
    if (currentStep(await operationOf(stage, id)) === step) return;
    await stage.pass(1);
    await stage.alarms();
  }
  throw new Error(`the drill did not come to ${step}`);
}

/** Takes a drill to a step and not beyond: what a step would do in one go, it waits for while every write is lost. */
export async function until(stage: Stage, id: string, step: string): Promise<void> {
  const before = { divert: "baseline", restore: "hold" }[step];
  if (before === undefined) return untilStep(stage, id, step);
  await untilStep(stage, id, before);
  const busy = stage.simulator.faults.add({
    match: { method: "PATCH", times: Number.POSITIVE_INFINITY },
    effect: { kind: "drop", when: "before" },
  });
  await untilStep(stage, id, step);
  busy.remove();
}

const hasEnded = ({ status }: Answer["body"]) => ["succeeded", "failed", "aborted"].includes(status);

/** Lets time pass until the operation has ended, with the cron's tick every minute. */
export async function untilEnded(stage: Stage, id: string): Promise<Answer["body"]> {
  for (let seconds = 0; seconds < 900; seconds += 2) {
    await stage.alarms();
    const operation = await operationOf(stage, id);
    if (hasEnded(operation)) return operation;
    await stage.pass(2);
    if (seconds % 60 === 58) await stage.tick();
  }
  throw new Error("the drill did not end");
}

/** Order and pools as they were before any drill. */
export async function expectOriginal(stage: Stage): Promise<void> {
  const { cloudflare } = await stage.failover();
  const { world } = stage.simulator;
  const order = world.loadBalancers.get(cloudflare.load_balancer_id)?.default_pools;
  expect(order).toEqual([cloudflare.primary_pool_id, cloudflare.secondary_pool_id]);
  expect(world.pools.get(cloudflare.primary_pool_id)?.enabled).toBe(true);
  expect(world.pools.get(cloudflare.secondary_pool_id)?.enabled).toBe(true);
}

export async function eventsOfType(stage: Stage, start: string): Promise<Answer["body"][]> {
  const { body } = await stage.call("GET", `${SHOP_PATH}/events?limit=100`);
  return body.items.filter(({ type }: Answer["body"]) => type.startsWith(start));
}
