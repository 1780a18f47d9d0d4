import { BOOTSTRAP, tokenState, type Token } from "../failover/access.ts";
import type { EventType } from "../failover/events.ts";
import { fail, ok, type Origin, type Result } from "../failover/results.ts";
import { commit, insertEvents } from "../store/failovers.ts";
import {
  insertToken,
  isNameTaken,
  loadToken,
  loadTokenByHash,
  loadTokens,
  revokeToken,
  setTokenUsed,
} from "../store/tokens.ts";
import type { Caller } from "./coordinator-port.ts";
import { FLEET } from "./freeze-fleet.ts";
import { keepOutcome, unlessTakenOver } from "./idempotency-keys.ts";
import { newId } from "./new-id.ts";
import { numberFrom, page } from "./paging.ts";
import { eventOf } from "./record.ts";
import type { NewToken, TokenRequest, TokensPort } from "./tokens-port.ts";

const PREFIX = "ust_";
const RANDOM_BYTES = 32;
/** Anything else was never made here: it needn't be looked up. */
const TOKEN_FORM = /^ust_[A-Za-z0-9_-]{43}$/;

function newSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES));
  const base64 = btoa(String.fromCharCode(...bytes));
  return PREFIX + base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function hashOf(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export interface TokensDependencies {
  readonly db: D1Database;
  readonly accountId: string;
  readonly clock: { now(): number };
}

/** What of a token is worth remembering for good. */
function facts({ id, name, scopes, failovers, expiresAt }: Token) {
  return {
    token_id: id,
    name,
    scopes,
    failovers,
    expires_at: expiresAt === null ? null : new Date(expiresAt).toISOString(),
  };
}

export function createTokens({ db, accountId, clock }: TokensDependencies): TokensPort {
  const eventAbout = (type: EventType, token: Token, origin: Origin) =>
    insertEvents(db, accountId, [
      eventOf({ clock, newId }, type, FLEET, origin, {
        ...facts(token),
        before: type === "token.created" ? null : { state: tokenState(token, clock.now()) },
        after: { state: type === "token.created" ? "active" : "revoked" },
      }),
    ]);

  async function create(request: TokenRequest, caller: Caller): ReturnType<TokensPort["create"]> {
    const { claim = null, ...origin } = caller;
    const now = clock.now();
    const nameTaken = () =>
      fail("taken", `Another token has the name ${request.name}: revoke it first, or choose another name.`, {
        errors: [{ pointer: "/name", message: "is the name of another token" }],
      });
    if (request.name === BOOTSTRAP.actor.name) return nameTaken();
    if (request.expiresAt !== null && request.expiresAt <= now) {
      return fail("invalid", "The token would have expired already.", {
        errors: [{ pointer: "/expires_at", message: "must lie in the future" }],
      });
    }
    const secret = newSecret();
    const token: Token = {
      id: newId("tok"),
      ...request,
      createdBy: origin.actor,
      createdAt: now,
      revokedAt: null,
      lastUsedAt: null,
    };
    try {
      await commit(db, [
        ...insertToken(db, accountId, token, await hashOf(secret)),
        ...eventAbout("token.created", token, origin),
        ...keepOutcome({ db, claim }, { token, secret: null } satisfies NewToken),
      ]);
    } catch (error) {
      if (isNameTaken(error)) return nameTaken();
      throw error;
    }
    return ok({ token, secret });
  }

  async function revoke(id: string, origin: Origin): Promise<Result<null>> {
    const token = await loadToken(db, accountId, id);
    if (token === null) return fail("not-found", "There is no token with this id.");
    if (token.revokedAt !== null) return ok(null);
    await commit(db, [revokeToken(db, id, clock.now()), ...eventAbout("token.revoked", token, origin)]);
    return ok(null);
  }

  return {
    create: (request, caller) => unlessTakenOver(() => create(request, caller)),
    revoke,
    async findBySecret(secret) {
      return TOKEN_FORM.test(secret) ? loadTokenByHash(db, accountId, await hashOf(secret)) : null;
    },
    find: (id) => loadToken(db, accountId, id),
    async list(request) {
      const rows = await loadTokens(db, accountId, numberFrom(request), request.limit + 1);
      const { items, nextCursor } = page(rows, request.limit, (last) => last.seq);
      return { items: items.map(({ token }) => token), nextCursor };
    },
    markUsed: (id) => setTokenUsed(db, id, clock.now()),
  };
}
