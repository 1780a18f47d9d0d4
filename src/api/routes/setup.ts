import { createRoute } from "@hono/zod-openapi";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { once } from "../idempotency-key.ts";
import { createRouter } from "../router.ts";
import { notificationSetupSchema, presentNotificationSetup } from "../setup-schema.ts";

const tags = ["Webhooks"];

const get = createRoute({
  method: "get",
  path: "/notifications",
  operationId: "getNotificationSetup",
  tags,
  summary: "See whether Cloudflare tells us of what happens there",
  description: "Read from Cloudflare now: what exists, what is missing, and why.",
  parameters: [contract.requestIdParameter],
  responses: {
    200: contract.answer("How it stands.", notificationSetupSchema),
    ...contract.problems(),
  },
});

const post = createRoute({
  method: "post",
  path: "/notifications",
  operationId: "setUpNotifications",
  tags,
  summary: "Make Cloudflare tell us of what happens there",
  description:
    "Makes a webhook destination with WEBHOOK_SECRET for `<PUBLIC_URL>/webhooks/cloudflare`, a notification policy for each Pages project that is an endpoint, and two for the pools; replaces what differs, and deletes what is wanted no more. It is found again by a marker, and nobody else's is touched. Call it again after failovers were created or deleted, and after WEBHOOK_SECRET was changed: without all this cron notices everything as well, within a minute. A 409 names what a person has to do first: a setting, the permission Notifications Write, or a public address.",
  parameters: [contract.idempotencyKey, contract.requestIdParameter],
  responses: {
    200: contract.answer("How it stands now, and what was done.", notificationSetupSchema),
    ...contract.problems("refused"),
  },
});

export function setupRoutes({ coordinator }: ApiDependencies) {
  return createRouter()
    .openapi(get, async (c) => c.json(presentNotificationSetup(await coordinator.lookAtNotifications()), 200))
    .openapi(post, async (c) =>
      c.json(
        presentNotificationSetup(await once(c, (caller) => coordinator.setUpNotifications(caller))),
        200,
      ),
    );
}
