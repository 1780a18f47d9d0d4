import { createRoute } from "@hono/zod-openapi";
import { acceptedAnswers, answerOperation } from "../accepted.ts";
import { requireOverride } from "../authorization.ts";
import { given, pauseSchema, resumptionSchema, switchBackSchema, switchOverSchema } from "../bodies.ts";
import { readBody } from "../body.ts";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { once } from "../idempotency-key.ts";
import { etagOf, expectedRevision } from "../preconditions.ts";
import { presentFailover } from "../present.ts";
import { findFailover } from "../reference.ts";
import { createRouter } from "../router.ts";
import { failoverSchema } from "../schemas.ts";

const tags = ["Switching"];
const problems = contract.problems(
  "not-found",
  "refused",
  "payload-too-large",
  "unsupported-media-type",
  "invalid",
);
const switchProblems = { ...problems, ...contract.problems("revision-mismatch") };
const parameters = [contract.ifMatch, contract.prefer, contract.idempotencyKey, contract.requestIdParameter];

const switchOver = createRoute({
  method: "post",
  path: "/{id}/switch-over",
  operationId: "switchOver",
  tags,
  summary: "Put an endpoint first",
  description:
    "For good, or with `expires_in_seconds` until then. Reorders the load balancer's pools and disables none; it preempts an operation that is under way. Where the spec says `approval: required` the operation waits for another person; only an admin may override `approval-required`.",
  parameters,
  request: { params: contract.referenceSchema, body: contract.jsonBody("SwitchOver") },
  responses: { ...acceptedAnswers, ...switchProblems },
});

const switchBack = createRoute({
  method: "post",
  path: "/{id}/switch-back",
  operationId: "switchBack",
  tags,
  summary: "End a timed switch-over, or put the primary first again",
  parameters,
  request: { params: contract.referenceSchema, body: contract.jsonBody("SwitchBack") },
  responses: { ...acceptedAnswers, ...switchProblems },
});

const changed = {
  200: contract.answer("The failover.", failoverSchema, contract.HEADERS.etag),
  ...problems,
};

const pause = createRoute({
  method: "post",
  path: "/{id}/pause",
  operationId: "pauseFailover",
  tags,
  summary: "Hold back healing for a while",
  description: "Drift is still seen and told. It ends by itself, and what is under way is aborted.",
  parameters: [contract.idempotencyKey, contract.requestIdParameter],
  request: { params: contract.referenceSchema, body: contract.jsonBody("Pause") },
  responses: changed,
});

const resume = createRoute({
  method: "post",
  path: "/{id}/resume",
  operationId: "resumeFailover",
  tags,
  summary: "End a pause",
  parameters: [contract.idempotencyKey, contract.requestIdParameter],
  request: { params: contract.referenceSchema, body: contract.jsonBody("Resumption", { required: false }) },
  responses: changed,
});

interface SwitchBody {
  readonly expected_active?: "primary" | "secondary" | undefined;
  readonly expires_in_seconds?: number | undefined;
  readonly override?: string[] | undefined;
  readonly reason: string;
}

function requestOf(body: SwitchBody, revision: number | undefined) {
  const { expected_active: expectedActive, expires_in_seconds: expiresInSeconds, override, reason } = body;
  return given({ expectedActive, expiresInSeconds, override, reason, revision });
}

export function switchingRoutes(dependencies: ApiDependencies) {
  const { coordinator, reader } = dependencies;
  const shown = async (failoverId: string) => {
    const failover = await findFailover(reader, failoverId);
    return { body: presentFailover(failover), etag: etagOf(failover) };
  };
  return createRouter()
    .openapi(switchOver, async (c) => {
      const { id } = c.req.valid("param");
      const body = await readBody(c, switchOverSchema);
      await requireOverride(c, dependencies, body.override);
      const request = {
        ...requestOf(body, await expectedRevision(c, reader, id)),
        ...(body.at === undefined ? {} : { at: Date.parse(body.at) }),
        to: body.to,
      };
      const { operationId } = await once(c, (caller) => coordinator.switchOver(id, request, caller));
      return answerOperation(c, dependencies, operationId);
    })
    .openapi(switchBack, async (c) => {
      const { id } = c.req.valid("param");
      const body = await readBody(c, switchBackSchema);
      const request = requestOf(body, await expectedRevision(c, reader, id));
      const { operationId } = await once(c, (caller) => coordinator.switchBack(id, request, caller));
      return answerOperation(c, dependencies, operationId);
    })
    .openapi(pause, async (c) => {
      const { id } = c.req.valid("param");
      const { expires_in_seconds: expiresInSeconds, reason } = await readBody(c, pauseSchema);
      const { failoverId } = await once(c, (caller) =>
        coordinator.pause(id, { expiresInSeconds, reason }, caller),
      );
      const { body, etag } = await shown(failoverId);
      c.header("ETag", etag);
      return c.json(body, 200);
    })
    .openapi(resume, async (c) => {
      const { id } = c.req.valid("param");
      const { reason } = await readBody(c, resumptionSchema, { optional: true });
      const { failoverId } = await once(c, (caller) => coordinator.resume(id, given({ reason }), caller));
      const { body, etag } = await shown(failoverId);
      c.header("ETag", etag);
      return c.json(body, 200);
    });
}
