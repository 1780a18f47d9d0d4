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
/** Calls are counted by slots of this length, and a slot counts until all of it has left the window. */
const SLOT_MS = 10_000;

interface Slot {
  /** When the slot began, ms since the epoch. */
  readonly at: number;
  readonly calls: number;
  /** How many of them were polling. */
  readonly polls: number;
}

export interface BudgetState {
  /** Oldest first; what was called within the last window. */
  readonly slots: readonly Slot[];
  /** Ms since the epoch. */
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

const slotOf = (now: number): number => now - (now % SLOT_MS);

/** Nobody knows what the token was used for just before: as if three quarters had been called, steadily. */
function presumedSlots(now: number): Slot[] {
  const count = WINDOW_MS / SLOT_MS;
  return Array.from({ length: count }, (_, index) => ({
    at: slotOf(now) - (count - index) * SLOT_MS,
    calls: (QUOTA * 0.75) / count,
    polls: (POLL_QUOTA * 0.75) / count,
  }));
}

/**
 * Counts what was called in the last five minutes, as Cloudflare does: a bucket that refills by the second would allow
 * a full one and its refill within one window. A new budget starts with a quarter.
 */
export function createBudget(clock: { now(): number }, stored: BudgetState | undefined): Budget {
  let state: BudgetState = stored ?? { slots: presumedSlots(clock.now()), blockedUntil: null };

  const settle = (): BudgetState & { readonly calls: number; readonly polls: number } => {
    const now = clock.now();
    const slots = state.slots
      // A clock that was set back must not keep calls counted for longer than a window.
      .map((slot) => (slot.at > now ? { ...slot, at: slotOf(now) } : slot))
      .filter(({ at }) => now < at + SLOT_MS + WINDOW_MS);
    const blockedUntil = state.blockedUntil !== null && state.blockedUntil > now ? state.blockedUntil : null;
    state = { slots, blockedUntil };
    const sum = (count: (slot: Slot) => number) => slots.reduce((total, slot) => total + count(slot), 0);
    return { ...state, calls: sum(({ calls }) => calls), polls: sum(({ polls }) => polls) };
  };

  const left = (priority: Priority): number => {
    const { calls, polls, blockedUntil } = settle();
    if (blockedUntil !== null) return 0;
    const free = QUOTA - calls - RESERVE[priority];
    return Math.max(0, priority === "poll" ? Math.min(free, POLL_QUOTA - polls) : free);
  };

  const count = (priority: Priority): void => {
    const at = slotOf(clock.now());
    const polls = priority === "poll" ? 1 : 0;
    const last = state.slots.at(-1);
    const slots =
      last?.at === at
        ? state.slots.with(state.slots.length - 1, { at, calls: last.calls + 1, polls: last.polls + polls })
        : [...state.slots, { at, calls: 1, polls }];
    state = { ...state, slots };
  };

  return {
    left,
    take(priority) {
      const { blockedUntil, slots } = settle();
      if (blockedUntil !== null) return { ok: false, until: blockedUntil, blocked: true };
      if (left(priority) < 1) {
        const [oldest] = slots;
        const until = (oldest?.at ?? clock.now()) + SLOT_MS + WINDOW_MS;
        return { ok: false, until, blocked: false };
      }
      count(priority);
      return { ok: true };
    },
    block(retryAfterSeconds) {
      const until = clock.now() + (retryAfterSeconds === null ? BLOCK_MS : retryAfterSeconds * 1000);
      state = { ...state, blockedUntil: Math.max(until, state.blockedUntil ?? 0) };
    },
    blockedUntil: () => settle().blockedUntil,
    state: () => {
      const { slots, blockedUntil } = settle();
      return { slots, blockedUntil };
    },
  };
}
