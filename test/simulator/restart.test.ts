import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { unstable_startWorker as startWorker } from "wrangler";
import { apiRequest, type Envelope } from "./failover-setup.ts";

const folder = mkdtempSync(path.join(tmpdir(), "understudy-simulator-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts the Worker on the folder's state, does one thing, and stops it. */
async function once<T>(work: (fetch: (request: Request) => Promise<Envelope>) => Promise<T>): Promise<T> {
  const worker = await startWorker({
    config: path.join(import.meta.dirname, "wrangler.toml"),
    dev: {
      server: { hostname: "127.0.0.1", port: 0 },
      inspector: false,
      registry: folder,
      persist: path.join(folder, "state"),
      watch: false,
      logLevel: "none",
    },
  });
  try {
    const url = await worker.url;
    return await work(async (request) => {
      const { pathname } = new URL(request.url);
      const init = { method: request.method, headers: Object.fromEntries(request.headers) };
      const body = request.method === "GET" ? {} : { body: await request.text() };
      const response = await fetch(new URL(pathname, url.href).href, { ...init, ...body });
      return response.json<Envelope>();
    });
  } finally {
    await worker.dispose();
  }
}

test("what was written is still there after a restart", async () => {
  const monitors = "/accounts/a0000000000000000000000000000001/load_balancers/monitors";
  const created = await once((ask) =>
    ask(apiRequest("POST", monitors, { expected_codes: "200", description: "kept" })),
  );
  const listed = await once((ask) => ask(apiRequest("GET", monitors)));
  expect(listed.result).toEqual([created.result]);
}, 30_000);
