// Reads JSON bodies: one media type, one size, and every fault named. 415, 413, 400 and 422 in this order.
import type { Context } from "hono";
import type { z } from "@hono/zod-openapi";
import type { ApiEnv } from "./dependencies.ts";
import { problem } from "./problem.ts";
import { fieldErrors } from "../failover/field-errors.ts";

export const LARGEST_BODY_BYTES = 64 * 1024;
/** Far more than any of our bodies; what merges and copies bodies may recurse. */
const DEEPEST_NESTING = 32;

const JSON_TYPE = "application/json";
const MERGE_PATCH_TYPE = "application/merge-patch+json";

function tooLarge() {
  const detail = `A body may have at most ${LARGEST_BODY_BYTES} bytes (64 KiB).`;
  return problem("payload-too-large", detail);
}

/** Stops reading at the limit, whatever Content-Length says. */
export async function readBytes(request: Request): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > LARGEST_BODY_BYTES) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > LARGEST_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

/** V8 names the position in some of its messages only; the rest of them quotes the body, which is not repeated here. */
function positionIn(message: string): string {
  if (message.includes("Unexpected end")) return " It ends too early.";
  const found = /at position (\d+)(?: \(line (\d+) column (\d+)\))?/.exec(message);
  if (found === null) return "";
  const [, position, line, column] = found;
  return line === undefined
    ? ` The fault is at position ${position}.`
    : ` The fault is in line ${line}, column ${column} (position ${position}).`;
}

export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw problem("bad-request", "The body is not UTF-8.");
  }
}

function parse(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes);
  try {
    return JSON.parse(text);
  } catch (error) {
    const position = error instanceof Error ? positionIn(error.message) : "";
    throw problem("bad-request", `The body is not valid JSON.${position}`);
  }
}

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(levels - 1, inner));
}

export function checkMediaType(c: Context<ApiEnv>): void {
  const accepted = c.req.method === "PATCH" ? [JSON_TYPE, MERGE_PATCH_TYPE] : [JSON_TYPE];
  const given = c.req.header("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (given !== undefined && accepted.includes(given)) return;
  const header = c.req.method === "PATCH" ? "accept-patch" : "accept-post";
  throw problem("unsupported-media-type", `Send the body as ${accepted.join(" or ")} (Content-Type).`, {
    headers: { [header]: accepted.join(", ") },
  });
}

/** The validated body. Without one the value is that of `{}` if the route allows it. */
export async function readBody<S extends z.ZodType>(
  c: Context<ApiEnv>,
  schema: S,
  { optional = false } = {},
): Promise<z.output<S>> {
  const bytes = c.get("bytes") ?? (await readBytes(c.req.raw));
  if (bytes.byteLength > 0) checkMediaType(c);
  else if (!optional) throw problem("bad-request", "This request needs a JSON object as its body.");
  const value = bytes.byteLength === 0 ? {} : parse(bytes);
  if (isDeeperThan(DEEPEST_NESTING, value)) {
    throw problem("bad-request", `The body is nested deeper than ${DEEPEST_NESTING} levels.`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw problem("invalid", "The body is not valid; `errors` names every fault.", {
    errors: fieldErrors(parsed.error.issues, schema, value),
  });
}
