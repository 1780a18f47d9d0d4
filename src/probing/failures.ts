// Names what went wrong when no answer came. Platforms tell it in words only, so this is the one place that reads them.
import type { ProbeFailure } from "../failover/results.ts";

/** No answer came, or none that is HTTP. The message is for a person and quotes no more than the platform's words. */
export class NoAnswer extends Error {
  readonly failure: ProbeFailure;

  constructor(failure: ProbeFailure, message: string) {
    super(message);
    this.name = "NoAnswer";
    this.failure = failure;
  }
}

export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** First match wins: "tls: connection reset" is about TLS, "dns: timed out" about DNS. */
const WORDS: readonly (readonly [ProbeFailure, RegExp])[] = [
  ["tls", /\b(tls|ssl|certificate|handshake|x509)\b|CERT_/i],
  ["dns", /\bdns\b|unknown host|not resolve|name or service not known|ENOTFOUND|EAI_AGAIN|NXDOMAIN/i],
  ["refused", /refused/i],
  ["timeout", /timed? ?-?out|ETIMEDOUT/i],
  [
    "reset",
    /\breset\b|ECONNRESET|EPIPE|broken pipe|connection (was )?(lost|closed|aborted)|socket hang up|disconnected/i,
  ],
  ["unreachable", /no route|unreachable|EHOSTUNREACH|ENETUNREACH/i],
  ["protocol", /invalid http|\bprotocol\b|malformed|parse error|gibberish/i],
  ["blocked", /prohibited|not (permitted|allowed)|disallowed|\bblocked\b|forbidden/i],
];

/** The class that a message's own words name; null where they name none. */
export function failureNamed(message: string): ProbeFailure | null {
  return WORDS.find(([, words]) => words.test(message))?.[0] ?? null;
}

/** workerd hides what happened behind a reference number for its operators. */
export function isOpaque(message: string): boolean {
  return /internal error/i.test(message);
}

/** What a binding's exception means. */
export function egressFailure(thrown: unknown): NoAnswer {
  const message = messageOf(thrown);
  return new NoAnswer(failureNamed(message) ?? "unreachable", message);
}

/**
 * What workerd's fetch means by throwing: "Network connection lost." for a refused and for a reset connection, an opaque
 * error for a failed lookup and for failed TLS (seen locally; in production most of these are answers with a status 52x).
 */
export function fetchFailure(thrown: unknown, scheme: "http" | "https"): NoAnswer {
  const message = messageOf(thrown);
  if (isOpaque(message)) {
    return scheme === "https"
      ? new NoAnswer("tls", "TLS failed, or the name does not resolve")
      : new NoAnswer("dns", "the name does not resolve");
  }
  // undici wraps what happened.
  const cause = thrown instanceof Error && thrown.cause !== undefined ? messageOf(thrown.cause) : "";
  return new NoAnswer(failureNamed(cause) ?? failureNamed(message) ?? "unreachable", message);
}
