import path from "node:path";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { kCurrentWorker } from "miniflare";
import { defineConfig } from "vitest/config";

/** No test measures time: this only ends what hangs, on the slowest machine that runs them. */
const PATIENCE_MS = 60_000;

/** Pure code and the simulator run in Node; whatever needs D1, the Durable Object or the queue runs in workerd. */
export default defineConfig({
  test: {
    reporters: ["default", "./test/closing-line.ts"],
    projects: [
      {
        test: {
          name: "unit",
          testTimeout: PATIENCE_MS,
          environment: "node",
          isolate: false,
          include: ["test/failover/**/*.test.ts", "test/simulator/**/*.test.ts", "test/architecture.test.ts"],
        },
      },
      {
        plugins: [
          cloudflareTest(async () => ({
            main: "./test/worker-under-test.ts",
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              // Invented hostnames don't resolve: probes leave through the simulator that the test has set up.
              serviceBindings: { EGRESS: { name: kCurrentWorker, entrypoint: "Egress" } },
              bindings: {
                CF_ACCOUNT_ID: "a0000000000000000000000000000001",
                CF_API_TOKEN: "test-cloudflare-token-Zx81",
                CF_TIMEOUT_MS: "250",
                CF_API_BASE_URL: "https://api.cloudflare.test/client/v4",
                ADMIN_TOKEN: "test-admin-token-Qk27",
                TEST_MIGRATIONS: await readD1Migrations(path.join(import.meta.dirname, "migrations")),
              },
            },
          })),
        ],
        test: {
          name: "worker",
          testTimeout: PATIENCE_MS,
          isolate: false,
          include: ["test/{actions,api,cloudflare,probing,store,stories}/**/*.test.ts"],
          exclude: ["test/stories/races.test.ts"],
          setupFiles: ["./test/worker-setup.ts"],
          // A real server on loopback, for the probes that go by socket.
          globalSetup: ["./test/probing/endpoint-server.ts"],
        },
      },
      // In a runtime of its own: after certain other files workerd falls over under it.
      {
        plugins: [
          cloudflareTest(async () => ({
            main: "./test/worker-under-test.ts",
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              // Invented hostnames don't resolve: probes leave through the simulator that the test has set up.
              serviceBindings: { EGRESS: { name: kCurrentWorker, entrypoint: "Egress" } },
              bindings: {
                CF_ACCOUNT_ID: "a0000000000000000000000000000001",
                CF_API_TOKEN: "test-cloudflare-token-Zx81",
                CF_TIMEOUT_MS: "250",
                CF_API_BASE_URL: "https://api.cloudflare.test/client/v4",
                ADMIN_TOKEN: "test-admin-token-Qk27",
                TEST_MIGRATIONS: await readD1Migrations(path.join(import.meta.dirname, "migrations")),
              },
            },
          })),
        ],
        test: {
          name: "races",
          testTimeout: PATIENCE_MS,
          isolate: false,
          include: ["test/stories/races.test.ts"],
          setupFiles: ["./test/worker-setup.ts"],
        },
      },
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
