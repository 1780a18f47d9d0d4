// Decides what an existing load balancer would become as a failover: the spec it has, what of it no spec can say, and
// what stands against managing it. Whatever the plan of that failover would still change is what the spec can't say.
import type { Body } from "./desired.ts";
import { desiredObjects, type Applied } from "./desired.ts";
import type { Facts, Failover, Imported, KeptMember, Side } from "./failover.ts";
import { findBeside, meaningOf, type ForeignEffect } from "./foreign.ts";
import { refusal } from "./guards.ts";
import { notImportable, textIn, type Parts } from "./import-parts.ts";
import { originOf } from "./import-spec.ts";
import { ROLES, type Role } from "./marker.ts";
import { describeRole, narrowChange, planChanges, type Change, type Observed } from "./plan.ts";
import type { Refusal } from "./results.ts";
import type { SpecInput } from "./spec.ts";

/** Something that a spec can't say. */
export interface ImportFinding {
  readonly role: Role;
  /** Begins with Cloudflare's member name. */
  readonly path: string;
  readonly message: string;
  readonly effect: ForeignEffect;
  /** Whether it can be left alone and everything that is said of the failover stays true. */
  readonly keepable: boolean;
}

export interface ImportFacts {
  readonly id: string;
  readonly accountId: string;
  readonly installation: string;
  readonly parts: Parts;
  readonly active: Side;
  readonly input: SpecInput;
  readonly facts: Facts;
  /** Names of other load balancers that use one of the pools, and of other pools that use the monitor. */
  readonly poolsSharedWith: readonly string[];
  readonly monitorSharedWith: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface ImportDecision {
  /** As it would be stored, with everything kept that can be. */
  readonly failover: Failover;
  readonly applied: Readonly<Record<Role, Body>>;
  readonly foreign: readonly ImportFinding[];
  /** What managing it would write: descriptions only. */
  readonly changes: readonly Change[];
}

function failoverOf(given: ImportFacts, kept: readonly KeptMember[]): Failover {
  const { parts, input, now } = given;
  const imported: Imported = {
    pools: { primary: textIn(parts.primary, "name"), secondary: textIn(parts.secondary, "name") },
    origins: { primary: originOf(parts.primary).name, secondary: originOf(parts.secondary).name },
    kept,
  };
  const ids = Object.fromEntries(ROLES.map((role) => [role, textIn(parts[role], "id")]));
  return {
    id: given.id,
    accountId: given.accountId,
    name: input.name,
    revision: 1,
    // It is enabled and answers under its name.
    stage: "production",
    active: given.active,
    settledActive: given.active,
    settledBy: "person",
    settledAt: now,
    disabled: null,
    input,
    facts: given.facts,
    adopted: [],
    imported,
    deleting: null,
    ids,
    createdAt: now,
    updatedAt: now,
  };
}

/** What counts as last in place: all that is wanted but the marker, so that the marker alone is ours to write. */
function appliedOf(failover: Failover, parts: Parts, installation: string): Record<Role, Body> {
  const desired = desiredObjects(failover, installation);
  const unmarked = (role: Role) => ({ ...desired[role], description: textIn(parts[role], "description") });
  return {
    monitor: unmarked("monitor"),
    primary: unmarked("primary"),
    secondary: unmarked("secondary"),
    load_balancer: unmarked("load_balancer"),
  };
}

function observedOf(parts: Parts, sharedWith: readonly string[]): Observed {
  const found = (role: Role) => ({ state: "found", object: parts[role] }) as const;
  return {
    monitor: found("monitor"),
    primary: found("primary"),
    secondary: found("secondary"),
    load_balancer: found("load_balancer"),
    sharedWith,
  };
}

const show = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

function findUnsaid(changes: readonly Change[], pair: readonly string[]): ImportFinding[] {
  return changes.flatMap(({ role, differences }) =>
    differences
      .filter(({ path }) => path !== "description")
      .map(({ path, before, after }): ImportFinding => {
        const meaning = meaningOf(role, path, before, after, pair);
        if (meaning !== null) return { role, path, ...meaning, keepable: true };
        const message = `${path} of ${describeRole(role)} is ${show(before)}, which a spec can't say`;
        return { role, path, message, effect: "routes", keepable: false };
      }),
  );
}

function findSharedMonitor(names: readonly string[]): ImportFinding[] {
  if (names.length === 0) return [];
  const message = `the monitor is also used by ${names.join(", ")}: a change of this failover's health checks changes theirs`;
  return [{ role: "monitor", path: "references", message, effect: "none", keepable: true }];
}

/** What is used by others stays theirs too: there is no member to be left alone. */
const isMember = ({ path, effect }: ImportFinding): boolean => effect !== "shares" && path !== "references";

export function decideImport(given: ImportFacts): ImportDecision {
  const { parts, installation } = given;
  const bare = failoverOf(given, []);
  const applied = appliedOf(bare, parts, installation);
  const observed = observedOf(parts, given.poolsSharedWith);
  const plan = (failover: Failover, last: Applied) => planChanges(failover, observed, installation, last);
  const first = plan(bare, applied);
  const routing = first.foreign.map(({ role, path, message, effect }): ImportFinding => {
    return { role, path, message, effect, keepable: true };
  });
  const pair = [bare.ids.primary, bare.ids.secondary].filter((id) => id !== undefined);
  const beside = ROLES.flatMap((role) =>
    findBeside(role, parts[role]).map((one) => ({ role, ...one, keepable: true })),
  );
  const foreign = [
    ...routing,
    ...findUnsaid(first.changes, pair),
    ...beside,
    ...findSharedMonitor(given.monitorSharedWith),
  ];
  const kept = foreign
    .filter((one) => one.keepable && isMember(one))
    .map(({ role, path }): KeptMember => ({ role, path }));
  const failover = failoverOf(given, kept);
  const changes = plan(failover, applied).changes.map((change) =>
    narrowChange(
      change,
      change.differences.filter(({ path }) => path === "description"),
    ),
  );
  return { failover, applied, foreign, changes };
}

/** What stands against the import because of what a spec can't say. */
export function refuseForeign(foreign: readonly ImportFinding[], keepForeign: boolean): Refusal[] {
  return foreign.flatMap(({ role, path, message, effect, keepable }) => {
    const facts = { role, path };
    if (!keepable) return [notImportable(message, facts)];
    if (keepForeign) return [];
    const guard = effect === "none" ? "not-importable" : "foreign-routing";
    return [{ ...refusal(guard, `${message}; keep_foreign leaves it alone`, facts), overridable: true }];
  });
}
