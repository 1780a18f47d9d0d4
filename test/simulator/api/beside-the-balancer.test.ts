import { beforeEach, describe, expect, test } from "vitest";
import { aBench, type Bench } from "../failover-setup.ts";
import { PERMISSIONS, type Permission } from "../permissions.ts";
import type { World } from "../simulator.ts";

let bench: Bench;
let world: World;
let zone: string;

beforeEach(() => {
  bench = aBench();
  world = bench.simulator.world;
  zone = `/zones/${bench.zoneId}`;
  world.addZone({ name: "other.example" });
});

function withOnly(...permissions: Permission[]): void {
  world.token.permissions = new Set(permissions);
}

function withAllBut(...permissions: Permission[]): void {
  world.token.permissions = new Set(PERMISSIONS.filter((known) => !permissions.includes(known)));
}

test("Worker routes are those of the zone, some of them without a script", async () => {
  const { id } = world.addWorkerRoute("example.com", { pattern: "*example.com/*", script: "edge" });
  world.addWorkerRoute("example.com", { pattern: "www.example.com/static/*" });
  world.addWorkerRoute("other.example", { pattern: "other.example/*", script: "theirs" });
  const { result } = await bench.call("GET", `${zone}/workers/routes`);
  expect(result).toEqual([
    { id, pattern: "*example.com/*", script: "edge" },
    { id: expect.stringMatching(/^[0-9a-f]{32}$/), pattern: "www.example.com/static/*" },
  ]);
});

test("Worker domains are found by hostname and by zone", async () => {
  world.addWorkerDomain("example.com", { hostname: "WWW.example.com", service: "shopfront" });
  world.addWorkerDomain("other.example", { hostname: "other.example", service: "theirs" });
  const path = `${bench.account}/workers/domains`;
  const hostnames = async (query: string): Promise<string[]> =>
    (await bench.call("GET", `${path}${query}`)).result.map((one: { hostname: string }) => one.hostname);
  expect(await hostnames("")).toEqual(["www.example.com", "other.example"]);
  expect(await hostnames("?hostname=www.example.com")).toEqual(["www.example.com"]);
  expect(await hostnames(`?zone_id=${bench.zoneId}`)).toEqual(["www.example.com"]);
  expect(await hostnames(`?hostname=other.example&zone_id=${bench.zoneId}`)).toEqual([]);
  expect((await bench.call("GET", `${path}?service=shopfront`)).result).toEqual([
    {
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      cert_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      hostname: "www.example.com",
      service: "shopfront",
      environment: "production",
      zone_id: bench.zoneId,
      zone_name: "example.com",
    },
  ]);
});

describe("rulesets", () => {
  const entryPoint = (phase: string): string => `${zone}/rulesets/phases/${phase}/entrypoint`;
  const REDIRECTS = "http_request_dynamic_redirect";

  test("a phase that nobody has touched in this zone has no entry point", async () => {
    world.addRule("other.example", REDIRECTS, { expression: "true" });
    const { status, errors } = await bench.call("GET", entryPoint(REDIRECTS));
    expect([status, errors]).toEqual([
      404,
      [{ code: 10003, message: `could not find entrypoint ruleset in the "${REDIRECTS}" phase` }],
    ]);
  });

  test("an entry point has its rules in order, with what they do", async () => {
    world.addRule("example.com", REDIRECTS, { expression: '(http.host eq "a.example.com")' });
    world.addRule("example.com", REDIRECTS, { expression: "true", enabled: false, description: "all" });
    world.addRule("other.example", REDIRECTS, { expression: "false" });
    const { result } = await bench.call("GET", entryPoint(REDIRECTS));
    expect(result).toMatchObject({ kind: "zone", name: "default", phase: REDIRECTS, version: "2" });
    expect(result).not.toHaveProperty("zone_id");
    expect(result.rules).toMatchObject([
      {
        action: "redirect",
        action_parameters: { from_value: { target_url: { value: "https://elsewhere.example/" } } },
        expression: '(http.host eq "a.example.com")',
        enabled: true,
      },
      { expression: "true", enabled: false, description: "all" },
    ]);
  });

  test.each([
    [
      "http_request_origin",
      { action: "route", action_parameters: { origin: { host: "elsewhere.example" } } },
    ],
    ["http_request_cache_settings", { action: "set_cache_settings", action_parameters: { cache: true } }],
  ] as const)("a rule of %s does what rules of that phase do", async (phase, expected) => {
    world.addRule("example.com", phase, { expression: "true" });
    expect((await bench.call("GET", entryPoint(phase))).result.rules).toMatchObject([expected]);
  });

  test("the list has no rules, and Cloudflare's own rulesets beside the zone's", async () => {
    world.addRule("example.com", REDIRECTS, { expression: "true" });
    const { result } = await bench.call("GET", `${zone}/rulesets`);
    expect(result).toMatchObject([
      { kind: "managed", phase: "http_request_firewall_managed" },
      { kind: "zone", phase: REDIRECTS },
    ]);
    for (const ruleset of result) expect(ruleset).not.toHaveProperty("rules");
  });

  test.each([
    [REDIRECTS, "Dynamic URL Redirects Read"],
    ["http_request_origin", "Origin Read"],
    ["http_request_cache_settings", "Cache Settings Read"],
  ] as const)(
    "the entry point of %s needs %s, and any such permission the list",
    async (phase, permission) => {
      world.addRule("example.com", phase, { expression: "true" });
      withOnly(permission);
      expect((await bench.call("GET", entryPoint(phase))).status).toBe(200);
      expect((await bench.call("GET", `${zone}/rulesets`)).status).toBe(200);
      withAllBut(permission);
      const { status, errors } = await bench.call("GET", entryPoint(phase));
      expect([status, errors]).toEqual([403, [{ message: "request is not authorized" }]]);
      expect((await bench.call("GET", `${zone}/rulesets`)).status).toBe(200);
    },
  );

  test("the list is refused without any of the permissions", async () => {
    withAllBut("Dynamic URL Redirects Read", "Origin Read", "Cache Settings Read");
    expect((await bench.call("GET", `${zone}/rulesets`)).status).toBe(403);
  });
});

describe("page rules", () => {
  test("come strongest first, with those that are switched off unless only active ones are asked for", async () => {
    const first = world.addPageRule("example.com", { url: "*example.com/a/*" });
    const second = world.addPageRule("example.com", {
      url: "www.example.com/*",
      actions: [{ id: "cache_level", value: "cache_everything" }],
    });
    const off = world.addPageRule("example.com", { url: "*", status: "disabled" });
    world.addPageRule("other.example", { url: "*" });
    const ids = async (query: string): Promise<string[]> =>
      (await bench.call("GET", `${zone}/pagerules${query}`)).result.map(({ id }: { id: string }) => id);
    expect(await ids("")).toEqual([off.id, second.id, first.id]);
    expect(await ids("?direction=asc")).toEqual([first.id, second.id, off.id]);
    expect(await ids("?status=active")).toEqual([second.id, first.id]);
    expect((await bench.call("GET", `${zone}/pagerules?status=active`)).result).toMatchObject([
      {
        targets: [{ target: "url", constraint: { operator: "matches", value: "www.example.com/*" } }],
        actions: [{ id: "cache_level", value: "cache_everything" }],
        priority: 2,
        status: "active",
      },
      { actions: [{ id: "forwarding_url", value: { status_code: 302 } }] },
    ]);
  });

  test("are closed to an account's token, whatever it may do", async () => {
    world.token.kind = "account";
    const { status, errors } = await bench.call("GET", `${zone}/pagerules`);
    expect([status, errors[0]?.code]).toEqual([400, 1011]);
    expect(errors[0]?.message).toContain("does not support account owned tokens");
  });
});

test("custom hostnames are found by name and status, with the state of their certificate", async () => {
  world.addCustomHostname("example.com", {
    hostname: "App.Customer.example",
    custom_origin_server: "saas.example.net",
  });
  world.addCustomHostname("example.com", {
    hostname: "new.customer.example",
    status: "pending",
    sslStatus: "pending_validation",
  });
  world.addCustomHostname("other.example", { hostname: "app.customer.example" });
  const found = async (query: string): Promise<string[]> =>
    (await bench.call("GET", `${zone}/custom_hostnames${query}`)).result.map(
      ({ hostname }: { hostname: string }) => hostname,
    );
  expect(await found("")).toEqual(["app.customer.example", "new.customer.example"]);
  expect(await found("?hostname.contain=new")).toEqual(["new.customer.example"]);
  expect(await found("?hostname.exact=new.customer.example")).toEqual(["new.customer.example"]);
  expect(await found("?hostname_status=pending")).toEqual(["new.customer.example"]);
  expect(await found("?hostname=customer.example")).toEqual([]);
  const { result, result_info } = await bench.call(
    "GET",
    `${zone}/custom_hostnames?hostname=app.customer.example`,
  );
  expect(result).toEqual([
    {
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      hostname: "app.customer.example",
      status: "active",
      ssl: expect.objectContaining({ status: "active", type: "dv" }),
      custom_origin_server: "saas.example.net",
      created_at: expect.stringMatching(/^2026-11-02T/),
    },
  ]);
  expect(result_info).toMatchObject({ page: 1, total_count: 1 });
});
