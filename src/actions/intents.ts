import type { Body } from "../failover/desired.ts";
import type { Role } from "../failover/marker.ts";

/** No write of ours is trusted to land later than this after it was sent. */
export const INTENT_DEADLINE_MS = 30_000;
/** Should one land all the same, it is known for ours for so long after it was sent. */
const STRAY_MS = 600_000;

/**
 * A write to Cloudflare that was begun and whose outcome isn't known. Stored before the call: an answer can be lost,
 * a write can land late, and the process can end in between.
 */
export interface Intent {
  readonly failoverId: string;
  readonly role: Role;
  readonly action: "create" | "update" | "delete";
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly deadlineAt: number;
  /** What was sent. */
  readonly body: Body;
}

/** The little that the Coordinator's own storage must do. */
export interface IntentStorage {
  list<T>(options: { prefix: string }): Promise<Map<string, T>>;
  put(key: string, value: unknown): Promise<void>;
  delete(key: string): Promise<boolean>;
}

export interface Intents {
  of(failoverId: string, role: Role): Intent | undefined;
  open(intent: Intent): Promise<void>;
  close(failoverId: string, role: Role): Promise<void>;
  /** Waits no longer for a write whose effect was never seen, but remembers what it would bring. */
  abandon(failoverId: string, role: Role): Promise<void>;
  /** The bodies of abandoned writes that may still land. */
  strays(failoverId: string, role: Role): readonly Body[];
  /** When an object was last written by us, ms since the epoch: what was read before doesn't count. */
  writtenAt(failoverId: string, role: Role): number;
}

const PREFIX = "intent:";
const STRAY_PREFIX = "stray:";
const keyOf = (failoverId: string, role: Role) => `${PREFIX}${failoverId}:${role}`;

export async function loadIntents(storage: IntentStorage, clock: { now(): number }): Promise<Intents> {
  const stored = await storage.list<Intent>({ prefix: PREFIX });
  const open = new Map(stored);
  const strays = await storage.list<Intent>({ prefix: STRAY_PREFIX });
  const written = new Map<string, number>();

  const close = async (failoverId: string, role: Role): Promise<void> => {
    const key = keyOf(failoverId, role);
    written.set(key, clock.now());
    if (!open.delete(key)) return;
    await storage.delete(key);
  };

  const forgetOldStrays = async (): Promise<void> => {
    const old = [...strays].filter(([, { startedAt }]) => clock.now() - startedAt > STRAY_MS);
    for (const [key] of old) {
      strays.delete(key);
      await storage.delete(key);
    }
  };

  return {
    of: (failoverId, role) => open.get(keyOf(failoverId, role)),
    async open(intent) {
      const key = keyOf(intent.failoverId, intent.role);
      open.set(key, intent);
      written.set(key, clock.now());
      await storage.put(key, intent);
    },
    close,
    async abandon(failoverId, role) {
      const intent = open.get(keyOf(failoverId, role));
      if (intent?.action === "update") {
        await forgetOldStrays();
        const key = `${STRAY_PREFIX}${failoverId}:${role}:${intent.startedAt}`;
        strays.set(key, intent);
        await storage.put(key, intent);
      }
      await close(failoverId, role);
    },
    strays: (failoverId, role) =>
      [...strays.values()]
        .filter((one) => one.failoverId === failoverId && one.role === role)
        .filter(({ startedAt }) => clock.now() - startedAt <= STRAY_MS)
        .map(({ body }) => body),
    writtenAt: (failoverId, role) =>
      Math.max(written.get(keyOf(failoverId, role)) ?? 0, open.get(keyOf(failoverId, role))?.startedAt ?? 0),
  };
}
