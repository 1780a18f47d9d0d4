// Workers of the account, as far as they take requests of a zone: routes and custom domains.
import { Hono } from "hono";
import { needs, ok, zoneOfCall, type CallEnv } from "./call.ts";
import { visible, type Shown } from "./paging.ts";

export const workerRoutes = new Hono<CallEnv>().get("/", needs("Workers Routes Read"), (c) => {
  const zone = zoneOfCall(c);
  const routes = [...c.env.state.workerRoutes.values()].filter(({ zone_id }) => zone_id === zone.id);
  const shown = routes.map(({ zone_id: _zone, ...route }): Shown => route);
  return ok(c, visible(c, shown));
});

/** Every filter is by equality; the list has no pages. */
export const workerDomains = new Hono<CallEnv>().get("/", needs("Workers Scripts Read"), (c) => {
  const query = c.req.query();
  const domains = Array.from(c.env.state.workerDomains.values(), (domain): Shown => ({ ...domain }));
  const filters = ["hostname", "zone_id", "zone_name", "service", "environment"];
  const fitting = domains.filter((domain) =>
    filters.every((member) => query[member] === undefined || query[member] === domain[member]),
  );
  return ok(c, visible(c, fitting));
});
