/** Why a call is made, in the order in which calls are let through when few are left. */
export type Priority = "lease" | "person" | "latch" | "heal" | "poll";

/** A Cloudflare token has 1200 requests in five minutes, then everything of that user is blocked for five minutes. */
const QUOTA = 1200;
const WINDOW_MS = 300_000;
/** Polling uses at most half. */
const POLL_QUOTA = 600;
/** What must be left over after a call of each kind, so that the more urgent ones are never starved. */
const RESERVE: Readonly<Record<Priority, number>> = { lease: 0, person: 20, latch: 60, heal: 100, poll: 150 };
const BLOCK_MS = 300_000;

export interface BudgetState {
  readonly level: number;
  readonly pollLevel: number;
  /** Ms since the epoch. */
  readonly at: number;
  readonly blockedUntil: number | null;
}

export interface Budget {
  /** Takes one call out, or says until when there is none to be had (ms since the epoch). */
  take(priority: Priority): { ok: true } | { ok: false; until: number; blocked: boolean };
  /** How many calls of this kind could be made now. */
  left(priority: Priority): number;
  /** Cloudflare said 429: everything of this token is blocked until then. */
  block(retryAfterSeconds: number | null): void;
  blockedUntil(): number | null;
  state(): BudgetState;
}

/** A new budget starts with a quarter: nobody knows what the token was used for just before. */
export function createBudget(clock: { now(): number }, stored: BudgetState | undefined): Budget {
  let state: BudgetState = stored ?? {
    level: QUOTA / 4,
    pollLevel: POLL_QUOTA / 4,
    at: clock.now(),
    blockedUntil: null,
  };

  const refill = (): BudgetState => {
    const now = clock.now();
    const passed = Math.max(0, now - state.at);
    const blockedUntil = state.blockedUntil !== null && state.blockedUntil > now ? state.blockedUntil : null;
    state = {
      level: Math.min(QUOTA, state.level + (passed * QUOTA) / WINDOW_MS),
      pollLevel: Math.min(POLL_QUOTA, state.pollLevel + (passed * POLL_QUOTA) / WINDOW_MS),
      at: now,
      blockedUntil,
    };
    return state;
  };

  const left = (priority: Priority): number => {
    const { level, pollLevel, blockedUntil } = refill();
    if (blockedUntil !== null) return 0;
    const free = level - RESERVE[priority];
    return Math.max(0, Math.floor(priority === "poll" ? Math.min(free, pollLevel) : free));
  };

  return {
    left,
    take(priority) {
      const { blockedUntil, at, level, pollLevel } = refill();
      if (blockedUntil !== null) return { ok: false, until: blockedUntil, blocked: true };
      if (left(priority) < 1) return { ok: false, until: at + 1000, blocked: false };
      state = { ...state, level: level - 1, pollLevel: priority === "poll" ? pollLevel - 1 : pollLevel };
      return { ok: true };
    },
    block(retryAfterSeconds) {
      const until = clock.now() + (retryAfterSeconds === null ? BLOCK_MS : retryAfterSeconds * 1000);
      state = { ...refill(), blockedUntil: Math.max(until, state.blockedUntil ?? 0) };
    },
    blockedUntil: () => refill().blockedUntil,
    state: () => refill(),
  };
}
