// Three ways to reach an endpoint (PLATFORM "Reaching an endpoint"): one question in, one answer out, or NoAnswer thrown.
import { z } from "zod";
import { isAddressLiteral, isInCidrs, CLOUDFLARE_CIDRS } from "../failover/addresses.ts";
import { egressFailure, failureNamed, fetchFailure, isOpaque, messageOf, NoAnswer } from "./failures.ts";
import { BODY_LIMIT, formatRequest, joined, readAnswer, type Answer, type Question } from "./http1.ts";

export interface ProbeSocket {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly opened: Promise<unknown>;
  readonly closed: Promise<unknown>;
  close(): Promise<void>;
  startTls(options: { expectedServerHostname: string }): ProbeSocket;
}

export type Connect = (
  address: { hostname: string; port: number },
  options: { secureTransport: "off" | "starttls"; allowHalfOpen: boolean },
) => ProbeSocket;

export type Fetch = (request: Request) => Promise<Response>;

/** One hop: a question, and where to connect for it. */
export interface Hop extends Question {
  readonly scheme: "http" | "https";
  readonly address: string;
  readonly port: number;
}

function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

export function urlAt(name: string, { scheme, port, path }: Pick<Hop, "scheme" | "port" | "path">): URL {
  return new URL(`${scheme}://${bracketed(name)}:${port}${path}`);
}

/** Reads no more of the body than is looked at. */
async function readBody(reader: ReadableStreamDefaultReader<Uint8Array>, limit: number): Promise<Uint8Array> {
  let body: Uint8Array = new Uint8Array();
  while (body.length < limit) {
    const { done, value } = await reader.read();
    if (done) break;
    body = joined(body, value);
  }
  // A cancelled reader may reject, or never settle, once the other end is gone; nothing depends on it.
  reader.cancel().catch(() => undefined);
  return body.subarray(0, limit);
}

async function readResponse(response: Response, bodyLimit: number): Promise<Answer> {
  const { status, headers } = response;
  return {
    status,
    headers,
    body: response.body === null ? new Uint8Array() : await readBody(response.body.getReader(), bodyLimit),
  };
}

/** Host can't be set on a fetch, so this is for an address that is the name to ask for. */
export async function askByFetch(
  fetch: Fetch,
  hop: Hop,
  signal: AbortSignal,
  bodyLimit = BODY_LIMIT,
): Promise<Answer> {
  try {
    const { method, headers } = hop;
    const request = new Request(urlAt(hop.address, hop), {
      method,
      headers,
      redirect: "manual",
      cache: "no-store",
      signal,
    });
    return await readResponse(await fetch(request), bodyLimit);
  } catch (thrown) {
    throw fetchFailure(thrown, hop.scheme);
  }
}

const thrownSchema = z.object({ message: z.string() });

/** wrangler's local runtime answers for a Worker that throws, where the platform would hand the exception on. */
function thrownLocally(response: Response, body: Uint8Array): Error | null {
  if (response.headers.get("mf-experimental-error-stack") !== "true") return null;
  const payload = response.headers.get("mf-experimental-error-stack-payload");
  try {
    const text = payload === null ? new TextDecoder().decode(body) : decodeURIComponent(payload);
    return new Error(thrownSchema.parse(JSON.parse(text)).message);
  } catch {
    return new Error("the egress service failed");
  }
}

/** The URL says where to connect, Host whom to ask for (DESIGN section 7). */
export async function askByEgress(
  egress: { fetch: Fetch },
  hop: Hop,
  signal: AbortSignal,
  bodyLimit = BODY_LIMIT,
): Promise<Answer> {
  try {
    const headers = new Headers(hop.headers);
    headers.set("host", hop.host);
    const url = urlAt(hop.address, hop);
    const response = await egress.fetch(
      new Request(url, { method: hop.method, headers, redirect: "manual", signal }),
    );
    const answer = await readResponse(response, bodyLimit);
    const thrown = thrownLocally(response, answer.body);
    if (thrown !== null) throw thrown;
    return answer;
  } catch (thrown) {
    throw egressFailure(thrown);
  }
}

/** What the platform would refuse anyway, in words that don't say why. */
function refuseWhatIsBlocked({ address, port }: Hop): void {
  if (isInCidrs(address, CLOUDFLARE_CIDRS)) {
    throw new NoAnswer("blocked", "a Worker can't open a socket to one of Cloudflare's own addresses");
  }
  if (port === 25) throw new NoAnswer("blocked", "a Worker can't open a socket to port 25");
}

/** workerd has one sentence for a refused connection, a failed lookup and an address of Cloudflare's. */
function connectFailure(thrown: unknown, address: string): NoAnswer {
  const message = messageOf(thrown);
  const named = failureNamed(message);
  if (named !== null) return new NoAnswer(named, message);
  if (!/cannot connect|proxy request failed/i.test(message)) return new NoAnswer("unreachable", message);
  if (isAddressLiteral(address)) return new NoAnswer("refused", "the connection was refused");
  return new NoAnswer(
    "refused",
    "the connection was refused, or the name does not resolve to an address outside Cloudflare",
  );
}

/** Rejections are awaited where they matter; workerd reports those that nobody awaits. */
function watched(socket: ProbeSocket): ProbeSocket {
  socket.opened.catch(() => undefined);
  socket.closed.catch(() => undefined);
  return socket;
}

/** Raw HTTP/1.1: for an address outside Cloudflare whose Host differs, or that is an IP address. */
export async function askBySocket(
  connect: Connect,
  hop: Hop,
  signal: AbortSignal,
  bodyLimit = BODY_LIMIT,
): Promise<Answer> {
  refuseWhatIsBlocked(hop);
  const secureTransport = hop.scheme === "https" ? "starttls" : "off";
  let socket: ProbeSocket;
  try {
    const hostname = bracketed(hop.address);
    socket = watched(connect({ hostname, port: hop.port }, { secureTransport, allowHalfOpen: false }));
    await socket.opened;
  } catch (thrown) {
    throw connectFailure(thrown, hop.address);
  }
  const close = () => {
    socket.close().catch(() => undefined);
  };
  signal.addEventListener("abort", close, { once: true });
  let sawBytes = false;
  try {
    if (hop.scheme === "https") socket = watched(socket.startTls({ expectedServerHostname: hop.host }));
    const writer = socket.writable.getWriter();
    await writer.write(formatRequest(hop));
    const reader = socket.readable.getReader();
    return await readAnswer(
      async () => {
        const { done, value } = await reader.read();
        if (done) return null;
        sawBytes = true;
        return value;
      },
      hop.method,
      bodyLimit,
    );
  } catch (thrown) {
    if (thrown instanceof NoAnswer) throw thrown;
    const message = messageOf(thrown);
    // A failed handshake shows only when the first bytes are written or read, and without its reason.
    if (hop.scheme === "https" && !sawBytes && isOpaque(message)) {
      throw new NoAnswer("tls", `TLS failed: no trusted certificate for ${hop.host}, or no TLS at all`);
    }
    throw new NoAnswer(
      failureNamed(message) ?? "reset",
      isOpaque(message) ? "the connection broke" : message,
    );
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}
