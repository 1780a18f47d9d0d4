import { completeSpec } from "../failover/complete.ts";
import { presentHostname } from "../failover/desired.ts";
import type { ProbeResult, Sample } from "../failover/results.ts";
import type { Prober } from "../probing/prober.ts";
import { endpointTarget, hostnameTarget, unknownAddress, type ProbeTarget } from "../probing/targets.ts";
import type { FailoverRecord } from "../store/failovers.ts";
import { recordSamples } from "../store/samples.ts";
import { inParallel } from "./in-parallel.ts";

/** A message of the probe queue: a few whole failovers, so that what is compared was taken together. */
export interface ProbeShard {
  /** The instant at which the tick began, ms since the epoch. */
  readonly tick: number;
  readonly failovers: readonly {
    readonly id: string;
    /** Null where a Pages project's subdomain isn't known yet. */
    readonly primary: ProbeTarget | null;
    readonly secondary: ProbeTarget | null;
    /** Null where the load balancer isn't enabled. */
    readonly hostname: ProbeTarget | null;
  }[];
}

/** An invocation has six connections, and a dead endpoint holds one until its timeout. */
const CONNECTIONS = 6;
const FAILOVERS_A_SHARD = 5;
/** A queue takes messages of 128 KB and batches of 256 KB; the rest is left for what goes around them. */
const MESSAGE_BYTES = 100_000;
export const BATCH_BYTES = 200_000;
/** Samples older than a tick say nothing that the next tick's don't. */
const TICK_MS = 60_000;

/**
 * The name under which the load balancer was last seen enabled. One that doesn't answer there yet isn't asked for:
 * resolvers would remember its absence.
 */
function balancedHostname({ failover, applied }: FailoverRecord): string | null {
  const hostname = presentHostname(failover.stage, completeSpec(failover.input, failover.facts));
  const inPlace = applied.load_balancer?.["enabled"] === true && applied.load_balancer["name"] === hostname;
  return inPlace ? hostname : null;
}

export function shardProbes(records: readonly FailoverRecord[], tick: number): ProbeShard[] {
  const targets = records.map((record) => {
    const { failover } = record;
    const spec = completeSpec(failover.input, failover.facts);
    const hostname = balancedHostname(record);
    return {
      id: failover.id,
      primary: endpointTarget(spec, "primary"),
      secondary: endpointTarget(spec, "secondary"),
      hostname: hostname === null ? null : hostnameTarget(spec, hostname),
    };
  });
  return packed(targets, FAILOVERS_A_SHARD, MESSAGE_BYTES).map((failovers) => ({ tick, failovers }));
}

/** Consecutive items in groups of at most so many, and of at most so many bytes as JSON; a lone one may be larger. */
export function packed<T>(items: readonly T[], most: number, mostBytes: number): T[][] {
  const groups: T[][] = [];
  let bytes = 0;
  for (const item of items) {
    const size = new TextEncoder().encode(JSON.stringify(item)).length;
    const group = groups.at(-1);
    if (group === undefined || group.length >= most || bytes + size > mostBytes) {
      groups.push([item]);
      bytes = size;
    } else {
      group.push(item);
      bytes += size;
    }
  }
  return groups;
}

export interface ShardDependencies {
  readonly db: D1Database;
  readonly clock: { now(): number };
  readonly prober: Prober;
  readonly log: (entry: object) => void;
}

/** Probes a shard and stores its samples in one statement. Delivered twice, it changes nothing. */
export async function probeShard(
  { db, clock, prober, log }: ShardDependencies,
  shard: ProbeShard,
): Promise<void> {
  const age = clock.now() - shard.tick;
  if (age > TICK_MS) {
    log({
      level: "warn",
      message: "probes dropped: their tick is over",
      tick: shard.tick,
      age_ms: age,
      failovers: shard.failovers.length,
    });
    return;
  }
  const results = new Map<ProbeTarget, ProbeResult>();
  const targets = shard.failovers
    .flatMap(({ primary, secondary, hostname }) => [primary, secondary, hostname])
    .filter((target) => target !== null);
  await inParallel(targets, CONNECTIONS, async (target) => {
    results.set(target, await prober.probeEndpoint(target));
  });
  const samples = shard.failovers.map((one): Sample => {
    const resultOf = (target: ProbeTarget | null) => (target === null ? undefined : results.get(target));
    const [primary, secondary] = [resultOf(one.primary), resultOf(one.secondary)];
    return {
      failoverId: one.id,
      tick: shard.tick,
      primary: primary ?? unknownAddress(),
      secondary: secondary ?? unknownAddress(),
      hostname: resultOf(one.hostname) ?? null,
      asked: one.hostname?.host ?? null,
    };
  });
  await recordSamples(db, samples);
}
