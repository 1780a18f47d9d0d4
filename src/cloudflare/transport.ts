import { IPs } from "cloudflare/resources/ips";
import { createClient } from "cloudflare/tree-shakable";
import type { Budget, Priority } from "./budget.ts";
import { classifyAnswer, classifyThrown, CloudflareError, withoutSecret, type Envelope } from "./errors.ts";

export type Method = "get" | "post" | "put" | "patch" | "delete";

/** One call of Cloudflare's API; throws `CloudflareError` and nothing else. */
export type Call = (
  priority: Priority,
  method: Method,
  path: string,
  options?: { query?: Record<string, string | number>; body?: unknown },
) => Promise<Envelope>;

export interface TransportOptions {
  readonly apiToken: string;
  readonly baseURL: string;
  readonly timeoutMs: number;
  readonly budget: Budget;
  readonly fetch: typeof fetch;
}

function productOf(path: string): string {
  return (
    /\/(load_balancers|pages|dns_records|zones|ips|ssl|tokens|alerting)\b(?!.*\/(load_balancers|dns_records|ssl)\b)/.exec(
      path,
    )?.[1] ?? ""
  );
}

function refusedUntil(until: number | null): string {
  return `Cloudflare refuses all calls of this token until ${new Date(until ?? 0).toISOString()} (429)`;
}

/**
 * The official SDK, used by its verbs: it authenticates, encodes, times out and types its errors, but it retries
 * creates and unwraps `success: false` to null, so retries are off and the envelope is judged here.
 */
export function createTransport({
  apiToken,
  baseURL,
  timeoutMs,
  budget,
  fetch: send,
}: TransportOptions): Call {
  const client = createClient({
    resources: [IPs],
    apiToken,
    baseURL,
    timeout: timeoutMs,
    maxRetries: 0,
    fetch: send,
    logLevel: "off",
  });

  const verbs = {
    get: client.get.bind(client),
    post: client.post.bind(client),
    put: client.put.bind(client),
    patch: client.patch.bind(client),
    delete: client.delete.bind(client),
  };

  return async (priority, method, path, { query, body } = {}) => {
    const taken = budget.take(priority);
    if (!taken.ok) {
      const why = taken.blocked ? refusedUntil(taken.until) : "the request budget is used up";
      throw new CloudflareError("rate-limited", why);
    }
    const product = productOf(path);
    // The SDK's timeout ends with the headers; a body that never ends must not hold us either.
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), timeoutMs);
    const tooLate = new Promise<never>((_, reject) => {
      stop.signal.addEventListener("abort", () =>
        reject(
          new CloudflareError("unavailable", "Cloudflare's API did not answer in time", { ambiguous: true }),
        ),
      );
    });
    try {
      const options = {
        ...(query === undefined ? {} : { query }),
        ...(body === undefined ? {} : { body }),
        signal: stop.signal,
      };
      const answer: unknown = await Promise.race([verbs[method](path, options), tooLate]);
      if (typeof answer === "object" && answer !== null && (answer as Envelope).success === true)
        return answer;
      throw classifyAnswer(200, answer, product, null);
    } catch (error) {
      const classified = withoutSecret(classifyThrown(error, product), apiToken);
      if (classified.kind !== "rate-limited") throw classified;
      budget.block(classified.retryAfterSeconds);
      const { status, codes, ambiguous, retryAfterSeconds } = classified;
      const more = { status, codes, ambiguous, retryAfterSeconds };
      const why = `${refusedUntil(budget.blockedUntil())}: ${classified.message}`;
      throw new CloudflareError("rate-limited", why, more);
    } finally {
      clearTimeout(timer);
    }
  };
}
