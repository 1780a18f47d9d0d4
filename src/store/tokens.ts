import type { Scope, Token } from "../failover/access.ts";
import type { Actor } from "../failover/results.ts";
import type { Write } from "./failovers.ts";

interface TokenRow {
  seq: number;
  id: string;
  name: string;
  scopes: string;
  failovers: string | null;
  created_by_kind: Actor["kind"];
  created_by_name: string;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
  last_used_at: number | null;
}

/** A token as it stands in the list, where its place is its cursor. */
export interface ListedToken {
  readonly seq: number;
  readonly token: Token;
}

function toToken(row: TokenRow): Token {
  return {
    id: row.id,
    name: row.name,
    scopes: JSON.parse(row.scopes) as Scope[],
    failovers: row.failovers === null ? null : (JSON.parse(row.failovers) as string[]),
    createdBy: { kind: row.created_by_kind, name: row.created_by_name },
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    lastUsedAt: row.last_used_at,
  };
}

/** By the SHA-256 of the token, hexadecimal: an index finds it, and no comparison here takes longer for a better guess. */
export async function loadTokenByHash(
  db: D1Database,
  accountId: string,
  hash: string,
): Promise<Token | null> {
  const row = await db
    .prepare("SELECT * FROM tokens WHERE account_id = ?1 AND hash = ?2")
    .bind(accountId, hash)
    .first<TokenRow>();
  return row === null ? null : toToken(row);
}

export async function loadToken(db: D1Database, accountId: string, id: string): Promise<Token | null> {
  const row = await db
    .prepare("SELECT * FROM tokens WHERE account_id = ?1 AND id = ?2")
    .bind(accountId, id)
    .first<TokenRow>();
  return row === null ? null : toToken(row);
}

/** Newest first, below `before` (a seq); also those that have expired or were revoked. */
export async function loadTokens(
  db: D1Database,
  accountId: string,
  before: number,
  limit: number,
): Promise<ListedToken[]> {
  const { results } = await db
    .prepare("SELECT * FROM tokens WHERE account_id = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3")
    .bind(accountId, before, limit)
    .all<TokenRow>();
  return results.map((row) => ({ seq: row.seq, token: toToken(row) }));
}

/** An expired token gives its name to the new one; where another has the name, the whole batch fails (`isNameTaken`). */
export function insertToken(db: D1Database, accountId: string, token: Token, hash: string): Write[] {
  return [
    db
      .prepare(
        `UPDATE tokens SET revoked_at = expires_at
         WHERE account_id = ?1 AND name = ?2 AND revoked_at IS NULL AND expires_at <= ?3`,
      )
      .bind(accountId, token.name, token.createdAt),
    db
      .prepare(
        `INSERT INTO tokens (id, account_id, name, hash, scopes, failovers, created_by_kind, created_by_name, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`,
      )
      .bind(
        token.id,
        accountId,
        token.name,
        hash,
        JSON.stringify(token.scopes),
        token.failovers === null ? null : JSON.stringify(token.failovers),
        token.createdBy.kind,
        token.createdBy.name,
        token.createdAt,
        token.expiresAt,
      ),
  ];
}

export function isNameTaken(error: unknown): boolean {
  return error instanceof Error && error.message.includes("tokens.name");
}

export function revokeToken(db: D1Database, id: string, now: number): Write {
  return db.prepare("UPDATE tokens SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL").bind(id, now);
}

export async function setTokenUsed(db: D1Database, id: string, now: number): Promise<void> {
  await db.prepare("UPDATE tokens SET last_used_at = ?2 WHERE id = ?1").bind(id, now).run();
}

/** Id and name of every failover there is: by which a limited token knows its own. */
export async function loadFailoverNames(
  db: D1Database,
  accountId: string,
): Promise<{ id: string; name: string }[]> {
  const { results } = await db
    .prepare("SELECT id, name FROM failovers WHERE account_id = ?1 ORDER BY id")
    .bind(accountId)
    .all<{ id: string; name: string }>();
  return results;
}
