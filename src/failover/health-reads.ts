// Decides which pools' health is read in a tick: what is new, doubtful, unhealthy or stale, the earliest deadline first.
import { SIDES, type Failover, type Side } from "./failover.ts";
import type { Sample } from "./results.ts";
import type { PoolHealth } from "./verdict.ts";

/** Guards want a reading no older than two ticks; reading at this age keeps one at hand without reading every minute. */
export const STALE_AFTER_MS = 110_000;
/** An unhealthy endpoint has to be known within three ticks, a recovered one within five. */
const HEALTHY_FOR_MS = 180_000;
const UNHEALTHY_FOR_MS = 300_000;
/** Half of the request budget over the ticks that it is for: what is saved in one can't be needed by the next. */
const POLLS_A_TICK = 120;

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

/** How many pools' health may be read after so many calls for lists, with `left` calls of polling to be had at all. */
export function mostHealthReads(listCalls: number, left: number): number {
  return Math.max(0, Math.min(POLLS_A_TICK - listCalls, left));
}

/** A probe that never succeeded lately says nothing new: many origins admit only Cloudflare. */
function probeTurnedBad(samples: readonly Sample[], side: Side): boolean {
  return samples.at(-1)?.[side].ok === false && samples.some((sample) => sample[side].ok);
}

/** The instant by which it has to be read, ms since the epoch; null where it needs no reading yet. */
function readBy(known: PoolHealth | undefined, hint: boolean | undefined, doubted: boolean, now: number) {
  if (known === undefined) return Number.NEGATIVE_INFINITY;
  const { readAt, healthy } = known;
  if (hint !== undefined && healthy !== null && hint !== healthy) return readAt;
  if (healthy === true && doubted) return readAt;
  if (healthy !== true) return readAt + UNHEALTHY_FOR_MS;
  return now - readAt >= STALE_AFTER_MS ? readAt + HEALTHY_FOR_MS : null;
}

/** At most `most` of them. What isn't chosen comes nearer to its deadline, so nothing starves, however much is doubtful. */
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
      const by = readBy(known, hints[side], probeTurnedBad(samples, side), now);
      return by === null ? [] : [{ failoverId: failover.id, side, poolId, by }];
    }),
  );
  return wanted
    .toSorted((a, b) => (a.by === b.by ? 0 : a.by - b.by))
    .slice(0, most)
    .map(({ failoverId, side, poolId }) => ({ failoverId, side, poolId }));
}
