import { decideFailback, failbackFacts } from "../failover/failback.ts";
import type { Failover, Side } from "../failover/failover.ts";
import type { StoredStatus } from "../failover/status.ts";
import type { PoolHealth } from "../failover/verdict.ts";
import { commit, insertEvents, RevisionConflict, type FailoverRecord } from "../store/failovers.ts";
import type { Context } from "./context.ts";
import { FAILBACK, latch } from "./latch.ts";
import { reconcile, type SnapshotFor } from "./reconcile.ts";
import { startSwitch } from "./start-switch.ts";

/** What the tick's look left, and what it read of the pools. */
interface Seen {
  readonly failover: Failover;
  readonly status: StoredStatus;
  readonly read: Readonly<Partial<Record<Side, PoolHealth>>>;
}

/**
 * Latches the order after an outage, or begins the switch back, as the failback policy has it; mostly there is nothing
 * to do, and then nothing is read or written. The caller has the failover for itself alone.
 */
export async function failBack(
  context: Context,
  given: FailoverRecord,
  { failover, status, read }: Seen,
  snapshotFor: SnapshotFor,
): Promise<void> {
  const record = { ...given, failover, status, health: { ...given.health, ...read } };
  const facts = failbackFacts(record, context.clock.now());
  const decision = decideFailback(facts);
  switch (decision.kind) {
    case "none":
    case "wait":
      return;
    case "latch": {
      const latched = latch(context, record, facts, decision.reason, null);
      try {
        await commit(context.db, [
          ...latched.writes,
          ...insertEvents(context.db, context.accountId, [latched.event]),
        ]);
      } catch (error) {
        // Somebody else decided in this very moment: theirs stands.
        if (error instanceof RevisionConflict) return;
        throw error;
      }
      const request = { asked: false, origin: FAILBACK, priority: "latch" } as const;
      await reconcile(context, latched.record, snapshotFor, request);
      return;
    }
    case "switch-back": {
      const request = { reason: decision.reason, expectedActive: "secondary" } as const;
      const started = await startSwitch(context, record, "primary", request, FAILBACK);
      // What was read of both endpoints just now is kept, and says in the next look what stands against it.
      if (!started.ok)
        context.log({ level: "info", message: started.failure.detail, failover_id: failover.id });
      return;
    }
    default:
      decision satisfies never;
  }
}
