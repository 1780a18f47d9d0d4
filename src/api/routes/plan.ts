import { createRoute } from "@hono/zod-openapi";
import { acceptedAnswers, answerOperation } from "../accepted.ts";
import { adoptionSchema, given, reconciliationSchema } from "../bodies.ts";
import { readBody } from "../body.ts";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { once } from "../idempotency-key.ts";
import { etagOf, expectedRevision } from "../preconditions.ts";
import { presentFailover, presentPlan } from "../present.ts";
import { valueOf } from "../problem.ts";
import { findFailover } from "../reference.ts";
import { createRouter } from "../router.ts";
import { failoverSchema, planSchema } from "../schemas.ts";

const tags = ["Plan and drift"];
const bodyProblems = [
  "not-found",
  "refused",
  "revision-mismatch",
  "payload-too-large",
  "unsupported-media-type",
  "invalid",
] as const;

const plan = createRoute({
  method: "get",
  path: "/{id}/plan",
  operationId: "planFailover",
  tags,
  summary: "See what a reconcile would change",
  description: "Reads Cloudflare afresh and writes nothing.",
  parameters: [contract.requestIdParameter],
  request: { params: contract.referenceSchema },
  responses: {
    200: contract.answer("The plan.", planSchema),
    ...contract.problems("not-found", "deleting"),
  },
});

const reconcile = createRoute({
  method: "post",
  path: "/{id}/reconcile",
  operationId: "reconcileFailover",
  tags,
  summary: "Make Cloudflare what is wanted, now",
  description:
    "Heals drift, also where the policy is to report it, the grace time still runs, or it was adopted. Somebody else's routing stays unless `heal_foreign` says otherwise.",
  parameters: [contract.ifMatch, contract.prefer, contract.idempotencyKey, contract.requestIdParameter],
  request: {
    params: contract.referenceSchema,
    body: contract.jsonBody("Reconciliation", { required: false }),
  },
  responses: { ...acceptedAnswers, ...contract.problems(...bodyProblems) },
});

const adopt = createRoute({
  method: "post",
  path: "/{id}/adopt",
  operationId: "adoptDrift",
  tags,
  summary: "Accept the present drift in role as wanted",
  parameters: [contract.ifMatch, contract.idempotencyKey, contract.requestIdParameter],
  request: { params: contract.referenceSchema, body: contract.jsonBody("Adoption") },
  responses: {
    200: contract.answer("The failover with the drift as wanted.", failoverSchema, contract.HEADERS.etag),
    ...contract.problems(...bodyProblems),
  },
});

export function planRoutes(dependencies: ApiDependencies) {
  const { coordinator, reader } = dependencies;
  return createRouter()
    .openapi(plan, async (c) => {
      const found = valueOf(await coordinator.plan(c.req.valid("param").id));
      return c.json(presentPlan(found), 200);
    })
    .openapi(reconcile, async (c) => {
      const { id } = c.req.valid("param");
      const { heal_foreign: healForeign } = await readBody(c, reconciliationSchema, { optional: true });
      const request = given({ healForeign, revision: await expectedRevision(c, reader, id) });
      const { operationId } = await once(c, (caller) => coordinator.reconcile(id, request, caller));
      return answerOperation(c, dependencies, operationId);
    })
    .openapi(adopt, async (c) => {
      const { id } = c.req.valid("param");
      const { reason } = await readBody(c, adoptionSchema);
      const request = given({ reason, revision: await expectedRevision(c, reader, id) });
      const { failoverId } = await once(c, (caller) => coordinator.adopt(id, request, caller));
      const failover = await findFailover(reader, failoverId);
      c.header("ETag", etagOf(failover));
      return c.json(presentFailover(failover), 200);
    });
}
