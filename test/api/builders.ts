// Values of the core as the ports give them, complete enough to be presented.
import { completeSpec } from "../../src/failover/complete.ts";
import { compareAlerting, destinationName } from "../../src/failover/alerting.ts";
import { lacksOf, type AlertingView } from "../../src/failover/alerting-view.ts";
import type { Token } from "../../src/failover/access.ts";
import type { Delivery } from "../../src/actions/reader-port.ts";
import type { Channel } from "../../src/notifications/channel.ts";
import type { Freeze } from "../../src/store/freezes.ts";
import type {
  FailoverEvent,
  FailoverView,
  ImportView,
  Operation,
  ExplanationView,
  PlanView,
  PreflightView,
  ProbeResult,
  Sample,
  SideHealth,
} from "../../src/failover/results.ts";
import { specInputSchema } from "../../src/failover/spec.ts";

export const NOON = Date.UTC(2026, 10, 23, 12);

export const smallestBody = {
  name: "shop",
  hostname: "www.example.com",
  primary: { address: "origin.example.net" },
  secondary: { pages_project: "shop" },
};

const facts = {
  zone: { id: "023e105f4ecef8ad9ca31a8372d0c353", name: "example.com" },
  subdomains: { shop: "shop-7xq.pages.dev" },
};

export function aSideHealth(change: Partial<SideHealth> = {}): SideHealth {
  return {
    verdict: "healthy",
    since: NOON - 60_000,
    witnesses: [
      { witness: "cloudflare", verdict: "healthy", since: NOON - 60_000, observedAt: NOON, detail: null },
      {
        witness: "probe",
        verdict: "unknown",
        since: null,
        observedAt: null,
        detail: "probe not admitted: 403",
      },
    ],
    ...change,
  };
}

export function aFailover(change: Partial<FailoverView> = {}): FailoverView {
  return {
    id: "fo_abc",
    name: "shop",
    revision: 3,
    stage: "testing",
    active: "primary",
    spec: completeSpec(specInputSchema.parse(smallestBody), facts),
    facts,
    ids: { monitor: "m1", primary: "p1" },
    deleting: null,
    status: {
      sync: "drifted",
      message: "default_pools is not in the wanted order.",
      drift: [
        {
          role: "load_balancer",
          class: "role",
          path: "default_pools",
          before: ["p2", "p1"],
          after: ["p1", "p2"],
          firstSeenAt: NOON,
          healAt: NOON + 900_000,
        },
      ],
      foreign: [aForeign("region_pools.WNAM", "region_pools sends WNAM past the pair")],
      health: { primary: aSideHealth(), secondary: aSideHealth({ verdict: "unhealthy", since: null }) },
      serving: "primary",
      servingDetail: null,
      reconciledRevision: 2,
      observedAt: NOON,
    },
    readiness: "degraded",
    operationId: null,
    preflight: null,
    nextDrillAt: null,
    leases: [],
    createdAt: NOON - 3_600_000,
    updatedAt: NOON - 1_800_000,
    ...change,
  };
}

function aForeign(path: string, message: string): FailoverView["status"]["foreign"][number] {
  return { role: "load_balancer", path, message, effect: "routes", kept: false };
}

export function anOperation(change: Partial<Operation> = {}): Operation {
  return {
    id: "op_abc",
    failoverId: "fo_abc",
    kind: "promote",
    status: "running",
    message: "Waiting for both pools to be healthy.",
    steps: [
      { name: "enable", status: "succeeded", startedAt: NOON, finishedAt: NOON + 900, detail: "read back" },
      { name: "bake", status: "running", startedAt: NOON + 900, finishedAt: null, detail: null },
      { name: "verify", status: "pending", startedAt: null, finishedAt: null, detail: null },
    ],
    refusals: [],
    state: { secretStep: 3 },
    result: null,
    origin: { actor: { kind: "token", name: "admin" }, requestId: "req_1" },
    createdAt: NOON,
    dueAt: NOON,
    deadlineAt: NOON + 600_000,
    finishedAt: null,
    ...change,
  };
}

export function anExplanation(): ExplanationView {
  return {
    serving: "primary",
    rule: "first-healthy-pool",
    path: ["an enabled load balancer has the hostname"],
    predictable: true,
    hostname: "www.example.com",
    conditions: [],
    affinity: null,
  };
}

export function aPreflight(): PreflightView {
  return {
    failoverId: "fo_abc",
    revision: 2,
    ranAt: NOON,
    outcome: "warn",
    checks: [
      {
        id: "token-owner",
        outcome: "warn",
        evidence: { owner: "user" },
        message: "The API token is a user's.",
        remedy: "Create an account-owned API token.",
        documentation: "Account API tokens",
      },
    ],
    calls: 18,
  };
}

export function aPlan(change: Partial<PlanView> = {}): PlanView {
  return {
    id: "pl_abc",
    failoverId: "fo_abc",
    revision: 3,
    changes: [
      {
        action: "create",
        kind: "monitor",
        role: "monitor",
        id: null,
        reason: "there is no monitor yet",
        differences: [{ path: "type", before: undefined, after: "http", class: "safety" }],
        body: { type: "http" },
      },
    ],
    refusals: [
      {
        guard: "foreign-routing",
        message: "visitors can be sent past the pair",
        facts: {},
        remedy: "Do something else.",
        overridable: true,
      },
    ],
    foreign: [aForeign("rules", "two rules")],
    ...change,
  };
}

/** Asked what would be: nothing was imported. */
export function anImport(): { view: ImportView; failoverId: string | null } {
  const { changes } = aPlan();
  return {
    view: {
      importable: false,
      spec: null,
      active: null,
      objects: {
        load_balancer: { id: "l1", name: "www.example.com", description: "the shop" },
        monitor: { id: "m1", description: "HTTP - 200" },
      },
      changes,
      foreign: [{ ...aForeign("rules", "two rules"), keepable: true }],
      refusals: [
        {
          guard: "not-importable",
          message: "no",
          facts: {},
          remedy: "Do something else.",
          overridable: false,
        },
      ],
    },
    failoverId: null,
  };
}

function aProbeResult(change: Partial<ProbeResult> = {}): ProbeResult {
  return {
    ok: true,
    status: 200,
    latencyMs: 84,
    failure: null,
    detail: null,
    traits: { server: "nginx" },
    way: "fetch",
    ...change,
  };
}

export function aSample(change: Partial<Sample> = {}): Sample {
  return {
    failoverId: "fo_abc",
    tick: NOON,
    primary: aProbeResult(),
    secondary: aProbeResult({ ok: false, status: null, failure: "timeout", detail: "no answer in 5 s" }),
    hostname: null,
    ...change,
  };
}

export function anEvent(change: Partial<FailoverEvent> = {}): FailoverEvent {
  return {
    id: "evt_abc",
    seq: 7,
    type: "failover.promoted",
    at: NOON,
    failoverId: "fo_abc",
    origin: { actor: { kind: "token", name: "admin" }, requestId: "req_1" },
    data: { from: "draft", to: "testing" },
    ...change,
  };
}

export function aFreeze(): Freeze {
  return { frozenAt: NOON, reason: "change freeze", actor: "admin" };
}

export function aToken(change: Partial<Token> = {}): Token {
  return {
    id: "tok_abc",
    name: "pipeline",
    scopes: ["operate"],
    failovers: null,
    createdBy: { kind: "token", name: "admin" },
    createdAt: NOON - 86_400_000,
    expiresAt: null,
    revokedAt: null,
    lastUsedAt: null,
    ...change,
  };
}

export function aChannel(change: Partial<Channel> = {}): Channel {
  return {
    id: "ch_abc",
    name: "on-call",
    type: "slack",
    shownUrl: "https://hooks.slack.com/…",
    filter: { severities: ["critical"] },
    disabled: null,
    createdAt: NOON,
    updatedAt: NOON,
    ...change,
  };
}

export function aDelivery(change: Partial<Delivery> = {}): Delivery {
  return {
    seq: 1,
    id: "dl_abc",
    channelId: "ch_abc",
    lane: "fo_abc",
    status: "pending",
    dueAt: NOON + 5_000,
    claimedUntil: null,
    attempts: 1,
    startedAt: NOON,
    createdAt: NOON,
    finishedAt: null,
    lastAttemptAt: NOON,
    lastStatus: 503,
    lastError: "it answered with status 503",
    notification: {
      type: "health.changed",
      action: "trigger",
      incident: "fo_abc:primary-unhealthy",
      severity: "warning",
      title: "shop: the primary is unhealthy",
      what: "Cloudflare finds the primary endpoint unhealthy.",
      visitors: null,
      remedy: null,
      link: null,
      failover: { id: "fo_abc", name: "shop", hostname: "www.example.com" },
      members: [],
      eventId: "evt_abc",
      at: NOON,
    },
    ...change,
  };
}

/** Set up, but for the policy of one project. */
export function anAlertingView(): AlertingView {
  const wish = {
    installation: "ab12cd34",
    url: "https://understudy.test/webhooks/cloudflare",
    projects: [{ name: "shop", id: "5d3c" }],
    poolIds: ["p1", "p2"],
  };
  const destination = {
    id: "d1",
    name: destinationName(wish.installation),
    url: wish.url,
    createdAt: "2026-11-23T11:00:00.000000Z",
    lastSuccessAt: "2026-11-23T11:30:00.000000Z",
    lastFailureAt: null,
  };
  const found = { destinations: [destination], policies: [] };
  const state = compareAlerting(wish, found, { destinationId: "d1", isCurrent: true });
  return {
    state,
    lacks: lacksOf(state),
    changes: [{ action: "create", kind: "destination", id: "d1", reason: "there was none" }],
  };
}
