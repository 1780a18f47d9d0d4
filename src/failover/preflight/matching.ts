// Decides whether a pattern or a rule of the zone concerns a hostname. Expressions are not evaluated: one that speaks of
// other hosts only doesn't concern it, one that speaks of no host at all concerns every host of the zone.
import type { RuleFacts } from "./facts.ts";

const escaped = (text: string): string => text.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&");

/** A Worker route's or a page rule's pattern: `*` stands for any characters, and the host ends with the first slash. */
export function isPatternFor(pattern: string, hostname: string): boolean {
  const [host = ""] = pattern
    .toLowerCase()
    .replace(/^[a-z*]*:\/\//, "")
    .split("/");
  const withoutPort = host.replace(/:\d+$/, "");
  return new RegExp(`^${escaped(withoutPort).replaceAll("*", ".*")}$`).test(hostname);
}

const HOST_FIELD = /\b(?:raw\.)?http\.(?:host|request\.full_uri)\b/;

/** A rule's expression in the language of Cloudflare's rulesets. */
export function isExpressionFor(expression: string, hostname: string): boolean {
  if (!HOST_FIELD.test(expression)) return true;
  const excluded = new RegExp(`\\bhttp\\.host\\s+(?:ne|!=)\\s+"${escaped(hostname)}"`);
  if (excluded.test(expression)) return false;
  const literals = [...expression.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) =>
    text.toLowerCase(),
  );
  return literals.some((literal) => {
    const host = /^(?:[a-z*]+:\/\/)?([^/]*)/.exec(literal)?.[1] ?? "";
    if (!/[a-z0-9]/.test(host)) return false;
    return host.includes("*") ? isPatternFor(host, hostname) : hostname.includes(host);
  });
}

export interface RulesetRule {
  readonly id: string;
  readonly description: string;
  readonly expression: string;
  readonly action: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface PageRule {
  readonly id: string;
  readonly pattern: string;
  readonly actions: readonly Readonly<Record<string, unknown>>[];
}

export type RuleKind = "redirect" | "origin" | "cache";

/** What a page rule's action does to requests of the hostname; null where it changes nothing about who answers. */
function pageRuleDoes({ id, value }: Readonly<Record<string, unknown>>): string | null {
  if (id === "forwarding_url") return "redirects";
  if (id === "resolve_override" || id === "host_header_override") return "overrides the endpoint or its Host";
  return id === "cache_level" && value === "cache_everything" ? "caches everything" : null;
}

/** A cache rule says that it caches; rules of the other phases do what their phase is for. */
function acts(kind: RuleKind, { parameters }: RulesetRule): boolean {
  return kind !== "cache" || parameters["cache"] === true;
}

export function rulesFor(kind: RuleKind, rules: readonly RulesetRule[], hostname: string): RuleFacts[] {
  return rules
    .filter((rule) => acts(kind, rule) && isExpressionFor(rule.expression, hostname))
    .map(({ id, description, expression }) => ({
      id,
      what: description === "" ? `one without a name (${expression})` : `"${description}" (${expression})`,
      matches: expression,
    }));
}

export function pageRulesFor(rules: readonly PageRule[], hostname: string): RuleFacts[] {
  return rules.flatMap(({ id, pattern, actions }) => {
    const does = actions.flatMap((action) => pageRuleDoes(action) ?? []);
    if (!isPatternFor(pattern, hostname) || does.length === 0) return [];
    return [{ id, what: `${pattern}, which ${does.join(" and ")}`, matches: pattern }];
  });
}
