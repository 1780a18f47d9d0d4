import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { vi } from "vitest";
import { isJson, requireConformance } from "../api/conformance.ts";
import type { Document } from "../api/document.ts";
import {
  createSimulator,
  seedExample,
  type Simulator,
  type SimulatorOptions,
} from "../simulator/simulator.ts";

/** The four members that DESIGN asks for; everything else is the tutorial's. */
export const SHOP = {
  name: "shop",
  hostname: "www.example.com",
  primary: { address: "origin.example.net" },
  secondary: { pages_project: "shop" },
} as const;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Tests read into bodies of many shapes; each expectation says what it wants there.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

interface Bindings {
  readonly ADMIN_TOKEN: string;
  readonly CF_ACCOUNT_ID: string;
  readonly CF_API_TOKEN: string;
}

/** The whole service in workerd, with real D1, Durable Object and queue, before a simulated Cloudflare on a clock of its own. */
export interface Stage {
  readonly simulator: Simulator;
  /** One call of our API, as an internal tool makes it. */
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  /** One call of Cloudflare's API by somebody else, past our service; answers its result. */
  cloudflare(method: string, path: string, body?: unknown): Promise<Answer["body"]>;
  /** Lets simulated time pass: health checks run, late writes land. */
  pass(seconds: number): Promise<void>;
  /** What the cron does once a minute, and what the probes of that tick bring. Does not let time pass. */
  tick(): Promise<void>;
  /** A minute passes, then the cron fires; so many times. */
  minutes(count: number): Promise<void>;
  /** Fires the Coordinator's alarm as long as something is due by now. */
  alarms(): Promise<void>;
  /** The Coordinator loses its memory, as it does whenever the platform likes. */
  crash(): Promise<void>;
  now(): number;
  /** Cloudflare calls that change something, since the last `forgetCalls`. */
  writes(): string[];
  forgetCalls(): void;
  failover(reference?: string): Promise<Answer["body"]>;
  /** Creates a failover and waits until its objects are there and both endpoints are known to be healthy. */
  ready(spec?: object): Promise<Answer["body"]>;
  /** Promotes one stage at once, as stories do that are about something else: undrilled, and nobody waits for the bake. */
  promote(reference?: string): Promise<Answer["body"]>;
  /** Calls an action that answers with an operation and lets time pass until it has ended. */
  operate(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer["body"]>;
}

const START = Date.UTC(2035, 0, 1);

function coordinator() {
  const { CF_ACCOUNT_ID } = env as unknown as Bindings;
  return env.COORDINATOR.get(env.COORDINATOR.idFromName(CF_ACCOUNT_ID));
}

/** The queue delivers in its own time; a tick is over when its samples are stored. */
async function untilProbed(tick: number): Promise<void> {
  for (let tries = 0; tries < 4000; tries += 1) {
    const row = await env.DB.prepare(
      "SELECT (SELECT count(*) FROM failovers WHERE deleting IS NULL) AS wanted, (SELECT count(*) FROM samples WHERE tick = ?1) AS stored",
    )
      .bind(tick)
      .first<{ wanted: number; stored: number }>();
    if (row !== null && row.stored >= row.wanted) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`the probes of tick ${tick} were not stored`);
}

export function setStage(options: Partial<SimulatorOptions> = {}): Stage {
  vi.useFakeTimers({ now: START, toFake: ["Date"] });
  const { default: worker } = exports as unknown as {
    default: { fetch(request: Request): Promise<Response>; scheduled(event: object): Promise<void> };
  };
  const simulator = createSimulator({
    now: () => Date.now(),
    limits: GENEROUS,
    // What Cloudflare notifies of comes in by the front door.
    deliver: (request) => worker.fetch(request),
    ...options,
  });
  seedExample(simulator.world);
  // Simulated time stands still while one request is answered.
  simulator.world.switches.previewMs = 0;
  for (const path of PATHS) {
    simulator.world.origin("origin.example.net").perPath[path] = { status: 200 };
    simulator.world.pagesProject("shop").paths?.push(path);
  }
  Object.assign(globalThis, { internet: (request: Request) => simulator.egress(request) });
  // Replaced and not spied on: a spy keeps every request and answer of the whole run.
  const reach: typeof fetch = (input, init) => {
    const request = new Request(input, init);
    const { hostname } = new URL(request.url);
    if (hostname !== "api.cloudflare.test") throw new Error(`a test must not reach ${hostname}`);
    return simulator.api(request);
  };
  Object.assign(globalThis, { fetch: reach });

  const stage: Stage = {
    simulator,
    now: () => Date.now(),
    async call(method, path, body, headers = {}) {
      const { ADMIN_TOKEN } = env as unknown as Bindings;
      const request = new Request(`https://understudy.test${path}`, {
        method,
        headers: {
          authorization: `Bearer ${ADMIN_TOKEN}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const response = await worker.fetch(request);
      const text = await response.text();
      const answer = {
        status: response.status,
        headers: response.headers,
        body: isJson(response.headers) ? JSON.parse(text) : text,
      };
      const readDocument = async () =>
        (await worker.fetch(new Request("https://understudy.test/openapi.json"))).json<Document>();
      await requireConformance(readDocument, { method, path, ...answer });
      return answer;
    },
    async cloudflare(method, path, body) {
      const { CF_API_TOKEN } = env as unknown as Bindings;
      const init = {
        method,
        headers: { authorization: `Bearer ${CF_API_TOKEN}`, "content-type": "application/json" },
      };
      const url = `https://api.cloudflare.test/client/v4${path}`;
      const request = new Request(url, body === undefined ? init : { ...init, body: JSON.stringify(body) });
      const answer: { success: boolean; result: Answer["body"] } = await (
        await simulator.api(request)
      ).json();
      if (!answer.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
      return answer.result;
    },
    async pass(seconds) {
      vi.setSystemTime(Date.now() + seconds * 1000);
      await simulator.runDue();
    },
    async tick() {
      const tick = Date.now();
      await worker.scheduled({ cron: "* * * * *", scheduledTime: new Date() });
      await untilProbed(tick);
    },
    async minutes(count) {
      for (let minute = 0; minute < count; minute += 1) {
        await stage.pass(60);
        await stage.tick();
      }
    },
    async alarms() {
      for (let turns = 0; turns < 40; turns += 1) {
        const due = await env.DB.prepare(
          "SELECT (SELECT count(*) FROM failovers WHERE due_at <= ?1) + (SELECT count(*) FROM operations WHERE due_at <= ?1) + (SELECT count(*) FROM pages_projects WHERE due_at <= ?1) + (SELECT count(*) FROM leases WHERE expires_at <= ?1) AS due",
        )
          .bind(Date.now())
          .first<{ due: number }>();
        if (due === null || due.due === 0) return;
        await runDurableObjectAlarm(coordinator());
      }
    },
    async crash() {
      await evictDurableObject(coordinator());
    },
    writes: () =>
      simulator.calls
        .filter(({ write }) => write)
        .map(({ method, path }) => `${method} ${path.replace(/^.*\/client\/v4/, "")}`),
    forgetCalls: () => {
      simulator.calls.length = 0;
    },
    async failover(reference = "shop") {
      return (await stage.call("GET", `/v1/failovers/${reference}`)).body;
    },
    async ready(spec = SHOP) {
      const { status, body } = await stage.call("POST", "/v1/failovers", spec);
      if (status !== 201) throw new Error(`creating answered ${status}: ${JSON.stringify(body)}`);
      await stage.alarms();
      await stage.minutes(3);
      return stage.failover(body.id);
    },
    async operate(method, path, body, headers) {
      const accepted = await stage.call(method, path, body, headers);
      if (accepted.status !== 202)
        throw new Error(`${method} ${path} answered ${accepted.status}: ${JSON.stringify(accepted.body)}`);
      for (let looks = 0; looks < 100; looks += 1) {
        await stage.alarms();
        const { body: operation } = await stage.call("GET", `/v1/operations/${accepted.body.id}`);
        if (["succeeded", "failed", "aborted"].includes(operation.status)) return operation;
        await stage.pass(operation.steps.at(-1).name === "bake" ? 10 : 2);
      }
      throw new Error(`${method} ${path} did not end`);
    },
    promote: (reference = "shop") => stage.operate("POST", `/v1/failovers/${reference}/promote`, UNDRILLED),
  };
  return stage;
}

/** The body of a promotion to production in stories that are about something else. */
export const UNDRILLED = {
  override: ["drill-missing"],
  reason: "this story is about something else",
  bake_seconds: 0,
} as const;

/** Pages that stories point a monitor at; like a real website, the example answers 404 for others. */
const PATHS = ["/edited", "/elsewhere", "/healthz", "/new"];

/** The tests are about the service, not about how little a plan allows. */
const GENEROUS = { pools: 1000, loadBalancers: 1000, monitors: 2000, origins: 2000 };
