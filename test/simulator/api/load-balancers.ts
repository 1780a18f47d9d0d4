import { Hono } from "hono";
import type { LoadBalancer } from "../objects.ts";
import { needs, ok, readBody, zoneOfCall, type Call, type CallEnv } from "./call.ts";
import { fillLoadBalancer, presentLoadBalancer } from "./load-balancer-rules.ts";
import { loadBalancingList } from "./paging.ts";
import { invalid, notFound, overQuota } from "./refusal.ts";
import type { Body } from "./body.ts";
import { store } from "./writing.ts";

const READ = needs("Load Balancers Read");
const WRITE = needs("Load Balancers Write");

function loadBalancerOf(c: Call): LoadBalancer {
  const lb = c.env.state.loadBalancers.get(c.req.param("id") ?? "");
  if (lb === undefined || lb.zone_id !== zoneOfCall(c).id) throw notFound();
  return lb;
}

function write(c: Call, body: Body, before?: LoadBalancer): Response {
  const { state, now } = c.env;
  const lb = fillLoadBalancer(state, now, zoneOfCall(c), body, before);
  return ok(c, presentLoadBalancer(state, store(state, state.loadBalancers, lb)));
}

/** Only the sent members change; what depends on a changed member starts from its default again. */
function merge(before: LoadBalancer, sent: Body): Body {
  const merged: Body = { ...before, ...sent };
  if (sent["session_affinity"] !== undefined && sent["session_affinity"] !== before.session_affinity) {
    merged["session_affinity_ttl"] = sent["session_affinity_ttl"];
  }
  return merged;
}

export const loadBalancers = new Hono<CallEnv>()
  .get("/", READ, (c) => {
    const { state } = c.env;
    const zone = zoneOfCall(c);
    const all = [...state.loadBalancers.values()].filter((lb) => lb.zone_id === zone.id);
    return loadBalancingList(
      c,
      all.map((lb) => presentLoadBalancer(state, lb)),
    );
  })
  .post("/", WRITE, async (c) => {
    const body = await readBody(c);
    const { state } = c.env;
    // This gate fires before anything else is checked (API-FACTS 3).
    if (!state.limits.loadBalancing) throw invalid("load balancing not enabled for zone");
    if (state.loadBalancers.size >= state.limits.loadBalancers) throw overQuota(state, "load balancers");
    return write(c, body);
  })
  .get("/:id", READ, (c) => ok(c, presentLoadBalancer(c.env.state, loadBalancerOf(c))))
  .put("/:id", WRITE, async (c) => {
    const body = await readBody(c);
    return write(c, body, loadBalancerOf(c));
  })
  .patch("/:id", WRITE, async (c) => {
    const body = await readBody(c);
    const before = loadBalancerOf(c);
    return write(c, merge(before, body), before);
  })
  .delete("/:id", WRITE, (c) => {
    const { id } = loadBalancerOf(c);
    c.env.state.loadBalancers.delete(id);
    return ok(c, { id });
  });
