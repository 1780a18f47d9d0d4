import type { MiddlewareHandler } from "hono";
import type { ApiEnv } from "./dependencies.ts";
import { problem } from "./problem.ts";

const PRINTABLE = /^[\x20-\x7e]{1,255}$/;

/** Only the form of a key is checked so far: a client that sends a bad one should hear of it from the first day. */
export function checkIdempotencyKey(): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const key = c.req.header("idempotency-key");
    if (c.req.method === "POST" && key !== undefined && !PRINTABLE.test(key)) {
      throw problem("bad-request", "Idempotency-Key must have 1 to 255 printable ASCII characters.");
    }
    await next();
  };
}
