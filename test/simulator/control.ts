// Levers for people and scripts that drive a running simulator: JSON over HTTP under /_sim.
import { Hono } from "hono";
import type { RulePhase } from "./beside-the-balancer.ts";
import type { FaultHandle, Match } from "./faults.ts";
import type { LoadBalancer, Monitor, Origin, Pool, Zone } from "./objects.ts";
import type { DeployOptions } from "./pages-projects.ts";
import type { Permission } from "./permissions.ts";
import { seedExample } from "./seed.ts";
import type { Effect, Simulator, World } from "./simulator.ts";
import type { Kind } from "./world-edits.ts";

export interface Seed {
  example?: boolean;
  zones?: Parameters<World["addZone"]>[0][];
  dns_records?: (Parameters<World["addDnsRecord"]>[1] & { zone: string })[];
  certificate_packs?: (Parameters<World["addCertificatePack"]>[1] & { zone: string })[];
  origins?: Parameters<World["addOrigin"]>[0][];
  pages_projects?: Parameters<World["addPagesProject"]>[0][];
  worker_routes?: (Parameters<World["addWorkerRoute"]>[1] & { zone: string })[];
  worker_domains?: (Parameters<World["addWorkerDomain"]>[1] & { zone: string })[];
  rules?: (Parameters<World["addRule"]>[2] & { zone: string; phase: RulePhase })[];
  page_rules?: (Parameters<World["addPageRule"]>[1] & { zone: string })[];
  custom_hostnames?: (Parameters<World["addCustomHostname"]>[1] & { zone: string })[];
}

/** A pattern between slashes is a regular expression; `omit` names the members of the objects to be left out. */
interface FaultRequest {
  match: Omit<Match, "path"> & { path?: string };
  effect: Exclude<Effect, { kind: "partial-list" }> | { kind: "partial-list"; omit: Record<string, unknown> };
}

const KINDS: Record<string, Kind> = {
  monitors: "monitor",
  pools: "pool",
  load_balancers: "load_balancer",
  zones: "zone",
  dns_records: "dns_record",
  certificate_packs: "certificate_pack",
  pages_projects: "pages_project",
  worker_routes: "worker_route",
  worker_domains: "worker_domain",
  rulesets: "ruleset",
  page_rules: "page_rule",
  custom_hostnames: "custom_hostname",
};

export function applySeed(world: World, seed: Seed): void {
  if (seed.example === true) seedExample(world);
  for (const zone of seed.zones ?? []) world.addZone(zone);
  for (const origin of seed.origins ?? []) world.addOrigin(origin);
  for (const project of seed.pages_projects ?? []) world.addPagesProject(project);
  for (const { zone, ...pack } of seed.certificate_packs ?? []) world.addCertificatePack(zone, pack);
  for (const { zone, ...record } of seed.dns_records ?? []) world.addDnsRecord(zone, record);
  for (const { zone, ...route } of seed.worker_routes ?? []) world.addWorkerRoute(zone, route);
  for (const { zone, ...domain } of seed.worker_domains ?? []) world.addWorkerDomain(zone, domain);
  for (const { zone, phase, ...rule } of seed.rules ?? []) world.addRule(zone, phase, rule);
  for (const { zone, ...rule } of seed.page_rules ?? []) world.addPageRule(zone, rule);
  for (const { zone, ...customHostname } of seed.custom_hostnames ?? [])
    world.addCustomHostname(zone, customHostname);
}

function summary({ world, calls }: Simulator, now: number): Record<string, unknown> {
  return {
    now: new Date(now).toISOString(),
    account: world.account,
    zones: [...world.zones.values()],
    dns_records: [...world.dnsRecords.values()],
    monitors: [...world.monitors.values()],
    pools: Array.from(world.pools.values(), (pool) => ({ ...pool, healthy: world.isPoolHealthy(pool.id) })),
    load_balancers: [...world.loadBalancers.values()],
    pages_projects: Array.from(world.pagesProjects.values(), ({ deployments, ...project }) => ({
      ...project,
      deployments: deployments.length,
    })),
    worker_routes: [...world.workerRoutes.values()],
    worker_domains: [...world.workerDomains.values()],
    rulesets: [...world.rulesets.values()],
    page_rules: [...world.pageRules.values()],
    custom_hostnames: [...world.customHostnames.values()],
    origins: [...world.origins.values()],
    resolver: world.resolver,
    switches: world.switches,
    limits: world.limits,
    budget: world.budget,
    calls: calls.length,
  };
}

function asEffect(sent: FaultRequest["effect"]): Effect {
  if (sent.kind !== "partial-list") return sent;
  const wanted = Object.entries(sent.omit);
  return {
    kind: "partial-list",
    omit: (object) => wanted.every(([member, value]) => object[member] === value),
  };
}

function asMatch({ path, ...match }: FaultRequest["match"]): Match {
  if (path === undefined) return match;
  const pattern = /^\/(.+)\/$/.exec(path)?.[1];
  return {
    ...match,
    path: pattern === undefined || !/[\\^$.*+?()[\]|]/.test(pattern) ? path : new RegExp(pattern),
  };
}

export function createControl(simulator: Simulator, now: () => number): Hono {
  const { world, faults, calls } = simulator;
  const armed = new Map<string, { handle: FaultHandle; request: FaultRequest }>();
  let lastFault = 0;
  const app = new Hono().basePath("/_sim");

  app.get("/state", (c) => c.json(summary(simulator, now())));
  app.post("/seed", async (c) => {
    const text = await c.req.text();
    const seed: Seed = text === "" ? { example: true } : JSON.parse(text);
    applySeed(world, seed);
    return c.json(summary(simulator, now()));
  });
  app.post("/run-due", async (c) => {
    await simulator.runDue();
    return c.json(summary(simulator, now()));
  });
  app.post("/settle-health", (c) => {
    world.settleHealth();
    return c.json(summary(simulator, now()));
  });
  app.get("/visit", (c) => c.json(world.visit(c.req.query("url") ?? "")));
  app.post("/deploy/:project", async (c) => {
    const text = await c.req.text();
    const options: DeployOptions = text === "" ? {} : JSON.parse(text);
    return c.json(world.deploy(c.req.param("project"), options));
  });

  app.get("/calls", (c) => c.json(calls));
  app.delete("/calls", (c) => {
    calls.length = 0;
    return c.body(null, 204);
  });

  app.get("/faults", (c) =>
    c.json(Array.from(armed, ([id, { handle, request }]) => ({ id, hits: handle.hits, ...request }))),
  );
  app.post("/faults", async (c) => {
    const request = await c.req.json<FaultRequest>();
    lastFault += 1;
    const id = String(lastFault);
    armed.set(id, {
      request,
      handle: faults.add({ match: asMatch(request.match), effect: asEffect(request.effect) }),
    });
    return c.json({ id, ...request }, 201);
  });
  app.delete("/faults", (c) => {
    faults.clear();
    armed.clear();
    return c.body(null, 204);
  });
  app.delete("/faults/:id", (c) => {
    armed.get(c.req.param("id"))?.handle.remove();
    armed.delete(c.req.param("id"));
    return c.body(null, 204);
  });

  app.patch("/origins/:address", async (c) => {
    const patch = await c.req.json<Partial<Origin>>();
    return c.json(Object.assign(world.origin(c.req.param("address")), patch));
  });
  app.patch("/switches", async (c) => c.json(Object.assign(world.switches, await c.req.json<object>())));
  app.patch("/resolver", async (c) => c.json(Object.assign(world.resolver, await c.req.json<object>())));
  app.patch("/limits", async (c) => c.json(Object.assign(world.limits, await c.req.json<object>())));
  app.patch("/token", async (c) => {
    const { permissions, ...patch } = await c.req.json<{ permissions?: Permission[] }>();
    Object.assign(world.token, patch);
    if (permissions !== undefined) world.token.permissions = new Set(permissions);
    const { value: _secret, ...token } = world.token;
    return c.json({ ...token, permissions: [...token.permissions] });
  });
  app.patch("/:kind/:id", async (c) => {
    const kind = KINDS[c.req.param("kind")];
    if (kind === undefined) return c.notFound();
    const patch = await c.req.json<Partial<Monitor & Pool & LoadBalancer & Zone>>();
    return c.json(world.edit<Kind>(kind, c.req.param("id"), patch));
  });
  app.delete("/:kind/:id", (c) => {
    const kind = KINDS[c.req.param("kind")];
    if (kind === undefined) return c.notFound();
    world.remove(kind, c.req.param("id"));
    return c.body(null, 204);
  });
  app.onError((error, c) => c.json({ error: error.message }, 400));
  return app;
}
