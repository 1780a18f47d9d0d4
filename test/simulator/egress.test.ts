import { beforeEach, describe, expect, test } from "vitest";
import { aBench, buildFailover, type Bench } from "./failover-setup.ts";
import type { OriginFailure } from "./objects.ts";

let bench: Bench;

beforeEach(() => {
  bench = aBench();
});

async function leave(
  url: string,
  host?: string,
  init: RequestInit = {},
): Promise<{ status: number; body: string; headers: Headers }> {
  const request = new Request(url, init);
  if (host !== undefined) request.headers.set("host", host);
  const response = await bench.simulator.egress(request);
  return { status: response.status, body: await response.text(), headers: response.headers };
}

test("connects to the URL's address and asks for the name in Host", async () => {
  bench.simulator.world.origin("origin.example.net").hosts = ["www.example.com"];
  expect((await leave("http://origin.example.net/", "www.example.com")).body).toContain("primary origin");
  expect((await leave("http://origin.example.net/", "other.example.com")).status).toBe(404);
  await expect(leave("https://origin.example.net/", "other.example.com")).rejects.toThrow(
    "tls: name mismatch",
  );
});

test("asks for the URL's host where there is no Host header", async () => {
  bench.simulator.world.origin("origin.example.net").hosts = ["origin.example.net"];
  expect((await leave("http://origin.example.net/")).status).toBe(200);
});

describe("a path that isn't there", () => {
  const absentPath = async () => leave("http://origin.example.net/no/such/page?x=1", "www.example.com");

  test("has a page of its own, beside those that are there", async () => {
    expect(await absentPath()).toMatchObject({ status: 404, body: expect.stringContaining("no such page") });
    expect((await leave("http://origin.example.net/?x=1")).body).toContain("primary origin");
    expect(await leave("http://origin.example.net/health")).toMatchObject({ status: 200, body: "ok" });
  });

  test("answers as the rest of the server does where that fails or redirects as a whole", async () => {
    const origin = bench.simulator.world.origin("origin.example.net");
    origin.status = 503;
    expect((await absentPath()).status).toBe(503);
    Object.assign(origin, { status: 200, redirectTo: "/again" });
    expect((await absentPath()).headers.get("location")).toBe("/again");
  });

  test("is answered like any other where the server knows no difference", async () => {
    delete bench.simulator.world.origin("origin.example.net").notFound;
    expect(await absentPath()).toMatchObject({
      status: 200,
      body: expect.stringContaining("primary origin"),
    });
  });
});

test("reaches an IP address, also of version 6, and a port", async () => {
  const { world } = bench.simulator;
  world.addOrigin({ address: "203.0.113.10", ports: [8443], title: "Four" });
  world.addOrigin({ address: "2001:db8::10", title: "Six" });
  expect((await leave("https://203.0.113.10:8443/", "www.example.com")).body).toContain("Four");
  await expect(leave("https://203.0.113.10/", "www.example.com")).rejects.toThrow("connection refused");
  expect((await leave("http://[2001:db8::10]/", "www.example.com")).body).toContain("Six");
});

describe("throws the name of the failure", () => {
  const cases: [OriginFailure, string][] = [
    ["refused", "connection refused"],
    ["timeout", "timed out"],
    ["reset", "connection reset"],
    ["dns", "dns: unknown host"],
    ["tls", "tls: untrusted certificate"],
    ["tls-name", "tls: name mismatch"],
    ["tls-handshake", "tls: handshake failure"],
    ["garbage", "invalid http response"],
    ["unreachable", "no route to host"],
  ];
  test.each(cases)("%s", async (failure, message) => {
    bench.simulator.world.origin("origin.example.net").failure = failure;
    await expect(leave("https://origin.example.net/")).rejects.toThrow(message);
  });

  test("when the web server is down, or nobody has the name", async () => {
    bench.simulator.world.origin("origin.example.net").up = false;
    await expect(leave("http://origin.example.net/")).rejects.toThrow("connection refused");
    await expect(leave("http://nobody.example.net/")).rejects.toThrow("dns: unknown host");
    await expect(leave("http://198.51.100.77/")).rejects.toThrow("timed out");
  });

  test("and gives up when the caller does", async () => {
    const patient = aBench({ sleep: () => new Promise(() => {}) });
    patient.simulator.world.origin("origin.example.net").failure = "timeout";
    const request = new Request("http://origin.example.net/", { signal: AbortSignal.timeout(10) });
    await expect(patient.simulator.egress(request)).rejects.toMatchObject({ name: "TimeoutError" });
  });
});

test("waits as long as the origin takes", async () => {
  const waits: number[] = [];
  const slow = aBench({ sleep: async (ms) => void waits.push(ms) });
  slow.simulator.world.origin("origin.example.net").latencyMs = 1234;
  await slow.simulator.egress(new Request("http://origin.example.net/"));
  expect(waits).toEqual([1234]);
});

test("doesn't follow redirects", async () => {
  bench.simulator.world.origin("origin.example.net").redirectTo = "https://www.example.com/";
  const { status, headers } = await leave("http://origin.example.net/");
  expect([status, headers.get("location")]).toEqual([301, "https://www.example.com/"]);
});

test("answers HEAD without a body", async () => {
  const { status, body } = await leave("http://origin.example.net/", undefined, { method: "HEAD" });
  expect([status, body]).toEqual([200, ""]);
});

describe("an origin that admits only Cloudflare", () => {
  test.each([
    [true, "connection refused"],
    ["403", 403],
  ] as const)(
    "(%s) answers a Worker with %s while edge and checks pass",
    async (admitsOnlyCloudflare, expected) => {
      const { world } = bench.simulator;
      const built = await buildFailover(bench);
      world.origin("origin.example.net").admitsOnlyCloudflare = admitsOnlyCloudflare;
      world.settleHealth();
      expect(world.isPoolHealthy(built.primary)).toBe(true);
      expect(world.visit("https://lb.example.com/")).toMatchObject({ status: 200, servedBy: "primary" });
      const outcome = leave("http://origin.example.net/").then(
        ({ status }) => status,
        (error: Error) => error.message,
      );
      expect(await outcome).toBe(expected);
    },
  );
});

test("meets a challenge at a zone whose WAF stops Workers, unless it brings the secret header", async () => {
  const { world } = bench.simulator;
  await buildFailover(bench);
  world.edit("zone", bench.zoneId, {
    challengesWorkers: { unlessHeader: "X-Probe-Secret", value: "s3cret" },
  });
  const stopped = await leave("https://lb.example.com/");
  expect([stopped.status, stopped.headers.get("cf-mitigated")]).toEqual([403, "challenge"]);
  const passed = await leave("https://lb.example.com/", undefined, {
    headers: { "x-probe-secret": "s3cret" },
  });
  expect(passed.status).toBe(200);
  expect(world.visit("https://lb.example.com/").status).toBe(200);
});

test("reaches a load balancer through the edge by connecting to its name", async () => {
  await buildFailover(bench);
  const { body, headers } = await leave("https://lb.example.com/?some=query");
  expect(body).toContain("primary origin");
  expect(headers.get("server")).toBe("cloudflare");
});

test("reaches any name of the edge by connecting to Cloudflare's address", async () => {
  await buildFailover(bench);
  expect((await leave("https://104.16.0.1/", "lb.example.com")).body).toContain("primary origin");
  expect((await leave("https://104.16.0.1/", "shop.pages.dev")).body).toContain("pages project shop");
});
