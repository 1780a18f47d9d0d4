import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CloudflareError } from "../../src/cloudflare/errors.ts";
import { createSimulator, seedExample, type Simulator } from "../simulator/simulator.ts";
import { ACCOUNT, aTransport, envelope, rejection, TOKEN } from "./calls.ts";

const POOL = "30000000000000000000000000000001";
const ZONE = "20000000000000000000000000000001";
const objects = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => ({ id: `id-${from + index}`, name: `n${from + index}` }));

/** Answers each page by its number. */
function paging(pageOf: (page: number) => Response) {
  return aTransport((request) => pageOf(Number(new URL(request.url).searchParams.get("page") ?? 1)));
}

describe("a list", () => {
  it("ends with the first page where result_info is absent", async () => {
    const { account, asked } = paging(() => envelope(objects(0, 50)));
    const listing = await account.list({ kind: "pool" });
    expect(listing).toMatchObject({ complete: true });
    expect(listing.objects).toHaveLength(50);
    expect(asked).toHaveLength(1);
  });

  it("asks for pages of fifty and says which", async () => {
    const { account, asked } = paging(() => envelope([]));
    await account.list({ kind: "load_balancer", zoneId: ZONE });
    expect(asked.map(({ url }) => url)).toEqual([
      `https://api.cloudflare.test/client/v4/zones/${ZONE}/load_balancers?page=1&per_page=50`,
    ]);
    expect(asked[0]?.headers.get("authorization")).toBe(`Bearer ${TOKEN}`);
  });

  it.each([
    ["total_pages", { total_pages: 3, total_count: 55 }],
    ["total_count alone", { total_count: 55 }],
  ])("follows %s", async (_, info) => {
    const { account, asked } = paging((page) =>
      envelope(objects((page - 1) * 20, Math.min(55, page * 20)), { result_info: { page, ...info } }),
    );
    const listing = await account.list({ kind: "monitor" });
    expect(listing.objects.map(({ id }) => id)).toEqual(objects(0, 55).map(({ id }) => id));
    expect(listing.complete).toBe(true);
    expect(asked).toHaveLength(3);
  });

  it("is partial where the second page repeats the first", async () => {
    const { account, asked } = paging(() =>
      envelope(objects(0, 20), { result_info: { page: 1, total_pages: 3, total_count: 55 } }),
    );
    const listing = await account.list({ kind: "pool" });
    expect(listing.complete).toBe(false);
    expect(listing.objects).toHaveLength(20);
    expect(asked).toHaveLength(2);
  });

  it("is partial where its pages hold less than their total", async () => {
    const { account } = paging(() =>
      envelope(objects(0, 3), { result_info: { total_pages: 1, total_count: 4 } }),
    );
    expect((await account.list({ kind: "pool" })).complete).toBe(false);
  });

  it("doesn't go on for ever where the total grows with every page", async () => {
    const { account, asked } = paging((page) =>
      envelope(objects(page * 10, page * 10 + 10), { result_info: { page, total_pages: page + 1 } }),
    );
    expect((await account.list({ kind: "pool" })).complete).toBe(false);
    expect(asked.length).toBeLessThanOrEqual(40);
  });

  it("fails as a whole where one of its pages fails", async () => {
    const { account } = paging((page) =>
      page === 1
        ? envelope(objects(0, 20), { result_info: { total_pages: 2, total_count: 40 } })
        : new Response(null, { status: 503 }),
    );
    const error = await rejection(account.list({ kind: "pool" }));
    expect(error).toMatchObject({ kind: "unavailable" });
  });

  it.each([
    ["null", null],
    ["an object", { id: "x" }],
    ["a string", "pools"],
  ])("can't be read, rather than being empty, where the result is %s", async (_, result) => {
    const { account } = aTransport(() => envelope(result));
    expect(await rejection(account.list({ kind: "pool" }))).toMatchObject({ kind: "unavailable" });
  });
});

describe("one object", () => {
  it.each([
    ["null", null],
    ["an object without an id", { name: "x" }],
    ["a list", [{ id: "x" }]],
    ["an empty id", { id: "" }],
  ])("that comes back as %s may have been created", async (_, result) => {
    const { account } = aTransport(() => envelope(result));
    const error = await rejection(account.create({ kind: "pool" }, { name: "x" }));
    expect(error).toBeInstanceOf(CloudflareError);
    expect(error).toMatchObject({ kind: "unavailable", ambiguous: true });
  });
});

describe("a pool's health", () => {
  const check = (healthy: boolean, failure_reason: string) => ({
    healthy,
    failure_reason,
    rtt: "12.1ms",
    response_code: 200,
  });
  const good = check(true, "No failures");
  const bad = check(false, "TCP timeout");

  it.each<[shape: string, popHealth: unknown, places: [string, boolean][]]>([
    [
      "a map by place",
      {
        "Amsterdam, NL": { healthy: true, origins: [{ "origin.example.net": good }] },
        "London, GB": { healthy: false, colo_id: "LHR", origins: [{ "origin.example.net": bad }], new: 1 },
      },
      [
        ["Amsterdam, NL", true],
        ["London, GB", false],
      ],
    ],
    [
      "a map whose names have trailing dots and capitals",
      { "Oslo, NO": { healthy: true, origins: [{ "Origin.Example.NET.": good }] } },
      [["Oslo, NO", true]],
    ],
    [
      "the flat form",
      { healthy: true, origins: [{ ip: "origin.example.net", ...good }] },
      [["everywhere", true]],
    ],
    [
      "the flat form with an object",
      { healthy: false, origins: [{ ip: { address: "origin.example.net", ...bad } }] },
      [["everywhere", false]],
    ],
    ["null", null, []],
    ["an empty map", {}, []],
    ["a list", [], []],
    ["a map of nothing", { "Oslo, NO": null, "Paris, FR": { origins: null }, "Rome, IT": {} }, []],
    ["an entry that is no object", { "Oslo, NO": { origins: [{ "origin.example.net": true }, "x"] } }, []],
  ])("is read from %s", async (_, popHealth, places) => {
    const { account } = aTransport(() => envelope({ pool_id: POOL, pop_health: popHealth }));
    const health = (await account.poolHealth(POOL)).get("origin.example.net") ?? [];
    expect(health.map(({ place, healthy }) => [place, healthy])).toEqual(places);
    for (const one of health) expect(one.reason).toBe(one.healthy ? "No failures" : "TCP timeout");
  });

  it.each([
    ["no pop_health", { pool_id: POOL }],
    ["no result", null],
  ])("is unknown where there is %s", async (_, result) => {
    const { account } = aTransport(() => envelope(result));
    expect((await account.poolHealth(POOL)).size).toBe(0);
  });

  it("never takes a truthy word for healthy", async () => {
    const pop = { "Oslo, NO": { origins: [{ "origin.example.net": { healthy: "false" } }] } };
    const { account } = aTransport(() => envelope({ pop_health: pop }));
    expect((await account.poolHealth(POOL)).get("origin.example.net")?.[0]?.healthy).toBe(false);
  });
});

describe("zones", () => {
  const info = (count: number) => ({ result_info: { page: 1, total_pages: 1, total_count: count } });

  it("are the account's own, in lower case", async () => {
    const zones = [
      { id: "1", name: "Example.COM", account: { id: ACCOUNT } },
      { id: "2", name: "other.test", account: { id: "b0000000000000000000000000000002" } },
      { id: "3", name: "bare.test" },
    ];
    const { account, asked } = aTransport(() => envelope(zones, info(3)));
    expect(await account.zones()).toEqual([
      { id: "1", name: "example.com" },
      { id: "3", name: "bare.test" },
    ]);
    expect(new URL(asked[0]?.url ?? "").searchParams.get("account.id")).toBe(ACCOUNT);
  });

  it("are not known where their list is partial", async () => {
    const { account } = aTransport(() => envelope([{ id: "1", name: "example.com" }], info(2)));
    expect(await rejection(account.zones())).toMatchObject({ kind: "unavailable" });
  });
});

describe("before the simulator", () => {
  let simulator: Simulator;
  let calls: ReturnType<typeof aTransport>;

  beforeEach(() => {
    simulator = createSimulator({ now: () => 0, accountId: ACCOUNT, apiToken: TOKEN });
    seedExample(simulator.world);
    calls = aTransport((request) => simulator.api(request));
  });

  afterEach(() => simulator.faults.clear());

  it("reads a Pages project with its subdomain and domains as the API has them", async () => {
    simulator.world.pagesProject("shop").subdomain = "shop-7xk.pages.dev";
    simulator.world.addPagesDomain("shop", "Shop.Example.com");
    expect(await calls.account.pagesProject("shop")).toEqual({
      name: "shop",
      subdomain: "shop-7xk.pages.dev",
      domains: expect.arrayContaining(["shop.example.com"]),
    });
  });

  it("says that a Pages project is not found", async () => {
    expect(await rejection(calls.account.pagesProject("nope"))).toMatchObject({ kind: "not-found" });
  });

  it.each([false, true])("finds records of exactly one name, load balancers listed: %s", async (shown) => {
    const { world } = simulator;
    world.switches.dnsListShowsLb = shown;
    world.addDnsRecord("example.com", { type: "A", name: "a.www.example.com", content: "192.0.2.1" });
    world.addDnsRecord("example.com", { type: "TXT", name: "www.example.com", content: "hello" });
    expect(await calls.account.dnsRecords(ZONE, "www.example.com")).toEqual([
      { type: "CNAME", content: "origin.example.net", proxied: true },
    ]);
  });

  it.each(["everything", "paged"] as const)("lists all of 45 monitors, in mode %s", async (mode) => {
    simulator.world.switches.listMode = mode;
    simulator.world.limits.monitors = 100;
    for (let count = 0; count < 45; count += 1) {
      await calls.account.create(
        { kind: "monitor" },
        { type: "http", expected_codes: "200", description: String(count) },
      );
    }
    const before = calls.asked.length;
    const listing = await calls.account.list({ kind: "monitor" });
    expect(new Set(listing.objects.map(({ id }) => id)).size).toBe(45);
    expect(listing.complete).toBe(true);
    expect(calls.asked.length - before).toBe(mode === "everything" ? 1 : 3);
  });

  it("has a timeout for an answer that never comes", async () => {
    simulator.faults.add({ match: { path: "/zones" }, effect: { kind: "timeout", when: "before" } });
    expect(await rejection(calls.account.zones())).toMatchObject({ kind: "unavailable", ambiguous: true });
  });
});
