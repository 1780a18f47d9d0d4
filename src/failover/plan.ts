// Decides what has to change at Cloudflare, in which order and why. Reads nothing, writes nothing.
//
//   observed     | marker  | plan
//   -------------+---------+------------------------------------------------------------------
//   absent       |   –     | create (only after a GET by id said 404, or complete lists had no marker)
//   unknown      |   –     | nothing: absence is a fact, not a guess
//   found        | lost    | nothing: it isn't ours any more; `blocked` says so
//   found        | ours    | update of exactly the members that differ; nothing where none does
import { canonical, originMember, originPath, ownershipOf, type Canonical } from "./canonical.ts";
import { completeSpec, type DriftClass } from "./complete.ts";
import type { Body, Desired } from "./desired.ts";
import { desiredObjects, type Applied } from "./desired.ts";
import type { AdoptedDrift, Failover } from "./failover.ts";
import { findForeign, isKept, isRoutingMember, routingIn, type ForeignRouting } from "./foreign.ts";
import { carriesMarker, kindOf, markerIn, markerOf, ROLES, type Kind, type Role } from "./marker.ts";

export type Sighting =
  | { readonly state: "found"; readonly object: Body }
  | { readonly state: "absent" }
  | { readonly state: "unknown"; readonly why: string };

export type Observed = Readonly<Record<Role, Sighting>> & {
  /** Names of other load balancers that use one of our pools. */
  readonly sharedWith: readonly string[];
};

/** The objects that were found. */
/** Whether a pool as it stands at Cloudflare may get visitors: it and its one endpoint are enabled. */
export function isPoolEnabled(pool: Body): boolean {
  return pool["enabled"] !== false && isOriginEnabled(pool);
}

export function isOriginEnabled(pool: Body): boolean {
  const [first] = objectsIn(pool["origins"]);
  return first?.["enabled"] !== false;
}

export function foundIn(observed: Observed): Partial<Record<Role, Body>> {
  const found = ROLES.flatMap((role) => {
    const sighting = observed[role];
    return sighting.state === "found" ? [[role, sighting.object] as const] : [];
  });
  return Object.fromEntries(found);
}

export interface Difference {
  /** Begins with Cloudflare's member name, e.g. `adaptive_routing.failover_across_pools`. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly class: DriftClass;
}

export interface Change {
  readonly action: "create" | "update" | "delete";
  readonly kind: Kind;
  readonly role: Role;
  /** Null where it is yet to be created. */
  readonly id: string | null;
  readonly reason: string;
  readonly differences: readonly Difference[];
  /** What would be sent: the whole object of a create, exactly the drifted members of an update. */
  readonly body: Body;
}

export interface Plan {
  readonly failoverId: string;
  readonly revision: number;
  readonly changes: readonly Change[];
  readonly foreign: readonly ForeignRouting[];
  /** Objects of ours that lost their marker, as sentences. */
  readonly blocked: readonly string[];
  /** What could not be seen, as sentences. */
  readonly unknown: readonly string[];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Canonical values are plain JSON in one order, so equal values read the same. */
export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * Role: who gets traffic, and may be a person's act in an emergency. Cosmetic: what only people read. Foreign: somebody
 * else's routing past the pair. Safety: the rest.
 */
export function classOf(role: Role, path: string): DriftClass {
  if (role === "load_balancer" && isRoutingMember(path)) return "foreign";
  if (path === "description" || (kindOf(role) === "pool" && path === "name")) return "cosmetic";
  if (role === "load_balancer" && ["name", "enabled", "default_pools", "fallback_pool"].includes(path))
    return "role";
  if (kindOf(role) === "pool" && (path === "enabled" || originMember(path)?.member === "enabled"))
    return "role";
  return "safety";
}

export function findDifferences(role: Role, observed: Body, desired: Body): Difference[] {
  const kind = kindOf(role);
  const owns = ownershipOf(desired);
  const is = canonical(kind, observed, owns);
  const shouldBe = canonical(kind, desired, owns);
  const paths = [...new Set([...shouldBe.keys(), ...is.keys()])];
  return paths.flatMap((path): Difference[] => {
    if (isSaidOtherwise(path, is, shouldBe)) return [];
    const before = is.get(path) ?? null;
    const after = shouldBe.get(path) ?? null;
    return same(before, after) ? [] : [{ path, before, after, class: classOf(role, path) }];
  });
}

/** An origin on one side only differs as a whole and not member by member; one on both sides the other way round. */
function isSaidOtherwise(path: string, is: Canonical, shouldBe: Canonical): boolean {
  const onBothSides = (origin: string) => is.has(origin) && shouldBe.has(origin);
  const inner = originMember(path);
  return inner === null ? path.startsWith("origins.") && onBothSides(path) : !onBothSides(inner.origin);
}

export const objectsIn = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter(isObject) : [];

function mergedOrigin(known: Body, desired: Body): Body {
  const { disabled_at: _, header: __, port: ___, ...foreign } = known;
  return { ...foreign, ...desired };
}

/** Arrays and nested objects are replaced whole by a PATCH, so what isn't ours inside of them is carried along. */
function mergedOrigins(observed: unknown, desired: unknown): unknown {
  const before = objectsIn(observed);
  return objectsIn(desired).map((origin) =>
    mergedOrigin(before.find((known) => known["name"] === origin["name"]) ?? {}, origin),
  );
}

function memberToSend(member: string, observed: Body, desired: Body): unknown {
  const value = desired[member];
  if (member === "origins") return mergedOrigins(observed["origins"], value);
  const known = observed[member];
  if (isObject(value) && isObject(known) && member !== "header" && !isRoutingMember(member)) {
    return { ...known, ...value };
  }
  return value;
}

/** Exactly the members that differ, and beside them what Cloudflare's schema demands on every PATCH of a monitor. */
export function patchBody(
  role: Role,
  observed: Body,
  desired: Body,
  differences: readonly Difference[],
): Body {
  const members = new Set(differences.map(({ path }) => path.split(".")[0] ?? path));
  if (role === "monitor") members.add("expected_codes");
  return Object.fromEntries([...members].map((member) => [member, memberToSend(member, observed, desired)]));
}

/** An update cut down to some of its differences: what it would send, without the members in which the others lie. */
export function narrowChange(change: Change, differences: readonly Difference[]): Change {
  const members = new Set(differences.map(({ path }) => path.split(".")[0] ?? path));
  if (change.kind === "monitor") members.add("expected_codes");
  return {
    ...change,
    reason: updateReason(differences),
    differences,
    body: Object.fromEntries(Object.entries(change.body).filter(([member]) => members.has(member))),
  };
}

/** Sets one canonical path of a desired body; an origin is found by its name. */
export function overlay(desired: Body, path: string, value: unknown): Body {
  const inner = originMember(path);
  if (inner === null) return path.includes(".") ? desired : { ...desired, [path]: value };
  const given = inner.member === "header.Host" ? { header: { Host: value } } : { [inner.member]: value };
  const set = (origin: Body) =>
    originPath(String(origin["name"])) === inner.origin ? { ...origin, ...given } : origin;
  return { ...desired, origins: objectsIn(desired["origins"]).map(set) };
}

/** Copies one member as it was observed, or its absence. */
function withObserved(body: Body, member: string, observed: Body): Body {
  const { [member]: _, ...others } = body;
  return observed[member] === undefined ? others : { ...others, [member]: observed[member] };
}

function keepObservedOrigin(sent: unknown, path: string, observed: unknown): unknown {
  const inner = originMember(path);
  const named = (origin: Body) => originPath(String(origin["name"])) === (inner?.origin ?? path);
  const known = objectsIn(observed).find(named);
  const origins = objectsIn(sent);
  if (inner === null) {
    const { disabled_at: _, ...kept } = known ?? {};
    return [...origins.filter((origin) => !named(origin)), ...(known === undefined ? [] : [kept])];
  }
  const member = inner.member.split(".")[0] ?? inner.member;
  return origins.map((origin) => (named(origin) ? withObserved(origin, member, known ?? {}) : origin));
}

/** A body to be sent that leaves one canonical path as it was observed; a member that isn't sent needs nothing. */
export function keepObserved(body: Body, path: string, observed: Body): Body {
  const [member = path, inner] = path.split(".");
  if (body[member] === undefined) return body;
  if (member === "origins") {
    return { ...body, origins: keepObservedOrigin(body["origins"], path, observed["origins"]) };
  }
  if (inner === undefined) return withObserved(body, member, observed);
  const [sent, known] = [body[member], observed[member]];
  return { ...body, [member]: withObserved(isObject(sent) ? sent : {}, inner, isObject(known) ? known : {}) };
}

/** An adopted deviation is wanted for as long as it is in place; once it is gone, what was desired before counts again. */
export function withAdopted(failover: Failover, role: Role, object: Body, desired: Body): Body {
  const is = canonical(kindOf(role), object, ownershipOf(desired));
  return failover.adopted
    .filter((one) => one.role === role && same(is.get(one.path) ?? null, one.value))
    .reduce((body, one) => overlay(body, one.path, one.value), desired);
}

/** What an import left alone is wanted as it is. */
function withKept({ imported }: Failover, role: Role, object: Body, desired: Body): Body {
  if (imported === null) return desired;
  const is = canonical(kindOf(role), object, ownershipOf(desired));
  return imported.kept
    .filter((one) => one.role === role && is.has(one.path))
    .reduce((body, { path }) => overlay(body, path, is.get(path)), desired);
}

/** The desired body of an object that stands there: with what was adopted, and what an import left alone. */
export function wantedOf(failover: Failover, role: Role, object: Body, desired: Body): Body {
  return withKept(failover, role, object, withAdopted(failover, role, object, desired));
}

/** Wanted with somebody else's routing gone, but for what an import left alone. */
function withoutRouting(failover: Failover, object: Body, wanted: Body): Body {
  const emptied = routingIn(object)
    .filter((member) => !isKept(failover, "load_balancer", member))
    .map((member) => [member, Array.isArray(object[member]) ? [] : {}]);
  return { ...wanted, ...Object.fromEntries(emptied) };
}

/** What was adopted and isn't in place any more: that is over, and the same once more would be drift again. */
export function findLapsed(failover: Failover, role: Role, object: Body): AdoptedDrift[] {
  const is = canonical(kindOf(role), object, () => true);
  return failover.adopted.filter((one) => one.role === role && !same(is.get(one.path) ?? null, one.value));
}

function describeLoss(role: Role, object: Body, marker: string): string {
  const other = markerIn(object["description"])?.marker;
  return other === undefined
    ? `${describeRole(role)} lost its marker "${marker}" and is not touched until it is back`
    : `${describeRole(role)} carries the marker "${other}" in the place of "${marker}" and is not touched`;
}

function createReason(role: Role): string {
  return `${describeRole(role)} does not exist`;
}

function planCreate(role: Role, desired: Body): Change {
  const fields = canonical(kindOf(role), desired, ownershipOf(desired));
  return {
    action: "create",
    kind: kindOf(role),
    role,
    id: null,
    reason: createReason(role),
    differences: [...fields]
      .filter(([path]) => originMember(path) === null)
      .map(([path, after]) => ({ path, before: null, after, class: classOf(role, path) })),
    body: desired,
  };
}

function updateReason(differences: readonly Difference[]): string {
  return `${differences.map(({ path }) => path).join(", ")} ${differences.length === 1 ? "is" : "are"} not as wanted`;
}

export function planUpdate(role: Role, object: Body, desired: Body): Change | null {
  const differences = findDifferences(role, object, desired);
  if (differences.length === 0) return null;
  return {
    action: "update",
    kind: kindOf(role),
    role,
    id: String(object["id"]),
    reason: updateReason(differences),
    differences,
    body: patchBody(role, object, desired, differences),
  };
}

/**
 * The failover with the ids that are true now: of what was found and is ours, its own; of what is absent, none, because
 * a stored id then names nothing; of what could not be seen, the stored one. Desired bodies refer to these.
 */
export function withObservedIds(failover: Failover, observed: Observed, installation: string): Failover {
  const ids: Partial<Record<Role, string>> = {};
  for (const role of ROLES) {
    const sighting = observed[role];
    const stored = failover.ids[role];
    const isOurs =
      sighting.state === "found" &&
      carriesMarker(sighting.object["description"], markerOf(installation, failover.id, role));
    const id = isOurs && typeof sighting.object["id"] === "string" ? sighting.object["id"] : stored;
    if (sighting.state !== "absent" && id !== undefined) ids[role] = id;
  }
  return { ...failover, ids };
}

/**
 * An object that is being imported waits for its first marker: what was last in place had none. Nobody else's marker may
 * stand there by now.
 */
function awaitsMarker(failover: Failover, object: Body, applied: Body | undefined, marker: string): boolean {
  const wasMarked = applied === undefined || carriesMarker(applied["description"], marker);
  return failover.imported !== null && !wasMarked && markerIn(object["description"]) === null;
}

function planFound(
  failover: Failover,
  role: Role,
  object: Body,
  desired: Body,
  healForeign: boolean,
): Change | null {
  const wanted = wantedOf(failover, role, object, desired);
  const heals = healForeign || completeSpec(failover.input, failover.facts).drift.foreign === "heal";
  if (role !== "load_balancer" || !heals) return planUpdate(role, object, wanted);
  return planUpdate(role, object, withoutRouting(failover, object, wanted));
}

/** `healForeign` is true where a person asks for somebody else's routing to go, whatever the policy. */
export function planChanges(
  failover: Failover,
  observed: Observed,
  installation: string,
  applied: Applied = {},
  healForeign = false,
): Plan {
  const known = withObservedIds(failover, observed, installation);
  const desired: Desired = desiredObjects(known, installation, applied);
  const changes: Change[] = [];
  const blocked: string[] = [];
  const unknown: string[] = [];
  for (const role of ROLES) {
    const sighting = observed[role];
    switch (sighting.state) {
      case "unknown":
        unknown.push(sighting.why);
        break;
      case "absent":
        changes.push(planCreate(role, desired[role]));
        break;
      case "found": {
        const { object } = sighting;
        const marker = markerOf(installation, failover.id, role);
        const isOurs =
          carriesMarker(object["description"], marker) ||
          awaitsMarker(failover, object, applied[role], marker);
        if (!isOurs) {
          blocked.push(describeLoss(role, object, marker));
          break;
        }
        const change = planFound(known, role, object, desired[role], healForeign);
        if (change !== null) changes.push(change);
        break;
      }
      default:
        sighting satisfies never;
    }
  }
  return {
    failoverId: failover.id,
    revision: failover.revision,
    changes,
    foreign: findForeign(known, foundIn(observed), observed.sharedWith, desired),
    blocked,
    unknown,
  };
}

export function describeRole(role: Role): string {
  return role === "primary" || role === "secondary" ? `the ${role} pool` : `the ${role.replace("_", " ")}`;
}
