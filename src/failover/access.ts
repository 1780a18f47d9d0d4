// Who may do what: scopes, the failovers that they are limited to, and what a token is worth at an instant.
import type { Actor } from "./results.ts";
import { fitsWildcard } from "./wildcard.ts";

/** Each includes those before it. */
export const SCOPES = ["read", "operate", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** A right: a scope, for every failover (null) or for those whose name fits one of the patterns. */
export interface Grant {
  readonly scope: Scope;
  readonly failovers: readonly string[] | null;
}

/** Whoever was let in. What none of the grants gives is not allowed. */
export interface Principal {
  readonly actor: Actor;
  readonly grants: readonly Grant[];
  /** What its requests are counted by. */
  readonly key: string;
}

/** As a failover's name, with `*` for any characters; no longer than a name. */
export const NAME_PATTERN = /^[a-z0-9*-]{1,50}$/;

/** The highest of several scopes, which includes the others. */
export function scopeOf(scopes: readonly Scope[]): Scope {
  return SCOPES.findLast((scope) => scopes.includes(scope)) ?? "read";
}

const includes = (given: Scope, wanted: Scope): boolean => SCOPES.indexOf(given) >= SCOPES.indexOf(wanted);

export type Grants = Pick<Principal, "grants">;

/** Whether it may do this at all, to whichever failover. */
export function hasScope({ grants }: Grants, wanted: Scope): boolean {
  return grants.some(({ scope }) => includes(scope, wanted));
}

/** Whether it may do this to every failover, those to come as well. */
export function isUnlimited({ grants }: Grants, wanted: Scope): boolean {
  return grants.some(({ scope, failovers }) => failovers === null && includes(scope, wanted));
}

/** Whether it may do this to the failover of that name. */
export function mayTouch({ grants }: Grants, wanted: Scope, name: string): boolean {
  return grants.some(
    ({ scope, failovers }) =>
      includes(scope, wanted) &&
      (failovers === null || failovers.some((pattern) => fitsWildcard(pattern, name))),
  );
}

/**
 * Whether all that `asked` allows is allowed already: nobody makes a token that may do more than its maker. The `*` of
 * a pattern that is asked for is a letter that no name has, so that only a `*` can stand for it.
 */
export function covers(principal: Grants, asked: Grant): boolean {
  if (asked.failovers === null) return isUnlimited(principal, asked.scope);
  return asked.failovers.every((pattern) => mayTouch(principal, asked.scope, pattern));
}

export interface Token {
  readonly id: string;
  readonly name: string;
  /** As they were asked for. */
  readonly scopes: readonly Scope[];
  readonly failovers: readonly string[] | null;
  readonly createdBy: Actor;
  /** Times are ms since the epoch; `expiresAt` is null of one that doesn't expire. */
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  /** Written at most once a minute. */
  readonly lastUsedAt: number | null;
}

/** Of one that has both expired and been revoked: what came first. */
export function tokenState(
  { expiresAt, revokedAt }: Pick<Token, "expiresAt" | "revokedAt">,
  now: number,
): "active" | "expired" | "revoked" {
  if (expiresAt !== null && expiresAt <= now && (revokedAt === null || expiresAt <= revokedAt))
    return "expired";
  return revokedAt === null ? "active" : "revoked";
}

export function grantOf({ scopes, failovers }: Pick<Token, "scopes" | "failovers">): Grant {
  return { scope: scopeOf(scopes), failovers };
}

/** The principal that the bootstrap token stands for; no other token may have its name. */
export const BOOTSTRAP: Principal = {
  actor: { kind: "token", name: "admin" },
  grants: [{ scope: "admin", failovers: null }],
  key: "token:admin",
};
