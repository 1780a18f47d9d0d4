import { leasesInForce } from "../failover/leases.ts";
import type { Notification } from "../notifications/notification.ts";
import { viewOf } from "../failover/status.ts";
import type { FailoverView } from "../failover/results.ts";
import { loadAuditLogState, type AuditLogState } from "../store/attributions.ts";
import { loadDrill, loadDrills } from "../store/drills.ts";
import { loadChannel, loadChannels } from "../store/channels.ts";
import { loadDeliveries, loadDelivery, type DeliveryRow } from "../store/deliveries.ts";
import { loadEvents } from "../store/events.ts";
import { loadRecords, type FailoverRecord } from "../store/failovers.ts";
import { loadBrake } from "../store/brakes.ts";
import { loadFreeze } from "../store/freezes.ts";
import { loadOperation } from "../store/operations.ts";
import { loadPreflightSummaries } from "../store/preflights.ts";
import { loadSamples } from "../store/samples.ts";
import { loadTick, type Tick } from "../store/ticks.ts";
import { loadFailoverNames } from "../store/tokens.ts";
import { toChannel } from "./channel-secrets.ts";
import { afterId, numberFrom, page } from "./paging.ts";
import type { Delivery, ReaderPort } from "./reader-port.ts";

/** A cron that misses this long is a fault to show: three ticks. */
const TICK_FRESH_MS = 180_000;

function toDelivery({ message, ...row }: DeliveryRow): Delivery {
  return { ...row, notification: JSON.parse(message) as Notification };
}

export interface ReaderDependencies {
  readonly db: D1Database;
  readonly accountId: string;
  readonly clock: { now(): number };
}

/** Answers what was asked from D1 alone; witnesses are judged as of now. */
export function createReader({ db, accountId, clock }: ReaderDependencies): ReaderPort {
  const viewsOf = async (records: readonly FailoverRecord[], tick: Tick | null): Promise<FailoverView[]> => {
    const preflights = await loadPreflightSummaries(
      db,
      records.map(({ failover }) => failover.id),
    );
    return records.map((record) =>
      viewOf(record.failover, record.status, record, {
        lookedAt: tick?.lookedAt ?? null,
        operation: record.operation,
        preflight: preflights.get(record.failover.id) ?? null,
        leases: leasesInForce(record.leases, clock.now()),
        freeze: record.freeze,
        drillOpening: record.drillOpening,
        now: clock.now(),
      }),
    );
  };

  return {
    async findFailover(reference) {
      const [records, tick] = await Promise.all([
        loadRecords(db, accountId, { reference }, clock.now()),
        loadTick(db, accountId),
      ]);
      return (await viewsOf(records, tick))[0] ?? null;
    },

    failoverNames: () => loadFailoverNames(db, accountId),

    async listFailovers(request, among) {
      const selection = { after: afterId(request), limit: request.limit + 1, among };
      const [records, tick] = await Promise.all([
        // The tick names in the log what can't be read.
        loadRecords(db, accountId, selection, clock.now(), () => undefined),
        loadTick(db, accountId),
      ]);
      return page(await viewsOf(records, tick), request.limit, (last) => last.id);
    },

    findOperation: (id) => loadOperation(db, accountId, id),

    async listEvents(among, request, types = null) {
      const events = await loadEvents(db, accountId, among, types, numberFrom(request), request.limit + 1);
      return page(events, request.limit, (last) => last.seq ?? 0);
    },

    async listSamples(failoverId, request) {
      const samples = await loadSamples(db, failoverId, numberFrom(request), request.limit + 1);
      return page(samples, request.limit, (last) => last.tick);
    },

    async listDrills(failoverId, request) {
      const rows = await loadDrills(db, failoverId, numberFrom(request), request.limit + 1);
      const { items, nextCursor } = page(rows, request.limit, (last) => last.seq);
      return { items: items.map(({ drill }) => drill), nextCursor };
    },

    findDrill: (failoverId, id) => loadDrill(db, failoverId, id),

    listChannels: async () => (await loadChannels(db, accountId)).map(toChannel),

    async findChannel(reference) {
      const row = await loadChannel(db, accountId, reference);
      return row === null ? null : toChannel(row);
    },

    async listDeliveries(channelId, request) {
      const rows = await loadDeliveries(db, channelId, numberFrom(request), request.limit + 1);
      const { items, nextCursor } = page(rows, request.limit, (last) => last.seq);
      return { items: items.map(toDelivery), nextCursor };
    },

    async findDelivery(channelId, id) {
      const row = await loadDelivery(db, channelId, id);
      return row === null ? null : toDelivery(row);
    },

    async fleet(among) {
      const [records, tick, freeze, brake] = await Promise.all([
        loadRecords(db, accountId, { all: true, among }, clock.now(), () => undefined),
        loadTick(db, accountId),
        loadFreeze(db, accountId),
        loadBrake(db, accountId),
      ]);
      const isEngaged = among === null && Object.keys(brake?.held ?? {}).length > 0;
      return { failovers: await viewsOf(records, tick), freeze, brake: isEngaged ? brake : null };
    },

    async readiness() {
      const now = clock.now();
      let tick: Tick | null;
      let auditLog: AuditLogState | null;
      try {
        [tick, auditLog] = await Promise.all([loadTick(db, accountId), loadAuditLogState(db, accountId)]);
      } catch {
        const message = "D1 can't be read";
        return {
          database: false,
          cloudflare: false,
          lastTickAt: null,
          tickFresh: false,
          blockedUntil: null,
          auditLogUnreadable: null,
          message,
        };
      }
      const tickFresh = tick !== null && now - tick.startedAt <= TICK_FRESH_MS;
      const cloudflare = tick !== null && tick.unreadable === null;
      const message = !tickFresh
        ? "no tick has run in the last three minutes: is the cron trigger deployed?"
        : (tick?.unreadable ?? "ready");
      return {
        database: true,
        cloudflare,
        lastTickAt: tick?.startedAt ?? null,
        tickFresh,
        blockedUntil: tick?.blockedUntil ?? null,
        auditLogUnreadable: auditLog?.unreadable ?? null,
        message,
      };
    },
  };
}
