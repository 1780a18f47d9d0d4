// What is asked twice under one Idempotency-Key is done once: every POST of the document, also where the answer was lost.
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CLICKED, make } from "./existing.ts";
import { endOf } from "./operations.ts";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";

beforeEach(() => {
  vi.spyOn(console, "log").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** What earlier steps left for later ones. */
type Seen = Map<string, Answer["body"]>;

interface Step {
  /** As in the document. */
  readonly route: string;
  /** What the parameters of the path stand for; `shop` unless told otherwise. */
  readonly params?: (seen: Seen) => Readonly<Record<string, string>>;
  readonly body?: object | ((seen: Seen) => object);
  readonly before?: (stage: Stage, seen: Seen) => Promise<unknown>;
  /** Nothing is done that could be known again: it waits for its turn, and is then looked at anew. */
  readonly onlyLooks?: true;
  /** Waits for its operation to end. */
  readonly ends?: true;
}

const REASON = { reason: "because" };
const later = (stage: Stage) => new Date(stage.now() + 3_600_000).toISOString();

/** By another person than the one who decides about it. */
async function askFor(stage: Stage, seen: Seen): Promise<void> {
  const asked = stage.call(
    "POST",
    "/v1/failovers/shop/switch-over",
    { to: "secondary", ...REASON },
    seen.get("other"),
  );
  seen.set("asked", (await expectStatus(asked, 202)).body);
}

/** One life, in which everything that can be asked for by a POST is asked for. */
const LIFE: readonly Step[] = [
  { route: "/v1/preflight", body: SHOP, onlyLooks: true },
  { route: "/v1/failovers", body: SHOP },
  {
    route: "/v1/failovers/{id}/reconcile",
    before: async (stage) => {
      await stage.alarms();
      await stage.minutes(3);
    },
    ends: true,
  },
  { route: "/v1/failovers/{id}/promote", ends: true },
  { route: "/v1/failovers/{id}/pause", body: { expires_in_seconds: 600, ...REASON } },
  { route: "/v1/failovers/{id}/resume" },
  { route: "/v1/failovers/{id}/drills", body: { hold_seconds: 60 } },
  { route: "/v1/failovers/{id}/abort" },
  {
    route: "/v1/failovers/{id}/drills/{drill}/abort",
    before: async (stage, seen) => {
      await stage.alarms();
      await stage.minutes(3);
      await expectStatus(stage.call("POST", "/v1/failovers/shop/drills"), 202);
      const { body } = await stage.call("GET", "/v1/failovers/shop/drills?limit=1");
      seen.set("drill", body.items[0].id);
    },
    params: (seen) => ({ id: "shop", drill: seen.get("drill") }),
  },
  {
    route: "/v1/failovers/{id}/switch-over",
    before: async (stage) => {
      await stage.alarms();
      await stage.minutes(3);
    },
    body: { to: "secondary", ...REASON },
    ends: true,
  },
  { route: "/v1/failovers/{id}/switch-back", body: REASON, ends: true },
  {
    route: "/v1/operations/{id}/cancel",
    before: async (stage, seen) => {
      const scheduled = { to: "secondary", at: later(stage), ...REASON };
      const asked = stage.call("POST", "/v1/failovers/shop/switch-over", scheduled);
      seen.set("scheduled", (await expectStatus(asked, 202)).body.id);
    },
    params: (seen) => ({ id: seen.get("scheduled") }),
  },
  {
    route: "/v1/operations/{id}/reject",
    before: async (stage, seen) => {
      const required = { approval: "required" };
      await expectStatus(stage.call("PATCH", "/v1/failovers/shop", required, { "if-match": "*" }), 200);
      await askFor(stage, seen);
    },
    params: (seen) => ({ id: seen.get("asked").id }),
    body: REASON,
  },
  {
    route: "/v1/operations/{id}/approve",
    before: askFor,
    params: (seen) => ({ id: seen.get("asked").id }),
    body: (seen) => ({ plan: seen.get("asked").approval.plan }),
    ends: true,
  },
  {
    route: "/v1/failovers/{id}/adopt",
    before: async (stage) => {
      const reported = { drift: { role: "report" } };
      await expectStatus(stage.call("PATCH", "/v1/failovers/shop", reported, { "if-match": "*" }), 200);
      const { load_balancer_id: id, secondary_pool_id: pool } = (await stage.failover()).cloudflare;
      stage.simulator.world.edit("load_balancer", id, { fallback_pool: pool, enabled: false });
      await stage.minutes(1);
    },
    body: REASON,
  },
  { route: "/v1/failovers/{id}/demote", ends: true },
  {
    route: "/v1/fleet/switch-over",
    body: { to: "secondary", selector: { names: ["shop"] }, confirm: true, ...REASON },
  },
  { route: "/v1/fleet/freeze", body: REASON },
  {
    route: "/v1/fleet/agree",
    before: async () => {
      const brake = { id: "br_1", engagedAt: 0, message: "too much", held: { fo_1: "plan_1" }, agreed: {} };
      const { CF_ACCOUNT_ID: accountId } = env as unknown as { CF_ACCOUNT_ID: string };
      await env.DB.prepare("INSERT INTO brakes VALUES (?1, ?2)").bind(accountId, JSON.stringify(brake)).run();
    },
    body: { brake_id: "br_1", ...REASON },
  },
  { route: "/v1/tokens", body: { name: "pipeline", scopes: ["read"] } },
  {
    route: "/v1/channels",
    before: async ({ simulator }) => simulator.world.addReceiver({ address: "hook.example.org" }),
    body: { name: "hook", type: "webhook", url: "https://hook.example.org/", filter: { types: ["none"] } },
  },
  { route: "/v1/setup/notifications" },
  { route: "/v1/channels/{id}/test", params: () => ({ id: "hook" }) },
  {
    route: "/v1/channels/{id}/redeliver",
    before: () =>
      env.DB.prepare("UPDATE deliveries SET status = 'failed', due_at = NULL, finished_at = 1").run(),
    params: () => ({ id: "hook" }),
  },
  {
    route: "/v1/webhooks/{id}/replay",
    before: async (stage, seen) => {
      const { token } = seen.get("/v1/tokens") as { token: string };
      expect(token).toMatch(/^ust_/);
      const deploy = { pages_project: "shop" };
      seen.set("webhook", (await expectStatus(stage.call("POST", "/webhooks/deploys", deploy), 200)).body.id);
    },
    params: (seen) => ({ id: seen.get("webhook") }),
  },
  {
    route: "/v1/import",
    before: async (stage) => {
      const hostname = "old.example.com";
      await make(stage, { ...CLICKED, load_balancer: { ...CLICKED.load_balancer, name: hostname } });
    },
    body: { hostname: "old.example.com", name: "old", confirm: true },
  },
];

async function expectStatus(asked: Promise<Answer>, status: number): Promise<Answer> {
  const answer = await asked;
  expect(answer.status, JSON.stringify(answer.body)).toBe(status);
  return answer;
}

/** All that a POST can leave behind. */
async function effects(): Promise<Record<string, number> | null> {
  const tables = [
    "failovers",
    "events",
    "operations",
    "leases",
    "drills",
    "tokens",
    "channels",
    "deliveries",
  ];
  const counts = tables.map((table) => `(SELECT count(*) FROM ${table}) AS ${table}`).join(", ");
  return env.DB.prepare(`SELECT ${counts}`).first<Record<string, number>>();
}

const withoutSecrets = (body: object) => ({
  ...body,
  ...("token" in body ? { token: null } : {}),
  ...("secret" in body ? { secret: null } : {}),
});

/** What the answer is about, whatever has become of that since. */
const aboutOf = ({ status, headers, body }: Answer) => ({
  about: headers.get("location") ?? body.id ?? body.items?.[0]?.operation_id ?? withoutSecrets(body),
  isCreated: status === 201,
});

async function live(answers: "kept" | "lost"): Promise<string[]> {
  const stage = setStage();
  const seen: Seen = new Map();
  const other = await stage.call("POST", "/v1/tokens", { name: "other", scopes: ["admin"] });
  const asOther = { authorization: `Bearer ${other.body.token}` };
  seen.set("other", asOther);
  if (answers === "lost") {
    await env.DB.prepare(
      "CREATE TRIGGER lose BEFORE UPDATE OF answer ON idempotency_keys WHEN NEW.answer IS NOT NULL BEGIN SELECT RAISE(ABORT, 'lost'); END",
    ).run();
  }
  for (const { route, params = () => ({ id: "shop" }), body, before, onlyLooks, ends } of LIFE) {
    await before?.(stage, seen);
    const path = Object.entries(params(seen)).reduce(
      (left, [name, id]) => left.replace(`{${name}}`, id),
      route,
    );
    const asked = typeof body === "function" ? body(seen) : body;
    const key = { "idempotency-key": `once ${route}` };
    const first = await stage.call("POST", path, asked, key);
    expect(first.status, `${route}: ${JSON.stringify(first.body)}`).toBeLessThan(300);
    expect(first.headers.get("idempotency-replayed")).toBeNull();
    seen.set(route, first.body);
    const done = await effects();
    // It isn't always awake: tokens don't need it.
    if (answers === "lost") await stage.crash().catch(() => undefined);

    if (answers === "lost" && onlyLooks === true) {
      await expectStatus(stage.call("POST", path, asked, key), 409);
      await stage.pass(60);
      expect((await stage.call("POST", path, asked, key)).status, route).toBe(first.status);
      continue;
    }
    const second = await stage.call("POST", path, asked, key);
    expect(second.headers.get("idempotency-replayed"), `${route}: ${JSON.stringify(second.body)}`).toBe(
      "true",
    );
    if (answers === "lost") expect(aboutOf(second), route).toEqual(aboutOf(first));
    else {
      expect([second.status, second.body], route).toEqual([first.status, withoutSecrets(first.body)]);
      for (const name of ["location", "etag", "content-type"])
        expect(second.headers.get(name), `${route}: ${name}`).toBe(first.headers.get(name));
    }
    expect(await effects(), `${route} was done again`).toEqual(done);

    const nonsense = { ...asked, nonsense: true };
    const changed = await stage.call("POST", path, nonsense, key);
    expect([changed.status, changed.body.type], route).toEqual([422, "urn:understudy:problem:key-reused"]);
    if (asked !== undefined) {
      const theirs = await stage.call("POST", path, nonsense, { ...key, ...asOther });
      expect([theirs.status, theirs.body.type], route).toEqual([422, "urn:understudy:problem:invalid"]);
    }
    if (ends === true) expect((await endOf(stage, first.body.id)).status, route).toBe("succeeded");
  }
  return LIFE.map(({ route }) => route);
}

/** Everything that is stored, as text. */
async function everythingStored(): Promise<string> {
  const { results } = await env.DB.prepare("SELECT * FROM idempotency_keys").all();
  return JSON.stringify(results);
}

describe("under an Idempotency-Key", () => {
  it("every POST is done once, and answered alike", { timeout: 120_000 }, async () => {
    const lived = await live("kept");
    const { body: document } = await setStage().call("GET", "/openapi.json");
    const posts = Object.entries(
      document.paths as Record<string, { post?: { parameters?: object[] } }>,
    ).filter(([path, { post }]) => post !== undefined && path.startsWith("/v1/"));
    expect(lived.toSorted()).toEqual(posts.map(([path]) => path).toSorted());
    for (const [path, { post }] of posts) {
      const parameter = { $ref: "#/components/parameters/IdempotencyKey" };
      expect(post?.parameters, path).toContainEqual(parameter);
    }
    const stored = await everythingStored();
    expect(stored).toContain("tok_");
    expect(stored).not.toMatch(/ust_|whsec_/);
  });

  it("every POST is done once, also where its answer was lost", { timeout: 120_000 }, async () => {
    await live("lost");
    const stored = await everythingStored();
    expect(stored).toContain("tok_");
    expect(stored).not.toMatch(/ust_|whsec_/);
  });

  it("twenty at once create one, and each is told which or to wait", async () => {
    const stage = setStage();
    const key = { "idempotency-key": "create shop" };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => stage.call("POST", "/v1/failovers", SHOP, key)),
    );
    const made = answers.filter(
      ({ headers, status }) => status === 201 && !headers.has("idempotency-replayed"),
    );
    expect(made).toHaveLength(1);
    for (const { status, headers, body } of answers) {
      if (status === 201) expect(body.id).toBe(made[0]?.body.id);
      else
        expect([status, body.type, headers.get("retry-after")]).toEqual([
          409,
          "urn:understudy:problem:still-running",
          "1",
        ]);
    }
    expect(await effects()).toMatchObject({ failovers: 1, events: 1 });
    expect((await stage.call("POST", "/v1/failovers", SHOP, key)).body).toEqual(made[0]?.body);
  });

  it("twenty at once begin one switch-over, and each waits for it who prefers to", async () => {
    const stage = setStage();
    await stage.ready();
    await stage.promote();
    const headers = { "idempotency-key": "move", prefer: "wait=0" };
    const body = { to: "secondary", ...REASON };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => stage.call("POST", "/v1/failovers/shop/switch-over", body, headers)),
    );
    const begun = answers.filter(({ status }) => status < 300);
    expect(new Set(begun.map((answer) => answer.body.id)).size).toBe(1);
    expect(answers.filter(({ status }) => status >= 300).every(({ status }) => status === 409)).toBe(true);
    const operations = await env.DB.prepare(
      "SELECT count(*) AS n FROM operations WHERE kind = 'switch-over'",
    ).first();
    expect(operations).toEqual({ n: 1 });
    expect(begun[0]?.headers.get("preference-applied")).toBe("wait=0");
  });

  it("a refusal isn't kept: the same may be tried again, and so may something else", async () => {
    const stage = setStage();
    const headers = { "idempotency-key": "first try" };
    const create = (body: object) => stage.call("POST", "/v1/failovers", body, headers);
    await expectStatus(create({ ...SHOP, hostnam: "www.example.com" }), 422);
    await expectStatus(create({ ...SHOP, secondary: SHOP.primary }), 422);
    const { body } = await expectStatus(create(SHOP), 201);
    expect((await create(SHOP)).body).toEqual(body);
    const promote = () => stage.call("POST", "/v1/failovers/shop/promote", undefined, headers);
    await expectStatus(promote(), 409);
    await stage.alarms();
    await stage.minutes(3);
    const { body: operation } = await expectStatus(promote(), 202);
    expect((await promote()).body).toEqual(operation);
  });

  it("a request is a new one after 24 hours; before, its members may come in another order", async () => {
    const stage = setStage();
    const headers = { "idempotency-key": "a day" };
    const makeToken = (body: string) => stage.call("POST", "/v1/tokens", body, headers);
    const { body: token } = await expectStatus(makeToken('{"name":"a","scopes":["read"]}'), 201);
    const again = await expectStatus(makeToken('{ "scopes": ["read"], "name": "a" }'), 201);
    expect(again.body).toEqual({ ...token, token: null });
    await stage.pass(86_399);
    expect((await makeToken('{"name":"a","scopes":["read"]}')).headers.get("idempotency-replayed")).toBe(
      "true",
    );
    await stage.pass(1);
    await expectStatus(makeToken('{"name":"a","scopes":["read"]}'), 409);
    await expectStatus(makeToken('{"name":"b","scopes":["read"]}'), 201);
  });

  it("leaves no row without the header, and none after a day", async () => {
    const stage = setStage();
    const rows = () => env.DB.prepare("SELECT count(*) AS n FROM idempotency_keys").first();
    await expectStatus(stage.call("POST", "/v1/failovers", SHOP), 201);
    expect(await rows()).toEqual({ n: 0 });
    await stage.call("POST", "/v1/fleet/freeze", REASON, { "idempotency-key": "k" });
    expect(await rows()).toEqual({ n: 1 });
    await stage.pass(86_400);
    await stage.tick();
    expect(await rows()).toEqual({ n: 0 });
  });
});
