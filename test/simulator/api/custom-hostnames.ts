// Cloudflare for SaaS: hostnames of customers in this zone.
import { Hono } from "hono";
import { needs, zoneOfCall, type CallEnv } from "./call.ts";
import { paged, ZONE_PAGING, type Shown } from "./paging.ts";

export const customHostnames = new Hono<CallEnv>().get("/", needs("SSL and Certificates Read"), (c) => {
  const zone = zoneOfCall(c);
  const query = c.req.query();
  // Newer clients name the way of comparing; the plain form is by equality.
  const exact = query["hostname"] ?? query["hostname.exact"];
  const contained = query["hostname.contain"];
  const { hostname_status: status } = query;
  const shown = [...c.env.state.customHostnames.values()]
    .filter(
      ({ zone_id, hostname, status: actual }) =>
        zone_id === zone.id &&
        (exact === undefined || hostname === exact.toLowerCase()) &&
        (contained === undefined || hostname.includes(contained.toLowerCase())) &&
        (status === undefined || actual === status),
    )
    .map(({ zone_id: _zone, ...customHostname }): Shown => customHostname);
  return paged(c, shown, ZONE_PAGING);
});
