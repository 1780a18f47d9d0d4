// Channels and deliveries as the API shows them and as they are asked for.
import { z } from "@hono/zod-openapi";
import type { Delivery } from "../actions/reader-port.ts";
import { NAME_PATTERN } from "../failover/access.ts";
import { CHANNEL_TYPES, type Channel, type Filter } from "../notifications/channel.ts";
import { SEVERITIES } from "../notifications/notification.ts";
import { LONGEST_URL } from "../notifications/target.ts";
import { maybeRfc3339, rfc3339 } from "./present.ts";
import { maybeTimestamp, text, timestamp, word } from "./schemas.ts";

const NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const TYPE_PATTERN = /^[a-z_.*]{1,60}$/;
const MOST_PATTERNS = 50;

const patterns = (form: RegExp, message: string, example: string) =>
  z
    .array(z.string().regex(form, message).meta({ example }))
    .min(1, "must have at least one, or be left out for all")
    .max(MOST_PATTERNS);

const filterSchema = z
  .strictObject({
    types: patterns(TYPE_PATTERN, "must be a type of event, where * stands for any characters", "drift.*")
      .optional()
      .meta({ description: "Types of events; all unless given.", example: ["drift.*", "health.changed"] }),
    severities: z
      .array(z.enum(SEVERITIES).meta({ example: "critical" }))
      .min(1, "must have at least one, or be left out for all")
      .max(SEVERITIES.length)
      .optional()
      .meta({ description: "Severities; all unless given.", example: ["warning", "critical"] }),
    failovers: patterns(
      NAME_PATTERN,
      "must be a failover's name, where * stands for any characters",
      "shop-*",
    )
      .optional()
      .meta({
        description:
          "Names of failovers; all unless given. What is about the whole fleet is told in any case.",
        example: ["shop-*"],
      }),
  })
  .meta({
    description: "What it hears of: all that is given has to fit. The end of what it heard of is told too.",
  });

const nameSchema = z
  .string()
  .max(50)
  .regex(NAME, "must be lower-case letters, digits and inner hyphens")
  .meta({ description: "Its name; a channel's name works wherever its id does.", example: "on-call" });

const urlSchema = z.string().min(1).max(LONGEST_URL).meta({
  description:
    "Where to send to: public https on port 443. Redirects are not followed. It is stored encrypted and shown shortened; of PagerDuty the service's own unless given.",
  example: "https://hooks.slack.com/services/T000/B000/XXXX",
});

const secretSchema = z.string().min(1).max(200).meta({
  description:
    "PagerDuty: the integration key. Webhook: `whsec_` and 24 to 64 bytes as base64; made here unless given. The other types have none.",
  example: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
});

export const channelRequestSchema = z
  .strictObject({
    name: nameSchema,
    type: z.enum(CHANNEL_TYPES).meta({ description: "In which form it takes messages.", example: "slack" }),
    url: urlSchema.optional(),
    secret: secretSchema.optional(),
    filter: filterSchema.optional(),
  })
  .meta({ id: "ChannelRequest", description: "Whom to tell of what happens." });

export const channelPatchSchema = z
  .strictObject({
    name: nameSchema.optional(),
    url: urlSchema.optional(),
    secret: secretSchema.optional(),
    rotate_secret: z.literal(true).optional().meta({
      description:
        "Of a webhook: makes a new secret and shows it. For a day messages are signed with the one before as well.",
      example: true,
    }),
    filter: filterSchema.optional(),
    enabled: z.boolean().optional().meta({
      description:
        "False sends nothing to it any more. A receiver that answers 410 has this effect, and true undoes it.",
      example: true,
    }),
  })
  .meta({ id: "ChannelPatch", description: "What to change; the rest stays." });

export const channelSchema = z
  .object({
    id: text("The channel's id.", "ch_6Rw3"),
    name: text("Its name.", "on-call"),
    type: word(CHANNEL_TYPES, "In which form it takes messages."),
    url: text("Where it sends to, without what is secret of it.", "https://hooks.slack.com/…"),
    filter: filterSchema,
    enabled: z.boolean().meta({ description: "Whether anything is sent to it.", example: true }),
    disabled_because: z
      .string()
      .nullable()
      .meta({ description: "Why nothing is; null while it is enabled.", example: null }),
    created_at: timestamp("When it was made."),
    updated_at: timestamp("When it was changed last."),
  })
  .meta({ id: "Channel", description: "Somebody who is told of what happens." });

export const newChannelSchema = channelSchema
  .extend({
    secret: z.string().nullable().meta({
      description: "The signing secret where it was made by this request, this once; null otherwise.",
      example: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    }),
  })
  .meta({ id: "NewChannel", description: "A channel and, where one was made, its secret." });

export const channelListSchema = z
  .object({
    items: z.array(channelSchema).meta({ description: "All of them, by name." }),
    next_cursor: z.null().meta({ description: "Always null: they come on one page.", example: null }),
  })
  .meta({ id: "ChannelList", description: "The channels." });

export const deliverySchema = z
  .object({
    id: text("The delivery's id; a webhook's `webhook-id`, the same in every attempt.", "dl_9Kp2"),
    status: word(["pending", "delivered", "failed"], "What became of it."),
    type: text("The type of the event that it tells of, or `channel.test`.", "health.changed"),
    action: word(["notice", "trigger", "acknowledge", "resolve"], "What it says of an incident."),
    incident: z.string().nullable().meta({
      description: "The incident's key: the failover's id and what is wrong; null of mere news.",
      example: "fo_2Xk9:primary-unhealthy",
    }),
    severity: word(SEVERITIES, "How bad it is."),
    title: text("Its first line.", "shop: the primary is unhealthy"),
    failover_id: z
      .string()
      .nullable()
      .meta({ description: "Which failover it is about; null where none.", example: "fo_2Xk9" }),
    event_id: z
      .string()
      .nullable()
      .meta({ description: "Which event; null where none.", example: "evt_8Gh5" }),
    attempts: z.int().min(0).meta({ description: "How often it was tried.", example: 1 }),
    last_status: z.int().nullable().meta({
      description: "The HTTP status of the last answer; null where none came.",
      example: 503,
    }),
    last_error: z.string().nullable().meta({
      description: "Why the last attempt failed, without secrets; null where it didn't.",
      example: "it answered with status 503",
    }),
    last_attempt_at: maybeTimestamp("When it was last tried."),
    next_attempt_at: maybeTimestamp(
      "When it is tried next; null where it ended, or waits for the one before it.",
    ),
    created_at: timestamp("When it was made."),
    finished_at: maybeTimestamp("When it ended."),
  })
  .meta({ id: "Delivery", description: "One message on its way to one channel." });

export const redeliverySchema = z
  .strictObject({
    delivery_id: z
      .string()
      .optional()
      .meta({ description: "Which delivery; all that failed unless given.", example: "dl_9Kp2" }),
  })
  .meta({ id: "RedeliveryRequest", description: "What to send again; may be left out." });

export const redeliveredSchema = z
  .object({ deliveries: z.int().min(0).meta({ description: "How many are sent again.", example: 3 }) })
  .meta({ id: "Redelivery", description: "What is sent again." });

/** Members that are absent have no filter; zod's `undefined` would be one that says nothing. */
export function filterOf(asked: z.output<typeof filterSchema>): Filter {
  return JSON.parse(JSON.stringify(asked)) as Filter;
}

export function presentChannel(channel: Channel): z.output<typeof channelSchema> {
  return {
    id: channel.id,
    name: channel.name,
    type: channel.type,
    url: channel.shownUrl,
    filter: JSON.parse(JSON.stringify(channel.filter)),
    enabled: channel.disabled === null,
    disabled_because: channel.disabled,
    created_at: rfc3339(channel.createdAt),
    updated_at: rfc3339(channel.updatedAt),
  };
}

export function presentDelivery(delivery: Delivery): z.output<typeof deliverySchema> {
  const { notification } = delivery;
  return {
    id: delivery.id,
    status: delivery.status,
    type: notification.type,
    action: notification.action,
    incident: notification.incident,
    severity: notification.severity,
    title: notification.title,
    failover_id: notification.failover?.id ?? null,
    event_id: notification.eventId,
    attempts: delivery.attempts,
    last_status: delivery.lastStatus,
    last_error: delivery.lastError,
    last_attempt_at: maybeRfc3339(delivery.lastAttemptAt),
    next_attempt_at: maybeRfc3339(delivery.dueAt),
    created_at: rfc3339(delivery.createdAt),
    finished_at: maybeRfc3339(delivery.finishedAt),
  };
}
