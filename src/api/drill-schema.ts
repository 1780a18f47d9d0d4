// A drill as the API shows it: core type → wire shape, and what of it stands in /openapi.json.
import { z } from "@hono/zod-openapi";
import { DRILL_METHODS, type LookRun, type SeenError } from "../failover/drill.ts";
import type { Drill } from "../failover/drill-report.ts";
import { ACTOR_KINDS } from "../failover/results.ts";
import { maybeRfc3339, rfc3339 } from "./present.ts";
import { maybeTimestamp, PROBE_FAILURES, text, timestamp, word } from "./schemas.ts";

const seconds = (description: string, example: number) =>
  z.number().nullable().meta({ description, example });

const answerShape = {
  status: z.int().nullable().meta({ description: "The HTTP status; null without an answer.", example: 200 }),
  failure: z
    .enum(PROBE_FAILURES)
    .nullable()
    .meta({ description: "What kind of failure; null where it was good.", example: "timeout" }),
};

const lookRunSchema = z
  .object({
    from: timestamp("The first of them."),
    to: timestamp("The last of them."),
    looks: z.int().meta({ description: "How many looks in a row found the same.", example: 12 }),
    serving: word(["primary", "secondary", "none", "unknown"], "Who served."),
    ...answerShape,
  })
  .meta({ id: "DrillLooks", description: "Equal looks at the hostname, in a row." });

const errorSchema = z
  .object({
    at: timestamp("When."),
    step: text("During which step.", "hold"),
    ...answerShape,
    detail: z.string().nullable().meta({ description: "Why, in a sentence.", example: "no answer in 5 s" }),
  })
  .meta({ id: "DrillError", description: "A bad answer of the hostname." });

const TIMES = {
  baseline_at: maybeTimestamp("The primary was seen to serve, so that there was something to divert."),
  leased_at: maybeTimestamp("The lease was stored; nothing was written yet."),
  diverted_at: maybeTimestamp("Cloudflare had taken the deviation."),
  secondary_at: maybeTimestamp("The secondary was first seen to serve."),
  held_from: maybeTimestamp("The hold began."),
  lease_ended_at: maybeTimestamp("The hold was over, or the drill turned back."),
  restored_at: maybeTimestamp(
    "Cloudflare had what was before; after a drill that was broken off, when it was read back.",
  ),
  primary_at: maybeTimestamp("The primary was first seen to serve again."),
};

const reportSchema = z
  .object({
    verdict: z
      .enum(["passed", "failed", "interrupted"])
      .nullable()
      .meta({ description: "How it came out; null while it runs.", example: "passed" }),
    message: text(
      "How it stands or ended, in one sentence.",
      "passed: www.example.com was diverted and restored",
    ),
    interrupted_by: z.string().nullable().meta({
      description: "Who or what broke it off; null where nobody did.",
      example: "preempted by op_7Hk2",
    }),
    taken_over_by: z.string().nullable().meta({
      description:
        "Where it was broken off: who decided about the order before it was restored; null where nobody did.",
      example: "the switch-over op_7Hk2 of admin, to the secondary",
    }),
    window: z
      .object({
        opens_at: timestamp("When it opened."),
        closes_at: timestamp("When it closes."),
      })
      .nullable()
      .meta({ description: "The schedule's window that it was for; null where somebody asked for it." }),
    hostname: text("Under which it was played.", "lb-shop.example.com"),
    asked_by: z
      .object({
        kind: word(ACTOR_KINDS, "What kind of actor."),
        name: text("Its name.", "admin"),
      })
      .meta({ description: "Who asked for it." }),
    reason: z
      .string()
      .nullable()
      .meta({ description: "Why, where that was said.", example: "quarterly rehearsal" }),
    requested_hold_seconds: z.int().meta({ description: "How long the hold was to be.", example: 60 }),
    deadline_at: maybeTimestamp("When the lease would end by itself; null where none was stored."),
    spec_hash: text("Of the spec's content that it is evidence for.", "9ae16a3b2f90404f"),
    evidence: z.literal("observed").meta({ description: "What it rests on.", example: "observed" }),
    affinity: z
      .string()
      .nullable()
      .meta({ description: "What session affinity means for it; null where it is off.", example: null }),
    times: z
      .object(TIMES)
      .meta({ description: "When what was seen or done; null where it didn't come to that." }),
    divert_seconds: seconds("From Cloudflare's acknowledgement to the first answer of the secondary.", 2),
    hold_seconds: seconds("How long the hold was.", 60.2),
    restore_seconds: seconds("From Cloudflare's acknowledgement to the first answer of the primary.", 1.5),
    samples: z.array(lookRunSchema).meta({ description: "What our looks found, in short." }),
    errors: z
      .object({
        count: z.int().meta({ description: "Bad answers in all.", example: 0 }),
        first: z.array(errorSchema).meta({ description: "The first of them." }),
      })
      .meta({ description: "What it cost, as seen by our looks." }),
  })
  .meta({ id: "DrillReport", description: "What a drill found, with its times." });

export const drillSchema = z
  .object({
    id: text("The drill's id.", "dr_5Lp1"),
    failover_id: text("Of which failover.", "fo_2Xk9"),
    operation_id: text("The operation that plays it.", "op_7Hk2"),
    status: word(["pending", "running", "succeeded", "failed", "aborted"], "The operation's status."),
    passed: z.boolean().nullable().meta({ description: "Null while it runs.", example: true }),
    scheduled: z.boolean().meta({ description: "Whether the spec's schedule began it.", example: false }),
    method: word(DRILL_METHODS, "How traffic was diverted."),
    stage: word(["testing", "production"], "The stage in which it was played."),
    started_at: timestamp("When it was asked for."),
    finished_at: maybeTimestamp("When it ended; null while it runs."),
    report: reportSchema,
  })
  .meta({ id: "Drill", description: "A rehearsal of the failover." });

const presentRun = ({ from, to, ...run }: LookRun) => ({ ...run, from: rfc3339(from), to: rfc3339(to) });
const presentError = ({ at, ...error }: SeenError) => ({ ...error, at: rfc3339(at) });

export function presentDrill(drill: Drill): z.output<typeof drillSchema> {
  const { report } = drill;
  const { times } = report;
  const at = (instant: number | undefined) => maybeRfc3339(instant ?? null);
  return {
    id: drill.id,
    failover_id: drill.failoverId,
    operation_id: drill.operationId,
    status: drill.status,
    passed: drill.passed,
    scheduled: drill.scheduled,
    method: drill.method,
    stage: drill.stage === "production" ? "production" : "testing",
    started_at: rfc3339(drill.startedAt),
    finished_at: maybeRfc3339(drill.finishedAt),
    report: {
      verdict: report.verdict,
      message: report.message,
      interrupted_by: report.interruptedBy,
      taken_over_by: report.takenOverBy,
      window:
        report.window === null
          ? null
          : { opens_at: rfc3339(report.window.opensAt), closes_at: rfc3339(report.window.closesAt) },
      hostname: report.hostname,
      asked_by: { kind: report.askedBy.kind, name: report.askedBy.name },
      reason: report.reason,
      requested_hold_seconds: report.requestedHoldSeconds,
      deadline_at: maybeRfc3339(report.deadlineAt),
      spec_hash: report.specHash,
      evidence: report.evidence,
      affinity: report.affinity,
      times: {
        baseline_at: at(times.baselineAt),
        leased_at: at(times.leasedAt),
        diverted_at: at(times.divertedAt),
        secondary_at: at(times.secondaryAt),
        held_from: at(times.heldFrom),
        lease_ended_at: at(times.leaseEndedAt),
        restored_at: at(times.restoredAt),
        primary_at: at(times.primaryAt),
      },
      divert_seconds: report.divertSeconds,
      hold_seconds: report.holdSeconds,
      restore_seconds: report.restoreSeconds,
      samples: report.samples.map(presentRun),
      errors: { count: report.errors.count, first: report.errors.first.map(presentError) },
    },
  };
}
