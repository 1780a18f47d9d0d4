// The OpenAPI 3.1 document: what zod-openapi derives from the routes, and what it can't know.
import type { OpenAPIHono } from "@hono/zod-openapi";
import { accessRuleOf, type AccessRule } from "./access-rules.ts";
import { HEADERS, PARAMETERS, PROBLEM_ANSWERS } from "./contract.ts";
import type { ApiEnv } from "./dependencies.ts";
import { REQUEST_BODIES } from "./request-bodies.ts";
import { problemSchema } from "./schemas.ts";

interface JsonSchema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  example?: unknown;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  anyOf?: JsonSchema[];
  enum?: unknown[];
}

/** Components that no route names by a zod schema. */
function registerComponents({ openAPIRegistry: registry }: OpenAPIHono<ApiEnv>): void {
  registry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    description:
      "`Authorization: Bearer <token>`. The first token is the installation's ADMIN_TOKEN, which is there to make others. The scope that an operation needs is named beside it; `admin` includes `operate`, which includes `read`.",
  });
  registry.registerComponent("securitySchemes", "access", {
    type: "apiKey",
    in: "header",
    name: "Cf-Access-Jwt-Assertion",
    description: "Cloudflare Access adds it, where it is configured. An Authorization header goes before it.",
  });
  registry.registerComponent("securitySchemes", "cloudflareWebhook", {
    type: "apiKey",
    in: "header",
    name: "cf-webhook-auth",
    description: "The installation's WEBHOOK_SECRET, as Cloudflare's notifications send it.",
  });
  registry.registerComponent("securitySchemes", "standardWebhook", {
    type: "apiKey",
    in: "header",
    name: "webhook-signature",
    description:
      "`v1,` and the base64 of HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>`, by one of DEPLOY_WEBHOOK_SECRET; beside webhook-id and webhook-timestamp.",
  });
  for (const [name, parameter] of Object.entries(PARAMETERS)) {
    registry.registerComponent("parameters", name, parameter);
  }
  for (const [name, response] of Object.entries(PROBLEM_ANSWERS)) {
    registry.registerComponent("responses", name, response);
  }
  registry.register("Problem", problemSchema);
  for (const [name, body] of Object.entries(REQUEST_BODIES)) registry.register(name, body);
}

/** The spec's members are described once, where it is shown; what may be asked for borrows the words. */
function describeLike(asked: JsonSchema, shown: JsonSchema): JsonSchema {
  // The first word of several is an example of them.
  const { description = shown.description, example = shown.example ?? asked.enum?.[0] } = asked;
  const properties = Object.entries(asked.properties ?? {}).map(([name, member]) => {
    const model = shown.properties?.[name];
    return [name, model === undefined ? member : describeLike(member, model)] as const;
  });
  return {
    ...asked,
    ...(description === undefined ? {} : { description }),
    ...(example === undefined || asked.properties !== undefined ? {} : { example }),
    ...(asked.properties === undefined ? {} : { properties: Object.fromEntries(properties) }),
    ...(asked.anyOf === undefined
      ? {}
      : {
          anyOf: asked.anyOf.map((form) => describeLike(form, form.properties === undefined ? {} : shown)),
        }),
  };
}

function orNull(schema: JsonSchema): JsonSchema {
  if (schema.anyOf !== undefined) {
    return schema.anyOf.some(({ type }) => type === "null")
      ? schema
      : { ...schema, anyOf: [...schema.anyOf, { type: "null" }] };
  }
  const types = [schema.type ?? []].flat();
  return {
    ...schema,
    type: [...new Set([...types, "null"])],
    ...(schema.enum === undefined ? {} : { enum: [...schema.enum, null] }),
  };
}

/** RFC 7396: every member may be absent, and null takes it back to its default. */
function mergePatchOf(schema: JsonSchema): JsonSchema {
  const { required: _, properties, ...rest } = schema;
  if (properties === undefined) return schema;
  const members = Object.entries(properties).map(
    ([name, member]) => [name, orNull(mergePatchOf(member))] as const,
  );
  return { ...rest, properties: Object.fromEntries(members) };
}

function completeBodies(schemas: Record<string, JsonSchema>): Record<string, JsonSchema> {
  const { Spec: shown, NewFailover: asked, FailoverPatch: patch } = schemas;
  if (shown === undefined || asked === undefined || patch === undefined) return schemas;
  const described = { ...describeLike(asked, shown), description: asked.description ?? "" };
  const { name: _, ...members } = described.properties ?? {};
  return {
    ...schemas,
    NewFailover: described,
    FailoverPatch: {
      ...mergePatchOf({ ...described, properties: members }),
      description: patch.description ?? "",
      example: patch.example,
    },
  };
}

const ABOUT: Readonly<Record<Exclude<AccessRule, string>["about"], string>> = {
  failover: " A token that is limited to other failovers gets a 404.",
  operation: " A token that is limited to other failovers gets a 404.",
  visible: " A token that is limited to some failovers sees those.",
  named: " A token that is limited to some failovers may name no other.",
  tokens: " A token sees none that is wider than itself.",
  account: " It is not for tokens that are limited to some failovers.",
};

interface Described {
  description?: string;
  summary?: string;
  parameters?: readonly { $ref?: string }[];
  responses?: Readonly<Record<string, { headers?: object }>>;
  security?: readonly Readonly<Record<string, readonly string[]>>[];
}

/** Which scope it needs, for programs and for people. What asks for nothing, or decides by itself, says so in its route. */
function nameScope<T extends Described>(operation: T, rule: AccessRule): T {
  if (typeof rule === "string") return operation;
  const { scope, about } = rule;
  const needs = `Needs the scope \`${scope}\`.${ABOUT[about]}`;
  return {
    ...operation,
    description: operation.description === undefined ? needs : `${operation.description}\n\n${needs}`,
    security: [{ bearer: [scope] }, { access: [scope] }],
  };
}

function nameScopes(paths: Record<string, Record<string, Described>>) {
  const item = (path: string, operations: Record<string, Described>) =>
    Object.fromEntries(
      Object.entries(operations).map(([method, operation]) => [
        method,
        nameKeyAnswers(nameScope(operation, accessRuleOf(method, path))),
      ]),
    );
  return Object.fromEntries(Object.entries(paths).map(([path, one]) => [path, item(path, one)]));
}

/** In the order in which somebody new wants to read of them. */
const TAGS: Readonly<Record<string, string>> = {
  Failovers:
    "What is kept: a hostname, its two endpoints, and everything at Cloudflare that follows from them.",
  Preflight: "What stands against it, before it is created or promoted.",
  Stages: "From draft to testing to production, and back.",
  Switching: "Which endpoint stands first, and holding healing back for a while.",
  Drills: "Rehearsals with a measured report.",
  "Plan and drift": "What would change, what others changed, and who serves visitors and why.",
  Operations: "Work that is longer than a request.",
  Evidence: "What happened, and what our probes saw.",
  Fleet: "All failovers at once.",
  Notifications: "Who is told of what happens, and how that went.",
  Webhooks: "What Cloudflare and pipelines tell us.",
  Tokens: "Who may do what.",
  Health: "Whether the service itself is well.",
  Documentation: "This document.",
};

/** Whatever can be asked under an Idempotency-Key may be answered because of one. */
function nameKeyAnswers<T extends Described>(operation: T): T {
  const hasKey = operation.parameters?.some(({ $ref }) => $ref === "#/components/parameters/IdempotencyKey");
  if (hasKey !== true) return operation;
  const responses = Object.entries(operation.responses ?? {}).map(([status, response]) => [
    status,
    status < "300" ? { ...response, headers: { ...response.headers, ...HEADERS.replayed } } : response,
  ]);
  const refusals = {
    409: { $ref: "#/components/responses/Problem409" },
    422: { $ref: "#/components/responses/Problem422" },
  };
  return { ...operation, responses: { ...refusals, ...Object.fromEntries(responses) } };
}

export function describeApi(app: OpenAPIHono<ApiEnv>) {
  registerComponents(app);
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Understudy",
      version: "1",
      description: "Automates and guards an active-passive failover behind a Cloudflare load balancer.",
    },
    servers: [{ url: "/", description: "This service." }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    security: [{ bearer: [] }, { access: [] }],
  });
  const schemas = (document.components?.schemas ?? {}) as Record<string, JsonSchema>;
  const paths = nameScopes((document.paths ?? {}) as Record<string, Record<string, Described>>);
  return { ...document, paths, components: { ...document.components, schemas: completeBodies(schemas) } };
}
