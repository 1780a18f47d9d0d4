import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { approvalOf } from "../../failover/approval.ts";
import { acceptedAnswers, answerOperation } from "../accepted.ts";
import { requireFurther } from "../authorization.ts";
import { approvalSchema, rejectionSchema } from "../bodies.ts";
import { readBody } from "../body.ts";
import * as contract from "../contract.ts";
import type { ApiDependencies, ApiEnv } from "../dependencies.ts";
import { once } from "../idempotency-key.ts";
import { awaitOperation } from "../prefer.ts";
import { presentOperation } from "../present.ts";
import { problem } from "../problem.ts";
import { createRouter } from "../router.ts";
import { operationSchema } from "../schemas.ts";

const operationParams = z.object({
  id: z.string().meta({ description: "The operation's id.", example: "op_7Hk2" }),
});

const get = createRoute({
  method: "get",
  path: "/{id}",
  operationId: "getOperation",
  tags: ["Operations"],
  summary: "Get an operation",
  parameters: [contract.prefer, contract.requestIdParameter],
  request: { params: operationParams },
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
  summary: "Cancel what waits for its hour, or for approval",
  description:
    "A switch-over with `at` that has not begun, or a request that nobody has decided about. What has begun is ended by what preempts it.",
  parameters: [contract.idempotencyKey, contract.requestIdParameter],
  request: { params: operationParams },
  responses: {
    200: contract.answer("The operation as it ended.", operationSchema, contract.HEADERS.preferenceApplied),
    ...contract.problems("not-found", "refused"),
  },
});

const deciding = {
  method: "post" as const,
  tags: ["Operations"],
  parameters: [contract.prefer, contract.idempotencyKey, contract.requestIdParameter],
};
const decidingProblems = contract.problems(
  "not-found",
  "refused",
  "deleting",
  "payload-too-large",
  "unsupported-media-type",
  "invalid",
);

const approve = createRoute({
  ...deciding,
  path: "/{id}/approve",
  operationId: "approveOperation",
  summary: "Approve what another person asked for",
  description:
    "Bound to the plan that the operation shows: every guard is judged again, and where it would do something else by now it is refused (`plan-changed`) and has to be asked for anew. Whoever asked can't approve (`own-request`). A promotion needs the scope `admin`. The answer is the operation that was begun.",
  request: { params: operationParams, body: contract.jsonBody("Approval") },
  responses: { ...acceptedAnswers, ...decidingProblems },
});

const reject = createRoute({
  ...deciding,
  path: "/{id}/reject",
  operationId: "rejectOperation",
  summary: "Reject what another person asked for",
  description: "Whoever asked withdraws it by cancelling it.",
  request: { params: operationParams, body: contract.jsonBody("Rejection") },
  responses: {
    200: contract.answer("The request as it ended.", operationSchema, {
      ...contract.HEADERS.location,
      ...contract.HEADERS.preferenceApplied,
    }),
    ...decidingProblems,
  },
});

export function operationRoutes(dependencies: ApiDependencies) {
  /** To decide about it one has to be allowed to do it. */
  async function requireSame(c: Context<ApiEnv>, id: string): Promise<void> {
    const operation = await dependencies.reader.findOperation(id);
    const action = operation === null ? undefined : approvalOf(operation)?.prospect.action;
    if (action === "promote") await requireFurther(c, dependencies, "admin");
  }

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
    })
    .openapi(approve, async (c) => {
      const { id } = c.req.valid("param");
      const { plan } = await readBody(c, approvalSchema);
      await requireSame(c, id);
      const { operationId } = await once(c, (caller) =>
        dependencies.coordinator.approve(id, { plan }, caller),
      );
      return answerOperation(c, dependencies, operationId);
    })
    .openapi(reject, async (c) => {
      const { id } = c.req.valid("param");
      const { reason } = await readBody(c, rejectionSchema);
      await requireSame(c, id);
      const { operationId } = await once(c, (caller) =>
        dependencies.coordinator.reject(id, { reason }, caller),
      );
      c.header("Location", `/v1/operations/${operationId}`);
      return c.json(presentOperation(await awaitOperation(c, dependencies, operationId)), 200);
    });
}
