// Core types → the wire shapes of schemas.ts: snake_case, RFC 3339, nothing that is not in the contract.
import type { z } from "@hono/zod-openapi";
import type { FleetView, Readiness } from "../actions/reader-port.ts";
import type { Freeze } from "../store/freezes.ts";
import type { ForeignRouting } from "../failover/foreign.ts";
import { approvalOf } from "../failover/approval.ts";
import type { Change } from "../failover/plan.ts";
import type {
  ExplanationView,
  FailoverEvent,
  FailoverView,
  FleetSwitchView,
  ImportView,
  KnownDrift,
  Operation,
  PlanView,
  PreflightView,
  ProbeResult,
  Refusal,
  Sample,
  SideHealth,
} from "../failover/results.ts";
import type * as schemas from "./schemas.ts";

type Wire<K extends keyof typeof schemas> = (typeof schemas)[K] extends z.ZodType
  ? z.output<(typeof schemas)[K]>
  : never;

export function rfc3339(at: number): string {
  return new Date(at).toISOString();
}
export function maybeRfc3339(at: number | null): string | null {
  return at === null ? null : rfc3339(at);
}

export function presentRefusal({
  guard,
  message,
  facts,
  remedy,
  overridable,
}: Refusal): Wire<"refusalSchema"> {
  return { guard, message, facts: { ...facts }, remedy, overridable };
}

function presentHealth({ verdict, since, witnesses }: SideHealth) {
  return {
    verdict,
    since: maybeRfc3339(since),
    witnesses: witnesses.map((one) => ({
      witness: one.witness,
      verdict: one.verdict,
      since: maybeRfc3339(one.since),
      observed_at: maybeRfc3339(one.observedAt),
      detail: one.detail,
    })),
  };
}

function presentDrift(drift: KnownDrift) {
  return {
    role: drift.role,
    class: drift.class,
    path: drift.path,
    before: drift.before ?? null,
    after: drift.after ?? null,
    first_seen_at: rfc3339(drift.firstSeenAt),
    heal_at: maybeRfc3339(drift.healAt),
  };
}

export function presentForeign({ role, path, message, kept }: ForeignRouting) {
  return { role, path, message, class: "foreign" as const, kept };
}

export function presentFailover(view: FailoverView): Wire<"failoverSchema"> {
  const { spec, facts, ids, status } = view;
  return {
    id: view.id,
    name: view.name,
    revision: view.revision,
    stage: view.stage,
    active: view.active,
    hostname: spec.hostname,
    test_hostname: spec.test_hostname,
    zone: facts.zone === null ? null : { id: facts.zone.id, name: facts.zone.name },
    // The core's spec has the wire's names already.
    spec: JSON.parse(JSON.stringify(spec)),
    cloudflare: {
      monitor_id: ids.monitor ?? null,
      primary_pool_id: ids.primary ?? null,
      secondary_pool_id: ids.secondary ?? null,
      load_balancer_id: ids.load_balancer ?? null,
    },
    status: {
      sync: status.sync,
      message: status.message,
      health: {
        primary: presentHealth(status.health.primary),
        secondary: presentHealth(status.health.secondary),
      },
      serving: status.serving,
      serving_detail: status.servingDetail,
      readiness: view.readiness,
      operation: view.operationId,
      reconciled_revision: status.reconciledRevision,
      observed_at: maybeRfc3339(status.observedAt),
      next_drill_at: maybeRfc3339(view.nextDrillAt),
      drift: status.drift.map(presentDrift),
      foreign: status.foreign.map(presentForeign),
      preflight:
        view.preflight === null
          ? null
          : {
              outcome: view.preflight.outcome,
              failed: [...view.preflight.failed],
              ran_at: rfc3339(view.preflight.ranAt),
              revision: view.preflight.revision,
            },
    },
    leases: view.leases.map(({ kind, expiresAt, reason }) => ({
      kind,
      expires_at: rfc3339(expiresAt),
      reason,
    })),
    created_at: rfc3339(view.createdAt),
    updated_at: rfc3339(view.updatedAt),
  };
}

export function presentFreeze({ frozenAt, reason, actor }: Freeze): Wire<"freezeSchema"> {
  return { frozen_at: rfc3339(frozenAt), reason, actor };
}

function counted<const T extends readonly string[]>(words: T, values: readonly string[]) {
  const counts = words.map((word) => [word, values.filter((value) => value === word).length]);
  return Object.fromEntries(counts) as Record<T[number], number>;
}

const VERDICTS = ["healthy", "unhealthy", "flapping", "unknown"] as const;

export function presentFleetSwitch({ dryRun, items }: FleetSwitchView): Wire<"fleetSwitchOverSchema"> {
  return {
    dry_run: dryRun,
    items: items.map(({ failoverId, name, outcome, refusals, operationId }) => ({
      failover_id: failoverId,
      name,
      outcome,
      refusals: refusals.map(presentRefusal),
      operation_id: operationId,
    })),
  };
}

export function presentFleet({ failovers, freeze, brake }: FleetView): Wire<"fleetSchema"> {
  const of = (member: (view: FailoverView) => string) => failovers.map(member);
  return {
    failovers: failovers.length,
    stage: counted(
      ["draft", "testing", "production"],
      of(({ stage }) => stage),
    ),
    active: counted(
      ["primary", "secondary"],
      of(({ active }) => active),
    ),
    sync: counted(
      ["synced", "drifted", "converging", "blocked", "deleting", "unknown"],
      of(({ status }) => status.sync),
    ),
    health: {
      primary: counted(
        VERDICTS,
        of(({ status }) => status.health.primary.verdict),
      ),
      secondary: counted(
        VERDICTS,
        of(({ status }) => status.health.secondary.verdict),
      ),
    },
    serving: counted(
      ["primary", "secondary", "none", "unknown"],
      of(({ status }) => status.serving),
    ),
    readiness: counted(
      ["ready", "degraded", "not_ready"],
      of(({ readiness }) => readiness),
    ),
    freeze: freeze === null ? null : presentFreeze(freeze),
    brake:
      brake === null
        ? null
        : {
            id: brake.id,
            engaged_at: rfc3339(brake.engagedAt),
            message: brake.message,
            plans: Object.entries(brake.held).map(([id, plan]) => ({ failover_id: id, plan_id: plan })),
          },
  };
}

function presentApproval(operation: Operation): Wire<"operationSchema">["approval"] {
  const approval = approvalOf(operation);
  if (approval === null) return null;
  const { plan, reason, prospect } = approval;
  const { action, to, before, after, at, expiresInSeconds, bakeSeconds, prediction, changes } = prospect;
  return {
    plan,
    action,
    to,
    asked_by: { kind: operation.origin.actor.kind, name: operation.origin.actor.name },
    reason,
    before: { ...before },
    after: { ...after },
    at: maybeRfc3339(at),
    expires_in_seconds: expiresInSeconds,
    bake_seconds: bakeSeconds,
    serving: prediction?.serving ?? "unknown",
    path: [...(prediction?.path ?? [])],
    changes: changes.map(presentChange),
    overridden: [...prospect.overridden],
  };
}

export function presentOperation(operation: Operation): Wire<"operationSchema"> {
  const over = operation.steps.filter(({ status }) => status !== "pending" && status !== "running");
  return {
    id: operation.id,
    kind: operation.kind,
    failover_id: operation.failoverId,
    status: operation.status,
    message: operation.message,
    steps: operation.steps.map((step) => ({
      name: step.name,
      status: step.status,
      started_at: maybeRfc3339(step.startedAt),
      finished_at: maybeRfc3339(step.finishedAt),
      detail: step.detail,
    })),
    progress: { done: over.length, total: operation.steps.length },
    refusals: operation.refusals.map(presentRefusal),
    result: operation.result === null ? null : { ...operation.result },
    approval: presentApproval(operation),
    deadline_at: rfc3339(operation.deadlineAt),
    created_at: rfc3339(operation.createdAt),
    finished_at: maybeRfc3339(operation.finishedAt),
  };
}

export function presentExplanation({ conditions, ...found }: ExplanationView): Wire<"explanationSchema"> {
  return { ...found, path: [...found.path], if: [...conditions] };
}

export function presentChange({ action, kind, role, reason, differences }: Change) {
  return {
    action,
    kind,
    role,
    reason,
    differences: differences.map((one) => ({
      path: one.path,
      before: one.before ?? null,
      after: one.after ?? null,
      class: one.class,
    })),
  };
}

export function presentPreflight(view: PreflightView): Wire<"preflightSchema"> {
  return {
    failover_id: view.failoverId,
    revision: view.revision,
    ran_at: rfc3339(view.ranAt),
    outcome: view.outcome,
    checks: view.checks.map((check) => ({ ...check, evidence: { ...check.evidence } })),
    calls: view.calls,
  };
}

const IMPORTED = ["monitor", "primary", "secondary", "load_balancer"] as const;

function presentImported(object: Readonly<Record<string, unknown>> | undefined) {
  if (object === undefined) return null;
  const { id, name, description } = object;
  const called = typeof name === "string" ? name : description;
  return { id: String(id), name: typeof called === "string" ? called : "" };
}

export function presentImport(view: ImportView): Wire<"importPreviewSchema"> {
  const [monitor, primary, secondary, loadBalancer] = IMPORTED.map((role) =>
    presentImported(view.objects[role]),
  );
  return {
    importable: view.importable,
    spec: view.spec === null ? null : { ...view.spec },
    active: view.active,
    objects: {
      monitor: monitor ?? null,
      primary: primary ?? null,
      secondary: secondary ?? null,
      load_balancer: loadBalancer ?? null,
    },
    changes: view.changes.map(presentChange),
    foreign: view.foreign.map(({ role, path, message, keepable }) => {
      return { role, path, message, class: "foreign" as const, keepable };
    }),
    refusals: view.refusals.map(presentRefusal),
  };
}

export function presentPlan(plan: PlanView): Wire<"planSchema"> {
  return {
    id: plan.id,
    failover_id: plan.failoverId,
    revision: plan.revision,
    changes: plan.changes.map(presentChange),
    refusals: plan.refusals.map(presentRefusal),
    foreign: plan.foreign.map(presentForeign),
  };
}

function presentProbe({ ok, status, latencyMs, failure, detail, way }: ProbeResult) {
  return { ok, status, latency_ms: latencyMs, failure, detail, way };
}

export function presentSample({ tick, primary, secondary, hostname }: Sample): Wire<"sampleSchema"> {
  return {
    tick: rfc3339(tick),
    primary: presentProbe(primary),
    secondary: presentProbe(secondary),
    hostname: hostname === null ? null : presentProbe(hostname),
  };
}

export function presentEvent(event: FailoverEvent): Wire<"eventSchema"> {
  return {
    id: event.id,
    seq: event.seq ?? 0,
    type: event.type,
    at: rfc3339(event.at),
    failover_id: event.failoverId,
    actor: { kind: event.origin.actor.kind, name: event.origin.actor.name },
    request_id: event.origin.requestId,
    data: { ...event.data },
  };
}

export function isReady({ database, cloudflare, tickFresh }: Readiness): boolean {
  return database && cloudflare && tickFresh;
}

export function presentReadiness(readiness: Readiness): Wire<"readinessSchema"> {
  return {
    status: isReady(readiness) ? "ok" : "unavailable",
    message: readiness.message,
    database: readiness.database,
    cloudflare: readiness.cloudflare,
    last_tick_at: maybeRfc3339(readiness.lastTickAt),
    tick_fresh: readiness.tickFresh,
    blocked_until: maybeRfc3339(readiness.blockedUntil),
    ...(readiness.auditLogUnreadable === null ? {} : { audit_log_unreadable: readiness.auditLogUnreadable }),
  };
}
