// Decides what comes after an attempt: done, again later, or given up. Pauses grow over three days, as the Standard
// Webhooks specification recommends; messages older than that are news to nobody.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export const GIVE_UP_AFTER_MS = 72 * HOUR;
/** After the first attempt, the second, and so on; the last one from then on. */
const PAUSES_MS = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
] as const;
/** A receiver may ask for a pause, but not for silence. */
const LONGEST_ASKED_MS = 12 * HOUR;
const SHORTEST_ASKED_MS = SECOND;
/** A receiver that asks for short pauses again and again gets longer ones. */
const PATIENCE_ATTEMPTS = 20;
/** How long a receiver that is out of order is left alone by the messages of others. */
const LONGEST_HOLD_MS = MINUTE;

/** What came of one attempt; `status` is null where no HTTP answer came. */
export interface Outcome {
  readonly status: number | null;
  /** Null where the receiver took it; else why it didn't, without a secret in it. */
  readonly error: string | null;
  /** For how long the receiver asked to be left alone. */
  readonly retryAfterMs: number | null;
}

export interface Tried {
  readonly id: string;
  /** This one included. */
  readonly attempts: number;
  /** From where its three days count, ms since the epoch. */
  readonly startedAt: number;
}

export type Verdict =
  | { readonly kind: "delivered" }
  | {
      readonly kind: "retry";
      readonly dueAt: number;
      /** Until when nothing else is sent to the channel either; null where only this message was refused. */
      readonly holdUntil: number | null;
    }
  /** `isGone`: the receiver says that it won't be there any more. */
  | { readonly kind: "failed"; readonly isGone: boolean };

/** FNV-1a: from 0 to 1, the same for the same text in every run. */
function chanceOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return (hash >>> 0) / 0xffffffff;
}

/** Up to a tenth longer, so that what failed together doesn't come back together. */
function pauseAfter({ id, attempts }: Tried): number {
  const pause = PAUSES_MS[Math.min(attempts, PAUSES_MS.length) - 1] ?? PAUSES_MS[0];
  return Math.round(pause * (1 + chanceOf(`${id} ${attempts}`) / 10));
}

function askedPause(retryAfterMs: number, attempts: number): number {
  const shortest = attempts > PATIENCE_ATTEMPTS ? 5 * MINUTE : SHORTEST_ASKED_MS;
  return Math.min(Math.max(retryAfterMs, shortest), LONGEST_ASKED_MS);
}

/** Answers that say nothing of this message, but of the receiver's state: no answer, its own faults, too much at once. */
const isOutOfOrder = (status: number | null): boolean =>
  status === null || status >= 500 || status === 408 || status === 425 || status === 429;

/** Other refusals (4xx, redirects) are tried again as well: receivers get mended, and so do URLs. */
export function decideAfter(outcome: Outcome, tried: Tried, now: number): Verdict {
  const { status, error, retryAfterMs } = outcome;
  if (error === null) return { kind: "delivered" };
  if (status === 410) return { kind: "failed", isGone: true };
  const lastAt = tried.startedAt + GIVE_UP_AFTER_MS;
  if (now >= lastAt) return { kind: "failed", isGone: false };
  const pause = retryAfterMs === null ? pauseAfter(tried) : askedPause(retryAfterMs, tried.attempts);
  const dueAt = Math.min(now + pause, lastAt);
  const hold = retryAfterMs === null ? Math.min(pause, LONGEST_HOLD_MS) : pause;
  return { kind: "retry", dueAt, holdUntil: isOutOfOrder(status) ? Math.min(now + hold, lastAt) : null };
}

/** What a Retry-After header asks for: seconds or a date (RFC 9110). Null where it asks for nothing that makes sense. */
export function readRetryAfter(header: string | null, now: number): number | null {
  if (header === null) return null;
  const text = header.trim();
  // Discord and others send fractions of a second.
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * SECOND);
  const at = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(at - now, 0);
}
