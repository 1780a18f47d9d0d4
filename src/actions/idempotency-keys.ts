import {
  CLAIM_LASTS_MS,
  decideKey,
  KEY_LASTS_MS,
  type Claim,
  type KeyDecision,
  type StoredAnswer,
} from "../failover/idempotency.ts";
import { fail, ok, type Result } from "../failover/results.ts";
import { ClaimLost, commit, type Write } from "../store/failovers.ts";
import {
  claimKey,
  releaseKey,
  saveAnswer,
  saveOutcome,
  type KeyedRequest,
} from "../store/idempotency-keys.ts";
import type { Context } from "./context.ts";
import { randomId } from "./new-id.ts";

/** Keys touch nothing at Cloudflare, so that the Coordinator needn't be asked. */
export interface KeysPort {
  /** Who gets `act` has to end it by one of the other two; if it can't, the claim ends by itself. */
  claim(request: KeyedRequest): Promise<KeyDecision>;
  answered(claim: Claim, answer: StoredAnswer): Promise<void>;
  /** It changed nothing (`any` request may come next), or nobody knows (only the `same` may). */
  release(claim: Claim, next: "same" | "any"): Promise<void>;
}

export function createKeys({
  db,
  accountId,
  clock,
}: {
  readonly db: D1Database;
  readonly accountId: string;
  readonly clock: { now(): number };
}): KeysPort {
  return {
    async claim(request) {
      const now = clock.now();
      const holder = randomId(20);
      const until = now + CLAIM_LASTS_MS;
      const times = { holder, now, until, expiredBefore: now - KEY_LASTS_MS };
      const record = await claimKey(db, accountId, request, times);
      return decideKey(record, { holder, fingerprint: request.fingerprint });
    },
    answered: (claim, answer) => saveAnswer(db, claim, answer),
    release: (claim, next) => releaseKey(db, claim, next),
  };
}

/**
 * What is done, for whoever asks again under the same Idempotency-Key; belongs into the batch that does it. `value` is
 * what the action answers, without one-time secrets.
 */
export function keepOutcome({ db, claim }: Pick<Context, "db" | "claim">, value: object): Write[] {
  return claim === null ? [] : [saveOutcome(db, claim, value)];
}

/** Of two requests under one key that both act, because the first took too long, the first stores nothing. */
export async function unlessTakenOver<T>(work: () => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ClaimLost)) throw error;
    return fail("refused", "another request with this Idempotency-Key took over meanwhile: ask once more");
  }
}

/**
 * Where no batch of ours does it: nothing had to be done, or it was done at Cloudflare. `value` stays the answer under the
 * key, also when something would have to be done later.
 */
export async function okForGood<T extends object>(
  context: Pick<Context, "db" | "claim">,
  value: T,
): Promise<Result<T>> {
  await commit(context.db, keepOutcome(context, value));
  return ok(value);
}
