// The simulator as a Worker of its own: one Durable Object holds the account, and keeps it over restarts.
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import { createControl } from "./control.ts";
import { createSimulator, seedExample, type Simulator } from "./simulator.ts";

interface SimulatorEnv {
  SIMULATOR: DurableObjectNamespace<SimulatedAccount>;
  CLOCK_RATE?: string;
  CLOCK_EPOCH_MS?: string;
  SIM_ACCOUNT_ID?: string;
  SIM_API_TOKEN?: string;
  /** "empty" starts without the example. */
  SIM_SEED?: string;
}

/** A request or an answer as it crosses to the Durable Object; a Host header would not survive a fetch. */
interface Parcel {
  url: string;
  method: string;
  headers: Record<string, string>;
  body: string;
}

type Returned = { status: number; headers: Record<string, string>; body: string } | { failure: string };

/** The state is cut into rows, since one value has at most 2 MB. */
const ROW_CHARACTERS = 500_000;
const TICK_MS = 1000;
const MOST_CALLS = 2000;
/** Names of this machine. */
const LOCAL = /^(127\.|localhost$|\[)/;

async function pack(request: Request): Promise<Parcel> {
  return {
    url: request.url,
    method: request.method,
    headers: Object.fromEntries(request.headers),
    body: await request.text(),
  };
}

function unpack(parcel: Parcel): Request {
  const { url, method, headers, body } = parcel;
  return new Request(url, { method, headers, ...(body === "" ? {} : { body }) });
}

async function returned(answer: () => Promise<Response>): Promise<Returned> {
  try {
    const response = await answer();
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: await response.text(),
    };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

export class SimulatedAccount extends DurableObject<SimulatorEnv> {
  readonly #simulator: Simulator;
  readonly #control: ReturnType<typeof createControl>;
  #saved = "";

  constructor(ctx: DurableObjectState, env: SimulatorEnv) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS saved (part INTEGER PRIMARY KEY, text TEXT NOT NULL)");
    const now = clockOf(env);
    this.#simulator = createSimulator({
      now,
      profile: "enterprise",
      // The service may be on this machine, where no public name leads to.
      deliver: (request) => (isHere(request.url) ? fetch(request) : this.#simulator.egress(request)),
      ...(env.SIM_ACCOUNT_ID === undefined ? {} : { accountId: env.SIM_ACCOUNT_ID }),
      ...(env.SIM_API_TOKEN === undefined ? {} : { apiToken: env.SIM_API_TOKEN }),
    });
    this.#simulator.world.switches.webhookTargets = "any";
    this.#control = createControl(this.#simulator, now);
    this.#saved = ctx.storage.sql
      .exec<{ text: string }>("SELECT text FROM saved ORDER BY part")
      .toArray()
      .map((row) => row.text)
      .join("");
    if (this.#saved !== "") this.#simulator.load(this.#saved);
    else if (env.SIM_SEED !== "empty") this.#seed();
    ctx.waitUntil(ctx.storage.setAlarm(Date.now() + TICK_MS));
  }

  /** As a careful owner would set it up: with a token of the account's, whose rate limit nobody else uses up. */
  #seed(): void {
    const { world } = this.#simulator;
    seedExample(world);
    world.token.kind = "account";
  }

  async api(parcel: Parcel): Promise<Returned> {
    return this.#serve(() => this.#simulator.api(unpack(parcel)), parcel.method !== "GET");
  }

  async egress(parcel: Parcel): Promise<Returned> {
    return this.#serve(() => this.#simulator.egress(unpack(parcel)), false);
  }

  async control(parcel: Parcel): Promise<Returned> {
    return this.#serve(async () => this.#control.fetch(unpack(parcel)), parcel.method !== "GET");
  }

  /** A browser somewhere; it comes over https, which can't be spoken on a local port. */
  async visit(parcel: Parcel): Promise<Returned> {
    const { headers } = parcel;
    const url = new URL(parcel.url);
    const host = askedName(headers["host"], url.hostname);
    const scheme = headers["x-forwarded-proto"] === "http" ? "http" : "https";
    await this.#simulator.runDue();
    const visit = this.#simulator.world.visit(`${scheme}://${host}${url.pathname}${url.search}`, {
      method: parcel.method,
      headers,
    });
    if (visit.error !== null) return { failure: visit.error };
    return { status: visit.status, headers: visit.headers, body: visit.body };
  }

  override async alarm(): Promise<void> {
    try {
      await this.#simulator.runDue();
      this.#save();
    } finally {
      await this.ctx.storage.setAlarm(Date.now() + TICK_MS);
    }
  }

  async #serve(answer: () => Promise<Response>, changes: boolean): Promise<Returned> {
    await this.#simulator.runDue();
    const result = await returned(answer);
    const { calls } = this.#simulator;
    if (calls.length > MOST_CALLS) calls.splice(0, calls.length - MOST_CALLS);
    if (changes) this.#save();
    return result;
  }

  #save(): void {
    const dump = this.#simulator.dump();
    if (dump === this.#saved) return;
    const { sql } = this.ctx.storage;
    this.ctx.storage.transactionSync(() => {
      sql.exec("DELETE FROM saved");
      for (let at = 0; at < dump.length; at += ROW_CHARACTERS) {
        sql.exec("INSERT INTO saved VALUES (?, ?)", at, dump.slice(at, at + ROW_CHARACTERS));
      }
    });
    this.#saved = dump;
  }
}

function isHere(url: string): boolean {
  return LOCAL.test(new URL(url).hostname);
}

/** Time may run faster than it does, from an epoch on. */
function clockOf(env: SimulatorEnv): () => number {
  const rate = Number(env.CLOCK_RATE ?? "1");
  const epoch = Number(env.CLOCK_EPOCH_MS ?? Date.now());
  return () => Math.floor(epoch + (Date.now() - epoch) * rate);
}

/** Which of the two has the name depends on who forwarded the request; the other one is this machine's. */
function askedName(header: string | undefined, hostname: string): string {
  const named = (header ?? hostname).replace(/:\d+$/, "");
  return LOCAL.test(named) ? hostname : named;
}

function accountOf(env: SimulatorEnv): DurableObjectStub<SimulatedAccount> {
  return env.SIMULATOR.getByName("account");
}

function answered(result: Returned): Response | null {
  if ("failure" in result) return null;
  const { status, headers, body } = result;
  const silent = [101, 204, 205, 304].includes(status);
  return new Response(silent ? null : body, { status, headers });
}

/** What probes leave through: the URL says where to connect, `Host` whom to ask for. Throws the failure's name. */
export class Egress extends WorkerEntrypoint<SimulatorEnv> {
  override async fetch(request: Request): Promise<Response> {
    const result = await accountOf(this.env).egress(await pack(request));
    const response = answered(result);
    if (response === null) throw new Error("failure" in result ? result.failure : "no answer");
    return response;
  }
}

/** `/client/v4` is Cloudflare's API, `/_sim` the levers, anything else a visitor of the name in `Host`. */
export default class extends WorkerEntrypoint<SimulatorEnv> {
  override async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const account = accountOf(this.env);
    const parcel = await pack(request);
    if (pathname.startsWith("/client/v4")) {
      const result = await account.api(parcel);
      const response = answered(result);
      if (response === null) throw new TypeError("Network connection lost.");
      return response;
    }
    const result = pathname.startsWith("/_sim/")
      ? await account.control(parcel)
      : await account.visit(parcel);
    return (
      answered(result) ??
      Response.json({ error: "failure" in result ? result.failure : "no answer" }, { status: 502 })
    );
  }
}
