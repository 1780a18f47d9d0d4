import type { State } from "../state.ts";

/** Stores a written object; a write without effect may or may not move `modified_on` (API-FACTS 9, open). */
export function store<T extends { id: string; modified_on: string }>(
  state: State,
  map: Map<string, T>,
  object: T,
): T {
  const before = map.get(object.id);
  const unchanged =
    before !== undefined &&
    JSON.stringify({ ...before, modified_on: "" }) === JSON.stringify({ ...object, modified_on: "" });
  const stored =
    unchanged && !state.switches.noopMovesModifiedOn
      ? { ...object, modified_on: before.modified_on }
      : object;
  map.set(stored.id, stored);
  return stored;
}
