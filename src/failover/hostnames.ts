// Which names can be a hostname on the public internet, in which form they are kept, and which zone they belong to.
import { isAddressLiteral } from "./addresses.ts";

/** Suffixes that never resolve publicly: RFC 2606, 6761, 6762 (appendix G), 7686, 8375, 9476, and ICANN's reserved names. */
const PRIVATE_SUFFIXES: readonly string[] = [
  "alt",
  "corp",
  "home",
  "home.arpa",
  "internal",
  "intranet",
  "invalid",
  "lan",
  "local",
  "localdomain",
  "localhost",
  "mail",
  "onion",
  "private",
  "test",
];

/** What the URL parser reads as an IPv4 address in octal, hexadecimal or with fewer parts: a last label that is a number. */
const ENDS_IN_NUMBER = /(^|\.)(\d+|0x[0-9a-f]*)$/;

function withoutTrailingDot(name: string): string {
  return /[^.]\.$/.test(name) ? name.slice(0, -1) : name;
}

/** Lower-case, without a trailing dot, Unicode as punycode. What can't be read as a name comes back for `hostnameProblem` to name. */
export function normalizeHostname(text: string): string {
  const name = text.trim().toLowerCase();
  // ASCII needs no URL parser, which would hide what is wrong: it drops tabs, ports and user names, and reads 127.1 as an address.
  const hasOddAscii = /[^a-z0-9._*\u{80}-\u{10ffff}-]/u.test(name);
  const isAscii = !/[\u{80}-\u{10ffff}]/u.test(name);
  if (hasOddAscii || isAscii) return withoutTrailingDot(name);
  try {
    return withoutTrailingDot(new URL(`http://${name}`).hostname);
  } catch {
    return withoutTrailingDot(name);
  }
}

function labelProblem(label: string): string | null {
  if (label === "") return "has an empty label; give the name with single dots, such as www.example.com";
  if (label.length > 63) return `has a label of ${label.length} characters; at most 63 are allowed`;
  if (label.includes("_"))
    return `has an underscore in "${label}"; a hostname has only letters, digits and hyphens`;
  if (!/^[a-z0-9-]+$/i.test(label)) {
    return `has characters in "${label}" that a hostname can't have; use letters, digits and hyphens`;
  }
  if (label.startsWith("-") || label.endsWith("-")) {
    return `has a label that begins or ends with a hyphen, "${label}"; hyphens stand only inside`;
  }
  return null;
}

/** Why this normalized name can't be a public hostname, as a sentence without its subject; null where it can. */
export function hostnameProblem(name: string): string | null {
  if (name === "") return "is empty; give a full hostname such as www.example.com";
  if (isAddressLiteral(name)) return "is an IP address; give a hostname such as www.example.com";
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(name))
    return "has a scheme; give the name alone, such as www.example.com";
  if (name.includes("@")) return "has a user name; give the name alone, such as www.example.com";
  if (/[/?#\\]/.test(name)) return "has a path; give the name alone, such as www.example.com";
  if (/:\d*$/.test(name))
    return "has a port; give the name alone, and the port as a member of its own where there is one";
  if (name.includes("*")) return "is a wildcard; give one full hostname such as www.example.com";
  if (name.length > 253) return `has ${name.length} characters; at most 253 are allowed`;
  if (ENDS_IN_NUMBER.test(name)) {
    return "reads as an IP address in an unusual notation; give a hostname, or an address as four decimal numbers";
  }
  const labels = name.split(".");
  for (const label of labels) {
    const problem = labelProblem(label);
    if (problem !== null) return problem;
  }
  const suffix = PRIVATE_SUFFIXES.find((candidate) => name === candidate || name.endsWith(`.${candidate}`));
  if (suffix !== undefined) {
    return `can't resolve publicly, because .${suffix} is reserved for private use; give a public hostname`;
  }
  if (labels.length < 2)
    return "is a single label, which can't resolve publicly; give a full hostname such as www.example.com";
  return null;
}

/** True where the name is the zone's own or lies under it; capitals and a trailing dot don't matter. */
export function isInZone(name: string, zoneName: string): boolean {
  const [inner, zone] = [normalizeHostname(name), normalizeHostname(zoneName)];
  return zone !== "" && (inner === zone || inner.endsWith(`.${zone}`));
}

/** The names whose records answer for a hostname of the zone: its own before every wildcard, the closer wildcard first. */
export function namesAnswering(hostname: string, zoneName: string): readonly string[] {
  const above = hostname.split(".").map((_, from, labels) => labels.slice(from + 1).join("."));
  return [hostname, ...above.filter((parent) => isInZone(parent, zoneName)).map((parent) => `*.${parent}`)];
}

/** The longest zone that holds the name: a subdomain may be a zone of its own. */
export function findZone<Z extends { readonly name: string }>(name: string, zones: readonly Z[]): Z | null {
  let found: Z | null = null;
  for (const zone of zones) {
    if (isInZone(name, zone.name) && (found === null || zone.name.length > found.name.length)) found = zone;
  }
  return found;
}
