import type { Priority } from "../cloudflare/budget.ts";
import { completeSpec } from "../failover/complete.ts";
import { desiredObjects, type Desired } from "../failover/desired.ts";
import { decideDrift, type DriftDecision } from "../failover/drift.ts";
import { ROLES, type Role } from "../failover/marker.ts";
import {
  describeRole,
  findDifferences,
  foundIn,
  planChanges,
  type Change,
  type Observed,
  type Plan,
} from "../failover/plan.ts";
import type { KnownDrift, Origin } from "../failover/results.ts";
import { pausedUntil } from "../failover/leases.ts";
import type { FailoverRecord } from "../store/failovers.ts";
import { applyCreate, applyUpdate, type Outcome } from "./apply.ts";
import type { Context } from "./context.ts";
import { readById, type Observation } from "./observe.ts";

export interface ReconcileRequest {
  /** True where a person asked for it: nothing is held back by policy or grace time. */
  readonly asked: boolean;
  /** True where they asked for somebody else's routing to go as well. */
  readonly healForeign?: boolean;
  readonly origin: Origin;
  readonly priority: Priority;
}

/** Why an object is not as wanted after a pass: nobody knows, or Cloudflare refuses it for good. */
export interface Obstacle {
  readonly sync: "unknown" | "blocked" | "converging";
  readonly why: string;
}

export interface Convergence {
  readonly observation: Observation;
  readonly desired: Desired;
  /** What is still different at the end. */
  readonly plan: Plan;
  readonly decision: DriftDecision;
  readonly obstacles: ReadonlyMap<Role, Obstacle>;
  /** Drift that this pass put right. */
  readonly healed: readonly KnownDrift[];
}

/** Four objects, each read again, created or changed, and changed once more for another's new id. */
const MOST_STEPS = 16;

/** A pool needs its monitor's id and a load balancer both pools' ids: a placeholder is never sent. */
const NEEDS: Readonly<Record<Role, readonly Role[]>> = {
  monitor: [],
  primary: ["monitor"],
  secondary: ["monitor"],
  load_balancer: ["primary", "secondary"],
};

/** What would be written now and what is held back; `asked` is what a person asked for. */
export function decideHealing(
  context: Context,
  record: FailoverRecord,
  { failover, observed }: Pick<Observation, "failover" | "observed">,
  { asked, healForeign = false }: Pick<ReconcileRequest, "asked" | "healForeign"> = { asked: false },
) {
  const desired = desiredObjects(failover, context.installation, record.applied);
  const plan = planChanges(failover, observed, context.installation, record.applied, healForeign);
  const objects = foundIn(observed);
  const decision = decideDrift(plan.changes, objects, {
    spec: completeSpec(failover.input, failover.facts),
    stage: failover.stage,
    applied: record.applied,
    known: record.status.drift,
    strays: Object.fromEntries(ROLES.map((role) => [role, context.intents.strays(failover.id, role)])),
    asked,
    pausedUntil: pausedUntil(record.leases, context.clock.now()),
    frozen: record.freeze !== null || record.brake !== null,
    now: context.clock.now(),
  });
  return { desired, plan, decision };
}

function decide(
  context: Context,
  record: FailoverRecord,
  observation: Observation,
  request: ReconcileRequest,
) {
  return { observation, ...decideHealing(context, record, observation, request) };
}

/** What was seen of one object by a write's answer or a look by id is newer than the shared snapshot. */
function seeing(observation: Observation, role: Role, seen: Observed[Role], id?: string): Observation {
  const { failover, observed } = observation;
  return {
    ...observation,
    failover: id === undefined ? failover : { ...failover, ids: { ...failover.ids, [role]: id } },
    observed: { ...observed, [role]: seen },
  };
}

function obstacleOf(outcome: Outcome): Obstacle | null {
  switch (outcome.outcome) {
    case "written":
      return null;
    case "gone":
      return { sync: "unknown", why: "an object vanished while it was being changed" };
    case "outdated":
      return { sync: "converging", why: "it is wanted otherwise by now" };
    case "unknown":
    case "postponed":
      return { sync: "unknown", why: outcome.why };
    case "refused":
      return { sync: "blocked", why: outcome.why };
    default:
      return outcome satisfies never;
  }
}

async function write(
  context: Context,
  observation: Observation,
  change: Change,
  desired: Desired,
  { origin, priority }: ReconcileRequest,
): Promise<{ observation: Observation; obstacle: Obstacle | null }> {
  const { failover } = observation;
  const outcome =
    change.action === "create"
      ? await applyCreate(context, failover, change, desired[change.role], origin, priority)
      : await applyUpdate(context, failover, change, origin, priority);
  if (outcome.outcome !== "written") return { observation, obstacle: obstacleOf(outcome) };
  const { object } = outcome;
  return {
    observation: seeing(observation, change.role, { state: "found", object }, object.id),
    obstacle: null,
  };
}

/** Lists can be stale: what would be changed, or newly called drift, is read by id first. */
async function confirm(
  context: Context,
  observation: Observation,
  role: Role,
  priority: Priority,
): Promise<Observation> {
  const id = observation.failover.ids[role];
  if (id === undefined) return observation;
  const seen = await readById(context, observation.failover, role, id, priority);
  const gone = { state: "unknown", why: `${describeRole(role)} vanished a moment ago` } as const;
  return seeing(observation, role, seen.state === "absent" ? gone : seen);
}

/** A write whose answer was lost needs no more waiting once its effect is seen, or once it can't land any more. */
async function closeSettledIntents(context: Context, observation: Observation, plan: Plan): Promise<void> {
  const { failover, observed } = observation;
  for (const role of ROLES) {
    const intent = context.intents.of(failover.id, role);
    const sighting = observed[role];
    if (intent === undefined || sighting.state !== "found") continue;
    const { object } = sighting;
    // A create is settled as soon as its id is stored, an update once its effect is seen. What isn't wanted any more,
    // or can't be waited for any longer, may land all the same.
    const isDone =
      intent.action === "create" ||
      (intent.action === "update" &&
        findDifferences(role, object, { ...object, ...intent.body }).length === 0);
    const isOver =
      context.clock.now() >= intent.deadlineAt || !plan.changes.some((change) => change.role === role);
    if (isDone) await context.intents.close(failover.id, role);
    else if (isOver) await context.intents.abandon(failover.id, role);
  }
}

function isNews(record: FailoverRecord, one: KnownDrift): boolean {
  return !record.status.drift.some(
    (known) =>
      known.role === one.role &&
      known.path === one.path &&
      JSON.stringify(known.before) === JSON.stringify(one.before),
  );
}

/** A list may show what was before the last write, and that may just look like what is wanted now. */
function isNewlyWanted(
  { applied }: FailoverRecord,
  { observation, desired }: { observation: Observation; desired: Desired },
  role: Role,
): boolean {
  const isThere = observation.observed[role].state === "found";
  return isThere && JSON.stringify(applied[role]) !== JSON.stringify(desired[role]);
}

/**
 * Plans, writes the first thing that may be written, and plans again, until nothing is left that this pass can do.
 * An object that can't be read or written keeps no other from being healed, unless that one needs its id.
 */
export async function converge(
  context: Context,
  record: FailoverRecord,
  first: Observation,
  request: ReconcileRequest,
): Promise<Convergence> {
  const obstacles = new Map<Role, Obstacle>();
  const confirmed = new Set<Role>();
  const healed: KnownDrift[] = [];
  let now = decide(context, record, first, request);
  for (let steps = 0; steps < MOST_STEPS; steps += 1) {
    const { plan, decision, observation, desired } = now;
    const unconfirmed = [
      ...decision.write.filter(({ action }) => action === "update").map(({ role }) => role),
      ...decision.held.filter((one) => isNews(record, one)).map(({ role }) => role),
      ...ROLES.filter((role) => isNewlyWanted(record, now, role)),
    ].find((role) => !confirmed.has(role));
    if (unconfirmed !== undefined) {
      confirmed.add(unconfirmed);
      const seen = await confirm(context, observation, unconfirmed, request.priority);
      now = decide(context, record, seen, request);
      continue;
    }
    await closeSettledIntents(context, observation, plan);
    const change = decision.write.find(
      ({ role }) =>
        !obstacles.has(role) &&
        NEEDS[role].every((need) => !obstacles.has(need) && observation.failover.ids[need] !== undefined),
    );
    if (change === undefined) break;
    const written = await write(context, observation, change, desired, request);
    if (written.obstacle !== null) obstacles.set(change.role, written.obstacle);
    else {
      const paths = new Set(change.action === "create" ? ["id"] : change.differences.map(({ path }) => path));
      healed.push(...decision.drift.filter((one) => one.role === change.role && paths.has(one.path)));
      confirmed.add(change.role);
    }
    now = decide(context, record, written.observation, request);
  }
  return { ...now, obstacles, healed };
}
