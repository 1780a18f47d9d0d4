import { Hono } from "hono";
import { newUuid } from "../identity.ts";
import type { Monitor } from "../objects.ts";
import { needs, ok, readBody, type Call, type CallEnv } from "./call.ts";
import { fillMonitor, presentMonitor } from "./monitor-rules.ts";
import { loadBalancingList } from "./paging.ts";
import { monitorReferences, refuseIfInUse } from "./references.ts";
import { notFound, overQuota } from "./refusal.ts";
import { store } from "./writing.ts";

const READ = needs("Load Balancing: Monitors and Pools Read");
const WRITE = needs("Load Balancing: Monitors and Pools Write");

function monitorOf(c: Call): Monitor {
  const monitor = c.env.state.monitors.get(c.req.param("id") ?? "");
  if (monitor === undefined) throw notFound();
  return monitor;
}

function present(c: Call, monitor: Monitor): Response {
  return ok(c, presentMonitor(c.env.state, monitor));
}

export const monitors = new Hono<CallEnv>()
  .get("/", READ, (c) => {
    const all = [...c.env.state.monitors.values()];
    return loadBalancingList(
      c,
      all.map((monitor) => presentMonitor(c.env.state, monitor)),
    );
  })
  .post("/", WRITE, async (c) => {
    const body = await readBody(c);
    const { state, now } = c.env;
    const monitor = fillMonitor(state, now, body);
    if (state.monitors.size >= state.limits.monitors) throw overQuota(state, "monitors");
    return present(c, store(state, state.monitors, monitor));
  })
  .get("/:id", READ, (c) => present(c, monitorOf(c)))
  .put("/:id", WRITE, async (c) => {
    const body = await readBody(c);
    const { state, now } = c.env;
    return present(c, store(state, state.monitors, fillMonitor(state, now, body, monitorOf(c))));
  })
  .patch("/:id", WRITE, async (c) => {
    const body = await readBody(c);
    const { state, now } = c.env;
    const before = monitorOf(c);
    return present(c, store(state, state.monitors, fillMonitor(state, now, { ...before, ...body }, before)));
  })
  .delete("/:id", WRITE, (c) => {
    const { id } = monitorOf(c);
    refuseIfInUse(c.env.state, monitorReferences(c.env.state, id));
    c.env.state.monitors.delete(id);
    return ok(c, { id });
  })
  .get("/:id/references", READ, (c) => ok(c, monitorReferences(c.env.state, monitorOf(c).id)))
  .post("/:id/preview", WRITE, async (c) => {
    const body = await readBody(c);
    const { state, now } = c.env;
    const before = monitorOf(c);
    const monitor = fillMonitor(state, now, { ...before, ...body }, before);
    const pools = [...state.pools.values()].filter((pool) => pool.monitor === before.id);
    const id = newUuid(state);
    state.previews.set(id, {
      id,
      readyAt: now + state.switches.previewMs,
      poolIds: pools.map((pool) => pool.id),
      monitor,
    });
    return ok(c, { preview_id: id, pools: Object.fromEntries(pools.map((pool) => [pool.id, pool.name])) });
  });
