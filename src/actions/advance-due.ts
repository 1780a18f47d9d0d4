import { loadDueFailovers, loadDueOperations, postponeOperation } from "../store/operations.ts";
import { commit, setDue } from "../store/failovers.ts";
import { advanceOperation } from "./advance-operation.ts";
import type { Context } from "./context.ts";
import { endExpiredLeases } from "./end-leases.ts";
import { inParallel } from "./in-parallel.ts";
import { loadRecord } from "./load.ts";
import { SYSTEM } from "./record.ts";
import { reconcile, type SnapshotFor } from "./reconcile.ts";

const WIDTH = 5;
/** A look this young serves all that is due in the same moment. */
const SHARED_FOR_MS = 5_000;
/** What failed for a reason of our own is tried again after this long. */
const AFTER_FAULT_MS = 30_000;

/** Takes every operation and failover whose time has come as far as it goes; a fault in one never stops the next. */
export async function advanceDue(context: Context): Promise<void> {
  const now = context.clock.now();
  const snapshotFor: SnapshotFor = (zoneId, priority) =>
    context.snapshots.recent([zoneId], SHARED_FOR_MS, priority);
  const operations = await loadDueOperations(context.db, context.accountId, now);
  await inParallel(operations, WIDTH, async (operation) => {
    try {
      await advanceOperation(context, operation, snapshotFor);
    } catch (error) {
      context.log({
        level: "error",
        message: "an operation could not go on",
        operation_id: operation.id,
        error: String(error),
      });
      // Due at once again it would spin.
      await commit(context.db, [
        postponeOperation(context.db, operation.id, context.clock.now() + AFTER_FAULT_MS),
      ]);
    }
  });
  const failovers = await loadDueFailovers(context.db, context.accountId, now);
  await inParallel(failovers, WIDTH, async ({ id, leaseEnded }) => {
    try {
      await context.alone(id, async () => {
        const record = await loadRecord(context, id);
        if (!record.ok) return;
        if (record.value.failover.deleting !== null) {
          await endExpiredLeases(context, record.value);
          await commit(context.db, [setDue(context.db, id, null)]);
          return;
        }
        await reconcile(context, record.value, snapshotFor, {
          asked: false,
          origin: SYSTEM,
          priority: leaseEnded ? "lease" : "person",
        });
      });
    } catch (error) {
      context.log({
        level: "error",
        message: "a failover could not be looked at",
        failover_id: id,
        error: String(error),
      });
      await commit(context.db, [setDue(context.db, id, context.clock.now() + AFTER_FAULT_MS)]);
    }
  });
}
