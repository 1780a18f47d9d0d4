// How the API says no: RFC 9457 problem details, and the one table from code to status.
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Failure, FailureCode, FieldError, Refusal, Result } from "../failover/results.ts";
import type { ApiEnv } from "./dependencies.ts";

/** What only HTTP can get wrong, beside the failures of actions. */
type HttpCode =
  | "bad-request"
  | "unauthorized"
  | "forbidden"
  | "rate-limited"
  | "still-running"
  | "key-reused"
  | "method-not-allowed"
  | "payload-too-large"
  | "unsupported-media-type"
  | "internal"
  | "unavailable";

export type ProblemCode = FailureCode | HttpCode;

export const PROBLEMS = {
  "bad-request": { status: 400, title: "Malformed request" },
  unauthorized: { status: 401, title: "Authentication required" },
  forbidden: { status: 403, title: "Not allowed" },
  "not-found": { status: 404, title: "Not found" },
  "method-not-allowed": { status: 405, title: "Method not allowed" },
  taken: { status: 409, title: "Already taken" },
  refused: { status: 409, title: "Refused" },
  deleting: { status: 409, title: "Being deleted" },
  "still-running": { status: 409, title: "Still running" },
  "revision-mismatch": { status: 412, title: "Another revision" },
  "payload-too-large": { status: 413, title: "Body too large" },
  "unsupported-media-type": { status: 415, title: "Unsupported media type" },
  invalid: { status: 422, title: "Invalid request" },
  "key-reused": { status: 422, title: "Idempotency key of another request" },
  "precondition-required": { status: 428, title: "Precondition required" },
  "rate-limited": { status: 429, title: "Too many requests" },
  internal: { status: 500, title: "Internal error" },
  unavailable: { status: 503, title: "Temporarily unavailable" },
} as const satisfies Record<ProblemCode, { status: ContentfulStatusCode; title: string }>;

/** A fault in one member of the body or, with `in`, in one query parameter. */
export interface RequestError extends FieldError {
  readonly in?: "query";
}

export interface Problem {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly errors?: readonly RequestError[];
  readonly refusals?: readonly Refusal[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Ends a request early. It never leaves src/api: app.ts answers it. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(told: Problem) {
    super(told.detail);
    this.problem = told;
  }
}

export function problem(code: ProblemCode, detail: string, more: Partial<Problem> = {}): ProblemError {
  return new ProblemError({ ...more, code, detail });
}

/** The value of what an action answered; its failure ends the request. */
export function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new ProblemError(result.failure satisfies Failure);
  return result.value;
}

export function problemType(code: ProblemCode): string {
  return `urn:understudy:problem:${code}`;
}

export function answerProblem(c: Context<ApiEnv>, answered: Problem) {
  const { code, detail, errors, refusals, headers } = answered;
  const { status, title } = PROBLEMS[code];
  const body = {
    type: problemType(code),
    title,
    status,
    detail,
    request_id: c.get("requestId"),
    ...(errors === undefined ? {} : { errors }),
    ...(refusals === undefined ? {} : { refusals }),
  };
  return c.body(JSON.stringify(body), status, { ...headers, "content-type": "application/problem+json" });
}
