// Decides what a request under an Idempotency-Key gets: whether it may act, or what came of it the first time.

/** A key stands for its request this long. */
export const KEY_LASTS_MS = 86_400_000;
/** Longer than an action takes until it has done something: afterwards nobody is taken to be at it any more. */
export const CLAIM_LASTS_MS = 60_000;

/** The right to act under a key; what is done while somebody else has it isn't stored. */
export interface Claim {
  readonly keyId: number;
  readonly holder: string;
}

/** What was answered, without one-time secrets. */
export interface StoredAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A key as it is after a request has tried to claim it. */
export interface KeyRecord {
  readonly keyId: number;
  readonly fingerprint: string;
  /** Who has the claim. */
  readonly holder: string;
  /** What was done, as the action told it; null while nothing was. */
  readonly outcome: { readonly value: unknown } | null;
  readonly answer: StoredAnswer | null;
}

export type KeyDecision =
  /** Nobody has done it: this request may, as the holder of the claim. */
  | { readonly kind: "act"; readonly claim: Claim }
  | { readonly kind: "replay"; readonly answer: StoredAnswer }
  /** It was done, but how that was answered isn't known: the answer is made again from what was done. */
  | { readonly kind: "rebuild"; readonly outcome: unknown }
  | { readonly kind: "still-running" }
  | { readonly kind: "other-request" };

/**
 *     has the claim   same request   answered   done
 *          yes             –            –        –     act
 *          no             no            –        –     other-request
 *          no             yes          yes       –     replay
 *          no             yes           no      yes    rebuild
 *          no             yes           no       no    still-running
 */
export function decideKey(
  { keyId, fingerprint, holder, outcome, answer }: KeyRecord,
  asked: { readonly holder: string; readonly fingerprint: string },
): KeyDecision {
  if (holder === asked.holder) return { kind: "act", claim: { keyId, holder } };
  if (fingerprint !== asked.fingerprint) return { kind: "other-request" };
  if (answer !== null) return { kind: "replay", answer };
  return outcome === null ? { kind: "still-running" } : { kind: "rebuild", outcome: outcome.value };
}
