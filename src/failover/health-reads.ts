// Decides which pools' health is read in a tick: what is new, doubtful, unhealthy or stale, the most urgent first.
import { SIDES, type Failover, type Side } from "./failover.ts";
import type { Sample } from "./results.ts";
import type { PoolHealth } from "./verdict.ts";

/** Guards want a reading no older than two ticks; reading at this age keeps one at hand without reading every minute. */
export const STALE_AFTER_MS = 110_000;

export interface HealthCandidate {
  readonly failover: Failover;
  readonly health: Readonly<Partial<Record<Side, PoolHealth>>>;
  readonly samples: readonly Sample[];
  /** The pools' own `healthy` as the list has it: a hint, confirmed by a health read. */
  readonly hints: Readonly<Partial<Record<Side, boolean>>>;
}

export interface HealthRead {
  readonly failoverId: string;
  readonly side: Side;
  readonly poolId: string;
}

/** Lower is sooner; null needs no reading. */
function urgency(
  known: PoolHealth | undefined,
  hint: boolean | undefined,
  probeOk: boolean | undefined,
  now: number,
): number | null {
  if (known === undefined) return 0;
  if (hint !== undefined && known.healthy !== null && hint !== known.healthy) return 1;
  if (known.healthy === true && probeOk === false) return 2;
  if (known.healthy !== true) return 3;
  return now - known.readAt >= STALE_AFTER_MS ? 4 : null;
}

/** At most `most` of them; among equals the longest unread first, so that nothing starves. */
export function chooseHealthReads(
  candidates: readonly HealthCandidate[],
  now: number,
  most: number,
): HealthRead[] {
  const wanted = candidates.flatMap(({ failover, health, samples, hints }) =>
    SIDES.flatMap((side) => {
      const poolId = failover.ids[side];
      if (poolId === undefined) return [];
      const known = health[side]?.poolId === poolId ? health[side] : undefined;
      const rank = urgency(known, hints[side], samples.at(-1)?.[side].ok, now);
      return rank === null
        ? []
        : [{ failoverId: failover.id, side, poolId, rank, readAt: known?.readAt ?? 0 }];
    }),
  );
  return wanted
    .toSorted((a, b) => a.rank - b.rank || a.readAt - b.readAt)
    .slice(0, most)
    .map(({ failoverId, side, poolId }) => ({ failoverId, side, poolId }));
}
