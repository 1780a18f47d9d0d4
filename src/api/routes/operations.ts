import { createRoute, z } from "@hono/zod-openapi";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { awaitOperation } from "../prefer.ts";
import { presentOperation } from "../present.ts";
import { problem } from "../problem.ts";
import { createRouter } from "../router.ts";
import { operationSchema } from "../schemas.ts";

const get = createRoute({
  method: "get",
  path: "/{id}",
  operationId: "getOperation",
  tags: ["Operations"],
  summary: "Get an operation",
  parameters: [contract.prefer, contract.requestIdParameter],
  request: {
    params: z.object({ id: z.string().meta({ description: "The operation's id.", example: "op_7Hk2" }) }),
  },
  responses: {
    200: contract.answer("The operation.", operationSchema, contract.HEADERS.preferenceApplied),
    ...contract.problems("not-found"),
  },
});

export function operationRoutes(dependencies: ApiDependencies) {
  return createRouter().openapi(get, async (c) => {
    const { id } = c.req.valid("param");
    if ((await dependencies.reader.findOperation(id)) === null) {
      throw problem("not-found", "There is no operation with this id.");
    }
    return c.json(presentOperation(await awaitOperation(c, dependencies, id)), 200);
  });
}
