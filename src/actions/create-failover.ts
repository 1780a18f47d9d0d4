import type { Facts, Failover } from "../failover/failover.ts";
import { fail, ok, type Origin, type Result } from "../failover/results.ts";
import type { SpecInput } from "../failover/spec.ts";
import { newStatus } from "../failover/status.ts";
import { commit, insertEvents, insertFailover, NameTaken, saveStatus } from "../store/failovers.ts";
import { checkSpec } from "./check-spec.ts";
import type { Context } from "./context.ts";
import { keepOutcome } from "./idempotency-keys.ts";
import { eventOf } from "./record.ts";

const NO_FACTS: Facts = { zone: null, subdomains: {} };

/** Stores a new failover; its objects follow at once, and whatever happens in between. */
export async function createFailover(
  context: Context,
  input: SpecInput,
  origin: Origin,
): Promise<Result<{ failoverId: string }>> {
  const id = context.newId("fo");
  const checked = await checkSpec(context, input, NO_FACTS, { id, ids: {}, imported: null });
  if (!checked.ok) return checked;
  const { spec, facts, unchecked } = checked.value;
  const now = context.clock.now();
  const failover: Failover = {
    id,
    accountId: context.accountId,
    name: spec.name,
    revision: 1,
    stage: "draft",
    active: "primary",
    settledActive: "primary",
    settledBy: "person",
    settledAt: now,
    disabled: null,
    input,
    facts,
    adopted: [],
    imported: null,
    deleting: null,
    ids: {},
    createdAt: now,
    updatedAt: now,
  };
  const outlook =
    unchecked === null
      ? "its objects are being created at Cloudflare"
      : `Cloudflare could not be read (${unchecked}); creating goes on by itself as soon as it can be`;
  try {
    await commit(context.db, [
      insertFailover(context.db, failover, spec.test_hostname, now),
      saveStatus(context.db, id, {
        ...newStatus(outlook),
        sync: unchecked === null ? "converging" : "unknown",
      }),
      ...insertEvents(context.db, context.accountId, [
        eventOf(context, "failover.created", id, origin, { before: null, after: input }),
      ]),
      ...keepOutcome(context, { failoverId: id }),
    ]);
  } catch (error) {
    if (error instanceof NameTaken) {
      const message = `this ${error.column} is another failover's`;
      return fail("taken", message, { errors: [{ pointer: `/${error.column}`, message }] });
    }
    throw error;
  }
  return ok({ failoverId: id });
}
