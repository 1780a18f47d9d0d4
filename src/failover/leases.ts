// Decides what temporary deviations mean now: they count until their deadline, and then desired state is what it was.
import { refusal } from "./guards.ts";
import type { Side } from "./failover.ts";
import type { Role } from "./marker.ts";
import type { Origin, Refusal } from "./results.ts";

/** `switchover` and `drill` put an endpoint first for a while; `pause` holds back healing and automatic switch-back. */
export type LeaseKind = "switchover" | "drill" | "pause";

export interface Lease {
  readonly id: string;
  readonly failoverId: string;
  readonly kind: LeaseKind;
  /** Rises with every renewal. */
  readonly version: number;
  /** The endpoint that stands first meanwhile; null of a pause. */
  readonly active: Side | null;
  /** The endpoint whose pool is disabled meanwhile; absent where none is. */
  readonly disabled?: Side;
  readonly reason: string;
  readonly origin: Origin;
  /** Milliseconds since the epoch, as all instants here. */
  readonly startedAt: number;
  readonly expiresAt: number;
}

export function leasesInForce(leases: readonly Lease[], now: number): readonly Lease[] {
  return leases.filter(({ expiresAt }) => now < expiresAt);
}

/** The endpoint that stands first: by a lease that moves traffic, else as it was settled. */
export function activeNow(settled: Side, leases: readonly Lease[], now: number): Side {
  const moving = leasesInForce(leases, now).find(({ active }) => active !== null);
  return moving?.active ?? settled;
}

/** The endpoint whose pool a lease takes out of use; null where none does. */
export function disabledNow(leases: readonly Lease[], now: number): Side | null {
  return leasesInForce(leases, now).find(({ disabled }) => disabled !== undefined)?.disabled ?? null;
}

/** Which member of which object a lease makes differ while it lasts; null of a pause, which changes nothing. */
export function deviatingMember({ active, disabled }: Lease): { role: Role; member: string } | null {
  if (disabled !== undefined) return { role: disabled, member: "enabled" };
  return active === null ? null : { role: "load_balancer", member: "default_pools" };
}

/** The one in force that asking for the same again renews; null where there is none. */
export function findRenewable(
  leases: readonly Lease[],
  kind: "switchover" | "pause",
  active: Side | null,
  now: number,
): Lease | null {
  return leasesInForce(leases, now).find((one) => one.kind === kind && one.active === active) ?? null;
}

/** The same lease until another deadline; who renews it answers for it from now on. */
export function renewed(
  lease: Lease,
  given: { readonly reason: string; readonly origin: Origin; readonly expiresAt: number },
): Lease {
  return { ...lease, ...given, version: lease.version + 1 };
}

/** Whoever asked when another version was in force, or none, would renew what they don't know; null where they know it. */
export function guardRenewal(lease: Lease, seen: readonly Lease[]): Refusal | null {
  if (seen.some(({ id, version }) => id === lease.id && version === lease.version)) return null;
  const until = new Date(lease.expiresAt).toISOString();
  const what = lease.kind === "pause" ? "the pause" : `the timed switch-over to the ${lease.active}`;
  const message = `${what} was begun or renewed in this very moment by ${lease.origin.actor.name} and is in force until ${until}: read the failover again`;
  return refusal("revision-mismatch", message, {
    lease_id: lease.id,
    version: lease.version,
    expires_at: until,
  });
}

/**
 * What a person asked for until a deadline is in force again where that which ended it came to nothing. A drill isn't:
 * it was broken off.
 */
export function restoredLeases(ended: readonly Lease[], now: number): readonly Lease[] {
  return leasesInForce(ended, now)
    .filter(({ kind }) => kind === "switchover")
    .map((one) => ({ ...one, version: one.version + 1 }));
}

/** Until when healing is held back; null where it isn't. */
export function pausedUntil(leases: readonly Lease[], now: number): number | null {
  return leasesInForce(leases, now).find(({ kind }) => kind === "pause")?.expiresAt ?? null;
}
