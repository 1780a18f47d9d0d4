// One HTTP exchange between two machines, before and after. Nothing here waits: latency is a number.
import type { OriginFailure } from "./objects.ts";

/** Who asks. An origin that admits only Cloudflare sees edge and health checks as Cloudflare, a Worker's socket not (API-FACTS 16.6). */
export type Asker = "worker" | "visitor" | "edge" | "health-check";

export interface Ask {
  from: Asker;
  /** For a health check: the place that it comes from, as [region, place]. */
  place?: readonly [string, string];
  method: string;
  scheme: "http" | "https";
  address: string;
  port: number;
  /** The name asked for: Host header, and SNI under https. */
  host: string;
  /** Path with query. */
  path: string;
  headers: Record<string, string>;
  /** Absent where nothing is sent. */
  body?: string;
  allowInsecure?: boolean;
  /** Cloudflare's edges that it has passed. */
  hops?: number;
}

export interface Answer {
  kind: "answer";
  status: number;
  headers: Record<string, string>;
  body: string;
  latencyMs: number;
  /** The pool, the origin's address, "dns" or "none". */
  servedBy: string;
  /** The address of the endpoint at the end, if one was reached. */
  address?: string;
}

export interface Failed {
  kind: "failed";
  failure: OriginFailure;
  latencyMs: number;
}

export type Outcome = Answer | Failed;

export function failed(failure: OriginFailure, latencyMs = 0): Failed {
  return { kind: "failed", failure, latencyMs };
}

export const FAILURE_MESSAGES: Record<OriginFailure, string> = {
  refused: "connection refused",
  timeout: "timed out",
  unreachable: "no route to host",
  reset: "connection reset by peer",
  dns: "dns: unknown host",
  tls: "tls: untrusted certificate",
  "tls-name": "tls: name mismatch",
  "tls-handshake": "tls: handshake failure",
  garbage: "invalid http response",
};

export function defaultPort(scheme: "http" | "https"): number {
  return scheme === "http" ? 80 : 443;
}

/** Answers that Cloudflare itself makes. */
export function fromCloudflare(status: number, body: string, servedBy = "none"): Answer {
  return {
    kind: "answer",
    status,
    headers: {
      server: "cloudflare",
      "cf-ray": "8d0000000000aaaa-AMS",
      "content-type": "text/html; charset=UTF-8",
    },
    body,
    latencyMs: 1,
    servedBy,
  };
}
