// API-FACTS 5.2, 5.4, 13: which addresses and host names an endpoint may have.

export const CLOUDFLARE_IPV4 = [
  "173.245.48.0/20",
  "103.21.244.0/22",
  "103.22.200.0/22",
  "103.31.4.0/22",
  "141.101.64.0/18",
  "108.162.192.0/18",
  "190.93.240.0/20",
  "188.114.96.0/20",
  "197.234.240.0/22",
  "198.41.128.0/17",
  "162.158.0.0/15",
  "104.16.0.0/13",
  "104.24.0.0/14",
  "172.64.0.0/13",
  "131.0.72.0/22",
] as const;

export const CLOUDFLARE_IPV6 = [
  "2400:cb00::/32",
  "2606:4700::/32",
  "2803:f800::/32",
  "2405:b500::/32",
  "2405:8100::/32",
  "2a06:98c0::/29",
  "2c0f:f248::/32",
] as const;

const PRIVATE_IPV4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
];
const DOCUMENTATION_IPV4 = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"];

function ipv4Number(address: string): number | null {
  const parts = address.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255))
    return null;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

function inIpv4(address: string, cidrs: readonly string[]): boolean {
  const value = ipv4Number(address);
  if (value === null) return false;
  return cidrs.some((cidr) => {
    const [base = "", bits = "32"] = cidr.split("/");
    const size = 2 ** (32 - Number(bits));
    return Math.floor(value / size) === Math.floor((ipv4Number(base) ?? 0) / size);
  });
}

export function isIp(address: string): boolean {
  return ipv4Number(address) !== null || address.includes(":");
}

export function isHostname(name: string): boolean {
  return (
    name.length <= 253 &&
    !isIp(name) &&
    /^(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))+$/i.test(name) &&
    !/\.\d+$/.test(name)
  );
}

export type AddressKind = "hostname" | "public" | "private" | "documentation" | "cloudflare" | "malformed";

export function kindOfAddress(address: string): AddressKind {
  const lower = address.toLowerCase();
  if (lower.includes(":")) {
    if (!/^[0-9a-f:.]+$/.test(lower)) return "malformed";
    if (lower === "::" || lower === "::1" || /^f[cd]/.test(lower) || /^fe[89ab]/.test(lower))
      return "private";
    if (lower.startsWith("2001:db8:")) return "documentation";
    const prefix = lower.split(":").slice(0, 2).join(":");
    return CLOUDFLARE_IPV6.some((cidr) => cidr.startsWith(`${prefix}::`)) ? "cloudflare" : "public";
  }
  if (ipv4Number(lower) !== null) {
    if (inIpv4(lower, PRIVATE_IPV4)) return "private";
    if (inIpv4(lower, DOCUMENTATION_IPV4)) return "documentation";
    return inIpv4(lower, CLOUDFLARE_IPV4) ? "cloudflare" : "public";
  }
  return isHostname(lower) ? "hostname" : "malformed";
}

/** A name is in a zone if it is the apex or lies under it. */
export function isInZone(name: string, zoneName: string): boolean {
  return name === zoneName || name.endsWith(`.${zoneName}`);
}

export function bareName(name: string): string {
  return name
    .toLowerCase()
    .replace(/\.$/, "")
    .replace(/^\[(.*)\]$/, "$1");
}
