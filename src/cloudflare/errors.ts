import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from "cloudflare/error";

export type CloudflareErrorKind =
  | "not-found"
  | "in-use"
  | "taken"
  | "forbidden"
  | "rate-limited"
  | "invalid"
  | "unavailable"; // no answer, a server's fault, or an answer that can't be read: may pass by itself

/**
 * A call that Cloudflare did not carry out, or about which nobody knows. Classified once, here, by status, product
 * and code together: the same code number means different things elsewhere (API-FACTS 1.3).
 */
export class CloudflareError extends Error {
  readonly kind: CloudflareErrorKind;
  readonly status: number | null;
  readonly codes: readonly number[];
  /** True where the call may have taken effect, or may still do so. */
  readonly ambiguous: boolean;
  readonly retryAfterSeconds: number | null;

  constructor(
    kind: CloudflareErrorKind,
    message: string,
    more: {
      status?: number | null;
      codes?: readonly number[];
      ambiguous?: boolean;
      retryAfterSeconds?: number | null;
    } = {},
  ) {
    super(message);
    this.kind = kind;
    this.status = more.status ?? null;
    this.codes = more.codes ?? [];
    this.ambiguous = more.ambiguous ?? false;
    this.retryAfterSeconds = more.retryAfterSeconds ?? null;
  }
}

export interface Envelope {
  readonly success?: unknown;
  readonly errors?: unknown;
  readonly result?: unknown;
  readonly result_info?: unknown;
}

interface ErrorItem {
  readonly code: number;
  readonly message: string;
}

export function errorItems(envelope: unknown): ErrorItem[] {
  const errors =
    typeof envelope === "object" && envelope !== null ? (envelope as Envelope).errors : undefined;
  if (!Array.isArray(errors)) return [];
  return errors.flatMap((item: unknown): ErrorItem[] => {
    if (typeof item !== "object" || item === null) return [];
    const { code, message } = item as { code?: unknown; message?: unknown };
    return [
      { code: typeof code === "number" ? code : 0, message: typeof message === "string" ? message : "" },
    ];
  });
}

function kindOf(status: number, items: readonly ErrorItem[], product: string): CloudflareErrorKind {
  const codes = items.map(({ code }) => code);
  const text = items.map(({ message }) => message.toLowerCase()).join(" ");
  const balancing = product === "load_balancers";
  if (status === 429 || codes.includes(971)) return "rate-limited";
  if (status >= 500) return "unavailable";
  // Still referenced is 412/1005 in one set of reports and 400/1002 in another (API-FACTS 3).
  if (
    status === 412 ||
    (balancing && (codes.includes(1005) || (codes.includes(1002) && text.includes("referenced"))))
  ) {
    return "in-use";
  }
  // "Probing from every data centre is not allowed" was seen as an authorization failure, but it is the input's fault.
  if (text.includes("not allowed with this subscription")) return "invalid";
  if (status === 401 || status === 403) return "forbidden";
  // Some products are closed to an account's own token, whatever it may do: a 400 with code 1001 or 1011 (API-FACTS 1.2).
  if (text.includes("does not support account owned tokens")) return "forbidden";
  if (status === 404 || (product === "pages" && codes.includes(8000007))) return "not-found";
  if (balancing && codes.includes(1003)) return "taken";
  return "invalid";
}

function describe(status: number, items: readonly ErrorItem[], body: string): string {
  if (items.length > 0)
    return items.map(({ code, message }) => `${message || "no message"} (code ${code})`).join("; ");
  const shown = body.trim().startsWith("<")
    ? "an HTML page"
    : body.trim() === ""
      ? "an empty body"
      : "no readable error";
  return `HTTP ${status} with ${shown}`;
}

/** `product` is the path's product, e.g. `load_balancers`, `pages`, `dns_records`. */
export function classifyAnswer(
  status: number,
  body: unknown,
  product: string,
  retryAfterSeconds: number | null,
): CloudflareError {
  const items = errorItems(body);
  const text = typeof body === "string" ? body : "";
  // A page of something in between says nothing of the object, nor of what became of a write.
  const isForeign = items.length === 0 && status !== 429 && status !== 401;
  const kind = isForeign ? "unavailable" : kindOf(status, items, product);
  // A 2xx that doesn't say success, or can't be read, may well have taken effect.
  const ambiguous = status >= 500 || status < 300 || isForeign;
  return new CloudflareError(kind, describe(status, items, text), {
    status,
    codes: items.map(({ code }) => code),
    ambiguous,
    retryAfterSeconds,
  });
}

/** Cloudflare blocks for five minutes: no header may silence the service for days. */
const LONGEST_BLOCK_SECONDS = 3600;

function retryAfter(headers: Headers | undefined): number | null {
  const value = headers?.get("retry-after") ?? "";
  return /^\d{1,6}$/.test(value.trim()) ? Math.min(Number(value), LONGEST_BLOCK_SECONDS) : null;
}

/** The same error without a secret that Cloudflare may have quoted. */
export function withoutSecret(error: CloudflareError, secret: string): CloudflareError {
  if (!error.message.includes(secret)) return error;
  const { kind, message, status, codes, ambiguous, retryAfterSeconds } = error;
  const more = { status, codes, ambiguous, retryAfterSeconds };
  return new CloudflareError(kind, message.replaceAll(secret, "[secret]"), more);
}

/** What the SDK throws, in our words. */
export function classifyThrown(error: unknown, product: string): CloudflareError {
  if (error instanceof CloudflareError) return error;
  if (error instanceof APIConnectionTimeoutError || error instanceof APIUserAbortError) {
    return new CloudflareError("unavailable", "Cloudflare's API did not answer in time", { ambiguous: true });
  }
  if (error instanceof APIConnectionError) {
    return new CloudflareError(
      "unavailable",
      "Cloudflare's API could not be reached, or its answer was lost",
      {
        ambiguous: true,
      },
    );
  }
  if (error instanceof APIError && typeof error.status === "number") {
    const headers: unknown = error.headers;
    // What isn't JSON is told in the message only, after the status.
    const body: unknown = error.error ?? error.message.replace(/^\d+ /, "");
    return classifyAnswer(
      error.status,
      body,
      product,
      retryAfter(headers instanceof Headers ? headers : undefined),
    );
  }
  const why = error instanceof Error ? error.name : "unknown fault";
  return new CloudflareError("unavailable", `Cloudflare's answer could not be read (${why})`, {
    ambiguous: true,
  });
}
