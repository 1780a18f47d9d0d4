// Turns what zod found into sentences that say what would be right, each with a JSON pointer (RFC 6901).
import { z } from "zod";
import type { FieldError } from "./results.ts";
import { nearest } from "./spelling.ts";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];
type AnySchema = z.core.$ZodType;

export function pointerTo(path: Path): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** The forms that a value may take behind optional, nullable, pipe and union. */
function formsOf(schema: AnySchema): AnySchema[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault) {
    return formsOf(schema.unwrap());
  }
  if (schema instanceof z.ZodPipe) return formsOf(schema.in);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(formsOf);
  return [schema];
}

/** What the schema demands at a path; empty where it says nothing. */
function schemasAt(schema: AnySchema, path: Path): AnySchema[] {
  const [first, ...rest] = path;
  if (first === undefined) return [schema];
  return formsOf(schema).flatMap((form) => {
    if (form instanceof z.ZodObject) {
      const member = (form.shape as Record<string, AnySchema>)[String(first)];
      return member === undefined ? [] : schemasAt(member, rest);
    }
    if (form instanceof z.ZodRecord) return schemasAt(form.valueType, rest);
    if (form instanceof z.ZodArray) return schemasAt(form.element, rest);
    return [];
  });
}

function membersAt(schema: AnySchema, path: Path): string[] {
  const objects = schemasAt(schema, path)
    .flatMap(formsOf)
    .filter((form) => form instanceof z.ZodObject);
  return objects.flatMap((object) => Object.keys(object.shape));
}

function exampleAt(schema: AnySchema, path: Path): string {
  const [found] = schemasAt(schema, path);
  const example = found instanceof z.ZodType ? found.meta()?.["example"] : undefined;
  return example === undefined ? "" : `, for example ${JSON.stringify(example)}`;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      typeof inner === "object" && inner !== null && Object.hasOwn(inner, part)
        ? Reflect.get(inner, part)
        : undefined,
    value,
  );
}

const TYPES: Record<string, string> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "an object",
  record: "an object",
  array: "a list",
};
const UNITS: Record<string, string> = { string: "characters", array: "items", object: "members" };

function boundOf(
  word: string,
  limit: number | bigint,
  inclusive: boolean | undefined,
  origin: string,
): string {
  const unit = UNITS[origin];
  const relation = inclusive === false ? (word === "most" ? "less than" : "more than") : `at ${word}`;
  return unit === undefined ? `must be ${relation} ${limit}` : `must have ${relation} ${limit} ${unit}`;
}

function listed(values: readonly unknown[]): string {
  const quoted = values.map((value) => JSON.stringify(value));
  return quoted.length === 1 ? `must be ${quoted[0]}` : `must be one of ${quoted.join(", ")}`;
}

/** Of a union's branches the one that was meant: the one whose complaint isn't about the form as a whole. */
function ofUnion(branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  const formIsWrong = ({ path, code }: Issue) =>
    path.length === 0 && (code === "invalid_type" || code === "invalid_value");
  return branches.find((issues) => issues.length > 0 && !issues.some(formIsWrong)) ?? null;
}

function sentence(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case "too_small":
      return boundOf("least", issue.minimum, issue.inclusive, issue.origin);
    case "too_big":
      return boundOf("most", issue.maximum, issue.inclusive, issue.origin);
    case "invalid_value":
      return listed(issue.values);
    case "invalid_union":
      return issue.errors.map((branch) => branch.map(sentence).join(" and ")).join(", or ");
    case "invalid_key":
      return issue.issues.map(({ message }) => message).join("; ");
    case "invalid_format":
    case "not_multiple_of":
    case "invalid_element":
    case "unrecognized_keys":
    case "custom":
      return issue.message;
    default:
      return issue satisfies never;
  }
}

function unknownMember(key: string, schema: AnySchema, path: Path): FieldError {
  const meant = nearest(key, membersAt(schema, path));
  const shown = key.length > 64 ? `${key.slice(0, 64)}…` : key;
  const hint = meant === null ? "" : `: did you mean ${JSON.stringify(meant)}?`;
  const message = `the member ${JSON.stringify(shown)} is not known${hint}`;
  return { pointer: pointerTo([...path, key]), message };
}

/** `value` is what was validated: a member that is absent is told from one that is wrong. */
export function fieldErrors(
  issues: readonly Issue[],
  schema: AnySchema,
  value: unknown,
  under: Path = [],
): FieldError[] {
  return issues.flatMap((issue): FieldError[] => {
    const path = [...under, ...issue.path];
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => unknownMember(key, schema, path));
    }
    const missing = path.length > 0 && valueAt(value, path) === undefined;
    if (missing && issue.code !== "custom") {
      return [{ pointer: pointerTo(path), message: `is required${exampleAt(schema, path)}` }];
    }
    if (issue.code === "invalid_union") {
      const meant = ofUnion(issue.errors);
      if (meant !== null) return fieldErrors(meant, schema, value, path);
    }
    const example = issue.code === "invalid_type" ? exampleAt(schema, path) : "";
    return [{ pointer: pointerTo(path), message: `${sentence(issue)}${example}` }];
  });
}
