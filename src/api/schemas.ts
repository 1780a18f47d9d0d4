// The shapes of the API's answers (DESIGN.md, section 7). What is described here is what /openapi.json says.
import { z } from "@hono/zod-openapi";
import type { DriftClass } from "../failover/complete.ts";
import { GUARD_IDS } from "../failover/guards.ts";
import { ACTOR_KINDS, type ProbeFailure } from "../failover/results.ts";
import { specSchema } from "./spec-schema.ts";

const AT = "2026-11-23T09:30:00.000Z";

export function text(description: string, example: string) {
  return z.string().meta({ description, example });
}
export function timestamp(description: string) {
  return z.iso.datetime().meta({ description, example: AT });
}
export function maybeTimestamp(description: string) {
  return z.iso.datetime().nullable().meta({ description, example: AT });
}
export function word<const T extends readonly [string, ...string[]]>(words: T, description: string) {
  return z.enum(words).meta({ description, example: words[0] });
}
function facts(description: string, example: Record<string, unknown>) {
  return z.record(z.string(), z.unknown()).meta({ description, example });
}

const SIDES = ["primary", "secondary"] as const;
const ROLES = ["monitor", "primary", "secondary", "load_balancer"] as const;
export const PROBE_FAILURES = [
  "dns",
  "refused",
  "timeout",
  "reset",
  "tls",
  "status",
  "body",
  "redirect",
  "challenged",
  "cached",
  "blocked",
  "protocol",
  "unreachable",
] as const satisfies readonly ProbeFailure[];
const DRIFT_CLASSES = ["role", "safety", "cosmetic", "foreign"] as const satisfies readonly DriftClass[];
const VERDICTS = ["healthy", "unhealthy", "flapping", "unknown"] as const;

export const refusalSchema = z
  .object({
    guard: text(`The guard that refused: ${GUARD_IDS.join(", ")}.`, "target-not-ready"),
    message: text(
      "Why, in one sentence.",
      "Cloudflare finds the secondary endpoint unhealthy: timed out; both endpoints must be healthy",
    ),
    facts: facts("What the guard rests on.", { endpoint: "secondary", verdict: "unhealthy" }),
    remedy: text(
      "What would satisfy the guard.",
      "Wait until the endpoint is found healthy; GET /v1/failovers/{id} says what is wrong with it.",
    ),
    overridable: z
      .boolean()
      .meta({ description: "Whether `override` with a reason gets past it.", example: true }),
  })
  .meta({ id: "Refusal", description: "A guard's no." });

const requestErrorSchema = z
  .object({
    pointer: text("JSON pointer (RFC 6901) to the member that is wrong.", "/primary/address"),
    message: text("What would be right.", "is required"),
    in: z
      .enum(["query"])
      .optional()
      .meta({ description: "Present where a query parameter is meant and not the body.", example: "query" }),
  })
  .meta({ id: "RequestError", description: "One fault of a request." });

export const problemSchema = z
  .object({
    type: text("Identifies the kind of problem.", "urn:understudy:problem:invalid"),
    title: text("The kind of problem in words.", "Invalid request"),
    status: z.int().meta({ description: "The HTTP status.", example: 422 }),
    detail: text("What went wrong this time.", "The body is not valid; `errors` names every fault."),
    request_id: text("Finds the request in the log.", "req_5f0c1c5e8f1b4d3c9d3a0f8f2f6f4b1a"),
    errors: z.array(requestErrorSchema).optional().meta({ description: "Every fault of the request." }),
    refusals: z
      .array(refusalSchema)
      .optional()
      .meta({ description: "Every guard that refused; all that apply are named at once." }),
  })
  .meta({ id: "Problem", description: "RFC 9457 problem details." });

export const foreignShape = {
  role: word(ROLES, "On which of the failover's objects."),
  path: text("Where, by Cloudflare's member name.", "region_pools"),
  message: text("What it does, in one sentence.", "region_pools can send visitors past the pair"),
  class: z.literal("foreign").meta({ description: "Its class of drift.", example: "foreign" }),
};
const foreignSchema = z
  .object({
    ...foreignShape,
    kept: z.boolean().meta({
      description: "Whether an import left it alone on purpose: no policy heals it.",
      example: false,
    }),
  })
  .meta({
    id: "ForeignRouting",
    description: "Routing that somebody else added, or a member that an import left alone.",
  });

const witnessSchema = z
  .object({
    witness: word(["cloudflare", "probe"], "Who saw it: Cloudflare's health checks or our own probes."),
    verdict: word(VERDICTS, "What this witness finds."),
    since: maybeTimestamp("Since when the verdict stands."),
    observed_at: maybeTimestamp("When this witness last looked."),
    detail: z
      .string()
      .nullable()
      .meta({ description: "Why, in a sentence.", example: "Response code mismatch in 3 of 3 places" }),
  })
  .meta({ id: "Witness", description: "One witness's view of an endpoint." });

function healthSchema(description: string) {
  return z
    .object({
      verdict: word(VERDICTS, "Cloudflare's verdict: it is what steers traffic."),
      since: maybeTimestamp("Since when the verdict stands."),
      witnesses: z.array(witnessSchema).meta({ description: "Both witnesses, kept apart." }),
    })
    .meta({ description });
}

const driftSchema = z
  .object({
    role: word(ROLES, "Which of the failover's objects differs."),
    class: word(DRIFT_CLASSES, "How much it matters."),
    path: text("Begins with Cloudflare's member name.", "default_pools"),
    before: z.unknown().meta({ description: "What Cloudflare has.", example: ["b", "a"] }),
    after: z.unknown().meta({ description: "What is wanted.", example: ["a", "b"] }),
    first_seen_at: timestamp("When it was first seen."),
    heal_at: maybeTimestamp("When it is healed unless adopted; null where it is only reported."),
  })
  .meta({ id: "Drift", description: "A difference that nobody asked for." });

const leaseSchema = z
  .object({
    kind: text("What the deviation is for.", "drill"),
    expires_at: timestamp("When desired state is what it was again."),
    reason: text("Why it was made.", "quarterly rehearsal"),
  })
  .meta({ id: "Lease", description: "A temporary deviation with a deadline." });

const OUTCOMES = ["pass", "warn", "fail", "unknown"] as const;

const preflightSummarySchema = z
  .object({
    outcome: word(
      OUTCOMES,
      "The worst of its checks, in the order fail, warn, unknown, pass; what there was nothing to ask for doesn't count.",
    ),
    failed: z.array(z.string()).meta({ description: "The checks that failed.", example: ["certificate"] }),
    ran_at: timestamp("When it began."),
    revision: z.int().meta({ description: "Of the spec that was looked at.", example: 3 }),
  })
  .nullable()
  .meta({
    id: "PreflightSummary",
    description: "The last full preflight; null before the first. `GET …/preflight` has all of it.",
  });

const statusSchema = z
  .object({
    sync: word(
      ["synced", "drifted", "converging", "blocked", "deleting", "unknown"],
      "How Cloudflare compares with what is wanted.",
    ),
    message: text("The state of things in one sentence.", "Everything is as it should be."),
    health: z
      .object({
        primary: healthSchema("The primary endpoint's health."),
        secondary: healthSchema("The secondary endpoint's health."),
      })
      .meta({ description: "Health of both endpoints." }),
    serving: word(
      ["primary", "secondary", "none", "unknown"],
      "Which endpoint answered under the present hostname, as seen from one place; `none` in draft.",
    ),
    serving_detail: z.string().nullable().meta({
      description: "What that rests on, in one sentence.",
      example: "the answer's body is the primary's",
    }),
    readiness: word(
      ["ready", "degraded", "not_ready"],
      "Whether both, one or none of the endpoints are healthy.",
    ),
    operation: z
      .string()
      .nullable()
      .meta({ description: "The operation that is under way.", example: "op_7Hk2" }),
    reconciled_revision: z
      .int()
      .nullable()
      .meta({ description: "The revision that Cloudflare was last seen to match.", example: 3 }),
    observed_at: maybeTimestamp("When Cloudflare was last read for it."),
    next_drill_at: maybeTimestamp(
      "When the next drill is due by the schedule, past where it is held back; null where none will be.",
    ),
    drift: z.array(driftSchema).meta({ description: "Drift that is known and not healed yet." }),
    foreign: z.array(foreignSchema).meta({ description: "Foreign routing that was seen." }),
    preflight: preflightSummarySchema,
  })
  .meta({ id: "Status", description: "What the last look found." });

const objectId = (what: string) =>
  z
    .string()
    .nullable()
    .meta({
      description: `Cloudflare's id of the ${what}; null until it is made.`,
      example: "17b5962d775c646f",
    });

export const failoverSchema = z
  .object({
    id: text("Stays the same for good.", "fo_2Xk9"),
    name: text("Works wherever the id does; fixed.", "shop"),
    revision: z
      .int()
      .meta({ description: "Rises with every change of spec, stage or active; it is the ETag.", example: 3 }),
    stage: word(["draft", "testing", "production"], "How far it has been promoted."),
    active: word(SIDES, "The endpoint that stands first in the load balancer's pools."),
    hostname: text("The production hostname.", "www.example.com"),
    test_hostname: z.string().nullable().meta({
      description: "Its hostname before production; null until the zone is known.",
      example: "lb-shop.example.com",
    }),
    zone: z
      .object({
        id: text("Cloudflare's id of the zone.", "023e105f4ecef8ad9ca31a8372d0c353"),
        name: text("The zone's name.", "example.com"),
      })
      .nullable()
      .meta({ description: "The zone of the hostname; null until it was read." }),
    spec: specSchema,
    cloudflare: z
      .object({
        monitor_id: objectId("monitor"),
        primary_pool_id: objectId("primary pool"),
        secondary_pool_id: objectId("secondary pool"),
        load_balancer_id: objectId("load balancer"),
      })
      .meta({ description: "The objects at Cloudflare." }),
    status: statusSchema,
    leases: z.array(leaseSchema).meta({ description: "Temporary deviations that are in force." }),
    created_at: timestamp("When it was created."),
    updated_at: timestamp("When its intent last changed."),
  })
  .meta({
    id: "Failover",
    description: "A managed pair: what is wanted, how far it is, and what was last seen.",
  });

const stepSchema = z
  .object({
    name: text("The step.", "rename-load-balancer"),
    status: word(["pending", "running", "succeeded", "failed", "skipped"], "How the step stands."),
    started_at: maybeTimestamp("When it began."),
    finished_at: maybeTimestamp("When it ended."),
    detail: z
      .string()
      .nullable()
      .meta({ description: "What was found, in a sentence.", example: "read back as renamed" }),
  })
  .meta({ id: "OperationStep", description: "One step of an operation, verified by reading." });

export const changeSchema = z
  .object({
    action: word(["create", "update", "delete"], "What would be done."),
    kind: word(["monitor", "pool", "load_balancer"], "To which kind of object."),
    role: word(ROLES, "To which of the failover's objects."),
    reason: text("Why.", "default_pools is not in the wanted order"),
    differences: z
      .array(
        z
          .object({
            path: text("Begins with Cloudflare's member name.", "adaptive_routing.failover_across_pools"),
            before: z
              .unknown()
              .meta({ description: "What Cloudflare has; null where nothing.", example: false }),
            after: z.unknown().meta({ description: "What is wanted; null where nothing.", example: true }),
            class: word(DRIFT_CLASSES, "How much it matters."),
          })
          .meta({ id: "Difference", description: "One member that differs." }),
      )
      .meta({ description: "What differs." }),
  })
  .meta({ id: "Change", description: "One write to Cloudflare." });

const position = (description: string) =>
  z
    .object({
      stage: word(["draft", "testing", "production"], "The stage."),
      active: word(SIDES, "The endpoint that stands first."),
    })
    .meta({ description });

export const approvalViewSchema = z
  .object({
    plan: text(
      "The plan that is to be approved; it changes with what would happen.",
      "plan_8f2c61d09b7a4e13",
    ),
    action: word(["promote", "switch-over"], "What was asked for."),
    to: word(
      ["draft", "testing", "production", "primary", "secondary"],
      "Which stage to promote to, or which endpoint to put first.",
    ),
    asked_by: z
      .object({
        kind: word(ACTOR_KINDS, "What kind of actor."),
        name: text("Its name.", "shop pipeline"),
      })
      .meta({ description: "Who asked for it; another one has to approve it." }),
    reason: text("Why; null where none was given.", "the primary's data centre moves").nullable(),
    before: position("How it is.")
      .extend({
        revision: z.int().meta({ description: "The revision that it starts from.", example: 3 }),
      })
      .meta({ description: "How it was when it was asked for." }),
    after: position("How it would be."),
    at: maybeTimestamp("When it would begin; null at once."),
    expires_in_seconds: z.int().nullable().meta({
      description: "Of a switch-over, for how long; null for good.",
      example: 3600,
    }),
    bake_seconds: z.int().nullable().meta({
      description: "Of a promotion, for how long it would be watched; null of a switch-over.",
      example: 300,
    }),
    serving: word(
      ["primary", "secondary", "other", "none", "unknown"],
      "Who would serve visitors, as explain predicted it.",
    ),
    path: z
      .array(z.string())
      .meta({ description: "Why, question by question.", example: ["the load balancer is enabled: yes"] }),
    changes: z.array(changeSchema).meta({ description: "What would be written to Cloudflare for it." }),
    overridden: z
      .array(z.string())
      .meta({ description: "Guards that stand against it and are overridden.", example: ["drill-missing"] }),
  })
  .nullable()
  .meta({
    description: "Of a request that waits for another person: what would happen; null of anything else.",
  });

export const operationSchema = z
  .object({
    id: text("The operation's id.", "op_7Hk2"),
    kind: word(
      [
        "promote",
        "demote",
        "switch-over",
        "scheduled-switch-over",
        "approval",
        "drill",
        "reconcile",
        "delete",
      ],
      "What it does.",
    ),
    failover_id: text("The failover it works on.", "fo_2Xk9"),
    status: word(
      ["pending", "running", "succeeded", "failed", "aborted"],
      "How it stands; the last three are final.",
    ),
    message: text("The state of things in one sentence.", "Waiting for both pools to be healthy."),
    steps: z.array(stepSchema).meta({ description: "Its steps in order." }),
    progress: z
      .object({
        done: z.int().meta({ description: "Steps that are over.", example: 2 }),
        total: z.int().meta({ description: "All steps.", example: 5 }),
      })
      .meta({ description: "How far it is." }),
    refusals: z.array(refusalSchema).meta({ description: "Guards that refused after it was accepted." }),
    result: facts("What it found in the end; null before.", { evidence: "read-back only" }).nullable(),
    approval: approvalViewSchema,
    deadline_at: timestamp("When it is given up."),
    created_at: timestamp("When it was accepted."),
    finished_at: maybeTimestamp("When it ended."),
  })
  .meta({ id: "Operation", description: "Work longer than a request." });

export const planSchema = z
  .object({
    id: text("The plan's id.", "pl_9Qx3"),
    failover_id: text("The failover it is for.", "fo_2Xk9"),
    revision: z.int().meta({ description: "The revision it was made for.", example: 3 }),
    changes: z
      .array(changeSchema)
      .meta({ description: "What would be written, in order; empty where all is well." }),
    refusals: z.array(refusalSchema).meta({ description: "What stands against it." }),
    foreign: z.array(foreignSchema).meta({ description: "Foreign routing that was seen." }),
  })
  .meta({ id: "Plan", description: "What a reconcile would change now, read afresh." });

const importedObjectSchema = z
  .object({
    id: text("Cloudflare's id.", "17b5962d775c646f"),
    name: text("Its name; of a monitor, which has none, the description.", "primary"),
  })
  .nullable()
  .meta({ description: "The object in this role; null where none was found." });

export const importPreviewSchema = z
  .object({
    importable: z.boolean().meta({ description: "Whether confirming would import it.", example: true }),
    spec: facts("A NewFailover that says the same; null where it can't be read as a failover.", {
      name: "shop",
      hostname: "www.example.com",
      primary: { address: "origin.example.net", host_header: "" },
      secondary: { pages_project: "shop" },
    }).nullable(),
    active: z.enum(SIDES).nullable().meta({
      description: "The endpoint that stands first now; null where that can't be told.",
      example: "primary",
    }),
    objects: z
      .object({
        monitor: importedObjectSchema,
        primary: importedObjectSchema,
        secondary: importedObjectSchema,
        load_balancer: importedObjectSchema,
      })
      .meta({ description: "The objects that would be managed." }),
    changes: z.array(changeSchema).meta({
      description:
        "What confirming would write: descriptions only. `fo_new` stands for the id that it will get.",
    }),
    foreign: z
      .array(
        z
          .object({
            ...foreignShape,
            keepable: z.boolean().meta({
              description: "Whether `keep_foreign` can leave it alone.",
              example: true,
            }),
          })
          .meta({ id: "ImportFinding", description: "Something that a spec can't say." }),
      )
      .meta({ description: "What a spec can't say, one entry each." }),
    refusals: z.array(refusalSchema).meta({ description: "What stands against importing it." }),
  })
  .meta({ id: "ImportPreview", description: "What an existing load balancer would become." });

export const explanationSchema = z
  .object({
    serving: word(
      ["primary", "secondary", "other", "none", "unknown"],
      "Who gets a visitor's request: an endpoint, what else the DNS record underneath points at, nobody, or nobody can tell.",
    ),
    rule: text("The rule that decides.", "first-healthy-pool"),
    path: z.array(z.string()).meta({
      description: "Each question that Cloudflare's edge asks and its answer; the deciding one last.",
      example: ["an enabled load balancer has the hostname", "the first pool is healthy"],
    }),
    if: z.array(z.string()).meta({ description: "What was supposed.", example: ["primary_down"] }),
    predictable: z.boolean().meta({ description: "False where nobody can tell.", example: true }),
    hostname: z
      .string()
      .nullable()
      .meta({ description: "The hostname that this is about.", example: "www.example.com" }),
    affinity: z
      .string()
      .nullable()
      .meta({ description: "What session affinity adds to that; null where it is off.", example: null }),
  })
  .meta({ id: "Explanation", description: "Who serves, and why." });

const probeResultShape = {
  ok: z.boolean().meta({ description: "Whether the answer was a good one.", example: true }),
  status: z.int().nullable().meta({ description: "The HTTP status; null without an answer.", example: 200 }),
  latency_ms: z.number().nullable().meta({ description: "Milliseconds until the answer.", example: 84 }),
  failure: z
    .enum(PROBE_FAILURES)
    .nullable()
    .meta({ description: "What kind of failure; null where ok.", example: "timeout" }),
  detail: z.string().nullable().meta({ description: "Why, in a sentence.", example: "no answer in 5 s" }),
  way: word(["fetch", "socket", "egress"], "How the request left."),
};

export const sampleSchema = z
  .object({
    tick: timestamp("The minute to which the sample belongs: its probes left together."),
    primary: z.object(probeResultShape).meta({ description: "The primary endpoint." }),
    secondary: z.object(probeResultShape).meta({ description: "The secondary endpoint." }),
    hostname: z
      .object(probeResultShape)
      .nullable()
      .meta({ description: "The hostname; null where there was nothing to look at." }),
  })
  .meta({ id: "Sample", description: "What our probes found at one tick." });

export const eventSchema = z
  .object({
    id: text("The event's id.", "evt_4Tn8"),
    seq: z.int().meta({ description: "Rises with every event, and is never given twice.", example: 4711 }),
    type: text("What happened, in the past tense.", "failover.promoted"),
    at: timestamp("When."),
    failover_id: text("To which failover.", "fo_2Xk9"),
    actor: z
      .object({
        kind: word(ACTOR_KINDS, "What kind of actor."),
        name: text("Its name.", "admin"),
      })
      .meta({ description: "Who did it." }),
    request_id: z
      .string()
      .nullable()
      .meta({ description: "The request that caused it.", example: "req_5f0c1c5e8f1b" }),
    data: facts("What belongs to it.", { from: "draft", to: "testing" }),
  })
  .meta({ id: "Event", description: "A past-tense fact; the audit trail is the list of events." });

export const readinessSchema = z
  .object({
    status: word(["ok", "unavailable"], "Whether the service can do its work."),
    message: z
      .string()
      .optional()
      .meta({ description: "Why, in a sentence. Only with a token.", example: "ready" }),
    database: z.boolean().optional().meta({ description: "Whether D1 answers.", example: true }),
    cloudflare: z
      .boolean()
      .optional()
      .meta({ description: "Whether the last tick could read Cloudflare.", example: true }),
    last_tick_at: z.iso
      .datetime()
      .nullable()
      .optional()
      .meta({ description: "When the last tick began; null before the first.", example: AT }),
    tick_fresh: z.boolean().optional().meta({ description: "Whether that is recent enough.", example: true }),
    blocked_until: z.iso
      .datetime()
      .nullable()
      .optional()
      .meta({ description: "Until when Cloudflare refuses our calls; null where it doesn't.", example: AT }),
    audit_log_unreadable: z.string().optional().meta({
      description: "Why drift names nobody, where the account's audit log can't be read. No fault.",
      example: "whose doing drift is can't be told: the account's audit log can't be read",
    }),
  })
  .meta({ id: "Readiness", description: "Only `status` without a token." });

export function listSchema<T extends z.ZodType>(item: T, id: string) {
  return z
    .object({
      items: z.array(item).meta({ description: "The items of this page." }),
      next_cursor: z
        .string()
        .nullable()
        .meta({ description: "Pass it as `cursor` for the next page; null on the last.", example: null }),
    })
    .meta({ id, description: "One page of a list." });
}

const checkSchema = z
  .object({
    id: text("The check; docs/checks.md has one row for each.", "certificate"),
    outcome: word(OUTCOMES, "`unknown` where it could not be found out, or follows from another failure."),
    evidence: facts("What was seen.", { hostname: "a.b.example.com", labels_under_zone: 2 }),
    message: text(
      "What was found and what it means.",
      "No certificate covers a.b.example.com: visitors would get a TLS error instead of the site.",
    ),
    remedy: z.string().nullable().meta({
      description: "What to do; null where there is nothing to mend.",
      example: "Order an advanced certificate for the name.",
    }),
    documentation: text("The title of Cloudflare's page on it.", "Limitations for Universal SSL"),
  })
  .meta({ id: "Check", description: "One prerequisite or pitfall, as it stands." });

export const preflightSchema = z
  .object({
    failover_id: z
      .string()
      .nullable()
      .meta({ description: "Null of a spec that is not saved.", example: "fo_2Xk9" }),
    revision: z.int().nullable().meta({ description: "Of the spec that was looked at.", example: 3 }),
    ran_at: timestamp("When it began."),
    outcome: word(
      OUTCOMES,
      "The worst of its checks, in the order fail, warn, unknown, pass; what there was nothing to ask for doesn't count.",
    ),
    checks: z.array(checkSchema).meta({ description: "Every check." }),
    calls: z.int().meta({ description: "Calls of Cloudflare's API that it took.", example: 18 }),
  })
  .meta({ id: "Preflight", description: "The tutorial's prerequisites and pitfalls, checked." });

const count = (of: string) =>
  z
    .int()
    .min(0)
    .meta({ description: `How many are ${of}.`, example: 1 });
const counts = <const T extends readonly string[]>(words: T, description: string) =>
  z
    .object(
      Object.fromEntries(words.map((one) => [one, count(one)])) as Record<
        T[number],
        ReturnType<typeof count>
      >,
    )
    .meta({ description });

export const freezeSchema = z
  .object({
    frozen_at: timestamp("Since when."),
    reason: text("Why.", "change freeze until Monday"),
    actor: text("Who froze it.", "admin"),
  })
  .meta({ id: "Freeze", description: "While it lasts, nothing moves but what restores." });

const brakeSchema = z
  .object({
    id: text("What `POST /v1/fleet/agree` names.", "br_4Tq1"),
    engaged_at: timestamp("Since when."),
    message: text("Why, in one sentence.", "12 of 20 failovers would be healed at once"),
    plans: z
      .array(
        z.object({
          failover_id: text("The failover.", "fo_2Xk9"),
          plan_id: text("The plan that is held back, as `GET …/plan` names it.", "plan_a1b2c3d4e5f60718"),
        }),
      )
      .meta({ description: "What is held back." }),
  })
  .meta({
    id: "Brake",
    description: "Healing that waits for a person, because it would be too much at once.",
  });

export const agreementSchema = z
  .object({ failovers: count("released, to be healed within a tick") })
  .meta({ id: "Agreement", description: "What was released." });

export const fleetSwitchOverSchema = z
  .object({
    dry_run: z.boolean().meta({ description: "Whether nothing was written.", example: true }),
    items: z
      .array(
        z.object({
          failover_id: text("The failover.", "fo_2Xk9"),
          name: text("Its name.", "shop"),
          outcome: word(
            ["switch", "already", "refused", "approval"],
            "What becomes of it; `already` active stays, and `approval` waits for another person.",
          ),
          refusals: z.array(refusalSchema).meta({ description: "What stands against it now." }),
          operation_id: z.string().nullable().meta({
            description: "Its own operation; null where there is none.",
            example: "op_7Hk2",
          }),
        }),
      )
      .meta({ description: "One for each failover that fits." }),
  })
  .meta({ id: "FleetSwitchOverAnswer", description: "What becomes of each failover, or would." });

export const fleetSchema = z
  .object({
    failovers: z.int().min(0).meta({ description: "How many there are.", example: 12 }),
    stage: counts(["draft", "testing", "production"] as const, "By stage."),
    active: counts(SIDES, "By the endpoint that stands first."),
    sync: counts(
      ["synced", "drifted", "converging", "blocked", "deleting", "unknown"] as const,
      "By how Cloudflare compares with what is wanted.",
    ),
    health: z
      .object({
        primary: counts(VERDICTS, "Primary endpoints by verdict."),
        secondary: counts(VERDICTS, "Secondary endpoints by verdict."),
      })
      .meta({ description: "Endpoints by Cloudflare's verdict." }),
    serving: counts(["primary", "secondary", "none", "unknown"] as const, "By who serves."),
    readiness: counts(["ready", "degraded", "not_ready"] as const, "By readiness."),
    freeze: freezeSchema.nullable().meta({ description: "Null unless the fleet is frozen." }),
    brake: brakeSchema.nullable().meta({ description: "Null unless too much would change at once." }),
  })
  .meta({ id: "Fleet", description: "All failovers of the account, counted." });
