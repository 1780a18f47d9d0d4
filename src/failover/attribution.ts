// Decides whose doing a drift was, by the account's audit log.

/** A change as the audit log tells it. */
export interface AuditEntry {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The best name that there is: an email address, a token's name, or what kind of actor. */
  readonly actor: string;
  readonly kind: string;
  /** How it was done: `dash`, `api_token`, … */
  readonly context: string;
  readonly tokenName: string | null;
  readonly action: string;
  /** Of the object that was changed; empty where it isn't told. */
  readonly resourceId: string;
  readonly uri: string;
}

/** What was found changed, and between which instants that happened (ms since the epoch). */
export interface Unattributed {
  readonly objectIds: readonly string[];
  readonly since: number;
  readonly detectedAt: number;
}

/** Two clocks. */
const SKEW_MS = 5_000;
/** The log lags behind by nobody knows how much: so long after the last time it is asked again, and then no more. */
const ASK_AGAIN_AFTER_MS = [60_000, 120_000, 240_000, 480_000, 900_000] as const;

/** The last change of one of the objects before it was noticed; null where the log has none (yet). */
export function findDoer(entries: readonly AuditEntry[], about: Unattributed): AuditEntry | null {
  const fitting = entries.filter(
    ({ at, resourceId, uri }) =>
      at >= about.since - SKEW_MS &&
      at <= about.detectedAt + SKEW_MS &&
      about.objectIds.some((id) => resourceId === id || uri.split(/[/?]/).includes(id)),
  );
  return fitting.toSorted((left, right) => right.at - left.at)[0] ?? null;
}

/** When to ask the log once more, ms since the epoch; null to give up. `asked` is how often it was. */
export function nextAsk(asked: number, now: number): number | null {
  const wait = ASK_AGAIN_AFTER_MS[asked - 1];
  return wait === undefined ? null : now + wait;
}
