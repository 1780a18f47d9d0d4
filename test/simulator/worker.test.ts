import http from "node:http";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestHarness } from "wrangler";
import { apiRequest, type Envelope } from "./failover-setup.ts";

const harness = createTestHarness({
  workers: [
    { configPath: path.join(import.meta.dirname, "wrangler.toml") },
    {
      config: {
        name: "egress-caller",
        main: path.join(import.meta.dirname, "egress-caller.ts"),
        compatibility_date: "2026-08-22",
        services: [{ binding: "EGRESS", service: "understudy-simulator", entrypoint: "Egress" }],
      },
    },
  ],
});

let base: string;
beforeAll(async () => {
  base = (await harness.listen()).url.href;
}, 30_000);
afterAll(() => harness.close());

interface Answered {
  status: number;
  body: string;
}

/** As curl does it: to this machine's port, with a Host header. */
async function ask(
  method: string,
  route: string,
  headers: Record<string, string> = {},
  body = "",
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const request = http.request(new URL(route, base).href, { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
      );
    });
    request.on("error", reject);
    request.end(body);
  });
}

async function probe(connect: string, host: string): Promise<unknown> {
  const query = new URLSearchParams({ connect, host });
  return (await harness.getWorker("egress-caller").fetch(`http://caller.test/?${query.toString()}`)).json();
}

test("answers as Cloudflare's API under /client/v4", async () => {
  const headers = Object.fromEntries(apiRequest("GET", "/zones").headers);
  const envelope: Envelope = JSON.parse((await ask("GET", "/client/v4/zones", headers)).body);
  expect(envelope.result).toMatchObject([{ name: "example.com" }]);
});

test("begins with an account in order: a token of its own, and sites that know what they don't have", async () => {
  const headers = Object.fromEntries(apiRequest("GET", "/zones").headers);
  const verify = "/client/v4/accounts/a0000000000000000000000000000001/tokens/verify";
  expect(JSON.parse((await ask("GET", verify, headers)).body)).toMatchObject({
    result: { status: "active" },
  });
  for (const host of ["www.example.com", "shop.pages.dev"]) {
    expect([host, (await ask("GET", "/", { host })).status]).toEqual([host, 200]);
    expect([host, (await ask("GET", "/no/such/page", { host })).status]).toEqual([host, 404]);
  }
});

test("plays a visitor's Cloudflare for any other path, by Host", async () => {
  const visit = await ask("GET", "/?some=page", { host: "www.example.com" });
  expect(visit.status).toBe(200);
  expect(visit.body).toContain("primary origin");
  expect(await ask("GET", "/", { host: "nothing.example.com" })).toEqual({
    status: 502,
    body: '{"error":"dns: unknown host"}',
  });
});

test("lets probes out through the binding, with the Host that they ask for", async () => {
  expect(await probe("http://origin.example.net/", "www.example.com")).toMatchObject({ status: 200 });
  expect(await probe("https://shop.pages.dev/", "shop.pages.dev")).toMatchObject({ status: 200 });
  expect(await probe("https://shop.pages.dev/", "www.example.com")).toMatchObject({ status: 403 });
  expect(await probe("http://shop.pages.dev/", "shop.pages.dev")).toMatchObject({ status: 301 });
  expect(await probe("http://nobody.example.net/", "nobody.example.net")).toEqual({
    failure: "dns: unknown host",
  });
});

test("is driven by its levers", async () => {
  const patched = await ask("PATCH", "/_sim/origins/origin.example.net", {}, JSON.stringify({ up: false }));
  expect(patched.status).toBe(200);
  expect(await probe("http://origin.example.net/", "www.example.com")).toEqual({
    failure: "connection refused",
  });
  expect((await ask("GET", "/", { host: "www.example.com" })).status).toBe(521);
});
