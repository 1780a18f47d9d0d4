import type { Scope, Token } from "../failover/access.ts";
import type { Origin, Result } from "../failover/results.ts";
import type { Caller } from "./coordinator-port.ts";
import type { Page, PageRequest } from "./reader-port.ts";

export interface TokenRequest {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Name patterns; null for every failover. */
  readonly failovers: readonly string[] | null;
  /** Ms since the epoch; null never. */
  readonly expiresAt: number | null;
}

export interface NewToken {
  readonly token: Token;
  /** The token itself, told this once; null where it was made by an earlier request with the same Idempotency-Key. */
  readonly secret: string | null;
}

/** Tokens touch nothing at Cloudflare, so that the Coordinator needn't be asked. */
export interface TokensPort {
  create(request: TokenRequest, caller: Caller): Promise<Result<NewToken>>;
  /** Whose secret this is, whatever has become of the token since. */
  findBySecret(secret: string): Promise<Token | null>;
  find(id: string): Promise<Token | null>;
  /** Newest first; also those that have expired or were revoked. */
  list(page: PageRequest): Promise<Page<Token>>;
  /** From now on it opens nothing. Revoking twice is one revocation. */
  revoke(id: string, origin: Origin): Promise<Result<null>>;
  markUsed(id: string): Promise<void>;
}
