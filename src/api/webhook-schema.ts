// Webhooks as the API shows them, and what may be sent to us.
import { z } from "@hono/zod-openapi";
import type { StoredWebhook } from "../store/webhooks.ts";
import { maybeRfc3339, rfc3339 } from "./present.ts";
import { maybeTimestamp, text, timestamp, word } from "./schemas.ts";

export const deployHookBody = z
  .looseObject({
    pages_project: text("The Pages project that was deployed.", "shop"),
    deployment_id: z.string().nullable().optional().meta({
      description: "Cloudflare's id of the deployment.",
      example: "1b2c3d4e-0000-4000-8000-000000000000",
    }),
    environment: z
      .string()
      .nullable()
      .optional()
      .meta({ description: "`production` or `preview`.", example: "production" }),
    commit: z.string().nullable().optional().meta({ description: "What was deployed.", example: "9f8e7d6" }),
  })
  .meta({
    id: "DeployHook",
    description:
      "That something was deployed. Only the project matters, because what happened is read from Cloudflare's API; other members are kept and not looked at.",
  });

export const cloudflareAlertBody = z
  .looseObject({
    alert_type: z.string().optional().meta({ description: "Which kind.", example: "pages_event_alert" }),
    text: z
      .string()
      .optional()
      .meta({ description: "What it says to a person.", example: "Deployment succeeded" }),
  })
  .meta({ id: "CloudflareAlert", description: "A notification of Cloudflare's; it needs one of these two." });

const shape = {
  id: text("The webhook's id.", "wh_4Tz1"),
  source: word(["cloudflare", "deploys"], "Where it came in."),
  type: text("Cloudflare's alert_type, or `deploy`.", "pages_event_alert"),
  received_at: timestamp("When it came first."),
  deliveries: z.int().meta({ description: "How often it came.", example: 1 }),
  processed_at: maybeTimestamp("When somebody looked because of it; null while it waits."),
  outcome: z
    .object({
      result: word(
        ["looked", "ignored", "unreadable"],
        "`unreadable` where Cloudflare could not be read: the next tick looks in any case.",
      ),
      message: text(
        "What came of it, in a sentence.",
        "a new deployment of shop was found: its standby event says what it is worth",
      ),
    })
    .nullable()
    .meta({ description: "What came of it; null while it waits." }),
};

export const webhookSchema = z.object(shape).meta({ id: "Webhook", description: "A webhook that came in." });

export const wholeWebhookSchema = z
  .object({
    ...shape,
    headers: z.record(z.string(), z.string()).meta({
      description: "Some of its headers; never those that authenticate.",
      example: { "webhook-id": "msg_1" },
    }),
    body: text("Its body, as it came.", '{"pages_project":"shop"}'),
  })
  .meta({ id: "WholeWebhook", description: "A webhook that came in, with all that is kept of it." });

export const webhookReceiptSchema = z
  .object({
    id: z
      .string()
      .nullable()
      .meta({ description: "Under which it is kept; null of a test that isn't.", example: "wh_4Tz1" }),
    duplicate: z.boolean().meta({ description: "Whether it came before.", example: false }),
  })
  .meta({ id: "WebhookReceipt", description: "That a webhook was taken." });

export function presentWebhook(webhook: StoredWebhook): z.output<typeof webhookSchema> {
  return {
    id: webhook.id,
    source: webhook.source,
    type: webhook.type,
    received_at: rfc3339(webhook.receivedAt),
    deliveries: webhook.deliveries,
    processed_at: maybeRfc3339(webhook.processedAt),
    outcome: webhook.processedAt === null ? null : webhook.outcome,
  };
}

export function presentWholeWebhook(webhook: StoredWebhook): z.output<typeof wholeWebhookSchema> {
  return { ...presentWebhook(webhook), headers: { ...webhook.headers }, body: webhook.body };
}
