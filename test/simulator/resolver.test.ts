import { beforeEach, describe, expect, test } from "vitest";
import { kindOfAddress } from "./addresses.ts";
import { aBench, buildFailover, type Bench } from "./failover-setup.ts";
import type { World } from "./simulator.ts";

let bench: Bench;
let world: World;

beforeEach(() => {
  bench = aBench();
  world = bench.simulator.world;
});

const JSON_FORM = { accept: "application/dns-json" };

async function ask(query: string, headers: Record<string, string> = JSON_FORM): Promise<Response> {
  return bench.simulator.egress(new Request(`https://cloudflare-dns.com/dns-query?${query}`, { headers }));
}

interface Answered {
  Status: number;
  Question: { name: string; type: number }[];
  Answer?: { name: string; type: number; TTL: number; data: string }[];
}

async function lookUp(name: string, type = "A"): Promise<Answered> {
  return (await ask(`name=${name}&type=${type}`)).json();
}

async function addressesOf(name: string): Promise<string[]> {
  const answers = [await lookUp(name, "A"), await lookUp(name, "AAAA")];
  expect(answers.map(({ Status }) => Status)).toEqual([0, 0]);
  return answers.flatMap(({ Answer = [] }) =>
    Answer.filter(({ type }) => type !== 5).map(({ data }) => data),
  );
}

test("answers in the JSON form, only where that is asked for", async () => {
  const response = await ask("name=origin.example.net&type=A");
  expect(response.headers.get("content-type")).toBe("application/dns-json");
  expect(await response.json()).toMatchObject({
    Status: 0,
    Question: [{ name: "origin.example.net", type: 1 }],
    Answer: [{ name: "origin.example.net", type: 1, TTL: 300 }],
  });
  expect((await ask("name=origin.example.net", {})).status).toBe(400);
  expect((await ask("type=A")).status).toBe(400);
});

describe("in Cloudflare's ranges is", () => {
  const cases: [string, string, (world: World) => unknown][] = [
    ["a proxied record", "www.example.com", () => undefined],
    ["a load balancer that is proxied", "lb.example.com", () => undefined],
    ["a Pages project", "shop.pages.dev", () => undefined],
    ["a Pages project's alias", "preview.shop.pages.dev", () => undefined],
    [
      "a custom domain of Pages",
      "stand-in.example.com",
      (given) => given.addPagesDomain("shop", "stand-in.example.com"),
    ],
    [
      "a customer's hostname",
      "app.customer.example",
      (given) => given.addCustomHostname("example.com", { hostname: "app.customer.example" }),
    ],
    [
      "a Worker's custom domain",
      "worker.example.com",
      (given) => given.addWorkerDomain("example.com", { hostname: "worker.example.com", service: "a" }),
    ],
    [
      "an alias of such a name",
      "cdn.example.com",
      (given) => given.addDnsRecord("example.com", { type: "CNAME", name: "cdn", content: "shop.pages.dev" }),
    ],
  ];
  test.each(cases)("%s", async (_what, name, prepare) => {
    await buildFailover(bench);
    prepare(world);
    const addresses = await addressesOf(name);
    expect(addresses).toHaveLength(4);
    for (const address of addresses)
      expect([address, kindOfAddress(address)]).toEqual([address, "cloudflare"]);
  });
});

describe("an origin", () => {
  test("has a public address of its own, the same every time", async () => {
    world.addOrigin({ address: "second.example.net" });
    const first = await addressesOf("origin.example.net");
    expect(first).toHaveLength(1);
    expect(kindOfAddress(first[0] ?? "")).toBe("public");
    expect(await addressesOf("ORIGIN.example.net.")).toEqual(first);
    expect(await addressesOf("second.example.net")).not.toEqual(first);
  });

  test("has the addresses that it was given, each under its type", async () => {
    world.addOrigin({ address: "inside.example.net", resolvesTo: ["10.0.0.7", "2a00:1450::1"] });
    expect((await lookUp("inside.example.net", "A")).Answer).toMatchObject([{ data: "10.0.0.7" }]);
    expect((await lookUp("inside.example.net", "AAAA")).Answer).toMatchObject([{ data: "2a00:1450::1" }]);
  });

  test("that is down still has its address, unless its name is what fails", async () => {
    world.origin("origin.example.net").up = false;
    expect(await addressesOf("origin.example.net")).toHaveLength(1);
    world.origin("origin.example.net").failure = "dns";
    expect((await lookUp("origin.example.net")).Status).toBe(3);
  });
});

describe("a record that isn't proxied", () => {
  test("says its addresses, all of them", async () => {
    for (const content of ["203.0.113.7", "203.0.113.8"])
      world.addDnsRecord("example.com", { type: "A", name: "direct", content });
    world.addDnsRecord("example.com", { type: "AAAA", name: "direct", content: "2a00:1450::7" });
    expect(await addressesOf("direct.example.com")).toEqual(["203.0.113.7", "203.0.113.8", "2a00:1450::7"]);
  });

  test("says whose name it is, and that one's address", async () => {
    world.addDnsRecord("example.com", {
      type: "CNAME",
      name: "alias",
      content: "origin.example.net",
      ttl: 60,
    });
    const [address] = await addressesOf("origin.example.net");
    expect((await lookUp("alias.example.com")).Answer).toEqual([
      { name: "alias.example.com", type: 5, TTL: 60, data: "origin.example.net." },
      { name: "origin.example.net", type: 1, TTL: 300, data: address },
    ]);
  });

  test("is flattened at the apex", async () => {
    world.addDnsRecord("example.com", { type: "CNAME", name: "@", content: "origin.example.net" });
    expect((await lookUp("example.com")).Answer).toMatchObject([{ name: "example.com", type: 1 }]);
  });
});

test("a load balancer that isn't proxied hands out the address of its endpoint", async () => {
  const built = await buildFailover(bench, { lb: { proxied: false } });
  const [origin] = await addressesOf("origin.example.net");
  expect((await lookUp("lb.example.com")).Answer).toMatchObject([
    { name: "lb.example.com", type: 1, data: origin },
  ]);
  world.edit("pool", built.primary, { enabled: false });
  for (const address of await addressesOf("lb.example.com"))
    expect(kindOfAddress(address)).toBe("cloudflare");
});

test.each([
  ["nobody has", "nobody.example"],
  ["is missing in the zone", "missing.example.com"],
  ["is an address", "203.0.113.1"],
  ["is an alias of nothing", "dangling.example.com"],
  ["is an alias of itself", "circle.example.com"],
])("a name that %s does not exist", async (_what, name) => {
  world.addDnsRecord("example.com", { type: "CNAME", name: "dangling", content: "gone.example.net" });
  world.addDnsRecord("example.com", { type: "CNAME", name: "circle", content: "circle.example.com" });
  const answered = await lookUp(name);
  expect(answered.Status).toBe(3);
  expect(answered).not.toHaveProperty("Answer");
});

describe("out of order", () => {
  test("it doesn't answer", async () => {
    world.resolver.outage = "refused";
    await expect(ask("name=origin.example.net")).rejects.toThrow("connection refused");
    expect((await bench.simulator.egress(new Request("http://origin.example.net/"))).status).toBe(200);
  });

  test("it answers with a status of 503", async () => {
    world.resolver.outage = "unavailable";
    expect((await ask("name=origin.example.net")).status).toBe(503);
  });

  test("it answers that it found nothing out", async () => {
    world.resolver.outage = "servfail";
    const answered = await lookUp("origin.example.net");
    expect(answered).toMatchObject({ Status: 2 });
    expect(answered).not.toHaveProperty("Answer");
  });
});
