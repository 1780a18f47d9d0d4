// Somebody else at work in the same Cloudflare account: in the dashboard, or with a token of their own.
import type { Body } from "../../src/failover/desired.ts";
import { kindOf, type Role } from "../../src/failover/marker.ts";
import type { Answer, Stage } from "./stage.ts";

export const ROLES: readonly Role[] = ["monitor", "primary", "secondary", "load_balancer"];

export function idOf({ cloudflare }: Answer["body"], role: Role): string {
  const member = role === "primary" || role === "secondary" ? `${role}_pool_id` : `${role}_id`;
  const id: unknown = cloudflare[member];
  if (typeof id !== "string") throw new Error(`the failover has no ${member}`);
  return id;
}

export function pathOf(failover: Answer["body"], role: Role): string {
  const account = "/accounts/a0000000000000000000000000000001/load_balancers";
  const list = {
    monitor: `${account}/monitors`,
    pool: `${account}/pools`,
    load_balancer: `/zones/${failover.zone.id}/load_balancers`,
  };
  return `${list[kindOf(role)]}/${idOf(failover, role)}`;
}

/** The object as it stands at Cloudflare, without the instants of its changes. */
export function objectOf(stage: Stage, failover: Answer["body"], role: Role): Body {
  const { world } = stage.simulator;
  const maps = { monitor: world.monitors, pool: world.pools, load_balancer: world.loadBalancers };
  const map: ReadonlyMap<string, object> = maps[kindOf(role)];
  const object = map.get(idOf(failover, role));
  if (object === undefined) throw new Error(`the ${role} does not exist at Cloudflare`);
  const { modified_on: _, ...members } = structuredClone(object) as Body;
  return members;
}

export function editObject(
  stage: Stage,
  failover: Answer["body"],
  role: Role,
  edit: (object: Body) => Body,
): void {
  const object = objectOf(stage, failover, role);
  stage.simulator.world.edit(kindOf(role), idOf(failover, role), edit(object));
}

/** Takes the object out of use first, as Cloudflare demands it, and deletes it then. */
export function removeObject(stage: Stage, failover: Answer["body"], role: Role): void {
  const { world } = stage.simulator;
  const id = idOf(failover, role);
  if (role === "monitor") {
    for (const pool of world.pools.values())
      if (pool.monitor === id) world.edit("pool", pool.id, { monitor: "" });
  }
  if (role === "primary" || role === "secondary") {
    const other = idOf(failover, role === "primary" ? "secondary" : "primary");
    for (const { id: user, default_pools, fallback_pool } of world.loadBalancers.values()) {
      if (![...default_pools, fallback_pool].includes(id)) continue;
      world.edit("load_balancer", user, { default_pools: [other], fallback_pool: other });
    }
  }
  world.remove(kindOf(role), id);
}

/** A call of Cloudflare's API that isn't ours; it stands in the simulator's log like any other. */
export async function callCloudflare(
  stage: Stage,
  method: string,
  path: string,
  body: unknown,
): Promise<Body & { readonly id: string }> {
  const { token } = stage.simulator.world;
  const response = await stage.simulator.api(
    new Request(`https://api.cloudflare.test/client/v4${path}`, {
      method,
      headers: { authorization: `Bearer ${token.value}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  );
  const envelope = await response.json<{
    success: boolean;
    errors: unknown;
    result: Body & { id: string };
  }>();
  if (!envelope.success) throw new Error(`${method} ${path}: ${JSON.stringify(envelope.errors)}`);
  return envelope.result;
}
