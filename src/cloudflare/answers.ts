// Reads Cloudflare's answers: they are not trusted to have their documented types, nor lists to be complete.
import { CloudflareError, type Envelope } from "./errors.ts";

export type CloudflareObject = Readonly<Record<string, unknown>> & { readonly id: string };

/** A list as it came. What stands in it exists; what doesn't may still exist: lists can be stale or partial. */
export interface Listing {
  readonly objects: readonly CloudflareObject[];
  /** False where the pages contradict their own total. */
  readonly complete: boolean;
}

export const PER_PAGE = 50;
const MOST_PAGES = 40;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** A member that should be a string, or the empty one: answers are not trusted to have their documented types. */
export function textOf(object: Readonly<Record<string, unknown>>, member: string): string {
  return text(object[member]);
}

export function unreadable(what: string): CloudflareError {
  return new CloudflareError("unavailable", `Cloudflare's answer could not be read: ${what}`, {
    ambiguous: true,
  });
}

export function oneOf(envelope: Envelope): CloudflareObject {
  const { result } = envelope;
  if (isObject(result) && typeof result["id"] === "string" && result["id"] !== "")
    return result as CloudflareObject;
  throw unreadable("an object without an id");
}

export function manyOf(envelope: Envelope): CloudflareObject[] {
  if (!Array.isArray(envelope.result)) throw unreadable("not a list");
  return envelope.result.filter(
    (item): item is CloudflareObject => isObject(item) && typeof item["id"] === "string",
  );
}

/**
 * Whether these lists come in pages is an open question (API-FACTS 5.5): pages are asked for, `result_info` is
 * followed where it is there, and a page that brings nothing new ends it.
 */
export async function listAll(call: (page: number) => Promise<Envelope>): Promise<Listing> {
  const found = new Map<string, CloudflareObject>();
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const envelope = await call(page);
    const items = manyOf(envelope);
    const before = found.size;
    for (const item of items) found.set(item.id, item);
    const pages = isObject(envelope.result_info) ? envelope.result_info : {};
    const total = typeof pages["total_count"] === "number" ? pages["total_count"] : null;
    const last = typeof pages["total_pages"] === "number" ? pages["total_pages"] : null;
    const more = last === null ? total !== null && found.size < total : page < last;
    if (!more) return { objects: [...found.values()], complete: total === null || found.size >= total };
    if (found.size === before) return { objects: [...found.values()], complete: false };
  }
  return { objects: [...found.values()], complete: false };
}

export function bareName(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
