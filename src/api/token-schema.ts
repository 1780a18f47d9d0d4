// Tokens as the API shows them and as they are asked for.
import { z } from "@hono/zod-openapi";
import { NAME_PATTERN, SCOPES, tokenState, type Token } from "../failover/access.ts";
import { ACTOR_KINDS } from "../failover/results.ts";
import { maybeRfc3339, rfc3339 } from "./present.ts";
import { maybeTimestamp, text, timestamp, word } from "./schemas.ts";

const TOKEN_NAME = /^[A-Za-z0-9][A-Za-z0-9 ._-]*$/;
const MOST_PATTERNS = 50;

const scopesSchema = z
  .array(z.enum(SCOPES, `is not a scope; the scopes are ${SCOPES.join(", ")}`).meta({ example: "operate" }))
  .min(1, "must have at least one scope")
  .max(SCOPES.length)
  .meta({
    description:
      "`read`; `operate`, which is also to drill, abort, switch over and back, pause, resume, reconcile and adopt; `admin`, which is everything. Each includes those before it.",
    example: ["operate"],
  });

const failoversSchema = z
  .array(
    z
      .string()
      .regex(NAME_PATTERN, "must be a failover's name, where * stands for any characters")
      .meta({ example: "shop-*" }),
  )
  .min(1, "must have at least one pattern, or be left out for all failovers")
  .max(MOST_PATTERNS)
  .nullable();

export const tokenRequestSchema = z
  .strictObject({
    name: z
      .string()
      .max(64)
      .regex(TOKEN_NAME, "must be letters, digits, spaces, dots, hyphens and underscores")
      .meta({ description: "What events call whoever uses it.", example: "deploy pipeline" }),
    scopes: scopesSchema,
    failovers: failoversSchema.optional().meta({
      description:
        "Name patterns of the failovers that it is for; all unless given. Others don't exist for it, and what is about the whole fleet is not for it.",
      example: ["shop-*"],
    }),
    expires_at: z.iso
      .datetime({ offset: true, error: "must be an RFC 3339 timestamp" })
      .nullable()
      .optional()
      .meta({
        description: "From when it opens nothing; never unless given.",
        example: "2027-11-23T00:00:00Z",
      }),
  })
  .meta({ id: "TokenRequest", description: "A token to make: it can't be wider than the one that asks." });

export const tokenSchema = z
  .object({
    id: text("The token's id.", "tok_3Vb8"),
    name: text("What events call whoever uses it.", "deploy pipeline"),
    scopes: scopesSchema,
    failovers: failoversSchema.meta({
      description: "Name patterns of the failovers that it is for; null for all.",
      example: ["shop-*"],
    }),
    state: word(["active", "expired", "revoked"], "Whether it opens anything now."),
    created_by: z
      .object({ kind: word(ACTOR_KINDS, "What kind of actor."), name: text("Its name.", "admin") })
      .meta({ description: "Who made it." }),
    created_at: timestamp("When it was made."),
    expires_at: maybeTimestamp("From when it opens nothing; null never."),
    revoked_at: maybeTimestamp("When it was revoked; null of one that wasn't."),
    last_used_at: maybeTimestamp("To about a minute; null of one that wasn't used."),
  })
  .meta({ id: "Token", description: "What may be done with a token that only its owner knows." });

export const newTokenSchema = tokenSchema
  .extend({
    token: z.string().nullable().meta({
      description: "The token itself, shown this once; null where an Idempotency-Key repeats the answer.",
      example: "ust_q0V8bY1mC3…",
    }),
  })
  .meta({ id: "NewToken", description: "A token and, this once, its secret." });

export function presentToken(token: Token, now: number): z.output<typeof tokenSchema> {
  return {
    id: token.id,
    name: token.name,
    scopes: [...token.scopes],
    failovers: token.failovers === null ? null : [...token.failovers],
    state: tokenState(token, now),
    created_by: { kind: token.createdBy.kind, name: token.createdBy.name },
    created_at: rfc3339(token.createdAt),
    expires_at: maybeRfc3339(token.expiresAt),
    revoked_at: maybeRfc3339(token.revokedAt),
    last_used_at: maybeRfc3339(token.lastUsedAt),
  };
}
