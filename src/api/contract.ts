// What the routes have in common in the OpenAPI document: parameters, headers, and the answers that say no.
import { z } from "@hono/zod-openapi";
import { PROBLEMS, type ProblemCode } from "./problem.ts";
import type { REQUEST_BODIES, RequestBodyName } from "./request-bodies.ts";
import type { problemSchema } from "./schemas.ts";

const parameter = (name: string) => ({ $ref: `#/components/parameters/${name}` });

export const ifMatchRequired = parameter("IfMatchRequired");
export const ifMatch = parameter("IfMatch");
export const prefer = parameter("Prefer");
export const idempotencyKey = parameter("IdempotencyKey");
export const requestIdParameter = parameter("RequestId");
export const lastEventId = parameter("LastEventId");

const header = (name: string, description: string, example: string, more: { required?: true } = {}) => ({
  name,
  in: "header" as const,
  description,
  schema: { type: "string" as const, example },
  ...more,
});

export const PARAMETERS = {
  IfMatchRequired: header("If-Match", "The ETag as last read, or *.", '"3"', { required: true }),
  IfMatch: header("If-Match", "Honoured where sent: the ETag as last read, or *.", '"3"'),
  Prefer: header(
    "Prefer",
    "`wait=N` waits up to N seconds, at most 60, for the operation to end.",
    "wait=30",
  ),
  IdempotencyKey: header(
    "Idempotency-Key",
    "1 to 255 printable ASCII characters, your own for each thing that is to be done once. For 24 hours the same request with it does nothing again and gets the first answer (`Idempotency-Replayed: true`; without one-time secrets); another body is a 422, and while the first is still at work a 409. A refusal changed nothing and isn't kept: the key may be tried again, also with another body. Keys belong to a principal and a path.",
    "promote-shop-1",
  ),
  LastEventId: header("Last-Event-ID", "Of a stream: the id of the last message that arrived.", "4711"),
  RequestId: header("X-Request-Id", "1 to 100 of A-Z a-z 0-9 _ -; made here unless given.", "deploy-4711"),
} as const;

const answerHeader = (description: string, example: string) => ({
  description,
  schema: { type: "string" as const, example },
});

export const HEADERS = {
  requestId: { "X-Request-Id": answerHeader("Finds the request in the log.", "req_5f0c1c5e8f1b") },
  etag: { ETag: answerHeader("The failover's revision.", '"3"') },
  location: { Location: answerHeader("Where the result is to be found.", "/v1/operations/op_7Hk2") },
  replayed: {
    "Idempotency-Replayed": answerHeader(
      "`true` where this was done by an earlier request with the same Idempotency-Key.",
      "true",
    ),
  },
  preferenceApplied: { "Preference-Applied": answerHeader("The wait that was honoured.", "wait=30") },
};

export const referenceSchema = z.object({
  id: z.string().meta({ description: "The failover's id or its name.", example: "shop" }),
});

export function answer<S extends z.ZodType>(description: string, schema: S, headers: object = {}) {
  return {
    description,
    headers: { ...HEADERS.requestId, ...headers } as Record<string, ReturnType<typeof answerHeader>>,
    content: { "application/json": { schema } },
  };
}

/** One answer for each status, however many codes share it. */
export const PROBLEM_ANSWERS = Object.fromEntries(
  Object.values(PROBLEMS).map(({ status }) => {
    const titles = Object.values(PROBLEMS).filter((one) => one.status === status);
    const headers = {
      ...HEADERS.requestId,
      ...(status === 401 || status === 403
        ? { "WWW-Authenticate": answerHeader("How to authenticate.", "Bearer") }
        : {}),
      ...(status === 405 ? { Allow: answerHeader("The methods that there are.", "GET, HEAD") } : {}),
      ...(status === 503 || status === 429 || status === 409
        ? { "Retry-After": answerHeader("Seconds to wait.", "5") }
        : {}),
      ...(status === 429
        ? {
            RateLimit: answerHeader("What is left, and for how many seconds.", '"minute";r=0;t=17'),
            "RateLimit-Policy": answerHeader("How many requests a minute has.", '"minute";q=1200;w=60'),
          }
        : {}),
    };
    const content = { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } };
    const description = `${titles.map(({ title }) => title).join(", or: ")}.`;
    return [`Problem${status}`, { description, headers, content }];
  }),
);

const ANY_ROUTE = [
  "bad-request",
  "unauthorized",
  "forbidden",
  "rate-limited",
  "internal",
  "unavailable",
] as const;

type ProblemAnswers<C extends ProblemCode> = {
  readonly [K in C | (typeof ANY_ROUTE)[number] as (typeof PROBLEMS)[K]["status"]]: {
    readonly description: string;
    readonly content: { readonly "application/problem+json": { readonly schema: typeof problemSchema } };
  };
};

/** Answers by reference, which the types don't show; what every route may answer is added. */
export function problems<const C extends readonly ProblemCode[]>(...codes: C): ProblemAnswers<C[number]> {
  const all: readonly ProblemCode[] = [...codes, ...ANY_ROUTE];
  const answers = all.map((code) => [
    PROBLEMS[code].status,
    { $ref: `#/components/responses/Problem${PROBLEMS[code].status}` },
  ]);
  return Object.fromEntries(answers) as ProblemAnswers<C[number]>;
}

/**
 * A body that readBody validates: in the document by reference, so that it isn't read twice, and in the types by its
 * schema, for the client.
 */
export function jsonBody<N extends RequestBodyName>(
  name: N,
  { required = true, mergePatch = false } = {},
): {
  readonly required: boolean;
  readonly content: { readonly "application/json": { readonly schema: (typeof REQUEST_BODIES)[N] } };
} {
  const reference: object = { $ref: `#/components/schemas/${name}` };
  const media = { schema: reference as (typeof REQUEST_BODIES)[N] };
  const content = {
    "application/json": media,
    ...(mergePatch ? { "application/merge-patch+json": media } : {}),
  };
  return { required, content };
}
