import type { CoordinatorPort } from "./actions/coordinator-port.ts";
import { createKeys, type KeysPort } from "./actions/idempotency-keys.ts";
import { createInbox, type Inbox } from "./actions/inbox.ts";
import { createReader } from "./actions/reader.ts";
import type { Context } from "./actions/context.ts";
import type { ReaderPort } from "./actions/reader-port.ts";
import { createTokens } from "./actions/tokens.ts";
import { createTrail } from "./actions/trail.ts";
import type { TrailPort } from "./actions/trail-port.ts";
import type { TokensPort } from "./actions/tokens-port.ts";
import { createAccessVerifier } from "./api/access-jwt.ts";
import type { ApiDependencies } from "./api/dependencies.ts";
import { createClock, type ServiceClock } from "./clock.ts";
import { createInspector, type Inspector } from "./probing/inspect.ts";
import { createProber, type Prober } from "./probing/prober.ts";
import { createResolve, type Resolve } from "./probing/resolve.ts";
import { connect } from "./probing/socket.ts";
import { createVault } from "./notifications/sealing.ts";
import { throughEgress } from "./notifications/send.ts";
import { readSettings, type Settings } from "./settings.ts";

/** All that the Worker works with, made once from its environment and passed on as plain objects. */
export interface Services {
  readonly settings: Settings;
  readonly clock: ServiceClock;
  readonly db: D1Database;
  readonly probes: Queue;
  readonly prober: Prober;
  readonly inspector: Inspector;
  readonly resolve: Resolve;
  readonly notifications: Context["notifications"];
  readonly reader: ReaderPort;
  readonly trail: TrailPort;
  readonly tokens: TokensPort;
  readonly keys: KeysPort;
  readonly inbox: Inbox;
  readonly webhookSecrets: ApiDependencies["webhookSecrets"];
  readonly access: ApiDependencies["access"];
  readonly limits: ApiDependencies["limits"];
  readonly assets: ApiDependencies["assets"];
  /** The one writer of this account. */
  readonly coordinator: CoordinatorPort;
  readonly log: (entry: object) => void;
}

/** Structured, one line an entry: what Workers Logs index by. */
function log(entry: object): void {
  console.log(JSON.stringify(entry));
}

/** How messages are made and leave; `resolve` asks what a receiver's name stands for. */
function notificationsOf(
  { dataKeys, publicURL, notifyTimeoutMs }: Settings,
  resolve: Resolve,
  egress: Fetcher | undefined,
): Context["notifications"] {
  return {
    vault: dataKeys === null ? null : createVault(dataKeys),
    send: {
      fetch:
        egress === undefined
          ? (request) => fetch(request)
          : throughEgress({ fetch: (request) => egress.fetch(request) }),
      async addressesOf(name) {
        const asked = await resolve(name);
        return asked.state === "known" ? asked.value : null;
      },
      timeoutMs: notifyTimeoutMs,
    },
    linkOf: (name) =>
      publicURL === null ? null : `${publicURL}/v1/${name === null ? "fleet" : `failovers/${name}`}`,
  };
}

export function createServices(env: Env): Services {
  const settings = readSettings(env);
  const clock = createClock(settings.clockRate, settings.clockEpochMs);
  const {
    DB: db,
    PROBES: probes,
    COORDINATOR: namespace,
    EGRESS: egress,
    ASSETS: assets = null,
    REQUESTS: requests = null,
    FAILURES: failures = null,
  } = env as Omit<Env, "REQUESTS" | "FAILURES" | "ASSETS"> & {
    ASSETS?: Fetcher;
    EGRESS?: Fetcher;
    REQUESTS?: RateLimit;
    FAILURES?: RateLimit;
  };
  const outside = {
    fetch: (request: Request) => fetch(request),
    connect,
    egress,
    secretHeader: settings.probeHeader,
  };
  const prober = createProber({ ...outside, clock: { now: () => Date.now() } });
  const inspector = createInspector({ ...outside, random: () => crypto.randomUUID() });
  const resolve = createResolve(outside);
  const notifications = notificationsOf(settings, resolve, egress);
  const writer = () => namespace.get(namespace.idFromName(settings.accountId));
  // Each call asks for the object anew: a handle that saw it fall over stays broken.
  const coordinator: CoordinatorPort = {
    createFailover: (input, origin) => writer().createFailover(input, origin),
    importFailover: (asked, origin) => writer().importFailover(asked, origin),
    patchFailover: (reference, patch, request, origin) =>
      writer().patchFailover(reference, patch, request, origin),
    deleteFailover: (reference, request, origin) => writer().deleteFailover(reference, request, origin),
    promote: (reference, request, origin) => writer().promote(reference, request, origin),
    demote: (reference, request, origin) => writer().demote(reference, request, origin),
    reconcile: (reference, request, origin) => writer().reconcile(reference, request, origin),
    adopt: (reference, request, origin) => writer().adopt(reference, request, origin),
    plan: (reference) => writer().plan(reference),
    explain: (reference, conditions) => writer().explain(reference, conditions),
    preflight: (reference, maxAgeMs, origin) => writer().preflight(reference, maxAgeMs, origin),
    preflightSpec: (input) => writer().preflightSpec(input),
    switchOver: (reference, request, origin) => writer().switchOver(reference, request, origin),
    switchBack: (reference, request, origin) => writer().switchBack(reference, request, origin),
    cancel: (operationId, origin) => writer().cancel(operationId, origin),
    approve: (operationId, request, caller) => writer().approve(operationId, request, caller),
    reject: (operationId, request, caller) => writer().reject(operationId, request, caller),
    startDrill: (reference, request, origin) => writer().startDrill(reference, request, origin),
    abortDrill: (reference, request, origin) => writer().abortDrill(reference, request, origin),
    pause: (reference, request, origin) => writer().pause(reference, request, origin),
    resume: (reference, request, origin) => writer().resume(reference, request, origin),
    freeze: (reason, origin) => writer().freeze(reason, origin),
    thaw: (origin) => writer().thaw(origin),
    switchFleet: (request, origin) => writer().switchFleet(request, origin),
    agree: (request, origin) => writer().agree(request, origin),
    hear: () => writer().hear(),
    replayWebhook: (id, caller) => writer().replayWebhook(id, caller),
    createChannel: (request, origin) => writer().createChannel(request, origin),
    patchChannel: (reference, patch, origin) => writer().patchChannel(reference, patch, origin),
    deleteChannel: (reference, origin) => writer().deleteChannel(reference, origin),
    testChannel: (reference, origin) => writer().testChannel(reference, origin),
    redeliver: (reference, deliveryId, caller) => writer().redeliver(reference, deliveryId, caller),
    lookAtNotifications: () => writer().lookAtNotifications(),
    setUpNotifications: (origin) => writer().setUpNotifications(origin),
    tick: () => writer().tick(),
  };
  const reader = createReader({ db, accountId: settings.accountId, clock });
  const trail = createTrail({ db, accountId: settings.accountId });
  const { webhookSecrets } = settings;
  const inbox = createInbox({
    db,
    accountId: settings.accountId,
    clock,
    secrets: [
      settings.apiToken,
      settings.adminToken,
      ...webhookSecrets.deploys,
      webhookSecrets.cloudflare ?? [],
    ].flat(),
  });
  const keys = createKeys({ db, accountId: settings.accountId, clock });
  const tokens = createTokens({ db, accountId: settings.accountId, clock });
  const access =
    settings.access === null
      ? null
      : {
          verify: createAccessVerifier(settings.access, { fetch: outside.fetch, clock, log }),
          grants: settings.access.grants,
        };
  const limits = { requests, requestsPerMinute: settings.requestsPerMinute, failures };
  return {
    settings,
    clock,
    db,
    probes,
    prober,
    inspector,
    resolve,
    notifications,
    reader,
    trail,
    tokens,
    keys,
    inbox,
    webhookSecrets,
    access,
    limits,
    assets,
    coordinator,
    log,
  };
}
