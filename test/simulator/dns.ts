// API-FACTS 11.1: what a name leads to. Load balancers stand above records of the same name.
import { bareName, isIp, isInZone } from "./addresses.ts";
import type { CustomHostname, DnsRecord, LoadBalancer, PagesProject, WorkerDomain, Zone } from "./objects.ts";
import type { State } from "./state.ts";

const ADDRESS_TYPES = new Set(["A", "AAAA", "CNAME"]);

export function zoneOf(state: State, hostname: string): Zone | null {
  let found: Zone | null = null;
  for (const zone of state.zones.values()) {
    if (!isInZone(hostname, zone.name)) continue;
    if (found === null || zone.name.length > found.name.length) found = zone;
  }
  return found;
}

function matches(hostname: string, pattern: string): boolean {
  if (pattern === hostname) return true;
  return pattern.startsWith("*.") && hostname.endsWith(pattern.slice(1)) && hostname !== pattern.slice(2);
}

function mostSpecific<T extends { name: string }>(hostname: string, candidates: Iterable<T>): T | null {
  let found: T | null = null;
  for (const candidate of candidates) {
    if (!matches(hostname, candidate.name.toLowerCase())) continue;
    if (found === null || weight(candidate.name) > weight(found.name)) found = candidate;
  }
  return found;
}

/** An exact name beats every wildcard, a longer wildcard a shorter one. */
function weight(name: string): number {
  return name.startsWith("*.") ? name.length : 1000;
}

export function recordFor(state: State, zone: Zone, hostname: string): DnsRecord | null {
  const records = [...state.dnsRecords.values()].filter(
    (record) => record.zone_id === zone.id && ADDRESS_TYPES.has(record.type),
  );
  return mostSpecific(hostname, records);
}

/** The load balancer that answers for a name: enabled, and at least as specific as any record. */
export function loadBalancerFor(state: State, zone: Zone, hostname: string): LoadBalancer | null {
  const found = mostSpecific(
    hostname,
    [...state.loadBalancers.values()].filter((lb) => lb.zone_id === zone.id && lb.enabled),
  );
  if (found === null) return null;
  const record = recordFor(state, zone, hostname);
  return record !== null && weight(record.name) > weight(found.name) ? null : found;
}

/** `<project>.pages.dev` and its aliases `<something>.<project>.pages.dev`. */
export function pagesProjectAt(state: State, hostname: string): PagesProject | null {
  for (const project of state.pagesProjects.values()) {
    if (isInZone(hostname, project.subdomain)) return project;
  }
  return null;
}

export function customDomainProject(state: State, hostname: string): PagesProject | null {
  for (const project of state.pagesProjects.values()) {
    if (project.domains.some((domain) => domain.name === hostname && domain.status === "active"))
      return project;
  }
  return null;
}

export type Claim =
  | { kind: "worker"; domain: WorkerDomain }
  | { kind: "pages"; project: PagesProject }
  | { kind: "saas"; customHostname: CustomHostname };

/** What has this very name to itself, whatever records and load balancers say. */
export function claimOn(state: State, hostname: string): Claim | null {
  for (const domain of state.workerDomains.values()) {
    if (domain.hostname === hostname) return { kind: "worker", domain };
  }
  const project = customDomainProject(state, hostname);
  if (project !== null) return { kind: "pages", project };
  for (const customHostname of state.customHostnames.values()) {
    if (customHostname.hostname === hostname && customHostname.status === "active")
      return { kind: "saas", customHostname };
  }
  return null;
}

export type Destination =
  | { kind: "origin"; address: string }
  | { kind: "pages"; project: PagesProject }
  | { kind: "edge"; zone: Zone | null }
  | { kind: "unproxied-lb"; lb: LoadBalancer }
  | { kind: "unknown" };

/** Where a name leads: there, or on to what a record says that isn't proxied. */
export function nextHop(state: State, name: string): Destination | { kind: "alias"; record: DnsRecord } {
  if (!isIp(name)) {
    const project = pagesProjectAt(state, name);
    if (project !== null) return { kind: "pages", project };
    const zone = zoneOf(state, name);
    const claimed = claimOn(state, name) !== null;
    if (zone !== null && zone.status === "active") {
      if (claimed) return { kind: "edge", zone };
      const lb = loadBalancerFor(state, zone, name);
      if (lb !== null) return lb.proxied ? { kind: "edge", zone } : { kind: "unproxied-lb", lb };
      const record = recordFor(state, zone, name);
      if (record !== null)
        return record.proxied && !zone.paused ? { kind: "edge", zone } : { kind: "alias", record };
    }
    if (claimed) return { kind: "edge", zone: null };
  }
  return state.origins.has(name) ? { kind: "origin", address: name } : { kind: "unknown" };
}

/** Where a connection to this address ends. */
export function resolve(state: State, address: string, depth = 0): Destination {
  if (depth > 8) return { kind: "unknown" };
  const hop = nextHop(state, bareName(address));
  return hop.kind === "alias" ? resolve(state, hop.record.content, depth + 1) : hop;
}

/** The address a name publicly resolves to, as far as the Host header rule cares (API-FACTS 5.4). */
export function resolvesTo(state: State, host: string, address: string): boolean {
  const wanted = bareName(address);
  const project = customDomainProject(state, host) ?? pagesProjectAt(state, host);
  if (project !== null && pagesProjectAt(state, wanted) === project) return true;
  const destination = resolve(state, host);
  return destination.kind === "origin" && destination.address === wanted;
}
