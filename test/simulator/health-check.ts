// API-FACTS 4 and 10.1: one check of one endpoint by one place, and the reason in Cloudflare's words.
import { bareName, isIp } from "./addresses.ts";
import { connect } from "./connect.ts";
import { resolve } from "./dns.ts";
import { defaultPort, type Answer, type Ask, type Failed } from "./exchange.ts";
import type { Monitor, OriginFailure, Pool, PoolOrigin } from "./objects.ts";
import type { State } from "./state.ts";

export interface CheckResult {
  healthy: boolean;
  reason: string;
  responseCode: number;
  rttMs: number;
}

const REASONS: Record<OriginFailure, string> = {
  refused: "TCP connection failed",
  timeout: "TCP timeout",
  unreachable: "No route to host",
  reset: "Connection reset by peer",
  dns: "DNS unknown host",
  tls: "TLS untrusted certificate",
  "tls-name": "TLS name mismatch",
  "tls-handshake": "TLS handshake failure",
  garbage: "HTTP invalid response",
};

/** The body is searched this deep (API-FACTS 4; the shallower of two statements). */
const BODY_DEPTH = 10 * 1024;

function unhealthy(reason: string, responseCode = 0, rttMs = 0): CheckResult {
  return { healthy: false, reason, responseCode, rttMs };
}

function headerOf(headers: Record<string, string[]>, wanted: string): string | undefined {
  const found = Object.entries(headers).find(([name]) => name.toLowerCase() === wanted);
  return found?.[1][0];
}

/** Codes (200), classes (2xx) and comma lists of both. */
export function codeMatches(expected: string, status: number): boolean {
  return expected.split(",").some((part) => {
    const code = part.trim().toLowerCase();
    return code === String(status) || (/^\dxx$/.test(code) && code.startsWith(String(status).charAt(0)));
  });
}

/** The name asked for: the endpoint's header, else the monitor's, else the address. */
function hostFor(state: State, monitor: Monitor, origin: PoolOrigin): string {
  const host = origin.header?.Host?.[0] ?? headerOf(monitor.header, "host");
  if (host !== undefined) return host;
  const atPages = resolve(state, origin.address).kind === "pages";
  return atPages && state.switches.pagesProbeNeedsHost ? "host-header-missing.invalid" : origin.address;
}

export function checkEndpoint(
  state: State,
  now: number,
  monitor: Monitor,
  pool: Pool,
  origin: PoolOrigin,
  place: readonly [string, string],
): CheckResult {
  // A name that leads to Cloudflare's own proxy is not probed (API-FACTS 10.1); Pages is the exception.
  const kind = resolve(state, origin.address).kind;
  const host = hostFor(state, monitor, origin);
  const http = monitor.type === "http" || monitor.type === "https";
  const scheme = monitor.type === "https" ? "https" : "http";
  if (kind === "edge" && resolve(state, host).kind !== "pages" && !isPagesDomain(state, origin.address)) {
    return unhealthy("DNS internal");
  }
  const headers: Record<string, string> = {
    "user-agent": `Mozilla/5.0 (compatible; Cloudflare-Traffic-Manager/1.0; +https://www.cloudflare.com/traffic-manager/; pool-id: ${pool.id.slice(0, 16)})`,
  };
  for (const [name, values] of Object.entries(monitor.header))
    headers[name.toLowerCase()] = values.join(", ");
  const ask: Ask = {
    from: "health-check",
    place,
    method: http ? monitor.method : "GET",
    scheme,
    address: origin.address,
    port: monitor.port || (origin.port ?? 0) || defaultPort(scheme),
    host,
    path: http ? monitor.path : "/",
    headers,
    allowInsecure: monitor.allow_insecure,
  };
  return http ? checkHttp(state, now, monitor, ask) : checkConnection(state, now, monitor, ask);
}

function isPagesDomain(state: State, address: string): boolean {
  const name = bareName(address);
  return [...state.pagesProjects.values()].some((project) =>
    project.domains.some((domain) => domain.name === name && domain.status === "active"),
  );
}

function failure(outcome: Failed): CheckResult {
  return unhealthy(REASONS[outcome.failure]);
}

function checkConnection(state: State, now: number, monitor: Monitor, ask: Ask): CheckResult {
  const outcome = connect(state, now, ask);
  const slow = outcome.latencyMs > monitor.timeout * 1000;
  if (slow) return unhealthy("TCP timeout");
  // Whoever accepts the connection is up, whatever it would say in HTTP.
  if (outcome.kind === "failed" && outcome.failure !== "garbage" && !outcome.failure.startsWith("tls")) {
    return failure(outcome);
  }
  return { healthy: true, reason: "No failures", responseCode: 0, rttMs: rtt(outcome.latencyMs) };
}

function rtt(latencyMs: number): number {
  return Math.max(1, latencyMs);
}

function checkHttp(state: State, now: number, monitor: Monitor, first: Ask): CheckResult {
  let ask = first;
  let elapsed = 0;
  for (let redirects = 0; redirects <= 10; redirects += 1) {
    const outcome = connect(state, now, ask);
    elapsed += outcome.latencyMs;
    if (outcome.kind === "failed") return failure(outcome);
    if (elapsed > monitor.timeout * 1000) return unhealthy("HTTP timeout occurred");
    const next = monitor.follow_redirects ? redirected(ask, outcome) : null;
    if (next === null) return judge(monitor, outcome, elapsed);
    ask = next;
  }
  return unhealthy("Response code mismatch", 301, rtt(elapsed));
}

/** A redirect on the same name stays at the same address; to another name it is looked up. */
function redirected(ask: Ask, answer: Answer): Ask | null {
  const location = answer.headers["location"];
  if (location === undefined || ![301, 302, 303, 307, 308].includes(answer.status)) return null;
  let url: URL;
  try {
    url = new URL(location, `${ask.scheme}://${ask.host}${ask.path}`);
  } catch {
    return null;
  }
  const scheme = url.protocol === "https:" ? "https" : "http";
  const same = bareName(url.hostname) === bareName(ask.host);
  const stays = scheme === ask.scheme && url.port === "" && same;
  return {
    ...ask,
    scheme,
    port: url.port === "" ? (stays ? ask.port : defaultPort(scheme)) : Number(url.port),
    address: same && (isIp(ask.address) || ask.address !== ask.host) ? ask.address : url.hostname,
    host: same ? ask.host : url.hostname,
    path: `${url.pathname}${url.search}`,
  };
}

function judge(monitor: Monitor, answer: Answer, elapsed: number): CheckResult {
  if (!codeMatches(monitor.expected_codes, answer.status)) {
    return unhealthy("Response code mismatch", answer.status, rtt(elapsed));
  }
  const wanted = monitor.expected_body.toLowerCase();
  const body = monitor.method.toUpperCase() === "HEAD" ? "" : answer.body.slice(0, BODY_DEPTH).toLowerCase();
  if (wanted !== "" && !body.includes(wanted)) {
    return unhealthy("Response body mismatch", answer.status, rtt(elapsed));
  }
  return { healthy: true, reason: "No failures", responseCode: answer.status, rttMs: rtt(elapsed) };
}
