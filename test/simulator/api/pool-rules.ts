// API-FACTS 5: what Cloudflare fills in, sorts, rounds and refuses when a pool is written, and how it reads back (9).
import { bareName, isInZone, kindOfAddress } from "../addresses.ts";
import { resolvesTo } from "../dns.ts";
import { newId, timestamp } from "../identity.ts";
import type { Pool, PoolOrigin } from "../objects.ts";
import { REGIONS } from "../plans.ts";
import type { State } from "../state.ts";
import { asBody, choice, flag, number, object, text, texts, whole, type Body } from "./body.ts";
import { invalid, notUnique, Refusal } from "./refusal.ts";

const STEERING = ["random", "hash", "least_outstanding_requests", "least_connections"];

function checkAddress(state: State, address: string, virtualNetwork: string): void {
  const kind = kindOfAddress(address);
  const refused =
    kind === "malformed" ||
    (kind === "private" && virtualNetwork === "") ||
    (kind === "documentation" && state.switches.documentationAddresses === "refused") ||
    (kind === "cloudflare" && state.switches.cloudflareAddresses === "refused");
  if (refused) throw invalid(`origin address "${address}" is not allowed`);
}

/** API-FACTS 5.4: in a zone of the account, equal to the address, or publicly resolving to it. */
function checkHost(state: State, host: string, address: string): void {
  const name = bareName(host);
  const inAccount = [...state.zones.values()].some((zone) => isInZone(name, zone.name));
  if (inAccount || name === bareName(address) || resolvesTo(state, name, address)) return;
  throw invalid(`Host header "${host}" not allowed for origin domain "${address}"`);
}

function fillOrigin(state: State, now: number, body: Body, before: PoolOrigin | undefined): PoolOrigin {
  const name = text(body, "name", "");
  const address = text(body, "address", "");
  if (name === "" || address === "") throw invalid("origin name and address are required");
  const virtualNetwork = text(body, "virtual_network_id", "");
  checkAddress(state, address, virtualNetwork);
  const header = object(body, "header");
  if (Object.keys(header).some((member) => member !== "Host"))
    throw invalid("only the Host header can be set");
  const hosts = texts(header, "Host");
  if (hosts.length > 1) throw invalid("at most one Host header");
  for (const host of hosts) checkHost(state, host, address);
  const enabled = flag(body, "enabled", true);
  const origin: PoolOrigin = {
    name,
    address,
    enabled,
    weight: Math.round(number(body, "weight", 1, 0, 1) * 100) / 100,
  };
  if (hosts.length > 0) origin.header = { Host: hosts };
  if (body["port"] !== undefined && body["port"] !== null) origin.port = whole(body, "port", 0, 0, 65535);
  if (virtualNetwork !== "") origin.virtual_network_id = virtualNetwork;
  if (typeof body["flatten_cname"] === "boolean") origin.flatten_cname = body["flatten_cname"];
  if (!enabled) origin.disabled_at = before?.disabled_at ?? timestamp(state, now);
  return origin;
}

function fillOrigins(state: State, now: number, body: Body, before: Pool | undefined): PoolOrigin[] {
  const sent = body["origins"] ?? [];
  if (!Array.isArray(sent)) throw invalid("origins must be a list");
  const most = state.limits.originsPerPool;
  // A plan without Load Balancing answers [1, 0] here (API-FACTS 3).
  if (sent.length < 1 || sent.length > most)
    throw invalid(`the origin list length must be in range [1, ${most}]`);
  const origins = sent.map((item) => {
    const origin = asBody(item);
    return fillOrigin(
      state,
      now,
      origin,
      before?.origins.find((known) => known.name === origin["name"]),
    );
  });
  if (new Set(origins.map((origin) => origin.name)).size < origins.length)
    throw invalid("origin names must be unique");
  if (new Set(origins.map((origin) => bareName(origin.address))).size < origins.length) {
    throw invalid("origin addresses must be unique");
  }
  return origins.toSorted((left, right) => (left.name < right.name ? -1 : 1));
}

function fillRegions(state: State, body: Body): string[] | null {
  const { limits, switches } = state;
  const sent = body["check_regions"] ?? null;
  const regions = sent === null ? null : texts(body, "check_regions");
  if (regions === null || regions.length === 0 || regions.includes("ALL_REGIONS")) {
    if (limits.allRegions) return regions === null || regions.length === 0 ? null : ["ALL_REGIONS"];
    throw new Refusal(
      switches.allRegionsStatus,
      1002,
      "Probing from every data centre is not allowed with this subscription. Please choose regions to probe from.: validation failed",
    );
  }
  for (const region of regions)
    if (!(region in REGIONS)) throw invalid(`check_regions: unknown region ${region}`);
  if (regions.length > limits.regions)
    throw invalid(`check_regions: at most ${limits.regions} regions allowed`);
  return regions;
}

function fillCoordinates(body: Body): Pick<Pool, "latitude" | "longitude"> {
  const { latitude, longitude } = body;
  if ((latitude ?? null) === null && (longitude ?? null) === null) return {};
  if (typeof latitude !== "number" || typeof longitude !== "number") {
    throw invalid("latitude and longitude must be set together");
  }
  return {
    latitude: number(body, "latitude", 0, -90, 90),
    longitude: number(body, "longitude", 0, -180, 180),
  };
}

function fillLoadShedding(body: Body): Pool["load_shedding"] {
  if ((body["load_shedding"] ?? null) === null) return null;
  const sent = object(body, "load_shedding");
  return {
    default_percent: number(sent, "default_percent", 0, 0, 100),
    default_policy: choice(sent, "default_policy", "random", ["random", "hash"]),
    session_percent: number(sent, "session_percent", 0, 0, 100),
    session_policy: choice(sent, "session_policy", "hash", ["hash"]),
  };
}

export function fillPool(state: State, now: number, body: Body, before?: Pool): Pool {
  const name = text(body, "name", "");
  if (!/^[A-Za-z0-9_-]+$/.test(name)) throw invalid(`invalid pool name: ${name}`);
  const origins = fillOrigins(state, now, body, before);
  if ([...state.pools.values()].some((pool) => pool.name === name && pool.id !== before?.id))
    throw notUnique();
  const monitor = text(body, "monitor", "");
  if (monitor !== "" && !state.monitors.has(monitor)) throw unknownReference(state, `monitor ${monitor}`);
  const monitorGroup = text(body, "monitor_group", "");
  if (monitorGroup !== "" && !state.limits.monitorGroups) throw invalid("monitor groups not enabled");
  const enabled = flag(body, "enabled", true);
  const steering = object(body, "origin_steering");
  const id = before?.id ?? newId(state);
  const at = timestamp(state, now);
  return {
    id,
    name,
    description: text(body, "description", ""),
    enabled,
    minimum_origins: whole(body, "minimum_origins", 1),
    monitor,
    ...(monitorGroup === "" ? {} : { monitor_group: monitorGroup }),
    check_regions: fillRegions(state, body),
    origins,
    origin_steering: { policy: choice(steering, "policy", "random", STEERING) },
    load_shedding: fillLoadShedding(body),
    notification_email: text(body, "notification_email", ""),
    notification_filter:
      (body["notification_filter"] ?? null) === null ? null : object(body, "notification_filter"),
    ...fillCoordinates(body),
    networks: before?.networks ?? ["cloudflare"],
    ...(enabled ? {} : { disabled_at: before?.disabled_at ?? at }),
    created_on: before?.created_on ?? at,
    modified_on: at,
  };
}

export function unknownReference(state: State, what: string): Refusal {
  if (state.switches.unknownReference === "404/1001") return new Refusal(404, 1001, `${what} not found`);
  return invalid(`could not find ${what}`);
}

export function presentPool(state: State, pool: Pool, healthy: boolean | null): Record<string, unknown> {
  const { monitorDetachedAs, portReadback, healthyWhenUnknown } = state.switches;
  const shown: Record<string, unknown> = { ...pool };
  if (pool.monitor === "" && monitorDetachedAs === "absent") delete shown["monitor"];
  shown["origins"] = pool.origins.map((origin) => {
    if ((origin.port ?? 0) !== 0) return origin;
    const { port: _port, ...rest } = origin;
    if (portReadback === "zero") return { ...rest, port: 0 };
    return portReadback === "as-sent" ? origin : rest;
  });
  if (pool.load_shedding === null) delete shown["load_shedding"];
  if (healthy !== null) shown["healthy"] = healthy;
  else if (healthyWhenUnknown !== "absent") shown["healthy"] = healthyWhenUnknown === "true";
  return shown;
}
