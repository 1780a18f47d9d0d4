import { completeSpec } from "../failover/complete.ts";
import type { FailbackFacts } from "../failover/failback.ts";
import type { Lease } from "../failover/leases.ts";
import type { FailoverEvent, Origin, SideHealth } from "../failover/results.ts";
import { setApplied, updateIntent, type FailoverRecord, type Write } from "../store/failovers.ts";
import type { Context } from "./context.ts";
import { eventOf } from "./record.ts";

/** What a failback policy does by itself. */
export const FAILBACK: Origin = { actor: { kind: "system", name: "failback" }, requestId: null };

function shown({ verdict, since, witnesses }: SideHealth): Record<string, unknown> {
  return {
    verdict,
    since: since === null ? null : new Date(since).toISOString(),
    witnesses: witnesses.map(({ witness, verdict: says, detail }) => ({ witness, verdict: says, detail })),
  };
}

export interface Latched {
  /** As it is once that is done. */
  readonly record: FailoverRecord;
  readonly event: FailoverEvent;
  /** To be written as one, or not at all where the failover has another revision by now. */
  readonly writes: readonly Write[];
}

/**
 * The order that health steers by already becomes the wanted one: secondary first, until it is switched back. The
 * revision rises with every change of who is active, so that writing it is a compare-and-set on both. `lease` is the one
 * that ends in this latch.
 */
export function latch(
  context: Context,
  record: FailoverRecord,
  { policy, health }: Pick<FailbackFacts, "policy" | "health">,
  reason: string,
  lease: Lease | null,
): Latched {
  const { failover, applied } = record;
  const now = context.clock.now();
  const latched = {
    ...failover,
    active: "secondary",
    settledActive: "secondary",
    settledBy: "policy",
    settledAt: now,
    revision: failover.revision + 1,
    updatedAt: now,
  } as const;
  const { test_hostname: testHostname } = completeSpec(failover.input, failover.facts);
  // Until it was looked at again the order is ours whatever stands there: a crash may come right after its write.
  const balancer =
    applied.load_balancer === undefined ? undefined : { ...applied.load_balancer, default_pools: null };
  const data = {
    before: { active: failover.settledActive },
    after: { active: latched.settledActive },
    reason,
    mode: policy.mode,
    primary: shown(health.primary),
    secondary: shown(health.secondary),
    lease_id: lease?.id ?? null,
  };
  return {
    record: {
      ...record,
      failover: latched,
      applied: balancer === undefined ? applied : { ...applied, load_balancer: balancer },
      dueAt: now,
    },
    event: eventOf(context, "failover.latched", failover.id, FAILBACK, data),
    writes: [
      updateIntent(context.db, latched, testHostname, failover.revision, now),
      ...(balancer === undefined ? [] : [setApplied(context.db, failover.id, "load_balancer", balancer)]),
    ],
  };
}
