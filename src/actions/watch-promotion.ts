import {
  BETWEEN_BAKING_LOOKS_MS,
  isBroken,
  isSettled,
  isUndecided,
  judgeLook,
  NOT_LOOKED,
  watchBake,
  whyNotBack,
  type BakeWatch,
  type Look,
} from "../failover/bake.ts";
import { completeSpec, type MonitorSpec } from "../failover/complete.ts";
import { otherSide, SIDES, type Side, type Stage } from "../failover/failover.ts";
import { carriesMarker, markerOf } from "../failover/marker.ts";
import { currentStep, operationEnds, stepEnds, stepWaits } from "../failover/operations.ts";
import type { FailoverEvent, Operation, Origin, Sample } from "../failover/results.ts";
import { cantBeTold, IN_A_ROW, type ServingView } from "../failover/serving.ts";
import { insertSamples } from "../store/samples.ts";
import type { FailoverRecord } from "../store/failovers.ts";
import { isOutOfTime, type Advance } from "./advance.ts";
import type { Context } from "./context.ts";
import { readUnderneath } from "./look.ts";
import { readById } from "./observe.ts";
import { probeNow } from "./probe-now.ts";
import { eventOf } from "./record.ts";
import { newMove } from "./store-move.ts";

const BETWEEN_LOOKS_MS = 2_000;
/** For the last look after the bake's end. */
const SLACK_MS = 60_000;

/** Who takes back what went wrong. */
const BAKE: Origin = { actor: { kind: "system", name: "bake" }, requestId: null };

interface PromotionState {
  readonly from: Stage;
  readonly to: Stage;
  /** Under which the load balancer answers now. */
  readonly hostname: string;
  readonly bakeSeconds: number;
  /** Who served that hostname before, and whether it answered well at all. */
  readonly before: string;
  readonly answeredBefore: boolean;
  readonly watch?: BakeWatch;
  /** Until when it bakes, ms since the epoch. */
  readonly bakesUntil?: number;
  /** What was said already during this bake, so that it is said once. */
  readonly told?: readonly Look[];
}

/** One look at the hostname, and what it adds to those before. */
interface Looked {
  readonly state: PromotionState;
  readonly watch: BakeWatch;
  readonly sample: Sample;
  readonly view: ServingView;
  readonly indistinguishable: boolean;
  /** How Cloudflare checks the endpoints. */
  readonly checks: MonitorSpec;
  readonly now: number;
}

const stateOf = (operation: Operation) => operation.state as unknown as PromotionState;

async function look(context: Context, record: FailoverRecord, operation: Operation): Promise<Looked> {
  const given = stateOf(operation);
  const { active } = record.failover;
  const { sample, view } = await probeNow(context, record, given.hostname);
  const watch = watchBake(given.watch ?? NOT_LOOKED, judgeLook(sample, view, active));
  const state = { ...given, watch };
  const indistinguishable = cantBeTold(view, sample, active);
  const { monitor: checks } = completeSpec(record.failover.input, record.failover.facts);
  return { state, watch, sample, view, indistinguishable, checks, now: context.clock.now() };
}

function describeLook({ state, watch, view }: Looked, active: Side): string {
  const times = `${Math.min(watch.inARow, IN_A_ROW)} of ${IN_A_ROW} times in a row`;
  if (watch.look === "good") return `${state.hostname} served the ${active} endpoint ${times}`;
  if (watch.look === "other")
    return `${state.hostname} served the ${otherSide(active)} endpoint ${times}: ${view.detail}`;
  return `${state.hostname} is not seen to serve the ${active} endpoint: ${view.detail}`;
}

/** Success is what was seen: where it looks the same as before, the result says that it rests on the reading alone. */
function promoted(
  context: Context,
  { failover }: FailoverRecord,
  operation: Operation,
  looked: Looked,
): Advance {
  const { state, watch, indistinguishable, sample, now } = looked;
  const { to, hostname, before } = state;
  const serving = watch.look === "other" ? otherSide(failover.active) : failover.active;
  const untold = indistinguishable || before === serving || before === "unknown";
  const seen = indistinguishable
    ? `${hostname} answers well, but the endpoints can't be told apart; give each a marker`
    : `${hostname} was seen to serve the ${serving} endpoint ${IN_A_ROW} times in a row${
        before === serving ? ", as it did before" : ""
      }`;
  const bakesUntil = to === "production" && state.bakeSeconds > 0 ? now + state.bakeSeconds * 1000 : null;
  const until = bakesUntil === null ? null : new Date(bakesUntil).toISOString();
  const message = `promoted to ${to}: ${seen}`;
  const result = {
    stage: to,
    hostname,
    serving,
    evidence: untold ? "read-back only" : "observed",
    served_before: before,
    ...(to === "production" ? { baked_until: until } : {}),
  };
  const data = {
    before: { stage: state.from },
    after: { stage: to },
    evidence: result.evidence,
    operation_id: operation.id,
    ...(to === "production" ? { bakes_until: until } : {}),
  };
  const events = [eventOf(context, "failover.promoted", failover.id, operation.origin, data)];
  // The status says at once who serves under the new name, from the very look that the success rests on.
  const writes = [insertSamples(context.db, [sample])];
  const ended = stepEnds(operation, "observe", "succeeded", message, now, { ...state, result, message });
  if (bakesUntil === null) {
    return { operation: operationEnds(ended, "succeeded", message, result, now), events, writes };
  }
  const baking = { ...ended.state, bakesUntil };
  const detail = `${message}; it bakes until ${until}`;
  const due = Math.min(bakesUntil, now + BETWEEN_BAKING_LOOKS_MS);
  const waiting = stepWaits(ended, "bake", detail, due, now, baking);
  const deadlineAt = Math.max(operation.deadlineAt, bakesUntil + SLACK_MS);
  return { operation: { ...waiting, deadlineAt }, events, writes };
}

/** Null where the load balancer stands under this name and is ours; otherwise what was read. */
async function whyNotOurs(context: Context, { failover }: FailoverRecord, hostname: string) {
  const id = failover.ids.load_balancer;
  const seen = id === undefined ? null : await readById(context, failover, "load_balancer", id, "person");
  if (seen === null || seen.state === "absent") return "the load balancer is gone";
  if (seen.state === "unknown") return seen.why;
  const marker = markerOf(context.installation, failover.id, "load_balancer");
  if (!carriesMarker(seen.object["description"], marker)) return "the load balancer doesn't carry our marker";
  const isNamed = String(seen.object["name"]).toLowerCase() === hostname;
  return isNamed ? null : `the load balancer is called ${String(seen.object["name"])} by now`;
}

/** The hostname failed for certain: taken back where that helps visitors, otherwise said once. */
async function takeBack(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
  looked: Looked,
): Promise<Advance | FailoverEvent> {
  const { failover } = record;
  const { state, view } = looked;
  const { hostname, answeredBefore } = state;
  const [underneath, notOurs] = await Promise.all([
    readUnderneath(context, failover, hostname),
    whyNotOurs(context, record, hostname),
  ]);
  const down = SIDES.filter((side) => !looked.sample[side].ok);
  const way = { underneath, down, answeredBefore, servedBefore: state.before, notOurs };
  const stays = whyNotBack(hostname, way);
  const records = underneath?.records ?? null;
  const why = `${hostname} gave ${looked.watch.inARow} definite bad answers in a row, from neither endpoint (${view.detail})`;
  const data = { operation_id: operation.id, hostname, detail: view.detail, visitors_get: records };
  if (stays !== null) {
    const message = `${why}; it stays in production, because ${stays}`;
    return eventOf(context, "bake.failed", failover.id, BAKE, { ...data, demoted: false, message });
  }
  const now = context.clock.now();
  const get = records?.join(", ") ?? "";
  const message = `${why}; demoted by itself, so that visitors get ${get}, which answered well right before`;
  const move = newMove(context, record, "testing", {
    kind: "demote",
    reason: why,
    overridden: [],
    origin: BAKE,
    more: { underneath: records },
  });
  const step = currentStep(operation)?.name ?? "bake";
  const failed = stepEnds(operation, step, "failed", message, now, { ...state });
  const result = { stage: "testing", demoted_by: move.operation.id, visitors_get: records };
  return {
    operation: operationEnds(failed, "failed", message, result, now),
    next: move.operation,
    writes: move.writes,
    events: [
      eventOf(context, "bake.failed", failover.id, BAKE, { ...data, demoted: true, message }),
      ...move.events,
    ],
  };
}

/** Who serves at the end of a bake: the order may have been latched meanwhile, so that another endpoint is active. */
function servingAtEnd({ watch }: Looked, active: Side): Side | "unknown" {
  if (watch.look === "good") return active;
  return watch.look === "other" ? otherSide(active) : "unknown";
}

function bakeEnds(context: Context, record: FailoverRecord, operation: Operation, looked: Looked): Advance {
  const { state, watch, view, now } = looked;
  const { result, message } = state as unknown as { result: Operation["result"]; message: string };
  const serving = servingAtEnd(looked, record.failover.active);
  if (isBroken(watch, looked.checks)) {
    const why = `${state.hostname} answers badly at the end of the bake: ${view.detail}`;
    const failed = stepEnds(operation, "bake", "failed", why, now, { ...state });
    return { operation: operationEnds(failed, "failed", why, { ...result, bake: watch.look }, now) };
  }
  const unseen = `, at the end of which it can't be seen who serves: ${view.detail}`;
  const changed =
    serving === result?.["serving"] ? "" : `, at the end of which the ${serving} endpoint serves`;
  const kept = `${message}; baked for ${state.bakeSeconds} s${serving === "unknown" ? unseen : changed}`;
  const done = stepEnds(operation, "bake", "succeeded", kept, now, { ...state });
  const data = { operation_id: operation.id, hostname: state.hostname, bake_seconds: state.bakeSeconds };
  return {
    operation: operationEnds(done, "succeeded", kept, { ...result, serving, bake: watch.look }, now),
    events: [eventOf(context, "bake.passed", record.failover.id, BAKE, data)],
  };
}

/**
 * Watches who serves after a promotion: until the endpoint was seen often enough, and in production until it has baked.
 * A failover meanwhile is none of the promotion's business and stays.
 */
export async function watchPromotion(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
): Promise<Advance> {
  const looked = await look(context, record, operation);
  const { watch, checks, now } = looked;
  const { active } = record.failover;
  const { to, bakesUntil, told = [] } = looked.state;
  const isBaking = bakesUntil !== undefined;
  const events: FailoverEvent[] = [];
  if (to === "production" && isBroken(watch, checks)) {
    const outcome = await takeBack(context, record, operation, looked);
    if ("operation" in outcome) return outcome;
    if (!told.includes(watch.look)) events.push(outcome);
  }
  const isOther = to === "production" && isSettled(watch, "other");
  if (isOther && !told.includes("other")) {
    const data = { operation_id: operation.id, serving: otherSide(active), detail: looked.view.detail };
    events.push(eventOf(context, "bake.failed_over", record.failover.id, BAKE, data));
  }
  const state = events.length === 0 ? looked.state : { ...looked.state, told: [...told, watch.look] };
  const current = { ...looked, state };
  if (!isBaking && (isSettled(watch, "good") || isOther)) {
    const advance = promoted(context, record, operation, current);
    return { ...advance, events: [...(advance.events ?? []), ...events] };
  }
  if (isBaking && now >= bakesUntil && !isUndecided(watch, checks)) {
    const advance = bakeEnds(context, record, operation, current);
    return { ...advance, events: [...events, ...(advance.events ?? [])] };
  }
  const detail = describeLook(current, active);
  if (!isBaking && isOutOfTime(context, operation)) {
    const why = `${detail}; the stage is ${to} nevertheless: look who serves, and demote if visitors get errors`;
    const failed = stepEnds(operation, "observe", "failed", why, now, { ...state });
    return { operation: operationEnds(failed, "failed", why, { stage: to }, now), events };
  }
  const isBad = watch.look === "bad" || watch.look === "failing over";
  const pause = isBaking || isBad ? BETWEEN_BAKING_LOOKS_MS : BETWEEN_LOOKS_MS;
  const due = isBaking && now < bakesUntil ? Math.min(now + pause, bakesUntil) : now + pause;
  const step = isBaking ? "bake" : "observe";
  return { operation: stepWaits(operation, step, detail, due, now, { ...state }), events };
}
