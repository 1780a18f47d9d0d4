import { describe, expect, it } from "vitest";
import { eventsOf, rowsOf, sentWrites } from "./ledger.ts";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";
import { callCloudflare, idOf, objectOf, pathOf } from "./somebody.ts";

async function inPlace(stage: Stage, spec: object = SHOP): Promise<Answer["body"]> {
  const failover = await stage.ready(spec);
  expect(failover.status.sync).toBe("synced");
  stage.forgetCalls();
  return failover;
}

/** A PATCH on top of what was last read. */
async function patch(stage: Stage, change: unknown, name = "shop"): Promise<Answer> {
  const { headers } = await stage.call("GET", `/v1/failovers/${name}`);
  return stage.call("PATCH", `/v1/failovers/${name}`, change, { "if-match": headers.get("etag") ?? "" });
}

const guards = ({ body }: Answer) => body.refusals.map(({ guard }: { guard: string }) => guard);

describe("a precondition", () => {
  it("is needed: without If-Match a PATCH is a 428", async () => {
    const stage = setStage();
    await inPlace(stage);
    const answer = await stage.call("PATCH", "/v1/failovers/shop", { monitor: { path: "/health" } });
    expect(answer.status).toBe(428);
    expect(answer.body.detail).toContain("If-Match");
    expect((await stage.failover()).revision).toBe(1);
  });

  it("that is stale is a 412 which carries revision-mismatch, and nothing is written", async () => {
    const stage = setStage();
    const failover = await inPlace(stage);
    expect((await patch(stage, { monitor: { path: "/one" } })).status).toBe(200);
    const before = await eventsOf(failover.id);
    const answer = await stage.call(
      "PATCH",
      "/v1/failovers/shop",
      { monitor: { path: "/two" } },
      { "if-match": '"1"' },
    );
    expect(answer.status).toBe(412);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.body.refusals).toEqual([
      expect.objectContaining({
        guard: "revision-mismatch",
        overridable: false,
        facts: { expected: 1, revision: 2 },
      }),
    ]);
    expect(await eventsOf(failover.id)).toEqual(before);
    expect((await stage.failover()).spec.monitor.path).toBe("/one");
  });

  it("that fits gives 200 with the next ETag", async () => {
    const stage = setStage();
    await inPlace(stage);
    const answer = await patch(stage, { monitor: { path: "/health" } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("etag")).toBe('"2"');
    expect(answer.body).toMatchObject({ revision: 2, spec: { monitor: { path: "/health", interval: 60 } } });
  });

  it("lets one of two through who change the same revision at once", async () => {
    const stage = setStage();
    const failover = await inPlace(stage);
    const answers = await Promise.all(
      ["/one", "/two"].map((path) =>
        stage.call("PATCH", "/v1/failovers/shop", { monitor: { path } }, { "if-match": '"1"' }),
      ),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 412]);
    expect((await stage.failover()).revision).toBe(2);
    const updated = (await eventsOf(failover.id)).filter(({ type }) => type === "failover.updated");
    expect(updated).toHaveLength(1);
  });
});

describe("a patch", () => {
  it.each([
    ["nothing", {}],
    [
      "what stands there already",
      { hostname: "WWW.example.com.", primary: { address: "origin.example.net" } },
    ],
    ["a default taken away that was never given", { monitor: null, check_regions: null }],
  ])("of %s raises no revision and leaves no event", async (_, change) => {
    const stage = setStage();
    const failover = await inPlace(stage);
    const before = await eventsOf(failover.id);
    const answer = await patch(stage, change);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("etag")).toBe('"1"');
    expect(answer.body.revision).toBe(1);
    await stage.minutes(1);
    expect(await eventsOf(failover.id)).toEqual(before);
    expect(stage.writes()).toEqual([]);
  });

  it("tells who changed what, before and after", async () => {
    const stage = setStage();
    const failover = await inPlace(stage);
    await patch(stage, { monitor: { path: "/health" } });
    const [updated] = (await eventsOf(failover.id)).filter(({ type }) => type === "failover.updated");
    expect(updated).toMatchObject({
      actor: "token",
      data: { patch: { monitor: { path: "/health" } }, after: { monitor: { path: "/health" } } },
    });
    expect(updated?.data["before"]).not.toHaveProperty("monitor");
  });

  const REACHES: [what: string, change: object, writes: (failover: Answer["body"]) => [string, object][]][] =
    [
      [
        "the monitor",
        { monitor: { path: "/health", interval: 120 } },
        (made) => [[pathOf(made, "monitor"), { path: "/health", interval: 120, expected_codes: "200" }]],
      ],
      [
        "an endpoint's port",
        { primary: { port: 8080 } },
        (made) => [
          [
            pathOf(made, "primary"),
            {
              origins: [
                {
                  name: "primary",
                  address: "origin.example.net",
                  enabled: true,
                  weight: 1,
                  port: 8080,
                  header: { Host: ["www.example.com"] },
                },
              ],
            },
          ],
        ],
      ],
      [
        "the regions of both pools",
        { check_regions: ["WEU"] },
        (made) => [
          [pathOf(made, "primary"), { check_regions: ["WEU"] }],
          [pathOf(made, "secondary"), { check_regions: ["WEU"] }],
        ],
      ],
      [
        "the load balancer",
        { load_balancer: { session_affinity: "cookie" } },
        (made) => [[pathOf(made, "load_balancer"), { session_affinity: "cookie" }]],
      ],
      [
        "the test hostname",
        { test_hostname: "try.example.com" },
        (made) => [[pathOf(made, "load_balancer"), { name: "try.example.com" }]],
      ],
      [
        "the hostname of a draft, which the primary's Host follows",
        { hostname: "shop.example.com" },
        (made) => [
          [
            pathOf(made, "primary"),
            {
              origins: [
                {
                  name: "primary",
                  address: "origin.example.net",
                  enabled: true,
                  weight: 1,
                  header: { Host: ["shop.example.com"] },
                },
              ],
            },
          ],
        ],
      ],
    ];

  it.each(REACHES)(
    "reaches Cloudflare by one PATCH an object, and only its members: %s",
    async (_, change, writes) => {
      const stage = setStage();
      const failover = await inPlace(stage);
      const answer = await patch(stage, change);
      expect(answer.status).toBe(200);
      await stage.alarms();
      const expected = writes(failover).map(([path, body]) => ({ method: "PATCH", path, body }));
      expect(sentWrites(stage)).toEqual(expected);
      await stage.minutes(2);
      expect(stage.writes()).toHaveLength(expected.length);
      const { status } = await stage.failover();
      expect(status).toMatchObject({ sync: "synced", reconciled_revision: 2, drift: [] });
      const types = (await eventsOf(failover.id)).map(({ type }) => type);
      expect(types.filter((type) => type.startsWith("drift."))).toEqual([]);
    },
  );

  it("that takes a member away restores its default, also at Cloudflare", async () => {
    const stage = setStage();
    const failover = await inPlace(stage, {
      ...SHOP,
      primary: { address: "origin.example.net", port: 8080 },
      monitor: { path: "/health", consecutive_up: 3 },
    });
    const answer = await patch(stage, { monitor: null, primary: { port: null } });
    expect(answer.body.spec.monitor).toMatchObject({ path: "/" });
    await stage.minutes(2);
    expect(objectOf(stage, failover, "monitor")).toMatchObject({ path: "/", consecutive_up: 0 });
    expect(objectOf(stage, failover, "primary")["origins"]).toEqual([
      expect.not.objectContaining({ port: 8080 }),
    ]);
    expect((await stage.failover()).status.sync).toBe("synced");
    stage.forgetCalls();
    await stage.minutes(2);
    expect(stage.writes()).toEqual([]);
  });

  it("to another Pages project reads that one's subdomain", async () => {
    const stage = setStage();
    stage.simulator.world.addPagesProject({ name: "store", subdomain: "store-7xk.pages.dev" });
    const failover = await inPlace(stage);
    const answer = await patch(stage, { secondary: { pages_project: "store" } });
    expect(answer.body.spec.secondary).toMatchObject({
      pages_project: "store",
      address: "store-7xk.pages.dev",
      host_header: "store-7xk.pages.dev",
    });
    await stage.minutes(1);
    expect(objectOf(stage, failover, "secondary")["origins"]).toEqual([
      expect.objectContaining({
        address: "store-7xk.pages.dev",
        header: { Host: ["store-7xk.pages.dev"] },
      }),
    ]);
  });

  it("back to a Pages project that was renamed at Cloudflare meanwhile reads its subdomain anew", async () => {
    const stage = setStage();
    const { world } = stage.simulator;
    world.addPagesProject({ name: "store", subdomain: "store-7xk.pages.dev" });
    await inPlace(stage);
    await patch(stage, { secondary: { pages_project: "store" } });
    world.remove("pages_project", world.pagesProject("shop").id);
    world.addPagesProject({ name: "shop", subdomain: "shop-2ab.pages.dev" });
    const answer = await patch(stage, { secondary: { pages_project: "shop" } });
    expect(answer.body.spec.secondary.address).toBe("shop-2ab.pages.dev");
  });

  describe("to another zone", () => {
    const names = (stage: Stage) => [...stage.simulator.world.loadBalancers.values()].map(({ name }) => name);

    it.each(["heal", "report"])(
      "moves the draft there, and leaves nothing behind (drift: %s)",
      async (drift) => {
        const stage = setStage();
        stage.simulator.world.addZone({ name: "example.org" });
        const failover = await inPlace(stage, { ...SHOP, drift });
        const answer = await patch(stage, { hostname: "www.example.org" });
        expect(answer.status).toBe(200);
        expect(answer.body.zone.name).toBe("example.org");
        await stage.minutes(3);
        const { status, test_hostname } = await stage.failover();
        expect(test_hostname).toBe("lb-shop.example.org");
        expect(status).toMatchObject({ sync: "synced", drift: [] });
        expect(names(stage)).toEqual(["lb-shop.example.org"]);
        const types = (await eventsOf(failover.id)).map(({ type }) => type);
        expect(types.filter((type) => /^drift|vanished|deleted/.test(type))).toEqual(["object.deleted"]);
      },
    );

    it("is refused while the load balancer can't be deleted, and nothing is stored", async () => {
      const stage = setStage();
      stage.simulator.world.addZone({ name: "example.org" });
      await inPlace(stage);
      const { faults } = stage.simulator;
      faults.add({ match: { method: "DELETE" }, effect: { kind: "status", status: 500, when: "before" } });
      const answer = await patch(stage, { hostname: "www.example.org" });
      expect(answer.status).toBe(409);
      expect(answer.body.detail).toContain("can't leave example.com yet");
      expect((await stage.failover()).revision).toBe(1);
      await stage.minutes(1);
      expect(names(stage)).toEqual(["lb-shop.example.com"]);
      expect((await patch(stage, { hostname: "www.example.org" })).status).toBe(200);
      await stage.minutes(1);
      expect(names(stage)).toEqual(["lb-shop.example.org"]);
    });

    it("is refused while the zones can't be read, but within the zone the hostname may change", async () => {
      const stage = setStage();
      await inPlace(stage);
      const fault = { match: { method: "GET", path: /\/zones$/, times: Infinity } };
      stage.simulator.faults.add({ ...fault, effect: { kind: "status", status: 503, when: "before" } });
      expect((await patch(stage, { hostname: "www.example.org" })).status).toBe(409);
      const within = await patch(stage, { hostname: "shop.example.com" });
      expect(within.status).toBe(200);
      expect(within.body.zone.name).toBe("example.com");
    });
  });

  const REFUSED: [what: string, change: unknown, status: number, pointer: string | null, message: RegExp][] =
    [
      ["an unknown member", { colour: "blue" }, 422, "/colour", /is not known/],
      [
        "an unknown member further in",
        { monitor: { colour: "blue" } },
        422,
        "/monitor/colour",
        /is not (a )?known/,
      ],
      ["a wrong type", { drift_grace_seconds: "ten" }, 422, "/drift_grace_seconds", /number/],
      ["a member that is needed", { primary: null }, 422, "/primary", /./],
      ["the name", { name: "other" }, 422, "/name", /is fixed/],
      [
        "an unknown Pages project",
        { secondary: { pages_project: "shpo" } },
        422,
        "/secondary/pages_project",
        /no Pages project "shpo"/,
      ],
      ["a hostname in no zone", { hostname: "www.example.net" }, 422, "/hostname", /lies in no zone/],
      ["a loopback address", { primary: { address: "127.0.0.1" } }, 422, "/primary/address", /loopback/],
      [
        "somebody else's hostname",
        { hostname: "theirs.example.com" },
        409,
        "/hostname",
        /which is somebody else's/,
      ],
      [
        "another failover's hostname",
        { hostname: "other.example.com" },
        409,
        "/hostname",
        /belongs to the failover other/,
      ],
      ["a list", [], 422, "", /must be an object/],
      ["bad JSON", "{", 400, null, /not valid JSON/],
    ];

  it.each(REFUSED)(
    "is refused by the member that is wrong, and nothing is written: %s",
    async (_, change, status, pointer, message) => {
      const stage = setStage();
      await stage.call("POST", "/v1/failovers", { ...SHOP, name: "other", hostname: "other.example.com" });
      const failover = await inPlace(stage);
      await callCloudflare(stage, "POST", `/zones/${failover.zone.id}/load_balancers`, {
        name: "theirs.example.com",
        default_pools: [idOf(failover, "primary")],
        fallback_pool: idOf(failover, "primary"),
      });
      await stage.pass(11);
      stage.forgetCalls();
      const before = [await rowsOf("SELECT * FROM events"), await rowsOf("SELECT * FROM failovers")];
      const answer = await patch(stage, change);
      expect(answer.status).toBe(status);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      const told = pointer === null ? answer.body.detail : answer.body.errors[0];
      const expected = expect.stringMatching(message);
      expect(told).toEqual(pointer === null ? expected : { pointer, message: expected });
      expect(stage.writes()).toEqual([]);
      expect([await rowsOf("SELECT * FROM events"), await rowsOf("SELECT * FROM failovers")]).toEqual(before);
    },
  );

  it.each(["hostname", "test_hostname"])("of %s is for drafts alone", async (member) => {
    const stage = setStage();
    await inPlace(stage);
    await stage.promote();
    const answer = await patch(stage, { [member]: "elsewhere.example.com" });
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toEqual([
      {
        pointer: `/${member}`,
        message: "can change only in draft, and this failover is in testing: demote it first",
      },
    ]);
  });

  it("waits until an operation that is under way has ended", async () => {
    const stage = setStage();
    await inPlace(stage);
    const accepted = await stage.call("POST", "/v1/failovers/shop/promote");
    expect(accepted.status).toBe(202);
    const answer = await patch(stage, { monitor: { path: "/health" } });
    expect(answer.status).toBe(409);
    expect(guards(answer)).toEqual(["operation-running"]);
  });

  it("of a failover that doesn't exist is a 404", async () => {
    const stage = setStage();
    const answer = await stage.call("PATCH", "/v1/failovers/nothing", {}, { "if-match": '"1"' });
    expect(answer.status).toBe(404);
  });
});
