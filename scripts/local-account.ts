// The whole service on one machine: the simulated Cloudflare account, and our Worker before it.
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { applyMigrations } from "./migrations.ts";
import { OFFLINE_AND_QUIET } from "./offline.ts";
import { HOSTNAME } from "./ports.ts";
import { printLog, type RuntimeLog } from "./runtime-log.ts";

export interface LocalOptions {
  readonly port: number;
  readonly simulatorPort: number;
  /** D1, the Durable Objects and the queue live here, and survive a restart. */
  readonly directory: string;
  readonly adminToken: string;
  /** 32 bytes as base64; without it there are no channels. */
  readonly dataKey?: string;
  /** How many times faster than real time everything lives, and since which real instant. */
  readonly rate: number;
  readonly epochMs: number;
  /** Builds and starts anew whenever a source file changes. */
  readonly watch: boolean;
}

export interface LocalAccount {
  /** Of our Worker. */
  readonly url: string;
  /** Of the simulated Cloudflare. */
  readonly simulatorUrl: string;
  stop(): Promise<void>;
}

const ROOT = path.join(import.meta.dirname, "..");
const SIMULATOR = "understudy-simulator";
const ACCOUNT_ID = "a0000000000000000000000000000001";
const API_TOKEN = "simulated-cloudflare-token";
const WEBHOOK_SECRET = "simulated-webhook-secret";

const text = (value: string) => ({ type: "plain_text", value }) as const;
const secret = (value: string) => ({ type: "secret_text", value }) as const;

export async function startLocalAccount(options: LocalOptions): Promise<LocalAccount> {
  Object.assign(process.env, OFFLINE_AND_QUIET);
  const { unstable_startWorker: startWorker } = await import("wrangler");
  const { directory, port, simulatorPort, rate } = options;
  const state = path.join(directory, "state");
  // Of this start alone: what an earlier one left there would be called, and never answer.
  const registry = path.join(directory, "registry");
  await rm(registry, { recursive: true, force: true });
  await mkdir(registry, { recursive: true });

  const dev = (at: number, onLog: (log: RuntimeLog) => void) => ({
    server: { hostname: HOSTNAME, port: at },
    inspector: false,
    registry,
    persist: state,
    watch: options.watch,
    structuredLogsHandler: onLog,
  });
  const clock = { CLOCK_RATE: text(String(rate)), CLOCK_EPOCH_MS: text(String(options.epochMs)) };
  const simulatorUrl = `http://${HOSTNAME}:${simulatorPort}`;

  const startSimulator = async () => {
    const worker = await startWorker({
      config: path.join(ROOT, "test/simulator/wrangler.toml"),
      bindings: { ...clock, SIM_ACCOUNT_ID: text(ACCOUNT_ID), SIM_API_TOKEN: secret(API_TOKEN) },
      // A dead endpoint is an exception there, thrown on purpose: nothing that a person has to read.
      dev: dev(simulatorPort, () => undefined),
    });
    await worker.ready;
    return worker;
  };
  const [simulator] = await Promise.all([startSimulator(), applyMigrations(ROOT, state)]);
  try {
    const worker = await startWorker({
      config: path.join(ROOT, "wrangler.toml"),
      bindings: {
        ...clock,
        CF_ACCOUNT_ID: text(ACCOUNT_ID),
        CF_API_BASE_URL: text(`${simulatorUrl}/client/v4`),
        CF_API_TOKEN: secret(API_TOKEN),
        ADMIN_TOKEN: secret(options.adminToken),
        WEBHOOK_SECRET: secret(WEBHOOK_SECRET),
        ...(options.dataKey === undefined ? {} : { DATA_KEY: secret(options.dataKey) }),
        PUBLIC_URL: text(`http://${HOSTNAME}:${port}`),
        // Invented hostnames don't resolve: probes leave through the simulated Internet.
        EGRESS: { type: "service", service: SIMULATOR, entrypoint: "Egress" },
      },
      dev: dev(port, printLog),
    });
    await worker.ready;
    return {
      url: `http://${HOSTNAME}:${port}`,
      simulatorUrl,
      async stop() {
        await worker.dispose();
        await simulator.dispose();
      },
    };
  } catch (error) {
    await simulator.dispose();
    throw error;
  }
}
