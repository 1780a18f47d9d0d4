import { WorkerEntrypoint } from "cloudflare:workers";

export { default, Coordinator } from "../src/worker.ts";

/** Where probes leave to in tests: whatever Internet the running test has set up. */
export class Egress extends WorkerEntrypoint {
  override fetch(request: Request): Promise<Response> {
    const { internet } = globalThis as { internet?: (request: Request) => Promise<Response> };
    if (internet === undefined) throw new Error("unreachable: the test has no Internet");
    return internet(request);
  }
}
