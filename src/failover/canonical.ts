// Decides when two objects are the same for us: owned fields only, in the one form in which Cloudflare's filling-in,
// sorting and rounding (API-FACTS 9) disappears. Desired and observed both go through here and nowhere else.
import type { Body } from "./desired.ts";
import { normalizeHostname } from "./hostnames.ts";
import type { Kind } from "./marker.ts";
import { normalizeAddress } from "./spec.ts";

/** Path → value. A path begins with Cloudflare's member name; a value is plain JSON. */
export type Canonical = ReadonlyMap<string, unknown>;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const text = (value: unknown, whenAbsent = ""): string =>
  typeof value === "string" && value !== "" ? value : whenAbsent;
const lower = (value: unknown, whenAbsent = ""): string => text(value, whenAbsent).toLowerCase();
const number = (value: unknown, whenAbsent: number): number =>
  typeof value === "number" ? value : whenAbsent;
const flag = (value: unknown, whenAbsent: boolean): boolean =>
  typeof value === "boolean" ? value : whenAbsent;
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
/** Weights come back as binary floats of what was sent in steps of .01. */
const hundredths = (value: unknown, whenAbsent: number): number =>
  Math.round(number(value, whenAbsent) * 100) / 100;
const hostname = (value: unknown): string => normalizeHostname(text(value));

const isHttp = (type: string): boolean => type === "http" || type === "https";

function effectivePort(port: unknown, type: string): number {
  const given = number(port, 0);
  return given === 0 ? (type === "https" ? 443 : type === "http" ? 80 : 0) : given;
}

function method(value: unknown, type: string): string {
  if (isHttp(type)) return text(value, "GET").toUpperCase();
  return type === "tcp" ? "connection_established" : "";
}

function codes(value: unknown): string {
  const given = Array.isArray(value) ? value.join(",") : text(value, "200");
  const each = given
    .toLowerCase()
    .split(",")
    .map((code) => code.trim());
  return [...new Set(each)].filter(Boolean).toSorted().join(",");
}

function headers(value: unknown): Record<string, readonly unknown[]> {
  if (!isObject(value)) return {};
  const entries = Object.entries(value).map(([name, values]) => [name.toLowerCase(), list(values)] as const);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const asText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
/** Sets come back in any order. */
const asSet = (value: unknown): readonly string[] => [...new Set(list(value).map(asText))].toSorted();

function canonicalMonitor(object: Body, owns: Ownership): Map<string, unknown> {
  const type = lower(object["type"], "http");
  const fields = new Map<string, unknown>([
    ["type", type],
    ["description", text(object["description"])],
    ["method", method(object["method"], type)],
    ["path", text(object["path"], "/")],
    ["port", effectivePort(object["port"], type)],
    ["expected_codes", codes(object["expected_codes"])],
    ["expected_body", text(object["expected_body"])],
    ["follow_redirects", flag(object["follow_redirects"], false)],
    ["allow_insecure", flag(object["allow_insecure"], false)],
    ["interval", number(object["interval"], 60)],
    ["timeout", number(object["timeout"], 5)],
    ["retries", number(object["retries"], 2)],
  ]);
  if (owns("consecutive_up")) fields.set("consecutive_up", number(object["consecutive_up"], 0));
  if (owns("consecutive_down")) fields.set("consecutive_down", number(object["consecutive_down"], 0));
  if (owns("header")) fields.set("header", headers(object["header"]));
  return fields;
}

/**
 * Origins come back sorted by name, whatever the order sent: compared as a map by name. Each stands here as a whole,
 * which is what differs where one is missing or extra, and member by member.
 */
function canonicalOrigins(value: unknown): [string, unknown][] {
  return list(value)
    .filter(isObject)
    .flatMap((origin): [string, unknown][] => {
      const at = originPath(text(origin["name"]));
      const header = isObject(origin["header"]) ? headers(origin["header"])["host"] : undefined;
      const members = {
        address: normalizeAddress(text(origin["address"])),
        enabled: flag(origin["enabled"], true),
        weight: hundredths(origin["weight"], 1),
        port: number(origin["port"], 0),
        "header.Host": asSet(list(header).map(hostname).filter(Boolean)),
      };
      const inner = Object.entries(members).map(([member, is]): [string, unknown] => [`${at}.${member}`, is]);
      return inner.concat([[at, members]]);
    });
}

export function originPath(name: string): string {
  return `origins.${name}`;
}

const ORIGIN_MEMBER = /^(origins\..*)\.(address|enabled|weight|port|header\.Host)$/;

/** Which origin a path leads into, and to which of its members; null for a path to an origin as a whole or elsewhere. */
export function originMember(path: string): { readonly origin: string; readonly member: string } | null {
  const [, origin, member] = ORIGIN_MEMBER.exec(path) ?? [];
  return origin === undefined || member === undefined ? null : { origin, member };
}

function canonicalPool(object: Body): Map<string, unknown> {
  const regions = object["check_regions"];
  return new Map<string, unknown>([
    ["name", text(object["name"])],
    ["description", text(object["description"])],
    ["enabled", flag(object["enabled"], true)],
    ["minimum_origins", number(object["minimum_origins"], 1)],
    ["monitor", text(object["monitor"])],
    // Null means every data centre and is not the same as an empty list; ALL_REGIONS says the same as null.
    ["check_regions", Array.isArray(regions) ? allRegionsAsNull(regions) : null],
    ...canonicalOrigins(object["origins"]),
  ]);
}

function allRegionsAsNull(regions: readonly unknown[]): readonly string[] | null {
  const names = asSet(regions.map((region) => asText(region).toUpperCase()));
  return names.includes("ALL_REGIONS") ? null : names;
}

function steering(object: Body): string {
  const given = lower(object["steering_policy"]);
  if (given !== "") return given;
  // An empty policy is resolved by the server: geo as soon as there is a map, otherwise off.
  const mapped = ["region_pools", "country_pools", "pop_pools"].some((member) => {
    const map = object[member];
    return isObject(map) && Object.keys(map).length > 0;
  });
  return mapped ? "geo" : "off";
}

/** Members of a load balancer that route past the pair, whatever pools they name; ours only where they are to be emptied. */
export const ROUTING_MEMBERS = ["rules", "region_pools", "country_pools", "pop_pools", "pool_sets"] as const;

/** How long visitors stay at an endpoint where nobody says. */
export function defaultAffinitySeconds(affinity: unknown): number {
  return affinity === "header" ? 1800 : 82_800;
}

function canonicalLoadBalancer(object: Body, owns: Ownership): Map<string, unknown> {
  const adaptive = object["adaptive_routing"];
  const fields = new Map<string, unknown>([
    ["name", hostname(object["name"])],
    ["description", text(object["description"])],
    ["enabled", flag(object["enabled"], true)],
    ["proxied", flag(object["proxied"], false)],
    ["default_pools", list(object["default_pools"])],
    ["fallback_pool", text(object["fallback_pool"])],
    ["steering_policy", steering(object)],
    ["session_affinity", lower(object["session_affinity"], "none")],
    [
      "adaptive_routing.failover_across_pools",
      isObject(adaptive) && adaptive["failover_across_pools"] === true,
    ],
  ]);
  if (owns("ttl")) fields.set("ttl", number(object["ttl"], 30));
  if (owns("session_affinity_ttl")) {
    const byDefault = defaultAffinitySeconds(lower(object["session_affinity"]));
    fields.set("session_affinity_ttl", number(object["session_affinity_ttl"], 0) || byDefault);
  }
  for (const member of ROUTING_MEMBERS) if (owns(member)) fields.set(member, object[member] ?? null);
  const attributes = canonicalAttributes(object["session_affinity_attributes"]);
  for (const [member, value] of Object.entries(attributes)) {
    const path = `session_affinity_attributes.${member}`;
    if (owns(path)) fields.set(path, value);
  }
  return fields;
}

function canonicalAttributes(value: unknown): Record<string, unknown> {
  const given = isObject(value) ? value : {};
  return {
    samesite: lower(given["samesite"], "auto"),
    secure: lower(given["secure"], "auto"),
    drain_duration: number(given["drain_duration"], 0),
    zero_downtime_failover: lower(given["zero_downtime_failover"], "none"),
    headers: asSet(list(given["headers"]).map((name) => lower(name))),
    require_all_headers: flag(given["require_all_headers"], false),
  };
}

/** Whether an optional member is ours: it is exactly where the desired body gives it. */
type Ownership = (path: string) => boolean;

export function ownershipOf(desired: Body): Ownership {
  return (path) => {
    let value: unknown = desired;
    for (const member of path.split(".")) value = isObject(value) ? value[member] : undefined;
    return value !== undefined;
  };
}

export function canonical(kind: Kind, object: Body, owns: Ownership): Canonical {
  switch (kind) {
    case "monitor":
      return canonicalMonitor(object, owns);
    case "pool":
      return canonicalPool(object);
    case "load_balancer":
      return canonicalLoadBalancer(object, owns);
    default:
      return kind satisfies never;
  }
}
