import { createRoute, z } from "@hono/zod-openapi";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { once } from "../idempotency-key.ts";
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

const cancel = createRoute({
  method: "post",
  path: "/{id}/cancel",
  operationId: "cancelOperation",
  tags: ["Operations"],
  summary: "Cancel what waits for its hour",
  description: "A switch-over with `at` that has not begun. What has begun is ended by what preempts it.",
  parameters: [contract.idempotencyKey, contract.requestIdParameter],
  request: {
    params: z.object({ id: z.string().meta({ description: "The operation's id.", example: "op_7Hk2" }) }),
  },
  responses: {
    200: contract.answer("The operation as it ended.", operationSchema, contract.HEADERS.preferenceApplied),
    ...contract.problems("not-found", "refused"),
  },
});

export function operationRoutes(dependencies: ApiDependencies) {
  return createRouter()
    .openapi(get, async (c) => {
      const { id } = c.req.valid("param");
      if ((await dependencies.reader.findOperation(id)) === null) {
        throw problem("not-found", "There is no operation with this id.");
      }
      return c.json(presentOperation(await awaitOperation(c, dependencies, id)), 200);
    })
    .openapi(cancel, async (c) => {
      const { operationId } = await once(c, (caller) =>
        dependencies.coordinator.cancel(c.req.valid("param").id, caller),
      );
      return c.json(presentOperation(await awaitOperation(c, dependencies, operationId)), 200);
    });
}
