import { invalid } from "./refusal.ts";

/** A request's body, member by member; null counts as left out, unknown members are ignored. */
export type Body = Record<string, unknown>;

function isBody(value: unknown): value is Body {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function asBody(value: unknown): Body {
  if (!isBody(value)) throw invalid("body must be an object");
  return value;
}

export function text(body: Body, member: string, absent: string): string {
  const value = body[member] ?? absent;
  if (typeof value !== "string") throw invalid(`${member} must be a string`);
  return value;
}

export function flag(body: Body, member: string, absent: boolean): boolean {
  const value = body[member] ?? absent;
  if (typeof value !== "boolean") throw invalid(`${member} must be a boolean`);
  return value;
}

export function number(
  body: Body,
  member: string,
  absent: number,
  least = -Infinity,
  most = Infinity,
): number {
  const value = body[member] ?? absent;
  if (typeof value !== "number" || Number.isNaN(value)) throw invalid(`${member} must be a number`);
  if (value < least || value > most) throw invalid(`${member} is not in range [${least}, ${most}]`);
  return value;
}

export function whole(body: Body, member: string, absent: number, least = 0, most = Infinity): number {
  const value = number(body, member, absent, least, most);
  if (!Number.isInteger(value)) throw invalid(`${member} must be an integer`);
  return value;
}

export function choice<T extends string>(
  body: Body,
  member: string,
  absent: NoInfer<T>,
  choices: readonly T[],
): T {
  const value = text(body, member, absent);
  const chosen = choices.find((known) => known === value);
  if (chosen === undefined) throw invalid(`${member} must be one of ${choices.join(", ")}`);
  return chosen;
}

export function texts(body: Body, member: string): string[] {
  const value = body[member] ?? [];
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
    throw invalid(`${member} must be a list of strings`);
  }
  return [...value];
}

export function object(body: Body, member: string): Body {
  const value = body[member] ?? {};
  if (!isBody(value)) throw invalid(`${member} must be an object`);
  return value;
}
