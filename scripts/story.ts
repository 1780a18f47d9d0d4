// The story that the demo plays: one failover, from four fields to a primary that dies and comes back.
import { setTimeout } from "node:timers/promises";
import { SHOP } from "./first-failover.ts";
import type { Narrator } from "./narrator.ts";

export interface Scene {
  readonly url: string;
  readonly simulatorUrl: string;
  readonly adminToken: string;
}

interface FailoverSeen {
  readonly stage: string;
  readonly test_hostname: string;
  readonly cloudflare: { readonly secondary_pool_id: string };
  readonly status: {
    readonly sync: string;
    readonly message: string;
    readonly serving: string;
    readonly readiness: string;
    readonly health: Readonly<Record<"primary" | "secondary", { readonly verdict: string }>>;
  };
}

interface OperationSeen {
  readonly id: string;
  readonly status: string;
  readonly message: string;
  readonly result: { readonly evidence: string } | null;
  readonly detail?: string;
}

interface DrillSeen {
  readonly status: string;
  readonly passed: boolean | null;
}

interface EventSeen {
  readonly type: string;
  readonly actor: { readonly name: string };
  readonly data: { readonly role?: string };
}

interface CallSeen {
  readonly write: boolean;
  readonly body: object | null;
}

interface WorldSeen {
  readonly pools: readonly {
    readonly id: string;
    readonly origins: readonly { readonly header?: { readonly Host?: readonly string[] } }[];
  }[];
}

function speaker({ url, simulatorUrl, adminToken }: Scene) {
  const ask = async <T>(method: string, at: string, body?: unknown): Promise<T> => {
    const response = await fetch(at, {
      method,
      headers: {
        Authorization: `Bearer ${adminToken}`,
        Prefer: "wait=60",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      signal: AbortSignal.timeout(20_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status >= 500) throw new Error(`${method} ${at} answered ${response.status}: ${text}`);
    return JSON.parse(text) as T;
  };
  return {
    api: <T>(method: string, path: string, body?: unknown) => ask<T>(method, `${url}/v1${path}`, body),
    /** What people, machines and mishaps do behind our back. */
    world: <T>(method: string, path: string, body?: unknown) =>
      ask<T>(method, `${simulatorUrl}/_sim${path}`, body),
  };
}

export async function tellStory(scene: Scene, narrator: Narrator): Promise<void> {
  const { api, world } = speaker(scene);
  const { act, say, observe } = narrator;
  const failover = () => api<FailoverSeen>("GET", "/failovers/shop");
  /** A browser somewhere: the title of the page that it is shown, or the status. */
  const visitor = async (hostname: string) => {
    const page = await world<{ status: number; body: string }>("GET", `/visit?url=https://${hostname}/`);
    const title = /<title>(.*?)<\/title>/.exec(page.body)?.[1];
    return page.status === 200 ? `200, the ${title ?? "nameless"} page` : `status ${page.status}`;
  };
  const carryOut = async (verb: string, body?: object) => {
    let operation = await api<OperationSeen>("POST", `/failovers/shop/${verb}`, body);
    while (operation.status === "pending" || operation.status === "running") {
      await setTimeout(250);
      operation = await api<OperationSeen>("GET", `/operations/${operation.id}`);
    }
    say(operation.message ?? operation.detail);
    if (operation.result !== null && operation.result !== undefined)
      say(`evidence: ${operation.result.evidence}`);
  };
  const hostOfSecondary = async (id: string) => {
    const { pools } = await world<WorldSeen>("GET", "/state");
    return pools.find((pool) => pool.id === id)?.origins[0]?.header?.Host?.[0] ?? "none";
  };
  const primaryUp = (up: boolean) => world("PATCH", `/origins/${SHOP.primary.address}`, { up });
  const { hostname } = SHOP;

  act("Create: POST /v1/failovers with name, hostname, primary and secondary");
  const { test_hostname: testHostname } = await api<FailoverSeen>("POST", "/failovers", SHOP);
  await observe("everything at Cloudflare is", "synced", async () => (await failover()).status.sync);
  say(`monitor, two pools and a load balancer: a draft, disabled on ${testHostname}`);

  act("Cloudflare checks both endpoints, and so do we");
  for (const side of ["primary", "secondary"] as const)
    await observe(`the ${side} is`, "healthy", async () => (await failover()).status.health[side].verdict);

  act("Promote to testing: the load balancer is enabled on the test hostname");
  await carryOut("promote");
  await observe("the stage is", "testing", async () => (await failover()).stage);
  await observe(`a visitor of ${testHostname} gets`, "200, the Primary page", () => visitor(testHostname));

  act("Rehearse it: the primary's pool is disabled for half a minute, as in the tutorial");
  await carryOut("drills", { hold_seconds: 30 });
  await observe("the last drill", "passed", async () => {
    const { items } = await api<{ items: DrillSeen[] }>("GET", "/failovers/shop/drills");
    return items[0]?.passed === true ? "passed" : (items[0]?.status ?? "none");
  });
  await observe("both endpoints are", "ready", async () => (await failover()).status.readiness);

  act("Promote to production: the same load balancer is renamed, and watched for a minute");
  await carryOut("promote", { bake_seconds: 60 });
  await observe("the stage is", "production", async () => (await failover()).stage);
  await observe(`a visitor of ${hostname} gets`, "200, the Primary page", () => visitor(hostname));
  await observe(
    "the service says that it is served by the",
    "primary",
    async () => (await failover()).status.serving,
  );

  act("The primary dies");
  await primaryUp(false);
  await observe(`a visitor of ${hostname} gets`, "200, the Secondary page", () => visitor(hostname));
  await observe("the primary is", "unhealthy", async () => (await failover()).status.health.primary.verdict);
  await observe(
    "the service says that it is served by the",
    "secondary",
    async () => (await failover()).status.serving,
  );

  act("Somebody takes the Host header off the Pages pool, by hand in the dashboard");
  const { secondary_pool_id: poolId } = (await failover()).cloudflare;
  const before = await hostOfSecondary(poolId);
  const editedAt = (await world<CallSeen[]>("GET", "/calls")).length;
  const writes = async () => {
    const calls = await world<CallSeen[]>("GET", "/calls");
    const bodies = calls.slice(editedAt).filter(({ write }) => write);
    const members = bodies.flatMap(({ body }) => Object.keys(body ?? {}));
    return `${bodies.length === 1 ? "one" : bodies.length} PATCH of ${members.join(", ")}`;
  };
  await world("PATCH", `/pools/${poolId}`, {
    origins: [{ name: "shop", address: "shop.pages.dev", enabled: true, weight: 1, header: {} }],
  });
  say(`at once a visitor of ${hostname} gets ${await visitor(hostname)}`);
  await observe("the pool's Host header is again", before, () => hostOfSecondary(poolId));
  await observe("it was healed by", "one PATCH of origins", writes);
  await observe("the trail of events says so, and by whom", "reconciler", async () => {
    const { items } = await api<{ items: EventSeen[] }>("GET", "/failovers/shop/events");
    const healed = items.find(({ type, data }) => type === "object.updated" && data.role === "secondary");
    return healed?.actor.name ?? "nobody yet";
  });
  await observe(`a visitor of ${hostname} gets`, "200, the Secondary page", () => visitor(hostname));

  act("The primary returns");
  await primaryUp(true);
  await observe("the primary is", "healthy", async () => (await failover()).status.health.primary.verdict);
  await observe(`a visitor of ${hostname} gets`, "200, the Primary page", () => visitor(hostname));
  await observe(
    "the service says that it is served by the",
    "primary",
    async () => (await failover()).status.serving,
  );
  await observe("the failover's readiness is", "ready", async () => (await failover()).status.readiness);
  await observe("everything at Cloudflare is", "synced", async () => (await failover()).status.sync);
}
