import { guardApproval, type Prospect } from "../failover/approval.ts";
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
import { explainTraffic } from "../failover/explain.ts";
import { guardDrill, hashOfContent } from "../failover/drill-evidence.ts";
import { guardPreflight, runPreflight, withChecks } from "../failover/preflight/preflight.ts";
import { fail, ok, type Origin, type Refusal, type Result } from "../failover/results.ts";
import { stageAfter, stageBefore } from "../failover/stages.ts";
import { findPassedDrill } from "../store/drills.ts";
import {
  commit,
  insertEvents,
  OperationUnderWay,
  RevisionConflict,
  type FailoverRecord,
  type Write,
} from "../store/failovers.ts";
import { insertOperation } from "../store/operations.ts";
import { askApproval, changesTo, type Weighed } from "./ask-approval.ts";
import type { Context } from "./context.ts";
import { keepOutcome, okForGood } from "./idempotency-keys.ts";
import type { TransitionRequest } from "./coordinator-port.ts";
import { aloneWith } from "./load.ts";
import { keepPoolHealth, readUnderneath } from "./look.ts";
import { preempt } from "./preempt.ts";
import { gatherFacts } from "./preflight/gather.ts";
import { probeNow } from "./probe-now.ts";
import { reconcile } from "./reconcile.ts";
import { newMove, type StoredMove } from "./store-move.ts";
import { trafficOf } from "./traffic-of.ts";

type Accepted = Result<{ operationId: string }>;

/** The look that the healing began with is fresh enough for what is judged right after it. */
const LOOK_MAX_AGE_MS = 10_000;

/** What goes to production was rehearsed: this content of the spec, not another. */
async function guardRehearsal(context: Context, { id, input, facts }: Failover): Promise<Refusal[]> {
  const hash = hashOfContent(completeSpec(input, facts));
  return guardDrill(hash, await findPassedDrill(context.db, id, hash));
}

/** Everything that a promotion is judged by, read now: the last minute's healing, both pools' health, and a preflight. */
async function judgePromotion(
  context: Context,
  given: FailoverRecord,
  to: Stage,
): Promise<{ refusals: Refusal[]; record: FailoverRecord } & Pick<Prospect, "prediction" | "changes">> {
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
  const observed = look.convergence?.observation.observed;
  const { active } = look.failover;
  const prediction =
    observed === undefined
      ? null
      : explainTraffic(trafficOf(context, look.failover, observed, record, pools.health, active));
  const changes =
    observed === undefined ? [] : changesTo(context, record, { ...look.failover, stage: to }, observed);
  const byState = guardPromotion({
    spec: seen.spec,
    ...targetFacts(record, pools.health, context.clock.now()),
    unreadable: pools.unreadable ?? (look.sync === "unknown" ? look.message : null),
    inSync: look.inPlace || look.sync === "unknown",
    syncMessage: look.message,
    foreign: look.convergence?.plan.foreign ?? [],
    after: prediction,
  });
  const byChecks = guardPreflight(runPreflight(seen), to);
  const refusals = [
    ...withChecks(byState, byChecks),
    ...(to === "production" ? await guardRehearsal(context, record.failover) : []),
    ...guardFreeze(record.freeze),
  ];
  return { refusals, record, prediction, changes };
}

function refused(action: string, refusals: readonly Refusal[]): Result<never> {
  const detail = `${action} is refused: ${refusals.map(({ message }) => message).join("; ")}`;
  return fail("refused", detail, { refusals });
}

/** What the coming hostname gave before: what can't be told from that is no evidence afterwards. */
async function lookBefore(
  context: Context,
  record: FailoverRecord,
  to: Stage,
): Promise<{ before: string; answeredBefore: boolean }> {
  const hostname = presentHostname(to, completeSpec(record.failover.input, record.failover.facts));
  const nothing = { before: "nothing", answeredBefore: false };
  if (hostname === null || record.failover.stage !== "testing") return nothing;
  const underneath = await readUnderneath(context, record.failover, hostname);
  // A name without a record isn't asked for before its load balancer exists: resolvers would remember its absence.
  if (underneath === null) return { ...nothing, before: "unknown" };
  if (underneath.leadsTo === null) return nothing;
  const { view, sample } = await probeNow(context, record, hostname);
  return { before: view.serving, answeredBefore: sample.hostname?.ok === true };
}

/** Stores a move and what it brings with it: from then on the new stage is what is wanted. */
async function accept(context: Context, move: StoredMove, also: readonly Write[] = []): Promise<Accepted> {
  try {
    await commit(context.db, [
      ...move.writes,
      insertOperation(context.db, context.accountId, move.operation),
      ...insertEvents(context.db, context.accountId, move.events),
      ...also,
      ...keepOutcome(context, { operationId: move.operation.id }),
    ]);
  } catch (error) {
    if (error instanceof OperationUnderWay || error instanceof RevisionConflict)
      return fail("refused", error.message);
    throw error;
  }
  return ok({ operationId: move.operation.id });
}

function guardStart(
  { failover, operation, freeze }: FailoverRecord,
  request: TransitionRequest,
): Result<never> | null {
  const [stale] = guardRevision(failover, request.revision);
  if (stale !== undefined) return fail("revision-mismatch", stale.message, { refusals: [stale] });
  if (failover.deleting !== null) return fail("deleting", "the failover is being deleted");
  // What can be told without asking Cloudflare is told at once.
  const running = guardOperation(operation);
  return running.length > 0 ? refused("this", [...running, ...guardFreeze(freeze)]) : null;
}

/** Judges a promotion. The caller has the failover for itself alone. */
export async function weighPromotion(
  context: Context,
  given: FailoverRecord,
  request: TransitionRequest,
): Promise<Result<Weighed>> {
  const stopped = guardStart(given, request);
  if (stopped !== null) return stopped;
  const to = stageAfter(given.failover.stage);
  if (to === null) return fail("invalid", "the failover is in production already: there is no further stage");
  if (request.to !== undefined && request.to !== to) {
    const message = `from ${given.failover.stage} the next stage is ${to}`;
    return fail("invalid", message, { errors: [{ pointer: "/to", message }] });
  }
  const { refusals: all, record, prediction, changes } = await judgePromotion(context, given, to);
  const { override = [] } = request;
  const left = withoutOverridden(all, override);
  if (left.length > 0) return refused(`promoting to ${to}`, left);
  const { failover } = record;
  const spec = completeSpec(failover.input, failover.facts);
  const approval = guardApproval(spec);
  const overridden = [...all, ...approval.filter((one) => withoutOverridden([one], override).length === 0)];
  const bakeSeconds = request.bakeSeconds ?? spec.bake_seconds;
  const { revision, stage, active } = failover;
  const prospect: Prospect = {
    action: "promote",
    to,
    before: { revision, stage, active },
    after: { stage: to, active },
    at: null,
    expiresInSeconds: null,
    bakeSeconds,
    prediction,
    changes,
    overridden: all.map(({ guard }) => guard),
  };
  const begin: Weighed["begin"] = async (origin, also = () => []) => {
    const more = { ...(await lookBefore(context, record, to)), bakeSeconds };
    const reason = request.reason ?? null;
    const move = newMove(context, record, to, { kind: "promote", reason, overridden, origin, more });
    return accept(context, move, also(move.operation.id));
  };
  return ok({ prospect, begin });
}

/** One stage forward: draft → testing → production; where the spec says so, once another person has approved it. */
export function promote(
  context: Context,
  reference: string,
  request: TransitionRequest,
  origin: Origin,
): Promise<Accepted> {
  return aloneWith(context, reference, async (record) => {
    const weighed = await weighPromotion(context, record, request);
    if (!weighed.ok) return weighed;
    const { prospect, begin } = weighed.value;
    const { id, input, facts } = record.failover;
    const asks = withoutOverridden(guardApproval(completeSpec(input, facts)), request.override ?? []);
    if (asks.length === 0) return begin(origin);
    // By then it may have another revision, and the plan says so.
    const { revision: _, ...asked } = request;
    return askApproval(context, id, prospect, asked, origin);
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
      return okForGood(context, { operationId: running.id });
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
    const isProduction = failover.stage === "production";
    const underneath = isProduction ? await readUnderneath(context, failover, hostname) : null;
    const { health } = targetFacts(record, record.health, context.clock.now());
    const all = [
      ...(isProduction ? guardUnderneath(hostname, underneath, health) : []),
      ...guardFreeze(record.freeze),
    ];
    const left = withoutOverridden(all, request.override ?? []);
    if (left.length > 0) return refused(`demoting to ${to}`, left);
    const move = newMove(context, record, to, {
      kind: "demote",
      reason: request.reason ?? null,
      overridden: all,
      origin,
      more: { underneath: isProduction ? (underneath?.records ?? null) : [] },
    });
    const preempted = preempt(context, running, `preempted by ${move.operation.id}`, origin);
    return accept(context, {
      ...move,
      writes: [...move.writes, ...preempted.writes],
      events: [...preempted.events, ...move.events],
    });
  });
}
