import { createRoute, z } from "@hono/zod-openapi";
import { GUARD_IDS } from "../../failover/guards.ts";
import { acceptedAnswers, answerOperation } from "../accepted.ts";
import { originOf } from "../authentication.ts";
import { requireName, visibleTo, withoutOthers } from "../authorization.ts";
import { failoverPatchSchema, given, newFailoverSchema, reasonSchema } from "../bodies.ts";
import { readBody } from "../body.ts";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { once } from "../idempotency-key.ts";
import { refuseOwnHostname } from "../own-hostname.ts";
import { pageQuerySchema, pageRequest, presentPage } from "../pagination.ts";
import { etagOf, requiredRevision } from "../preconditions.ts";
import { presentFailover } from "../present.ts";
import { valueOf } from "../problem.ts";
import { findFailover } from "../reference.ts";
import { createRouter } from "../router.ts";
import { failoverSchema, listSchema } from "../schemas.ts";

const tags = ["Failovers"];

const create = createRoute({
  method: "post",
  path: "/",
  operationId: "createFailover",
  tags,
  summary: "Create a failover",
  description: "Stored at once as a draft; its objects at Cloudflare follow (`status.sync` is `converging`).",
  parameters: [contract.idempotencyKey, contract.requestIdParameter],
  request: { body: contract.jsonBody("NewFailover") },
  responses: {
    201: contract.answer("Created.", failoverSchema, {
      ...contract.HEADERS.etag,
      ...contract.HEADERS.location,
    }),
    ...contract.problems("taken", "payload-too-large", "unsupported-media-type", "invalid"),
  },
});

const list = createRoute({
  method: "get",
  path: "/",
  operationId: "listFailovers",
  tags,
  summary: "List failovers",
  parameters: [contract.requestIdParameter],
  request: { query: pageQuerySchema },
  responses: {
    200: contract.answer("One page.", listSchema(failoverSchema, "FailoverList")),
    ...contract.problems("invalid"),
  },
});

const get = createRoute({
  method: "get",
  path: "/{id}",
  operationId: "getFailover",
  tags,
  summary: "Get a failover",
  parameters: [contract.requestIdParameter],
  request: { params: contract.referenceSchema },
  responses: {
    200: contract.answer("The failover.", failoverSchema, contract.HEADERS.etag),
    ...contract.problems("not-found"),
  },
});

const overridingSchema = z.object({
  override: z.string("must be given once, a comma between guards").optional().meta({
    description: "Guards to get past, a comma between them; needs `reason`.",
    example: "target-not-ready",
  }),
  reason: reasonSchema.optional(),
});

const deletionSchema = overridingSchema
  .extend({
    mode: z.enum(["destroy", "orphan"], "must be destroy or orphan").optional().meta({
      description: "`destroy` (the default) deletes the objects, `orphan` leaves them, without our markers.",
      example: "destroy",
    }),
  })
  .superRefine(checkOverride);

/** Names what isn't a guard, and an override without its reason. */
function checkOverride(
  { override, reason }: { override?: string | undefined; reason?: string | undefined },
  context: z.RefinementCtx,
): void {
  for (const guard of guardsIn(override)) {
    if ((GUARD_IDS as readonly string[]).includes(guard)) continue;
    const message = `names ${JSON.stringify(guard.slice(0, 64))}, which is not a guard; the guards are ${GUARD_IDS.join(", ")}`;
    context.addIssue({ code: "custom", path: ["override"], message });
  }
  if (guardsIn(override).length > 0 && reason === undefined) {
    context.addIssue({
      code: "custom",
      path: ["reason"],
      message: "is required where guards are overridden",
    });
  }
}

function guardsIn(override: string | undefined): string[] {
  return (override ?? "")
    .split(",")
    .map((guard) => guard.trim())
    .filter((guard) => guard !== "");
}

const patch = createRoute({
  method: "patch",
  path: "/{id}",
  operationId: "patchFailover",
  tags,
  summary: "Change a failover's spec",
  description:
    "A patch that changes nothing doesn't raise the revision. In production an endpoint or the monitor changes only to what was seen to work: Cloudflare's preview of the monitor and our own probe are asked first (guard `target-not-ready`).",
  parameters: [contract.ifMatchRequired, contract.requestIdParameter],
  request: {
    params: contract.referenceSchema,
    query: overridingSchema.superRefine(checkOverride),
    body: contract.jsonBody("FailoverPatch", { mergePatch: true }),
  },
  responses: {
    200: contract.answer("The failover as it is now wanted.", failoverSchema, contract.HEADERS.etag),
    ...contract.problems(
      "not-found",
      "refused",
      "revision-mismatch",
      "payload-too-large",
      "unsupported-media-type",
      "invalid",
      "precondition-required",
    ),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/{id}",
  operationId: "deleteFailover",
  tags,
  summary: "Delete a failover",
  description: "In production refused by the guard `in-production` unless overridden with a reason.",
  parameters: [contract.ifMatchRequired, contract.prefer, contract.requestIdParameter],
  request: { params: contract.referenceSchema, query: deletionSchema },
  responses: {
    ...acceptedAnswers,
    ...contract.problems("not-found", "refused", "revision-mismatch", "invalid", "precondition-required"),
  },
});

export function failoverRoutes(dependencies: ApiDependencies) {
  const { coordinator, reader } = dependencies;
  return createRouter()
    .openapi(create, async (c) => {
      const input = await readBody(c, newFailoverSchema);
      requireName(c, input.name);
      refuseOwnHostname(c.req.url, input);
      const { failoverId } = await once(c, async (caller) =>
        withoutOthers(c, await coordinator.createFailover(input, caller)),
      );
      const failover = await findFailover(reader, failoverId);
      c.header("Location", `/v1/failovers/${failover.id}`);
      c.header("ETag", etagOf(failover));
      return c.json(presentFailover(failover), 201);
    })
    .openapi(list, async (c) => {
      const page = await reader.listFailovers(pageRequest(c.req.valid("query")), visibleTo(c));
      return c.json(presentPage(page, presentFailover), 200);
    })
    .openapi(get, async (c) => {
      const failover = await findFailover(reader, c.req.valid("param").id);
      c.header("ETag", etagOf(failover));
      return c.json(presentFailover(failover), 200);
    })
    .openapi(patch, async (c) => {
      const { id } = c.req.valid("param");
      const changes = await readBody(c, failoverPatchSchema);
      refuseOwnHostname(c.req.url, changes);
      const { override, reason } = c.req.valid("query");
      const revision = await requiredRevision(c, reader, id);
      const request = given({ revision, override: guardsIn(override), reason });
      const { failoverId } = valueOf(
        withoutOthers(c, await coordinator.patchFailover(id, changes, request, originOf(c))),
      );
      const failover = await findFailover(reader, failoverId);
      c.header("ETag", etagOf(failover));
      return c.json(presentFailover(failover), 200);
    })
    .openapi(remove, async (c) => {
      const { id } = c.req.valid("param");
      const { mode = "destroy", override, reason } = c.req.valid("query");
      const revision = await requiredRevision(c, reader, id);
      const request = given({ mode, revision, override: guardsIn(override), reason });
      const { operationId } = valueOf(await coordinator.deleteFailover(id, request, originOf(c)));
      return answerOperation(c, dependencies, operationId);
    });
}
