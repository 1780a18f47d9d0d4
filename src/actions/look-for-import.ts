import { textOf, type CloudflareObject, type Zone } from "../cloudflare/account.ts";
import { CloudflareError } from "../cloudflare/errors.ts";
import { SIDES, type Side } from "../failover/failover.ts";
import { findZone, normalizeHostname } from "../failover/hostnames.ts";
import { textIn, type Parts } from "../failover/import-parts.ts";
import { originOf, projectCandidates, type ProjectAt } from "../failover/import-spec.ts";
import { fail, ok, type Result } from "../failover/results.ts";
import type { Context } from "./context.ts";
import type { Reading, Snapshot } from "./snapshot.ts";

/** So many names are listed where the one that was given isn't there. */
const MOST_NAMES = 10;

export interface Found {
  readonly zone: Zone;
  readonly snapshot: Snapshot;
  readonly loadBalancer: CloudflareObject;
  readonly pools: readonly CloudflareObject[];
  readonly monitors: readonly CloudflareObject[];
}

/** What else uses the parts, and which Pages projects their endpoints are. */
export interface Surroundings {
  readonly poolsSharedWith: readonly string[];
  readonly monitorSharedWith: readonly string[];
  readonly projects: Readonly<Partial<Record<Side, ProjectAt>>>;
}

function objectsOf(reading: Reading | undefined): readonly CloudflareObject[] {
  if (reading === undefined || !reading.ok)
    throw new CloudflareError("unavailable", reading?.why ?? "a list was not read");
  if (!reading.listing.complete) throw new CloudflareError("unavailable", "a list came only in part");
  return reading.listing.objects;
}

function listed(names: readonly string[]): string {
  const some = names.slice(0, MOST_NAMES).join(", ") || "none";
  return names.length > MOST_NAMES ? `${some} and ${names.length - MOST_NAMES} more` : some;
}

/** The load balancer of that name, from lists that are read for this very question. Throws `CloudflareError`. */
export async function findLoadBalancer(context: Context, hostname: string): Promise<Result<Found>> {
  const wrong = (message: string) => {
    const errors = [{ pointer: "/hostname", message }];
    return fail("invalid", `there is nothing to import: ${message}`, { errors });
  };
  const zones = await context.cloudflare("person").zones();
  const zone = findZone(hostname, zones);
  if (zone === null) {
    const seen = listed(zones.map(({ name }) => name));
    return wrong(`${hostname} lies in no zone that the Cloudflare token can see (${seen})`);
  }
  const snapshot = await context.snapshots.take([zone.id], "person");
  const balancers = objectsOf(snapshot.loadBalancers.get(zone.id));
  const nameOf = (object: CloudflareObject) => normalizeHostname(textOf(object, "name"));
  const loadBalancer = balancers.find((one) => nameOf(one) === hostname);
  if (loadBalancer === undefined) {
    const seen = listed(balancers.map(nameOf));
    return wrong(`${zone.name} has no load balancer of the name ${hostname}; it has: ${seen}`);
  }
  return ok({
    zone,
    snapshot,
    loadBalancer,
    pools: objectsOf(snapshot.pools),
    monitors: objectsOf(snapshot.monitors),
  });
}

/** Names of what else uses an object; `except` are the parts themselves. Asked by id: another zone may use it too. */
async function othersUsing(
  context: Context,
  kind: "monitor" | "pool",
  id: string,
  except: readonly string[],
): Promise<string[]> {
  const references = await context.cloudflare("person").references({ kind }, id);
  const names = references.filter(({ type }) => type !== "referral").map(({ name }) => name);
  return names.filter((name) => !except.includes(normalizeHostname(name)));
}

/** A project is found by reading it: its subdomain can differ from its name (API-FACTS 12.1). */
async function projectAt(context: Context, pool: Parts[Side]): Promise<ProjectAt | undefined> {
  const { address } = originOf(pool);
  for (const project of projectCandidates(pool)) {
    try {
      const { subdomain } = await context.cloudflare("person").pagesProject(project);
      if (subdomain === address) return { project, subdomain };
    } catch (error) {
      // Another account's project, or one that may not be read: the address alone is true as well.
      const isNo = error instanceof CloudflareError && ["not-found", "forbidden"].includes(error.kind);
      if (!isNo) throw error;
    }
  }
  return undefined;
}

/** Throws `CloudflareError`. */
export async function lookAround(context: Context, parts: Parts): Promise<Surroundings> {
  const own = normalizeHostname(textIn(parts.load_balancer, "name"));
  const pools = SIDES.map((side) => normalizeHostname(textIn(parts[side], "name")));
  const sharers = new Set<string>();
  const projects: Partial<Record<Side, ProjectAt>> = {};
  for (const side of SIDES) {
    for (const name of await othersUsing(context, "pool", textIn(parts[side], "id"), [own]))
      sharers.add(name);
    const found = await projectAt(context, parts[side]);
    if (found !== undefined) projects[side] = found;
  }
  const monitorSharedWith = await othersUsing(context, "monitor", textIn(parts.monitor, "id"), pools);
  return { poolsSharedWith: [...sharers], monitorSharedWith, projects };
}
