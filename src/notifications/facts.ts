// Reads what an event carries. Its data is JSON of whichever version wrote it, so that nothing in it is certain.
import type { FailoverEvent } from "../failover/results.ts";

function at(value: unknown, path: readonly string[]): unknown {
  let found = value;
  for (const name of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = Reflect.get(found, name);
  }
  return found;
}

/** A text at this path, null where there is none. */
export function textIn(event: FailoverEvent, ...path: readonly string[]): string | null {
  const found = at(event.data, path);
  return typeof found === "string" && found !== "" ? found : null;
}

/** A text of each member of a list, e.g. the message of each failed check. */
export function textsIn(event: FailoverEvent, list: string, member: string): string[] {
  const found = at(event.data, [list]);
  if (!Array.isArray(found)) return [];
  return found.flatMap((one: unknown) => {
    const text = at(one, [member]);
    return typeof text === "string" && text !== "" ? [text] : [];
  });
}

/** The first few, and how many more there are. */
export function listed(texts: readonly string[], most = 3): string {
  const more = texts.length - most;
  return texts.slice(0, most).join("; ") + (more > 0 ? `; and ${more} more` : "");
}

/** `because X` as a sentence's end; nothing where no reason was given. */
export function because(event: FailoverEvent): string {
  const reason = textIn(event, "reason");
  return reason === null ? "" : ` (${reason})`;
}

/** Who did it, where it was a person or a tool of theirs. */
export function by(event: FailoverEvent): string {
  const { kind, name } = event.origin.actor;
  return kind === "system" || kind === "cron" || kind === "cloudflare" ? "" : ` by ${name}`;
}
