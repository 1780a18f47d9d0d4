// Decides which changes are written now and which are only announced: what a user asked for is written at once, what
// nobody asked for is healed by policy, and a person's possible act in an emergency gets its grace time first.
//
//   difference from what we last had in place | class  | stage      | policy | then
//   ------------------------------------------+--------+------------+--------+-----------------------------
//   ours: the desired value changed           | any    | any        | any    | write now
//   ours: a write of ours landed late         | any    | any        | any    | write now
//   somebody else's                           | any    | any        | report | hold, never write unasked
//   somebody else's                           | role   | production | heal   | hold until the grace time ends
//   somebody else's                           | other  | other      | heal   | write now
//
// A pause or a freeze of the fleet holds back what would be healed unasked, and never what is ours.
import { canonical, originMember, originPath, ownershipOf } from "./canonical.ts";
import type { Policy, Spec } from "./complete.ts";
import type { Body } from "./desired.ts";
import type { Stage } from "./failover.ts";
import { kindOf, type Role } from "./marker.ts";
import { keepObserved, narrowChange, objectsIn, same, type Change, type Difference } from "./plan.ts";
import type { KnownDrift } from "./results.ts";

export interface DriftContext {
  readonly spec: Spec;
  readonly stage: Stage;
  /** The desired bodies that were last seen in place, by role; absent where none ever was. */
  readonly applied: Readonly<Partial<Record<Role, Body>>>;
  readonly known: readonly KnownDrift[];
  /** What was sent of late and never seen to take effect, by role: it may have landed since. */
  readonly strays?: Readonly<Partial<Record<Role, readonly Body[]>>>;
  /** True where a person asked for this very reconciliation: nothing is held back. */
  readonly asked: boolean;
  /** Until when a pause holds back healing, ms since the epoch; null where there is none. */
  readonly pausedUntil?: number | null;
  /** True while the fleet is frozen: nothing is healed unasked. */
  readonly frozen?: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface DriftDecision {
  readonly write: readonly Change[];
  readonly held: readonly KnownDrift[];
  /** Everything that is somebody else's doing, held or about to be healed. */
  readonly drift: readonly KnownDrift[];
}

/** Ours is what the user asked for since it was last in place; all else is somebody else's doing. */
function isOurs(role: Role, difference: Difference, applied: Body | undefined): boolean {
  if (difference.class === "foreign") return false;
  if (applied === undefined) return true;
  // A lease is about to change this member, or has: what stands there now, nobody has seen yet.
  if (applied[difference.path] === null) return true;
  const was = canonical(kindOf(role), applied, ownershipOf(applied));
  // A member that the spec gives only since then; what isn't wanted at all (an origin too many) was never ours.
  if (!was.has(difference.path)) return difference.after !== null;
  return !same(was.get(difference.path), difference.after);
}

/** Whether a value stands there because a write of ours was given up and landed after all. */
function isStray(role: Role, { path, before }: Difference, strays: readonly Body[]): boolean {
  const member = path.split(".")[0] ?? path;
  return strays.some(
    (body) =>
      member in body && same(canonical(kindOf(role), body, ownershipOf(body)).get(path) ?? null, before),
  );
}

function healAt(difference: Difference, firstSeenAt: number, context: DriftContext): number | null {
  const policy: Policy = context.spec.drift[difference.class];
  if (policy === "report" || context.frozen === true) return null;
  const graceful = difference.class === "role" && context.stage === "production";
  const due = graceful ? firstSeenAt + context.spec.drift_grace_seconds * 1000 : firstSeenAt;
  return Math.max(due, context.pausedUntil ?? due);
}

/** A pool that somebody disabled is not a lease of ours: since when it is out of use says who may have done it. */
function disabledAt(path: string, object: Body): { disabledAt?: string } {
  const inside = originMember(path);
  const disabled =
    inside?.member === "enabled"
      ? objectsIn(object["origins"]).find(({ name }) => originPath(String(name)) === inside.origin)
      : path === "enabled"
        ? object
        : undefined;
  const at = disabled?.["disabled_at"];
  return typeof at === "string" ? { disabledAt: at } : {};
}

function asDrift(role: Role, difference: Difference, object: Body, context: DriftContext): KnownDrift {
  const before = context.known.find(
    (one) => one.role === role && one.path === difference.path && same(one.before, difference.before),
  );
  // Never later than now, or a clock that was set back would put healing off.
  const firstSeenAt = Math.min(before?.firstSeenAt ?? context.now, context.now);
  return {
    role,
    ...difference,
    firstSeenAt,
    healAt: healAt(difference, firstSeenAt, context),
    ...disabledAt(difference.path, object),
  };
}

function isDue(drift: KnownDrift, context: DriftContext): boolean {
  return context.asked || (drift.healAt !== null && drift.healAt <= context.now);
}

function decideCreate(change: Change, context: DriftContext): { drift: KnownDrift[]; write: boolean } {
  if (context.applied[change.role] === undefined) return { drift: [], write: true };
  const vanished: Difference = { path: "id", before: null, after: change.kind, class: "safety" };
  const drift = asDrift(change.role, vanished, {}, context);
  return { drift: [drift], write: isDue(drift, context) };
}

/** What is held back stays as it is, also inside of an array or object that a PATCH replaces whole. */
function withoutHeld(change: Change, held: readonly KnownDrift[], object: Body): Change {
  return { ...change, body: held.reduce((body, { path }) => keepObserved(body, path, object), change.body) };
}

/** `objects` is by role what the changes were planned from. */
export function decideDrift(
  changes: readonly Change[],
  objects: Readonly<Partial<Record<Role, Body>>>,
  context: DriftContext,
): DriftDecision {
  const write: Change[] = [];
  const held: KnownDrift[] = [];
  const drift: KnownDrift[] = [];
  for (const change of changes) {
    if (change.action === "create") {
      const decision = decideCreate(change, context);
      drift.push(...decision.drift);
      if (decision.write) write.push(change);
      else held.push(...decision.drift);
      continue;
    }
    const heldHere: KnownDrift[] = [];
    const now: Difference[] = [];
    for (const difference of change.differences) {
      if (
        isOurs(change.role, difference, context.applied[change.role]) ||
        isStray(change.role, difference, context.strays?.[change.role] ?? [])
      ) {
        now.push(difference);
        continue;
      }
      const one = asDrift(change.role, difference, objects[change.role] ?? {}, context);
      drift.push(one);
      if (isDue(one, context)) now.push(difference);
      else heldHere.push(one);
    }
    held.push(...heldHere);
    if (now.length === 0) continue;
    write.push(withoutHeld(narrowChange(change, now), heldHere, objects[change.role] ?? {}));
  }
  return { write, held, drift };
}
