// What comes back when a Worker's socket leaves for the Internet.
import { bareName } from "./addresses.ts";
import { connect } from "./connect.ts";
import { defaultPort, FAILURE_MESSAGES, type Ask } from "./exchange.ts";
import { askResolver, RESOLVER_HOST } from "./resolver.ts";
import type { State } from "./state.ts";
import type { Wait } from "./waiting.ts";

/** How long a dead connection is waited for by who has no patience of their own. */
const CONNECT_TIMEOUT_MS = 30_000;

const WITHOUT_BODY = new Set([101, 204, 205, 304]);

async function asked(request: Request): Promise<Ask> {
  const url = new URL(request.url);
  const scheme = url.protocol === "http:" ? "http" : "https";
  const headers = Object.fromEntries(request.headers);
  return {
    from: "worker",
    method: request.method,
    scheme,
    address: bareName(url.hostname),
    port: url.port === "" ? defaultPort(scheme) : Number(url.port),
    host: (headers["host"] ?? url.hostname).replace(/:\d+$/, ""),
    path: `${url.pathname}${url.search}`,
    headers,
    ...(request.body === null ? {} : { body: await request.text() }),
  };
}

export async function leave(
  state: State,
  now: () => number,
  wait: Wait,
  request: Request,
): Promise<Response> {
  const ask = await asked(request);
  const outcome = ask.address === RESOLVER_HOST ? askResolver(state, ask) : connect(state, now(), ask);
  if (outcome.kind === "failed") {
    await wait(outcome.failure === "timeout" ? CONNECT_TIMEOUT_MS : outcome.latencyMs, request.signal);
    throw new Error(FAILURE_MESSAGES[outcome.failure]);
  }
  await wait(outcome.latencyMs, request.signal);
  const silent = request.method === "HEAD" || WITHOUT_BODY.has(outcome.status);
  return new Response(silent ? null : outcome.body, { status: outcome.status, headers: outcome.headers });
}
