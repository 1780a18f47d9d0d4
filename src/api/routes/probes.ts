import { createRoute } from "@hono/zod-openapi";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { pageQuerySchema, pageRequest, presentPage } from "../pagination.ts";
import { presentSample } from "../present.ts";
import { findFailover } from "../reference.ts";
import { createRouter } from "../router.ts";
import { listSchema, sampleSchema } from "../schemas.ts";

const list = createRoute({
  method: "get",
  path: "/{id}/probes",
  operationId: "listProbes",
  tags: ["Evidence"],
  summary: "List what our probes found, newest first",
  parameters: [contract.requestIdParameter],
  request: { params: contract.referenceSchema, query: pageQuerySchema },
  responses: {
    200: contract.answer("One page.", listSchema(sampleSchema, "SampleList")),
    ...contract.problems("not-found", "invalid"),
  },
});

export function probeRoutes({ reader }: ApiDependencies) {
  return createRouter().openapi(list, async (c) => {
    const { id } = await findFailover(reader, c.req.valid("param").id);
    const page = await reader.listSamples(id, pageRequest(c.req.valid("query")));
    return c.json(presentPage(page, presentSample), 200);
  });
}
