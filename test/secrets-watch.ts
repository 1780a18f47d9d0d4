// Looks for secrets in all that leaves the service while a test runs: its answers, its log, and at the end what it stored.
import { env } from "cloudflare:workers";

interface Watch {
  /** What must not be seen, and what it is. */
  secrets: Map<string, string>;
  /** Where one was seen all the same. */
  found: Set<string>;
  /** Whether the Worker was asked anything, so that something may have been stored. */
  isUsed: boolean;
  /** One column a table; the schema is the same in every test. */
  scan?: string;
  watchesLog?: boolean;
}

// Test files share an isolate, and the Worker under test with them.
const shared = globalThis as unknown as { secretsWatch?: Watch };
const watch = (shared.secretsWatch ??= { secrets: new Map(), found: new Set(), isUsed: false });

const NAMES = ["CF_API_TOKEN", "ADMIN_TOKEN", "WEBHOOK_SECRET", "DEPLOY_WEBHOOK_SECRET", "DATA_KEY"];
/** Shorter ones stand in other words by chance. */
const SHORTEST = 8;

function learn(what: string, value: unknown): void {
  if (typeof value === "string" && value.length >= SHORTEST) watch.secrets.set(value, what);
}

function lookAt(place: string, text: string): void {
  for (const [secret, what] of watch.secrets)
    if (text.includes(secret)) watch.found.add(`${what} in ${place}`);
}

/** Userinfo, path and query are secret in every URL of a channel; the path of PagerDuty's is the same for all. */
function learnUrl(type: unknown, text: unknown): void {
  if (typeof text !== "string" || !URL.canParse(text)) return;
  const url = new URL(text);
  learn("a channel's password", url.password);
  for (const value of url.searchParams.values()) learn("a channel's query", value);
  // A short one may be the end of a path of ours.
  if (type !== "pagerduty" && url.pathname.length > 16) learn("a channel's path", url.pathname);
}

type Body = Record<string, unknown>;

async function bodyOf(message: Request | Response): Promise<Body> {
  try {
    return (await message.clone().json()) ?? {};
  } catch {
    return {};
  }
}

async function learnFrom(request: Request): Promise<void> {
  if (!new URL(request.url).pathname.startsWith("/v1/channels") || request.method === "GET") return;
  const { type, url, secret } = await bodyOf(request);
  learn("a channel's secret", secret);
  learnUrl(type, url);
}

/** Looks at what passes, however long that takes, and at what lies across two pieces. */
function watched(place: string): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  let tail = "";
  return new TransformStream({
    transform(chunk, controller) {
      const text = tail + decoder.decode(chunk, { stream: true });
      lookAt(place, text);
      tail = text.slice(-200);
      controller.enqueue(chunk);
    },
  });
}

type Serve = (request: Request) => Promise<Response>;

/** What is given out once is a secret from then on. */
export async function serveWatched(request: Request, serve: Serve): Promise<Response> {
  watch.isUsed = true;
  const { pathname } = new URL(request.url);
  const place = `the answer to ${request.method} ${pathname}`;
  await learnFrom(request);
  const response = await serve(request);
  lookAt(`the headers of ${place}`, JSON.stringify([...response.headers]));
  const type = response.headers.get("content-type") ?? "";
  if (response.body === null) return response;
  if (/event-stream|ndjson/.test(type)) {
    return new Response(response.body.pipeThrough(watched(place)), response);
  }
  lookAt(place, await response.clone().text());
  if (response.status === 201 && pathname.startsWith("/v1/tokens"))
    learn("a token", (await bodyOf(response))["token"]);
  if (pathname.startsWith("/v1/channels") && request.method !== "GET")
    learn("a channel's secret", (await bodyOf(response))["secret"]);
  return response;
}

/** Once an isolate: whatever is logged, by whomever. */
export function watchLog(): void {
  if (watch.watchesLog === true) return;
  watch.watchesLog = true;
  for (const name of ["debug", "error", "info", "log", "warn"] as const) {
    const write = console[name].bind(console);
    console[name] = (...told: unknown[]) => {
      lookAt("the log", told.map(String).join(" "));
      write(...told);
    };
  }
}

/** Right after the migrations: what a test adds to the schema, or takes from it, is its own affair. */
export async function watchAnew(): Promise<void> {
  watch.scan ??= await scanOf();
  watch.secrets.clear();
  watch.found.clear();
  watch.isUsed = false;
  const bindings = env as unknown as Record<string, string | undefined>;
  for (const name of NAMES) for (const one of (bindings[name] ?? "").split(", ")) learn(name, one);
  learn("PROBE_HEADER", bindings["PROBE_HEADER"]?.split(": ")[1]);
}

/** One statement that answers for each table which secrets stand in any of its columns. */
async function scanOf(): Promise<string> {
  const { results } = await env.DB.prepare(
    `SELECT tables.name AS place, group_concat('coalesce(stored."' || columns.name || '", '''')', ' || char(10) || ') AS texts
     FROM sqlite_schema AS tables JOIN pragma_table_info(tables.name) AS columns
     WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite!_%' ESCAPE '!' AND tables.name NOT LIKE '!_cf!_%' ESCAPE '!'
     GROUP BY tables.name`,
  ).all<{ place: string; texts: string }>();
  const columns = results.map(
    ({ place, texts }) =>
      `(SELECT json_group_array(DISTINCT secret.value) FROM "${place}" AS stored JOIN json_each(?1) AS secret
        WHERE instr(${texts}, secret.value) > 0) AS "${place}"`,
  );
  return `SELECT ${columns.join(", ")}`;
}

/** All that was seen of secrets, also in D1; nothing of it is seen again. */
export async function takeLeaks(): Promise<string[]> {
  if (watch.isUsed) {
    const secrets = JSON.stringify([...watch.secrets.keys()]);
    const look = (sql: string) => env.DB.prepare(sql).bind(secrets).first<Record<string, string>>();
    // A test may have put a table away.
    const stored = await look(watch.scan ?? "").catch(async () => look(await scanOf()));
    for (const [table, found] of Object.entries(stored ?? {}))
      for (const secret of JSON.parse(found) as string[])
        watch.found.add(`${watch.secrets.get(secret)} in the table ${table}`);
  }
  const leaks = [...watch.found].toSorted();
  watch.found.clear();
  return leaks;
}
