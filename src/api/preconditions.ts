// ETag and If-Match carry a failover's revision (RFC 9110, section 13.1.1).
import type { Context } from "hono";
import type { ReaderPort } from "../actions/reader-port.ts";
import { refusal } from "../failover/guards.ts";
import type { FailoverView } from "../failover/results.ts";
import type { ApiEnv } from "./dependencies.ts";
import { problem } from "./problem.ts";
import { findFailover } from "./reference.ts";

export type IfMatch = { readonly any: true } | { readonly any: false; readonly tags: readonly string[] };

const ENTITY_TAG = /(?:W\/)?"[\x21\x23-\x7e\x80-\uffff]*"/g;
/** Stands for a tag while the list around the tags is looked at: no header can hold it. */
const TAG = "\0";

export function etagOf({ revision }: Pick<FailoverView, "revision">): string {
  return `"${revision}"`;
}

/** Null where the header is not well-formed. */
export function parseIfMatch(header: string): IfMatch | null {
  if (header.trim() === "*") return { any: true };
  const tags = header.match(ENTITY_TAG);
  const around = header.replaceAll(ENTITY_TAG, TAG).split(",");
  if (tags === null || around.some((part) => part.trim() !== "" && part.trim() !== TAG)) return null;
  return { any: false, tags };
}

/** If-Match compares strongly: a weak tag matches nothing. */
function matches(condition: IfMatch, revision: number): boolean {
  return condition.any || condition.tags.includes(`"${revision}"`);
}

function mismatch(condition: IfMatch, { revision }: FailoverView) {
  const expected = condition.any ? "*" : condition.tags.join(", ");
  const message = `If-Match names ${expected}, but the failover is at revision ${revision}: read it again`;
  return problem("revision-mismatch", message, {
    refusals: [refusal("revision-mismatch", message, { expected, revision })],
  });
}

/**
 * The revision that the caller expects, undefined where none was named. One strong tag is passed on unread, because
 * the Coordinator compares it where it writes; of `*` and of a list the present revision is taken.
 */
export async function expectedRevision(
  c: Context<ApiEnv>,
  reader: ReaderPort,
  reference: string,
): Promise<number | undefined> {
  const header = c.req.header("if-match");
  // What was done already isn't judged again: most of it raised the revision.
  if (header === undefined || c.get("known") !== undefined) return undefined;
  const condition = parseIfMatch(header);
  if (condition === null) {
    const detail = `If-Match must be a list of entity tags in double quotes, such as "3", or *.`;
    throw problem("bad-request", detail);
  }
  const single = condition.any || condition.tags.length > 1 ? null : condition.tags[0];
  const revision = /^"([1-9]\d{0,14})"$/.exec(single ?? "")?.[1];
  if (revision !== undefined) return Number(revision);
  const failover = await findFailover(reader, reference);
  if (!matches(condition, failover.revision)) throw mismatch(condition, failover);
  return failover.revision;
}

export async function requiredRevision(
  c: Context<ApiEnv>,
  reader: ReaderPort,
  reference: string,
): Promise<number> {
  const revision = await expectedRevision(c, reader, reference);
  if (revision !== undefined) return revision;
  await findFailover(reader, reference);
  throw problem("precondition-required", "Send If-Match with the ETag of the failover as you last read it.");
}
