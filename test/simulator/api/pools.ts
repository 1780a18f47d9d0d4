import { Hono } from "hono";
import { timestamp, newUuid } from "../identity.ts";
import { isPoolHealthy } from "../health-verdict.ts";
import type { Pool } from "../objects.ts";
import type { State } from "../state.ts";
import { needs, ok, readBody, type Call, type CallEnv } from "./call.ts";
import { fillMonitor } from "./monitor-rules.ts";
import { loadBalancingList } from "./paging.ts";
import { presentPoolHealth } from "./pool-health.ts";
import { fillPool, presentPool } from "./pool-rules.ts";
import { poolReferences, refuseIfInUse } from "./references.ts";
import { invalid, notFound, overQuota } from "./refusal.ts";
import { store } from "./writing.ts";

const READ = needs("Load Balancing: Monitors and Pools Read");
const WRITE = needs("Load Balancing: Monitors and Pools Write");

function poolOf(c: Call): Pool {
  const pool = c.env.state.pools.get(c.req.param("id") ?? "");
  if (pool === undefined) throw notFound();
  return pool;
}

function shown(state: State, pool: Pool): Record<string, unknown> {
  return presentPool(state, pool, isPoolHealthy(state, pool));
}

function checkQuota(state: State, pool: Pool): void {
  let origins = pool.origins.length;
  for (const other of state.pools.values()) if (other.id !== pool.id) origins += other.origins.length;
  const { limits } = state;
  if (!state.pools.has(pool.id) && state.pools.size >= limits.pools) throw overQuota(state, "pools");
  if (origins > limits.origins) throw overQuota(state, "origins");
}

function save(c: Call, pool: Pool): Response {
  checkQuota(c.env.state, pool);
  return ok(c, shown(c.env.state, store(c.env.state, c.env.state.pools, pool)));
}

export const pools = new Hono<CallEnv>()
  .get("/", READ, (c) => {
    const monitor = c.req.query("monitor");
    const all = [...c.env.state.pools.values()]
      .filter((pool) => monitor === undefined || pool.monitor === monitor)
      .toSorted((left, right) => (left.name < right.name ? -1 : 1));
    return loadBalancingList(
      c,
      all.map((pool) => shown(c.env.state, pool)),
    );
  })
  .post("/", WRITE, async (c) => {
    const body = await readBody(c);
    return save(c, fillPool(c.env.state, c.env.now, body));
  })
  // The one bulk write that exists: clearing the deprecated notification_email (API-FACTS 5.3).
  .patch("/", WRITE, async (c) => {
    const body = await readBody(c);
    const { state, now } = c.env;
    const members = Object.keys(body);
    if (members.length !== 1 || body["notification_email"] !== "")
      throw invalid("only notification_email can be cleared");
    const changed = [...state.pools.values()]
      .filter((pool) => pool.notification_email !== "")
      .toSorted((left, right) => (left.name < right.name ? -1 : 1))
      .map((pool) => Object.assign({}, pool, { notification_email: "", modified_on: timestamp(state, now) }));
    for (const pool of changed) state.pools.set(pool.id, pool);
    return loadBalancingList(
      c,
      changed.map((pool) => shown(state, pool)),
    );
  })
  .get("/:id", READ, (c) => ok(c, shown(c.env.state, poolOf(c))))
  .put("/:id", WRITE, async (c) => {
    const body = await readBody(c);
    return save(c, fillPool(c.env.state, c.env.now, body, poolOf(c)));
  })
  .patch("/:id", WRITE, async (c) => {
    const body = await readBody(c);
    const before = poolOf(c);
    return save(c, fillPool(c.env.state, c.env.now, { ...before, ...body }, before));
  })
  .delete("/:id", WRITE, (c) => {
    const { id } = poolOf(c);
    refuseIfInUse(c.env.state, poolReferences(c.env.state, id));
    c.env.state.pools.delete(id);
    return ok(c, { id });
  })
  .get("/:id/health", READ, (c) => ok(c, presentPoolHealth(c.env.state, poolOf(c))))
  .get("/:id/references", READ, (c) => ok(c, poolReferences(c.env.state, poolOf(c).id)))
  .post("/:id/preview", WRITE, async (c) => {
    const body = await readBody(c);
    const { state, now } = c.env;
    const pool = poolOf(c);
    const monitor = fillMonitor(state, now, body);
    const id = newUuid(state);
    state.previews.set(id, { id, readyAt: now + state.switches.previewMs, poolIds: [pool.id], monitor });
    return ok(c, { preview_id: id, pools: { [pool.id]: pool.name } });
  });
