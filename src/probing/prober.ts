// One probe: the way, the hops and the deadline. It never throws, and it gives no verdict.
import type { ProbeResult } from "../failover/results.ts";
import { messageOf, NoAnswer } from "./failures.ts";
import type { Answer } from "./http1.ts";
import { judge, obstructed, type Fault } from "./judge.ts";
import type { Traits } from "../failover/serving.ts";
import type { ProbeTarget } from "./targets.ts";
import { traitsOf } from "./traits.ts";
import { askByEgress, askByFetch, askBySocket, urlAt, type Connect, type Fetch, type Hop } from "./ways.ts";

export interface ProberPorts {
  readonly fetch: Fetch;
  readonly connect: Connect;
  /** A service that probes leave through, in the place of the two others. */
  readonly egress?: { readonly fetch: Fetch } | null | undefined;
  /** Milliseconds; only differences are used. */
  readonly clock: { now(): number };
  /** Lets a WAF rule recognise our probes. Sent only over TLS and only to what stands behind Cloudflare. */
  readonly secretHeader?: { readonly name: string; readonly value: string } | null | undefined;
}

export interface Prober {
  probeEndpoint(target: ProbeTarget): Promise<ProbeResult>;
}

const USER_AGENT = "Understudy/1 (+probe)";
const MOST_REDIRECTS = 5;
const LONGEST_DETAIL = 300;

interface Outcome {
  readonly answer: Answer | null;
  readonly fault: Fault | null;
  readonly traits: Traits;
}

function wayTo(target: ProbeTarget, ports: ProberPorts): ProbeResult["way"] {
  if (ports.egress !== undefined && ports.egress !== null) return "egress";
  return target.viaCloudflare ? "fetch" : "socket";
}

function headersOf(target: ProbeTarget, scheme: Hop["scheme"], secret: ProberPorts["secretHeader"]): Headers {
  const headers = new Headers({ accept: "*/*", "accept-encoding": "identity", "user-agent": USER_AGENT });
  for (const [name, value] of target.headers) headers.append(name, value);
  if (secret !== undefined && secret !== null && scheme === "https" && target.viaCloudflare) {
    headers.set(secret.name, secret.value);
  }
  return headers;
}

function hopAt(target: ProbeTarget, url: URL, secret: ProberPorts["secretHeader"]): Hop {
  const scheme = url.protocol === "https:" ? "https" : "http";
  const port = url.port === "" ? (scheme === "https" ? 443 : 80) : Number(url.port);
  const { method, address, host } = target;
  return {
    scheme,
    address,
    port,
    path: `${url.pathname}${url.search}`,
    host,
    method,
    headers: headersOf(target, scheme, secret),
  };
}

/** Where an answer sends us, as long as it stays at the endpoint; a fault where it leads away. */
function nextUrl(answer: Answer, from: URL): URL | Fault | null {
  const location = answer.headers.get("location");
  if (![301, 302, 303, 307, 308].includes(answer.status) || location === null) return null;
  const next = URL.parse(location, from.href);
  if (next === null) return { failure: "redirect", detail: "redirects to what is no URL" };
  const isHttp = next.protocol === "http:" || next.protocol === "https:";
  if (isHttp && next.hostname === from.hostname) return next;
  // The query may hold what only the endpoint should know.
  return { failure: "redirect", detail: `redirect leaves the endpoint: ${next.origin}${next.pathname}` };
}

interface Asked {
  readonly answer: Answer;
  readonly fault: Fault | null;
}

async function follow(
  target: ProbeTarget,
  way: ProbeResult["way"],
  ask: (url: URL) => Promise<Answer>,
): Promise<Asked> {
  let url = urlAt(target.host, target);
  for (let redirects = 0; ; redirects += 1) {
    const answer = await ask(url);
    const obstacle = obstructed(answer);
    if (obstacle !== null) return { answer, fault: obstacle };
    const next = target.followRedirects ? nextUrl(answer, url) : null;
    if (next === null) return { answer, fault: judge(target, answer, way) };
    if (!(next instanceof URL)) return { answer, fault: next };
    if (redirects === MOST_REDIRECTS) {
      return { answer, fault: { failure: "redirect", detail: `more than ${MOST_REDIRECTS} redirects` } };
    }
    url = next;
  }
}

/** A Worker can't skip the check of a certificate as a monitor can, so its failure says nothing about the endpoint. */
function faultOf(thrown: unknown, target: ProbeTarget): Fault {
  if (!(thrown instanceof NoAnswer)) return { failure: "unreachable", detail: messageOf(thrown) };
  if (thrown.failure === "tls" && target.allowInsecure) {
    return {
      failure: "blocked",
      detail: "a Worker can't connect without checking the certificate, as allow_insecure asks",
    };
  }
  return { failure: thrown.failure, detail: thrown.message };
}

export function createProber(ports: ProberPorts): Prober {
  // Called without `this`: workerd's own fetch refuses any other.
  const { fetch, connect, egress, clock, secretHeader: secret } = ports;

  function redacted(text: string): string {
    const shown = secret?.value ? text.replaceAll(secret.value, "[secret]") : text;
    return shown.replaceAll(/\s+/g, " ").slice(0, LONGEST_DETAIL);
  }

  async function probeEndpoint(target: ProbeTarget): Promise<ProbeResult> {
    const startedAt = clock.now();
    const way = wayTo(target, ports);
    const deadline = new AbortController();
    const { signal } = deadline;
    const ask = async (url: URL): Promise<Answer> => {
      const hop = hopAt(target, url, secret);
      if (egress !== undefined && egress !== null) return askByEgress(egress, hop, signal);
      return target.viaCloudflare ? askByFetch(fetch, hop, signal) : askBySocket(connect, hop, signal);
    };
    const work = async (): Promise<Outcome> => {
      try {
        const asked = await follow(target, way, ask);
        return { ...asked, traits: await traitsOf(asked.answer, target.markers) };
      } catch (thrown) {
        return { answer: null, fault: faultOf(thrown, target), traits: {} };
      }
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    // Raced, because a binding or a handshake may not heed the signal.
    const late = new Promise<Outcome>((resolve) => {
      const detail = `no answer within ${target.timeoutMs / 1000} seconds`;
      const outcome: Outcome = { answer: null, fault: { failure: "timeout", detail }, traits: {} };
      timer = setTimeout(() => resolve(outcome), target.timeoutMs);
    });
    const { answer, fault, traits } = await Promise.race([work(), late]);
    const latencyMs = Math.max(0, Math.round(clock.now() - startedAt));
    clearTimeout(timer);
    deadline.abort();
    return {
      ok: fault === null,
      status: answer?.status ?? null,
      latencyMs: answer === null ? null : latencyMs,
      failure: fault?.failure ?? null,
      detail: fault === null ? null : redacted(fault.detail),
      traits: Object.fromEntries(Object.entries(traits).map(([name, value]) => [name, redacted(value)])),
      way,
    };
  }

  return { probeEndpoint };
}
