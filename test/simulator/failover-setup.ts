// For the simulator's own tests: a client of the API, and the tutorial's failover built through it.
import { createSimulator, seedExample, type Simulator, type SimulatorOptions } from "./simulator.ts";

export interface Envelope {
  success: boolean;
  errors: { code: number; message: string; error_chain?: { code: number; message: string }[] }[];
  messages?: unknown[];
  // Tests look into answers of every shape.
  // oxlint-disable-next-line typescript/no-explicit-any
  result?: any;
  result_info?: { page: number; per_page: number; count: number; total_count: number; total_pages: number };
}

export interface Reply extends Envelope {
  status: number;
  headers: Headers;
}

export interface Bench {
  simulator: Simulator;
  clock: { at: number; advance(ms: number): void };
  call(method: string, path: string, body?: unknown): Promise<Reply>;
  zoneId: string;
  account: string;
}

export const START = Date.UTC(2026, 10, 2, 12);

/** A simulator with the example seed, on a clock that stands still until it is advanced; nothing really waits. */
export function aBench(options: Partial<SimulatorOptions> = {}): Bench {
  const clock = {
    at: START,
    advance(ms: number) {
      clock.at += ms;
    },
  };
  const simulator = createSimulator({ now: () => clock.at, sleep: async () => {}, ...options });
  seedExample(simulator.world);
  const account = `/accounts/${simulator.world.account.id}`;
  return {
    simulator,
    clock,
    account,
    zoneId: [...simulator.world.zones.keys()][0] ?? "",
    call: async (method, path, body) => {
      const response = await simulator.api(apiRequest(method, path, body));
      return { ...(await response.json<Envelope>()), status: response.status, headers: response.headers };
    },
  };
}

export function apiRequest(method: string, path: string, body?: unknown, init: RequestInit = {}): Request {
  return new Request(`https://api.cloudflare.test/client/v4${path}`, {
    method,
    headers: { authorization: "Bearer test-cloudflare-token-Zx81", "content-type": "application/json" },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    ...init,
  });
}

export interface BuiltFailover {
  monitor: string;
  primary: string;
  secondary: string;
  lb: string;
}

/** Monitor, two pools and a load balancer, as the tutorial has them; healthy unless `settle` is false. */
export async function buildFailover(
  bench: Bench,
  options: { lb?: Record<string, unknown>; monitor?: Record<string, unknown>; settle?: boolean } = {},
): Promise<BuiltFailover> {
  const balancing = `${bench.account}/load_balancers`;
  const created = async (path: string, body: unknown): Promise<string> => {
    const reply = await bench.call("POST", path, body);
    if (reply.status !== 200) throw new Error(JSON.stringify(reply.errors));
    return String(reply.result.id);
  };
  const monitor = await created(`${balancing}/monitors`, {
    type: "http",
    path: "/",
    port: 80,
    expected_codes: "200",
    follow_redirects: true,
    ...options.monitor,
  });
  const pool = { monitor, check_regions: ["WEU"] };
  const primary = await created(`${balancing}/pools`, {
    ...pool,
    name: "primary",
    origins: [{ name: "my-website", address: "origin.example.net" }],
  });
  const secondary = await created(`${balancing}/pools`, {
    ...pool,
    name: "secondary",
    origins: [{ name: "my-pages-website", address: "shop.pages.dev", header: { Host: ["shop.pages.dev"] } }],
  });
  const lb = await created(`/zones/${bench.zoneId}/load_balancers`, {
    name: "lb.example.com",
    default_pools: [primary, secondary],
    fallback_pool: secondary,
    proxied: true,
    steering_policy: "off",
    ...options.lb,
  });
  if (options.settle !== false) bench.simulator.world.settleHealth();
  return { monitor, primary, secondary, lb };
}
