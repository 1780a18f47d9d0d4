import { textOf } from "../cloudflare/account.ts";
import { CloudflareError } from "../cloudflare/errors.ts";
import type { Failover } from "../failover/failover.ts";
import { carriesMarker, markerOf, withoutMarker, type Role } from "../failover/marker.ts";
import { currentStep, operationEnds, stepEnds, stepWaits } from "../failover/operations.ts";
import { describeRole } from "../failover/plan.ts";
import type { Operation } from "../failover/results.ts";
import { commit, deleteFailover, setObjectId, type FailoverRecord } from "../store/failovers.ts";
import type { Advance } from "./advance.ts";
import { writeObject } from "./apply.ts";
import type { Context } from "./context.ts";
import { deleteSurplus } from "./delete-surplus.ts";
import { observe, readById, type Observation } from "./observe.ts";
import { eventOf } from "./record.ts";
import { recordDiscoveries } from "./record-discoveries.ts";
import type { SnapshotFor } from "./reconcile.ts";
import { placeOf } from "./snapshot.ts";

const RETRY_MS = 15_000;

const ROLE_OF_STEP: Readonly<Record<string, Role>> = {
  "load balancer": "load_balancer",
  "secondary pool": "secondary",
  "primary pool": "primary",
  monitor: "monitor",
};

type Gone = { readonly done: true; readonly detail: string } | { readonly done: false; readonly why: string };

/** Where an id isn't known, what a lost answer may have left behind is looked for by its marker. */
async function findObject(
  context: Context,
  failover: Failover,
  role: Role,
  snapshotFor: SnapshotFor,
): Promise<{ seen: Observation["observed"][Role]; failover: Failover }> {
  const id = failover.ids[role];
  if (id !== undefined) return { seen: await readById(context, failover, role, id, "person"), failover };
  const snapshot = await snapshotFor(failover.facts.zone?.id ?? "", "person");
  const observation = await observe(context, failover, snapshot, "person");
  await recordDiscoveries(context, observation);
  return { seen: observation.observed[role], failover: observation.failover };
}

async function heldByOthers(context: Context, role: Role, id: string): Promise<string | null> {
  if (role === "load_balancer") return null;
  const references = await context.cloudflare("person").references(placeOf(role, ""), id);
  const others = references.filter(({ type }) => type !== "referral");
  return others.length === 0
    ? null
    : `${describeRole(role)} is still used by ${others.map(({ name }) => name).join(", ")} and stays until it isn't`;
}

/** Deletes one object, or takes its marker off: read and checked for its marker right before the write. */
export async function removeObject(
  context: Context,
  given: Failover,
  role: Role,
  snapshotFor: SnapshotFor,
): Promise<Gone> {
  // Nothing is made before the zone is known.
  if (given.facts.zone === null && given.ids[role] === undefined)
    return { done: true, detail: "nothing was ever made" };
  const { seen, failover } = await findObject(context, given, role, snapshotFor);
  if (seen.state === "unknown") return { done: false, why: seen.why };
  const marker = markerOf(context.installation, failover.id, role);
  const id = seen.state === "found" ? String(seen.object["id"]) : null;
  const gone = async (detail: string): Promise<Gone> => {
    await commit(context.db, [setObjectId(context.db, failover, role, null)]);
    await context.intents.close(failover.id, role);
    return { done: true, detail };
  };
  if (seen.state === "absent" || id === null) return gone("it does not exist");
  const description = textOf(seen.object, "description");
  if (!carriesMarker(description, marker)) return gone("it lacks our marker and is left as it is");
  try {
    const orphan = failover.deleting === "orphan";
    const held = orphan ? null : await heldByOthers(context, role, id);
    if (held !== null) return { done: false, why: held };
    const demanded = role === "monitor" ? { expected_codes: seen.object["expected_codes"] ?? "200" } : {};
    const outcome = await writeObject(context, {
      failover,
      role,
      id,
      action: orphan ? "update" : "delete",
      body: orphan ? { ...demanded, description: withoutMarker(description, marker) } : {},
      priority: "person",
    });
    if (outcome.outcome === "gone" || outcome.outcome === "written") {
      return await gone(orphan ? "it is left without our marker" : "deleted");
    }
    return {
      done: false,
      why: outcome.outcome === "outdated" ? "it is wanted otherwise by now" : outcome.why,
    };
  } catch (error) {
    if (error instanceof CloudflareError) return { done: false, why: error.message };
    throw error;
  }
}

/** The load balancer first, then the pools, then the monitor: the only order that works (API-FACTS 7). */
export async function advanceDelete(
  context: Context,
  record: FailoverRecord,
  operation: Operation,
  snapshotFor: SnapshotFor,
): Promise<Advance> {
  const { failover } = record;
  const step = currentStep(operation)?.name;
  const role = step === undefined ? undefined : ROLE_OF_STEP[step];
  if (step !== undefined && role !== undefined) {
    if (role === "load_balancer" && failover.facts.zone !== null) {
      await deleteSurplus(context, failover, await snapshotFor(failover.facts.zone.id, "person"));
    }
    const outcome = await removeObject(context, failover, role, snapshotFor);
    const now = context.clock.now();
    if (outcome.done) return { operation: stepEnds(operation, step, "succeeded", outcome.detail, now) };
    return { operation: stepWaits(operation, step, outcome.why, now + RETRY_MS, now) };
  }
  const now = context.clock.now();
  const { mode, underneath } = operation.state;
  const message =
    mode === "orphan" ? "the objects stay, without our marker" : "everything that was made for it is gone";
  return {
    operation: operationEnds(operation, "succeeded", message, { mode, visitors_get: underneath }, now),
    writes: deleteFailover(context.db, failover.id),
    events: [
      eventOf(context, "failover.deleted", failover.id, operation.origin, {
        name: failover.name,
        mode,
        before: failover.input,
        after: null,
      }),
    ],
  };
}
