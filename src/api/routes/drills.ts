import { createRoute, z } from "@hono/zod-openapi";
import { acceptedAnswers, answerOperation } from "../accepted.ts";
import { drillAbortSchema, drillRequestSchema, given } from "../bodies.ts";
import { readBody } from "../body.ts";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { once } from "../idempotency-key.ts";
import { drillSchema, presentDrill } from "../drill-schema.ts";
import { pageQuerySchema, pageRequest, presentPage } from "../pagination.ts";
import { expectedRevision } from "../preconditions.ts";
import { problem } from "../problem.ts";
import { findFailover } from "../reference.ts";
import { createRouter } from "../router.ts";
import { listSchema } from "../schemas.ts";

const tags = ["Drills"];
const bodyProblems = ["payload-too-large", "unsupported-media-type", "invalid"] as const;
const oneSchema = contract.referenceSchema.extend({
  drill: z.string().meta({ description: "The drill's id.", example: "dr_5Lp1" }),
});

const start = createRoute({
  method: "post",
  path: "/{id}/drills",
  operationId: "startDrill",
  tags,
  summary: "Rehearse the failover",
  description:
    "Diverts the hostname of the present stage to the secondary, holds it there, restores it, and measures. Refused wherever it could do harm; whatever dies meanwhile, it is restored by its deadline.",
  parameters: [contract.ifMatch, contract.prefer, contract.idempotencyKey, contract.requestIdParameter],
  request: { params: contract.referenceSchema, body: contract.jsonBody("DrillRequest", { required: false }) },
  responses: {
    ...acceptedAnswers,
    ...contract.problems("not-found", "refused", "revision-mismatch", ...bodyProblems),
  },
});

const list = createRoute({
  method: "get",
  path: "/{id}/drills",
  operationId: "listDrills",
  tags,
  summary: "List a failover's drills, newest first",
  parameters: [contract.requestIdParameter],
  request: { params: contract.referenceSchema, query: pageQuerySchema },
  responses: {
    200: contract.answer("One page.", listSchema(drillSchema, "DrillList")),
    ...contract.problems("not-found", "invalid"),
  },
});

const get = createRoute({
  method: "get",
  path: "/{id}/drills/{drill}",
  operationId: "getDrill",
  tags,
  summary: "Get a drill with its report",
  parameters: [contract.requestIdParameter],
  request: { params: oneSchema },
  responses: { 200: contract.answer("The drill.", drillSchema), ...contract.problems("not-found") },
});

const aborting = {
  method: "post" as const,
  tags,
  parameters: [contract.idempotencyKey, contract.requestIdParameter],
  responses: { ...acceptedAnswers, ...contract.problems("not-found", "refused", ...bodyProblems) },
};
const abortBody = contract.jsonBody("DrillAbort", { required: false });

const abort = createRoute({
  ...aborting,
  path: "/{id}/drills/{drill}/abort",
  operationId: "abortDrill",
  summary: "Abort a drill",
  description: "At any time: what was before is restored at once. The answer is its operation as it ended.",
  request: { params: oneSchema, body: abortBody },
});

const abortRunning = createRoute({
  ...aborting,
  path: "/{id}/abort",
  operationId: "abortRunningDrill",
  summary: "Abort the drill under way, whichever it is",
  request: { params: contract.referenceSchema, body: abortBody },
});

export function drillRoutes(dependencies: ApiDependencies) {
  const { coordinator, reader } = dependencies;
  return createRouter()
    .openapi(start, async (c) => {
      const { id } = c.req.valid("param");
      const body = await readBody(c, drillRequestSchema, { optional: true });
      const { method, hold_seconds: holdSeconds, confirm, reason } = body;
      const revision = await expectedRevision(c, reader, id);
      const request = given({ method, holdSeconds, confirm, reason, revision });
      const { operationId } = await once(c, (caller) => coordinator.startDrill(id, request, caller));
      return answerOperation(c, dependencies, operationId);
    })
    .openapi(list, async (c) => {
      const failover = await findFailover(reader, c.req.valid("param").id);
      const page = await reader.listDrills(failover.id, pageRequest(c.req.valid("query")));
      return c.json(presentPage(page, presentDrill), 200);
    })
    .openapi(get, async (c) => {
      const { id, drill } = c.req.valid("param");
      const found = await reader.findDrill((await findFailover(reader, id)).id, drill);
      if (found === null) throw problem("not-found", "The failover has no drill with this id.");
      return c.json(presentDrill(found), 200);
    })
    .openapi(abort, async (c) => {
      const { id, drill: drillId } = c.req.valid("param");
      const { reason } = await readBody(c, drillAbortSchema, { optional: true });
      const { operationId } = await once(c, (caller) =>
        coordinator.abortDrill(id, given({ drillId, reason }), caller),
      );
      return answerOperation(c, dependencies, operationId);
    })
    .openapi(abortRunning, async (c) => {
      const { id } = c.req.valid("param");
      const { reason } = await readBody(c, drillAbortSchema, { optional: true });
      const { operationId } = await once(c, (caller) =>
        coordinator.abortDrill(id, given({ reason }), caller),
      );
      return answerOperation(c, dependencies, operationId);
    });
}
