// Which IP addresses can be an endpoint: public ones outside Cloudflare's own ranges (API-FACTS 13).

interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** What Cloudflare publishes at `GET /ips`; it changes a few times a decade, so the live list comes first where it was read. */
export const CLOUDFLARE_CIDRS: readonly string[] = [
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
  "2400:cb00::/32",
  "2606:4700::/32",
  "2803:f800::/32",
  "2405:b500::/32",
  "2405:8100::/32",
  "2a06:98c0::/29",
  "2c0f:f248::/32",
];

const GIVE_PUBLIC = "give the endpoint's public address or hostname";

/** The first range that holds an address names it, so a narrower range stands before a wider one. */
const UNREACHABLE: readonly (readonly [cidr: string, what: string])[] = [
  ["0.0.0.0/32", "is the unspecified address"],
  ["0.0.0.0/8", 'lies in the reserved range of "this network"'],
  ["10.0.0.0/8", "is a private address"],
  ["100.64.0.0/10", "is a carrier-grade NAT address"],
  ["127.0.0.0/8", "is a loopback address"],
  ["169.254.0.0/16", "is a link-local address"],
  ["172.16.0.0/12", "is a private address"],
  ["192.0.0.0/24", "lies in a range reserved for protocols"],
  ["192.0.2.0/24", "is a documentation address"],
  ["192.88.99.0/24", "lies in a range reserved for protocols"],
  ["192.168.0.0/16", "is a private address"],
  ["198.18.0.0/15", "is a benchmarking address"],
  ["198.51.100.0/24", "is a documentation address"],
  ["203.0.113.0/24", "is a documentation address"],
  ["224.0.0.0/4", "is a multicast address"],
  ["255.255.255.255/32", "is the broadcast address"],
  ["240.0.0.0/4", "lies in a reserved range"],
  ["::/128", "is the unspecified address"],
  ["::1/128", "is a loopback address"],
  ["100::/64", "lies in the discard-only range"],
  ["2001:2::/48", "is a benchmarking address"],
  ["2001:db8::/32", "is a documentation address"],
  ["3fff::/20", "is a documentation address"],
  ["fc00::/7", "is a unique-local (private) address"],
  ["fe80::/10", "is a link-local address"],
  ["fec0::/10", "is a site-local (private) address"],
  ["ff00::/8", "is a multicast address"],
];

/** IPv6 ranges that carry an IPv4 address: prefix, and how far the IPv4 address stands from the right. */
const EMBEDDING: readonly (readonly [cidr: string, shift: bigint, what: string])[] = [
  ["::ffff:0:0/96", 0n, "is an IPv4 address written as IPv6"],
  ["::/96", 0n, "is an IPv4 address written as IPv6"],
  ["64:ff9b::/96", 0n, "is a NAT64 translation of an IPv4 address"],
  ["2002::/16", 80n, "is a 6to4 translation of an IPv4 address"],
];

/** Dotted decimal only: what C libraries accept beside it (octal, hexadecimal, fewer parts) is refused as a hostname. */
function parseIPv4(text: string): bigint | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  let value = 0n;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    value = value * 256n + BigInt(part);
  }
  return value;
}

function parseGroups(text: string): bigint[] | null {
  if (text === "") return [];
  const groups: bigint[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (part.includes(".")) {
      const embedded = index === parts.length - 1 ? parseIPv4(part) : null;
      if (embedded === null) return null;
      groups.push(embedded >> 16n, embedded & 0xffffn);
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(part)) return null;
      groups.push(BigInt(`0x${part}`));
    }
  }
  return groups;
}

function parseIPv6(text: string): bigint | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0] ?? "");
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? "") : [];
  // An embedded IPv4 address may only end the whole, so not a head that something follows.
  if (head === null || tail === null || (halves.length === 2 && halves[0]?.includes("."))) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...Array.from({ length: missing }, () => 0n), ...tail];
  return groups.reduce((value, group) => (value << 16n) | group, 0n);
}

function parseAddress(text: string): Address | null {
  const bracketed = /^\[(.*)\]$/.exec(text)?.[1];
  const ipv4 = bracketed === undefined ? parseIPv4(text) : null;
  if (ipv4 !== null) return { bits: 32, value: ipv4 };
  const ipv6 = parseIPv6(bracketed ?? text);
  return ipv6 === null ? null : { bits: 128, value: ipv6 };
}

function isWithin(address: Address, cidr: string): boolean {
  const [base = "", length = ""] = cidr.split("/");
  const network = parseAddress(base);
  if (network === null || network.bits !== address.bits || !/^\d{1,3}$/.test(length)) return false;
  const hostBits = BigInt(network.bits - Number(length));
  return hostBits >= 0n && network.value >> hostBits === address.value >> hostBits;
}

/** An IPv4 address in dotted decimal or an IPv6 address, with or without brackets. */
export function isAddressLiteral(text: string): boolean {
  return parseAddress(text) !== null;
}

/** True where one of the ranges holds the address; a text that is no address, or a range that is none, holds nothing. */
export function isInCidrs(address: string, cidrs: readonly string[]): boolean {
  const parsed = parseAddress(address);
  return parsed !== null && cidrs.some((cidr) => isWithin(parsed, cidr));
}

/** Why nobody on the public internet can be at this address; null where somebody can. */
function unreachableProblem(address: Address): string | null {
  const range = UNREACHABLE.find(([cidr]) => isWithin(address, cidr));
  return range === undefined ? null : `${range[1]}, which Cloudflare cannot reach; ${GIVE_PUBLIC}`;
}

function embeddedProblem(address: Address, problemOfInner: (inner: Address) => string | null): string | null {
  const embedding = EMBEDDING.find(([cidr]) => isWithin(address, cidr));
  if (embedding === undefined) return null;
  const [, shift, what] = embedding;
  const inner = problemOfInner({ bits: 32, value: (address.value >> shift) & 0xffffffffn });
  return inner === null ? `${what}; give the IPv4 address itself` : `${what}, and that one ${inner}`;
}

function outsideProblem(address: Address): string | null {
  return address.bits === 128 && !isWithin(address, "2000::/3")
    ? `lies outside the public IPv6 range 2000::/3; ${GIVE_PUBLIC}`
    : null;
}

function problemOf(address: Address): string | null {
  const unreachable = unreachableProblem(address);
  if (unreachable !== null) return unreachable;
  if (CLOUDFLARE_CIDRS.some((cidr) => isWithin(address, cidr))) {
    return "is one of Cloudflare's anycast addresses, which can change at any time; give the endpoint's hostname instead";
  }
  return embeddedProblem(address, problemOf) ?? outsideProblem(address);
}

/** False for every address that isn't somebody's on the public internet; Cloudflare's own are, as any other's. */
export function isPublicAddress(text: string): boolean {
  const address = parseAddress(text);
  if (address === null) return false;
  return (
    (unreachableProblem(address) ?? embeddedProblem(address, () => null) ?? outsideProblem(address)) === null
  );
}

/**
 * Why this IP address can't be an endpoint, as a sentence without its subject; null where it can.
 * The source of the rule on anycast addresses is the tutorial: they can change, and visitors would see Error 1000.
 */
export function addressProblem(text: string): string | null {
  const address = parseAddress(text);
  if (address === null) return "is not an IP address";
  const problem = problemOf(address);
  if (problem !== null) return problem;
  return text.startsWith("[") ? "stands in brackets, which belong to URLs; give the address alone" : null;
}
