import { beforeEach, describe, expect, test } from "vitest";
import { createControl } from "./control.ts";
import { aBench, buildFailover, type Bench } from "./failover-setup.ts";

let bench: Bench;
let control: ReturnType<typeof createControl>;

beforeEach(() => {
  bench = aBench();
  control = createControl(bench.simulator, () => bench.clock.at);
});

// Tests look into answers of every shape.
// oxlint-disable-next-line typescript/no-explicit-any
async function pull(method: string, path: string, body?: unknown): Promise<any> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  const response = await control.request(`/_sim${path}`, init);
  const text = await response.text();
  return text === "" ? { status: response.status } : JSON.parse(text);
}

test("summarises the world", async () => {
  await buildFailover(bench);
  const state = await pull("GET", "/state");
  expect(state).toMatchObject({
    now: "2026-11-02T12:00:00.000Z",
    zones: [{ name: "example.com" }],
    pools: [
      { name: "primary", healthy: true },
      { name: "secondary", healthy: true },
    ],
    load_balancers: [{ name: "lb.example.com" }],
    pages_projects: [{ name: "shop", deployments: 1 }],
    calls: 4,
  });
  expect(JSON.stringify(state)).not.toContain("test-cloudflare-token");
});

test("seeds a world of one's own", async () => {
  await pull("POST", "/seed", {
    zones: [{ name: "shop.example" }],
    origins: [{ address: "203.0.113.80", title: "Own" }],
    pages_projects: [{ name: "standin" }],
    dns_records: [{ zone: "shop.example", type: "A", name: "www", content: "203.0.113.80", proxied: true }],
    certificate_packs: [{ zone: "shop.example", hosts: ["a.b.shop.example"] }],
  });
  const visit = await pull("GET", `/visit?url=${encodeURIComponent("https://www.shop.example/")}`);
  expect(visit).toMatchObject({ status: 200, servedBy: "dns", address: "203.0.113.80" });
});

test("seeds what stands beside a load balancer, edits and removes it, and breaks the resolver", async () => {
  const zone = "example.com";
  const seeded = await pull("POST", "/seed", {
    worker_routes: [{ zone, pattern: "*example.com/*", script: "edge" }],
    worker_domains: [{ zone, hostname: "w.example.com", service: "edge" }],
    rules: [{ zone, phase: "http_request_dynamic_redirect", expression: "true" }],
    page_rules: [{ zone, url: "*example.com/*" }],
    custom_hostnames: [{ zone, hostname: "customer.example" }],
  });
  expect(seeded).toMatchObject({
    worker_routes: [{ pattern: "*example.com/*" }],
    worker_domains: [{ service: "edge" }],
    rulesets: [{ phase: "http_request_dynamic_redirect", rules: [{ action: "redirect" }] }],
    page_rules: [{ status: "active" }],
    custom_hostnames: [{ status: "active" }],
    resolver: { outage: null },
  });
  const customer = seeded.custom_hostnames[0].id;
  expect(await pull("PATCH", `/custom_hostnames/${customer}`, { status: "blocked" })).toMatchObject({
    status: "blocked",
  });
  await pull("DELETE", `/worker_routes/${seeded.worker_routes[0].id}`);
  expect(await pull("PATCH", "/resolver", { outage: "refused" })).toEqual({ outage: "refused" });
  expect(await pull("GET", "/state")).toMatchObject({ worker_routes: [], resolver: { outage: "refused" } });
});

test("stops an origin, deploys to Pages, and edits or removes objects behind our back", async () => {
  const built = await buildFailover(bench);
  await pull("PATCH", "/origins/origin.example.net", { up: false });
  expect(await pull("GET", "/visit?url=https://lb.example.com/")).toMatchObject({ status: 521 });
  await pull("POST", "/settle-health");
  const old = await pull("POST", "/deploy/shop", { ageSeconds: 86_400, body: "<title>stale</title>" });
  expect(old.created_on).toMatch(/^2026-11-01T12:00:00/);
  await pull("POST", "/deploy/shop", { body: "<title>fresh</title>" });
  expect((await pull("GET", "/visit?url=https://lb.example.com/")).body).toContain("fresh");
  expect(await pull("PATCH", `/pools/${built.secondary}`, { enabled: false })).toMatchObject({
    enabled: false,
  });
  expect(await pull("GET", "/visit?url=https://lb.example.com/")).toMatchObject({ status: 530 });
  await pull("DELETE", `/load_balancers/${built.lb}`);
  expect(bench.simulator.world.loadBalancers.size).toBe(0);
});

test("runs the health checks that are due", async () => {
  const built = await buildFailover(bench, { settle: false });
  bench.clock.advance(60_000);
  expect((await pull("POST", "/run-due")).pools[0]).toMatchObject({ id: built.primary, healthy: true });
});

describe("faults", () => {
  test("are added, shown with their hits, and removed", async () => {
    const effect = { kind: "status", status: 503, when: "before" };
    const { id } = await pull("POST", "/faults", { match: { path: "/zones", times: 5 }, effect });
    await pull("POST", "/faults", { match: { path: String.raw`/load_balancers\/usage$/` }, effect });
    expect((await bench.call("GET", "/zones")).status).toBe(503);
    expect((await bench.call("GET", `${bench.account}/load_balancers/usage`)).status).toBe(503);
    expect(await pull("GET", "/faults")).toMatchObject([{ id, hits: 1 }, { hits: 1 }]);
    await pull("DELETE", `/faults/${id}`);
    expect((await bench.call("GET", "/zones")).status).toBe(200);
    await pull("DELETE", "/faults");
    expect(await pull("GET", "/faults")).toEqual([]);
  });

  test("may leave objects out of a list by their members", async () => {
    await pull("POST", "/faults", {
      match: {},
      effect: { kind: "partial-list", omit: { name: "example.com" } },
    });
    expect((await bench.call("GET", "/zones")).result).toEqual([]);
  });
});

test("shows and forgets the calls", async () => {
  await bench.call("GET", "/zones");
  expect(await pull("GET", "/calls")).toMatchObject([{ method: "GET", path: "/zones", status: 200 }]);
  await pull("DELETE", "/calls");
  expect(bench.simulator.calls).toEqual([]);
});

test("turns switches, limits and the token, without showing its value", async () => {
  expect(await pull("PATCH", "/switches", { listMode: "paged" })).toMatchObject({ listMode: "paged" });
  expect(await pull("PATCH", "/limits", { pools: 1 })).toMatchObject({ pools: 1 });
  const token = await pull("PATCH", "/token", { permissions: ["Zone Read"] });
  expect(token.permissions).toEqual(["Zone Read"]);
  expect(token).not.toHaveProperty("value");
  expect((await bench.call("GET", `${bench.account}/pages/projects`)).status).toBe(403);
});

test("names what it doesn't know", async () => {
  expect(await pull("PATCH", "/origins/nobody.example", {})).toEqual({
    error: "the simulated world has no origin nobody.example",
  });
});
