import type { Role } from "../failover/marker.ts";

/** No write of ours is trusted to land later than this after it was sent. */
export const INTENT_DEADLINE_MS = 30_000;

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
  /** When an object was last written by us, ms since the epoch: what was read before doesn't count. */
  writtenAt(failoverId: string, role: Role): number;
}

const PREFIX = "intent:";
const keyOf = (failoverId: string, role: Role) => `${PREFIX}${failoverId}:${role}`;

export async function loadIntents(storage: IntentStorage, clock: { now(): number }): Promise<Intents> {
  const stored = await storage.list<Intent>({ prefix: PREFIX });
  const open = new Map(stored);
  const written = new Map<string, number>();
  return {
    of: (failoverId, role) => open.get(keyOf(failoverId, role)),
    async open(intent) {
      const key = keyOf(intent.failoverId, intent.role);
      open.set(key, intent);
      written.set(key, clock.now());
      await storage.put(key, intent);
    },
    async close(failoverId, role) {
      const key = keyOf(failoverId, role);
      written.set(key, clock.now());
      if (!open.delete(key)) return;
      await storage.delete(key);
    },
    writtenAt: (failoverId, role) =>
      Math.max(written.get(keyOf(failoverId, role)) ?? 0, open.get(keyOf(failoverId, role))?.startedAt ?? 0),
  };
}
