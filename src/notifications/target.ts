// Decides which URLs may be sent to, and what of them may be shown. Only public https, whatever the name says.
import { isAddressLiteral, isPublicAddress } from "../failover/addresses.ts";
import { hostnameProblem, normalizeHostname } from "../failover/hostnames.ts";
import type { ChannelType } from "./channel.ts";

export const LONGEST_URL = 2048;

/** Why this can't be a channel's URL, as a sentence without its subject; null where it can. */
export function urlProblem(text: string): string | null {
  if (text.length > LONGEST_URL) return `has more than ${LONGEST_URL} characters`;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return "is not a URL; give one such as https://example.com/hook";
  }
  if (url.protocol !== "https:") return "must begin with https://";
  if (url.port !== "") return "must have no port: only 443, the port of https, is sent to";
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (isAddressLiteral(host))
    return isPublicAddress(host) ? null : "leads to an address that is not on the public internet";
  const problem = hostnameProblem(normalizeHostname(host));
  return problem === null ? null : `has a hostname that ${problem}`;
}

/** Why none of what a name resolves to may be sent to; null where all of it may. */
export function addressesProblem(host: string, addresses: readonly string[]): string | null {
  return addresses.every(isPublicAddress)
    ? null
    : `${host} resolves to an address that is not on the public internet`;
}

/** The host: of many services the path or the query is all that keeps others from sending. PagerDuty's is the same for all. */
export function shownUrl(type: ChannelType, text: string): string {
  const { host, pathname, search } = new URL(text);
  if (type === "pagerduty") return `https://${host}${pathname}${search === "" ? "" : "?…"}`;
  return pathname === "/" && search === "" ? `https://${host}/` : `https://${host}/…`;
}

/** How a URL is asked for: userinfo can't stand in a request's URL, and goes into a header. */
export function requestTarget(text: string): { url: string; authorization: string | null } {
  const url = new URL(text);
  const { username, password } = url;
  url.username = "";
  url.password = "";
  url.hash = "";
  if (username === "" && password === "") return { url: url.href, authorization: null };
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const bytes = new TextEncoder().encode(credentials);
  return { url: url.href, authorization: `Basic ${btoa(String.fromCodePoint(...bytes))}` };
}

/** Takes our own secrets out of whatever is quoted: the whole URL, its telling parts, keys and passwords. */
export function redactorFor(url: string, secrets: readonly string[]): (text: string) => string {
  const { pathname, search, searchParams, username, password } = new URL(url);
  const values = [url, ...secrets, pathname, search, ...searchParams.values(), username, password]
    .flatMap((value) => [value, decoded(value)])
    .filter((value) => value.length >= 6)
    .toSorted((a, b) => b.length - a.length);
  return (text) => values.reduce((shown, value) => shown.replaceAll(value, "(hidden)"), text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
