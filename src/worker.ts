import { DurableObject } from "cloudflare:workers";
export class Coordinator extends DurableObject {}
export default { fetch: () => new Response("ok") };
