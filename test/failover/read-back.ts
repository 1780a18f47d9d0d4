// What Cloudflare may legally answer for a body that was sent: API-FACTS 9, one rewriting a row.
import { domainToUnicode } from "node:url";
import * as fc from "fast-check";
import type { Body } from "../../src/failover/desired.ts";
import type { Kind } from "../../src/failover/marker.ts";

export type Rewrite = (object: Body) => Body;
export interface ReadBack {
  readonly kind: Kind;
  readonly row: string;
  readonly rewrite: Rewrite;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const listIn = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** Members that the server fills in or that aren't ours. */
const filled =
  (members: Body): Rewrite =>
  (object) => ({ ...members, ...object });

/** Leaves a member out, or gives it another form, where its value is the default. */
function whereDefault(member: string, byDefault: unknown, form?: unknown): Rewrite {
  return (object) => {
    if (JSON.stringify(object[member]) !== JSON.stringify(byDefault)) return object;
    const { [member]: _, ...others } = object;
    return form === undefined ? others : { ...others, [member]: form };
  };
}

function whereText(member: string, form: (text: string) => unknown): Rewrite {
  return (object) =>
    typeof object[member] === "string" ? { ...object, [member]: form(object[member]) } : object;
}

function eachOrigin(rewrite: Rewrite): Rewrite {
  return (object) => ({
    ...object,
    origins: listIn(object["origins"]).map((origin) => (isObject(origin) ? rewrite(origin) : origin)),
  });
}

function eachHeader(form: (name: string, values: readonly unknown[]) => readonly [string, unknown]): Rewrite {
  return (object) =>
    isObject(object["header"])
      ? {
          ...object,
          header: Object.fromEntries(
            Object.entries(object["header"]).map(([name, values]) => form(name, listIn(values))),
          ),
        }
      : object;
}

const renameHeaders = (spell: (name: string) => string): Rewrite =>
  eachHeader((name, values) => [spell(name), values]);

const eachHost = (form: (host: string) => string): Rewrite =>
  eachOrigin(eachHeader((name, values) => [name, values.map((host) => form(String(host)))]));

/** Reads as a number what is a status code and no class. */
const asNumber = (code: string): unknown => (/^\d+$/.test(code) ? Number(code) : code);

/** An IP address has no other spelling in Unicode. */
const unicodeAddress = (address: string): string => domainToUnicode(address) || address;

function standardPort(form: unknown): Rewrite {
  return (object) => {
    const standard = /^https$/i.test(String(object["type"])) ? 443 : 80;
    return whereDefault("port", standard, form)(object);
  };
}

function affinityTtlAs(form: unknown): Rewrite {
  return (object) =>
    whereDefault(
      "session_affinity_ttl",
      object["session_affinity"] === "header" ? 1800 : 82800,
      form,
    )(object);
}

/** Every attribute is there: the server's default where none was sent. */
const attributesFilledIn: Rewrite = (object) => ({
  ...object,
  session_affinity_attributes: {
    samesite: "Auto",
    secure: "Auto",
    drain_duration: 0,
    zero_downtime_failover: "none",
    headers: [],
    require_all_headers: false,
    ...(isObject(object["session_affinity_attributes"]) ? object["session_affinity_attributes"] : {}),
  },
});

const attributesLeftOut: Rewrite = (object) => {
  const given = object["session_affinity_attributes"];
  if (!isObject(given)) return object;
  const defaults = [
    whereDefault("samesite", "Auto"),
    whereDefault("secure", "Auto"),
    whereDefault("drain_duration", 0, null),
    whereDefault("zero_downtime_failover", "none", ""),
    whereDefault("headers", [], null),
    whereDefault("require_all_headers", false),
  ];
  const left = defaults.reduce<Body>((attributes, rewrite) => rewrite(attributes), given);
  return { ...object, session_affinity_attributes: Object.keys(left).length === 0 ? null : left };
};

function attribute(member: string, form: (value: unknown) => unknown): Rewrite {
  return (object) => {
    const given = object["session_affinity_attributes"];
    return isObject(given) && given[member] !== undefined
      ? { ...object, session_affinity_attributes: { ...given, [member]: form(given[member]) } }
      : object;
  };
}
const lowerCase = (value: unknown): unknown => (typeof value === "string" ? value.toLowerCase() : value);

const monitor = (row: string, rewrite: Rewrite): ReadBack => ({ kind: "monitor", row, rewrite });
const pool = (row: string, rewrite: Rewrite): ReadBack => ({ kind: "pool", row, rewrite });
const lb = (row: string, rewrite: Rewrite): ReadBack => ({ kind: "load_balancer", row, rewrite });

const TIMES = { created_on: "2024-07-03T10:00:00.000000Z", modified_on: "2024-07-04T10:00:00.000000Z" };

export const READ_BACKS: readonly ReadBack[] = [
  monitor("the server's own members", filled({ ...TIMES, probe_zone: "" })),
  monitor("port 0 for the protocol's own", standardPort(0)),
  monitor("no port for the protocol's own", standardPort(undefined)),
  monitor("port null for the protocol's own", standardPort(null)),
  monitor(
    "consecutive_up and consecutive_down filled in with 0",
    filled({ consecutive_up: 0, consecutive_down: 0 }),
  ),
  monitor("consecutive_up 0 left out", whereDefault("consecutive_up", 0)),
  monitor("consecutive_down 0 left out", whereDefault("consecutive_down", 0)),
  monitor("consecutive_up null for 0", whereDefault("consecutive_up", 0, null)),
  monitor("consecutive_down null for 0", whereDefault("consecutive_down", 0, null)),
  monitor("header null where none was sent", filled({ header: null })),
  monitor("header {} where none was sent", filled({ header: {} })),
  monitor("header null for {}", whereDefault("header", {}, null)),
  monitor("header {} left out", whereDefault("header", {})),
  monitor(
    "header names in lower case",
    renameHeaders((name) => name.toLowerCase()),
  ),
  monitor(
    "header names in upper case",
    renameHeaders((name) => name.toUpperCase()),
  ),
  monitor("method GET left out", whereDefault("method", "GET")),
  monitor("method empty for GET", whereDefault("method", "GET", "")),
  monitor(
    "method in lower case",
    whereText("method", (method) => method.toLowerCase()),
  ),
  monitor(
    "type in upper case",
    whereText("type", (type) => type.toUpperCase()),
  ),
  monitor("type http left out", whereDefault("type", "http")),
  monitor("path / left out", whereDefault("path", "/")),
  monitor("path empty for /", whereDefault("path", "/", "")),
  monitor(
    "expected_codes as a list",
    whereText("expected_codes", (codes) => codes.split(",")),
  ),
  monitor(
    "expected_codes as a list with numbers",
    whereText("expected_codes", (codes) => codes.split(",").map(asNumber)),
  ),
  monitor(
    "expected_codes in another order",
    whereText("expected_codes", (codes) => codes.split(",").toReversed().join(",")),
  ),
  monitor(
    "expected_codes with blanks",
    whereText("expected_codes", (codes) => codes.replaceAll(",", " , ")),
  ),
  monitor(
    "expected_codes in upper case",
    whereText("expected_codes", (codes) => codes.toUpperCase()),
  ),
  monitor("expected_codes 200 left out", whereDefault("expected_codes", "200")),
  monitor("expected_body left out where empty", whereDefault("expected_body", "")),
  monitor("expected_body null where empty", whereDefault("expected_body", "", null)),
  monitor("follow_redirects false left out", whereDefault("follow_redirects", false)),
  monitor("follow_redirects null for false", whereDefault("follow_redirects", false, null)),
  monitor("allow_insecure false left out", whereDefault("allow_insecure", false)),
  monitor("allow_insecure null for false", whereDefault("allow_insecure", false, null)),
  monitor("interval, timeout and retries left out where they are the defaults", (object) =>
    [whereDefault("interval", 60), whereDefault("timeout", 5), whereDefault("retries", 2)].reduce(
      (body, rewrite) => rewrite(body),
      object,
    ),
  ),

  pool(
    "the server's own members",
    filled({
      ...TIMES,
      healthy: true,
      networks: ["cloudflare"],
      health_sources: null,
      disabled_at: null,
      monitor_group: "",
    }),
  ),
  pool("load_shedding null", filled({ load_shedding: null })),
  pool("load_shedding {}", filled({ load_shedding: {} })),
  pool("load_shedding zeros", filled({ load_shedding: { default_percent: 0, session_percent: 0 } })),
  pool(
    "load_shedding zeros with policies",
    filled({
      load_shedding: {
        default_percent: 0,
        default_policy: "random",
        session_percent: 0,
        session_policy: "hash",
      },
    }),
  ),
  pool("origin_steering null", filled({ origin_steering: null })),
  pool("origin_steering random", filled({ origin_steering: { policy: "random" } })),
  pool("notification members empty", filled({ notification_email: "", notification_filter: {} })),
  pool("notification members null", filled({ notification_email: null, notification_filter: null })),
  pool(
    "notification_filter with empty members",
    filled({ notification_filter: { origin: { disable: null, healthy: null }, pool: null } }),
  ),
  pool("somebody's own coordinates", filled({ latitude: 55.750000001, longitude: 37.6 })),
  pool("minimum_origins 1 left out", whereDefault("minimum_origins", 1)),
  pool("enabled true left out", whereDefault("enabled", true)),
  pool("check_regions in another order", (object) =>
    Array.isArray(object["check_regions"])
      ? { ...object, check_regions: object["check_regions"].toReversed() }
      : object,
  ),
  pool("check_regions in lower case", (object) =>
    Array.isArray(object["check_regions"])
      ? { ...object, check_regions: object["check_regions"].map(lowerCase) }
      : object,
  ),
  pool("check_regions null for ALL_REGIONS", (object) =>
    listIn(object["check_regions"]).includes("ALL_REGIONS") ? { ...object, check_regions: null } : object,
  ),
  pool(
    "an origin's Host in capitals",
    eachHost((host) => host.toUpperCase()),
  ),
  pool(
    "an origin's Host with a trailing dot",
    eachHost((host) => `${host}.`),
  ),
  pool("an origin's Host in Unicode", eachHost(domainToUnicode)),
  pool("an origin's header name in lower case", eachOrigin(renameHeaders((name) => name.toLowerCase()))),
  pool(
    "an origin's header with an empty Host where none was sent",
    eachOrigin(filled({ header: { Host: [] } })),
  ),
  pool("an origin's disabled_at null", eachOrigin(filled({ disabled_at: null }))),
  pool("an origin's header null where none was sent", eachOrigin(filled({ header: null }))),
  pool("an origin's header {} where none was sent", eachOrigin(filled({ header: {} }))),
  pool(
    "an origin's weight a little less",
    eachOrigin((origin) => ({ ...origin, weight: 0.9960000000000001 })),
  ),
  pool(
    "an origin's weight a little more",
    eachOrigin((origin) => ({ ...origin, weight: 1.0000000000000002 })),
  ),
  pool("an origin's weight 1 left out", eachOrigin(whereDefault("weight", 1))),
  pool("an origin's enabled true left out", eachOrigin(whereDefault("enabled", true))),
  pool("an origin's port 0 where none was sent", eachOrigin(filled({ port: 0 }))),
  pool("an origin's port null where none was sent", eachOrigin(filled({ port: null }))),
  pool(
    "an origin's flatten_cname and virtual_network_id",
    eachOrigin(filled({ flatten_cname: true, virtual_network_id: "" })),
  ),
  pool("an origin's virtual_network_id null", eachOrigin(filled({ virtual_network_id: null }))),
  pool("an origin's address in Unicode", eachOrigin(whereText("address", unicodeAddress))),
  pool(
    "an origin's address in capitals",
    eachOrigin(whereText("address", (address) => address.toUpperCase())),
  ),
  pool(
    "an origin's hostname with a trailing dot",
    eachOrigin(
      whereText("address", (address) =>
        /[a-z]$/i.test(address) && !address.includes(":") ? `${address}.` : address,
      ),
    ),
  ),

  lb("the server's own members", filled({ ...TIMES, zone_name: "example.com", networks: ["cloudflare"] })),
  lb("steering_policy empty for off", whereDefault("steering_policy", "off", "")),
  lb("steering_policy left out for off", whereDefault("steering_policy", "off")),
  lb(
    "steering_policy in capitals",
    whereText("steering_policy", (policy) => policy.toUpperCase()),
  ),
  lb("session_affinity empty for none", whereDefault("session_affinity", "none", "")),
  lb("session_affinity left out for none", whereDefault("session_affinity", "none")),
  lb("session_affinity null for none", whereDefault("session_affinity", "none", null)),
  lb(
    "session_affinity in capitals",
    whereText("session_affinity", (affinity) => affinity.toUpperCase()),
  ),
  lb("session_affinity_ttl filled in", (object) =>
    /^"(none)?"$/i.test(JSON.stringify(object["session_affinity"] ?? ""))
      ? { session_affinity_ttl: 82800, ...object }
      : object,
  ),
  lb("session_affinity_ttl 0 for its default", affinityTtlAs(0)),
  lb("session_affinity_ttl left out for its default", affinityTtlAs(undefined)),
  lb("session_affinity_ttl null for its default", affinityTtlAs(null)),
  lb("session_affinity_attributes filled in", attributesFilledIn),
  lb("session_affinity_attributes null where none were sent", filled({ session_affinity_attributes: null })),
  lb("session_affinity_attributes {} where none were sent", filled({ session_affinity_attributes: {} })),
  lb("session_affinity_attributes left out where they are the defaults", attributesLeftOut),
  lb("session_affinity_attributes.samesite in lower case", attribute("samesite", lowerCase)),
  lb("session_affinity_attributes.secure in lower case", attribute("secure", lowerCase)),
  lb(
    "session_affinity_attributes.headers in another order",
    attribute("headers", (headers) => listIn(headers).toReversed()),
  ),
  lb(
    "session_affinity_attributes.headers in lower case",
    attribute("headers", (headers) => listIn(headers).map(lowerCase)),
  ),
  lb("ttl 30 although proxied", filled({ ttl: 30 })),
  lb("ttl 30 left out", whereDefault("ttl", 30)),
  lb(
    "random_steering and location_strategy filled in",
    filled({
      random_steering: { default_weight: 1.0000000001, pool_weights: { a: 0.30000000000000004 } },
      location_strategy: { mode: "pop", prefer_ecs: "proximity" },
    }),
  ),
  lb(
    "adaptive_routing left out where false",
    whereDefault("adaptive_routing", { failover_across_pools: false }),
  ),
  lb(
    "adaptive_routing null where false",
    whereDefault("adaptive_routing", { failover_across_pools: false }, null),
  ),
  lb(
    "adaptive_routing {} where false",
    whereDefault("adaptive_routing", { failover_across_pools: false }, {}),
  ),
  lb("adaptive_routing with members that are not ours", (object) =>
    isObject(object["adaptive_routing"])
      ? { ...object, adaptive_routing: { ...object["adaptive_routing"], newer: true } }
      : object,
  ),
  lb(
    "random_steering and location_strategy null",
    filled({ random_steering: null, location_strategy: null }),
  ),
  lb("pool_sets null", filled({ pool_sets: null })),
  lb("pool_sets []", filled({ pool_sets: [] })),
  lb("maps null", filled({ region_pools: null, country_pools: null, pop_pools: null })),
  lb("maps {}", filled({ region_pools: {}, country_pools: {}, pop_pools: {} })),
  lb("rules null", filled({ rules: null })),
  lb("rules []", filled({ rules: [] })),
  lb(
    "name in capitals",
    whereText("name", (name) => name.toUpperCase()),
  ),
  lb(
    "name with a trailing dot",
    whereText("name", (name) => `${name}.`),
  ),
  lb("name in Unicode", whereText("name", domainToUnicode)),
  lb("enabled true left out", whereDefault("enabled", true)),
  lb("proxied false left out", whereDefault("proxied", false)),
  lb("proxied null for false", whereDefault("proxied", false, null)),
];

const MOST_AT_ONCE = 12;

/** An object as it may be read back: some of the rewritings, in any order. */
export function aReadBack(kind: Kind): fc.Arbitrary<Rewrite> {
  const rewrites = READ_BACKS.filter((one) => one.kind === kind).map(({ rewrite }) => rewrite);
  return fc
    .shuffledSubarray(rewrites, { maxLength: MOST_AT_ONCE })
    .map((chosen) => (object: Body) => chosen.reduce((body, rewrite) => rewrite(body), object));
}
