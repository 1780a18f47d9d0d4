import type { CloudflareObject } from "../cloudflare/account.ts";
import type { Priority } from "../cloudflare/budget.ts";
import { CloudflareError } from "../cloudflare/errors.ts";
import type { Body } from "../failover/desired.ts";
import type { Failover } from "../failover/failover.ts";
import type { Role } from "../failover/marker.ts";
import { describeRole, type Change } from "../failover/plan.ts";
import { describeRefusal } from "../failover/refused-writes.ts";
import type { Origin } from "../failover/results.ts";
import { commit, insertEvents, loadIntent, setApplied, setObjectId } from "../store/failovers.ts";
import type { Context } from "./context.ts";
import { INTENT_DEADLINE_MS, type Intent } from "./intents.ts";
import { isGone } from "./observe.ts";
import { eventOf } from "./record.ts";
import { placeOf } from "./snapshot.ts";

/** What became of one write. */
export type Outcome =
  | { readonly outcome: "written"; readonly object: CloudflareObject }
  | { readonly outcome: "gone" }
  /** Not sent: the failover is wanted otherwise by now. */
  | { readonly outcome: "outdated" }
  /** Nobody knows yet; the intent stays open. */
  | { readonly outcome: "unknown"; readonly why: string }
  /** Cloudflare said no, and will say so again. */
  | { readonly outcome: "refused"; readonly why: string; readonly error: CloudflareError }
  /** Nothing was sent, or nothing took effect; another try is fine. */
  | { readonly outcome: "postponed"; readonly why: string };

export interface Write {
  readonly failover: Failover;
  readonly role: Role;
  readonly action: "create" | "update" | "delete";
  /** Of an update or delete. */
  readonly id: string | null;
  readonly body: Body;
  readonly priority: Priority;
}

/** A clock that was set back must not hold an object for longer than its deadline was meant. */
const isBefore = (now: number, { startedAt, deadlineAt }: Intent): boolean =>
  now < deadlineAt && now >= startedAt;

/** Why nobody may write this object now: an earlier write of ours may still land. */
export function heldUntil(context: Context, failoverId: string, role: Role): number | null {
  const intent = context.intents.of(failoverId, role);
  return intent !== undefined && isBefore(context.clock.now(), intent) ? intent.deadlineAt : null;
}

/** Whether the stored intent is still the one that a write was planned from. Read right before the write, each time. */
async function isStillWanted(context: Context, failover: Failover): Promise<boolean> {
  const stored = await loadIntent(context.db, failover.id);
  return stored?.revision === failover.revision && stored.deleting === failover.deleting;
}

async function send(context: Context, write: Write): Promise<CloudflareObject | null> {
  const account = context.cloudflare(write.priority);
  const place = placeOf(write.role, write.failover.facts.zone?.id ?? "");
  if (write.action === "create") return account.create(place, write.body);
  if (write.action === "update") return account.patch(place, write.id ?? "", write.body);
  await account.delete(place, write.id ?? "");
  return null;
}

async function judge(context: Context, write: Write, error: CloudflareError): Promise<Outcome> {
  const { failover, role } = write;
  const what = `${write.action === "create" ? "creating" : write.action === "update" ? "changing" : "deleting"} ${describeRole(role)}`;
  // The intent stays open: the write may have taken effect, or may still do so.
  if (error.ambiguous) return { outcome: "unknown", why: `the answer to ${what} was lost: ${error.message}` };
  await context.intents.close(failover.id, role);
  if (isGone(error)) return { outcome: "gone" };
  if (error.kind === "rate-limited" || error.kind === "unavailable") {
    return { outcome: "postponed", why: `${what} has to wait: ${error.message}` };
  }
  const meaning = describeRefusal(error.message);
  const why = `Cloudflare refused ${what}: ${error.message}${meaning === null ? "" : `; ${meaning}`}`;
  return { outcome: "refused", why, error };
}

/**
 * The one place from which anything is written to Cloudflare: the failover is read again, the intent is stored before
 * the call, and what came of it is stored right after.
 */
export async function writeObject(context: Context, write: Write): Promise<Outcome> {
  const { failover, role } = write;
  const held = heldUntil(context, failover.id, role);
  if (held !== null) {
    return {
      outcome: "unknown",
      why: `an earlier write to ${describeRole(role)} may still land until ${new Date(held).toISOString()}`,
    };
  }
  if (write.action === "create" && failover.deleting !== null) return { outcome: "outdated" };
  if (!(await isStillWanted(context, failover))) return { outcome: "outdated" };
  const startedAt = context.clock.now();
  const { action } = write;
  await context.intents.open({
    failoverId: failover.id,
    role,
    action,
    startedAt,
    deadlineAt: startedAt + INTENT_DEADLINE_MS,
    body: write.body,
  });
  try {
    const object = await send(context, write);
    if (object === null) {
      await context.intents.close(failover.id, role);
      return { outcome: "gone" };
    }
    return { outcome: "written", object };
  } catch (error) {
    if (!(error instanceof CloudflareError)) throw error;
    return judge(context, write, error);
  }
}

/** Creates what is missing and stores its id at once, in a write of its own. */
export async function applyCreate(
  context: Context,
  failover: Failover,
  change: Change,
  desired: Body,
  origin: Origin,
  priority: Priority,
): Promise<Outcome> {
  const { role } = change;
  const outcome = await writeObject(context, {
    failover,
    role,
    action: "create",
    id: null,
    body: change.body,
    priority,
  });
  if (outcome.outcome !== "written") return outcome;
  const data = {
    role,
    cloudflare_id: outcome.object.id,
    reason: change.reason,
    before: null,
    after: change.body,
  };
  await commit(context.db, [
    setObjectId(context.db, failover, role, outcome.object.id),
    setApplied(context.db, failover.id, role, desired),
    ...insertEvents(context.db, context.accountId, [
      eventOf(context, "object.created", failover.id, origin, data),
    ]),
  ]);
  // Only now: before the id was stored, a crash had to leave the intent behind.
  await context.intents.close(failover.id, role);
  return outcome;
}

/** Sends exactly the members that differ. */
export async function applyUpdate(
  context: Context,
  failover: Failover,
  change: Change,
  origin: Origin,
  priority: Priority,
): Promise<Outcome> {
  const { role, id, body } = change;
  const outcome = await writeObject(context, { failover, role, action: "update", id, body, priority });
  if (outcome.outcome !== "written") return outcome;
  const differences = change.differences.map(({ path, before, after }) => ({ path, before, after }));
  await commit(
    context.db,
    insertEvents(context.db, context.accountId, [
      eventOf(context, "object.updated", failover.id, origin, { role, cloudflare_id: id, differences }),
    ]),
  );
  await context.intents.close(failover.id, role);
  return outcome;
}
