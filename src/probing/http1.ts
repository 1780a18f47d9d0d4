// HTTP/1.1 over any stream of bytes: one request, one answer, and limits on all that a stranger may send.
import { NoAnswer } from "./failures.ts";

/** How much of a body is read unless more is asked for, in bytes. */
export const BODY_LIMIT = 64 * 1024;
const HEAD_LIMIT = 32 * 1024;
const CHUNK_LINE_LIMIT = 1024;
/** 100 Continue, 103 Early Hints: an answer may have some of them before it. */
const INTERIM_LIMIT = 5;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** No more of it than was asked for. */
  readonly body: Uint8Array;
}

/** The next bytes, or null at the end. */
export type Pull = () => Promise<Uint8Array | null>;

export interface Question {
  readonly method: "GET" | "HEAD";
  /** With the query, percent-encoded. */
  readonly path: string;
  readonly host: string;
  readonly headers: Headers;
}

export function formatRequest({ method, path, host, headers }: Question): Uint8Array {
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, "Connection: close"];
  headers.forEach((value, name) => lines.push(`${name}: ${value}`));
  return new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`);
}

interface ByteSource {
  /** One line without its end. */
  line(limit: number): Promise<string>;
  /** Exactly so many bytes. */
  take(length: number): Promise<Uint8Array>;
  /** All until the end, but no more than so many bytes. */
  rest(limit: number): Promise<Uint8Array>;
}

export function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}

function byteSource(pull: Pull): ByteSource {
  let buffer: Uint8Array = new Uint8Array();
  let sawAny = false;

  async function more(): Promise<boolean> {
    const bytes = await pull();
    if (bytes === null) return false;
    sawAny ||= bytes.length > 0;
    buffer = joined(buffer, bytes);
    return true;
  }

  function cut(length: number): Uint8Array {
    const head = buffer.subarray(0, length);
    buffer = buffer.subarray(length);
    return head;
  }

  function ended(): NoAnswer {
    return new NoAnswer(
      "reset",
      sawAny ? "the connection ended within the answer" : "the connection ended without an answer",
    );
  }

  return {
    async line(limit) {
      for (let from = 0; ;) {
        const end = buffer.indexOf(10, from);
        if (end >= 0 && end <= limit) {
          const bytes = cut(end + 1).subarray(0, end);
          // Header values are Latin-1 on the wire.
          return String.fromCharCode(...bytes).replace(/\r$/, "");
        }
        if (end > limit || buffer.length > limit)
          throw new NoAnswer("protocol", "the answer has a line that is too long");
        from = buffer.length;
        if (!(await more())) throw ended();
      }
    },
    async take(length) {
      while (buffer.length < length) if (!(await more())) throw ended();
      return cut(length);
    },
    async rest(limit) {
      while (buffer.length < limit && (await more()));
      return cut(Math.min(limit, buffer.length));
    },
  };
}

async function readHeaders(source: ByteSource): Promise<Headers> {
  const headers = new Headers();
  for (let budget = HEAD_LIMIT; ;) {
    const line = await source.line(budget);
    if (line === "") return headers;
    budget -= line.length + 1;
    if (budget <= 0) throw new NoAnswer("protocol", "the answer's headers are too long");
    const [, name, value] = /^([^\s:]+):[\t ]*(.*?)[\t ]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined)
      throw new NoAnswer("protocol", "the answer has a line that is no header");
    try {
      headers.append(name, value);
    } catch {
      throw new NoAnswer("protocol", "the answer has a header that is not allowed");
    }
  }
}

async function readChunks(source: ByteSource, limit: number): Promise<Uint8Array> {
  let body: Uint8Array = new Uint8Array();
  while (body.length < limit) {
    const line = await source.line(CHUNK_LINE_LIMIT);
    const [, digits] = /^([0-9a-f]{1,8})[\t ]*(;.*)?$/i.exec(line) ?? [];
    if (digits === undefined) throw new NoAnswer("protocol", "the answer's body has a broken chunk");
    const length = Number.parseInt(digits, 16);
    if (length === 0) break;
    const wanted = Math.min(length, limit - body.length);
    body = joined(body, await source.take(wanted));
    if (wanted < length) break;
    if ((await source.line(CHUNK_LINE_LIMIT)) !== "") {
      throw new NoAnswer("protocol", "the answer's body has a chunk of another length than it says");
    }
  }
  return body;
}

/** Null where the header is absent. Proxies may repeat it, which is sound only where all say the same. */
function contentLength(headers: Headers): number | null {
  const text = headers.get("content-length");
  if (text === null) return null;
  const values = new Set(text.split(",").map((value) => value.trim()));
  const [only = ""] = values;
  if (values.size !== 1 || !/^\d{1,15}$/.test(only))
    throw new NoAnswer("protocol", "the answer's Content-Length is no number");
  return Number(only);
}

async function readBody(source: ByteSource, headers: Headers, limit: number): Promise<Uint8Array> {
  const encoding = headers.get("transfer-encoding");
  if (encoding !== null && /(^|,)\s*chunked\s*$/i.test(encoding)) return readChunks(source, limit);
  const length = encoding === null ? contentLength(headers) : null;
  return length === null ? source.rest(limit) : source.take(Math.min(length, limit));
}

/**
 * Reads one answer, of its body at most `bodyLimit` bytes. Throws NoAnswer: `protocol` for what isn't HTTP/1.x, `reset`
 * where the bytes end too early.
 */
export async function readAnswer(
  pull: Pull,
  method: "GET" | "HEAD",
  bodyLimit = BODY_LIMIT,
): Promise<Answer> {
  const source = byteSource(pull);
  for (let interim = 0; interim <= INTERIM_LIMIT; interim += 1) {
    const [, digits] = /^HTTP\/1\.[01] (\d{3})( .*)?$/.exec(await source.line(HEAD_LIMIT)) ?? [];
    const status = Number(digits ?? 0);
    if (status < 100 || status > 599) throw new NoAnswer("protocol", "the answer is not HTTP");
    const headers = await readHeaders(source);
    if (status === 101)
      throw new NoAnswer("protocol", "the answer switches to a protocol that nobody asked for");
    if (status < 200) continue;
    const hasBody = method !== "HEAD" && status !== 204 && status !== 304;
    return { status, headers, body: hasBody ? await readBody(source, headers, bodyLimit) : new Uint8Array() };
  }
  throw new NoAnswer("protocol", "the answer has too many interim answers before it");
}
