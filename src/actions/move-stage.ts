import { completeSpec } from "../failover/complete.ts";
import { presentHostname } from "../failover/desired.ts";
import type { Failover, Stage } from "../failover/failover.ts";
import {
  guardFreeze,
  guardOperation,
  guardPromotion,
  guardRevision,
  guardUnderneath,
  targetFacts,
  withoutOverridden,
} from "../failover/guards.ts";
import { newOperation } from "../failover/operations.ts";
import { guardPreflight, runPreflight, withChecks } from "../failover/preflight/preflight.ts";
import { fail, ok, type Operation, type Origin, type Refusal, type Result } from "../failover/results.ts";
import { stageAfter, stageBefore } from "../failover/stages.ts";
import {
  commit,
  insertEvents,
  OperationUnderWay,
  RevisionConflict,
  updateIntent,
  type FailoverRecord,
} from "../store/failovers.ts";
import { deleteLeases } from "../store/leases.ts";
import { insertOperation } from "../store/operations.ts";
import type { Context } from "./context.ts";
import type { TransitionRequest } from "./coordinator-port.ts";
import { leaseEnded } from "./end-leases.ts";
import { aloneWith } from "./load.ts";
import { keepPoolHealth, readUnderneath } from "./look.ts";
import { preempt } from "./preempt.ts";
import { gatherFacts } from "./preflight/gather.ts";
import { probeNow } from "./probe-now.ts";
import { eventOf, guardsOverridden } from "./record.ts";
import { reconcile } from "./reconcile.ts";

type Accepted = Result<{ operationId: string }>;

/** The look that the healing began with is fresh enough for what is judged right after it. */
const LOOK_MAX_AGE_MS = 10_000;

/** Everything that a promotion is judged by, read now: the last minute's healing, both pools' health, and a preflight. */
async function judgePromotion(
  context: Context,
  given: FailoverRecord,
  to: Stage,
): Promise<{ refusals: Refusal[]; record: FailoverRecord }> {
  const origin: Origin = { actor: { kind: "system", name: "promotion" }, requestId: null };
  const look = await reconcile(
    context,
    given,
    (zoneId, priority) => context.snapshots.take([zoneId], priority),
    { asked: false, origin, priority: "person" },
  );
  const record: FailoverRecord = { ...given, failover: look.failover, status: look.status };
  const snapshot = await context.snapshots.recent(
    [look.failover.facts.zone?.id ?? ""],
    LOOK_MAX_AGE_MS,
    "person",
  );
  const { input } = look.failover;
  // Not Cloudflare's preview as well: both pools' health is read, which is what steers.
  const subject = { input, record, priority: "person", snapshot, withPreview: false } as const;
  const seen = await gatherFacts(context, subject);
  const pools = await keepPoolHealth(context, record, seen.health);
  const byState = guardPromotion({
    spec: seen.spec,
    ...targetFacts(record, pools.health, context.clock.now()),
    unreadable: pools.unreadable ?? (look.sync === "unknown" ? look.message : null),
    inSync: look.inPlace || look.sync === "unknown",
    syncMessage: look.message,
    foreign: look.convergence?.plan.foreign ?? [],
  });
  const byChecks = guardPreflight(runPreflight(seen), to);
  return { refusals: [...withChecks(byState, byChecks), ...guardFreeze(record.freeze)], record };
}

function refused(action: string, refusals: readonly Refusal[]): Accepted {
  const detail = `${action} is refused: ${refusals.map(({ message }) => message).join("; ")}`;
  return fail("refused", detail, { refusals });
}

/** Who served the coming hostname before: what can't be told from that is no evidence afterwards. */
async function servedBefore(context: Context, record: FailoverRecord, to: Stage): Promise<string> {
  const spec = completeSpec(record.failover.input, record.failover.facts);
  const hostname = presentHostname(to, spec);
  if (hostname === null || record.failover.stage !== "testing") return "nothing";
  const records = await readUnderneath(context, record.failover, hostname);
  // A name without a record isn't asked for before its load balancer exists: resolvers would remember its absence.
  if (records === null) return "unknown";
  if (records.length === 0) return "nothing";
  return (await probeNow(context, record, hostname)).view.serving;
}

async function accept(
  context: Context,
  record: FailoverRecord,
  to: Stage,
  kind: "promote" | "demote",
  request: TransitionRequest,
  overridden: readonly Refusal[],
  more: Record<string, unknown>,
  origin: Origin,
): Promise<Accepted> {
  const { failover } = record;
  const spec = completeSpec(failover.input, failover.facts);
  const now = context.clock.now();
  const moved: Failover = { ...failover, stage: to, revision: failover.revision + 1, updatedAt: now };
  const state = {
    from: failover.stage,
    to,
    hostname: presentHostname(to, spec),
    revision: moved.revision,
    seen: 0,
    ...more,
  };
  const operation: Operation = newOperation(
    {
      id: context.newId("op"),
      failoverId: failover.id,
      kind,
      message: `on the way from ${failover.stage} to ${to}`,
      origin,
    },
    kind === "promote" ? ["write", "read back", "observe"] : ["write", "read back"],
    state,
    now,
  );
  const data = {
    before: { stage: failover.stage },
    after: { stage: to },
    operation_id: operation.id,
    reason: request.reason ?? null,
  };
  const preempted = preempt(context, record.operation, `preempted by ${operation.id}`, origin);
  // A demotion ends whatever moves traffic for a while; a promotion goes on with the order that is in force.
  const ended = kind === "demote" ? record.leases.filter(({ active }) => active !== null) : [];
  const events = [
    ...preempted.events,
    eventOf(context, `failover.${kind}_started`, failover.id, origin, data),
    ...ended.map((lease) => leaseEnded(context, lease, "replaced", origin)),
    ...guardsOverridden(context, failover.id, request.reason, overridden, origin),
  ];
  try {
    await commit(context.db, [
      updateIntent(context.db, moved, spec.test_hostname, failover.revision, now),
      ...deleteLeases(context.db, ended),
      ...preempted.writes,
      insertOperation(context.db, context.accountId, operation),
      ...insertEvents(context.db, context.accountId, events),
    ]);
  } catch (error) {
    if (error instanceof OperationUnderWay || error instanceof RevisionConflict)
      return fail("refused", error.message);
    throw error;
  }
  return ok({ operationId: operation.id });
}

function guardStart({ failover, operation }: FailoverRecord, request: TransitionRequest): Accepted | null {
  const [stale] = guardRevision(failover, request.revision);
  if (stale !== undefined) return fail("revision-mismatch", stale.message, { refusals: [stale] });
  if (failover.deleting !== null) return fail("deleting", "the failover is being deleted");
  const running = guardOperation(operation);
  return running.length > 0 ? refused("this", running) : null;
}

/** One stage forward: draft → testing → production. */
export function promote(
  context: Context,
  reference: string,
  request: TransitionRequest,
  origin: Origin,
): Promise<Accepted> {
  return aloneWith(context, reference, async (given) => {
    const stopped = guardStart(given, request);
    if (stopped !== null) return stopped;
    const to = stageAfter(given.failover.stage);
    if (to === null)
      return fail("invalid", "the failover is in production already: there is no further stage");
    if (request.to !== undefined && request.to !== to) {
      const message = `from ${given.failover.stage} the next stage is ${to}`;
      return fail("invalid", message, { errors: [{ pointer: "/to", message }] });
    }
    const { refusals: all, record } = await judgePromotion(context, given, to);
    const left = withoutOverridden(all, request.override ?? []);
    if (left.length > 0) return refused(`promoting to ${to}`, left);
    const overridden = all.filter((one) => !left.includes(one));
    const before = await servedBefore(context, record, to);
    return accept(context, record, to, "promote", request, overridden, { before }, origin);
  });
}

/** One stage back: production → testing → draft. Visitors of the production hostname get what lies underneath. */
export function demote(
  context: Context,
  reference: string,
  request: TransitionRequest,
  origin: Origin,
): Promise<Accepted> {
  return aloneWith(context, reference, async (record) => {
    const { failover, operation: running } = record;
    // Asked twice it is still one demotion.
    if (running?.kind === "demote" && (request.to === undefined || request.to === failover.stage)) {
      return ok({ operationId: running.id });
    }
    // What ends danger preempts whatever is under way; a delete is no danger that this would end.
    const stopped = guardStart({ ...record, operation: null }, request);
    if (stopped !== null) return stopped;
    const to = stageBefore(failover.stage);
    if (to === null)
      return fail("invalid", "the failover is in draft already: there is no stage before that");
    if (request.to !== undefined && request.to !== to) {
      const message = `from ${failover.stage} the stage before is ${to}`;
      return fail("invalid", message, { errors: [{ pointer: "/to", message }] });
    }
    const { hostname } = failover.input;
    const records = failover.stage === "production" ? await readUnderneath(context, failover, hostname) : [];
    const all = failover.stage === "production" ? guardUnderneath(hostname, records) : [];
    const left = withoutOverridden(all, request.override ?? []);
    if (left.length > 0) return refused(`demoting to ${to}`, left);
    return accept(context, record, to, "demote", request, all, { underneath: records }, origin);
  });
}
