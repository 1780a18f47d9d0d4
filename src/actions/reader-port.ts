import type { Brake } from "../failover/brake.ts";
import type { Drill } from "../failover/drill-report.ts";
import type { Channel } from "../notifications/channel.ts";
import type { Notification } from "../notifications/notification.ts";
import type { DeliveryRow } from "../store/deliveries.ts";
import type { Freeze } from "../store/freezes.ts";
import type { FailoverEvent, FailoverView, Operation, Sample } from "../failover/results.ts";

export interface Page<T> {
  readonly items: readonly T[];
  /** Opaque; null on the last page. */
  readonly nextCursor: string | null;
}

export interface PageRequest {
  /** 1 to 100. */
  readonly limit: number;
  readonly cursor: string | null;
}

/** Of which failovers, by their ids; null means everything, also what is about no failover in particular. */
export type Among = readonly string[] | null;

export interface Readiness {
  readonly database: boolean;
  /** Whether the last tick could read Cloudflare. */
  readonly cloudflare: boolean;
  /** When the last tick began, ms since the epoch; null before the first. */
  readonly lastTickAt: number | null;
  readonly tickFresh: boolean;
  /** Until when Cloudflare refuses our calls (429), ms since the epoch. */
  readonly blockedUntil: number | null;
  /** Why nobody can be named for drift; null where the account's audit log can be read, or was never needed. */
  readonly auditLogUnreadable: string | null;
  readonly message: string;
}

export interface FleetView {
  readonly failovers: readonly FailoverView[];
  readonly freeze: Freeze | null;
  /** Null unless healing is held back because too much would change at once. */
  readonly brake: Brake | null;
}

/** What is read without asking the Coordinator: D1 is the truth. A cursor that is not ours throws `InvalidCursor`. */
export interface ReaderPort {
  /** By id or name. */
  findFailover(reference: string): Promise<FailoverView | null>;
  /** Id and name of every failover. */
  failoverNames(): Promise<readonly { readonly id: string; readonly name: string }[]>;
  listFailovers(page: PageRequest, among: Among): Promise<Page<FailoverView>>;
  findOperation(id: string): Promise<Operation | null>;
  /** Newest first; also of failovers that were deleted. `types` may have `*` for any characters; null means all. */
  listEvents(among: Among, page: PageRequest, types?: readonly string[] | null): Promise<Page<FailoverEvent>>;
  /** Newest first. */
  listSamples(failoverId: string, page: PageRequest): Promise<Page<Sample>>;
  /** Newest first. */
  listDrills(failoverId: string, page: PageRequest): Promise<Page<Drill>>;
  findDrill(failoverId: string, id: string): Promise<Drill | null>;
  /** By name. */
  listChannels(): Promise<readonly Channel[]>;
  /** By id or name. */
  findChannel(reference: string): Promise<Channel | null>;
  /** Newest first. */
  listDeliveries(channelId: string, page: PageRequest): Promise<Page<Delivery>>;
  findDelivery(channelId: string, id: string): Promise<Delivery | null>;
  /** Of some failovers only, it doesn't say what the brake holds back: that counts the others. */
  fleet(among: Among): Promise<FleetView>;
  readiness(): Promise<Readiness>;
}

/** A message on its way to a channel, or that was. */
export interface Delivery extends Omit<DeliveryRow, "message"> {
  readonly notification: Notification;
}

export class InvalidCursor extends Error {}
