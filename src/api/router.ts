import { OpenAPIHono } from "@hono/zod-openapi";
import type { ApiEnv } from "./dependencies.ts";
import { problem } from "./problem.ts";
import { pointerTo } from "../failover/field-errors.ts";

/** Every router is made here: a default hook doesn't reach the apps that are mounted below. */
export function createRouter(): OpenAPIHono<ApiEnv> {
  return new OpenAPIHono<ApiEnv>({
    // Bodies are read by readBody; what is validated here is the query.
    defaultHook: (result) => {
      if (result.success) return;
      const errors = result.error.issues.map(({ path, message }) => ({
        pointer: pointerTo(path),
        in: "query" as const,
        message,
      }));
      throw problem("invalid", "The query is not valid; `errors` names every fault.", { errors });
    },
  });
}
