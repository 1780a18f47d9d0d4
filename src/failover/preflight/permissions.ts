// The permission groups that the questions to Cloudflare need, as its API names them (API-FACTS 15).
import type { NeededPermission } from "./check.ts";

export const PERMISSIONS = {
  balancing: { group: "Load Balancing: Monitors and Pools Write", scope: "account" },
  loadBalancers: { group: "Load Balancers Write", scope: "zone" },
  zone: { group: "Zone Read", scope: "zone" },
  dns: { group: "DNS Read", scope: "zone" },
  certificates: { group: "SSL and Certificates Read", scope: "zone" },
  pages: { group: "Pages Read", scope: "account" },
  workerRoutes: { group: "Workers Routes Read", scope: "zone" },
  workers: { group: "Workers Scripts Read", scope: "account" },
  redirects: { group: "Dynamic URL Redirects Read", scope: "zone" },
  origins: { group: "Origin Read", scope: "zone" },
  pageRules: { group: "Page Rules Read", scope: "zone" },
  caching: { group: "Cache Settings Read", scope: "zone" },
} as const satisfies Record<string, NeededPermission>;
