import { textOf } from "../cloudflare/account.ts";
import type { Spec } from "../failover/complete.ts";
import { poolName } from "../failover/desired.ts";
import { SIDES, type Failover } from "../failover/failover.ts";
import { carriesMarker, markerOf, type Role } from "../failover/marker.ts";
import type { FieldError } from "../failover/results.ts";
import type { Snapshot } from "./snapshot.ts";

/** Whose names are looked for: a failover that may not exist yet. */
export type Claimant = Pick<Failover, "id" | "ids" | "imported">;

/** A matching name is somebody else's, unless it is our stored object or carries our exact marker. */
function isOurs(
  installation: string,
  { id, ids }: Claimant,
  role: Role,
  object: Readonly<Record<string, unknown>>,
): boolean {
  return object["id"] === ids[role] || carriesMarker(object["description"], markerOf(installation, id, role));
}

/** Load balancers of somebody else that have one of a spec's hostnames. */
export function findTakenHostnames(
  installation: string,
  spec: Spec,
  claimant: Claimant,
  snapshot: Snapshot,
): FieldError[] {
  const balancers = [...snapshot.loadBalancers.values()].flatMap((reading) =>
    reading.ok ? reading.listing.objects : [],
  );
  return (["hostname", "test_hostname"] as const).flatMap((member) => {
    const name = spec[member];
    const other = balancers.find(
      (one) =>
        textOf(one, "name").toLowerCase() === name && !isOurs(installation, claimant, "load_balancer", one),
    );
    if (other === undefined) return [];
    return [
      {
        pointer: `/${member}`,
        message: `${name} already has the load balancer ${other.id}, which is somebody else's`,
      },
    ];
  });
}

/** Everything of somebody else at Cloudflare that has a name which this spec needs. */
export function findTakenNames(
  installation: string,
  spec: Spec,
  claimant: Claimant,
  snapshot: Snapshot,
): FieldError[] {
  const pools = snapshot.pools.ok ? snapshot.pools.listing.objects : [];
  const taken = SIDES.flatMap((side) => {
    const name = poolName({ name: spec.name, imported: claimant.imported }, side);
    const pool = pools.find((one) => one["name"] === name && !isOurs(installation, claimant, side, one));
    if (pool === undefined) return [];
    return [
      { pointer: "/name", message: `the pool name ${name} is taken by the pool ${pool.id} of somebody else` },
    ];
  });
  return [...taken, ...findTakenHostnames(installation, spec, claimant, snapshot)];
}
