// Counts requests by Workers' rate limiting, which counts in each of Cloudflare's places and costs no round trip.
import { problem, type ProblemError } from "./problem.ts";

/** The binding; the period stands in wrangler.toml beside the limit. */
export interface Limiter {
  limit(options: { key: string }): Promise<{ success: boolean }>;
}

/** The period of both limits: longer ones there are not. */
const PERIOD_SECONDS = 60;

/** Counts one; whether that was too many. Where it can't be counted nobody is kept out. */
export async function isOverLimit(limiter: Limiter | null, key: string): Promise<boolean> {
  if (limiter === null) return false;
  try {
    return !(await limiter.limit({ key })).success;
  } catch {
    return false;
  }
}

/** Windows follow the clock, so that the present one ends at the next full minute. */
export function tooManyRequests(now: number, perMinute: number | null, what: string): ProblemError {
  const seconds = PERIOD_SECONDS - (Math.floor(now / 1000) % PERIOD_SECONDS);
  return problem("rate-limited", `${what} Try again in ${seconds} seconds.`, {
    headers: {
      "retry-after": String(seconds),
      ratelimit: `"minute";r=0;t=${seconds}`,
      ...(perMinute === null ? {} : { "ratelimit-policy": `"minute";q=${perMinute};w=${PERIOD_SECONDS}` }),
    },
  });
}

/** One subscriber's addresses are one caller: a /64 of IPv6. */
export function clientKey(address: string | null): string {
  if (address === null) return "unknown";
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  if (tail === undefined) return left.slice(0, 4).join(":");
  const right = tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => "0");
  return [...left, ...zeros, ...right].slice(0, 4).join(":");
}
