import { completeSpec } from "../failover/complete.ts";
import { CloudflareError } from "../cloudflare/errors.ts";
import { SIDES, type Side } from "../failover/failover.ts";
import { chooseHealthReads, mostHealthReads, type HealthRead } from "../failover/health-reads.ts";
import type { PoolHealth } from "../failover/verdict.ts";
import { KEY_LASTS_MS } from "../failover/idempotency.ts";
import { commit, loadRecords, type FailoverRecord } from "../store/failovers.ts";
import { pruneWatches } from "../store/pages.ts";
import { pruneDeliveries } from "../store/deliveries.ts";
import { pruneKeys } from "../store/idempotency-keys.ts";
import { pruneSamples } from "../store/samples.ts";
import { saveTick } from "../store/ticks.ts";
import { pruneWebhooks } from "../store/webhooks.ts";
import { announceVerdicts } from "./announce.ts";
import { brakeFleet } from "./brake-fleet.ts";
import type { Context } from "./context.ts";
import { failBack } from "./fail-back.ts";
import { inParallel } from "./in-parallel.ts";
import { readPoolHealth } from "./look.ts";
import { repeatPreflights } from "./preflight/repeat.ts";
import { BATCH_BYTES, packed, shardProbes } from "./probe-shard.ts";
import { pruneEvents } from "./prune-trail.ts";
import { SYSTEM } from "./record.ts";
import { reconcile } from "./reconcile.ts";
import { rehearseOnSchedule } from "./rehearse-on-schedule.ts";
import { servedProjects } from "./served-projects.ts";
import type { Snapshot } from "./snapshot.ts";
import { sweepRemains } from "./sweep-remains.ts";
import { watchPages } from "./watch-pages.ts";

/** So many failovers at once: a dead Cloudflare holds each for a few time-outs, and they must not add up. */
const WIDTH = 5;
/** Samples are kept for a day. */
const KEEP_SAMPLES_MS = 86_400_000;
/** What was sent, or wasn't, for thirty. */
const KEEP_DELIVERIES_MS = 30 * 86_400_000;
/** Webhooks for thirty days. */
const KEEP_WEBHOOKS_MS = 30 * 86_400_000;

type HealthByFailover = Map<string, Partial<Record<Side, PoolHealth>>>;

async function enqueueProbes(
  context: Context,
  records: readonly FailoverRecord[],
  startedAt: number,
): Promise<void> {
  const shards = shardProbes(
    records.filter(({ failover }) => failover.deleting === null),
    startedAt,
  );
  for (const batch of packed(shards, 100, BATCH_BYTES)) {
    try {
      await context.probes.sendBatch(batch.map((body) => ({ body })));
    } catch (error) {
      // One that isn't taken silences no other.
      context.log({ level: "error", message: "probes could not be queued", error: String(error) });
    }
  }
}

function hintsOf(record: FailoverRecord, snapshot: Snapshot): Partial<Record<Side, boolean>> {
  if (!snapshot.pools.ok) return {};
  const { objects } = snapshot.pools.listing;
  const hints = SIDES.flatMap((side) => {
    const healthy = objects.find(({ id }) => id === record.failover.ids[side])?.["healthy"];
    return typeof healthy === "boolean" ? [[side, healthy] as const] : [];
  });
  return Object.fromEntries(hints);
}

export async function readHealth(
  context: Context,
  records: readonly FailoverRecord[],
  snapshot: Snapshot,
  listCalls: number,
): Promise<HealthByFailover> {
  const byId = new Map(records.map((record) => [record.failover.id, record]));
  const candidates = records.map((record) => ({ ...record, hints: hintsOf(record, snapshot) }));
  const most = mostHealthReads(listCalls, context.budget.left("poll"));
  const read: HealthByFailover = new Map();
  await inParallel(
    chooseHealthReads(candidates, context.clock.now(), most),
    WIDTH,
    async ({ failoverId, side, poolId }: HealthRead) => {
      const record = byId.get(failoverId);
      const address =
        record === undefined
          ? null
          : completeSpec(record.failover.input, record.failover.facts)[side].address;
      if (record === undefined || address === null) return;
      try {
        const health = await readPoolHealth(context, poolId, address, record.health[side], "poll");
        read.set(failoverId, { ...read.get(failoverId), [side]: health });
      } catch (error) {
        // What isn't read grows old, and an old reading says so by itself.
        if (!(error instanceof CloudflareError)) throw error;
      }
    },
  );
  return read;
}

export async function lookAt(
  context: Context,
  given: FailoverRecord,
  turns: number,
  snapshot: Snapshot,
  read: HealthByFailover,
): Promise<void> {
  const { id } = given.failover;
  await context.alone(id, async () => {
    // Whoever had it meanwhile may have changed it; an untouched one is as it was read with all the others.
    const touched = context.turnsOf(id) !== turns;
    const record = touched
      ? (await loadRecords(context.db, context.accountId, { reference: id }, context.clock.now()))[0]
      : given;
    if (record === undefined || record.failover.deleting !== null) return;
    const request = { asked: false, origin: SYSTEM, priority: "heal" } as const;
    const shared = async () => snapshot;
    const looked = await reconcile(context, record, shared, request);
    const { failover } = looked;
    const health = touched ? {} : (read.get(id) ?? {});
    const status = await announceVerdicts(context, { ...record, failover }, looked.status, health);
    await failBack(context, record, { failover, status, read: health }, shared);
  });
}

function logFault(context: Context, failoverId: string, error: unknown): void {
  context.log({
    level: "error",
    message: "a failover could not be looked at",
    failover_id: failoverId,
    error: String(error),
  });
}

function whyUnreadable(snapshot: Snapshot): string | null {
  const readings = [snapshot.monitors, snapshot.pools, ...snapshot.loadBalancers.values()];
  const failed = readings.find((reading) => !reading.ok);
  return failed === undefined || failed.ok ? null : failed.why;
}

/** One look at everything: probe, read once, heal or report each failover, judge, and write down what changed. */
export async function tick(context: Context): Promise<{ lookedAt: number | null }> {
  const startedAt = context.clock.now();
  const turns = context.allTurns();
  let isComplete = true;
  const records = await loadRecords(context.db, context.accountId, { all: true }, startedAt, (id, error) => {
    isComplete = false;
    logFault(context, id, error);
  });
  await enqueueProbes(context, records, startedAt);
  const zoneIds = records.flatMap(({ failover }) => failover.facts.zone?.id ?? []);
  const before = context.budget.left("poll");
  const projects = [...servedProjects(records).keys()];
  const readAt = context.clock.now();
  const [snapshot, pages] = await Promise.all([
    context.snapshots.take(zoneIds, "poll"),
    context.deployments("poll").servingOf(projects),
  ]);
  const listCalls = before - context.budget.left("poll");
  const read = await readHealth(context, records, snapshot, listCalls);
  await inParallel(await brakeFleet(context, records, snapshot), WIDTH, async (record) => {
    try {
      await lookAt(context, record, turns.get(record.failover.id) ?? 0, snapshot, read);
    } catch (error) {
      // A fault in one never stops the next.
      logFault(context, record.failover.id, error);
    }
  });
  await watchPages(context, { records, read: pages, readAt, noticedBy: "cron" });
  await rehearseOnSchedule(context, records);
  await repeatPreflights(context, snapshot).catch((error: unknown) => {
    context.log({ level: "error", message: "preflights could not be repeated", error: String(error) });
  });
  await sweepRemains(context, snapshot, new Set(records.map(({ failover }) => failover.id)));
  const unreadable = whyUnreadable(snapshot);
  const lookedAt = unreadable === null ? snapshot.readAt : context.lastLookAt();
  const finishedAt = context.clock.now();
  const isFirstOfHour =
    Math.floor(startedAt / 3_600_000) !== Math.floor(finishedAt / 3_600_000) ||
    startedAt % 3_600_000 < 60_000;
  await commit(context.db, [
    saveTick(context.db, context.accountId, {
      startedAt,
      finishedAt,
      lookedAt,
      unreadable,
      blockedUntil: context.budget.blockedUntil(),
    }),
    ...(!isFirstOfHour
      ? []
      : [
          pruneSamples(context.db, finishedAt - KEEP_SAMPLES_MS),
          pruneKeys(context.db, context.accountId, finishedAt - KEY_LASTS_MS),
          pruneDeliveries(context.db, finishedAt - KEEP_DELIVERIES_MS),
          pruneWebhooks(context.db, context.accountId, finishedAt - KEEP_WEBHOOKS_MS),
          // The projects of a failover that can't be read are none that nobody has any more.
          ...(isComplete ? [pruneWatches(context.db, context.accountId, projects)] : []),
        ]),
  ]);
  if (isFirstOfHour && context.keepEventsMs !== null)
    await pruneEvents(context, finishedAt - context.keepEventsMs);
  return { lookedAt };
}
