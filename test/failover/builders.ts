// Failovers, specs and Cloudflare's objects for tests, and the table of every field that is ours.
import { completeSpec, type DriftClass, type Spec } from "../../src/failover/complete.ts";
import { desiredObjects, type Body } from "../../src/failover/desired.ts";
import type { Facts, Failover } from "../../src/failover/failover.ts";
import type { Role } from "../../src/failover/marker.ts";
import { mergePatch } from "../../src/failover/merge-patch.ts";
import type { Observed, Sighting } from "../../src/failover/plan.ts";
import { specInputSchema, type SpecInput } from "../../src/failover/spec.ts";

export type Patch = Readonly<Record<string, unknown>>;

export const INSTALLATION = "k3v9x2ma";

export const IDS: Readonly<Record<Role, string>> = {
  monitor: "f1aba936b94213e5b8dca0c0dbf1f9cc",
  primary: "17b5962d775c646f3f9725cbc7a53df4",
  secondary: "9290f38c5d07c2e2f4df57b1f61d4196",
  load_balancer: "699d98642c564d2e855e9661899b7252",
};

export const FACTS: Facts = {
  zone: { id: "023e105f4ecef8ad9ca31a8372d0c353", name: "example.com" },
  subdomains: { shop: "shop-7xk.pages.dev" },
};

/** The smallest request of DESIGN section 4. */
export const SMALLEST = {
  name: "shop",
  hostname: "www.example.com",
  primary: { address: "origin.example.net" },
  secondary: { pages_project: "shop" },
};

export function aSpecInput(patch: Patch = {}): SpecInput {
  return specInputSchema.parse(mergePatch(SMALLEST, patch));
}

export function aSpec(patch: Patch = {}, facts: Facts = FACTS): Spec {
  return completeSpec(aSpecInput(patch), facts);
}

/** In place and in draft unless said otherwise. */
export function aFailover(given: Partial<Failover> & { readonly spec?: Patch } = {}): Failover {
  const { spec = {}, ...members } = given;
  const input = members.input ?? aSpecInput(spec);
  return {
    id: "fo_2f8Kq1",
    accountId: "a0000000000000000000000000000001",
    name: input.name,
    revision: 3,
    stage: "draft",
    active: "primary",
    settledActive: members.active ?? "primary",
    settledBy: "person",
    settledAt: 1_700_000_000_000,
    disabled: null,
    facts: FACTS,
    adopted: [],
    imported: null,
    deleting: null,
    ids: IDS,
    createdAt: 1_700_000_000_000,
    updatedAt: 1_700_000_000_000,
    ...members,
    input,
  };
}

/** The four objects as they stand at Cloudflare once all is in place. */
export function objectsInPlace(failover: Failover): Record<Role, Body> {
  const desired = desiredObjects(failover, INSTALLATION);
  const object = (role: Role): Body => ({ id: failover.ids[role] ?? IDS[role], ...desired[role] });
  return {
    monitor: object("monitor"),
    primary: object("primary"),
    secondary: object("secondary"),
    load_balancer: object("load_balancer"),
  };
}

export function found(object: Body): Sighting {
  return { state: "found", object };
}

/** Everything found as wanted, but for what is given. */
export function anObserved(failover: Failover, given: Partial<Observed> = {}): Observed {
  const objects = objectsInPlace(failover);
  return {
    monitor: found(objects.monitor),
    primary: found(objects.primary),
    secondary: found(objects.secondary),
    load_balancer: found(objects.load_balancer),
    sharedWith: [],
    ...given,
  };
}

/** One change that somebody could make to one field of ours. */
export interface OwnedFieldEdit {
  readonly role: Role;
  /** As a difference names it; begins with Cloudflare's member name. */
  readonly path: string;
  /** The object as Cloudflare would hold it after the edit; the argument stays as it is. */
  readonly edit: (object: Body) => Body;
  readonly class: DriftClass;
  /** The members that a PATCH which heals it holds, no more and no fewer. */
  readonly expectedMembers: readonly string[];
  /** What the spec has to give before the field is ours; absent where it always is. */
  readonly spec?: Patch;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const objectIn = (value: unknown): Record<string, unknown> => (isObject(value) ? value : {});
const listIn = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

const textIn = (value: unknown, byDefault: string): string => (typeof value === "string" ? value : byDefault);

const set = (member: string, value: unknown) => (object: Body) => ({ ...object, [member]: value });
const toggle = (member: string, byDefault: boolean) => (object: Body) => ({
  ...object,
  [member]: !(object[member] ?? byDefault),
});
/** Another number than any that is there: always one more. */
const raise = (member: string, byDefault: number, by: number) => (object: Body) => ({
  ...object,
  [member]: Number(object[member] ?? byDefault) + by,
});
const prefix = (member: string, text: string) => (object: Body) => ({
  ...object,
  [member]: `${text}${textIn(object[member], "")}`,
});

const standardPort = (type: unknown): number => (textIn(type, "http").toLowerCase() === "https" ? 443 : 80);

/** The port stays what it was in effect, so that the type alone is changed. */
function changeType(object: Body): Body {
  const port = Number(object["port"] ?? 0);
  const type = standardPort(object["type"]) === 80 ? "https" : "http";
  return { ...object, type, port: port === 0 ? standardPort(object["type"]) : port };
}

function changePort(object: Body): Body {
  const port = Number(object["port"] ?? 0);
  return { ...object, port: (port === 0 ? standardPort(object["type"]) : port) + 1 };
}

const ofMonitor = (
  path: string,
  edit: OwnedFieldEdit["edit"],
  more: Partial<OwnedFieldEdit> = {},
): OwnedFieldEdit => ({
  role: "monitor",
  path,
  edit,
  class: "safety",
  expectedMembers: path === "expected_codes" ? [path] : [path, "expected_codes"],
  ...more,
});

const MONITOR_EDITS: readonly OwnedFieldEdit[] = [
  ofMonitor("description", prefix("description", "edited "), { class: "cosmetic" }),
  ofMonitor("type", changeType),
  ofMonitor("method", (object) => ({
    ...object,
    method: textIn(object["method"], "").toUpperCase() === "HEAD" ? "GET" : "HEAD",
  })),
  ofMonitor("path", (object) => ({ ...object, path: `${textIn(object["path"], "/")}edited` })),
  ofMonitor("port", changePort),
  ofMonitor("expected_codes", set("expected_codes", "418")),
  ofMonitor("expected_body", prefix("expected_body", "edited ")),
  ofMonitor("follow_redirects", toggle("follow_redirects", false)),
  ofMonitor("allow_insecure", toggle("allow_insecure", false)),
  ofMonitor("interval", raise("interval", 60, 30)),
  ofMonitor("timeout", raise("timeout", 5, 1)),
  ofMonitor("retries", raise("retries", 2, 1)),
  ofMonitor("consecutive_up", raise("consecutive_up", 0, 2), { spec: { monitor: { consecutive_up: 1 } } }),
  ofMonitor("consecutive_down", raise("consecutive_down", 0, 2), {
    spec: { monitor: { consecutive_down: 2 } },
  }),
  ofMonitor("header", set("header", { "X-Check": ["edited"] }), {
    spec: { monitor: { header: { "X-Check": ["understudy"] } } },
  }),
];

const editOrigin = (edit: (origin: Record<string, unknown>) => Body) => (object: Body) => ({
  ...object,
  origins: listIn(object["origins"]).map((origin) => edit(objectIn(origin))),
});

function poolEdits(role: "primary" | "secondary"): readonly OwnedFieldEdit[] {
  const ofPool = (
    path: string,
    edit: OwnedFieldEdit["edit"],
    driftClass: DriftClass = "safety",
  ): OwnedFieldEdit => ({
    role,
    path,
    edit,
    class: driftClass,
    expectedMembers: [path.split(".")[0] ?? path],
  });
  const ofOrigin = (member: string, edit: Parameters<typeof editOrigin>[0], driftClass?: DriftClass) =>
    ofPool(`origins.${role}.${member}`, editOrigin(edit), driftClass);
  return [
    ofPool("name", (object) => ({ ...object, name: `${textIn(object["name"], "")}-edited` }), "cosmetic"),
    ofPool("description", prefix("description", "edited "), "cosmetic"),
    ofPool("enabled", toggle("enabled", true), "role"),
    ofPool("minimum_origins", set("minimum_origins", 0)),
    ofPool("monitor", set("monitor", "")),
    ofPool("check_regions", (object) => {
      const [first] = listIn(object["check_regions"]);
      return { ...object, check_regions: [textIn(first, "").toUpperCase() === "OC" ? "ME" : "OC"] };
    }),
    ofPool("origins.extra", (object) => ({
      ...object,
      origins: [...listIn(object["origins"]), { name: "extra", address: "extra.example.net", enabled: true }],
    })),
    ofOrigin("address", (origin) => ({ ...origin, address: "edited.example.net" })),
    ofOrigin("enabled", (origin) => ({ ...origin, enabled: !(origin["enabled"] ?? true) }), "role"),
    ofOrigin("weight", (origin) => ({ ...origin, weight: 0.5 })),
    ofOrigin("port", (origin) => ({ ...origin, port: Number(origin["port"] ?? 0) + 1 })),
    ofOrigin("header.Host", (origin) => {
      const { header, ...others } = origin;
      const isGiven = Object.values(objectIn(header)).some((values) => listIn(values).length > 0);
      return isGiven ? others : { ...others, header: { Host: ["www.example.com"] } };
    }),
  ];
}

const ofLoadBalancer = (
  path: string,
  edit: OwnedFieldEdit["edit"],
  driftClass: DriftClass = "safety",
  spec?: Patch,
): OwnedFieldEdit => ({
  role: "load_balancer",
  path,
  edit,
  class: driftClass,
  expectedMembers: [path.split(".")[0] ?? path],
  ...(spec === undefined ? {} : { spec }),
});

/** The ttl stays what it was in effect, so that the affinity alone is changed. */
function changeAffinity(object: Body): Body {
  const affinity = textIn(object["session_affinity"], "none").toLowerCase();
  const ttl = Number(object["session_affinity_ttl"] ?? 0);
  return {
    ...object,
    session_affinity: affinity === "none" || affinity === "" ? "cookie" : "none",
    session_affinity_ttl: ttl === 0 ? (affinity === "header" ? 1800 : 82800) : ttl,
  };
}

const NO_AFFINITY = {
  ttl: null,
  session_affinity: null,
  session_affinity_ttl: null,
  session_affinity_attributes: null,
};

function editAttribute(member: string, edited: unknown, given: unknown, affinity = "cookie"): OwnedFieldEdit {
  const attributes = affinity === "header" && member !== "headers" ? { headers: ["X-Visitor"] } : {};
  return ofLoadBalancer(
    `session_affinity_attributes.${member}`,
    (object) => ({
      ...object,
      session_affinity_attributes: { ...objectIn(object["session_affinity_attributes"]), [member]: edited },
    }),
    "safety",
    {
      load_balancer: {
        ...NO_AFFINITY,
        proxied: true,
        session_affinity: affinity,
        session_affinity_attributes: {
          samesite: null,
          secure: null,
          drain_duration: null,
          zero_downtime_failover: null,
          headers: null,
          require_all_headers: null,
          ...attributes,
          [member]: given,
        },
      },
    },
  );
}

const LOAD_BALANCER_EDITS: readonly OwnedFieldEdit[] = [
  ofLoadBalancer("name", prefix("name", "edited."), "role"),
  ofLoadBalancer("description", prefix("description", "edited "), "cosmetic"),
  ofLoadBalancer("enabled", toggle("enabled", true), "role"),
  ofLoadBalancer("proxied", toggle("proxied", false)),
  ofLoadBalancer(
    "default_pools",
    (object) => ({ ...object, default_pools: listIn(object["default_pools"]).toReversed() }),
    "role",
  ),
  ofLoadBalancer(
    "fallback_pool",
    (object) => ({
      ...object,
      fallback_pool: listIn(object["default_pools"]).find((id) => id !== object["fallback_pool"]),
    }),
    "role",
  ),
  ofLoadBalancer("steering_policy", set("steering_policy", "random")),
  ofLoadBalancer("session_affinity", changeAffinity),
  ofLoadBalancer("adaptive_routing.failover_across_pools", (object) => {
    const adaptive = objectIn(object["adaptive_routing"]);
    return {
      ...object,
      adaptive_routing: { ...adaptive, failover_across_pools: adaptive["failover_across_pools"] !== true },
    };
  }),
  ofLoadBalancer("ttl", raise("ttl", 30, 30), "safety", {
    load_balancer: { ...NO_AFFINITY, proxied: false, ttl: 60 },
  }),
  ofLoadBalancer("session_affinity_ttl", set("session_affinity_ttl", 7200), "safety", {
    load_balancer: {
      ...NO_AFFINITY,
      proxied: true,
      session_affinity: "cookie",
      session_affinity_ttl: 3600,
    },
  }),
  editAttribute("samesite", "Strict", "Lax"),
  editAttribute("secure", "Never", "Always"),
  editAttribute("drain_duration", 60, 30),
  editAttribute("zero_downtime_failover", "none", "sticky"),
  editAttribute("headers", ["X-Other"], ["X-Visitor"], "header"),
  editAttribute("require_all_headers", false, true, "header"),
];

/** Every field that is ours, once for each object that has it. */
export const OWNED_FIELD_EDITS: readonly OwnedFieldEdit[] = [
  ...MONITOR_EDITS,
  ...poolEdits("primary"),
  ...poolEdits("secondary"),
  ...LOAD_BALANCER_EDITS,
];
