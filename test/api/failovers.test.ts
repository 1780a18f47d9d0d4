import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  eventSchema,
  failoverSchema,
  operationSchema,
  planSchema,
  sampleSchema,
} from "../../src/api/schemas.ts";
import { aFailover, anEvent, aSample, smallestBody } from "./builders.ts";
import { inMemoryService } from "./in-memory-service.ts";

/** Parsing drops what a schema doesn't name: equality says that nothing undocumented is sent. */
function expectDocumented(schema: z.ZodType, body: unknown): void {
  expect(schema.parse(body)).toEqual(body);
}

describe("creating a failover", () => {
  it("answers 201 with the failover, where it is and its revision", async () => {
    const { world, ask } = inMemoryService();
    const answer = await ask("/v1/failovers", { method: "POST", body: smallestBody });

    expect(answer.status).toBe(201);
    expect(answer.headers.get("location")).toBe("/v1/failovers/fo_abc");
    expect(answer.headers.get("etag")).toBe('"3"');
    expect(await answer.json()).toMatchObject({ id: "fo_abc", name: "shop" });
    expect(world.actions[0]).toMatchObject({
      verb: "createFailover",
      given: [smallestBody, expect.anything()],
    });
  });

  it("hands over what the spec's schema made of the body", async () => {
    const { world, ask } = inMemoryService();
    await ask("/v1/failovers", { method: "POST", body: { ...smallestBody, hostname: "WWW.Example.com." } });
    expect(world.actions[0]?.given[0]).toMatchObject({ hostname: "www.example.com" });
  });

  it("refuses the service's own hostname, which it would cut off from its callers", async () => {
    const { world, ask } = inMemoryService();
    for (const member of ["hostname", "test_hostname"]) {
      const body = { ...smallestBody, [member]: "understudy.example.com" };
      const answer = await ask("https://understudy.example.com/v1/failovers", { method: "POST", body });
      expect(answer.status).toBe(422);
      expect(await answer.json()).toMatchObject({ errors: [{ pointer: `/${member}` }] });
    }
    expect(world.actions).toEqual([]);
  });

  it("answers 409 when the name is taken", async () => {
    const { world, ask } = inMemoryService();
    world.failure = { code: "taken", detail: "There is a failover named shop." };
    const answer = await ask("/v1/failovers", { method: "POST", body: smallestBody });
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ detail: "There is a failover named shop.", status: 409 });
  });
});

describe("a failover", () => {
  it("has exactly the members of the contract", async () => {
    const { ask } = inMemoryService();
    const body = await (await ask("/v1/failovers/fo_abc")).json();
    expect(body).toEqual({
      id: "fo_abc",
      name: "shop",
      revision: 3,
      stage: "testing",
      active: "primary",
      hostname: "www.example.com",
      test_hostname: "lb-shop.example.com",
      zone: { id: "023e105f4ecef8ad9ca31a8372d0c353", name: "example.com" },
      spec: expect.objectContaining({ check_regions: ["WNAM"], test_hostname: "lb-shop.example.com" }),
      cloudflare: {
        monitor_id: "m1",
        primary_pool_id: "p1",
        secondary_pool_id: null,
        load_balancer_id: null,
      },
      status: {
        sync: "drifted",
        message: "default_pools is not in the wanted order.",
        health: {
          primary: {
            verdict: "healthy",
            since: "2026-11-23T11:59:00.000Z",
            witnesses: [
              {
                witness: "cloudflare",
                verdict: "healthy",
                since: "2026-11-23T11:59:00.000Z",
                observed_at: "2026-11-23T12:00:00.000Z",
                detail: null,
              },
              {
                witness: "probe",
                verdict: "unknown",
                since: null,
                observed_at: null,
                detail: "probe not admitted: 403",
              },
            ],
          },
          secondary: expect.objectContaining({ verdict: "unhealthy", since: null }),
        },
        serving: "primary",
        serving_detail: null,
        readiness: "degraded",
        operation: null,
        reconciled_revision: 2,
        observed_at: "2026-11-23T12:00:00.000Z",
        next_drill_at: null,
        drift: [
          {
            role: "load_balancer",
            class: "role",
            path: "default_pools",
            before: ["p2", "p1"],
            after: ["p1", "p2"],
            first_seen_at: "2026-11-23T12:00:00.000Z",
            heal_at: "2026-11-23T12:15:00.000Z",
          },
        ],
        foreign: [
          {
            role: "load_balancer",
            path: "region_pools.WNAM",
            message: "region_pools sends WNAM past the pair",
            class: "foreign",
            kept: false,
          },
        ],
        preflight: null,
      },
      leases: [],
      created_at: "2026-11-23T11:00:00.000Z",
      updated_at: "2026-11-23T11:30:00.000Z",
    });
    expectDocumented(failoverSchema, body);
  });

  it("is found by its name as by its id, with the revision as ETag", async () => {
    const { ask } = inMemoryService();
    const byId = await ask("/v1/failovers/fo_abc");
    const byName = await ask("/v1/failovers/shop");
    expect(await byName.json()).toEqual(await byId.json());
    expect(byName.headers.get("etag")).toBe('"3"');
    expect(byName.headers.get("cache-control")).toBe("no-store");
  });

  it("answers HEAD as GET, without a body", async () => {
    const { ask } = inMemoryService();
    const answer = await ask("/v1/failovers/shop", { method: "HEAD" });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("etag")).toBe('"3"');
    expect(await answer.text()).toBe("");
  });

  it("shows a zone that isn't known yet as null", async () => {
    const { world, ask } = inMemoryService();
    world.failovers = [aFailover({ facts: { zone: null, subdomains: {} } })];
    expect(await (await ask("/v1/failovers/shop")).json()).toMatchObject({ zone: null });
  });
});

describe("changing a failover", () => {
  it("passes the merge patch on with the revision and answers the failover", async () => {
    const { world, ask } = inMemoryService();
    const body = { monitor: { path: "/health" }, check_regions: null };
    const answer = await ask("/v1/failovers/shop", { method: "PATCH", body, headers: { "if-match": '"3"' } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("etag")).toBe('"3"');
    expect(world.actions[0]?.given.slice(0, 3)).toEqual(["shop", body, { revision: 3, override: [] }]);
  });

  it("refuses to change the name and names it", async () => {
    const { world, ask } = inMemoryService();
    const body = { name: "store" };
    const answer = await ask("/v1/failovers/shop", { method: "PATCH", body, headers: { "if-match": '"3"' } });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({
      errors: [{ pointer: "/name", message: "is fixed: a failover keeps its name" }],
    });
    expect(world.actions).toEqual([]);
  });

  it("shows what the Coordinator finds wrong with the merged spec", async () => {
    const { world, ask } = inMemoryService();
    const errors = [{ pointer: "/monitor/path", message: "must begin with /" }];
    world.failure = { code: "invalid", detail: "The spec is not valid.", errors };
    const headers = { "if-match": '"3"' };
    const answer = await ask("/v1/failovers/shop", { method: "PATCH", body: { monitor: {} }, headers });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ detail: "The spec is not valid.", errors });
  });

  it("accepts the media type of merge patches", async () => {
    const { ask } = inMemoryService();
    const headers = { "if-match": '"3"', "content-type": "application/merge-patch+json; charset=utf-8" };
    const answer = await ask("/v1/failovers/shop", { method: "PATCH", body: { drift: "heal" }, headers });
    expect(answer.status).toBe(200);
  });
});

describe("deleting a failover", () => {
  const headers = { "if-match": '"3"' };

  it("answers 202 with the operation and where to follow it", async () => {
    const { world, ask } = inMemoryService();
    const answer = await ask("/v1/failovers/shop", { method: "DELETE", headers });
    expect(answer.status).toBe(202);
    expect(answer.headers.get("location")).toBe("/v1/operations/op_abc");
    expect(world.actions[0]?.given.slice(0, 2)).toEqual([
      "shop",
      { mode: "destroy", revision: 3, override: [] },
    ]);
  });

  it("passes mode, override and reason on", async () => {
    const { world, ask } = inMemoryService();
    await ask("/v1/failovers/shop?mode=orphan&override=in-production&reason=site%20closes", {
      method: "DELETE",
      headers,
    });
    expect(world.actions[0]?.given[1]).toEqual({
      mode: "orphan",
      revision: 3,
      override: ["in-production"],
      reason: "site closes",
    });
  });

  it.each([
    ["an override without a reason", "override=in-production", "/reason"],
    ["a blank reason", "override=in-production&reason=%20", "/reason"],
    ["a guard that there isn't", "override=courage&reason=x", "/override"],
    ["a mode that there isn't", "mode=forget", "/mode"],
  ])("refuses %s", async (_, query, pointer) => {
    const { world, ask } = inMemoryService();
    const answer = await ask(`/v1/failovers/shop?${query}`, { method: "DELETE", headers });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ errors: [{ pointer, in: "query" }] });
    expect(world.actions).toEqual([]);
  });

  it("shows the guards that refused", async () => {
    const { world, ask } = inMemoryService();
    const refusals = [
      {
        guard: "in-production",
        message: "shop is in production",
        facts: { stage: "production" },
        remedy: "Do something else.",
        overridable: true,
      },
    ];
    world.failure = { code: "refused", detail: "shop is in production", refusals };
    const answer = await ask("/v1/failovers/shop", { method: "DELETE", headers });
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ title: "Refused", refusals });
  });
});

describe.each(["promote", "demote"] as const)("%s", (verb) => {
  const path = `/v1/failovers/shop/${verb}`;

  it("needs no body", async () => {
    const { world, ask } = inMemoryService();
    const answer = await ask(path, { method: "POST" });
    expect(answer.status).toBe(202);
    expect(world.actions).toMatchObject([{ verb, given: ["shop", {}, expect.anything()] }]);
    expectDocumented(operationSchema, await answer.json());
  });

  it("passes stage, overrides and reason on, and only those that were given", async () => {
    const { world, ask } = inMemoryService();
    const body = { to: "testing", override: ["target-not-ready"], reason: "the origin is being moved" };
    await ask(path, { method: "POST", body });
    expect(world.actions[0]?.given[1]).toStrictEqual(body);
  });

  it.each([
    ["an override without a reason", { override: ["frozen"] }, "/reason", "is required where guards"],
    ["a guard that there isn't", { override: ["courage"], reason: "x" }, "/override/0", "no-healthy-target"],
    ["a stage that there isn't", { to: "stardom" }, "/to", "must be one of"],
    ["a slip of the pen", { overide: [] }, "/overide", 'did you mean "override"?'],
  ])("refuses %s", async (_, body, pointer, message) => {
    const { world, ask } = inMemoryService();
    const answer = await ask(path, { method: "POST", body });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({
      errors: [{ pointer, message: expect.stringContaining(message) }],
    });
    expect(world.actions).toEqual([]);
  });
});

describe("plan, reconcile and adopt", () => {
  it("shows a plan as the contract has it", async () => {
    const { ask } = inMemoryService();
    const body = await (await ask("/v1/failovers/shop/plan")).json();
    expect(body).toEqual({
      id: "pl_abc",
      failover_id: "fo_abc",
      revision: 3,
      changes: [
        {
          action: "create",
          kind: "monitor",
          role: "monitor",
          reason: "there is no monitor yet",
          differences: [{ path: "type", before: null, after: "http", class: "safety" }],
        },
      ],
      refusals: [
        {
          guard: "foreign-routing",
          message: "visitors can be sent past the pair",
          facts: {},
          remedy: "Do something else.",
          overridable: true,
        },
      ],
      foreign: [
        { role: "load_balancer", path: "rules", message: "two rules", class: "foreign", kept: false },
      ],
    });
    expectDocumented(planSchema, body);
  });

  it("reconciles as an operation", async () => {
    const { world, ask } = inMemoryService();
    const answer = await ask("/v1/failovers/shop/reconcile", { method: "POST", body: {} });
    expect(answer.status).toBe(202);
    expect(answer.headers.get("location")).toBe("/v1/operations/op_abc");
    expect(world.actions[0]).toMatchObject({ verb: "reconcile", given: ["shop", {}, expect.anything()] });
  });

  it("adopts drift for a reason and answers the failover", async () => {
    const { world, ask } = inMemoryService();
    const body = { reason: "the origin is down for the night" };
    const answer = await ask("/v1/failovers/shop/adopt", { method: "POST", body });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("etag")).toBe('"3"');
    expect(world.actions[0]?.given[1]).toStrictEqual(body);
  });

  it("adopts nothing without a reason", async () => {
    const { world, ask } = inMemoryService();
    const answer = await ask("/v1/failovers/shop/adopt", { method: "POST", body: {} });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ errors: [{ pointer: "/reason" }] });
    expect(world.actions).toEqual([]);
  });
});

describe("evidence", () => {
  it("lists the samples of a failover", async () => {
    const { world, ask } = inMemoryService();
    world.samples = [aSample()];
    const { items } = await (await ask("/v1/failovers/shop/probes")).json<{ items: unknown[] }>();
    const probe = { ok: true, status: 200, latency_ms: 84, failure: null, detail: null, way: "fetch" };
    expect(items).toEqual([
      {
        tick: "2026-11-23T12:00:00.000Z",
        primary: probe,
        secondary: { ...probe, ok: false, status: null, failure: "timeout", detail: "no answer in 5 s" },
        hostname: null,
      },
    ]);
    expectDocumented(z.array(sampleSchema), items);
  });

  it("lists the events of one failover and of all", async () => {
    const { world, ask } = inMemoryService();
    world.events = [anEvent({ id: "evt_2", failoverId: "fo_other" }), anEvent()];
    const ids = async (path: string) => {
      const { items } = await (await ask(path)).json<{ items: { id: string }[] }>();
      expectDocumented(z.array(eventSchema), items);
      return items.map(({ id }) => id);
    };
    expect(await ids("/v1/events")).toEqual(["evt_2", "evt_abc"]);
    expect(await ids("/v1/failovers/shop/events")).toEqual(["evt_abc"]);
  });

  it("shows an event with its actor and request", async () => {
    const { world, ask } = inMemoryService();
    world.events = [anEvent()];
    expect(await (await ask("/v1/events")).json()).toEqual({
      items: [
        {
          id: "evt_abc",
          seq: 7,
          type: "failover.promoted",
          at: "2026-11-23T12:00:00.000Z",
          failover_id: "fo_abc",
          actor: { kind: "token", name: "admin" },
          request_id: "req_1",
          data: { from: "draft", to: "testing" },
        },
      ],
      next_cursor: null,
    });
  });

  it("keeps a deleted failover's events under its id, and under no other", async () => {
    const { world, ask } = inMemoryService();
    world.failovers = [];
    world.events = [anEvent()];
    expect((await ask("/v1/failovers/fo_abc/events")).status).toBe(200);
    expect((await ask("/v1/failovers/fo_def/events")).status).toBe(404);
    expect((await ask("/v1/failovers/shop/events")).status).toBe(404);
  });
});
