// What an answer calls its build: there is no standard, so this knows the names that are in use.
import type { Answer } from "./http1.ts";
import { textOf } from "./traits.ts";

const HEADERS = ["x-build-id", "x-version", "x-commit", "x-deployment-id"] as const;
const META_NAMES: readonly string[] = ["build", "build-id", "version", "commit", "git-commit"];
const LONGEST = 200;

// Bounded, because a stranger writes the text.
const META_ELEMENT = /<meta\s([^<>]{0,1000})>/gi;
const ATTRIBUTE = /(?<![a-z-])([a-z-]{1,30})\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/gi;

function attributesOf(element: string): ReadonlyMap<string, string> {
  return new Map(
    [...element.matchAll(ATTRIBUTE)].map(([, name = "", double, single, bare]) => [
      name.toLowerCase(),
      double ?? single ?? bare ?? "",
    ]),
  );
}

function metaBuild(text: string): string | undefined {
  for (const [, element = ""] of text.matchAll(META_ELEMENT)) {
    const attributes = attributesOf(element);
    const content = attributes.get("content")?.trim() ?? "";
    if (content !== "" && META_NAMES.includes(attributes.get("name")?.toLowerCase() ?? "")) return content;
  }
  return undefined;
}

/** Null where it doesn't say. A header comes before the page's own word. */
export function buildOf({ headers, body }: Answer): string | null {
  const values = HEADERS.map((name) => headers.get(name)?.trim());
  const found = values.find((value) => value !== undefined && value !== "") ?? metaBuild(textOf(body));
  return found?.slice(0, LONGEST) ?? null;
}
