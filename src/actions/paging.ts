// Cursors of our lists: opaque to callers, the last item's place to us.
import { InvalidCursor, type Page, type PageRequest } from "./reader-port.ts";

/** `found` holds one more than `limit` where there is a next page. */
export function page<T>(found: readonly T[], limit: number, cursorOf: (last: T) => string | number): Page<T> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return {
    items,
    nextCursor: found.length > limit && last !== undefined ? btoa(String(cursorOf(last))) : null,
  };
}

function decode(cursor: string): string {
  try {
    return atob(cursor);
  } catch {
    throw new InvalidCursor("the cursor is not one of ours");
  }
}

/** The number after which a list that falls goes on. */
export function numberFrom(request: PageRequest): number {
  if (request.cursor === null) return Number.MAX_SAFE_INTEGER;
  const value = Number(decode(request.cursor));
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidCursor("the cursor is not one of ours");
  return value;
}

export function afterId(request: PageRequest): string {
  if (request.cursor === null) return "";
  const id = decode(request.cursor);
  if (!/^fo_[A-Za-z0-9]+$/.test(id)) throw new InvalidCursor("the cursor is not one of ours");
  return id;
}
