// API-FACTS 6.2 to 6.6: what an account says about its load balancing as a whole.
import { Hono } from "hono";
import { REGIONS } from "../plans.ts";
import { needs, ok, type CallEnv } from "./call.ts";
import { page, SEARCH_PAGING } from "./paging.ts";
import { presentPreview } from "./pool-health.ts";
import { monitorReferences, poolReferences, poolsOf, type Reference } from "./references.ts";
import { authenticationError, notFound } from "./refusal.ts";

const READ = needs("Load Balancing: Monitors and Pools Read");

export const loadBalancingAccount = new Hono<CallEnv>()
  .get("/preview/:id", READ, (c) => {
    const preview = c.env.state.previews.get(c.req.param("id"));
    if (preview === undefined) throw notFound();
    return ok(c, presentPreview(c.env.state, c.env.now, preview));
  })
  .get("/regions", READ, (c) =>
    ok(c, {
      regions: Object.entries(REGIONS).map(([region_code, region_name]) => ({
        region_code,
        region_name,
        countries: [],
      })),
    }),
  )
  .get("/regions/:code", READ, (c) => {
    const code = c.req.param("code");
    const name = REGIONS[code];
    if (name === undefined) throw notFound();
    return ok(c, { region_code: code, region_name: name, countries: [] });
  })
  .get("/usage", READ, (c) => {
    const { usageWithoutSubscription } = c.env.state.switches;
    if (!c.env.state.limits.loadBalancing && usageWithoutSubscription !== "zeros") {
      throw usageWithoutSubscription === 403 ? authenticationError() : notFound();
    }
    const { limits, switches, monitors, pools, loadBalancers } = c.env.state;
    const used = switches.usageMeaning === "used";
    let origins = 0;
    for (const pool of pools.values()) origins += pool.origins.length;
    return ok(c, {
      load_balancers: used ? loadBalancers.size : limits.loadBalancers,
      monitors: used ? monitors.size : limits.monitors,
      pools: used ? pools.size : limits.pools,
      origins: used ? origins : limits.origins,
      max_origins_per_pool: limits.originsPerPool,
      minimum_monitor_interval: limits.minimumInterval,
    });
  })
  .get("/search", READ, (c) => {
    const { state } = c.env;
    const query = (c.req.query("query") ?? "").toLowerCase();
    const wanted = c.req.query("references") ?? "";
    const referencesOf = (all: Reference[]): Reference[] =>
      wanted === "" ? [] : all.filter((item) => wanted === "*" || item.reference_type === wanted);
    const resources = [
      ...[...state.loadBalancers.values()].map((lb) => ({
        resource_type: "load_balancer",
        resource_id: lb.id,
        resource_name: lb.name,
        references: referencesOf(
          [...poolsOf(lb)].map((id) => ({
            reference_type: "referral",
            resource_id: id,
            resource_name: state.pools.get(id)?.name ?? "",
            resource_type: "pool",
          })),
        ),
      })),
      ...[...state.pools.values()].map((pool) => ({
        resource_type: "pool",
        resource_id: pool.id,
        resource_name: pool.name,
        references: referencesOf(poolReferences(state, pool.id)),
      })),
      ...[...state.monitors.values()].map((monitor) => ({
        resource_type: "monitor",
        resource_id: monitor.id,
        resource_name: monitor.description,
        references: referencesOf(monitorReferences(state, monitor.id)),
      })),
    ].filter((resource) => resource.resource_name.toLowerCase().includes(query));
    const { items, info } = page(c, resources, SEARCH_PAGING);
    return ok(c, { resources: items }, info);
  });
