// Decides when a tick would change too much of the fleet unasked: then nothing of it is written until a person agrees.
// What many failovers have in common is more likely a fault of ours, or somebody's great mistake, than drift.

/** More failovers than this, and more than this share of the fleet, healed in one tick. */
const MOST_HEALED = 10;
const LARGEST_SHARE = 0.3;
/** Objects of more failovers than this created again in one tick. */
const MOST_RECREATED = 2;

/** What a tick would do to one failover that nobody asked for. */
export interface UnaskedHealing {
  readonly failoverId: string;
  /** The same plan has the same id. */
  readonly planId: string;
  /** Whether an object of it would be created again. */
  readonly recreates: boolean;
}

export interface Brake {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly engagedAt: number;
  readonly message: string;
  /** Failover → the plan that is held back. */
  readonly held: Readonly<Record<string, string>>;
  /** Failover → the plan that a person agreed to. */
  readonly agreed: Readonly<Record<string, string>>;
}

/** Why it is too much, in a sentence; null where it isn't. */
export function tooMuch(healings: readonly UnaskedHealing[], fleet: number): string | null {
  const recreated = healings.filter(({ recreates }) => recreates).length;
  if (recreated > MOST_RECREATED) return `objects of ${recreated} failovers would be created again at once`;
  if (healings.length > MOST_HEALED && healings.length > fleet * LARGEST_SHARE)
    return `${healings.length} of ${fleet} failovers would be healed at once`;
  return null;
}

const plansOf = (healings: readonly UnaskedHealing[]): Record<string, string> =>
  Object.fromEntries(healings.map(({ failoverId, planId }) => [failoverId, planId]));

/** The brake after this tick's look; null where there is nothing to hold back and nothing agreed to. */
export function nextBrake(
  before: Brake | null,
  healings: readonly UnaskedHealing[],
  fleet: number,
  made: { readonly id: string; readonly now: number },
): Brake | null {
  const agreed = plansOf(healings.filter(({ failoverId, planId }) => before?.agreed[failoverId] === planId));
  const open = healings.filter(({ failoverId }) => agreed[failoverId] === undefined);
  const message = tooMuch(open, fleet);
  if (message === null) {
    if (Object.keys(agreed).length === 0) return null;
    const { id, engagedAt } = before ?? { id: made.id, engagedAt: made.now };
    return { id, engagedAt, message: "", held: {}, agreed };
  }
  const held = plansOf(open);
  // Whoever agrees agrees to what they saw: other plans are another brake.
  const isSame = before !== null && JSON.stringify(before.held) === JSON.stringify(held);
  return {
    id: isSame ? before.id : made.id,
    engagedAt: isSame ? before.engagedAt : made.now,
    message,
    held,
    agreed,
  };
}

export function isHeldBack(brake: Brake | null, failoverId: string): boolean {
  return brake?.held[failoverId] !== undefined;
}
