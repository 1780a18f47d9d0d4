import { beforeEach, describe, expect, test } from "vitest";
import { aBench, buildFailover, type Bench } from "../failover-setup.ts";

let bench: Bench;
let path: string;

beforeEach(() => {
  bench = aBench();
  path = `/zones/${bench.zoneId}/dns_records`;
});

test("completes a short name, and answers with what Cloudflare adds", async () => {
  const { result } = await bench.call("POST", path, {
    type: "A",
    name: "Api",
    content: "203.0.113.7",
    proxied: true,
  });
  expect(result).toMatchObject({
    name: "api.example.com",
    ttl: 1,
    proxiable: true,
    proxied: true,
    comment: null,
  });
  expect((await bench.call("GET", `${path}/${result.id}`)).result.content).toBe("203.0.113.7");
});

describe("refuses", () => {
  test.each([
    ["a CNAME where a record is", { type: "CNAME", name: "a", content: "b.example.net" }, 81053],
    ["an identical record", { type: "A", name: "a", content: "203.0.113.1" }, 81058],
    ["an A record with a hostname", { type: "A", name: "b", content: "b.example.net" }, 9005],
    ["a record without a name", { type: "A", content: "203.0.113.1" }, 1004],
    ["a proxied TXT", { type: "TXT", name: "t", content: "x", proxied: true }, 9004],
  ])("%s", async (_what, record, code) => {
    await bench.call("POST", path, { type: "A", name: "a", content: "203.0.113.1" });
    const { status, errors } = await bench.call("POST", path, record);
    expect([status, errors[0]?.code]).toEqual([400, code]);
  });

  test("a record that isn't there", async () => {
    const { status, errors } = await bench.call("DELETE", `${path}/${"d".repeat(32)}`);
    expect([status, errors[0]?.code]).toEqual([404, 81044]);
  });
});

test("lets A and AAAA share a name", async () => {
  await bench.call("POST", path, { type: "A", name: "a", content: "203.0.113.1" });
  expect((await bench.call("POST", path, { type: "AAAA", name: "a", content: "2001:db8::1" })).status).toBe(
    200,
  );
});

test("filters by name, type and content", async () => {
  await bench.call("POST", path, { type: "TXT", name: "www", content: "hello" });
  const count = async (query: string): Promise<number> =>
    (await bench.call("GET", `${path}?${query}`)).result.length;
  expect(await count("name=www.example.com")).toBe(2);
  expect(await count("name.exact=www.example.com&type=CNAME")).toBe(1);
  expect(await count("content=hello")).toBe(1);
  expect(await count("proxied=true")).toBe(1);
  expect(await count("name.contains=nothing")).toBe(0);
});

test("changes a record by PATCH, replaces it by PUT, and deletes it", async () => {
  const { result } = await bench.call("GET", `${path}?name=www.example.com`);
  const record = `${path}/${result[0].id}`;
  expect((await bench.call("PATCH", record, { proxied: false })).result).toMatchObject({
    content: "origin.example.net",
    proxied: false,
  });
  const put = { type: "A", name: "www.example.com", content: "203.0.113.9" };
  expect((await bench.call("PUT", record, put)).result).toMatchObject({ type: "A", id: result[0].id });
  expect((await bench.call("DELETE", record)).result).toEqual({ id: result[0].id });
  expect((await bench.call("GET", path)).result).toEqual([]);
});

test.each([
  [false, 0],
  [true, 1],
])("shows the entries of load balancers: %s", async (dnsListShowsLb, count) => {
  bench.simulator.world.switches.dnsListShowsLb = dnsListShowsLb;
  await buildFailover(bench);
  expect((await bench.call("GET", `${path}?name=lb.example.com`)).result).toHaveLength(count);
});

test.each([
  [false, 200],
  [true, 400],
])("a record under a load balancer's name, refused: %s", async (recordUnderLbRefused, status) => {
  bench.simulator.world.switches.recordUnderLbRefused = recordUnderLbRefused;
  await buildFailover(bench);
  const record = { type: "A", name: "lb", content: "203.0.113.1", proxied: true };
  expect((await bench.call("POST", path, record)).status).toBe(status);
});
