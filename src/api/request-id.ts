import type { MiddlewareHandler } from "hono";
import type { ApiEnv } from "./dependencies.ts";

/** A caller's id is taken over only in this form: it ends up in logs and headers. */
const ACCEPTABLE = /^[A-Za-z0-9_-]{1,100}$/;

export function requestId(): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const given = c.req.header("x-request-id");
    const id =
      given !== undefined && ACCEPTABLE.test(given)
        ? given
        : `req_${crypto.randomUUID().replaceAll("-", "")}`;
    c.set("requestId", id);
    await next();
    c.header("X-Request-Id", id);
  };
}
