import { WorkerEntrypoint } from "cloudflare:workers";

/** For the simulator's own test: a Worker that probes through the EGRESS binding, as Understudy does. */
export default class extends WorkerEntrypoint<{ EGRESS: Fetcher }> {
  override async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const headers = { host: searchParams.get("host") ?? "" };
    try {
      const response = await this.env.EGRESS.fetch(searchParams.get("connect") ?? "", {
        headers,
        redirect: "manual",
      });
      return Response.json({ status: response.status, body: await response.text() });
    } catch (error) {
      return Response.json({ failure: error instanceof Error ? error.message : String(error) });
    }
  }
}
