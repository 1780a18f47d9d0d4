// API-FACTS 15, and for what stands beside the load balancer the groups that each method of Cloudflare's API
// reference accepts. A Write permission includes its Read.
import type { Zone } from "./objects.ts";

export const PERMISSIONS = [
  "Load Balancers Read",
  "Load Balancers Write",
  "Load Balancing: Monitors and Pools Read",
  "Load Balancing: Monitors and Pools Write",
  "Zone Read",
  "DNS Read",
  "DNS Write",
  "SSL and Certificates Read",
  "Pages Read",
  "Pages Write",
  "Notifications Read",
  "Notifications Write",
  "Billing Read",
  "Account Settings Read",
  "Workers Routes Read",
  "Workers Scripts Read",
  "Dynamic URL Redirects Read",
  "Origin Read",
  "Cache Settings Read",
  "Page Rules Read",
] as const;

export type Permission = (typeof PERMISSIONS)[number];

export interface Token {
  id: string;
  value: string;
  kind: "user" | "account";
  status: "active" | "disabled" | "expired";
  /** Names or ids of the zones in its resource scope. */
  zones: "all" | string[];
  permissions: Set<Permission>;
  expiresOn: string | null;
}

export function allows(token: Token, permission: Permission): boolean {
  if (token.permissions.has(permission)) return true;
  const write = permission.replace(/Read$/, "Write");
  return PERMISSIONS.some((known) => known === write && token.permissions.has(known));
}

/** A user's token may see zones of several accounts, an account's token only its own. */
export function seesZone(token: Token, zone: Pick<Zone, "id" | "name" | "account">): boolean {
  if (token.kind === "account" && zone.account !== undefined) return false;
  return token.zones === "all" || token.zones.includes(zone.name) || token.zones.includes(zone.id);
}
