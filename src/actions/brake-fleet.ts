import { isHeldBack, nextBrake, type UnaskedHealing } from "../failover/brake.ts";
import { completeSpec } from "../failover/complete.ts";
import { incompleteness } from "../failover/desired.ts";
import { markerOf, ROLES, type Role } from "../failover/marker.ts";
import type { Observed, Sighting } from "../failover/plan.ts";
import { fail, ok, type Origin, type Result } from "../failover/results.ts";
import { loadBrake, saveBrake } from "../store/brakes.ts";
import { commit, insertEvents, type FailoverRecord } from "../store/failovers.ts";
import type { Context } from "./context.ts";
import { keepOutcome } from "./idempotency-keys.ts";
import { decideHealing } from "./converge.ts";
import { FLEET } from "./freeze-fleet.ts";
import { planId } from "./plan-failover.ts";
import { eventOf, SYSTEM } from "./record.ts";
import { findMarked, readingOf, type Snapshot } from "./snapshot.ts";

/** As the lists have it, without a call: what isn't in a whole list is counted as gone, though only a GET would prove it. */
function listedAs({ installation }: Context, { failover }: FailoverRecord, snapshot: Snapshot): Observed {
  const { ids, facts } = failover;
  const sightingOf = (role: Role): Sighting => {
    const reading = readingOf(snapshot, role, facts.zone?.id ?? "");
    const id = ids[role];
    if (!reading.ok) return { state: "unknown", why: reading.why };
    const [marked] = findMarked(reading, markerOf(installation, failover.id, role));
    const object = id === undefined ? marked : reading.listing.objects.find((one) => one.id === id);
    if (object !== undefined) return { state: "found", object };
    return reading.listing.complete ? { state: "absent" } : { state: "unknown", why: "the list is partial" };
  };
  return {
    monitor: sightingOf("monitor"),
    primary: sightingOf("primary"),
    secondary: sightingOf("secondary"),
    load_balancer: sightingOf("load_balancer"),
    // Somebody else's load balancers are never healed.
    sharedWith: [],
  };
}

async function healingOf(
  context: Context,
  record: FailoverRecord,
  snapshot: Snapshot,
): Promise<UnaskedHealing | null> {
  const { failover } = record;
  const spec = completeSpec(failover.input, failover.facts);
  if (failover.deleting !== null || incompleteness(failover, spec) !== null) return null;
  // A write of ours that is on its way, or a list from before it, is no drift.
  const isSettling = ROLES.some(
    (role) =>
      context.intents.of(failover.id, role) !== undefined ||
      context.intents.writtenAt(failover.id, role) >= snapshot.readAt,
  );
  if (isSettling) return null;
  const free = { ...record, brake: null };
  const { decision, plan } = decideHealing(context, free, {
    failover,
    observed: listedAs(context, record, snapshot),
  });
  const held = new Set(decision.held.map(({ role, path }) => `${role} ${path}`));
  const healed = decision.drift.filter(({ role, path }) => !held.has(`${role} ${path}`));
  if (healed.length === 0) return null;
  return {
    failoverId: failover.id,
    planId: await planId([failover.id, failover.revision, plan.changes]),
    recreates: healed.some(({ path }) => path === "id"),
  };
}

/** Looks at the whole fleet before anything is healed, and holds back what would be too much at once. */
export async function brakeFleet(
  context: Context,
  records: readonly FailoverRecord[],
  snapshot: Snapshot,
): Promise<FailoverRecord[]> {
  const found = await Promise.all(records.map((record) => healingOf(context, record, snapshot)));
  const healings = found.filter((one) => one !== null);
  const before = await loadBrake(context.db, context.accountId);
  if (healings.length === 0 && before === null) return [...records];
  const made = { id: context.newId("br"), now: context.clock.now() };
  const brake = nextBrake(before, healings, records.length, made);
  if (JSON.stringify(brake) !== JSON.stringify(before)) {
    const [is, was] = [Object.keys(brake?.held ?? {}).length > 0, Object.keys(before?.held ?? {}).length > 0];
    const data = {
      brake_id: brake?.id ?? before?.id,
      message: brake?.message,
      failovers: Object.keys(brake?.held ?? {}),
    };
    const event =
      is && brake?.id !== before?.id
        ? [eventOf(context, "fleet.braked", FLEET, SYSTEM, data)]
        : was && !is
          ? [eventOf(context, "fleet.brake_released", FLEET, SYSTEM, { brake_id: before?.id })]
          : [];
    await commit(context.db, [
      saveBrake(context.db, context.accountId, brake),
      ...insertEvents(context.db, context.accountId, event),
    ]);
  }
  return records.map((record) => ({
    ...record,
    brake: isHeldBack(brake, record.failover.id) ? brake : null,
  }));
}

/** A person agrees to exactly the plans that the brake holds back; the next tick writes them, while they are unchanged. */
export async function agreeToBrake(
  context: Context,
  request: { brakeId: string; reason: string },
  origin: Origin,
): Promise<Result<{ failovers: number }>> {
  const brake = await loadBrake(context.db, context.accountId);
  const count = Object.keys(brake?.held ?? {}).length;
  if (brake === null || count === 0) return fail("refused", "nothing is held back by a brake");
  if (brake.id !== request.brakeId)
    return fail("refused", `what is held back by now is another brake, ${brake.id}: look at GET /v1/fleet`);
  const agreed = { ...brake, held: {}, agreed: { ...brake.agreed, ...brake.held } };
  const data = { brake_id: brake.id, reason: request.reason, failovers: Object.keys(brake.held) };
  await commit(context.db, [
    saveBrake(context.db, context.accountId, agreed),
    ...insertEvents(context.db, context.accountId, [
      eventOf(context, "fleet.brake_agreed", FLEET, origin, data),
    ]),
    ...keepOutcome(context, { failovers: count }),
  ]);
  return ok({ failovers: count });
}
