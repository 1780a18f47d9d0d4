import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import worker from "../../src/worker.ts";
import type { Answer, Stage } from "./stage.ts";

export interface Fleet {
  readonly names: readonly string[];
  /** The primary's address of each, in the same order. */
  readonly origins: readonly string[];
}

/** Failovers in two zones, each with an origin of its own and all with the same stand-in. */
export async function createFleet(stage: Stage, count: number, more: object = {}): Promise<Fleet> {
  const { world } = stage.simulator;
  world.addZone({ name: "example.org", id: "20000000000000000000000000000002" });
  const numbers = Array.from({ length: count }, (_, index) => String(index).padStart(3, "0"));
  const names = numbers.map((number) => `shop-${number}`);
  const origins = numbers.map((number) => `origin-${number}.example.net`);
  // What a new budget presumes of the time before is forgotten: this many are not made in one breath.
  await stage.tick();
  await stage.pass(310);
  for (const [index, name] of names.entries()) {
    const address = origins[index] ?? "";
    world.addOrigin({ address, title: `Primary of ${name}` });
    const zone = index % 2 === 0 ? "example.com" : "example.org";
    const spec = {
      name,
      hostname: `${name}.${zone}`,
      primary: { address },
      secondary: { pages_project: "shop" },
      ...more,
    };
    const { status, body } = await stage.call("POST", "/v1/failovers", spec);
    if (status !== 201) throw new Error(`creating ${name} answered ${status}: ${JSON.stringify(body)}`);
    if (index % 20 < 19) continue;
    await stage.alarms();
    await stage.pass(70);
  }
  await stage.alarms();
  return { names, origins };
}

/** Every failover of the account, by name. */
export async function everyFailover(stage: Stage): Promise<Map<string, Answer["body"]>> {
  const found = new Map<string, Answer["body"]>();
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const { body } = await stage.call("GET", `/v1/failovers?limit=100${query}`);
    for (const one of body.items) found.set(one.name, one);
    cursor = body.next_cursor;
  } while (cursor !== null);
  return found;
}

/**
 * So many minutes without probes: what a tick costs Cloudflare and D1 doesn't depend on them, and the local queue
 * would take most of the time.
 */
export async function minutesWithoutProbes(stage: Stage, count: number): Promise<void> {
  const queue = Object.getPrototypeOf(env.PROBES) as Queue;
  const sending = vi.spyOn(queue, "sendBatch").mockResolvedValue({} as QueueSendBatchResponse);
  for (let minute = 0; minute < count; minute += 1) {
    await stage.pass(60);
    const event = createScheduledController({ cron: "* * * * *", scheduledTime: new Date() });
    await worker.scheduled(event, env);
  }
  sending.mockRestore();
}
