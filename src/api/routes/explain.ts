import { createRoute, z } from "@hono/zod-openapi";
import { CONDITION_NAMES, type Condition } from "../../failover/explain.ts";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { presentExplanation } from "../present.ts";
import { valueOf } from "../problem.ts";
import { createRouter } from "../router.ts";
import { explanationSchema } from "../schemas.ts";

function conditionsIn(given: string | undefined): string[] {
  return (given ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

const isCondition = (name: string): name is Condition =>
  (CONDITION_NAMES as readonly string[]).includes(name);

const querySchema = z.object({
  if: z
    .string("must be given once, a comma between conditions")
    .superRefine((given, context) => {
      for (const name of conditionsIn(given)) {
        if (isCondition(name)) continue;
        const message = `names ${JSON.stringify(name.slice(0, 64))}, which is not a condition; the conditions are ${CONDITION_NAMES.join(", ")}`;
        context.addIssue({ code: "custom", message });
      }
    })
    .optional()
    .meta({
      description: `What to suppose, a comma between: ${CONDITION_NAMES.join(", ")}.`,
      example: "primary_down,secondary_disabled",
    }),
});

const explain = createRoute({
  method: "get",
  path: "/{id}/explain",
  operationId: "explainFailover",
  tags: ["Plan and drift"],
  summary: "Who serves the hostname, and why",
  description:
    "Or who would: through fallback, a disabled load balancer and the DNS record underneath, to an error.",
  parameters: [contract.requestIdParameter],
  request: { params: contract.referenceSchema, query: querySchema },
  responses: {
    200: contract.answer("The explanation.", explanationSchema),
    ...contract.problems("not-found", "deleting", "invalid"),
  },
});

export function explainRoutes({ coordinator }: ApiDependencies) {
  return createRouter().openapi(explain, async (c) => {
    const conditions = conditionsIn(c.req.valid("query").if).filter(isCondition);
    return c.json(
      presentExplanation(valueOf(await coordinator.explain(c.req.valid("param").id, conditions))),
      200,
    );
  });
}
