import { createRoute, z } from "@hono/zod-openapi";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { once } from "../idempotency-key.ts";
import { pageQuerySchema, pageRequest, presentPage } from "../pagination.ts";
import { problem } from "../problem.ts";
import { createRouter } from "../router.ts";
import { listSchema } from "../schemas.ts";
import { presentWebhook, presentWholeWebhook, webhookSchema, wholeWebhookSchema } from "../webhook-schema.ts";

const tags = ["Webhooks"];
const oneSchema = z.object({
  id: z.string().meta({ description: "The webhook's id.", example: "wh_4Tz1" }),
});

const list = createRoute({
  method: "get",
  path: "/",
  operationId: "listWebhooks",
  tags,
  summary: "List the webhooks that came in, newest first",
  description: "With what came of each. They are kept for thirty days.",
  parameters: [contract.requestIdParameter],
  request: { query: pageQuerySchema },
  responses: {
    200: contract.answer("One page.", listSchema(webhookSchema, "WebhookList")),
    ...contract.problems("invalid"),
  },
});

const get = createRoute({
  method: "get",
  path: "/{id}",
  operationId: "getWebhook",
  tags,
  summary: "Get a webhook with its body",
  parameters: [contract.requestIdParameter],
  request: { params: oneSchema },
  responses: {
    200: contract.answer("The webhook.", wholeWebhookSchema),
    ...contract.problems("not-found"),
  },
});

const replay = createRoute({
  method: "post",
  path: "/{id}/replay",
  operationId: "replayWebhook",
  tags,
  summary: "Play a webhook again",
  description: "Looks once more where it points to; the answer says what came of that.",
  parameters: [contract.idempotencyKey, contract.requestIdParameter],
  request: { params: oneSchema },
  responses: {
    200: contract.answer("Played again.", wholeWebhookSchema),
    ...contract.problems("not-found"),
  },
});

export function inboxRoutes({ inbox, coordinator }: ApiDependencies) {
  async function find(id: string) {
    const webhook = await inbox.find(id);
    if (webhook === null)
      throw problem("not-found", "There is no webhook with this id: they are kept for thirty days.");
    return presentWholeWebhook(webhook);
  }

  return createRouter()
    .openapi(list, async (c) => {
      const page = await inbox.list(pageRequest(c.req.valid("query")));
      return c.json(presentPage(page, presentWebhook), 200);
    })
    .openapi(get, async (c) => c.json(await find(c.req.valid("param").id), 200))
    .openapi(replay, async (c) => {
      const { webhookId } = await once(c, (caller) =>
        coordinator.replayWebhook(c.req.valid("param").id, caller),
      );
      return c.json(await find(webhookId), 200);
    });
}
