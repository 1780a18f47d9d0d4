import { createRoute } from "@hono/zod-openapi";
import { given, importSchema } from "../bodies.ts";
import { readBody } from "../body.ts";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { once } from "../idempotency-key.ts";
import { refuseOwnHostname } from "../own-hostname.ts";
import { etagOf } from "../preconditions.ts";
import { presentFailover, presentImport } from "../present.ts";
import { findFailover } from "../reference.ts";
import { createRouter } from "../router.ts";
import { failoverSchema, importPreviewSchema } from "../schemas.ts";

const importRoute = createRoute({
  method: "post",
  path: "/",
  operationId: "importFailover",
  tags: ["Failovers"],
  summary: "Manage an existing load balancer",
  description:
    "Reads the load balancer of that name, its two pools and their monitor. Confirming marks the four objects by their descriptions; visitors notice nothing.",
  parameters: [contract.idempotencyKey, contract.requestIdParameter],
  request: { body: contract.jsonBody("Import") },
  responses: {
    200: contract.answer("What it would become; nothing was written.", importPreviewSchema),
    201: contract.answer("Imported.", failoverSchema, {
      ...contract.HEADERS.etag,
      ...contract.HEADERS.location,
    }),
    ...contract.problems("refused", "payload-too-large", "unsupported-media-type", "invalid"),
  },
});

export function importRoutes({ coordinator, reader }: ApiDependencies) {
  return createRouter().openapi(importRoute, async (c) => {
    const { hostname, name, confirm, keep_foreign: keepForeign } = await readBody(c, importSchema);
    refuseOwnHostname(c.req.url, { hostname });
    const asked = given({ hostname, name, confirm, keepForeign });
    const imported = await once(c, (caller) => coordinator.importFailover(asked, caller));
    if (imported.failoverId === null) return c.json(presentImport(imported.view), 200);
    const failover = await findFailover(reader, imported.failoverId);
    c.header("Location", `/v1/failovers/${failover.id}`);
    c.header("ETag", etagOf(failover));
    return c.json(presentFailover(failover), 201);
  });
}
