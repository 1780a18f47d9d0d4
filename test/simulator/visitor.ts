import { connect } from "./connect.ts";
import { defaultPort, FAILURE_MESSAGES, type Ask } from "./exchange.ts";
import type { State } from "./state.ts";

export interface VisitOptions {
  /** Sent as a Cookie header. */
  cookies?: Record<string, string>;
  headers?: Record<string, string>;
  method?: string;
}

export interface Visit {
  /** 0 where no HTTP answer came. */
  status: number;
  body: string;
  headers: Record<string, string>;
  /** The name of the pool; "dns" where a record answered; "worker", "custom hostname" or a project's subdomain where that has the name; the origin's address; "cache"; else "none". */
  servedBy: string;
  /** The address of the endpoint that answered in the end, null if none did. */
  address: string | null;
  /** Why no HTTP answer came, in words. */
  error: string | null;
  /** Cookies that the answer sets, to be given to the next visit. */
  cookies: Record<string, string>;
}

function cookiesOf(headers: Record<string, string>): Record<string, string> {
  const [name, value] = (headers["set-cookie"] ?? "").split(";")[0]?.split(/=(.*)/s) ?? [];
  return name === undefined || value === undefined ? {} : { [name]: value };
}

/** A visitor with a browser: asks the URL's own name, and doesn't follow redirects. */
export function visit(state: State, now: number, url: string, options: VisitOptions = {}): Visit {
  const target = new URL(url);
  const scheme = target.protocol === "http:" ? "http" : "https";
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = value;
  const cookies = Object.entries(options.cookies ?? {}).map(([name, value]) => `${name}=${value}`);
  if (cookies.length > 0) headers["cookie"] = cookies.join("; ");
  const ask: Ask = {
    from: "visitor",
    method: options.method ?? "GET",
    scheme,
    address: target.hostname,
    port: target.port === "" ? defaultPort(scheme) : Number(target.port),
    host: target.hostname,
    path: `${target.pathname}${target.search}`,
    headers,
  };
  const outcome = connect(state, now, ask);
  if (outcome.kind === "failed") {
    const error = FAILURE_MESSAGES[outcome.failure];
    return { status: 0, body: "", headers: {}, servedBy: "none", address: null, error, cookies: {} };
  }
  const { status, body, servedBy, address = null } = outcome;
  return {
    status,
    body,
    headers: outcome.headers,
    servedBy,
    address,
    error: null,
    cookies: cookiesOf(outcome.headers),
  };
}
