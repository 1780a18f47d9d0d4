import { DurableObject } from "cloudflare:workers";
import { abortDrill } from "./actions/abort-drill.ts";
import { adoptDrift } from "./actions/adopt-drift.ts";
import { advanceDue } from "./actions/advance-due.ts";
import { attributeDrift } from "./actions/attribute-drift.ts";
import type { Context } from "./actions/context.ts";
import type {
  AbortRequest,
  Caller,
  ChannelPatch,
  ChannelRequest,
  CoordinatorPort,
  FleetSwitchRequest,
  ImportAsked,
  ReconcileAsked,
  SwitchRequest,
  TransitionRequest,
} from "./actions/coordinator-port.ts";
import { agreeToBrake } from "./actions/brake-fleet.ts";
import { cancel } from "./actions/cancel.ts";
import { approve, reject } from "./actions/decide-approval.ts";
import { createChannel } from "./actions/create-channel.ts";
import { createFailover } from "./actions/create-failover.ts";
import { deleteChannel } from "./actions/delete-channel.ts";
import { deleteFailover, type DeleteRequest } from "./actions/delete-failover.ts";
import { createSender, type Sender } from "./actions/deliver.ts";
import { explainFailover } from "./actions/explain-failover.ts";
import { hearWebhooks, replayStored } from "./actions/hear-webhooks.ts";
import { fanOut } from "./actions/fan-out.ts";
import { importFailover } from "./actions/import-failover.ts";
import { freezeFleet, thawFleet } from "./actions/freeze-fleet.ts";
import { unlessTakenOver } from "./actions/idempotency-keys.ts";
import { lookAtNotifications } from "./actions/look-at-notifications.ts";
import { loadIntents } from "./actions/intents.ts";
import { demote, promote } from "./actions/move-stage.ts";
import { newId, randomId } from "./actions/new-id.ts";
import { patchChannel } from "./actions/patch-channel.ts";
import { patchFailover, type PatchRequest } from "./actions/patch-failover.ts";
import { pause, resume } from "./actions/pause.ts";
import { planFailover } from "./actions/plan-failover.ts";
import { preflightFailover, preflightSpec } from "./actions/preflight/run-preflight.ts";
import { startDrill } from "./actions/run-drill.ts";
import { createSnapshots } from "./actions/snapshot.ts";
import { redeliver } from "./actions/redeliver.ts";
import { sealTrail } from "./actions/seal-trail.ts";
import { switchFleet } from "./actions/switch-fleet.ts";
import { switchBack, switchOver } from "./actions/switch-over.ts";
import { setUpNotifications } from "./actions/set-up-notifications.ts";
import { startReconcile } from "./actions/start-reconcile.ts";
import { testChannel } from "./actions/test-channel.ts";
import { tick } from "./actions/tick.ts";
import { createTurns } from "./actions/turns.ts";
import { advanceDueProjects } from "./actions/watch-pages.ts";
import { createAccount } from "./cloudflare/account.ts";
import { createAlerting } from "./cloudflare/alerting.ts";
import { createAuditLog } from "./cloudflare/audit-log.ts";
import { createBudget, type BudgetState, type Priority } from "./cloudflare/budget.ts";
import { createDeployments } from "./cloudflare/deployments.ts";
import { createInspection } from "./cloudflare/inspection.ts";
import { createMeter } from "./cloudflare/meter.ts";
import { createTransport } from "./cloudflare/transport.ts";
import type { DrillRequest } from "./failover/drill-start.ts";
import type { Condition } from "./failover/explain.ts";
import type { Side } from "./failover/failover.ts";
import type { Origin, Result } from "./failover/results.ts";
import type { SpecInput } from "./failover/spec.ts";
import { createServices, type Services } from "./services.ts";
import { loadInstallation } from "./store/installation.ts";
import { loadNextDue } from "./store/operations.ts";
import { loadTick } from "./store/ticks.ts";

const BUDGET_KEY = "requests";
/** After a fault of D1 itself, when nobody knows what is due. */
const AFTER_FAULT_MS = 30_000;

/**
 * The only writer to one Cloudflare account: one request budget, one shared snapshot, and for each failover one thing
 * at a time. Its own storage keeps no more than the budget's level and the writes whose outcome isn't known.
 */
export class Coordinator extends DurableObject<Env> implements CoordinatorPort {
  readonly #services: Services;
  #context: Promise<Context> | undefined;
  #sender: Sender | undefined;
  #fanningOut: Promise<void> = Promise.resolve();
  #ticking: Promise<void> | undefined;
  #lookedAt: number | null = null;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#services = createServices(env);
  }

  createFailover(input: SpecInput, caller: Caller) {
    return this.#act(caller, (context, origin) => createFailover(context, input, origin));
  }

  importFailover(asked: ImportAsked, caller: Caller) {
    return this.#act(caller, (context, origin) => importFailover(context, asked, origin));
  }

  patchFailover(
    reference: string,
    patch: Readonly<Record<string, unknown>>,
    request: PatchRequest,
    origin: Origin,
  ) {
    return this.#run((context) => patchFailover(context, reference, patch, request, origin));
  }

  deleteFailover(reference: string, request: DeleteRequest, origin: Origin) {
    return this.#run((context) => deleteFailover(context, reference, request, origin));
  }

  promote(reference: string, request: TransitionRequest, caller: Caller) {
    return this.#act(caller, (context, origin) => promote(context, reference, request, origin));
  }

  demote(reference: string, request: TransitionRequest, caller: Caller) {
    return this.#act(caller, (context, origin) => demote(context, reference, request, origin));
  }

  reconcile(reference: string, request: ReconcileAsked, caller: Caller) {
    return this.#act(caller, (context, origin) => startReconcile(context, reference, request, origin));
  }

  adopt(reference: string, request: { reason: string; revision?: number }, caller: Caller) {
    return this.#act(caller, (context, origin) => adoptDrift(context, reference, request, origin));
  }

  plan(reference: string) {
    return this.#run((context) => planFailover(context, reference));
  }

  explain(reference: string, conditions: readonly Condition[]) {
    return this.#run((context) => explainFailover(context, reference, conditions));
  }

  preflight(reference: string, maxAgeMs: number, origin: Origin) {
    return this.#run((context) => preflightFailover(context, reference, maxAgeMs, origin));
  }

  preflightSpec(input: SpecInput) {
    return this.#run((context) => preflightSpec(context, input));
  }

  switchOver(reference: string, request: SwitchRequest & { readonly to: Side }, caller: Caller) {
    return this.#act(caller, (context, origin) => switchOver(context, reference, request, origin));
  }

  switchBack(reference: string, request: SwitchRequest, caller: Caller) {
    return this.#act(caller, (context, origin) => switchBack(context, reference, request, origin));
  }

  cancel(operationId: string, caller: Caller) {
    return this.#act(caller, (context, origin) => cancel(context, operationId, origin));
  }

  approve(operationId: string, request: { plan: string }, caller: Caller) {
    return this.#act(caller, (context, origin) => approve(context, operationId, request, origin));
  }

  reject(operationId: string, request: { reason: string }, caller: Caller) {
    return this.#act(caller, (context, origin) => reject(context, operationId, request, origin));
  }

  startDrill(reference: string, request: DrillRequest, caller: Caller) {
    return this.#act(caller, (context, origin) => startDrill(context, reference, request, origin));
  }

  abortDrill(reference: string, request: AbortRequest, caller: Caller) {
    return this.#act(caller, (context, origin) => abortDrill(context, reference, request, origin));
  }

  pause(reference: string, request: { expiresInSeconds: number; reason: string }, caller: Caller) {
    return this.#act(caller, (context, origin) => pause(context, reference, request, origin));
  }

  resume(reference: string, request: { reason?: string }, caller: Caller) {
    return this.#act(caller, (context, origin) => resume(context, reference, request, origin));
  }

  freeze(reason: string, caller: Caller) {
    return this.#act(caller, (context, origin) => freezeFleet(context, reason, origin));
  }

  switchFleet(request: FleetSwitchRequest, caller: Caller) {
    return this.#act(caller, (context, origin) => switchFleet(context, request, origin));
  }

  agree(request: { brakeId: string; reason: string }, caller: Caller) {
    return this.#act(caller, (context, origin) => agreeToBrake(context, request, origin));
  }

  thaw(origin: Origin) {
    return this.#run((context) => thawFleet(context, origin));
  }

  hear() {
    return this.#run((context) => hearWebhooks(context));
  }

  replayWebhook(id: string, caller: Caller) {
    return this.#act(caller, (context) => replayStored(context, id));
  }

  createChannel(request: ChannelRequest, caller: Caller) {
    return this.#act(caller, (context, origin) => createChannel(context, request, origin));
  }

  patchChannel(reference: string, patch: ChannelPatch, origin: Origin) {
    return this.#run((context) => patchChannel(context, reference, patch, origin));
  }

  deleteChannel(reference: string, origin: Origin) {
    return this.#run((context) => deleteChannel(context, reference, origin));
  }

  testChannel(reference: string, caller: Caller) {
    return this.#act(caller, (context, origin) => testChannel(context, reference, origin));
  }

  redeliver(reference: string, deliveryId: string | null, caller: Caller) {
    return this.#act(caller, (context) => redeliver(context, reference, deliveryId));
  }

  lookAtNotifications() {
    return this.#run((context) => lookAtNotifications(context));
  }

  setUpNotifications(caller: Caller) {
    return this.#act(caller, (context, origin) => setUpNotifications(context, origin));
  }

  /** A tick that still runs absorbs the next one. */
  tick(): Promise<void> {
    this.#ticking ??= this.#run(async (context) => {
      try {
        ({ lookedAt: this.#lookedAt } = await tick(context));
        await hearWebhooks(context);
        await this.#advanceDue(context);
        await attributeDrift(context);
        await sealTrail(context);
      } catch (error) {
        this.#services.log({ level: "error", message: "a tick could not be finished", error: String(error) });
      }
    }).finally(() => {
      this.#ticking = undefined;
    });
    return this.#ticking;
  }

  /** Due sooner than the next minute. Never throws: a thrown alarm is retried at moments of the platform's choosing. */
  override async alarm(): Promise<void> {
    try {
      await this.#run((context) => this.#advanceDue(context));
    } catch (error) {
      this.#services.log({ level: "error", message: "an alarm could not be finished", error: String(error) });
      await this.#setAlarm(this.#services.clock.now() + AFTER_FAULT_MS);
    }
  }

  async #advanceDue(context: Context): Promise<void> {
    await advanceDue(context);
    await advanceDueProjects(context);
  }

  /** What a request asks for: its claim goes into the batch of what is done, and nowhere else. */
  #act<T>(
    { claim, ...origin }: Caller,
    work: (context: Context, origin: Origin) => Promise<Result<T>>,
  ): Promise<Result<T>> {
    return this.#run((context) => unlessTakenOver(() => work({ ...context, claim: claim ?? null }, origin)));
  }

  async #run<T>(work: (context: Context) => Promise<T>): Promise<T> {
    const context = await this.#prepare();
    try {
      return await work(context);
    } finally {
      await this.ctx.storage.put<BudgetState>(BUDGET_KEY, context.budget.state());
      await this.#tellAll(context);
      await this.#setNextAlarm();
    }
  }

  /** Turns what happened into messages. */
  async #tellAll(context: Context): Promise<void> {
    this.#fanningOut = this.#fanningOut
      .then(() => fanOut(context))
      .catch((error: unknown) => {
        const message = "what happened could not be turned into messages";
        this.#services.log({ level: "error", message, error: String(error) });
      });
    await this.#fanningOut;
    this.#sender ??= createSender(context, async () => {
      await this.#tellAll(context);
      await this.#setNextAlarm();
    });
  }

  /** What is to be sent now is begun: that nobody waits for. */
  async #setNextAlarm(): Promise<void> {
    const { db, settings, clock, log } = this.#services;
    try {
      const { message, work } = await loadNextDue(db, settings.accountId, this.#sender?.busy() ?? []);
      const isToBeSent = message !== null && message <= clock.now();
      if (isToBeSent) this.#sender?.wake();
      const known = [work, isToBeSent ? null : message].filter((at) => at !== null);
      await this.#setAlarm(known.length === 0 ? null : Math.min(...known));
    } catch (error) {
      log({ level: "error", message: "what is due next could not be read", error: String(error) });
      await this.#setAlarm(clock.now() + AFTER_FAULT_MS);
    }
  }

  /** There is one alarm: the earliest due time over all rows. */
  async #setAlarm(dueAt: number | null): Promise<void> {
    if (dueAt === null) await this.ctx.storage.deleteAlarm();
    else await this.ctx.storage.setAlarm(this.#services.clock.realInstantOf(dueAt));
  }

  /** Made on first use, again after a fault: D1 may be out of reach when the object wakes. */
  #prepare(): Promise<Context> {
    this.#context ??= this.#createContext().catch((error: unknown) => {
      this.#context = undefined;
      throw error;
    });
    return this.#context;
  }

  async #createContext(): Promise<Context> {
    const { settings, clock, db, probes, prober, inspector, resolve, notifications, log } = this.#services;
    const { accountId, apiToken, apiBaseURL: baseURL, timeoutMs } = settings;
    const budget = createBudget(clock, await this.ctx.storage.get<BudgetState>(BUDGET_KEY));
    const call = createTransport({
      apiToken,
      baseURL,
      timeoutMs,
      budget,
      fetch: (input, init) => fetch(input, init),
    });
    const cloudflare = (priority: Priority) => createAccount(call, accountId, priority);
    const remembered = {};
    const position = {};
    const inspecting: Context["inspecting"] = (priority, limits) => {
      const meter = createMeter(call, limits);
      return {
        meter,
        account: createAccount(meter.call, accountId, priority),
        inspection: createInspection(meter.call, accountId, priority, remembered),
      };
    };
    this.#lookedAt = (await loadTick(db, accountId))?.lookedAt ?? null;
    return {
      accountId,
      incarnation: randomId(8),
      installation: await loadInstallation(db, randomId(8)),
      db,
      clock,
      budget,
      cloudflare,
      deployments: (priority) => createDeployments(call, accountId, priority, position),
      alerting: {
        at: (priority) => createAlerting(call, accountId, priority),
        url: settings.publicURL === null ? null : `${settings.publicURL}/webhooks/cloudflare`,
        secret: settings.webhookSecrets.cloudflare,
      },
      inspecting,
      auditLog: createAuditLog(call, accountId, "poll", {}),
      intents: await loadIntents(this.ctx.storage, clock),
      snapshots: createSnapshots(cloudflare, clock),
      prober,
      inspector,
      resolve,
      notifications,
      probes,
      keepEventsMs: settings.keepEventsMs,
      lastLookAt: () => this.#lookedAt,
      newId,
      claim: null,
      log,
      ...createTurns(),
    };
  }
}
