import { CloudflareError } from "../cloudflare/errors.ts";
import { completeSpec, type Spec } from "../failover/complete.ts";
import type { Failover, Side } from "../failover/failover.ts";
import { SIDES } from "../failover/failover.ts";
import type { Underneath } from "../failover/guards.ts";
import type { PreflightFacts } from "../failover/preflight/facts.ts";
import { underneathOf } from "../failover/traffic.ts";
import { foldPoolHealth, judgePlaces, type PoolHealth } from "../failover/verdict.ts";
import { commit, savePoolHealth, type FailoverRecord } from "../store/failovers.ts";
import type { Priority } from "../cloudflare/budget.ts";
import type { Context } from "./context.ts";
import { ask, mapped, notAsked } from "./preflight/ask.ts";
import { recordsAnswering } from "./underneath.ts";

/** What Cloudflare finds of one pool now, folded into what was known; throws `CloudflareError`. */
export async function readPoolHealth(
  context: Context,
  poolId: string,
  endpointAddress: string,
  before: PoolHealth | undefined,
  priority: Priority,
): Promise<PoolHealth> {
  const byAddress = await context.cloudflare(priority).poolHealth(poolId);
  // The entry is keyed by the address as it was probed, not by the origin's name (API-FACTS 6.1).
  const judged = judgePlaces(byAddress.get(endpointAddress) ?? []);
  return foldPoolHealth(before, { poolId, ...judged, at: context.clock.now() });
}

/** Folds what was just read of both pools into what was known, for an action that decides by it. */
export async function keepPoolHealth(
  context: Context,
  { failover, health }: FailoverRecord,
  seen: PreflightFacts["health"],
): Promise<{ health: Partial<Record<Side, PoolHealth>>; unreadable: string | null }> {
  const read: Partial<Record<Side, PoolHealth>> = { ...health };
  for (const side of SIDES) {
    const [places, poolId] = [seen[side], failover.ids[side]];
    if (poolId === undefined || places.state === "not-asked") continue;
    if (places.state !== "known") return { health: read, unreadable: places.why };
    const judged = judgePlaces(places.value);
    read[side] = foldPoolHealth(health[side], { poolId, ...judged, at: context.clock.now() });
  }
  await commit(
    context.db,
    SIDES.flatMap((side) =>
      read[side] === undefined ? [] : [savePoolHealth(context.db, failover, side, read[side])],
    ),
  );
  return { health: read, unreadable: null };
}

/** Reads both pools' health for an action that decides by it. */
export async function readBothPools(
  context: Context,
  record: FailoverRecord,
  spec: Spec,
  priority: Priority = "person",
): Promise<Awaited<ReturnType<typeof keepPoolHealth>>> {
  const account = context.cloudflare(priority);
  const [primary, secondary] = await Promise.all(
    SIDES.map(async (side) => {
      const [poolId, { address }] = [record.failover.ids[side], spec[side]];
      if (poolId === undefined || address === null) return notAsked("the pool does not exist yet");
      return mapped(await ask(() => account.poolHealth(poolId)), (byAddress) => byAddress.get(address) ?? []);
    }),
  );
  const none = notAsked("not read");
  return keepPoolHealth(context, record, { primary: primary ?? none, secondary: secondary ?? none });
}

/** What answers for a name where no load balancer does; null where it can't be read. */
export async function readUnderneath(
  context: Context,
  { input, facts }: Failover,
  hostname: string,
): Promise<Underneath | null> {
  if (facts.zone === null) return null;
  try {
    const records = await recordsAnswering(context, facts.zone, hostname);
    return {
      records: records.map(({ type, content }) => `${type} ${content}`),
      leadsTo: underneathOf(completeSpec(input, facts), records),
    };
  } catch (error) {
    if (error instanceof CloudflareError) return null;
    throw error;
  }
}
