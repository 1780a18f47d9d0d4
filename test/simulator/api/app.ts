// Cloudflare's API, as far as the simulator has it: this is its table of contents.
import { Hono } from "hono";
import { account } from "./account.ts";
import { accountScope, checkToken, refuse, zoneScope, type CallEnv } from "./call.ts";
import { dnsRecords } from "./dns-records.ts";
import { loadBalancers } from "./load-balancers.ts";
import { loadBalancingAccount } from "./load-balancing-account.ts";
import { monitors } from "./monitors.ts";
import { pages } from "./pages.ts";
import { pools } from "./pools.ts";
import { Refusal, unroutable } from "./refusal.ts";
import { zones } from "./zones.ts";

export function createApi(): Hono<CallEnv> {
  const app = new Hono<CallEnv>().basePath("/client/v4");

  app.use(async (c, next) => {
    const path = c.req.path.replace(/^\/client\/v4/, "");
    // The one route without authentication (API-FACTS 13).
    if (path !== "/ips") {
      const authorization = c.req.header("authorization") ?? null;
      checkToken(c.env.state, c.env.now, authorization, path.endsWith("/tokens/verify"));
    }
    await next();
  });
  app.use("/accounts/:account/load_balancers/*", accountScope);
  app.use("/accounts/:account/pages/*", accountScope);
  app.use("/zones/:zone/load_balancers/*", zoneScope);
  app.use("/zones/:zone/dns_records/*", zoneScope);

  app.route("/", account);
  app.route("/zones", zones);
  app.route("/zones/:zone/dns_records", dnsRecords);
  app.route("/zones/:zone/load_balancers", loadBalancers);
  app.route("/accounts/:account/load_balancers/monitors", monitors);
  app.route("/accounts/:account/load_balancers/pools", pools);
  app.route("/accounts/:account/load_balancers", loadBalancingAccount);
  app.route("/accounts/:account/pages/projects", pages);

  app.notFound((c) => refuse(unroutable(), c.env.state.switches.bareErrors));
  app.onError((error, c) => {
    if (error instanceof Refusal) return refuse(error, c.env.state.switches.bareErrors);
    throw error;
  });
  return app;
}
