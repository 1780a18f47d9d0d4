// What every route of the API shares: its environment, the envelope, and who may call it.
import type { Context, MiddlewareHandler } from "hono";
import type { Zone } from "../objects.ts";
import { allows, seesZone, type Permission } from "../permissions.ts";
import type { State } from "../state.ts";
import type { Post } from "../alerting.ts";
import { asBody, type Body } from "./body.ts";
import { authenticationError, Refusal, unauthorized, unroutable } from "./refusal.ts";

export interface CallBindings {
  state: State;
  now: number;
  /** How a notification leaves: answers the status, or null where none came. */
  post: Post;
  /** Objects that a fault leaves out of lists. */
  omit?: (object: Record<string, unknown>) => boolean;
}

export interface CallEnv {
  Bindings: CallBindings;
}

export type Call = Context<CallEnv>;

export interface ResultInfo {
  page: number;
  per_page: number;
  count: number;
  total_count: number;
  total_pages?: number;
}

export function ok(c: Call, result: unknown, resultInfo?: ResultInfo): Response {
  return c.json({
    success: true,
    errors: [],
    messages: [],
    result,
    ...(resultInfo === undefined ? {} : { result_info: resultInfo }),
  });
}

export function refuse(refusal: Refusal, bare: boolean): Response {
  const error = {
    ...(refusal.code === null ? {} : { code: refusal.code }),
    message: refusal.message,
    ...(refusal.chain.length === 0 ? {} : { error_chain: refusal.chain }),
  };
  const envelope = { success: false, errors: [error], ...(bare ? {} : { messages: [], result: null }) };
  return Response.json(envelope, { status: refusal.status });
}

export async function readBody(c: Call): Promise<Body> {
  let parsed: unknown;
  try {
    parsed = await c.req.json();
  } catch {
    throw new Refusal(400, 6007, "Malformed JSON in request body");
  }
  return asBody(parsed);
}

const isId = (value: string): boolean => /^[0-9a-f]{32}$/i.test(value);

/** A malformed id is not routable, another account's is not accessible (API-FACTS 1.3). */
export const accountScope: MiddlewareHandler<CallEnv> = async (c, next) => {
  const id = c.req.param("account") ?? "";
  if (!isId(id)) throw unroutable();
  if (id !== c.env.state.account.id) throw authenticationError();
  await next();
};

export const zoneScope: MiddlewareHandler<CallEnv> = async (c, next) => {
  zoneOfCall(c);
  await next();
};

export function zoneOfCall(c: Call): Zone {
  const id = c.req.param("zone") ?? "";
  if (!isId(id)) throw unroutable();
  const zone = c.env.state.zones.get(id);
  if (zone === undefined || !seesZone(c.env.state.token, zone)) throw unauthorized();
  return zone;
}

export function needs(permission: Permission): MiddlewareHandler<CallEnv> {
  return async (c, next) => {
    if (!allows(c.env.state.token, permission)) {
      throw permission.startsWith("Zone") || permission.startsWith("Account")
        ? unauthorized()
        : authenticationError();
    }
    await next();
  };
}

/** Malformed, unknown, disabled or expired tokens (API-FACTS 1.3). */
export function checkToken(
  state: State,
  now: number,
  authorization: string | null,
  verifying: boolean,
): void {
  if (authorization === null)
    throw new Refusal(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers");
  const value = /^Bearer ([A-Za-z0-9._-]+)$/.exec(authorization)?.[1];
  if (value === undefined) {
    throw new Refusal(400, 6003, "Invalid request headers", [
      { code: 6111, message: "Invalid format for Authorization header" },
    ]);
  }
  const { token } = state;
  if (state.otherTokens.some((other) => other.value === value)) return;
  const known = value === token.value;
  // Verifying a disabled or expired token says so; using it fails.
  if (known && verifying) return;
  const expired = token.expiresOn !== null && Date.parse(token.expiresOn) <= now;
  if (known && token.status === "active" && !expired) return;
  throw verifying
    ? new Refusal(401, 1000, "Invalid API Token")
    : new Refusal(401, 10000, "Authentication error");
}
