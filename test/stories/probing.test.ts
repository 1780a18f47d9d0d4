import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { shardProbes, type ProbeShard } from "../../src/actions/probe-shard.ts";
import { loadRecords } from "../../src/store/failovers.ts";
import worker from "../../src/worker.ts";
import { countRowsWritten } from "./rows-written.ts";
import { createFleet } from "./fleet.ts";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

interface Internet {
  internet: (request: Request) => Promise<Response>;
}

/** Each request that leaves for an endpoint, and what it gets instead of the simulator's answer, if anything. */
function intercept(answer: (request: Request) => Promise<Response> | Response | null): Request[] {
  const world = globalThis as unknown as Internet;
  const { internet } = world;
  const left: Request[] = [];
  world.internet = async (request) => {
    left.push(request.clone());
    return (await answer(request)) ?? internet(request);
  };
  return left;
}

async function samplesOf(stage: Stage, name = "shop"): Promise<Answer["body"][]> {
  return (await stage.call("GET", `/v1/failovers/${name}/probes?limit=100`)).body.items;
}

async function deliver(body: ProbeShard) {
  const message = { id: crypto.randomUUID(), timestamp: new Date(), attempts: 1, body };
  const batch = createMessageBatch("understudy-probes", [message]);
  const ctx = createExecutionContext();
  await worker.queue(batch as MessageBatch<ProbeShard>, env);
  return getQueueResult(batch, ctx);
}

/** The shards that a tick at this instant would put into the queue. */
async function shardsAt(tick: number): Promise<ProbeShard[]> {
  const { CF_ACCOUNT_ID } = env as unknown as { CF_ACCOUNT_ID: string };
  const records = await loadRecords(env.DB, CF_ACCOUNT_ID, { all: true }, tick);
  return shardProbes(records, tick);
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1000; tries += 1) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`it was waited for in vain: ${what}`);
}

describe("a hundred endpoints, ten of which hang", () => {
  it("are all probed and stored within the minute of their tick", { timeout: 120_000 }, async () => {
    const stage = setStage();
    const { names, origins } = await createFleet(stage, 50, { monitor: { timeout: 2 } });
    const hanging = new Set(origins.filter((_, index) => index % 5 === 0));
    expect(hanging.size).toBe(10);
    await stage.pass(60);
    for (const address of hanging) stage.simulator.world.origin(address).failure = "timeout";
    const left = intercept(() => null);
    // The local queue delivers one message after the other, the real one up to 250 at once.
    const startedAt = performance.now();
    const tick = stage.now();
    await stage.tick();
    expect(performance.now() - startedAt).toBeLessThan(60_000);
    // Pages redirects to https, which is followed: two requests for each stand-in.
    expect(new Set(left.map(({ url }) => new URL(url).hostname)).size).toBe(51);
    for (const [index, name] of names.entries()) {
      const [sample] = await samplesOf(stage, name);
      expect(Date.parse(sample.tick)).toBe(tick);
      expect(sample.secondary).toMatchObject({ ok: true, status: 200, failure: null });
      expect(sample.primary).toMatchObject(
        hanging.has(origins[index] ?? "")
          ? { ok: false, status: null, failure: "timeout", detail: "no answer within 2 seconds" }
          : { ok: true, status: 200 },
      );
    }
  });
});

describe("a message of the probe queue", () => {
  it("that is delivered twice changes nothing", async () => {
    const stage = setStage();
    await stage.ready();
    await stage.pass(60);
    const [shard] = await shardsAt(stage.now());
    if (shard === undefined) throw new Error("there is no shard");
    expect(await deliver(shard)).toMatchObject({ outcome: "ok" });
    const first = await samplesOf(stage);
    const rowsWritten = await countRowsWritten();
    stage.simulator.world.origin("origin.example.net").up = false;
    expect(await deliver(structuredClone(shard))).toMatchObject({ outcome: "ok" });
    expect(await rowsWritten()).toEqual({});
    expect(await samplesOf(stage)).toEqual(first);
    expect(first[0].primary.ok).toBe(true);
  });

  it("that is older than a tick is dropped, and the log says so", async () => {
    const stage = setStage();
    await stage.ready();
    const before = await samplesOf(stage);
    const shards = await shardsAt(stage.now() - 61_000);
    const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
    const left = intercept(() => null);
    for (const shard of shards) expect(await deliver(shard)).toMatchObject({ outcome: "ok" });
    expect(left).toEqual([]);
    expect(await samplesOf(stage)).toEqual(before);
    expect(log.mock.calls.map(([line]) => JSON.parse(String(line)))).toContainEqual(
      expect.objectContaining({ level: "warn", age_ms: 61_000, failovers: 1 }),
    );
  });

  it("that overtakes a failover's deletion leaves nothing behind", async () => {
    const stage = setStage();
    const { revision } = await stage.ready();
    const shards = await shardsAt(stage.now() + 1);
    await stage.operate("DELETE", "/v1/failovers/shop", undefined, { "if-match": `"${revision}"` });
    for (const shard of shards) await deliver(shard);
    const row = await env.DB.prepare("SELECT count(*) AS left FROM samples").first<{ left: number }>();
    expect(row?.left).toBe(0);
  });

  it("whose consumer fails is delivered again, and the others don't wait for it", async () => {
    const stage = setStage();
    const { names } = await createFleet(stage, 6);
    await stage.minutes(1);
    const tick = stage.now() + 60_000;
    await stage.pass(60);
    const [first, second] = await shardsAt(tick);
    expect([first?.failovers.length, second?.failovers.length]).toEqual([5, 1]);
    await env.DB.prepare(
      `CREATE TRIGGER broken BEFORE INSERT ON samples WHEN NEW.failover_id = '${first?.failovers[0]?.id}'
       BEGIN SELECT RAISE(FAIL, 'the disk is full'); END`,
    ).run();
    let attempts = 0;
    const broken = first?.failovers[0]?.primary?.address;
    intercept((request) => {
      if (new URL(request.url).hostname === broken) attempts += 1;
      return null;
    });
    const stored = async () => {
      const row = await env.DB.prepare("SELECT count(*) AS stored FROM samples WHERE tick = ?1")
        .bind(tick)
        .first<{ stored: number }>();
      return row?.stored ?? 0;
    };
    await env.PROBES.sendBatch([first, second].map((body) => ({ body })));
    await until("a second attempt", async () => attempts >= 2);
    expect(await stored()).toBe(1);
    await env.DB.prepare("DROP TRIGGER broken").run();
    await until("the retry's samples", async () => (await stored()) === names.length);
    expect(attempts).toBeLessThanOrEqual(3);
  });
});

/** A failover with these members of a monitor, probed once more after whatever is done to the world. */
async function probed(
  monitor: object,
  prepare: (stage: Stage) => unknown = () => undefined,
): Promise<{ sample: Answer["body"]; left: Request[]; stage: Stage }> {
  const stage = setStage();
  await stage.call("POST", "/v1/failovers", { ...SHOP, monitor });
  await stage.alarms();
  await stage.pass(60);
  const left = intercept(() => null);
  prepare(stage);
  await stage.tick();
  const [sample] = await samplesOf(stage);
  return { sample, left, stage };
}

const origin = ({ simulator }: Stage) => simulator.world.origin("origin.example.net");

describe("a probe asks what the monitor asks", () => {
  it("by path, method and header, under the production hostname", async () => {
    const monitor = { path: "/health?deep=1", method: "HEAD", header: { "X-Probe": ["yes"] } };
    const { left } = await probed(monitor);
    const request = left.find(({ url }) => url.includes("origin.example.net"));
    expect(request).toMatchObject({ method: "HEAD", url: "http://origin.example.net/health?deep=1" });
    expect(request?.headers.get("x-probe")).toBe("yes");
    expect(request?.headers.get("host")).toBe("www.example.com");
    expect(request?.headers.get("cookie")).toBeNull();
  });

  it.each<[what: string, monitor: object, prepare: (stage: Stage) => unknown, primary: object]>([
    [
      "its port",
      { port: 8080 },
      (stage) => (origin(stage).ports = [8080]),
      { ok: true, status: 200, failure: null, detail: null },
    ],
    [
      "a code of a list",
      { expected_codes: "200,204" },
      (stage) => (origin(stage).status = 204),
      { ok: true, status: 204 },
    ],
    [
      "a class of codes",
      { expected_codes: "2xx" },
      (stage) => (origin(stage).status = 202),
      { ok: true, status: 202 },
    ],
    ["the body, without regard to case", { expected_body: "PRIMARY ORIGIN" }, () => undefined, { ok: true }],
    [
      "a redirect at the same endpoint",
      { path: "/old" },
      (stage) => (origin(stage).perPath["/old"] = { status: 302, redirectTo: "/new" }),
      { ok: true, status: 200 },
    ],
    [
      "no redirect where it follows none",
      { path: "/old", follow_redirects: false },
      (stage) => (origin(stage).perPath["/old"] = { status: 302, redirectTo: "/new" }),
      { ok: false, status: 302, failure: "status", detail: "answered 302, expected 200" },
    ],
  ])("honouring %s", async (_, monitor, prepare, primary) => {
    const { sample } = await probed(monitor, prepare);
    expect(sample.primary).toMatchObject(primary);
  });
});

/** What a Worker's connection to the origin ends in. */
const throws = (message: string) => () => {
  intercept(({ url }) => {
    if (url.includes("origin.example.net")) throw new Error(message);
    return null;
  });
};

describe("the reason of a failed probe", () => {
  type Case = [failure: string, monitor: object, prepare: (stage: Stage) => unknown, detail: RegExp];
  it.each<Case>([
    ["dns", {}, ({ simulator }) => simulator.world.origins.clear(), /unknown host/],
    ["refused", {}, (stage) => (origin(stage).up = false), /connection refused/],
    [
      "timeout",
      { timeout: 1 },
      (stage) => (origin(stage).failure = "timeout"),
      /^no answer within 1 seconds?$/,
    ],
    ["reset", {}, (stage) => (origin(stage).failure = "reset"), /reset by peer/],
    [
      "tls",
      { type: "https", port: 443 },
      (stage) => (origin(stage).failure = "tls"),
      /untrusted certificate/,
    ],
    ["status", {}, (stage) => (origin(stage).status = 503), /^answered 503, expected 200$/],
    ["body", { expected_body: "hello" }, () => undefined, /expected text is not in the first 10 KB/],
    [
      "redirect",
      {},
      (stage) =>
        Object.assign(origin(stage), { status: 301, redirectTo: "https://elsewhere.test/login?t=1" }),
      /^redirect leaves the endpoint: https:\/\/elsewhere\.test\/login$/,
    ],
    [
      "challenged",
      {},
      (stage) => Object.assign(origin(stage), { status: 403, headers: { "cf-mitigated": "challenge" } }),
      /challenges the probe/,
    ],
    ["blocked", {}, throws("connections to this address are prohibited"), /prohibited/],
    ["protocol", {}, (stage) => (origin(stage).failure = "garbage"), /invalid http response/],
    ["unreachable", {}, (stage) => (origin(stage).failure = "unreachable"), /no route to host/],
  ])("is %s, in a precise sentence", async (failure, monitor, prepare, detail) => {
    const { sample } = await probed(monitor, prepare);
    expect(sample.primary).toMatchObject({ ok: false, failure, detail: expect.stringMatching(detail) });
    // The other endpoint of the same sample has nothing to do with it.
    expect(sample.secondary.ok).toBe(failure !== "body");
  });

  it("is cached where the hostname's answer comes from a cache", async () => {
    const stage = setStage();
    await stage.ready();
    await stage.promote();
    stage.simulator.world.cacheAtEdge("lb-shop.example.com");
    await stage.minutes(2);
    const [sample] = await samplesOf(stage);
    expect(sample.hostname).toMatchObject({ ok: false, failure: "cached" });
    expect(sample.hostname.detail).toMatch(/from Cloudflare's cache \(HIT\)/);
    expect(sample.primary.ok).toBe(true);
  });
});
