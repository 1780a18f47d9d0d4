import { createRoute, z } from "@hono/zod-openapi";
import { originOf } from "../authentication.ts";
import { requireName } from "../authorization.ts";
import { unsavedFailoverSchema } from "../bodies.ts";
import { readBody } from "../body.ts";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { once } from "../idempotency-key.ts";
import { presentPreflight } from "../present.ts";
import { valueOf } from "../problem.ts";
import { createRouter } from "../router.ts";
import { preflightSchema } from "../schemas.ts";

const tags = ["Preflight"];
const LONGEST_AGE_SECONDS = 86_400;

const querySchema = z.object({
  max_age_seconds: z.coerce
    .number("must be a number of seconds")
    .int("must be a whole number of seconds")
    .min(0, "must be 0 or more")
    .max(LONGEST_AGE_SECONDS, `must be at most ${LONGEST_AGE_SECONDS}`)
    .optional()
    .meta({
      description:
        "Takes the stored run where it is of this revision and no older; otherwise everything is read afresh.",
      example: 3600,
    }),
});

const ofFailover = createRoute({
  method: "get",
  path: "/failovers/{id}/preflight",
  operationId: "preflightFailover",
  tags,
  summary: "Check the prerequisites and pitfalls",
  description:
    "Reads Cloudflare afresh and looks at both endpoints; changes nothing. The run is stored with its evidence, and repeated every hour.",
  parameters: [contract.requestIdParameter],
  request: { params: contract.referenceSchema, query: querySchema },
  responses: {
    200: contract.answer("Every check with its evidence.", preflightSchema),
    ...contract.problems("not-found", "deleting", "invalid"),
  },
});

const ofSpec = createRoute({
  method: "post",
  path: "/preflight",
  operationId: "preflightSpec",
  tags,
  summary: "Check a failover before it is created",
  description: "The same checks of a spec that is not saved. Nothing is stored.",
  parameters: [contract.idempotencyKey, contract.requestIdParameter],
  request: { body: contract.jsonBody("NewFailover") },
  responses: {
    200: contract.answer("Every check with its evidence.", preflightSchema),
    ...contract.problems("payload-too-large", "unsupported-media-type", "invalid"),
  },
});

export function preflightRoutes({ coordinator }: ApiDependencies) {
  return createRouter()
    .openapi(ofFailover, async (c) => {
      const { id } = c.req.valid("param");
      const maxAgeMs = (c.req.valid("query").max_age_seconds ?? 0) * 1000;
      return c.json(presentPreflight(valueOf(await coordinator.preflight(id, maxAgeMs, originOf(c)))), 200);
    })
    .openapi(ofSpec, async (c) => {
      const input = await readBody(c, unsavedFailoverSchema);
      requireName(c, input.name);
      return c.json(presentPreflight(await once(c, () => coordinator.preflightSpec(input))), 200);
    });
}
