import { runPreflight, standingFailures, type Preflight } from "../../failover/preflight/preflight.ts";
import { fail, ok, type Origin, type PreflightView, type Result } from "../../failover/results.ts";
import type { SpecInput } from "../../failover/spec.ts";
import { commit, insertEvents, type FailoverRecord } from "../../store/failovers.ts";
import { loadPreflight, savePreflight } from "../../store/preflights.ts";
import type { Context } from "../context.ts";
import { loadRecord } from "../load.ts";
import { eventOf } from "../record.ts";
import { gatherFacts, type Subject } from "./gather.ts";

function viewOf(
  preflight: Preflight,
  of: { failoverId: string | null; revision: number | null; ranAt: number },
): PreflightView {
  return { ...preflight, ...of };
}

/** Asks and judges everything about a saved failover afresh, and keeps the run with its evidence. It holds no lock. */
export async function preflightRecord(
  context: Context,
  record: FailoverRecord,
  request: Pick<Subject, "priority" | "snapshot" | "shared"> & { readonly origin: Origin },
): Promise<PreflightView> {
  const { failover } = record;
  const { origin, ...subject } = request;
  const ranAt = context.clock.now();
  const facts = await gatherFacts(context, { ...subject, input: failover.input, record });
  const preflight = runPreflight(facts);
  const before = (await loadPreflight(context.db, failover.id))?.standing ?? [];
  const standing = standingFailures(preflight, before);
  const isNews = JSON.stringify(standing) !== JSON.stringify(before);
  const data = {
    failed: preflight.checks
      .filter(({ id }) => standing.includes(id))
      .map(({ id, message, remedy }) => ({ id, message, remedy })),
    before,
    after: standing,
  };
  const type = standing.length === 0 ? "preflight.passed" : "preflight.failed";
  const stored = { preflight, ranAt, revision: failover.revision, standing };
  await commit(context.db, [
    savePreflight(context.db, context.accountId, failover.id, stored),
    ...(isNews
      ? insertEvents(context.db, context.accountId, [eventOf(context, type, failover.id, origin, data)])
      : []),
  ]);
  return viewOf(preflight, { failoverId: failover.id, revision: failover.revision, ranAt });
}

export async function preflightFailover(
  context: Context,
  reference: string,
  maxAgeMs: number,
  origin: Origin,
): Promise<Result<PreflightView>> {
  const found = await loadRecord(context, reference);
  if (!found.ok) return found;
  const { failover } = found.value;
  if (failover.deleting !== null) return fail("deleting", "the failover is being deleted");
  const stored = maxAgeMs > 0 ? await loadPreflight(context.db, failover.id) : null;
  if (
    stored !== null &&
    stored.revision === failover.revision &&
    context.clock.now() - stored.ranAt <= maxAgeMs
  ) {
    const { preflight, ranAt, revision } = stored;
    return ok(viewOf(preflight, { failoverId: failover.id, ranAt, revision }));
  }
  return ok(await preflightRecord(context, found.value, { priority: "person", origin }));
}

/** The same of a spec that isn't saved: nothing is kept. */
export async function preflightSpec(context: Context, input: SpecInput): Promise<Result<PreflightView>> {
  const ranAt = context.clock.now();
  const facts = await gatherFacts(context, { input, record: null, priority: "person" });
  return ok(viewOf(runPreflight(facts), { failoverId: null, revision: null, ranAt }));
}
