import { WorkerEntrypoint } from "cloudflare:workers";

import worker from "../src/worker.ts";
import { serveWatched } from "./secrets-watch.ts";

export { Coordinator } from "../src/worker.ts";

export default {
  ...worker,
  fetch: (request, env, context) =>
    serveWatched(request, async (asked) => worker.fetch(asked as typeof request, env, context)),
} satisfies typeof worker;

interface World {
  internet?: (request: Request) => Promise<Response>;
}

/** Where probes leave to in tests: whatever Internet the running test has set up. */
export class Egress extends WorkerEntrypoint {
  override async fetch(request: Request): Promise<Response> {
    const { internet } = globalThis as World;
    try {
      if (internet === undefined) throw new Error("unreachable: the test has no Internet");
      return await internet(request);
    } catch (error) {
      // A dead endpoint is no news here: told as wrangler's runtime tells what a Worker throws, without its log lines.
      const message = error instanceof Error ? error.message : String(error);
      return Response.json({ message }, { status: 500, headers: { "mf-experimental-error-stack": "true" } });
    }
  }
}
