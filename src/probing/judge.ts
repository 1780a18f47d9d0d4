// What counts as an answer: the monitor's expectations, and what stands between us and the endpoint.
import type { ProbeFailure, ProbeResult } from "../failover/results.ts";
import { messageOf, NoAnswer } from "./failures.ts";
import type { Answer } from "./http1.ts";
import type { ProbeTarget } from "./targets.ts";
import { edgeErrorOf, textOf } from "./traits.ts";

/** Cloudflare looks for expected_body in this much of the body (API-FACTS section 4). */
const SEARCHED_BYTES = 10 * 1024;

export interface Fault {
  readonly failure: ProbeFailure;
  readonly detail: string;
}

/** A code or a class such as 200 or 2xx, or a list of them with commas. */
export function isExpectedCode(status: number, expected: string): boolean {
  return expected.split(",").some((part) => {
    const code = part.trim().toLowerCase();
    return code === String(status) || (/^\dxx$/.test(code) && code[0] === String(status)[0]);
  });
}

function isLogin(location: string | null): boolean {
  if (location === null) return false;
  return (
    /^https:\/\/[a-z0-9.-]+\.cloudflareaccess\.com(:\d+)?(\/|$)/i.test(location) ||
    location.includes("/cdn-cgi/access/login")
  );
}

/** Something else answered in the endpoint's place. */
export function obstructed({ headers }: Answer): Fault | null {
  if (headers.get("cf-mitigated")?.toLowerCase() === "challenge") {
    return { failure: "challenged", detail: "Cloudflare challenges the probe; a WAF rule can let it pass" };
  }
  if (isLogin(headers.get("location"))) {
    return { failure: "challenged", detail: "Cloudflare Access asks for a login" };
  }
  return null;
}

function cached({ headers }: Answer): Fault | null {
  const state = headers.get("cf-cache-status")?.toUpperCase() ?? "";
  if (["HIT", "STALE", "UPDATING"].includes(state)) {
    return { failure: "cached", detail: `the answer is from Cloudflare's cache (${state})` };
  }
  const age = Number(headers.get("age") ?? 0);
  return age > 0 ? { failure: "cached", detail: `the answer is from a cache, ${age} seconds old` } : null;
}

/** In production a Worker's fetch that finds no endpoint gets an answer of the edge (seen in Cloudflare's 5xx pages). */
const EDGE_FAILURES: ReadonlyMap<number, Fault> = new Map([
  [520, { failure: "protocol", detail: "the endpoint's answer is not HTTP (520)" }],
  [521, { failure: "refused", detail: "the endpoint refuses connections (521)" }],
  [522, { failure: "timeout", detail: "the endpoint takes too long to connect (522)" }],
  [523, { failure: "unreachable", detail: "there is no route to the endpoint (523)" }],
  [524, { failure: "timeout", detail: "the endpoint takes too long to answer (524)" }],
  [525, { failure: "tls", detail: "the TLS handshake with the endpoint fails (525)" }],
  [526, { failure: "tls", detail: "the endpoint's certificate is not trusted (526)" }],
]);

function edgeFault(answer: Answer, way: ProbeResult["way"]): Fault | null {
  const code = edgeErrorOf(answer);
  if (code === "1003")
    return { failure: "blocked", detail: "Cloudflare refuses a fetch to a bare IP address (error 1003)" };
  if (answer.status === 530 && code === "1016")
    return { failure: "dns", detail: "the endpoint's name does not resolve (error 1016)" };
  return way === "fetch" ? (EDGE_FAILURES.get(answer.status) ?? null) : null;
}

/** Why this answer is not a good one; null where it is. */
export function judge(target: ProbeTarget, answer: Answer, way: ProbeResult["way"]): Fault | null {
  const fault = obstructed(answer) ?? (target.kind === "hostname" ? cached(answer) : null);
  if (fault !== null) return fault;
  const { status, body } = answer;
  if (!isExpectedCode(status, target.expectedCodes)) {
    const edge = target.kind === "endpoint" ? edgeFault(answer, way) : null;
    return edge ?? { failure: "status", detail: `answered ${status}, expected ${target.expectedCodes}` };
  }
  if (target.expectedBody === "") return null;
  const searched = textOf(body.subarray(0, SEARCHED_BYTES)).toLowerCase();
  if (searched.includes(target.expectedBody.toLowerCase())) return null;
  return { failure: "body", detail: "the expected text is not in the first 10 KB of the body" };
}

/** A Worker can't skip the check of a certificate as a monitor can, so its failure says nothing about the endpoint. */
export function faultOf(thrown: unknown, target: ProbeTarget): Fault {
  if (!(thrown instanceof NoAnswer)) return { failure: "unreachable", detail: messageOf(thrown) };
  if (thrown.failure === "tls" && target.allowInsecure) {
    return {
      failure: "blocked",
      detail: "a Worker can't connect without checking the certificate, as allow_insecure asks",
    };
  }
  return { failure: thrown.failure, detail: thrown.message };
}

export function tooLate(milliseconds: number): Fault {
  return { failure: "timeout", detail: `no answer within ${milliseconds / 1000} seconds` };
}
