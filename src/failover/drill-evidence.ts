// Decides of which specs a drill is evidence: of all that bring visitors to the same endpoints in the same way.
import type { Endpoint, Spec } from "./complete.ts";
import { refusal } from "./guards.ts";
import type { Stage } from "./failover.ts";
import type { Refusal } from "./results.ts";

function withoutDescription<T extends { readonly description: string }>(described: T) {
  const { description: _, ...rest } = described;
  return rest;
}

/** A marker tells answers apart and routes none. */
function routed(endpoint: Endpoint) {
  const { marker: _, ...rest } = withoutDescription(endpoint);
  return rest;
}

/** JSON with the members of every object in one order. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  const sorted = members.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([name, member]) => [name, ordered(member)]));
}

/** FNV-1a over UTF-16 units, 64 bits as 16 hex digits. It tells versions of one spec apart and keeps no secret. */
function fingerprint(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let index = 0; index < text.length; index += 1) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(index))) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
}

/**
 * The same for two specs between which nothing changes about a visitor's way: names, descriptions, markers and what is
 * done about drift, failback, a bake, drills, deploys and approval are left out; all else counts, also what later versions add.
 */
export function hashOfContent(spec: Spec): string {
  const {
    name: _,
    drift: __,
    drift_grace_seconds: ___,
    failback: ____,
    bake_seconds: _____,
    drills: ______,
    on_broken_deploy: _______,
    approval: ________,
    ...traffic
  } = spec;
  const content = {
    ...traffic,
    primary: routed(spec.primary),
    secondary: routed(spec.secondary),
    monitor: withoutDescription(spec.monitor),
    load_balancer: withoutDescription(spec.load_balancer),
  };
  return fingerprint(JSON.stringify(ordered(content)));
}

/** A passed drill, as evidence. */
export interface DrillEvidence {
  readonly id: string;
  readonly specHash: string;
  readonly stage: Stage;
  /** Milliseconds since the epoch. */
  readonly passedAt: number;
}

/** Production wants a passed drill of this spec's content; `last` is the one of this content, else the latest. */
export function guardDrill(specHash: string, last: DrillEvidence | null): Refusal[] {
  if (last?.specHash === specHash) return [];
  if (last === null) {
    const message = "no drill of this failover has passed yet: POST …/drills rehearses the failover";
    return [refusal("drill-missing", message, { spec_hash: specHash, last_passed: null })];
  }
  const passedAt = new Date(last.passedAt).toISOString();
  const message = `the last drill that passed, ${last.id} at ${passedAt}, was of another content of the spec: rehearse this one`;
  const facts = { id: last.id, spec_hash: last.specHash, passed_at: passedAt };
  return [refusal("drill-missing", message, { spec_hash: specHash, last_passed: facts })];
}
