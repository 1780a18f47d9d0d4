// How a question is put to a target: by which way, with which headers, and what may be told of the answer.
import type { ProbeResult } from "../failover/results.ts";
import type { Answer } from "./http1.ts";
import type { ProbeTarget } from "./targets.ts";
import { askByEgress, askByFetch, askBySocket, type Connect, type Fetch, type Hop } from "./ways.ts";

export interface AskingPorts {
  readonly fetch: Fetch;
  readonly connect: Connect;
  /** A service that probes leave through, in the place of the two others. */
  readonly egress?: { readonly fetch: Fetch } | null | undefined;
  /** Lets a WAF rule recognise our probes. Sent only over TLS and only to what stands behind Cloudflare. */
  readonly secretHeader?: { readonly name: string; readonly value: string } | null | undefined;
}

/** One request, of whose body no more is read than so many bytes. Throws NoAnswer. */
export type Ask = (url: URL, signal: AbortSignal, bodyLimit?: number) => Promise<Answer>;

export const USER_AGENT = "Understudy/1 (+probe)";
const LONGEST_QUOTE = 300;

export function wayTo(target: ProbeTarget, ports: AskingPorts): ProbeResult["way"] {
  if (ports.egress !== undefined && ports.egress !== null) return "egress";
  return target.viaCloudflare ? "fetch" : "socket";
}

function headersOf(target: ProbeTarget, scheme: Hop["scheme"], secret: AskingPorts["secretHeader"]): Headers {
  const headers = new Headers({ accept: "*/*", "accept-encoding": "identity", "user-agent": USER_AGENT });
  for (const [name, value] of target.headers) headers.append(name, value);
  if (secret !== undefined && secret !== null && scheme === "https" && target.viaCloudflare) {
    headers.set(secret.name, secret.value);
  }
  return headers;
}

function hopAt(target: ProbeTarget, url: URL, secret: AskingPorts["secretHeader"]): Hop {
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

/** The URL's name is the one to ask for; the connection goes to the target's address. */
export function askerOf(target: ProbeTarget, ports: AskingPorts): Ask {
  // Called without `this`: workerd's own fetch refuses any other.
  const { fetch, connect, egress, secretHeader: secret } = ports;
  return async (url, signal, bodyLimit) => {
    const hop = hopAt(target, url, secret);
    if (egress !== undefined && egress !== null) return askByEgress(egress, hop, signal, bodyLimit);
    return target.viaCloudflare
      ? askByFetch(fetch, hop, signal, bodyLimit)
      : askBySocket(connect, hop, signal, bodyLimit);
  };
}

/** What is told or stored of an answer: in one line, not long, and without our secret. */
export function redactorOf({ secretHeader: secret }: AskingPorts): (text: string) => string {
  return (text) => {
    const shown = secret?.value ? text.replaceAll(secret.value, "[secret]") : text;
    return shown.replaceAll(/\s+/g, " ").slice(0, LONGEST_QUOTE);
  };
}
