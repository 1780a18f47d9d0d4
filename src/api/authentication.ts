// Who asks: a token of ours in Authorization, or a person or service that Cloudflare Access vouches for.
import type { Context } from "hono";
import { BOOTSTRAP, grantOf, tokenState, type Principal } from "../failover/access.ts";
import { principalOf } from "../failover/access-grants.ts";
import type { Origin } from "../failover/results.ts";
import type { ApiDependencies, ApiEnv } from "./dependencies.ts";

/** Wider than RFC 6750's characters: an operator may have chosen any. At least one, so that no token equals an empty one. */
const BEARER = /^Bearer +([\x21-\x7e]+)$/i;
const JWT_HEADER = "cf-access-jwt-assertion";
/** Often enough to see what is in use, seldom enough not to be a write for every request. */
const USED_EVERY_MS = 60_000;

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

export type Unauthenticated =
  | "missing"
  | "malformed"
  | "unknown"
  | "expired"
  | "revoked"
  | "jwt-invalid"
  | "jwt-expired"
  /** Not the caller's fault: the keys of Access can't be read. */
  | "keys-unreachable";

export type Authentication =
  | {
      readonly ok: true;
      readonly principal: Principal;
      /** A browser adds what Access checks to every request, also to one that another site made it send. */
      readonly byBrowser: boolean;
      /** What is worth writing down and nobody waits for. */
      readonly afterwards?: () => Promise<void>;
    }
  | { readonly ok: false; readonly why: Unauthenticated };

export type AuthenticationDependencies = Pick<
  ApiDependencies,
  "adminToken" | "tokens" | "access" | "clock" | "log"
>;

async function authenticateToken(
  secret: string,
  { adminToken, tokens, clock }: AuthenticationDependencies,
): Promise<Authentication> {
  if (await sameToken(secret, adminToken)) return { ok: true, principal: BOOTSTRAP, byBrowser: false };
  const token = await tokens.findBySecret(secret);
  if (token === null) return { ok: false, why: "unknown" };
  const now = clock.now();
  const state = tokenState(token, now);
  if (state !== "active") return { ok: false, why: state };
  const principal: Principal = {
    actor: { kind: "token", name: token.name },
    grants: [grantOf(token)],
    key: `token:${token.id}`,
  };
  const isRecent = token.lastUsedAt !== null && now - token.lastUsedAt < USED_EVERY_MS;
  return {
    ok: true,
    principal,
    byBrowser: false,
    ...(isRecent ? {} : { afterwards: () => tokens.markUsed(token.id) }),
  };
}

async function authenticateJwt(
  jwt: string,
  { verify, grants }: NonNullable<ApiDependencies["access"]>,
): Promise<Authentication> {
  const verified = await verify(jwt);
  if (!verified.ok) return verified;
  const principal = principalOf(verified.claims, grants);
  if (principal === null) return { ok: false, why: "jwt-invalid" };
  return { ok: true, principal, byBrowser: principal.actor.kind === "person" };
}

/**
 * An Authorization header decides alone where there is one: whoever sends it means it, and behind Access a machine has
 * both. The cookie of Access isn't looked at: Access itself adds the header to every request that passes it, while a
 * cookie also comes to where no Access stands before us.
 */
export async function authenticate(
  headers: Headers,
  dependencies: AuthenticationDependencies,
): Promise<Authentication> {
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    const secret = BEARER.exec(authorization)?.[1];
    return secret === undefined ? { ok: false, why: "malformed" } : authenticateToken(secret, dependencies);
  }
  const jwt = headers.get(JWT_HEADER);
  if (jwt === null || dependencies.access === null) return { ok: false, why: "missing" };
  return authenticateJwt(jwt, dependencies.access);
}

/** What an event will say of who asked. */
export function originOf(c: Context<ApiEnv>): Origin {
  return { actor: c.get("principal").actor, requestId: c.get("requestId") };
}
