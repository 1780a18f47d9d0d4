// Decides which failovers of a fleet are meant.
import type { Stage } from "./failover.ts";
import { fitsWildcard } from "./wildcard.ts";

/** All that is given has to fit; an empty selection means everything. */
export interface FleetSelection {
  readonly names?: readonly string[] | undefined;
  /** `*` stands for any characters, e.g. `shop-*`. */
  readonly namePattern?: string | undefined;
  readonly stage?: Stage | undefined;
}

export function isSelected(
  { names, namePattern, stage }: FleetSelection,
  failover: { readonly name: string; readonly stage: Stage },
): boolean {
  if (names !== undefined && !names.includes(failover.name)) return false;
  if (stage !== undefined && stage !== failover.stage) return false;
  return namePattern === undefined || fitsWildcard(namePattern, failover.name);
}

/** Names that were asked for and that nobody has. */
export function unknownNames({ names = [] }: FleetSelection, known: readonly string[]): string[] {
  return names.filter((name) => !known.includes(name));
}
