// A Cloudflare account in a box: its API, its edge, its health checks and the Internet around it, on a clock it is given.
import { createPost, sendAlerts } from "./alerting.ts";
import { leave } from "./egress.ts";
import { createFaults, type CallRecord, type Faults } from "./faults.ts";
import { createGateway } from "./gateway.ts";
import { runDueChecks } from "./health-checks.ts";
import type { Limits, Profile } from "./plans.ts";
import { dumpState, loadState, newState } from "./state.ts";
import { seedSubscription } from "./subscriptions.ts";
import { createWait } from "./waiting.ts";
import { createWorld, type World } from "./world.ts";

export type { CallRecord, Effect, FaultHandle, Faults, Match } from "./faults.ts";
export type { World } from "./world.ts";
export type { Visit } from "./visitor.ts";
export { seedExample } from "./seed.ts";

export interface SimulatorOptions {
  /** ms; the injected clock. */
  now: () => number;
  accountId?: string;
  /** The bearer token that is accepted. */
  apiToken?: string;
  /** For delays and time-outs; the default really waits. */
  sleep?: (ms: number) => Promise<void>;
  /** Where Cloudflare's notifications go; the default is the Internet of this world. */
  deliver?: (request: Request) => Promise<Response>;
  profile?: Profile;
  /** Raises or lowers single limits of the profile. */
  limits?: Partial<Limits>;
}

export interface Simulator {
  /** Cloudflare's API: any host, path under /client/v4. Rejects with a TypeError where the network fails. */
  api(request: Request): Promise<Response>;
  /** The Internet as a Worker's socket sees it: the URL says where to connect, `Host` whom to ask for. Throws where no HTTP answer comes. */
  egress(request: Request): Promise<Response>;
  /** Runs the health checks that are due, applies late writes whose moment has come, and sends notifications of what changed. */
  runDue(): Promise<void>;
  world: World;
  faults: Faults;
  calls: CallRecord[];
  dump(): string;
  load(state: string): void;
}

export function createSimulator(options: SimulatorOptions): Simulator {
  const {
    now,
    accountId = "a0000000000000000000000000000001",
    apiToken = "test-cloudflare-token-Zx81",
  } = options;
  const profile = options.profile ?? "pro";
  const state = newState(accountId, apiToken, profile);
  Object.assign(state.limits, options.limits);
  seedSubscription(state, profile);
  const wait = createWait(options.sleep);
  const faults = createFaults();
  const calls: CallRecord[] = [];
  const post = createPost(options.deliver ?? ((request) => leave(state, now, wait, request)));
  const gateway = createGateway({ state, now, wait, faults, calls, post });
  return {
    api: (request) => gateway.api(request),
    egress: (request) => leave(state, now, wait, request),
    runDue: async () => {
      await gateway.landLateWrites();
      runDueChecks(state, now());
      await sendAlerts(state, now(), post);
    },
    world: createWorld(state, now),
    faults,
    calls,
    dump: () => dumpState(state),
    load: (dump) => loadState(state, dump),
  };
}
