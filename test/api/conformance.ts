// Holds an answer against the document: is its status described, its media type, its body, and has it the headers?
import { Validator, type Schema as JsonSchema } from "@cfworker/json-schema";
import type { Document, Operation } from "./document.ts";

export interface Answered {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly headers: Headers;
  /** Parsed, where it is JSON. */
  readonly body: unknown;
}

interface DescribedAnswer {
  readonly $ref?: string;
  readonly headers?: Record<string, unknown>;
  readonly content?: Record<string, { readonly schema: unknown }>;
}

export type Conformance = (answered: Answered) => string[];

const mediaTypeOf = (headers: Headers): string => (headers.get("content-type") ?? "").split(";")[0] ?? "";

export const isJson = (headers: Headers): boolean =>
  /^application\/(problem\+)?json$/.test(mediaTypeOf(headers));

/** Headers that are always there where they are described; others have something to say only at times. */
const ALWAYS = ["X-Request-Id", "Location", "Allow"];
/** What stands before every path may refuse a method that there isn't. */
const REFUSALS = [400, 401, 403, 405, 429, 503];

/** References into the document become references into each schema, which carries all components. */
function inDefinitions(schema: unknown): unknown {
  return JSON.parse(JSON.stringify(schema).replaceAll("#/components/schemas/", "#/$defs/")) as unknown;
}

function matcherOf(template: string): RegExp {
  const escaped = template.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
}

export function createConformance(document: Document): Conformance {
  const $defs = inDefinitions(document.components["schemas"]) as Record<string, JsonSchema>;
  const validators = new Map<string, Validator>();
  // A name goes before a parameter in its place, as it does in the router.
  const templates = Object.keys(document.paths)
    .toSorted((left, right) => left.split("{").length - right.split("{").length)
    .map((template) => [template, matcherOf(template)] as const);

  function validatorFor(key: string, schema: unknown): Validator {
    const known = validators.get(key);
    if (known !== undefined) return known;
    const made = new Validator({ ...(inDefinitions(schema) as object), $defs }, "2020-12", false);
    validators.set(key, made);
    return made;
  }

  function describedAnswer(operation: Operation | undefined, status: number): DescribedAnswer | undefined {
    // What isn't an operation is refused like one, as far as it gets.
    const described: DescribedAnswer | undefined =
      operation === undefined && REFUSALS.includes(status)
        ? { $ref: `#/components/responses/Problem${status}` }
        : operation?.responses[String(status)];
    const name = /^#\/components\/responses\/(\w+)$/.exec(described?.$ref ?? "")?.[1];
    return name === undefined ? described : document.components["responses"]?.[name];
  }

  return ({ method, path, status, headers, body }) => {
    const [pathname = ""] = path.split("?");
    const template = templates.find(([, matches]) => matches.test(pathname))?.[0];
    if (template === undefined) return [];
    const asked = method === "HEAD" ? "get" : method.toLowerCase();
    const operation = document.paths[template]?.[asked];
    const at = `${method} ${template} → ${status}`;
    const described = describedAnswer(operation, status);
    if (described === undefined) return [`${at}: this status is not described`];
    const missing = Object.keys(described.headers ?? {})
      .filter((name) => ALWAYS.includes(name) && !headers.has(name))
      .map((name) => `${at}: the header ${name} is missing`);
    if (described.content === undefined || method === "HEAD" || status === 304) return missing;
    const type = mediaTypeOf(headers);
    const content = described.content[type] ?? described.content["*/*"];
    if (content === undefined) return [...missing, `${at}: the media type ${type} is not described`];
    if (!isJson(headers)) return missing;
    const { valid, errors } = validatorFor(`${at} ${type}`, content.schema).validate(body);
    const faults = errors
      // The last of a chain is the fault; those before it only say that there is one below.
      .filter(({ keyword }) => !["properties", "items", "$ref", "additionalProperties"].includes(keyword))
      .map(({ instanceLocation, error }) => `${at}: ${instanceLocation} ${error}`);
    return valid
      ? missing
      : [...missing, ...(faults.length === 0 ? errors.map(({ error }) => error) : faults)];
  };
}

let shared: Promise<Conformance> | undefined;

/** The document is the same for every app: it is read once. Throws where the answer is another than described. */
export async function requireConformance(
  readDocument: () => Promise<Document>,
  answered: Answered,
): Promise<void> {
  shared ??= readDocument().then((document) => createConformance(document));
  const faults = (await shared)(answered);
  if (faults.length > 0) {
    throw new Error(
      `The answer is not as /openapi.json has it.\n${faults.slice(0, 5).join("\n")}\n${JSON.stringify(answered.body)?.slice(0, 600)}`,
    );
  }
}
