// Cloudflare's API, as far as the simulator has it: this is its table of contents.
import { Hono } from "hono";
import { account } from "./account.ts";
import { accountScope, checkToken, refuse, zoneScope, type CallEnv } from "./call.ts";
import { alerting } from "./alerting.ts";
import { customHostnames } from "./custom-hostnames.ts";
import { dnsRecords } from "./dns-records.ts";
import { loadBalancers } from "./load-balancers.ts";
import { loadBalancingAccount } from "./load-balancing-account.ts";
import { monitors } from "./monitors.ts";
import { pageRules } from "./page-rules.ts";
import { pages } from "./pages.ts";
import { pools } from "./pools.ts";
import { Refusal, unroutable } from "./refusal.ts";
import { rulesets } from "./rulesets.ts";
import { workerDomains, workerRoutes } from "./workers.ts";
import { zones } from "./zones.ts";

const ZONE_PRODUCTS = [
  "load_balancers",
  "dns_records",
  "workers",
  "rulesets",
  "pagerules",
  "custom_hostnames",
] as const;

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
  app.use("/accounts/:account/alerting/*", accountScope);
  app.use("/accounts/:account/workers/*", accountScope);
  for (const product of ZONE_PRODUCTS) app.use(`/zones/:zone/${product}/*`, zoneScope);

  app.route("/", account);
  app.route("/zones", zones);
  app.route("/zones/:zone/dns_records", dnsRecords);
  app.route("/zones/:zone/load_balancers", loadBalancers);
  app.route("/zones/:zone/workers/routes", workerRoutes);
  app.route("/zones/:zone/rulesets", rulesets);
  app.route("/zones/:zone/pagerules", pageRules);
  app.route("/zones/:zone/custom_hostnames", customHostnames);
  app.route("/accounts/:account/load_balancers/monitors", monitors);
  app.route("/accounts/:account/load_balancers/pools", pools);
  app.route("/accounts/:account/load_balancers", loadBalancingAccount);
  app.route("/accounts/:account/pages/projects", pages);
  app.route("/accounts/:account/alerting/v3", alerting);
  app.route("/accounts/:account/workers/domains", workerDomains);

  app.notFound((c) => refuse(unroutable(), c.env.state.switches.bareErrors));
  app.onError((error, c) => {
    if (error instanceof Refusal) return refuse(error, c.env.state.switches.bareErrors);
    throw error;
  });
  return app;
}
