import type { Kind } from "../failover/marker.ts";
import type { DnsRecordFacts } from "../failover/preflight/facts.ts";
import type { PlaceHealth } from "../failover/verdict.ts";
import type { Priority } from "./budget.ts";
import {
  bareName,
  isObject,
  listAll,
  oneOf,
  PER_PAGE,
  text,
  textOf,
  unreadable,
  type CloudflareObject,
  type Listing,
} from "./answers.ts";
import type { Call } from "./transport.ts";

export { textOf, type CloudflareObject, type Listing } from "./answers.ts";

export interface Zone {
  readonly id: string;
  readonly name: string;
}

/** Where an object lives: load balancers in a zone, monitors and pools in the account. */
export type Place =
  | { readonly kind: Exclude<Kind, "load_balancer"> }
  | { readonly kind: "load_balancer"; readonly zoneId: string };

export interface PagesProject {
  readonly name: string;
  readonly subdomain: string;
  readonly domains: readonly string[];
}

/** What we ask of one Cloudflare account. Every method throws `CloudflareError` and nothing else. */
export interface CloudflareAccount {
  list(place: Place): Promise<Listing>;
  get(place: Place, id: string): Promise<CloudflareObject>;
  create(place: Place, body: object): Promise<CloudflareObject>;
  patch(place: Place, id: string, body: object): Promise<CloudflareObject>;
  delete(place: Place, id: string): Promise<void>;
  /** By the endpoint's address, lower-case and without a trailing dot; empty where there are no results yet. */
  poolHealth(poolId: string): Promise<ReadonlyMap<string, readonly PlaceHealth[]>>;
  references(place: Place, id: string): Promise<readonly { type: string; name: string }[]>;
  zones(): Promise<readonly Zone[]>;
  pagesProject(name: string): Promise<PagesProject>;
  pagesDomains(project: string): Promise<readonly { readonly name: string; readonly status: string }[]>;
  /** The records of exactly this name that answer for a host. */
  dnsRecords(zoneId: string, name: string): Promise<readonly DnsRecordFacts[]>;
  /** Cloudflare's own address ranges in CIDR notation. */
  addressRanges(): Promise<readonly string[]>;
}

/** Deletes and reads of the three kinds share one shape of path. */
function pathOf(accountId: string, place: Place): string {
  switch (place.kind) {
    case "monitor":
      return `/accounts/${accountId}/load_balancers/monitors`;
    case "pool":
      return `/accounts/${accountId}/load_balancers/pools`;
    case "load_balancer":
      return `/zones/${place.zoneId}/load_balancers`;
    default:
      return place satisfies never;
  }
}

/** The shape is a map by place; a flat form is described by the newest schema and understood as well (API-FACTS 6.1). */
function readPopHealth(result: unknown): Map<string, PlaceHealth[]> {
  const byAddress = new Map<string, PlaceHealth[]>();
  const popHealth = isObject(result) ? result["pop_health"] : undefined;
  if (!isObject(popHealth)) return byAddress;
  const places = Array.isArray(popHealth["origins"]) ? { everywhere: popHealth } : popHealth;
  const add = (name: string, place: string, health: unknown) => {
    if (!isObject(health)) return;
    const one = {
      place,
      healthy: health["healthy"] === true,
      reason: typeof health["failure_reason"] === "string" ? health["failure_reason"] : "no reason given",
    };
    byAddress.set(bareName(name), [...(byAddress.get(bareName(name)) ?? []), one]);
  };
  for (const [place, health] of Object.entries(places)) {
    const origins = isObject(health) && Array.isArray(health["origins"]) ? health["origins"] : [];
    for (const origin of origins.filter(isObject)) {
      const { ip } = origin;
      if (typeof ip === "string") add(ip, place, origin);
      else if (isObject(ip) && typeof ip["address"] === "string") add(ip["address"], place, ip);
      else for (const [name, one] of Object.entries(origin)) add(name, place, one);
    }
  }
  return byAddress;
}

export function createAccount(call: Call, accountId: string, priority: Priority): CloudflareAccount {
  const at = (place: Place, id?: string) => `${pathOf(accountId, place)}${id === undefined ? "" : `/${id}`}`;
  const paged = (path: string, perPage: number, query: Record<string, string> = {}) =>
    listAll((page) => call(priority, "get", path, { query: { ...query, page, per_page: perPage } }));

  return {
    list: (place) => paged(at(place), PER_PAGE),
    get: async (place, id) => oneOf(await call(priority, "get", at(place, id))),
    create: async (place, body) => oneOf(await call(priority, "post", at(place), { body })),
    patch: async (place, id, body) => oneOf(await call(priority, "patch", at(place, id), { body })),
    delete: async (place, id) => {
      await call(priority, "delete", at(place, id));
    },
    poolHealth: async (poolId) => {
      const { result } = await call(priority, "get", `${at({ kind: "pool" }, poolId)}/health`);
      return readPopHealth(result);
    },
    references: async (place, id) => {
      const { result } = await call(priority, "get", `${at(place, id)}/references`);
      return (Array.isArray(result) ? result : []).filter(isObject).map((one) => ({
        type: text(one["reference_type"]),
        name: text(one["resource_name"]) || text(one["resource_id"]) || "another object",
      }));
    },
    zones: async () => {
      const { objects, complete } = await paged("/zones", PER_PAGE, { "account.id": accountId });
      if (!complete) throw unreadable("the list of zones is partial");
      return objects
        .filter(
          ({ account }) => !isObject(account) || account["id"] === undefined || account["id"] === accountId,
        )
        .map((zone) => ({ id: zone.id, name: text(zone["name"]).toLowerCase() }));
    },
    pagesProject: async (name) => {
      const project = oneOf(await call(priority, "get", `/accounts/${accountId}/pages/projects/${name}`));
      const subdomain = project["subdomain"];
      if (typeof subdomain !== "string" || subdomain === "")
        throw unreadable("a Pages project without a subdomain");
      const domains = Array.isArray(project["domains"])
        ? project["domains"].map((one) => bareName(text(one)))
        : [];
      return { name, subdomain: bareName(subdomain), domains };
    },
    pagesDomains: async (project) => {
      const { result } = await call(
        priority,
        "get",
        `/accounts/${accountId}/pages/projects/${project}/domains`,
      );
      if (!Array.isArray(result)) throw unreadable("not a list");
      return result
        .filter(isObject)
        .map((one) => ({ name: bareName(textOf(one, "name")), status: textOf(one, "status") }));
    },
    dnsRecords: async (zoneId, name) => {
      const { objects } = await paged(`/zones/${zoneId}/dns_records`, 100, { name });
      // Whether the filter is honoured and whether load balancers are listed is open (API-FACTS 11.1): filtered again.
      return objects
        .filter((record) => bareName(text(record["name"])) === name)
        .filter((record) => ["A", "AAAA", "CNAME"].includes(text(record["type"])))
        .map((record) => ({
          type: text(record["type"]),
          content: text(record["content"]),
          proxied: record["proxied"] === true,
        }));
    },
    addressRanges: async () => {
      const { result } = await call(priority, "get", "/ips");
      const ranges = isObject(result) ? [result["ipv4_cidrs"], result["ipv6_cidrs"]].flat() : [];
      return ranges.filter((range): range is string => typeof range === "string");
    },
  };
}
