import type { EventType } from "../failover/events.ts";
import type { Actor, FailoverEvent, Origin, Refusal } from "../failover/results.ts";

/** What nobody asked for in particular: the reconciler's own doing. */
export const SYSTEM: Origin = { actor: { kind: "system", name: "reconciler" }, requestId: null };

/** Whoever else changes things in the account: who it was, the audit log may tell later. */
export const SOMEBODY_ELSE: Actor = { kind: "cloudflare", name: "somebody else" };

/** Cloudflare itself, whose checks steer traffic. */
export const HEALTH_CHECKS: Origin = {
  actor: { kind: "cloudflare", name: "health checks" },
  requestId: null,
};

/** Values of monitor headers can be credentials; a Host is none, and says what happened. */
function hidden(headers: unknown): unknown {
  if (typeof headers !== "object" || headers === null) return headers;
  const shown = Object.entries(headers).map(([name, values]) => {
    return [name, name.toLowerCase() === "host" ? (values as unknown) : ["(hidden)"]] as const;
  });
  return Object.fromEntries(shown);
}

/** So can the query of a path that is checked. */
function withoutQuery(value: unknown): unknown {
  return typeof value === "string" ? value.replace(/^(\/[^?]*)\?.*$/s, "$1?(hidden)") : value;
}

/** By the name of a member of Cloudflare's monitor. */
const HIDDEN: ReadonlyMap<string, (value: unknown) => unknown> = new Map([
  ["header", hidden],
  ["path", withoutQuery],
]);

function withoutCredentials(data: FailoverEvent["data"]): FailoverEvent["data"] {
  const text = JSON.stringify(data, (name, value: unknown) => {
    const hide = HIDDEN.get(name);
    if (hide !== undefined) return hide(value);
    if (typeof value !== "object" || value === null || !("path" in value)) return value;
    const hideBoth = typeof value.path === "string" ? HIDDEN.get(value.path) : undefined;
    if (hideBoth === undefined) return value;
    const difference: Record<string, unknown> = { ...value };
    return { ...difference, before: hideBoth(difference["before"]), after: hideBoth(difference["after"]) };
  });
  return JSON.parse(text) as FailoverEvent["data"];
}

/** A past-tense fact, as of now. */
export function eventOf(
  context: { clock: { now(): number }; newId(prefix: string): string },
  type: EventType,
  failoverId: string,
  origin: Origin,
  data: Readonly<Record<string, unknown>> = {},
): FailoverEvent {
  return {
    id: context.newId("evt"),
    type,
    at: context.clock.now(),
    failoverId,
    origin,
    data: withoutCredentials(data),
  };
}

/** Says which guards a person got past and why; nothing where none stood in the way. */
export function guardsOverridden(
  context: Parameters<typeof eventOf>[0],
  failoverId: string,
  reason: string | undefined,
  overridden: readonly Refusal[],
  origin: Origin,
): FailoverEvent[] {
  if (overridden.length === 0) return [];
  const guards = overridden.map(({ guard, message }) => ({ guard, message }));
  return [eventOf(context, "guard.overridden", failoverId, origin, { reason, guards })];
}
