import { createRoute, z } from "@hono/zod-openapi";
import * as contract from "../contract.ts";
import { createRouter } from "../router.ts";

const get = createRoute({
  method: "get",
  path: "/openapi.json",
  operationId: "getOpenApi",
  tags: ["Documentation"],
  summary: "This document",
  security: [],
  parameters: [contract.requestIdParameter],
  responses: {
    200: contract.answer(
      "OpenAPI 3.1.",
      z.record(z.string(), z.unknown()).meta({
        description: "An OpenAPI 3.1 document.",
        example: { openapi: "3.1.0" },
      }),
    ),
  },
});

/** The document is asked for late: it describes the whole app, this route too. */
export function openApiRoutes(describe: () => Record<string, unknown>) {
  let document: Record<string, unknown> | null = null;
  return createRouter().openapi(get, (c) => {
    document ??= describe();
    return c.json(document, 200);
  });
}
