import type { Priority } from "../cloudflare/budget.ts";
import { CloudflareError } from "../cloudflare/errors.ts";
import type { Failover } from "../failover/failover.ts";
import { markerOf, ROLES, type Role } from "../failover/marker.ts";
import { describeRole, type Observed, type Sighting } from "../failover/plan.ts";
import type { Context } from "./context.ts";
import { findMarked, findSharers, placeOf, readingOf, type Snapshot } from "./snapshot.ts";

/** What is seen of a failover, and the failover itself with the ids as they turned out to be. */
export interface Observation {
  readonly failover: Failover;
  readonly observed: Observed;
  /** What the look found out about our own books; `recordDiscoveries` writes it down. */
  readonly discoveries: readonly Discovery[];
}

export interface Discovery {
  readonly role: Role;
  /** An object is gone for a fact, is ours by its marker, or a lost create of it took no effect. */
  readonly kind: "vanished" | "adopted" | "never-created";
  readonly cloudflareId: string | null;
}

interface Look {
  readonly failover: Failover;
  readonly sighting: Sighting;
  readonly discoveries: readonly Discovery[];
}

const seen = (failover: Failover, sighting: Sighting, discoveries: readonly Discovery[] = []): Look => ({
  failover,
  sighting,
  discoveries,
});

function withId(failover: Failover, role: Role, id: string | undefined): Failover {
  const { [role]: _, ...others } = failover.ids;
  return { ...failover, ids: id === undefined ? others : { ...others, [role]: id } };
}

const unknown = (why: string): Sighting => ({ state: "unknown", why });

/** 7003 and 9109 speak of the way there (a zone that the token no longer sees), not of the object. */
export function isGone(error: CloudflareError): boolean {
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
): Promise<Look> {
  const reading = readingOf(snapshot, role, failover.facts.zone?.id ?? "");
  if (!reading.ok) return seen(failover, unknown(`Cloudflare could not be read: ${reading.why}`));
  const listed = reading.listing.objects.find((object) => object.id === id);
  const intent = context.intents.of(failover.id, role);
  const isCurrent = reading.readAt > context.intents.writtenAt(failover.id, role) && intent === undefined;
  if (listed !== undefined && isCurrent) return seen(failover, { state: "found", object: listed });
  const sighting = await readById(context, failover, role, id, priority);
  if (sighting.state !== "absent") return seen(failover, sighting);
  // Gone for a fact. Its marker may stand on another one: a create of ours that landed late.
  const other = observeUnknown(context, withId(failover, role, undefined), role, snapshot, id);
  const vanished: Discovery = { role, kind: "vanished", cloudflareId: id };
  return { ...other, discoveries: [vanished, ...other.discoveries] };
}

/** No id is stored: what was created but not recorded is found by its exact marker, never by its name. */
function observeUnknown(
  context: Context,
  failover: Failover,
  role: Role,
  snapshot: Snapshot,
  except: string | null,
): Look {
  const reading = readingOf(snapshot, role, failover.facts.zone?.id ?? "");
  if (!reading.ok) return seen(failover, unknown(`Cloudflare could not be read: ${reading.why}`));
  const marker = markerOf(context.installation, failover.id, role);
  const marked = findMarked(reading, marker).find((object) => object.id !== except);
  if (marked !== undefined) {
    const adopted: Discovery = { role, kind: "adopted", cloudflareId: marked.id };
    return seen(withId(failover, role, marked.id), { state: "found", object: marked }, [adopted]);
  }
  if (!reading.listing.complete) {
    return seen(failover, unknown(`Cloudflare's list is partial, so ${describeRole(role)} may exist`));
  }
  const intent = context.intents.of(failover.id, role);
  if (intent !== undefined && reading.readAt <= intent.deadlineAt) {
    const until = new Date(intent.deadlineAt).toISOString();
    const why = `the answer to creating ${describeRole(role)} was lost; it may still take effect until ${until}`;
    return seen(failover, unknown(why));
  }
  const never: Discovery = { role, kind: "never-created", cloudflareId: null };
  return seen(failover, { state: "absent" }, intent === undefined ? [] : [never]);
}

/**
 * Looks at the four objects of a failover: in the shared snapshot where that is good enough, by id where it isn't. It
 * changes nothing, so that anybody may look at any time.
 */
export async function observe(
  context: Context,
  failover: Failover,
  snapshot: Snapshot,
  priority: Priority,
): Promise<Observation> {
  let current = failover;
  const sightings: Partial<Record<Role, Sighting>> = {};
  const discoveries: Discovery[] = [];
  for (const role of ROLES) {
    const id = current.ids[role];
    const look =
      id === undefined
        ? observeUnknown(context, current, role, snapshot, null)
        : await observeKnown(context, current, role, id, snapshot, priority);
    current = look.failover;
    sightings[role] = look.sighting;
    discoveries.push(...look.discoveries);
  }
  const poolIds = [current.ids.primary, current.ids.secondary].filter((id) => id !== undefined);
  const sharedWith = findSharers(snapshot, poolIds, current.ids.load_balancer);
  const missing = unknown("not looked at");
  return {
    failover: current,
    discoveries,
    observed: {
      monitor: sightings.monitor ?? missing,
      primary: sightings.primary ?? missing,
      secondary: sightings.secondary ?? missing,
      load_balancer: sightings.load_balancer ?? missing,
      sharedWith,
    },
  };
}
