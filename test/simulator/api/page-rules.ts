import { Hono } from "hono";
import { needs, ok, zoneOfCall, type CallEnv } from "./call.ts";
import { visible, type Shown } from "./paging.ts";
import { Refusal } from "./refusal.ts";

/** All at once, the strongest first unless another order is asked for; without `status` also those that are switched off. */
export const pageRules = new Hono<CallEnv>()
  .use(async (c, next) => {
    // Whatever the token may do (cloudflare-docs, account-owned tokens, compatibility matrix).
    if (c.env.state.token.kind === "account")
      throw new Refusal(400, 1011, "Page Rules endpoint does not support account owned tokens.");
    await next();
  })
  .get("/", needs("Page Rules Read"), (c) => {
    const zone = zoneOfCall(c);
    const { status, direction = "desc" } = c.req.query();
    const rules = [...c.env.state.pageRules.values()]
      .filter((rule) => rule.zone_id === zone.id && (status === undefined || rule.status === status))
      .toSorted((left, right) => right.priority - left.priority);
    if (direction === "asc") rules.reverse();
    const shown = rules.map(({ zone_id: _zone, ...rule }): Shown => rule);
    return ok(c, visible(c, shown));
  });
