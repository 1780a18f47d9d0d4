// What tells endpoints apart in an answer; failover/serving.ts says what each trait is worth.
import type { EndpointMarker, Markers, Traits } from "../failover/serving.ts";
import type { Answer } from "./http1.ts";

const HEADER_TRAITS = ["etag", "last-modified", "content-type", "x-powered-by", "x-generator"] as const;
const LONGEST = 200;
/** Bounded, because a stranger writes the text. */
const TITLE = /<title(?:\s[^<>]{0,500})?>([^<]{0,2000})<\/title/i;

export function textOf(body: Uint8Array): string {
  return new TextDecoder().decode(body);
}

async function fingerprint(body: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", body);
  return Array.from(new Uint8Array(digest).subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
}

/** Every part that the marker gives has to match; a body is searched without regard to case, as expected_body is. */
export function carries(answer: Answer, text: string, marker: EndpointMarker | undefined): boolean {
  if (marker === undefined || (marker.header === undefined && marker.body === undefined)) return false;
  if (marker.header !== undefined) {
    const value = answer.headers.get(marker.header);
    if (value === null || (marker.value !== undefined && value.trim() !== marker.value.trim())) return false;
  }
  return marker.body === undefined || text.toLowerCase().includes(marker.body.toLowerCase());
}

function markerOf(answer: Answer, text: string, markers: Markers): string | undefined {
  const primary = carries(answer, text, markers.primary);
  const secondary = carries(answer, text, markers.secondary);
  return primary && secondary ? "both" : primary ? "primary" : secondary ? "secondary" : undefined;
}

/** The code of an error page of Cloudflare's own, such as 1016. */
export function edgeErrorOf(answer: Answer): string | undefined {
  const { status, headers } = answer;
  const isFromEdge = headers.has("cf-ray") || headers.get("server")?.toLowerCase() === "cloudflare";
  if (status < 400 || !isFromEdge) return undefined;
  return /\berror(?: code)?:?\s*(1\d{3})\b/i.exec(textOf(answer.body))?.[1];
}

export async function traitsOf(answer: Answer, markers: Markers): Promise<Traits> {
  const text = textOf(answer.body);
  const server = answer.headers.get("server");
  const found: (readonly [string, string | null | undefined])[] = [
    ["marker", markerOf(answer, text, markers)],
    ["edge_error", edgeErrorOf(answer)],
    ["body", answer.body.length === 0 ? undefined : await fingerprint(answer.body)],
    ["title", TITLE.exec(text)?.[1]?.replaceAll(/\s+/g, " ").trim()],
    ...HEADER_TRAITS.map((name) => [name, answer.headers.get(name)] as const),
    // Cloudflare puts its own name there for every proxied hostname.
    ["server", server?.toLowerCase() === "cloudflare" ? undefined : server],
  ];
  return Object.fromEntries(
    found.flatMap(([name, value]) =>
      value === undefined || value === null || value === "" ? [] : [[name, value.slice(0, LONGEST)]],
    ),
  );
}
