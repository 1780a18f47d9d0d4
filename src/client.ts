// The typed client of the API: its paths, bodies and answers are those of the routes themselves.
import { hc } from "hono/client";
import type { createApp } from "./api/app.ts";

export type App = ReturnType<typeof createApp>;

export interface ClientOptions {
  /** How requests leave; the global fetch unless given. */
  readonly fetch?: typeof fetch;
  /** Sent with every request beside the token. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** `baseUrl` is the service's address; the token is one of `POST /v1/tokens`. */
export function createClient(baseUrl: string, token: string, { fetch, headers = {} }: ClientOptions = {}) {
  return hc<App>(baseUrl, {
    headers: { ...headers, authorization: `Bearer ${token}` },
    ...(fetch === undefined ? {} : { fetch }),
  });
}

export type Client = ReturnType<typeof createClient>;
