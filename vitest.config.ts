import { availableParallelism } from "node:os";
import { existsSync, statfsSync } from "node:fs";
import path from "node:path";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { kCurrentWorker } from "miniflare";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { LongestFirst } from "./test/longest-first.ts";

/** No test measures time: this only ends what hangs, on the slowest machine that runs them. */
const PATIENCE_MS = 60_000;

/** A runtime waits now and then, so one more than there are cores; more than four would wait for Vitest. */
const AT_ONCE = Math.min(availableParallelism() + 1, 4);

/** D1 syncs its file at every commit, and a story commits all the time: in memory where there is room. */
const MEMORY = "/dev/shm";
const ROOM_BYTES = 1_000_000_000;
if (existsSync(MEMORY)) {
  const { bavail, bsize } = statfsSync(MEMORY);
  if (bavail * bsize > ROOM_BYTES) process.env["TMPDIR"] = MEMORY;
}

/** These kill the Coordinator or race it, and workerd throws where nobody waits: not in a runtime that others live in. */
const APART = [
  "any-weather",
  "crashes",
  "deploy-crashes",
  "drill-crashes",
  "idempotency-crashes",
  "import-crashes",
  "notification-crashes",
  "races",
].map((story) => `test/stories/${story}.test.ts`);

/** Those that read files, or use tools that compile what they read into functions: workerd allows neither. */
const IN_NODE = ["client", "openapi-validity"].map((file) => `test/api/${file}.test.ts`);

/** What src/ and the tests import from packages: bundled once, for workerd would fetch a thousand modules one by one. */
const PACKAGES = [
  "@cfworker/json-schema",
  "@hono/zod-openapi",
  "cloudflare/error",
  "cloudflare/resources/ips",
  "cloudflare/tree-shakable",
  "fast-check",
  "hono",
  "hono/http-exception",
  "hono/route",
  "jose",
  "standardwebhooks",
  "zod",
];

type Settings = NonNullable<TestProjectInlineConfiguration["test"]>;

/** A project whose files run in workerd, a runtime for each that runs at once, one file after the other in each. */
function inWorkerd(settings: Settings): TestProjectInlineConfiguration {
  return {
    plugins: [
      cloudflareTest(async () => ({
        main: "./test/worker-under-test.ts",
        wrangler: { configPath: "./wrangler.toml" },
        miniflare: {
          // Invented hostnames don't resolve: probes leave through the simulator that the test has set up.
          // A story asks more in a minute than a person does in a day.
          ratelimits: { REQUESTS: { namespace_id: "8201", simple: { limit: 10_000_000, period: 60 } } },
          serviceBindings: { EGRESS: { name: kCurrentWorker, entrypoint: "Egress" } },
          bindings: {
            CF_ACCOUNT_ID: "a0000000000000000000000000000001",
            CF_API_TOKEN: "test-cloudflare-token-Zx81",
            CF_TIMEOUT_MS: "250",
            CF_API_BASE_URL: "https://api.cloudflare.test/client/v4",
            ADMIN_TOKEN: "test-admin-token-Qk27",
            WEBHOOK_SECRET: "test-webhook-secret-Lm58",
            // The one that is being exchanged, and the one that takes its place.
            DEPLOY_WEBHOOK_SECRET: `whsec_${btoa("the-first-signing-secret-Ab12")}, whsec_${btoa("the-other-signing-secret-Cd34")}`,
            DATA_KEY: btoa("the-key-that-seals-in-tests-Ef56"),
            PROBE_HEADER: "X-Understudy-Probe: test-probe-header-Gh90",
            NOTIFY_TIMEOUT_MS: "3000",
            PUBLIC_URL: "https://understudy.test",
            TEST_MIGRATIONS: await readD1Migrations(path.join(import.meta.dirname, "migrations")),
          },
        },
      })),
    ],
    test: {
      testTimeout: PATIENCE_MS,
      isolate: false,
      maxWorkers: AT_ONCE,
      setupFiles: ["./test/worker-setup.ts"],
      deps: { optimizer: { ssr: { enabled: true, include: PACKAGES } } },
      ...settings,
    },
  };
}

/** Pure code and the simulator run in Node; whatever needs D1, the Durable Object or the queue runs in workerd. */
export default defineConfig({
  test: {
    reporters: ["default", "./test/closing-line.ts"],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "unit",
          testTimeout: PATIENCE_MS,
          environment: "node",
          isolate: false,
          maxWorkers: AT_ONCE,
          include: [
            "test/{failover,notifications,webhooks}/**/*.test.ts",
            "test/simulator/**/*.test.ts",
            "test/{architecture,settings}.test.ts",
            ...IN_NODE,
          ],
        },
      },
      inWorkerd({
        name: "worker",
        include: ["test/{actions,api,cloudflare,probing,store,stories}/**/*.test.ts"],
        exclude: [...APART, ...IN_NODE],
        // A real server on loopback, for the probes that go by socket.
        globalSetup: ["./test/probing/endpoint-server.ts"],
      }),
      inWorkerd({ name: "apart", include: APART }),
      {
        test: {
          name: "e2e",
          environment: "node",
          include: ["test/e2e/**/*.test.ts"],
          // They live on a fast clock, and would see a busy machine as a slow service: after all others, one by one.
          sequence: { groupOrder: 1 },
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 30_000,
        },
      },
    ],
  },
});
