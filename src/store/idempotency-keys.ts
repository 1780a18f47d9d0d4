import type { Claim, KeyRecord, StoredAnswer } from "../failover/idempotency.ts";
import type { Write } from "./failovers.ts";

/** One request of one principal, under its key. */
export interface KeyedRequest {
  readonly principal: string;
  /** Method and path. */
  readonly route: string;
  readonly key: string;
  /** Two requests with the same one are the same. */
  readonly fingerprint: string;
}

interface KeyRow {
  id: number;
  fingerprint: string;
  claim: string;
  outcome: string | null;
  answer: string | null;
}

/** Stands for a request that was refused: whatever comes next under its key is as good. */
const ANY_REQUEST = "";

/**
 * Claims the key for `holder` where nobody has it: it is new or was made before `expiredBefore`, or the same request had
 * it, did nothing, and isn't at it any more. Answers the key as it is then, whoever has it.
 */
export async function claimKey(
  db: D1Database,
  accountId: string,
  { principal, route, key, fingerprint }: KeyedRequest,
  {
    holder,
    now,
    until,
    expiredBefore,
  }: { holder: string; now: number; until: number; expiredBefore: number },
): Promise<KeyRecord> {
  const whose = [accountId, principal, route, key];
  const [, found] = await db.batch<KeyRow>([
    db
      .prepare(
        `INSERT INTO idempotency_keys (account_id, principal, route, key, fingerprint, claim, claimed_until, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (account_id, principal, route, key) DO UPDATE SET
           fingerprint = excluded.fingerprint, claim = excluded.claim, claimed_until = excluded.claimed_until,
           outcome = NULL, answer = NULL,
           created_at = CASE WHEN created_at <= ?9 THEN excluded.created_at ELSE created_at END
         WHERE created_at <= ?9 OR (outcome IS NULL AND answer IS NULL AND claimed_until <= ?8
           AND fingerprint IN (excluded.fingerprint, ?10))`,
      )
      .bind(...whose, fingerprint, holder, until, now, expiredBefore, ANY_REQUEST),
    db
      .prepare(
        `SELECT id, fingerprint, claim, outcome, answer FROM idempotency_keys
         WHERE account_id = ?1 AND principal = ?2 AND route = ?3 AND key = ?4`,
      )
      .bind(...whose),
  ]);
  const row = found?.results[0];
  if (row === undefined) throw new Error("a key was claimed but is not stored");
  return {
    keyId: row.id,
    fingerprint: row.fingerprint,
    holder: row.claim,
    outcome: row.outcome === null ? null : { value: JSON.parse(row.outcome) as unknown },
    answer: row.answer === null ? null : (JSON.parse(row.answer) as StoredAnswer),
  };
}

/** The whole batch fails, as `ClaimLost`, where somebody else has the key by now. */
const FENCE = "claim = CASE WHEN claim = ?2 THEN claim ELSE NULL END";

/** What is done under a key; belongs into the batch that does it. */
export function saveOutcome(db: D1Database, { keyId, holder }: Claim, outcome: object): Write {
  return db
    .prepare(`UPDATE idempotency_keys SET ${FENCE}, outcome = ?3 WHERE id = ?1`)
    .bind(keyId, holder, JSON.stringify(outcome));
}

/** The same, where how many rows the statement before it changed is what was done. */
export function saveChangesAsOutcome(db: D1Database, { keyId, holder }: Claim, member: string): Write {
  return db
    .prepare(`UPDATE idempotency_keys SET ${FENCE}, outcome = json_object(?3, changes()) WHERE id = ?1`)
    .bind(keyId, holder, member);
}

export async function saveAnswer(db: D1Database, claim: Claim, answer: StoredAnswer): Promise<void> {
  await db
    .prepare("UPDATE idempotency_keys SET answer = ?3 WHERE id = ?1 AND claim = ?2")
    .bind(claim.keyId, claim.holder, JSON.stringify(answer))
    .run();
}

/** Lets the same request try again at once or, where nothing can have come of it, any other. What was done stays. */
export async function releaseKey(db: D1Database, claim: Claim, next: "same" | "any"): Promise<void> {
  await db
    .prepare(
      `UPDATE idempotency_keys SET claimed_until = 0, fingerprint = CASE WHEN ?3 THEN ?4 ELSE fingerprint END
       WHERE id = ?1 AND claim = ?2 AND outcome IS NULL`,
    )
    .bind(claim.keyId, claim.holder, next === "any" ? 1 : 0, ANY_REQUEST)
    .run();
}

export function pruneKeys(db: D1Database, accountId: string, before: number): Write {
  return db
    .prepare("DELETE FROM idempotency_keys WHERE account_id = ?1 AND created_at <= ?2")
    .bind(accountId, before);
}
