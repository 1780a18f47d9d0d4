import type { Priority } from "../cloudflare/budget.ts";
import { findTakeover } from "../failover/drill-report.ts";
import { findDifferences } from "../failover/plan.ts";
import type { FailoverRecord } from "../store/failovers.ts";
import { commit } from "../store/failovers.ts";
import { loadDrill, saveAftermath } from "../store/drills.ts";
import type { Context } from "./context.ts";
import type { Convergence } from "./converge.ts";
import { readById } from "./observe.ts";

/**
 * After a drill that was broken off: writes down when what was before was read back, or who wants another order by now.
 * Mostly there is nothing to follow, and then nothing is read. The caller has the failover for itself alone.
 */
export async function followDrill(
  context: Context,
  record: FailoverRecord,
  convergence: Convergence,
  priority: Priority,
): Promise<void> {
  const { unrestoredDrill: drillId, operation } = record;
  if (drillId === null || operation?.kind === "drill") return;
  const { failover } = convergence.observation;
  const takenOverBy = findTakeover(failover, record.leases, operation, context.clock.now());
  if (takenOverBy !== null) {
    await commit(context.db, [saveAftermath(context.db, drillId, { restoredAt: null, takenOverBy })]);
    return;
  }
  const drill = await loadDrill(context.db, failover.id, drillId);
  const [role, member] =
    drill?.method === "disable-primary"
      ? (["primary", "enabled"] as const)
      : (["load_balancer", "default_pools"] as const);
  const isRestored = (object: Readonly<Record<string, unknown>>) =>
    findDifferences(role, object, convergence.desired[role]).every(({ path }) => path !== member);
  const seen = convergence.observation.observed[role];
  const id = failover.ids[role];
  if (id === undefined || seen.state !== "found" || !isRestored(seen.object)) return;
  // What a list or a write's answer says is not yet what is there.
  const read = await readById(context, failover, role, id, priority);
  if (read.state !== "found" || !isRestored(read.object)) return;
  const restoredAt = context.clock.now();
  await commit(context.db, [saveAftermath(context.db, drillId, { restoredAt, takenOverBy: null })]);
}
