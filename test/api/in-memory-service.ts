// Both ports over arrays, for what is HTTP's alone: the real ones are tested with D1 and the simulator.
import type { CoordinatorPort } from "../../src/actions/coordinator-port.ts";
import {
  InvalidCursor,
  type Page,
  type PageRequest,
  type Readiness,
  type ReaderPort,
} from "../../src/actions/reader-port.ts";
import type { KeysPort } from "../../src/actions/idempotency-keys.ts";
import type { Inbox } from "../../src/actions/inbox.ts";
import type { TokensPort } from "../../src/actions/tokens-port.ts";
import type { TrailPort } from "../../src/actions/trail-port.ts";
import { createApp } from "../../src/api/app.ts";
import type { ApiDependencies } from "../../src/api/dependencies.ts";
import type { Token } from "../../src/failover/access.ts";
import { decideKey, type KeyRecord } from "../../src/failover/idempotency.ts";
import type { Drill } from "../../src/failover/drill-report.ts";
import {
  fail,
  ok,
  type Failure,
  type FailoverEvent,
  type Result,
  type Sample,
} from "../../src/failover/results.ts";
import { linkOf } from "../../src/failover/trail.ts";
import type { StoredWebhook } from "../../src/store/webhooks.ts";
import { isJson, requireConformance } from "./conformance.ts";
import {
  aChannel,
  aDelivery,
  anAlertingView,
  aFailover,
  aFreeze,
  anExplanation,
  anImport,
  anOperation,
  aPlan,
  aToken,
  aPreflight,
  NOON,
} from "./builders.ts";

export const TOKEN = "test-admin-token-Qk27";

/** Cursors are the index of the next item. */
function pageOf<T>(items: readonly T[], { limit, cursor }: PageRequest): Page<T> {
  if (cursor !== null && !/^\d+$/.test(cursor)) throw new InvalidCursor("not a number");
  const start = Number(cursor ?? 0);
  const end = start + limit;
  return { items: items.slice(start, end), nextCursor: end < items.length ? String(end) : null };
}

/** What a test sets before a request and looks at after it. */
export class World {
  now = NOON;
  failovers = [aFailover()];
  operations = [anOperation()];
  events: FailoverEvent[] = [];
  samples: Sample[] = [];
  drills: Drill[] = [];
  channels = [aChannel()];
  deliveries = [aDelivery()];
  webhooks: StoredWebhook[] = [];
  /** How Cloudflare's side of notifications stands. */
  alerting = anAlertingView();
  /** What an import answers. */
  imported = anImport();
  readiness: Readiness = {
    database: true,
    cloudflare: true,
    lastTickAt: NOON,
    tickFresh: true,
    blockedUntil: null,
    auditLogUnreadable: null,
    message: "ready",
  };
  /** What every action answers, where set. */
  failure: Failure | null = null;
  /** What both ports throw, where set. */
  exception: Error | null = null;
  /** Every call of an action, with what it was given. */
  readonly actions: { readonly verb: string; readonly given: readonly unknown[] }[] = [];
  reads = 0;
  tokens: Token[] = [];
  readonly keys = new Map<string, KeyRecord>();
  claims = 0;
  /** Ids of tokens whose use was noted. */
  readonly used: string[] = [];
  access: ApiDependencies["access"] = null;
  limits: ApiDependencies["limits"] = { requests: null, requestsPerMinute: null, failures: null };
  assets: ApiDependencies["assets"] = null;
  readonly logged: object[] = [];
  readonly slept: number[] = [];
  whenSlept: () => void = () => {};

  find(reference: string) {
    return this.failovers.find(({ id, name }) => id === reference || name === reference) ?? null;
  }
}

function coordinatorOf(world: World): CoordinatorPort {
  async function act<T>(verb: string, value: T, given: readonly unknown[]): Promise<Result<T>> {
    world.actions.push({ verb, given });
    if (world.exception !== null) throw world.exception;
    if (world.failure !== null) return { ok: false, failure: world.failure };
    const needsNone = [
      "createFailover",
      "importFailover",
      "preflightSpec",
      "freeze",
      "thaw",
      "agree",
      "switchFleet",
      "replayWebhook",
      "cancel",
      "approve",
      "reject",
      "createChannel",
      "patchChannel",
      "deleteChannel",
      "testChannel",
      "redeliver",
      "setUpNotifications",
    ].includes(verb);
    const found = needsNone || world.find(String(given[0])) !== null;
    return found ? ok(value) : fail("not-found", "There is no failover with this id or name.");
  }
  const changed = { failoverId: "fo_abc", revision: 3 };
  const accepted = { operationId: "op_abc" };
  return {
    createFailover: (...given) => act("createFailover", changed, given),
    importFailover: (...given) => act("importFailover", world.imported, given),
    patchFailover: (...given) => act("patchFailover", changed, given),
    deleteFailover: (...given) => act("deleteFailover", accepted, given),
    promote: (...given) => act("promote", accepted, given),
    demote: (...given) => act("demote", accepted, given),
    reconcile: (...given) => act("reconcile", accepted, given),
    adopt: (...given) => act("adopt", changed, given),
    plan: (...given) => act("plan", aPlan(), given),
    explain: (...given) => act("explain", anExplanation(), given),
    preflight: (...given) => act("preflight", aPreflight(), given),
    preflightSpec: (...given) => act("preflightSpec", aPreflight(), given),
    switchOver: (...given) => act("switchOver", accepted, given),
    switchBack: (...given) => act("switchBack", accepted, given),
    approve: (...given) => act("approve", accepted, given),
    reject: (...given) => act("reject", accepted, given),
    cancel: (...given) => act("cancel", accepted, given),
    startDrill: (...given) => act("startDrill", accepted, given),
    abortDrill: (...given) => act("abortDrill", accepted, given),
    pause: (...given) => act("pause", changed, given),
    resume: (...given) => act("resume", changed, given),
    freeze: (...given) => act("freeze", aFreeze(), given),
    thaw: (...given) => act("thaw", null, given),
    switchFleet: (...given) => act("switchFleet", { dryRun: true, items: [] }, given),
    createChannel: (...given) => act("createChannel", { channel: aChannel(), secret: null }, given),
    patchChannel: (...given) => act("patchChannel", { channel: aChannel(), secret: null }, given),
    deleteChannel: (...given) => act("deleteChannel", null, given),
    testChannel: (...given) =>
      act("testChannel", { channelId: aChannel().id, deliveryId: aDelivery().id }, given),
    redeliver: (...given) => act("redeliver", { deliveries: 1 }, given),
    agree: (...given) => act("agree", { failovers: 1 }, given),
    hear: async () => {
      world.actions.push({ verb: "hear", given: [] });
    },
    replayWebhook: (...given) => act("replayWebhook", { webhookId: given[0] }, given),
    lookAtNotifications: async () => world.alerting,
    setUpNotifications: (...given) => act("setUpNotifications", world.alerting, given),
    tick: async () => {},
  };
}

function readerOf(world: World): ReaderPort {
  function read<T>(value: () => T): T {
    world.reads += 1;
    if (world.exception !== null) throw world.exception;
    return value();
  }
  return {
    findFailover: async (reference) => read(() => world.find(reference)),
    failoverNames: async () => read(() => world.failovers.map(({ id, name }) => ({ id, name }))),
    listFailovers: async (page, among) =>
      read(() =>
        pageOf(
          world.failovers.filter(({ id }) => among === null || among.includes(id)),
          page,
        ),
      ),
    findOperation: async (id) => read(() => world.operations.find((one) => one.id === id) ?? null),
    listEvents: async (among, page) =>
      read(() =>
        pageOf(
          world.events.filter(({ failoverId }) => among === null || among.includes(failoverId)),
          page,
        ),
      ),
    listSamples: async (failoverId, page) =>
      read(() =>
        pageOf(
          world.samples.filter((sample) => sample.failoverId === failoverId),
          page,
        ),
      ),
    listDrills: async (failoverId, page) =>
      read(() =>
        pageOf(
          world.drills.filter((drill) => drill.failoverId === failoverId),
          page,
        ),
      ),
    findDrill: async (failoverId, id) =>
      read(() => world.drills.find((one) => one.failoverId === failoverId && one.id === id) ?? null),
    listChannels: async () => read(() => world.channels),
    findChannel: async (reference) =>
      read(() => world.channels.find(({ id, name }) => id === reference || name === reference) ?? null),
    listDeliveries: async (channelId, page) =>
      read(() =>
        pageOf(
          world.deliveries.filter((one) => one.channelId === channelId),
          page,
        ),
      ),
    findDelivery: async (channelId, id) =>
      read(() => world.deliveries.find((one) => one.channelId === channelId && one.id === id) ?? null),
    fleet: async (among) =>
      read(() => ({
        failovers: world.failovers.filter(({ id }) => among === null || among.includes(id)),
        freeze: null,
        brake: null,
      })),
    readiness: async () => read(() => world.readiness),
  };
}

/** The oldest first, none of them sealed. */
function trailOf(world: World): TrailPort {
  const eventsAfter: TrailPort["eventsAfter"] = async (after, { among }, most) => {
    const events = world.events
      .filter(({ seq = 0, failoverId }) => seq > after && (among === null || among.includes(failoverId)))
      .toSorted((left, right) => (left.seq ?? 0) - (right.seq ?? 0))
      .slice(0, most);
    return { events, upTo: events.at(-1)?.seq ?? after };
  };
  return {
    eventsAfter,
    newestSeq: async () => Math.max(0, ...world.events.map(({ seq = 0 }) => seq)),
    linksAfter: async (...given) => {
      const { events, upTo } = await eventsAfter(...given);
      const links = events.map((event) => {
        const link = linkOf("a0000000000000000000000000000001", event, 0, "");
        return { ...link, position: null, previous_hash: null, hash: null };
      });
      return { links, upTo };
    },
    verify: async () => ({
      ok: true,
      verified: null,
      firstBroken: null,
      head: null,
      unsealed: { count: world.events.length, fromSeq: null },
      checkpoint: null,
      genesis: { installation: "k3v9x2ma", accountId: "a0000000000000000000000000000001", hash: "" },
      nextCursor: null,
    }),
  };
}

/** The secret of a stored token, in the form of a real one, is made of its name. */
export function secretOf({ name }: Pick<Token, "name">): string {
  return `ust_${name.padEnd(43, "0")}`;
}

function tokensOf(world: World): TokensPort {
  const findById = (id: string) => world.tokens.find((token) => token.id === id) ?? null;
  return {
    async create(request, origin) {
      if (world.failure !== null) return { ok: false, failure: world.failure };
      const token = aToken({ ...request, id: "tok_new", createdBy: origin.actor, createdAt: world.now });
      world.actions.push({ verb: "createToken", given: [request, origin] });
      return ok({ token, secret: secretOf(token) });
    },
    async findBySecret(secret) {
      if (world.exception !== null) throw world.exception;
      return world.tokens.find((token) => secretOf(token) === secret) ?? null;
    },
    find: async (id) => findById(id),
    list: async (page) => pageOf(world.tokens, page),
    async revoke(id, origin) {
      world.actions.push({ verb: "revokeToken", given: [id, origin] });
      return ok(null);
    },
    async markUsed(id) {
      world.used.push(id);
    },
  };
}

export const WEBHOOK_SECRETS = {
  cloudflare: "test-webhook-secret-Lm58",
  deploys: ["the-first-signing-secret-Ab12", "the-other-signing-secret-Cd34"].map(
    (key) => `whsec_${btoa(key)}`,
  ),
};

function inboxOf(world: World): Inbox {
  const keys = new Map<string, string>();
  return {
    take: async ({ source, type, headers, body, dedupeKey }) => {
      if (world.exception !== null) throw world.exception;
      const seq = world.webhooks.length + 1;
      const id = `wh_${seq}`;
      const key = `${source} ${dedupeKey ?? id}`;
      const known = keys.get(key);
      if (known !== undefined) return { id: known, isNew: false };
      keys.set(key, id);
      const rest = { deliveries: 1, processedAt: null, outcome: null };
      world.webhooks.push({ seq, id, source, type, receivedAt: world.now, headers, body, ...rest });
      return { id, isNew: true };
    },
    list: async (page) => pageOf(world.webhooks.toReversed(), page),
    find: async (id) => world.webhooks.find((one) => one.id === id) ?? null,
  };
}

function keysOf(world: World): KeysPort {
  return {
    async claim({ principal, route, key, fingerprint }) {
      const name = JSON.stringify([principal, route, key]);
      const holder = `holder ${(world.claims += 1)}`;
      const known = world.keys.get(name);
      const record = known ?? { keyId: world.keys.size, fingerprint, holder, outcome: null, answer: null };
      world.keys.set(name, record);
      return decideKey(record, { holder, fingerprint });
    },
    async answered({ keyId }, answer) {
      for (const [name, record] of world.keys)
        if (record.keyId === keyId) world.keys.set(name, { ...record, answer });
    },
    async release({ keyId }) {
      for (const [name, record] of world.keys) if (record.keyId === keyId) world.keys.delete(name);
    },
  };
}

interface Asked {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: string | null;
}

/** An app over a fresh world, and `ask`, which holds every answer against the document, and sends JSON with the admin's token unless told otherwise. */
export function inMemoryService() {
  const world = new World();
  const dependencies: ApiDependencies = {
    coordinator: coordinatorOf(world),
    reader: readerOf(world),
    trail: trailOf(world),
    tokens: tokensOf(world),
    keys: keysOf(world),
    inbox: inboxOf(world),
    webhookSecrets: WEBHOOK_SECRETS,
    adminToken: TOKEN,
    get access() {
      return world.access;
    },
    get limits() {
      return world.limits;
    },
    get assets() {
      return world.assets;
    },
    clock: {
      now: () => world.now,
      sleep: async (ms) => {
        world.slept.push(ms);
        world.now += ms;
        world.whenSlept();
      },
    },
    log: (entry) => {
      world.logged.push(entry);
    },
  };
  const app = createApp(dependencies);
  async function ask(path: string, { method = "GET", body, headers = {}, token = TOKEN }: Asked = {}) {
    const sent = new Headers(headers);
    if (token !== null && !sent.has("authorization")) sent.set("authorization", `Bearer ${token}`);
    if (body !== undefined && !sent.has("content-type")) sent.set("content-type", "application/json");
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const answer = await app.request(path, {
      method,
      headers: sent,
      ...(body === undefined ? {} : { body: text }),
    });
    await requireConformance(async () => (await app.request("/openapi.json")).json(), {
      method,
      path,
      status: answer.status,
      headers: answer.headers,
      body: isJson(answer.headers) && method !== "HEAD" ? await answer.clone().json() : null,
    });
    return answer;
  }
  return { world, app, ask, dependencies };
}
