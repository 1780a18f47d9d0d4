import type { FailoverEvent, Origin } from "../failover/results.ts";

/** What nobody asked for in particular: the reconciler's own doing. */
export const SYSTEM: Origin = { actor: { kind: "system", name: "reconciler" }, requestId: null };

/** A past-tense fact, as of now. */
export function eventOf(
  context: { clock: { now(): number }; newId(prefix: string): string },
  type: string,
  failoverId: string,
  origin: Origin,
  data: Readonly<Record<string, unknown>> = {},
): FailoverEvent {
  return { id: context.newId("evt"), type, at: context.clock.now(), failoverId, origin, data };
}
