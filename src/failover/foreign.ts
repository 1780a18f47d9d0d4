// Says what stands at Cloudflare beside what a failover wants and who gets visitors because of it: somebody else's
// routing, and what an import left alone. Reported, never healed unless asked for.
import { canonical, originMember, ownershipOf, ROUTING_MEMBERS } from "./canonical.ts";
import { desiredObjects, type Body, type Desired } from "./desired.ts";
import type { Failover, Imported } from "./failover.ts";
import { kindOf, type Role } from "./marker.ts";

/**
 * `routes`: nobody can tell any more who gets a visitor. `shares`: the pair's pools work for somebody else too.
 * `none`: it changes nothing about who gets a visitor, or only what is seen anyway (a disabled pool).
 */
export type ForeignEffect = "routes" | "shares" | "none";

/** Routing that somebody else added and that can bypass the pair, or a member that an import left alone. */
export interface ForeignRouting {
  readonly role: Role;
  /** Begins with Cloudflare's member name. */
  readonly path: string;
  readonly message: string;
  readonly effect: ForeignEffect;
  /** Whether an import left it alone on purpose. */
  readonly kept: boolean;
}

export const isRoutingMember = (path: string): boolean =>
  (ROUTING_MEMBERS as readonly string[]).includes(path);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : !isObject(value) || Object.keys(value).length === 0;
}

/** The routing members that are in use. */
export function routingIn(loadBalancer: Body): string[] {
  return ROUTING_MEMBERS.filter((member) => !isEmpty(loadBalancer[member]));
}

export const isKept = ({ imported }: Pick<Failover, "imported">, role: Role, path: string): boolean =>
  imported?.kept.some((one) => one.role === role && one.path === path) ?? false;

/** Somebody else's routing over the pair, whether or not an import left it alone. */
export function findForeignRouting(
  loadBalancer: Body,
  sharedWith: readonly string[],
  failover: Pick<Failover, "imported"> = { imported: null },
): ForeignRouting[] {
  return [
    ...routingIn(loadBalancer).map((path): ForeignRouting => ({
      role: "load_balancer",
      path,
      message: `${path} on the load balancer can send visitors past the pair`,
      effect: "routes",
      kept: isKept(failover, "load_balancer", path),
    })),
    ...sharedWith.map((name): ForeignRouting => ({
      role: "load_balancer",
      path: "default_pools",
      message: `a pool of this failover is also used by the load balancer ${name}`,
      effect: "shares",
      kept: false,
    })),
  ];
}

export interface Meaning {
  readonly message: string;
  readonly effect: ForeignEffect;
}

function show(value: unknown): string {
  if (value === null) return "everywhere";
  if (Array.isArray(value)) return value.join(", ") || "nowhere";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function loadBalancerMeaning(path: string, is: unknown, pair: readonly string[]): Meaning | null {
  switch (path) {
    case "steering_policy":
      return {
        message: `the steering policy is ${show(is)}, so the order of the pools alone does not decide who gets visitors`,
        effect: "routes",
      };
    case "fallback_pool":
      return pair.includes(show(is))
        ? {
            message:
              "the fallback pool is the primary and not the secondary: with both down visitors get the primary's error",
            effect: "none",
          }
        : {
            message: "the fallback pool is neither of the pair: with both down it gets the visitors",
            effect: "routes",
          };
    default:
      return null;
  }
}

function originMeaning(role: Role, member: string, is: unknown): Meaning | null {
  const endpoint = `the endpoint in the ${role} pool`;
  switch (member) {
    case "enabled":
      return { message: `${endpoint} is disabled: it gets no visitors and no health checks`, effect: "none" };
    case "weight":
      return is === 0
        ? {
            message: `${endpoint} has weight 0: it gets no visitors, however healthy it is`,
            effect: "routes",
          }
        : {
            message: `${endpoint} has weight ${show(is)}, which means nothing for a single one`,
            effect: "none",
          };
    default:
      return null;
  }
}

function poolMeaning(role: Role, path: string, is: unknown, wanted: unknown): Meaning | null {
  const inner = originMember(path);
  if (inner !== null) return originMeaning(role, inner.member, is);
  switch (path) {
    case "enabled":
      return {
        message: `the ${role} pool is disabled: it gets no visitors and no health checks`,
        effect: "none",
      };
    case "minimum_origins":
      return {
        message: `the ${role} pool counts as healthy from ${show(is)} healthy endpoints on, so its one endpoint does not decide that`,
        effect: "routes",
      };
    case "check_regions":
      return {
        message: `the ${role} pool is checked from other regions (${show(is)}) than the spec says (${show(wanted)})`,
        effect: "none",
      };
    default:
      return null;
  }
}

const TIMING: readonly string[] = ["interval", "timeout", "retries"];

/** What a member that a spec can't say means; null of one without which nothing true could be said of the failover. */
export function meaningOf(
  role: Role,
  path: string,
  is: unknown,
  wanted: unknown,
  pair: readonly string[],
): Meaning | null {
  if (role === "load_balancer") return loadBalancerMeaning(path, is, pair);
  if (role !== "monitor") return poolMeaning(role, path, is, wanted);
  return TIMING.includes(path)
    ? { message: `the monitor's ${path} is ${show(is)}, which a spec can't say`, effect: "none" }
    : null;
}

/** Whether putting it right is a matter of a member that is ours, or that can be emptied. */
export function canBeHealed(role: Role, path: string): boolean {
  if (role === "load_balancer" && isRoutingMember(path)) return true;
  return meaningOf(role, path, null, null, []) !== null;
}

/** What is left where all was asked to be healed, with the reason; null where nothing is. */
export function describeRest(foreign: readonly ForeignRouting[]): string | null {
  if (foreign.length === 0) return null;
  const left = foreign.map(({ message, effect }) =>
    effect === "shares" ? `${message}, which only a change of that load balancer can end` : message,
  );
  return `what is wanted is in place, but this can't be healed here: ${left.join("; ")}`;
}

function shedPercent(value: unknown): number {
  const shedding = isObject(value) ? value : {};
  const percents = [shedding["default_percent"], shedding["session_percent"]];
  return Math.max(...percents.map((percent) => (typeof percent === "number" ? percent : 0)));
}

/** Members that are never ours and yet say something about who gets visitors or how health is found. */
export function findBeside(role: Role, object: Body): (Meaning & { readonly path: string })[] {
  const kind = kindOf(role);
  switch (kind) {
    case "monitor": {
      const zone = object["probe_zone"];
      if (typeof zone !== "string" || zone === "") return [];
      const message = `health checks are made with the settings of the zone ${zone} (probe_zone), our own probes without`;
      return [{ path: "probe_zone", message, effect: "none" }];
    }
    case "pool": {
      const percent = shedPercent(object["load_shedding"]);
      const origins = Array.isArray(object["origins"]) ? object["origins"].filter(isObject) : [];
      const network = origins.find(({ virtual_network_id: id }) => typeof id === "string" && id !== "");
      return [
        ...(percent === 0
          ? []
          : [
              {
                path: "load_shedding",
                message: `the ${role} pool sheds up to ${percent} % of its visitors (load_shedding)`,
                effect: "routes" as const,
              },
            ]),
        ...(network === undefined
          ? []
          : [
              {
                path: `origins.${String(network["name"])}.virtual_network_id`,
                message: `the endpoint in the ${role} pool lies in a private network, where our probes can't reach it`,
                effect: "none" as const,
              },
            ]),
      ];
    }
    case "load_balancer":
      return [];
    default:
      return kind satisfies never;
  }
}

/** What is still left alone once something else is wanted: a member that a new spec speaks of is wanted as it says. */
export function keptAfter(before: Failover, after: Failover): Imported | null {
  const { imported } = after;
  if (imported === null) return null;
  const [was, is] = [before, after].map((one) => desiredObjects(one, ""));
  const wanted = (desired: Desired | undefined, role: Role, path: string) =>
    JSON.stringify(canonical(kindOf(role), desired?.[role] ?? {}, () => true).get(path));
  const kept = imported.kept.filter(({ role, path }) => wanted(was, role, path) === wanted(is, role, path));
  return { ...imported, kept };
}

/** What an import left alone in one object, as long as it is not what the failover would have. */
export function findKept(failover: Failover, role: Role, object: Body, desired: Body): ForeignRouting[] {
  const { primary, secondary } = failover.ids;
  const pair = [primary, secondary].filter((id) => id !== undefined);
  const owns = ownershipOf(desired);
  const [is, wanted] = [canonical(kindOf(role), object, owns), canonical(kindOf(role), desired, owns)];
  const beside = findBeside(role, object).filter(({ path }) => isKept(failover, role, path));
  const owned = (failover.imported?.kept ?? []).flatMap(({ role: of, path }) => {
    if (of !== role || JSON.stringify(is.get(path)) === JSON.stringify(wanted.get(path))) return [];
    const meaning = meaningOf(role, path, is.get(path), wanted.get(path), pair);
    return meaning === null ? [] : [{ path, ...meaning }];
  });
  return [...owned, ...beside].map((one) => ({ ...one, role, kept: true }));
}

/** Everything of that kind. `objects` are those that were found. */
export function findForeign(
  failover: Failover,
  objects: Readonly<Partial<Record<Role, Body>>>,
  sharedWith: readonly string[],
  desired: Desired,
): ForeignRouting[] {
  const roles = ["load_balancer", "primary", "secondary", "monitor"] as const;
  return [
    ...findForeignRouting(objects.load_balancer ?? {}, sharedWith, failover),
    ...roles.flatMap((role) => {
      const object = objects[role];
      return object === undefined ? [] : findKept(failover, role, object, desired[role]);
    }),
  ];
}
