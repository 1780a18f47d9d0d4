// A path that exists and a method that doesn't: 405 with Allow, on every path of the document.
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { ApiEnv } from "./dependencies.ts";
import { problem } from "./problem.ts";

function methodsByPath({ openAPIRegistry }: OpenAPIHono<ApiEnv>): Map<string, string[]> {
  const methods = new Map<string, string[]>();
  for (const definition of openAPIRegistry.definitions) {
    if (definition.type !== "route") continue;
    const { path, method } = definition.route;
    const known = methods.get(path) ?? [];
    methods.set(path, [...known, ...(method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()])]);
  }
  return methods;
}

/** Call it last: what comes after would never be reached. */
export function refuseOtherMethods(app: OpenAPIHono<ApiEnv>): void {
  for (const [path, methods] of methodsByPath(app)) {
    const allow = methods.join(", ");
    app.all(path.replaceAll(/\{(\w+)\}/g, ":$1"), (c) => {
      throw problem("method-not-allowed", `${c.req.method} is not possible here; there is ${allow}.`, {
        headers: { allow },
      });
    });
  }
}
