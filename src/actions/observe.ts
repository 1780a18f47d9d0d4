import type { CloudflareObject } from "../cloudflare/account.ts";
import type { Priority } from "../cloudflare/budget.ts";
import { CloudflareError } from "../cloudflare/errors.ts";
import type { Failover } from "../failover/failover.ts";
import { markerOf, ROLES, type Role } from "../failover/marker.ts";
import { describeRole, type Observed, type Sighting } from "../failover/plan.ts";
import { commit, insertEvents, setObjectId } from "../store/failovers.ts";
import type { Context } from "./context.ts";
import { SYSTEM, eventOf } from "./record.ts";
import { findMarked, findSharers, placeOf, readingOf, type Snapshot } from "./snapshot.ts";

/** What is seen of a failover, and the failover itself with the ids as they turned out to be. */
export interface Observation {
  readonly failover: Failover;
  readonly observed: Observed;
}

function withId(failover: Failover, role: Role, id: string | undefined): Failover {
  const { [role]: _, ...others } = failover.ids;
  return { ...failover, ids: id === undefined ? others : { ...others, [role]: id } };
}

const unknown = (why: string): Sighting => ({ state: "unknown", why });

/** 7003 and 9109 speak of the way there (a zone that the token no longer sees), not of the object. */
function isGone(error: CloudflareError): boolean {
  return error.kind === "not-found" && !error.codes.includes(7003) && !error.codes.includes(9109);
}

/** Reads one object by its id: the only look that may say that it is gone. */
export async function readById(
  context: Context,
  failover: Failover,
  role: Role,
  id: string,
  priority: Priority,
): Promise<Sighting> {
  try {
    const place = placeOf(role, failover.facts.zone?.id ?? "");
    return { state: "found", object: await context.cloudflare(priority).get(place, id) };
  } catch (error) {
    if (!(error instanceof CloudflareError)) throw error;
    return isGone(error)
      ? { state: "absent" }
      : unknown(`${describeRole(role)} could not be read: ${error.message}`);
  }
}

async function observeKnown(
  context: Context,
  failover: Failover,
  role: Role,
  id: string,
  snapshot: Snapshot,
  priority: Priority,
): Promise<{ failover: Failover; sighting: Sighting }> {
  const reading = readingOf(snapshot, role, failover.facts.zone?.id ?? "");
  if (!reading.ok) return { failover, sighting: unknown(`Cloudflare could not be read: ${reading.why}`) };
  const listed = reading.listing.objects.find((object) => object.id === id);
  const intent = context.intents.of(failover.id, role);
  const isCurrent = reading.readAt > context.intents.writtenAt(failover.id, role) && intent === undefined;
  if (listed !== undefined && isCurrent) return { failover, sighting: { state: "found", object: listed } };
  const sighting = await readById(context, failover, role, id, priority);
  if (sighting.state !== "absent") return { failover, sighting };
  // Gone for a fact. The id is forgotten at once, so that the next step can only create or find by marker.
  await commit(context.db, [
    setObjectId(context.db, failover, role, null),
    ...insertEvents(context.db, context.accountId, [
      eventOf(context, "object.vanished", failover.id, SYSTEM, { role, cloudflare_id: id }),
    ]),
  ]);
  const without = withId(failover, role, undefined);
  // Its marker may stand on another one: a create of ours that landed late.
  return observeUnknown(context, without, role, snapshot, id);
}

async function adopt(
  context: Context,
  failover: Failover,
  role: Role,
  object: CloudflareObject,
): Promise<Failover> {
  await commit(context.db, [
    setObjectId(context.db, failover, role, object.id),
    ...insertEvents(context.db, context.accountId, [
      eventOf(context, "object.adopted", failover.id, SYSTEM, { role, cloudflare_id: object.id }),
    ]),
  ]);
  await context.intents.close(failover.id, role);
  return withId(failover, role, object.id);
}

/** No id is stored: what was created but not recorded is found by its exact marker, never by its name. */
async function observeUnknown(
  context: Context,
  failover: Failover,
  role: Role,
  snapshot: Snapshot,
  except: string | null,
): Promise<{ failover: Failover; sighting: Sighting }> {
  const reading = readingOf(snapshot, role, failover.facts.zone?.id ?? "");
  if (!reading.ok) return { failover, sighting: unknown(`Cloudflare could not be read: ${reading.why}`) };
  const marker = markerOf(context.installation, failover.id, role);
  const marked = findMarked(reading, marker).find((object) => object.id !== except);
  if (marked !== undefined) {
    return {
      failover: await adopt(context, failover, role, marked),
      sighting: { state: "found", object: marked },
    };
  }
  if (!reading.listing.complete) {
    return {
      failover,
      sighting: unknown(`Cloudflare's list is partial, so ${describeRole(role)} may exist`),
    };
  }
  const intent = context.intents.of(failover.id, role);
  if (intent !== undefined && reading.readAt <= intent.deadlineAt) {
    const until = new Date(intent.deadlineAt).toISOString();
    return {
      failover,
      sighting: unknown(
        `the answer to creating ${describeRole(role)} was lost; it may still take effect until ${until}`,
      ),
    };
  }
  if (intent !== undefined) await context.intents.close(failover.id, role);
  return { failover, sighting: { state: "absent" } };
}

/** Looks at the four objects of a failover: in the shared snapshot where that is good enough, by id where it isn't. */
export async function observe(
  context: Context,
  failover: Failover,
  snapshot: Snapshot,
  priority: Priority,
): Promise<Observation> {
  let current = failover;
  const sightings: Partial<Record<Role, Sighting>> = {};
  for (const role of ROLES) {
    const id = current.ids[role];
    const seen =
      id === undefined
        ? await observeUnknown(context, current, role, snapshot, null)
        : await observeKnown(context, current, role, id, snapshot, priority);
    current = seen.failover;
    sightings[role] = seen.sighting;
  }
  const poolIds = [current.ids.primary, current.ids.secondary].filter((id) => id !== undefined);
  const sharedWith = findSharers(snapshot, poolIds, current.ids.load_balancer);
  const missing = unknown("not looked at");
  return {
    failover: current,
    observed: {
      monitor: sightings.monitor ?? missing,
      primary: sightings.primary ?? missing,
      secondary: sightings.secondary ?? missing,
      load_balancer: sightings.load_balancer ?? missing,
      sharedWith,
    },
  };
}
