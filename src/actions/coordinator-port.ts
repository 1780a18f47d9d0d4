import type { AlertingView } from "../failover/alerting-view.ts";
import type { DrillRequest } from "../failover/drill-start.ts";
import type { Condition } from "../failover/explain.ts";
import type { Side } from "../failover/failover.ts";
import type { Claim } from "../failover/idempotency.ts";
import type {
  ExplanationView,
  FleetSwitchView,
  ImportView,
  Origin,
  PlanView,
  PreflightView,
  Result,
} from "../failover/results.ts";
import type { FleetSelection } from "../failover/selection.ts";
import type { SpecInput } from "../failover/spec.ts";
import type { Channel, ChannelType, Filter } from "../notifications/channel.ts";
import type { Freeze } from "../store/freezes.ts";

/** Who asks, and the claim of the Idempotency-Key under which it is done, where there is one. */
export interface Caller extends Origin {
  readonly claim?: Claim;
}

export interface TransitionRequest {
  readonly to?: "testing" | "production" | "draft";
  readonly override?: readonly string[];
  readonly reason?: string;
  /** Of a promotion to production: for how long it is watched, if not as long as the spec says. */
  readonly bakeSeconds?: number;
  /** From If-Match, where it was sent. */
  readonly revision?: number;
}

export interface ImportAsked {
  /** The load balancer's present name. */
  readonly hostname: string;
  readonly name?: string;
  /** False asks what would be. */
  readonly confirm?: boolean;
  /** True leaves alone what a spec can't say. */
  readonly keepForeign?: boolean;
}

/** What would be, or what is managed from now on. */
export type ImportAnswer =
  | { readonly view: ImportView; readonly failoverId: null }
  | { readonly failoverId: string };

export interface ReconcileAsked {
  /** Somebody else's routing goes as well, and what an import left alone. */
  readonly healForeign?: boolean;
  readonly revision?: number;
}

export interface FleetSwitchRequest extends SwitchRequest {
  readonly to: Side;
  readonly selection: FleetSelection;
  /** False only says what would be. */
  readonly confirm: boolean;
}

export interface SwitchRequest {
  /** Whom the caller takes for active. */
  readonly expectedActive?: Side;
  /** When to do it, ms since the epoch; at once unless given. */
  readonly at?: number;
  /** Makes it a lease, which ends by itself. */
  readonly expiresInSeconds?: number;
  readonly override?: readonly string[];
  readonly reason: string;
  /** From If-Match, where it was sent. */
  readonly revision?: number;
}

export interface ChannelRequest {
  readonly name: string;
  readonly type: ChannelType;
  /** Of a pager the service's own, unless given. */
  readonly url?: string;
  readonly secret?: string;
  readonly filter?: Filter;
}

/** What isn't given stays as it is. */
export interface ChannelPatch {
  readonly name?: string;
  readonly url?: string;
  readonly secret?: string;
  /** Makes a new signing secret; the one before is used beside it for a day. */
  readonly rotateSecret?: boolean;
  readonly filter?: Filter;
  readonly enabled?: boolean;
}

/** The secret is told where it was made here, this once. */
export interface ChannelAnswer {
  readonly channel: Channel;
  readonly secret: string | null;
}

export interface AbortRequest {
  /** Which drill; the one under way unless given. */
  readonly drillId?: string;
  readonly reason?: string;
}

/**
 * The one writer, as everybody else sees it. Whatever answers `ok` is stored; the work itself follows.
 * `reference` is a failover's id or name. Failures are values: an error class does not survive the way to a Durable Object.
 */
export interface CoordinatorPort {
  /** Value: the new failover's id. */
  createFailover(input: SpecInput, caller: Caller): Promise<Result<{ failoverId: string }>>;
  /** `patch` is a JSON merge patch of the spec's members; `revision` is from If-Match and required. */
  patchFailover(
    reference: string,
    patch: Readonly<Record<string, unknown>>,
    request: { revision: number; override?: readonly string[]; reason?: string },
    origin: Origin,
  ): Promise<Result<{ failoverId: string; revision: number }>>;
  deleteFailover(
    reference: string,
    request: { mode: "destroy" | "orphan"; revision: number; override: readonly string[]; reason?: string },
    origin: Origin,
  ): Promise<Result<{ operationId: string }>>;
  promote(
    reference: string,
    request: TransitionRequest,
    caller: Caller,
  ): Promise<Result<{ operationId: string }>>;
  demote(
    reference: string,
    request: TransitionRequest,
    caller: Caller,
  ): Promise<Result<{ operationId: string }>>;
  reconcile(
    reference: string,
    request: ReconcileAsked,
    caller: Caller,
  ): Promise<Result<{ operationId: string }>>;
  /** Reads an existing load balancer afresh and, where confirmed, manages it from now on; null where it was only asked. */
  importFailover(asked: ImportAsked, caller: Caller): Promise<Result<ImportAnswer>>;
  /** Accepts the present drift of class role as wanted. */
  adopt(
    reference: string,
    request: { reason: string; revision?: number },
    caller: Caller,
  ): Promise<Result<{ failoverId: string; revision: number }>>;
  /** Reads Cloudflare afresh; where that fails the plan has a refusal that says so, never an exception. */
  plan(reference: string): Promise<Result<PlanView>>;
  /** Who serves the present hostname and by which rule, or who would if all of the conditions held. */
  explain(reference: string, conditions: readonly Condition[]): Promise<Result<ExplanationView>>;
  switchOver(
    reference: string,
    request: SwitchRequest & { readonly to: Side },
    caller: Caller,
  ): Promise<Result<{ operationId: string }>>;
  switchBack(
    reference: string,
    request: SwitchRequest,
    caller: Caller,
  ): Promise<Result<{ operationId: string }>>;
  /** Ends what waits for its hour or for approval; what has begun or ended is refused. */
  cancel(operationId: string, caller: Caller): Promise<Result<{ operationId: string }>>;
  /** Begins what waits for approval, if it would still do what the plan says; value: what was begun. */
  approve(
    operationId: string,
    request: { readonly plan: string },
    caller: Caller,
  ): Promise<Result<{ operationId: string }>>;
  reject(
    operationId: string,
    request: { readonly reason: string },
    caller: Caller,
  ): Promise<Result<{ operationId: string }>>;
  /** A rehearsal; refused wherever it could do harm. */
  startDrill(
    reference: string,
    request: DrillRequest,
    caller: Caller,
  ): Promise<Result<{ operationId: string }>>;
  abortDrill(
    reference: string,
    request: AbortRequest,
    caller: Caller,
  ): Promise<Result<{ operationId: string }>>;
  pause(
    reference: string,
    request: { expiresInSeconds: number; reason: string },
    caller: Caller,
  ): Promise<Result<{ failoverId: string }>>;
  resume(
    reference: string,
    request: { reason?: string },
    caller: Caller,
  ): Promise<Result<{ failoverId: string }>>;
  freeze(reason: string, caller: Caller): Promise<Result<Freeze>>;
  thaw(origin: Origin): Promise<Result<null>>;
  switchFleet(request: FleetSwitchRequest, caller: Caller): Promise<Result<FleetSwitchView>>;
  /** Releases exactly what the brake holds back, while it is unchanged. */
  agree(request: { brakeId: string; reason: string }, caller: Caller): Promise<Result<{ failovers: number }>>;
  /** Every check afresh, or the stored run where it is of this revision and no older than `maxAgeMs`. */
  preflight(reference: string, maxAgeMs: number, origin: Origin): Promise<Result<PreflightView>>;
  /** Every check of a spec that isn't saved; nothing is kept. */
  preflightSpec(input: SpecInput): Promise<Result<PreflightView>>;
  /** Webhooks came in: looks wherever they point to. */
  hear(): Promise<void>;
  /** Looks once more because of a stored one. */
  replayWebhook(id: string, caller: Caller): Promise<Result<{ webhookId: string }>>;
  createChannel(request: ChannelRequest, caller: Caller): Promise<Result<ChannelAnswer>>;
  patchChannel(reference: string, patch: ChannelPatch, origin: Origin): Promise<Result<ChannelAnswer>>;
  deleteChannel(reference: string, origin: Origin): Promise<Result<null>>;
  /** Sends a message that says that it is a test, whatever the filter says. */
  testChannel(reference: string, caller: Caller): Promise<Result<{ channelId: string; deliveryId: string }>>;
  /** Sends one delivery of a channel again, or where it is null all that failed. */
  redeliver(
    reference: string,
    deliveryId: string | null,
    caller: Caller,
  ): Promise<Result<{ deliveries: number }>>;
  /** How Cloudflare's side of notifications stands. Never fails: what can't be read is missing as well. */
  lookAtNotifications(): Promise<AlertingView>;
  /** Makes it so; refused where a person has to do something first. */
  setUpNotifications(caller: Caller): Promise<Result<AlertingView>>;
  tick(): Promise<void>;
}
