// What the routes of the trail ask and answer.
import { z } from "@hono/zod-openapi";
import type { Verification } from "../actions/trail-port.ts";
import { rfc3339 } from "./present.ts";
import { eventSchema, text, timestamp } from "./schemas.ts";

const HASH = "5f0c1c5e8f1b4d3c9d3a0f8f2f6f4b1a5f0c1c5e8f1b4d3c9d3a0f8f2f6f4b1a";
const seq = (description: string) => z.int().meta({ description, example: 4711 });
const seqParameter = (description: string) =>
  z
    .string()
    .regex(/^\d{1,15}$/, "must be the seq of an event")
    .optional()
    .openapi({ type: "integer", minimum: 0, description, example: 4711 });
const instantParameter = (description: string) =>
  z.iso
    .datetime({ offset: true, error: "must be an instant as in RFC 3339" })
    .optional()
    .openapi({ description, example: "2026-11-23T00:00:00Z" });

export const typesQuerySchema = z.object({
  type: z
    .string("must be given once; several types with commas between them")
    .max(1000)
    .regex(/^[a-z_.*]+(,[a-z_.*]+)*$/, "must be types of events with commas between them, e.g. drift.*")
    .optional()
    .openapi({
      description: "Only events of these types: several with commas; `*` stands for any characters.",
      example: "drift.*,failover.promoted",
    }),
});

export function typesOf({ type }: z.output<typeof typesQuerySchema>): readonly string[] | null {
  return type === undefined ? null : type.split(",");
}

export const exportQuerySchema = typesQuerySchema.extend({
  from_seq: seqParameter("From this event on, inclusive."),
  to_seq: seqParameter("Up to this event, inclusive; otherwise up to the newest there is now."),
  since: instantParameter("Not before this instant."),
  until: instantParameter("Before this instant."),
});

export const verifyQuerySchema = z.object({
  limit: z
    .string()
    .regex(/^([1-9]\d{0,3}|10000)$/, "must be a whole number from 1 to 10000")
    .optional()
    .openapi({
      type: "integer",
      minimum: 1,
      maximum: 10_000,
      default: 5000,
      description: "After about how many events to stop; `next_cursor` goes on.",
      example: 5000,
    }),
  cursor: z
    .string("must be given once")
    .min(1, "must be next_cursor of the answer before")
    .max(512, "must be next_cursor of the answer before")
    .optional()
    .openapi({
      description: "`next_cursor` of the answer before; absent to begin with the oldest event.",
      example: "NDI",
    }),
});

const anchorSchema = z.object({
  seq: seq("The event's seq."),
  count: z
    .int()
    .meta({ description: "How many events the chain has up to here, pruned ones included.", example: 4711 }),
  hash: text("Its hash: SHA-256, hexadecimal.", HASH),
});

export const verificationSchema = z
  .object({
    ok: z.boolean().meta({ description: "False where a link is broken.", example: true }),
    verified: z
      .object({
        from_seq: seq("The first event that was followed."),
        to_seq: seq("The last one that holds."),
        count: z.int().meta({ description: "How many that are.", example: 4711 }),
      })
      .nullable()
      .meta({ description: "What of this piece holds; null where there is nothing that does." }),
    head: anchorSchema
      .extend({ sealed_at: timestamp("When it was sealed.") })
      .nullable()
      .meta({
        description: "The last sealed event: keep it elsewhere, and compare. Null before the first tick.",
      }),
    unsealed: z
      .object({
        count: z.int().meta({ description: "How many events aren't sealed yet.", example: 0 }),
        from_seq: seq("The oldest of them.").nullable(),
      })
      .meta({ description: "What the next tick seals; until then no change of it would be found." }),
    first_broken: z
      .object({
        seq: seq("Where the chain breaks."),
        id: z.string().nullable().meta({ description: "The event there, if any.", example: "evt_4Tn8" }),
        why: text("What is wrong with it, in a sentence.", "it was sealed, and is gone"),
      })
      .nullable()
      .meta({ description: "The first link that doesn't hold; null where all do." }),
    checkpoint: anchorSchema
      .extend({ pruned_at: timestamp("When it was pruned.") })
      .nullable()
      .meta({
        description: "The last event that retention removed: what is left follows it. Null if none was.",
      }),
    genesis: z
      .object({
        installation: text("The installation's short id.", "k3v9x2ma"),
        account_id: text("The Cloudflare account.", "a0000000000000000000000000000001"),
        hash: text("What the very first event follows.", HASH),
      })
      .meta({ description: "Where the chain begins." }),
    next_cursor: z
      .string()
      .nullable()
      .meta({ description: "Goes on with the rest; null where nothing is left.", example: "NDcxMQ==" }),
  })
  .meta({ id: "TrailVerification", description: "Whether the trail is as it was sealed." });

export const exportedEventSchema = eventSchema
  .extend({
    account_id: text("The Cloudflare account.", "a0000000000000000000000000000001"),
    position: z
      .int()
      .nullable()
      .meta({ description: "Its place in the chain; null where it isn't sealed yet.", example: 4711 }),
    previous_hash: text("The hash of the event before it.", HASH).nullable(),
    hash: text("SHA-256 of this line without `hash`, as canonical JSON (RFC 8785).", HASH).nullable(),
  })
  .meta({ id: "ExportedEvent", description: "One line of an export." });

export function presentVerification(found: Verification): z.output<typeof verificationSchema> {
  const { head, checkpoint, verified, unsealed, firstBroken, genesis } = found;
  const anchor = ({ seq: at, position, hash }: NonNullable<Verification["head"]>) => ({
    seq: at,
    count: position,
    hash,
  });
  return {
    ok: found.ok,
    verified:
      verified === null
        ? null
        : { from_seq: verified.fromSeq, to_seq: verified.toSeq, count: verified.count },
    head: head === null ? null : { ...anchor(head), sealed_at: rfc3339(head.sealedAt) },
    unsealed: { count: unsealed.count, from_seq: unsealed.fromSeq },
    first_broken: firstBroken === null ? null : { ...firstBroken },
    checkpoint:
      checkpoint === null
        ? null
        : {
            seq: checkpoint.seq,
            count: checkpoint.position,
            hash: checkpoint.hash,
            pruned_at: rfc3339(checkpoint.prunedAt),
          },
    genesis: {
      installation: genesis.installation,
      account_id: genesis.accountId,
      hash: genesis.hash,
    },
    next_cursor: found.nextCursor,
  };
}
