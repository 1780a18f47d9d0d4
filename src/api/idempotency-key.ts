// An Idempotency-Key on a POST: whatever is asked twice under one key is done once. What a request gets is decided in
// failover/idempotency.ts, after draft-ietf-httpapi-idempotency-key-header.
import type { Context, MiddlewareHandler } from "hono";
import type { Caller } from "../actions/coordinator-port.ts";
import type { Claim, StoredAnswer } from "../failover/idempotency.ts";
import type { Result } from "../failover/results.ts";
import { spelled } from "../failover/spelled.ts";
import { originOf } from "./authentication.ts";
import { readBytes } from "./body.ts";
import type { ApiDependencies, ApiEnv } from "./dependencies.ts";
import { problem, valueOf } from "./problem.ts";

const PRINTABLE = /^[\x20-\x7e]{1,255}$/;
/** Of an answer, beside its body. */
const KEPT_HEADERS = ["content-type", "etag", "location", "preference-applied"];
/** Members that are told once, wherever they stand at the top of an answer: they are kept as null. */
const TOLD_ONCE = ["secret", "token"];
/** Most requests have done something by then. */
const RETRY_AFTER_SECONDS = "1";

/** However the body is spelled: the order of members and blanks say nothing. */
function contentOf(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  try {
    return spelled(JSON.parse(text));
  } catch {
    return text;
  }
}

async function fingerprintOf(c: Context<ApiEnv>, bytes: Uint8Array): Promise<string> {
  const { search } = new URL(c.req.url);
  const content = new TextEncoder().encode(`${search}\n${contentOf(bytes)}`);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function withoutSecrets(body: string): string {
  const value: unknown = JSON.parse(body);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return body;
  const members = Object.entries(value).map(([name, member]) => [
    name,
    TOLD_ONCE.includes(name) ? null : member,
  ]);
  return JSON.stringify(Object.fromEntries(members));
}

async function toStore(response: Response): Promise<StoredAnswer> {
  const headers = KEPT_HEADERS.flatMap((name) => {
    const value = response.headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  const body = withoutSecrets(await response.clone().text());
  return { status: response.status, headers: Object.fromEntries(headers), body };
}

/** A refusal changed nothing, and of a fault of ours nobody knows: neither is an answer for good. */
async function settle(c: Context<ApiEnv>, { keys, log }: ApiDependencies, claim: Claim): Promise<void> {
  const { status } = c.res;
  try {
    if (status < 300) await keys.answered(claim, await toStore(c.res));
    else await keys.release(claim, status < 500 ? "any" : "same");
  } catch (error) {
    // Asked again, the answer is made anew from what was done.
    const message = "the answer to a request with an Idempotency-Key could not be kept";
    log({ level: "warn", message, request_id: c.get("requestId"), error: String(error) });
  }
}

export function honourIdempotencyKey(dependencies: ApiDependencies): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const key = c.req.header("idempotency-key");
    if (c.req.method !== "POST" || key === undefined) return next();
    if (!PRINTABLE.test(key)) {
      throw problem("bad-request", "Idempotency-Key must have 1 to 255 printable ASCII characters.");
    }
    const bytes = await readBytes(c.req.raw);
    c.set("bytes", bytes);
    const found = await dependencies.keys.claim({
      principal: c.get("principal").key,
      route: `POST ${c.req.path}`,
      key,
      fingerprint: await fingerprintOf(c, bytes),
    });
    switch (found.kind) {
      case "act":
        c.set("claim", found.claim);
        await next();
        return settle(c, dependencies, found.claim);
      case "rebuild":
        c.set("known", { outcome: found.outcome });
        await next();
        if (c.res.status < 300) c.header("Idempotency-Replayed", "true");
        return undefined;
      case "replay": {
        const { status, headers, body } = found.answer;
        return new Response(body, { status, headers: { ...headers, "idempotency-replayed": "true" } });
      }
      case "still-running":
        throw problem("still-running", "A request with this Idempotency-Key is still being worked on.", {
          headers: { "retry-after": RETRY_AFTER_SECONDS },
        });
      case "other-request":
        throw problem(
          "key-reused",
          "This Idempotency-Key was used for a request with another body: choose a new key for each request.",
        );
      default:
        return found satisfies never;
    }
  };
}

/**
 * What an action comes to, and the way in which every POST acts: where the request's key stands for something that was
 * done already, `act` isn't called, and what it came to then is the value.
 */
export async function once<T>(c: Context<ApiEnv>, act: (caller: Caller) => Promise<Result<T>>): Promise<T> {
  const known = c.get("known");
  if (known !== undefined) return known.outcome as T;
  const claim = c.get("claim");
  return valueOf(await act({ ...originOf(c), ...(claim === undefined ? {} : { claim }) }));
}
