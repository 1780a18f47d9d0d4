import { describe, expect, it } from "vitest";
import type { Body } from "../../src/failover/desired.ts";
import { markerOf, ROLES, type Role } from "../../src/failover/marker.ts";
import {
  CLICKED,
  make,
  objectAt,
  setOldStage,
  STICKY,
  TERRAFORMED,
  type Existing,
  type Ids,
} from "./existing.ts";
import { eventsOf, installation, rowsOf, sentWrites } from "./ledger.ts";
import type { Answer, Stage } from "./stage.ts";

const HOSTNAME = "www.example.com";

const importing = (stage: Stage, body: object) =>
  stage.call("POST", "/v1/import", { hostname: HOSTNAME, ...body });

const visit = (stage: Stage) => stage.simulator.world.visit(`https://${HOSTNAME}/`);

function everything(stage: Stage, ids: Ids): Record<Role, Body> {
  const entries = ROLES.map((role) => [role, objectAt(stage, role, ids[role])]);
  return Object.fromEntries(entries) as Record<Role, Body>;
}

const withoutDescription = (object: Body): Body => ({ ...object, description: null });

/** A visitor comes before, between and after all calls that change something. */
function watchVisitors(stage: Stage): () => (string | null)[] {
  const seen: (string | null)[] = [];
  const look = () => {
    const { status, address } = visit(stage);
    seen.push(status === 200 ? address : `status ${status}`);
  };
  look();
  for (const when of ["before", "after"] as const)
    stage.simulator.faults[when]({ method: "PATCH", times: Number.POSITIVE_INFINITY }, look);
  return () => {
    look();
    stage.simulator.faults.clear();
    return [...new Set(seen)];
  };
}

interface Story {
  readonly what: string;
  readonly existing: Existing;
  readonly order?: readonly ["primary" | "secondary", "primary" | "secondary"];
  readonly spec: object;
  readonly active?: "secondary";
  readonly serving: string;
  /** Where our probes can't tell the endpoints apart. */
  readonly seen?: "unknown";
}

const STORIES: Story[] = [
  {
    what: "made by the tutorial's clicks",
    existing: CLICKED,
    serving: "origin.example.net",
    spec: {
      primary: { address: "origin.example.net", host_header: "" },
      secondary: { pages_project: "shop" },
      load_balancer: { description: "" },
    },
  },
  {
    what: "as Terraform would write it",
    existing: TERRAFORMED,
    serving: "origin.example.net",
    seen: "unknown",
    spec: {
      primary: { address: "origin.example.net", host_header: "", description: "" },
      secondary: { pages_project: "shop", description: "the Pages project" },
      monitor: {
        type: "https",
        description: "Managed by Terraform",
        method: "HEAD",
        path: "/health",
        expected_codes: "2xx",
        follow_redirects: false,
        allow_insecure: true,
        interval: 120,
        timeout: 7,
        retries: 1,
        consecutive_up: 2,
        consecutive_down: 3,
      },
      check_regions: ["ENAM", "WEU"],
      load_balancer: {
        adaptive_routing: { failover_across_pools: false },
        description: "active-passive",
      },
    },
  },
  {
    what: "with session affinity and custom headers, switched over",
    existing: STICKY,
    order: ["secondary", "primary"],
    serving: "standby.example.net",
    active: "secondary",
    spec: {
      primary: {
        address: "origin.example.net",
        host_header: "intern.example.com",
        port: 8080,
        description: "",
      },
      secondary: { address: "standby.example.net", host_header: "", description: "" },
      monitor: {
        description: "checks with a key",
        expected_body: "primary",
        header: { "X-Check": ["understudy"], Host: ["www.example.com"] },
      },
      load_balancer: {
        session_affinity: "ip_cookie",
        session_affinity_ttl: 3600,
        session_affinity_attributes: {
          samesite: "Lax",
          secure: "Always",
          drain_duration: 60,
          zero_downtime_failover: "sticky",
        },
        adaptive_routing: { failover_across_pools: false },
        description: "",
      },
    },
  },
];

async function expectManaged(stage: Stage, ids: Ids, before: Record<Role, Body>): Promise<Answer["body"]> {
  const failover = await stage.failover();
  expect(failover.cloudflare).toEqual({
    monitor_id: ids.monitor,
    primary_pool_id: ids.primary,
    secondary_pool_id: ids.secondary,
    load_balancer_id: ids.load_balancer,
  });
  const short = await installation();
  const now = everything(stage, ids);
  for (const role of ROLES) {
    expect(withoutDescription(now[role])).toEqual(withoutDescription(before[role]));
    const marker = markerOf(short, failover.id, role);
    expect(now[role]["description"]).toBe([before[role]["description"], marker].filter(Boolean).join(" "));
  }
  return failover;
}

describe("an existing load balancer", () => {
  it.each(STORIES)("is read without a write: $what", async ({ existing, order, spec, active }) => {
    const stage = setOldStage();
    const ids = await make(stage, existing, order);
    const before = everything(stage, ids);
    const { status, body } = await importing(stage, { name: "shop" });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      importable: true,
      active: active ?? "primary",
      foreign: [],
      refusals: [],
      objects: {
        load_balancer: { id: ids.load_balancer, name: HOSTNAME },
        primary: { id: ids.primary, name: existing.primary["name"] },
      },
    });
    expect(body.spec).toEqual({ name: "shop", hostname: HOSTNAME, ...spec });
    expect(body.changes.map(({ role, differences }: Answer["body"]) => [role, differences.length])).toEqual(
      ROLES.map((role) => [role, 1]),
    );
    for (const { differences } of body.changes) {
      expect(differences[0]).toMatchObject({ path: "description", class: "cosmetic" });
      expect(differences[0].after).toMatch(/understudy:[a-z0-9]{8}:fo_new:[a-z_]+$/);
    }
    expect(stage.writes()).toEqual([]);
    expect(everything(stage, ids)).toEqual(before);
    expect(await rowsOf("SELECT id FROM failovers")).toEqual([]);
    expect(await rowsOf("SELECT id FROM events")).toEqual([]);
  });

  it.each(STORIES)(
    "is managed by four descriptions, and visitors notice nothing: $what",
    async ({ existing, order, active, serving, seen }) => {
      const stage = setOldStage();
      const ids = await make(stage, existing, order);
      const before = everything(stage, ids);
      const visitors = watchVisitors(stage);
      const { status, body, headers } = await importing(stage, { name: "shop", confirm: true });
      expect(visitors()).toEqual([serving]);
      expect(status).toBe(201);
      expect(headers.get("location")).toBe(`/v1/failovers/${body.id}`);
      expect(headers.get("etag")).toBe('"1"');
      expect(body).toMatchObject({
        name: "shop",
        stage: "production",
        active: active ?? "primary",
        hostname: HOSTNAME,
        test_hostname: "lb-shop.example.com",
        status: { sync: "synced", drift: [], foreign: [] },
      });
      expect(sentWrites(stage).map(({ method, body: sent }) => [method, Object.keys(sent as Body)])).toEqual([
        ["PATCH", expect.arrayContaining(["description", "expected_codes"])],
        ["PATCH", ["description"]],
        ["PATCH", ["description"]],
        ["PATCH", ["description"]],
      ]);
      await expectManaged(stage, ids, before);

      stage.forgetCalls();
      await stage.minutes(20);
      expect(stage.writes()).toEqual([]);
      const { body: plan } = await stage.call("GET", "/v1/failovers/shop/plan");
      expect(plan).toMatchObject({ changes: [], refusals: [], foreign: [] });
      const after = await expectManaged(stage, ids, before);
      expect(after.status).toMatchObject({
        sync: "synced",
        message: "everything at Cloudflare is as wanted",
        serving: seen ?? active ?? "primary",
        readiness: "ready",
      });
      const { body: explained } = await stage.call("GET", "/v1/failovers/shop/explain");
      expect(explained).toMatchObject({ serving: active ?? "primary", predictable: true });
      const types = (await eventsOf(after.id)).map(({ type }) => type);
      expect(types.filter((type) => type.startsWith("drift."))).toEqual([]);
      expect(types[0]).toBe("failover.imported");
    },
  );

  it("is known for a Pages project also where its subdomain carries a suffix", async () => {
    const stage = setOldStage();
    stage.simulator.world.addPagesProject({ name: "my-shop", subdomain: "my-shop-7xk.pages.dev" });
    const host = "my-shop-7xk.pages.dev";
    await make(stage, {
      ...CLICKED,
      secondary: {
        ...CLICKED.secondary,
        origins: [{ name: "pages", address: host, header: { Host: [host] } }],
      },
    });
    const { body } = await importing(stage, {});
    expect(body).toMatchObject({ importable: true, spec: { secondary: { pages_project: "my-shop" } } });
  });

  it.each(["another account's", "unreadable"])("keeps the address where the project is %s", async (what) => {
    const stage = setOldStage();
    const ids = await make(stage, CLICKED);
    const { world } = stage.simulator;
    if (what === "unreadable")
      for (const one of ["Pages Read", "Pages Write"] as const) world.token.permissions.delete(one);
    else world.pagesProject("shop").subdomain = "shop-abc.pages.dev";
    const { body } = await importing(stage, { name: "shop", confirm: true });
    const host = "shop.pages.dev";
    expect(body.spec.secondary).toMatchObject({ address: host, host_header: host });
    stage.forgetCalls();
    await stage.minutes(2);
    expect(stage.writes()).toEqual([]);
    expect((await stage.failover()).status.sync).toBe("synced");
    expect(objectAt(stage, "secondary", ids.secondary)["name"]).toBe("secondary");
  });

  it("is healed later like any other failover", async () => {
    const stage = setOldStage();
    const ids = await make(stage, CLICKED);
    await importing(stage, { name: "shop", confirm: true });
    const before = everything(stage, ids);
    const { world } = stage.simulator;
    world.edit("pool", ids.primary, { minimum_origins: 0 });
    world.edit("monitor", ids.monitor, { path: "/edited", retries: 0 });
    await stage.minutes(1);
    expect(everything(stage, ids)).toEqual(before);
    expect((await stage.failover()).status).toMatchObject({ sync: "synced", drift: [] });
  });
});
