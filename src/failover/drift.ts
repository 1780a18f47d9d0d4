// Decides which changes are written now and which are only announced: what a user asked for is written at once, what
// nobody asked for is healed by policy, and a person's possible act in an emergency gets its grace time first.
//
//   difference from what we last had in place | class  | stage      | policy | then
//   ------------------------------------------+--------+------------+--------+-----------------------------
//   ours: the desired value changed           | any    | any        | any    | write now
//   somebody else's                           | any    | any        | report | hold, never write unasked
//   somebody else's                           | role   | production | heal   | hold until the grace time ends
//   somebody else's                           | other  | other      | heal   | write now
import { canonical, ownershipOf } from "./canonical.ts";
import type { Policy, Spec } from "./complete.ts";
import type { Body } from "./desired.ts";
import type { Stage } from "./failover.ts";
import { kindOf, type Role } from "./marker.ts";
import { overlay, patchBody, type Change, type Difference } from "./plan.ts";
import type { KnownDrift } from "./results.ts";

export interface DriftContext {
  readonly spec: Spec;
  readonly stage: Stage;
  /** The desired bodies that were last seen in place, by role; absent where none ever was. */
  readonly applied: Readonly<Partial<Record<Role, Body>>>;
  readonly known: readonly KnownDrift[];
  /** True where a person asked for this very reconciliation: nothing is held back. */
  readonly asked: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface DriftDecision {
  readonly write: readonly Change[];
  readonly held: readonly KnownDrift[];
  /** Everything that is somebody else's doing, held or about to be healed. */
  readonly drift: readonly KnownDrift[];
}

function isOurs(role: Role, difference: Difference, desired: Body, applied: Body | undefined): boolean {
  if (applied === undefined) return true;
  const owns = ownershipOf(desired);
  const before = canonical(kindOf(role), applied, owns).get(difference.path) ?? null;
  return JSON.stringify(before) !== JSON.stringify(difference.after);
}

function healAt(difference: Difference, firstSeenAt: number, context: DriftContext): number | null {
  const policy: Policy = context.spec.drift[difference.class];
  if (policy === "report") return null;
  const graceful = difference.class === "role" && context.stage === "production";
  return graceful ? firstSeenAt + context.spec.drift_grace_seconds * 1000 : firstSeenAt;
}

function asDrift(role: Role, difference: Difference, context: DriftContext): KnownDrift {
  const before = context.known.find(
    (one) =>
      one.role === role &&
      one.path === difference.path &&
      JSON.stringify(one.before) === JSON.stringify(difference.before),
  );
  const firstSeenAt = before?.firstSeenAt ?? context.now;
  return { role, ...difference, firstSeenAt, healAt: healAt(difference, firstSeenAt, context) };
}

function decideCreate(change: Change, context: DriftContext): { drift: KnownDrift[]; write: boolean } {
  if (context.applied[change.role] === undefined) return { drift: [], write: true };
  const vanished: Difference = { path: "id", before: null, after: change.kind, class: "safety" };
  const drift = asDrift(change.role, vanished, context);
  return { drift: [drift], write: context.asked || drift.healAt !== null };
}

/** `objects` and `desired` are by role what the changes were planned from. */
export function decideDrift(
  changes: readonly Change[],
  objects: Readonly<Partial<Record<Role, Body>>>,
  desired: Readonly<Record<Role, Body>>,
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
    const object = objects[change.role] ?? {};
    const heldHere: KnownDrift[] = [];
    const now: Difference[] = [];
    for (const difference of change.differences) {
      if (isOurs(change.role, difference, desired[change.role], context.applied[change.role])) {
        now.push(difference);
        continue;
      }
      const one = asDrift(change.role, difference, context);
      drift.push(one);
      if (context.asked || (one.healAt !== null && one.healAt <= context.now)) now.push(difference);
      else heldHere.push(one);
    }
    held.push(...heldHere);
    if (now.length === 0) continue;
    // What is held back stays as it is, also inside of an array that a PATCH replaces whole.
    const body = heldHere.reduce((b, one) => overlay(b, one.path, one.before), desired[change.role]);
    write.push({ ...change, differences: now, body: patchBody(change.role, object, body, now) });
  }
  return { write, held, drift };
}
