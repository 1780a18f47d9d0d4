import type { Context, MiddlewareHandler } from "hono";
import type { Actor, Origin } from "../failover/results.ts";
import type { ApiDependencies, ApiEnv } from "./dependencies.ts";
import { problem } from "./problem.ts";

/** Wider than RFC 6750's characters: an operator may have chosen any. At least one, so that no token equals an empty one. */
const BEARER = /^Bearer +([\x21-\x7e]+)$/i;

/** Digests have one length, so that neither the length of a token nor its first letters show in the time it takes. */
async function sameToken(given: string, expected: string): Promise<boolean> {
  const encoder = new TextEncoder();
  const [a, b] = await Promise.all(
    [given, expected].map((token) => crypto.subtle.digest("SHA-256", encoder.encode(token))),
  );
  const left = new Uint8Array(a ?? new ArrayBuffer(0));
  const right = new Uint8Array(b ?? new ArrayBuffer(0));
  let difference = left.length ^ right.length;
  for (const [index, byte] of left.entries()) difference |= byte ^ (right[index] ?? 0);
  return difference === 0;
}

export type Authentication =
  | { readonly ok: true; readonly actor: Actor }
  | { readonly ok: false; readonly why: "missing" | "malformed" | "unknown" };

/** Who asks, by the Authorization header. An installation without an admin token lets nobody in. */
export async function authenticate(
  authorization: string | undefined,
  { adminToken }: Pick<ApiDependencies, "adminToken">,
): Promise<Authentication> {
  if (authorization === undefined) return { ok: false, why: "missing" };
  const token = BEARER.exec(authorization)?.[1];
  if (token === undefined) return { ok: false, why: "malformed" };
  if (!(await sameToken(token, adminToken))) return { ok: false, why: "unknown" };
  return { ok: true, actor: { kind: "token", name: "admin" } };
}

const REALM = 'Bearer realm="understudy"';
const ANSWERS = {
  missing: { detail: "Send a token: Authorization: Bearer <token>.", challenge: REALM },
  malformed: {
    detail: "The Authorization header is not of the form Bearer <token>.",
    challenge: `${REALM}, error="invalid_request"`,
  },
  unknown: { detail: "This token is not valid.", challenge: `${REALM}, error="invalid_token"` },
} as const;

export function requireToken(dependencies: Pick<ApiDependencies, "adminToken">): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const found = await authenticate(c.req.header("authorization"), dependencies);
    if (!found.ok) {
      const { detail, challenge } = ANSWERS[found.why];
      throw problem("unauthorized", detail, { headers: { "www-authenticate": challenge } });
    }
    c.set("actor", found.actor);
    await next();
  };
}

/** What an event will say of who asked. */
export function originOf(c: Context<ApiEnv>): Origin {
  return { actor: c.get("actor"), requestId: c.get("requestId") };
}
