// Decides which of an existing load balancer's objects would play which role in a failover, or why they can't.
import type { Body } from "./desired.ts";
import { otherSide, SIDES, type Side } from "./failover.ts";
import { refusal } from "./guards.ts";
import { kindOf, markerIn, ROLES, type Role } from "./marker.ts";
import { describeRole } from "./plan.ts";
import type { Refusal } from "./results.ts";

export type Parts = Readonly<Record<Role, Body>>;

export interface Assignment {
  /** What was found, also where it can't be imported. */
  readonly objects: Readonly<Partial<Record<Role, Body>>>;
  /** All four; null where a role stays empty. */
  readonly parts: Parts | null;
  readonly active: Side;
  readonly refusals: readonly Refusal[];
}

const isObject = (value: unknown): value is Body =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const objectsIn = (value: unknown): readonly Body[] =>
  Array.isArray(value) ? value.filter(isObject) : [];

export function textIn(object: Body, member: string): string {
  const value = object[member];
  return typeof value === "string" ? value : "";
}

/** A no that `keep_foreign` does not change. */
export function notImportable(message: string, facts: Record<string, unknown> = {}): Refusal {
  return { ...refusal("not-importable", message, facts), overridable: false };
}

const isNamed = (pool: Body, side: Side): boolean =>
  new RegExp(`(^|[^a-z0-9])${side}($|[^a-z0-9])`, "i").test(textIn(pool, "name"));

/**
 * The order says which endpoint is active, and the first is the primary, unless the names say that traffic was switched
 * over: `shop-secondary` before `shop-primary`.
 */
function activeIn([first, second]: readonly [Body, Body]): Side {
  const isSwitched =
    isNamed(first, "secondary") &&
    !isNamed(first, "primary") &&
    isNamed(second, "primary") &&
    !isNamed(second, "secondary");
  return isSwitched ? "secondary" : "primary";
}

function idsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((id) => typeof id === "string") : [];
}

/** Only http and https have an answer that says something about a website; the spec knows no others. */
function monitorRefusals(monitor: Body): Refusal[] {
  const type = textIn(monitor, "type").toLowerCase() || "http";
  if (type === "http" || type === "https") return [];
  const message = `the monitor is of type ${type}; a failover's health checks are http or https: give both pools such a monitor first`;
  return [notImportable(message, { monitor_id: monitor["id"], type })];
}

function monitorOf(
  pools: Readonly<Record<Side, Body>>,
  monitors: readonly Body[],
): { monitor: Body | null; refusals: Refusal[] } {
  const none = (message: string, facts: Record<string, unknown>) => {
    return { monitor: null, refusals: [notImportable(message, facts)] };
  };
  const [primary, secondary] = [textIn(pools.primary, "monitor"), textIn(pools.secondary, "monitor")];
  for (const side of SIDES) {
    if (textIn(pools[side], "monitor") !== "") continue;
    const group = textIn(pools[side], "monitor_group");
    const what = group === "" ? "no monitor" : "a monitor group in the place of a monitor";
    const message = `the ${side} pool ${textIn(pools[side], "name")} has ${what}: give both pools one monitor first`;
    return none(message, { pool_id: pools[side]["id"] });
  }
  if (primary !== secondary) {
    const message = "the two pools have different monitors: give both pools one monitor first";
    return none(message, { primary, secondary });
  }
  const monitor = monitors.find(({ id }) => id === primary);
  if (monitor === undefined) return none(`the pools' monitor ${primary} is not in Cloudflare's list`, {});
  return { monitor, refusals: monitorRefusals(monitor) };
}

function poolRefusals(pools: Readonly<Record<Side, Body>>): Refusal[] {
  return SIDES.flatMap((side) => {
    const { length } = objectsIn(pools[side]["origins"]);
    if (length === 1) return [];
    const name = textIn(pools[side], "name");
    const message = `the ${side} pool ${name} has ${length} endpoints; a failover knows exactly one in each: leave one in it first`;
    return [notImportable(message, { pool_id: pools[side]["id"], endpoints: length })];
  });
}

/** `monitors` and `pools` are complete lists. */
export function assignRoles(
  loadBalancer: Body,
  pools: readonly Body[],
  monitors: readonly Body[],
): Assignment {
  const name = textIn(loadBalancer, "name");
  const refusals: Refusal[] = [];
  if (loadBalancer["enabled"] === false) {
    const message = `the load balancer ${name} is disabled, so nobody is served by it: enable it first, or create a failover anew, which begins as a draft`;
    refusals.push(notImportable(message, { load_balancer_id: loadBalancer["id"] }));
  }
  const none = (more: Refusal[]): Assignment => {
    return {
      objects: { load_balancer: loadBalancer },
      parts: null,
      active: "primary",
      refusals: [...refusals, ...more],
    };
  };
  const ids = idsIn(loadBalancer["default_pools"]);
  const [firstId, secondId] = ids;
  if (ids.length !== 2 || firstId === secondId) {
    const { size } = new Set(ids);
    const message = `the load balancer ${name} has ${size} default pool${size === 1 ? "" : "s"}; a failover has exactly two, the primary and the secondary`;
    return none([notImportable(message, { default_pools: ids })]);
  }
  const [first, second] = ids.map((id) => pools.find((pool) => pool["id"] === id));
  if (first === undefined || second === undefined) {
    const missing = ids.filter((id) => !pools.some((pool) => pool["id"] === id)).join(", ");
    return none([notImportable(`the pool ${missing} is not in Cloudflare's list: try again in a moment`)]);
  }
  const active = activeIn([first, second]);
  const pair = { [active]: first, [otherSide(active)]: second } as Record<Side, Body>;
  const { monitor, refusals: ofMonitor } = monitorOf(pair, monitors);
  const objects = {
    ...pair,
    load_balancer: loadBalancer,
    ...(monitor === null ? {} : { monitor }),
  };
  return {
    objects,
    parts: monitor === null ? null : { monitor, ...pair, load_balancer: loadBalancer },
    active,
    refusals: [...refusals, ...poolRefusals(pair), ...ofMonitor],
  };
}

/** Whoever marked an object manages it: two managers would undo each other's work. `nameOf` knows our own failovers. */
export function markerRefusals(
  objects: Readonly<Partial<Record<Role, Body>>>,
  installation: string,
  nameOf: (failoverId: string) => string | null,
): Refusal[] {
  return ROLES.flatMap((role) => {
    const found = markerIn(objects[role]?.["description"]);
    if (found === null) return [];
    const failover = nameOf(found.failoverId);
    const who =
      found.installation !== installation
        ? `a failover of another installation of this service (${found.installation}): delete it there with mode=orphan first`
        : failover === null
          ? `a failover that does not exist any more (${found.failoverId}): take the marker off its description first`
          : `the failover ${failover}`;
    const message = `${describeRole(role)} carries the marker of ${who}`;
    return [notImportable(message, { kind: kindOf(role), marker: found.marker })];
  });
}
