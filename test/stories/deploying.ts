// What the stories of deploys share: a pipeline that deploys, what visitors of the stand-in get, and what is told of it.
import { env } from "cloudflare:workers";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";

export const PROJECT = "shop";
export const GOOD = "<!doctype html><title>Secondary</title><p>mended</p>";

/** A shop whose stand-in's present deployment was found good. */
export async function aWatchedShop(spec: object = {}): Promise<Stage> {
  const stage = setStage();
  await stage.ready({ ...SHOP, ...spec });
  return stage;
}

export const ROLLING_BACK = { on_broken_deploy: "rollback" } as const;

/** It builds, and its pages answer with an error. */
export function deployBroken(stage: Stage, project = PROJECT) {
  return stage.simulator.world.deploy(project, {
    status: 500,
    commit: "b".repeat(40),
    message: "Break it\n\nby mistake",
  });
}

export function deployGood(stage: Stage, project = PROJECT) {
  return stage.simulator.world.deploy(project, { body: GOOD });
}

export function servedId(stage: Stage, project = PROJECT): string | null {
  return stage.simulator.world.pagesProject(project).canonicalId;
}

/** Time passes second by second as far as anybody notices: alarms fire when they are due. */
export async function passWithAlarms(stage: Stage, seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 5) {
    await stage.pass(Math.min(5, seconds - passed));
    await stage.alarms();
  }
}

/** What was told of deploys, the latest first. */
export async function toldOf(stage: Stage, reference = "shop"): Promise<Answer["body"][]> {
  const { body } = await stage.call("GET", `/v1/failovers/${reference}/events?limit=100`);
  return body.items.filter(({ type }: { type: string }) => type.startsWith("standby."));
}

export async function typesTold(stage: Stage, reference = "shop"): Promise<string[]> {
  return (await toldOf(stage, reference)).map(({ type }) => type);
}

export function rollbacks(stage: Stage): number {
  return stage.simulator.calls.filter(({ method, path }) => method === "POST" && path.endsWith("/rollback"))
    .length;
}

/** Whoever answered a webhook has handed it over: until the Coordinator has looked. */
export async function untilHeard(): Promise<void> {
  for (let tries = 0; tries < 2000; tries += 1) {
    const row = await env.DB.prepare(
      "SELECT count(*) AS waiting FROM webhooks WHERE processed_at IS NULL",
    ).first<{ waiting: number }>();
    if (row?.waiting === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("a webhook was not heard");
}

/** A pipeline's word, with a token. */
export async function announce(stage: Stage, project = PROJECT): Promise<Answer> {
  const answer = await stage.call("POST", "/webhooks/deploys", { pages_project: project });
  await untilHeard();
  return answer;
}
