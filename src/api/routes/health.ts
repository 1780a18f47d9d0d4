import { createRoute, z } from "@hono/zod-openapi";
import type { Readiness } from "../../actions/reader-port.ts";
import { authenticate } from "../authentication.ts";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { isUnavailable } from "../exceptions.ts";
import { isReady, presentReadiness } from "../present.ts";
import { createRouter } from "../router.ts";
import { readinessSchema } from "../schemas.ts";

const tags = ["Health"];

const healthz = createRoute({
  method: "get",
  path: "/healthz",
  operationId: "getHealth",
  tags,
  summary: "Whether the Worker answers",
  security: [],
  parameters: [contract.requestIdParameter],
  responses: {
    200: contract.answer(
      "It does.",
      z
        .object({ status: z.enum(["ok"]).meta({ description: "Always ok.", example: "ok" }) })
        .meta({ id: "Health", description: "This request works." }),
    ),
  },
});

const readyz = createRoute({
  method: "get",
  path: "/readyz",
  operationId: "getReadiness",
  tags,
  summary: "Whether the service can do its work",
  description: "D1 and Cloudflare reachable, last tick fresh. Only with a valid token it says which.",
  // A token is optional here; one that isn't valid counts as none.
  security: [{}, { bearer: [] }, { access: [] }],
  parameters: [contract.requestIdParameter],
  responses: {
    200: contract.answer("Ready.", readinessSchema),
    503: contract.answer("Not ready.", readinessSchema),
  },
});

async function readinessOf({ reader, log }: ApiDependencies): Promise<Readiness> {
  try {
    return await reader.readiness();
  } catch (error) {
    log({ level: "error", message: "readiness could not be read", error: String(error) });
    return {
      database: !isUnavailable(error),
      cloudflare: false,
      lastTickAt: null,
      tickFresh: false,
      blockedUntil: null,
      auditLogUnreadable: null,
      message: "The database cannot be read at the moment.",
    };
  }
}

export function healthRoutes(dependencies: ApiDependencies) {
  return createRouter()
    .openapi(healthz, (c) => c.json({ status: "ok" as const }, 200))
    .openapi(readyz, async (c) => {
      const [readiness, known] = await Promise.all([
        readinessOf(dependencies),
        // Tokens are in D1, which may be what isn't well.
        authenticate(c.req.raw.headers, dependencies).then(
          ({ ok }) => ok,
          () => false,
        ),
      ]);
      c.header("Cache-Control", "no-store");
      const { status, ...details } = presentReadiness(readiness);
      return c.json(known ? { status, ...details } : { status }, isReady(readiness) ? 200 : 503);
    });
}
