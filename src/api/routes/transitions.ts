import { createRoute } from "@hono/zod-openapi";
import { acceptedAnswers, answerOperation } from "../accepted.ts";
import { demotionSchema, given, promotionSchema } from "../bodies.ts";
import { readBody } from "../body.ts";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { once } from "../idempotency-key.ts";
import { expectedRevision } from "../preconditions.ts";
import { createRouter } from "../router.ts";

const tags = ["Stages"];
const parameters = [contract.ifMatch, contract.prefer, contract.idempotencyKey, contract.requestIdParameter];
const responses = {
  ...acceptedAnswers,
  ...contract.problems(
    "not-found",
    "refused",
    "revision-mismatch",
    "payload-too-large",
    "unsupported-media-type",
    "invalid",
  ),
};

const promote = createRoute({
  method: "post",
  path: "/{id}/promote",
  operationId: "promoteFailover",
  tags,
  summary: "Promote a failover one stage",
  description:
    "draft → testing → production. Every guard that stands against it is named at once. In production the operation lasts for as long as the promotion bakes. Where the spec says `approval: required` the operation waits for another person.",
  parameters,
  request: {
    params: contract.referenceSchema,
    body: contract.jsonBody("Promotion", { required: false }),
  },
  responses,
});

const demote = createRoute({
  method: "post",
  path: "/{id}/demote",
  operationId: "demoteFailover",
  tags,
  summary: "Demote a failover one stage",
  description: "production → testing → draft. It preempts an operation that is under way.",
  parameters,
  request: { params: contract.referenceSchema, body: contract.jsonBody("Demotion", { required: false }) },
  responses,
});

export function transitionRoutes(dependencies: ApiDependencies) {
  const { coordinator, reader } = dependencies;
  return createRouter()
    .openapi(promote, async (c) => {
      const { id } = c.req.valid("param");
      const { bake_seconds: bakeSeconds, ...body } = await readBody(c, promotionSchema, { optional: true });
      const request = given({ ...body, bakeSeconds, revision: await expectedRevision(c, reader, id) });
      const { operationId } = await once(c, (caller) => coordinator.promote(id, request, caller));
      return answerOperation(c, dependencies, operationId);
    })
    .openapi(demote, async (c) => {
      const { id } = c.req.valid("param");
      const body = await readBody(c, demotionSchema, { optional: true });
      const request = given({ ...body, revision: await expectedRevision(c, reader, id) });
      const { operationId } = await once(c, (caller) => coordinator.demote(id, request, caller));
      return answerOperation(c, dependencies, operationId);
    });
}
