// The bodies of the requests, each strict. The body of a create is the core's own `specInputSchema`.
import { z } from "@hono/zod-openapi";
import { DRILL_METHODS, LONGEST_HOLD_SECONDS } from "../failover/drill.ts";
import { GUARD_IDS } from "../failover/guards.ts";
import { specInputSchema, unsavedSpecSchema } from "../failover/spec.ts";

export const newFailoverSchema = specInputSchema.meta({
  id: "NewFailover",
  description: "A failover to create: four members are enough, everything else has a default.",
  example: {
    name: "shop",
    hostname: "www.example.com",
    primary: { address: "origin.example.net" },
    secondary: { pages_project: "shop" },
  },
});

/** Documented as a NewFailover: only that an address may be one which a create would refuse. */
export const unsavedFailoverSchema = unsavedSpecSchema;

/** Which members there are is known here; whether the merged spec is right is the Coordinator's to say. */
export const failoverPatchSchema = z
  .strictObject(
    Object.fromEntries(Object.keys(specInputSchema.shape).map((member) => [member, z.unknown().optional()])),
  )
  .superRefine((patch, context) => {
    if (!Object.hasOwn(patch, "name")) return;
    context.addIssue({ code: "custom", path: ["name"], message: "is fixed: a failover keeps its name" });
  })
  .meta({
    id: "FailoverPatch",
    description: "A JSON merge patch (RFC 7396) of the spec: null restores a member's default.",
    example: { monitor: { path: "/health" } },
  });

export const reasonSchema = z.string().trim().min(1, "must say why").max(500).meta({
  description: "Why; it is kept with the event.",
  example: "agreed with the shop team on the phone",
});

const overrideSchema = z
  .array(
    z
      .enum(GUARD_IDS, `is not a guard; the guards are ${GUARD_IDS.join(", ")}`)
      .meta({ example: "target-not-ready" }),
  )
  .max(GUARD_IDS.length)
  .meta({ description: "Guards to get past; needs a reason.", example: ["target-not-ready"] });

function transition<const T extends readonly [string, ...string[]]>(stages: T, verb: string) {
  return {
    to: z
      .enum(stages)
      .optional()
      .meta({
        description: `The stage to ${verb} to; the neighbouring one unless given.`,
        example: stages[0],
      }),
    override: overrideSchema.optional(),
    reason: reasonSchema.optional(),
  };
}

function overrideNeedsReason(
  { override, reason }: { override?: unknown[] | undefined; reason?: string | undefined },
  context: z.RefinementCtx,
): void {
  if (reason !== undefined || override === undefined || override.length === 0) return;
  context.addIssue({ code: "custom", path: ["reason"], message: "is required where guards are overridden" });
}

export const promotionSchema = z
  .strictObject({
    ...transition(["testing", "production"], "promote"),
    bake_seconds: specInputSchema.shape.bake_seconds.meta({
      description:
        "For how long a promotion to production is watched; as long as the spec says unless given.",
      example: 600,
    }),
  })
  .superRefine(overrideNeedsReason)
  .meta({ id: "Promotion", description: "How to promote; may be left out." });

export const demotionSchema = z
  .strictObject(transition(["testing", "draft"], "demote"))
  .superRefine(overrideNeedsReason)
  .meta({ id: "Demotion", description: "How to demote; may be left out." });

export const importSchema = z
  .strictObject({
    hostname: specInputSchema.shape.hostname.meta({
      description: "The load balancer's present name; it becomes the failover's hostname.",
      example: "www.example.com",
    }),
    name: specInputSchema.shape.name.optional().meta({
      description: "The failover's name; made of the hostname unless given.",
      example: "shop",
    }),
    confirm: z.boolean().optional().meta({
      description: "True imports it; otherwise the answer says what would be, and nothing is written.",
      example: true,
    }),
    keep_foreign: z.boolean().optional().meta({
      description: "True leaves alone what a spec can't say; otherwise that is refused.",
      example: false,
    }),
  })
  .meta({ id: "Import", description: "Which load balancer to manage from now on." });

const LONGEST_LEASE_SECONDS = 7 * 86_400;
const expiresInSeconds = z
  .int()
  .min(30, "must be at least 30")
  .max(LONGEST_LEASE_SECONDS, `must be at most ${LONGEST_LEASE_SECONDS} (a week)`);

const switching = {
  expected_active: z
    .enum(["primary", "secondary"])
    .optional()
    .meta({ description: "Refused unless this endpoint is active now.", example: "primary" }),
  override: overrideSchema.optional(),
  reason: reasonSchema,
};

export const switchOverSchema = z
  .strictObject({
    to: z.enum(["primary", "secondary"]).meta({
      description: "The endpoint that shall stand first.",
      example: "secondary",
    }),
    ...switching,
    at: z.iso
      .datetime({ offset: true, error: "must be an instant in RFC 3339, such as 2026-12-01T02:00:00Z" })
      .optional()
      .meta({
        description:
          "When to do it; at once unless given. It is judged again then, and expires five minutes later.",
        example: "2026-12-01T02:00:00Z",
      }),
    expires_in_seconds: expiresInSeconds.optional().meta({
      description: "After so long the order is what it was before, by itself; it stays unless given.",
      example: 3600,
    }),
  })
  .meta({ id: "SwitchOver", description: "Which endpoint to put first, for how long, and why." });

export const fleetSwitchSchema = z
  .strictObject({
    to: z.enum(["primary", "secondary"]).meta({
      description: "The endpoint that shall stand first.",
      example: "secondary",
    }),
    selector: z
      .strictObject({
        names: z
          .array(z.string().max(50))
          .min(1)
          .max(50)
          .optional()
          .meta({
            description: "These failovers.",
            example: ["shop", "blog"],
          }),
        name_pattern: z
          .string()
          .max(50)
          .regex(/^[a-z0-9*-]+$/, "may hold lower-case letters, digits, hyphens and *")
          .optional()
          .meta({ description: "Those whose name fits; `*` stands for anything.", example: "shop-*" }),
        stage: z
          .enum(["draft", "testing", "production"])
          .optional()
          .meta({ description: "Those in this stage.", example: "production" }),
      })
      .meta({ description: "Which failovers: all that is given has to fit; `{}` means all of them." }),
    expires_in_seconds: expiresInSeconds.optional().meta({
      description: "After so long the order is what it was before, by itself; it stays unless given.",
      example: 3600,
    }),
    override: overrideSchema.optional(),
    reason: reasonSchema,
    confirm: z.boolean().optional().meta({
      description: "True does it; otherwise the answer says what would be, and nothing is written.",
      example: true,
    }),
  })
  .meta({ id: "FleetSwitchOver", description: "Which failovers to switch over, where to, and why." });

export const switchBackSchema = z
  .strictObject(switching)
  .meta({ id: "SwitchBack", description: "Why to switch back." });

export const pauseSchema = z
  .strictObject({
    expires_in_seconds: expiresInSeconds.meta({ description: "For how long.", example: 3600 }),
    reason: reasonSchema,
  })
  .meta({ id: "Pause", description: "For how long to hold back healing, and why." });

export const resumptionSchema = z
  .strictObject({ reason: reasonSchema.optional() })
  .meta({ id: "Resumption", description: "Why; may be left out." });

export const drillRequestSchema = z
  .strictObject({
    method: z.enum(DRILL_METHODS).optional().meta({
      description:
        "How to divert: the other order of the pools, or, only in testing and there the default, the primary pool disabled.",
      example: "reorder",
    }),
    hold_seconds: z
      .int()
      .min(1, "must be at least 1")
      .max(LONGEST_HOLD_SECONDS, `must be at most ${LONGEST_HOLD_SECONDS}`)
      .optional()
      .meta({ description: "How long to stay at the secondary; 60 unless given.", example: 60 }),
    confirm: z.string().max(300).optional().meta({
      description: "Required in production: the hostname whose visitors will be moved.",
      example: "www.example.com",
    }),
    reason: reasonSchema.optional(),
  })
  .meta({ id: "DrillRequest", description: "How to rehearse; may be left out in testing." });

export const drillAbortSchema = z
  .strictObject({ reason: reasonSchema.optional() })
  .meta({ id: "DrillAbort", description: "Why; may be left out." });

export const approvalSchema = z
  .strictObject({
    plan: z.string().min(1).max(100).meta({
      description: "The plan that was looked at, as the operation shows it in `approval.plan`.",
      example: "plan_8f2c61d09b7a4e13",
    }),
  })
  .meta({ id: "Approval", description: "What a person agrees to." });

export const rejectionSchema = z
  .strictObject({ reason: reasonSchema })
  .meta({ id: "Rejection", description: "Why it shall not be." });

export const fleetFreezeSchema = z
  .strictObject({ reason: reasonSchema })
  .meta({ id: "FleetFreeze", description: "Why nothing shall move." });

export const brakeAgreementSchema = z
  .strictObject({
    brake_id: z.string().min(1).max(100).meta({
      description: "The brake that was looked at.",
      example: "br_4Tq1",
    }),
    reason: reasonSchema,
  })
  .meta({ id: "BrakeAgreement", description: "To which brake's plans a person agrees, and why." });

export const adoptionSchema = z
  .strictObject({ reason: reasonSchema })
  .meta({ id: "Adoption", description: "Why the drift in role is wanted." });

export const reconciliationSchema = z
  .strictObject({
    heal_foreign: z.boolean().optional().meta({
      description:
        "True to take somebody else's routing (rules, pool maps) off the load balancer as well, and to leave nothing alone that an import kept.",
      example: true,
    }),
  })
  .meta({ id: "Reconciliation", description: "How to put everything in place; may be left out." });

/** Drops members that are undefined: optional members of the ports are absent or have a value. */
export function given<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> };
export function given(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));
}
