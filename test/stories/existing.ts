// Load balancers that somebody made before this service came, in the ways in which people make them.
import type { Body } from "../../src/failover/desired.ts";
import type { Role } from "../../src/failover/marker.ts";
import { callCloudflare } from "./somebody.ts";
import { setStage, type Stage } from "./stage.ts";

export const ACCOUNT = "/accounts/a0000000000000000000000000000001/load_balancers";
export const ZONE = "/zones/20000000000000000000000000000001/load_balancers";

/** The four objects as they were asked for; ids are filled in where one refers to another. */
export interface Existing {
  readonly monitor: Body;
  readonly primary: Body;
  readonly secondary: Body;
  readonly load_balancer: Body;
}

export type Ids = Readonly<Record<Role, string>>;

/** By the tutorial's clicks. */
export const CLICKED: Existing = {
  monitor: {
    type: "http",
    description: "HTTP - 200 - Follow Redirects",
    path: "/",
    port: 80,
    expected_codes: "200",
    follow_redirects: true,
  },
  primary: {
    name: "primary",
    description: "production website",
    check_regions: ["WNAM"],
    origins: [{ name: "my-website", address: "origin.example.net", weight: 1 }],
  },
  secondary: {
    name: "secondary",
    description: "Pages version",
    check_regions: ["WNAM"],
    origins: [
      {
        name: "my-pages-website",
        address: "shop.pages.dev",
        weight: 1,
        header: { Host: ["shop.pages.dev"] },
      },
    ],
  },
  load_balancer: {
    name: "www.example.com",
    proxied: true,
    steering_policy: "off",
    session_affinity: "none",
    adaptive_routing: { failover_across_pools: true },
  },
};

/** As a Terraform configuration would write it: everything spelled out, its own names, https. */
export const TERRAFORMED: Existing = {
  monitor: {
    type: "https",
    description: "Managed by Terraform",
    method: "HEAD",
    path: "/health",
    port: 443,
    expected_codes: "2xx",
    follow_redirects: false,
    allow_insecure: true,
    interval: 120,
    timeout: 7,
    retries: 1,
    consecutive_up: 2,
    consecutive_down: 3,
  },
  primary: {
    name: "tf_web_eu-1",
    description: "",
    enabled: true,
    minimum_origins: 1,
    check_regions: ["WEU", "ENAM"],
    origin_steering: { policy: "random" },
    load_shedding: {
      default_percent: 0,
      default_policy: "random",
      session_percent: 0,
      session_policy: "hash",
    },
    origins: [{ name: "web.eu.1", address: "origin.example.net", enabled: true, weight: 1 }],
  },
  secondary: {
    name: "tf_pages",
    description: "the Pages project",
    check_regions: ["ENAM", "WEU"],
    notification_email: "ops@example.com",
    origins: [{ name: "pages", address: "shop.pages.dev", weight: 1, header: { Host: ["shop.pages.dev"] } }],
  },
  load_balancer: {
    name: "www.example.com",
    description: "active-passive",
    proxied: true,
    ttl: 30,
    steering_policy: "",
    session_affinity: "none",
    rules: [],
    random_steering: { default_weight: 1 },
    location_strategy: { mode: "pop", prefer_ecs: "proximity" },
  },
};

/** With session affinity, custom headers and a port, traffic switched over when it was found. */
export const STICKY: Existing = {
  monitor: {
    ...CLICKED.monitor,
    description: "checks with a key",
    expected_body: "primary",
    header: { "X-Check": ["understudy"], Host: ["www.example.com"] },
  },
  primary: {
    name: "shop-primary",
    check_regions: ["WNAM"],
    origins: [
      {
        name: "web",
        address: "origin.example.net",
        port: 8080,
        header: { Host: ["intern.example.com"] },
      },
    ],
  },
  secondary: {
    name: "shop-secondary",
    check_regions: ["WNAM"],
    origins: [{ name: "standby", address: "standby.example.net" }],
  },
  load_balancer: {
    name: "www.example.com",
    proxied: true,
    steering_policy: "off",
    session_affinity: "ip_cookie",
    session_affinity_ttl: 3600,
    session_affinity_attributes: {
      samesite: "Lax",
      secure: "Always",
      drain_duration: 60,
      zero_downtime_failover: "sticky",
    },
  },
};

/** An account in which that can be made, and a website for each endpoint. */
export function setOldStage(): Stage {
  const stage = setStage({ profile: "enterprise" });
  stage.simulator.world.addOrigin({ address: "standby.example.net", title: "Standby primary" });
  return stage;
}

/** Makes it as its owner did; `order` is the order of the pools. */
export async function make(
  stage: Stage,
  { monitor, primary, secondary, load_balancer }: Existing,
  order: readonly ["primary" | "secondary", "primary" | "secondary"] = ["primary", "secondary"],
): Promise<Ids> {
  const create = async (path: string, body: Body) => (await callCloudflare(stage, "POST", path, body)).id;
  const monitorId = await create(`${ACCOUNT}/monitors`, monitor);
  const pools = {
    primary: await create(`${ACCOUNT}/pools`, { monitor: monitorId, ...primary }),
    secondary: await create(`${ACCOUNT}/pools`, { monitor: monitorId, ...secondary }),
  };
  const loadBalancer = await create(ZONE, {
    default_pools: order.map((side) => pools[side]),
    fallback_pool: pools.secondary,
    ...load_balancer,
  });
  await stage.pass(300);
  stage.forgetCalls();
  return { monitor: monitorId, ...pools, load_balancer: loadBalancer };
}

/** The object as Cloudflare has it now, without what changes by every write. */
export function objectAt(stage: Stage, role: Role, id: string): Body {
  const { world } = stage.simulator;
  const maps = { monitor: world.monitors, primary: world.pools, secondary: world.pools };
  const map: ReadonlyMap<string, object> = role === "load_balancer" ? world.loadBalancers : maps[role];
  const object = map.get(id);
  if (object === undefined) throw new Error(`there is no ${role} ${id}`);
  const { modified_on: _, ...members } = structuredClone(object) as Body;
  return members;
}
