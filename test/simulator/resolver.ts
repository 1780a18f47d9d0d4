// The public resolver of the simulated Internet: DNS over HTTPS in its JSON form.
import { bareName, isIp } from "./addresses.ts";
import { nextHop, zoneOf } from "./dns.ts";
import { failed, fromCloudflare, type Ask, type Outcome } from "./exchange.ts";
import type { DnsRecord, OriginFailure } from "./objects.ts";
import type { State } from "./state.ts";
import { chooseEndpoints } from "./steering.ts";

export interface Resolver {
  /** How it is out of order: no answer, a 503, or an answer without a result (SERVFAIL). */
  outage: OriginFailure | "unavailable" | "servfail" | null;
}

export const RESOLVER_HOST = "cloudflare-dns.com";

const TYPES: Record<string, number> = { A: 1, CNAME: 5, AAAA: 28 };
const [NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME] = [0, 2, 3];
const TTL_SECONDS = 300;

interface ResourceRecord {
  name: string;
  type: number;
  TTL: number;
  data: string;
}

interface Found {
  aliases: ResourceRecord[];
  /** The name that has the addresses in the end. */
  owner: string;
  addresses: string[];
}

/** FNV-1a: the same bytes for the same name in every run. */
function bytesOf(name: string): number[] {
  let hash = 0x811c9dc5;
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return [24, 16, 8, 0].map((shift) => (hash >>> shift) & 0xff);
}

/** Inside of the ranges of `/ips`, as every proxied name. */
function cloudflareAddresses(name: string): string[] {
  const [, , third = 0, fourth = 0] = bytesOf(name);
  const group = (third * 256 + fourth).toString(16);
  return [
    `104.21.${third}.${fourth}`,
    `172.67.${third}.${fourth}`,
    `2606:4700:3030::6815:${group}`,
    `2606:4700:3034::ac43:${group}`,
  ];
}

/** Public, and no special range: all of 80.0.0.0/8 is ordinary. */
function ownAddress(name: string): string {
  const [, second = 0, third = 0, fourth = 0] = bytesOf(name);
  return `80.${second}.${third}.${fourth}`;
}

function addressesBeside(state: State, record: DnsRecord): string[] {
  return [...state.dnsRecords.values()]
    .filter(
      ({ zone_id, name, type }) =>
        zone_id === record.zone_id && name === record.name && ["A", "AAAA"].includes(type),
    )
    .map(({ content }) => content);
}

/** null = there is no such name. */
function lookUp(state: State, asked: string, ask: Ask): Found | null {
  const aliases: ResourceRecord[] = [];
  let owner = asked;
  let name = asked;
  for (let depth = 0; depth < 9 && !isIp(name); depth += 1) {
    const hop = nextHop(state, name);
    switch (hop.kind) {
      case "edge":
      case "pages":
        return { aliases, owner, addresses: cloudflareAddresses(owner) };
      case "origin": {
        const origin = state.origins.get(hop.address);
        if (origin === undefined || origin.failure === "dns") return null;
        return { aliases, owner, addresses: origin.resolvesTo ?? [ownAddress(hop.address)] };
      }
      case "unproxied-lb": {
        // It hands out the addresses of its endpoint under its own name (API-FACTS 11.2).
        const [endpoint] = chooseEndpoints(state, hop.lb, { ...ask, host: name, path: "/" });
        if (endpoint === undefined) return { aliases, owner, addresses: [] };
        name = bareName(endpoint.origin.address);
        break;
      }
      case "alias": {
        const { record } = hop;
        if (record.type !== "CNAME") return { aliases, owner, addresses: addressesBeside(state, record) };
        const target = bareName(record.content);
        // The apex can't have a CNAME on the wire: it is flattened (API-FACTS 11.1).
        if (zoneOf(state, name)?.name !== name) {
          const TTL = record.ttl === 1 ? TTL_SECONDS : record.ttl;
          aliases.push({ name: owner, type: 5, TTL, data: `${target}.` });
          owner = target;
        }
        name = target;
        break;
      }
      case "unknown":
        return null;
      default:
        return hop satisfies never;
    }
  }
  return isIp(name) && name !== asked ? { aliases, owner, addresses: [name] } : null;
}

function json(status: number, body: object): Outcome {
  const answer = fromCloudflare(status, JSON.stringify(body));
  answer.headers["content-type"] = "application/dns-json";
  return answer;
}

/** `GET /dns-query?name=…&type=A|AAAA|CNAME`, with `accept: application/dns-json`. */
export function askResolver(state: State, ask: Ask): Outcome {
  const { outage } = state.resolver;
  if (outage === "unavailable") return fromCloudflare(503, "<title>503</title>");
  if (outage !== null && outage !== "servfail") return failed(outage);
  const { pathname, searchParams } = new URL(ask.path, `https://${RESOLVER_HOST}`);
  const name = bareName(searchParams.get("name") ?? "");
  if (pathname !== "/dns-query") return fromCloudflare(404, "");
  // Without this it speaks DNS in binary, and this is no such message.
  const speaksJson = (ask.headers["accept"] ?? "").includes("application/dns-json");
  if (!speaksJson || name === "") return fromCloudflare(400, "");
  const wanted = (searchParams.get("type") ?? "A").toUpperCase();
  const type = TYPES[wanted] ?? Number(wanted);
  const found = outage === "servfail" ? null : lookUp(state, name, ask);
  const answers = found === null ? [] : recordsOf(found, type);
  return json(200, {
    Status: outage === "servfail" ? SERVER_FAILURE : found === null ? NO_SUCH_NAME : NO_ERROR,
    TC: false,
    RD: true,
    RA: true,
    AD: false,
    CD: false,
    Question: [{ name, type }],
    ...(answers.length === 0 ? {} : { Answer: answers }),
  });
}

function recordsOf({ aliases, owner, addresses }: Found, type: number): ResourceRecord[] {
  const fitting = addresses.filter((address) => type === (address.includes(":") ? 28 : 1));
  return [...aliases, ...fitting.map((data) => ({ name: owner, type, TTL: TTL_SECONDS, data }))];
}
