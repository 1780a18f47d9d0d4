// API-FACTS 2: 1200 requests in five minutes; who exceeds them is blocked for the next five.
import type { State } from "./state.ts";

/** Counts one call; answers the seconds until calls are accepted again, or null if this one is. */
export function spend(state: State, now: number): number | null {
  const { budget } = state;
  if (now < budget.blockedUntil) return Math.ceil((budget.blockedUntil - now) / 1000);
  const windowMs = budget.windowSeconds * 1000;
  if (now - budget.windowStart >= windowMs) {
    budget.windowStart = now;
    budget.used = 0;
  }
  budget.used += 1;
  if (budget.used <= budget.limit) return null;
  block(state, now, budget.windowSeconds);
  return budget.windowSeconds;
}

export function block(state: State, now: number, seconds: number): void {
  const { budget } = state;
  budget.blockedUntil = now + seconds * 1000;
  budget.windowStart = budget.blockedUntil;
  budget.used = 0;
}

/** Structured fields of the IETF draft; they say what is left, not what was used. */
export function budgetHeaders(state: State, now: number): Record<string, string> {
  const { budget, switches } = state;
  if (!switches.rateLimitHeaders) return {};
  const left = now < budget.blockedUntil ? 0 : Math.max(0, budget.limit - budget.used);
  const endsAt =
    now < budget.blockedUntil ? budget.blockedUntil : budget.windowStart + budget.windowSeconds * 1000;
  return {
    ratelimit: `"default";r=${left};t=${Math.max(0, Math.ceil((endsAt - now) / 1000))}`,
    "ratelimit-policy": `"default";q=${budget.limit};w=${budget.windowSeconds}`,
  };
}

/** The exact body is open. */
export function tooManyRequests(state: State, seconds: number): Response {
  const { budget, switches } = state;
  const message = `More than ${budget.limit} requests per ${budget.windowSeconds} seconds reached. Please wait and consider throttling your request speed`;
  const headers = new Headers(switches.retryAfter ? { "retry-after": String(seconds) } : {});
  if (switches.rateLimitBody === "empty") return new Response(null, { status: 429, headers });
  if (switches.rateLimitBody === "html") {
    headers.set("content-type", "text/html; charset=UTF-8");
    return new Response(`<!DOCTYPE html><title>Error 1015</title><p>${message}</p>`, {
      status: 429,
      headers,
    });
  }
  const envelope = { success: false, errors: [{ code: 971, message }], messages: [], result: null };
  return Response.json(envelope, { status: 429, headers });
}
