import { completeSpec } from "../failover/complete.ts";
import { presentHostname } from "../failover/desired.ts";
import { explainTraffic, type Explanation } from "../failover/explain.ts";
import type { Failover, Side } from "../failover/failover.ts";
import {
  guardFreeze,
  guardRevision,
  guardSwitch,
  targetFacts,
  withoutOverridden,
} from "../failover/guards.ts";
import type { Lease } from "../failover/leases.ts";
import type { Change } from "../failover/plan.ts";
import { newOperation } from "../failover/operations.ts";
import { deriveServing } from "../failover/status.ts";
import { fail, ok, type FailoverEvent, type Origin, type Refusal, type Result } from "../failover/results.ts";
import {
  commit,
  insertEvents,
  RevisionConflict,
  updateIntent,
  type FailoverRecord,
  type Write,
} from "../store/failovers.ts";
import { deleteLeases } from "../store/leases.ts";
import { insertOperation } from "../store/operations.ts";
import { changesTo } from "./ask-approval.ts";
import type { Context } from "./context.ts";
import { keepOutcome } from "./idempotency-keys.ts";
import type { SwitchRequest } from "./coordinator-port.ts";
import { leaseEnded } from "./end-leases.ts";
import { readBothPools } from "./look.ts";
import { observe } from "./observe.ts";
import { preempt, withoutUnwritten } from "./preempt.ts";
import { eventOf, guardsOverridden } from "./record.ts";
import { claimMember, storeLease } from "./store-lease.ts";
import { trafficOf } from "./traffic-of.ts";

type Accepted = Result<{ operationId: string }>;

const ORDER = { role: "load_balancer", member: "default_pools" } as const;
/** A look this young serves a person who decides now. */
const LOOK_MAX_AGE_MS = 5_000;

/** A switch-over that nothing stands against but what was overridden. */
export interface JudgedSwitch {
  readonly overridden: readonly Refusal[];
  readonly prediction: Explanation;
  /** What it would write. */
  readonly changes: readonly Change[];
}

async function judge(context: Context, record: FailoverRecord, to: Side, expected: Side | undefined) {
  const spec = completeSpec(record.failover.input, record.failover.facts);
  const zoneId = record.failover.facts.zone?.id ?? "";
  const snapshot = await context.snapshots.recent([zoneId], LOOK_MAX_AGE_MS, "person");
  const { failover, observed } = await observe(context, record.failover, snapshot, "person");
  const pools = await readBothPools(context, { ...record, failover }, spec);
  const traffic = trafficOf(context, failover, observed, record, pools.health, to);
  const unseen = observed.load_balancer.state === "unknown" ? observed.load_balancer.why : null;
  const prediction = explainTraffic(traffic);
  const refusals = guardSwitch({
    to,
    expected,
    active: failover.active,
    ...targetFacts(record, pools.health, context.clock.now()),
    unreadable: pools.unreadable ?? unseen,
    after: prediction,
    endpoints: traffic.endpoints,
    foreign: record.status.foreign,
    restores: record.failover.disabled === to,
  });
  const next: Failover = { ...failover, active: to, disabled: null };
  return { refusals, prediction, changes: changesTo(context, record, next, observed) };
}

/** The intent as it is stored at once: a lease for a while, the settled order for good. Whatever it replaces has ended. */
function intended(
  context: Context,
  { failover, leases }: FailoverRecord,
  to: Side,
  request: { readonly expiresInSeconds?: number; readonly reason: string },
  origin: Origin,
): { failover: Failover; lease: Lease | null; ended: readonly Lease[] } {
  const now = context.clock.now();
  const ended = leases.filter(({ active }) => active !== null);
  const changed = { ...failover, revision: failover.revision + 1, updatedAt: now };
  if (request.expiresInSeconds === undefined) {
    const settledBy = origin.actor.kind === "system" ? "policy" : "person";
    const settled = { active: to, settledActive: to, settledBy, settledAt: now } as const;
    return { failover: { ...changed, ...settled }, lease: null, ended };
  }
  const lease: Lease = {
    id: context.newId("le"),
    failoverId: failover.id,
    kind: "switchover",
    version: 1,
    active: to,
    reason: request.reason,
    origin,
    startedAt: now,
    expiresAt: now + request.expiresInSeconds * 1000,
  };
  return { failover: { ...changed, active: to }, lease, ended };
}

async function accept(
  context: Context,
  record: FailoverRecord,
  to: Side,
  request: SwitchRequest,
  overridden: readonly Refusal[],
  origin: Origin,
  also: (operationId: string) => readonly Write[],
): Promise<Accepted> {
  const { operation: running } = record;
  const { failover: before, events: undone } = withoutUnwritten(context, record.failover, running, origin);
  const { failover, lease, ended } = intended(context, { ...record, failover: before }, to, request, origin);
  const now = context.clock.now();
  const spec = completeSpec(failover.input, failover.facts);
  const operation = newOperation(
    {
      id: context.newId("op"),
      failoverId: failover.id,
      kind: "switch-over",
      message: `on the way to the ${to}`,
      origin,
    },
    failover.stage === "draft" ? ["write", "read back"] : ["write", "read back", "observe"],
    {
      from: before.active,
      to,
      hostname: presentHostname(failover.stage, spec),
      settledBefore: before.settledActive,
      settledBy: before.settledBy,
      settledAt: before.settledAt,
      leaseId: lease?.id ?? null,
      ended,
      servedBefore: deriveServing(before, record.status, record.samples).serving,
      seen: 0,
    },
    now,
  );
  const expiresAt = lease === null ? null : new Date(lease.expiresAt).toISOString();
  const data = {
    before: { active: before.active },
    after: { active: to },
    expires_at: expiresAt,
    reason: request.reason,
    operation_id: operation.id,
  };
  const preempted = preempt(context, running, `preempted by ${operation.id}`, origin);
  const events: FailoverEvent[] = [
    ...preempted.events,
    ...undone,
    ...ended.map((one) => leaseEnded(context, one, "replaced", origin)),
    eventOf(context, "failover.switch_over_started", failover.id, origin, data),
    ...guardsOverridden(context, failover.id, request.reason, overridden, origin),
  ];
  try {
    await commit(context.db, [
      updateIntent(context.db, failover, spec.test_hostname, before.revision, now),
      ...deleteLeases(context.db, ended),
      ...(lease === null ? claimMember(context, record, ORDER) : storeLease(context, record, lease)),
      ...preempted.writes,
      insertOperation(context.db, context.accountId, operation),
      ...insertEvents(context.db, context.accountId, events),
      ...also(operation.id),
      ...keepOutcome(context, { operationId: operation.id }),
    ]);
  } catch (error) {
    if (error instanceof RevisionConflict) return fail("refused", error.message);
    throw error;
  }
  return ok({ operationId: operation.id });
}

/** Judges and begins it; `also` is written together with the new intent. */
export async function startSwitch(
  context: Context,
  record: FailoverRecord,
  to: Side,
  request: SwitchRequest,
  origin: Origin,
  also: (operationId: string) => readonly Write[] = () => [],
): Promise<Accepted> {
  const judged = await judgeSwitch(context, record, to, request);
  return judged.ok ? accept(context, record, to, request, judged.value.overridden, origin, also) : judged;
}

/** What it would do and what was overridden, or why it is refused. */
export async function judgeSwitch(
  context: Context,
  record: FailoverRecord,
  to: Side,
  request: SwitchRequest,
): Promise<Result<JudgedSwitch>> {
  const [stale] = guardRevision(record.failover, request.revision);
  if (stale !== undefined) return fail("revision-mismatch", stale.message, { refusals: [stale] });
  if (record.failover.deleting !== null) return fail("deleting", "the failover is being deleted");
  const { refusals, prediction, changes } = await judge(context, record, to, request.expectedActive);
  const all = [...refusals, ...guardFreeze(record.freeze)];
  const left = withoutOverridden(all, request.override ?? []);
  if (left.length === 0) return ok({ overridden: all, prediction, changes });
  const detail = `switching over to the ${to} is refused: ${left.map(({ message }) => message).join("; ")}`;
  return fail("refused", detail, { refusals: left });
}
