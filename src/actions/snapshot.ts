import {
  textOf,
  type CloudflareAccount,
  type CloudflareObject,
  type Listing,
  type Place,
} from "../cloudflare/account.ts";
import type { Priority } from "../cloudflare/budget.ts";
import { CloudflareError, type CloudflareErrorKind } from "../cloudflare/errors.ts";
import { carriesMarker, kindOf, type Role } from "../failover/marker.ts";

/** One list as it was read, or why it could not be. Lists fail one by one: a zone that is out of reach hides no other. */
export type Reading =
  | { readonly ok: true; readonly listing: Listing; readonly readAt: number }
  | { readonly ok: false; readonly why: string; readonly kind?: CloudflareErrorKind };

/** What Cloudflare says exists, read once and shared by all that look in the same moment. */
export interface Snapshot {
  /** When reading began, ms since the epoch: what was written later isn't in it. */
  readonly readAt: number;
  readonly monitors: Reading;
  readonly pools: Reading;
  readonly loadBalancers: ReadonlyMap<string, Reading>;
}

export interface Snapshots {
  /** A new look at the account and these zones. */
  take(zoneIds: readonly string[], priority: Priority): Promise<Snapshot>;
  /** The last look if it is younger than `maxAgeMs` and has these zones; otherwise a new one. */
  recent(zoneIds: readonly string[], maxAgeMs: number, priority: Priority): Promise<Snapshot>;
}

async function read(account: CloudflareAccount, place: Place, readAt: number): Promise<Reading> {
  try {
    return { ok: true, listing: await account.list(place), readAt };
  } catch (error) {
    if (error instanceof CloudflareError) return { ok: false, why: error.message, kind: error.kind };
    throw error;
  }
}

export function createSnapshots(
  cloudflare: (priority: Priority) => CloudflareAccount,
  clock: { now(): number },
): Snapshots {
  let last: Snapshot | undefined;
  let taking: { readonly zones: ReadonlySet<string>; readonly snapshot: Promise<Snapshot> } | undefined;

  const readAll = async (zoneIds: readonly string[], priority: Priority): Promise<Snapshot> => {
    const account = cloudflare(priority);
    const readAt = clock.now();
    const zones = [...new Set(zoneIds)];
    const [monitors, pools, ...balancers] = await Promise.all([
      read(account, { kind: "monitor" }, readAt),
      read(account, { kind: "pool" }, readAt),
      ...zones.map((zoneId) => read(account, { kind: "load_balancer", zoneId }, readAt)),
    ]);
    const notRead: Reading = { ok: false, why: "not read" };
    const loadBalancers = new Map(
      zones.map((zoneId, index) => [zoneId, balancers[index] ?? notRead] as const),
    );
    const snapshot = { readAt, monitors, pools, loadBalancers };
    last = snapshot;
    return snapshot;
  };

  const take = async (zoneIds: readonly string[], priority: Priority): Promise<Snapshot> => {
    const mine = { zones: new Set(zoneIds), snapshot: readAll(zoneIds, priority) };
    taking = mine;
    try {
      return await mine.snapshot;
    } finally {
      if (taking === mine) taking = undefined;
    }
  };

  return {
    take,
    async recent(zoneIds, maxAgeMs, priority) {
      // Whoever asks while a look is being taken shares it.
      if (taking !== undefined && zoneIds.every((zoneId) => taking?.zones.has(zoneId)))
        return taking.snapshot;
      const age = last === undefined ? Number.POSITIVE_INFINITY : clock.now() - last.readAt;
      // A list that could not be read is not asked for again at once either. A clock set back makes no look young.
      if (last === undefined || age > maxAgeMs || age < 0) return take(zoneIds, priority);
      const missing = [...new Set(zoneIds)].filter((zoneId) => !last?.loadBalancers.has(zoneId));
      if (missing.length === 0) return last;
      // Another zone's turn: the account's lists needn't be read again for that.
      const readAt = clock.now();
      const account = cloudflare(priority);
      const added = await Promise.all(
        missing.map(
          async (zoneId) => [zoneId, await read(account, { kind: "load_balancer", zoneId }, readAt)] as const,
        ),
      );
      last = { ...last, loadBalancers: new Map([...last.loadBalancers, ...added]) };
      return last;
    },
  };
}

export function readingOf(snapshot: Snapshot, role: Role, zoneId: string): Reading {
  const kind = kindOf(role);
  if (kind === "monitor") return snapshot.monitors;
  if (kind === "pool") return snapshot.pools;
  return snapshot.loadBalancers.get(zoneId) ?? { ok: false, why: "the zone's load balancers were not read" };
}

export function placeOf(role: Role, zoneId: string): Place {
  const kind = kindOf(role);
  return kind === "load_balancer" ? { kind, zoneId } : { kind };
}

/** Objects that carry exactly this marker, the oldest first. */
export function findMarked(reading: Reading, marker: string): CloudflareObject[] {
  if (!reading.ok) return [];
  return reading.listing.objects
    .filter((object) => carriesMarker(object["description"], marker))
    .toSorted((a, b) => textOf(a, "created_on").localeCompare(textOf(b, "created_on")));
}

/** Names of load balancers other than `ownId` that use one of these pools, in whatever way. */
export function findSharers(
  snapshot: Snapshot,
  poolIds: readonly string[],
  ownId: string | undefined,
): string[] {
  const names: string[] = [];
  for (const reading of snapshot.loadBalancers.values()) {
    if (!reading.ok) continue;
    for (const object of reading.listing.objects) {
      if (object.id === ownId) continue;
      const { description: _, ...routing } = object;
      const uses = JSON.stringify(routing);
      if (poolIds.some((id) => uses.includes(id))) names.push(textOf(object, "name") || object.id);
    }
  }
  return names;
}
