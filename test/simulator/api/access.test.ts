import { beforeEach, describe, expect, test } from "vitest";
import { aBench, apiRequest, buildFailover, type Bench, type Envelope } from "../failover-setup.ts";
import { PERMISSIONS, type Permission } from "../permissions.ts";

let bench: Bench;

beforeEach(() => {
  bench = aBench();
});

async function withAuthorization(
  authorization: string | null,
  path: string,
): Promise<Envelope & { status: number }> {
  const request = apiRequest("GET", path);
  if (authorization === null) request.headers.delete("authorization");
  else request.headers.set("authorization", authorization);
  const response = await bench.simulator.api(request);
  return { ...(await response.json<Envelope>()), status: response.status };
}

describe("without a good token", () => {
  test.each([
    ["none at all", null, 400, 9106],
    ["a malformed header", "Token abc", 400, 6003],
    ["an unknown token", "Bearer nobody", 401, 10000],
  ] as const)("%s is refused", async (_what, authorization, status, code) => {
    const reply = await withAuthorization(authorization, "/zones");
    expect([reply.status, reply.errors[0]?.code]).toEqual([status, code]);
  });

  test("a malformed header has the reason in its chain", async () => {
    const reply = await withAuthorization("Token abc", "/zones");
    expect(reply.errors[0]?.error_chain?.[0]?.code).toBe(6111);
  });

  test("the address ranges of Cloudflare are open", async () => {
    const reply = await withAuthorization(null, "/ips");
    expect(reply.status).toBe(200);
    expect(reply.result.ipv4_cidrs).toContain("104.16.0.0/13");
    expect(reply.result.ipv6_cidrs).toContain("2606:4700::/32");
  });

  test.each(["disabled", "expired"] as const)(
    "a %s token says so when verified, and works nowhere",
    async (status) => {
      bench.simulator.world.token.status = status;
      expect((await bench.call("GET", "/user/tokens/verify")).result.status).toBe(status);
      expect((await bench.call("GET", "/zones")).status).toBe(401);
    },
  );

  test("a token expires with the clock", async () => {
    bench.simulator.world.token.expiresOn = new Date(bench.clock.at + 1000).toISOString();
    expect((await bench.call("GET", "/zones")).status).toBe(200);
    bench.clock.advance(1000);
    expect((await bench.call("GET", "/zones")).status).toBe(401);
    expect((await bench.call("GET", "/user/tokens/verify")).result.status).toBe("expired");
  });
});

test("verifies a user's token with an informational message", async () => {
  const { result, messages } = await bench.call("GET", "/user/tokens/verify");
  expect(result.status).toBe("active");
  expect(messages).toMatchObject([{ code: 10000, type: null }]);
});

test("an account's token is verified only under its account, and can't list accounts", async () => {
  bench.simulator.world.token.kind = "account";
  const asUser = await bench.call("GET", "/user/tokens/verify");
  expect([asUser.status, asUser.errors[0]?.code]).toEqual([401, 1000]);
  expect((await bench.call("GET", `${bench.account}/tokens/verify`)).result.status).toBe("active");
  const accounts = await bench.call("GET", "/accounts");
  expect([accounts.status, accounts.errors[0]?.code]).toEqual([400, 1001]);
});

test("a user's token is not verified under an account", async () => {
  const { status, errors } = await bench.call("GET", `${bench.account}/tokens/verify`);
  expect([status, errors[0]?.code]).toEqual([401, 1000]);
});

test.each([
  ["user", "/user/tokens/verify"],
  ["account", "/accounts/a0000000000000000000000000000001/tokens/verify"],
] as const)("verifying a token of the %s says when it expires, if it does", async (kind, path) => {
  const { token } = bench.simulator.world;
  token.kind = kind;
  expect((await bench.call("GET", path)).result).not.toHaveProperty("expires_on");
  token.expiresOn = new Date(bench.clock.at + 86_400_000).toISOString();
  expect((await bench.call("GET", path)).result).toMatchObject({
    status: "active",
    expires_on: "2026-11-03T12:00:00.000Z",
  });
});

describe("a zone of another account", () => {
  const theirs = { id: "b".repeat(32), name: "Another account" };

  test("is listed with its account while a user's token sees it", async () => {
    bench.simulator.world.addZone({ name: "theirs.example", account: theirs });
    const { result } = await bench.call("GET", "/zones?name=theirs.example");
    expect(result).toMatchObject([{ account: theirs }]);
    expect((await bench.call("GET", `/zones?account.id=${theirs.id}`)).result).toHaveLength(1);
    expect((await bench.call("GET", `/zones/${result[0].id}/dns_records`)).status).toBe(200);
    bench.simulator.world.token.zones = ["example.com"];
    expect((await bench.call("GET", "/zones?name=theirs.example")).result).toEqual([]);
  });

  test("is out of sight of an account's token", async () => {
    const { id } = bench.simulator.world.addZone({ name: "theirs.example", account: theirs });
    bench.simulator.world.token.kind = "account";
    expect((await bench.call("GET", "/zones")).result).toMatchObject([{ name: "example.com" }]);
    expect((await bench.call("GET", `/zones/${id}`)).errors[0]?.code).toBe(9109);
  });

  test("is the account's own where the ids say so", async () => {
    const { account, ...world } = bench.simulator.world;
    world.addZone({ name: "ours.example", account });
    world.token.kind = "account";
    expect((await bench.call("GET", "/zones?name=ours.example")).result).toMatchObject([{ account }]);
  });
});

describe("permissions", () => {
  const zone = "20000000000000000000000000000001";
  const account = "/accounts/a0000000000000000000000000000001";
  const cases: [string, Permission, number][] = [
    [`/zones/${zone}/load_balancers`, "Load Balancers Read", 10000],
    [`${account}/load_balancers/monitors`, "Load Balancing: Monitors and Pools Read", 10000],
    [`${account}/load_balancers/pools`, "Load Balancing: Monitors and Pools Read", 10000],
    [`${account}/load_balancers/usage`, "Load Balancing: Monitors and Pools Read", 10000],
    [`${account}/load_balancers/search`, "Load Balancing: Monitors and Pools Read", 10000],
    [`/zones/${zone}/dns_records`, "DNS Read", 10000],
    [`/zones/${zone}/ssl/certificate_packs`, "SSL and Certificates Read", 10000],
    [`${account}/pages/projects`, "Pages Read", 10000],
    [`${account}/subscriptions`, "Billing Read", 10000],
    [`/zones/${zone}/workers/routes`, "Workers Routes Read", 10000],
    [`${account}/workers/domains`, "Workers Scripts Read", 10000],
    [`/zones/${zone}/pagerules`, "Page Rules Read", 10000],
    [`/zones/${zone}/custom_hostnames`, "SSL and Certificates Read", 10000],
    ["/zones", "Zone Read", 9109],
    [`/zones/${zone}`, "Zone Read", 9109],
    [account, "Account Settings Read", 9109],
  ];
  test.each(cases)("%s needs %s and answers 403 with %i without it", async (path, permission, code) => {
    const { token } = bench.simulator.world;
    token.permissions = new Set([permission]);
    expect((await bench.call("GET", path)).status).toBe(200);
    const write = permission.replace("Read", "Write");
    token.permissions = new Set(PERMISSIONS.filter((other) => other !== permission && other !== write));
    const refused = await bench.call("GET", path);
    expect([refused.status, refused.errors[0]?.code]).toEqual([403, code]);
  });

  test("reading doesn't include writing, but writing includes reading", async () => {
    const { token } = bench.simulator.world;
    const monitors = `${account}/load_balancers/monitors`;
    token.permissions = new Set(["Load Balancing: Monitors and Pools Read"]);
    expect((await bench.call("POST", monitors, { expected_codes: "200" })).status).toBe(403);
    token.permissions = new Set(["Load Balancing: Monitors and Pools Write"]);
    expect((await bench.call("POST", monitors, { expected_codes: "200" })).status).toBe(200);
    expect((await bench.call("GET", monitors)).result).toHaveLength(1);
  });
});

test("a token that stops seeing a zone finds it in no list, and is refused everything in it", async () => {
  await buildFailover(bench);
  bench.simulator.world.addZone({ name: "example.org" });
  bench.simulator.world.token.zones = ["example.org"];
  const { result } = await bench.call("GET", "/zones");
  expect(result.map((zone: { name: string }) => zone.name)).toEqual(["example.org"]);
  expect((await bench.call("GET", "/zones?name=example.com")).result).toEqual([]);
  const products = [
    "load_balancers",
    "dns_records",
    "ssl/certificate_packs",
    "workers/routes",
    "rulesets",
    "rulesets/phases/http_request_origin/entrypoint",
    "pagerules",
    "custom_hostnames",
  ];
  for (const path of ["", ...products.map((product) => `/${product}`)]) {
    const { status, errors } = await bench.call("GET", `/zones/${bench.zoneId}${path}`);
    expect([status, errors[0]?.code]).toEqual([403, 9109]);
  }
});

describe("what can't be routed", () => {
  test.each([
    "/zones/nonsense",
    "/accounts/nonsense",
    "/accounts/nonsense/load_balancers/pools",
    "/no/such/route",
  ])("%s answers 400 with 7003", async (path) => {
    const { status, errors } = await bench.call("GET", path);
    expect([status, errors[0]?.code]).toEqual([400, 7003]);
  });

  test("a bulk write that Cloudflare doesn't have is no route", async () => {
    expect((await bench.call("DELETE", `${bench.account}/load_balancers/pools`)).status).toBe(400);
    expect((await bench.call("POST", `/zones/${bench.zoneId}/dns_records/batch`, {})).status).toBe(400);
  });

  test("an unknown zone and another account are inaccessible rather than missing", async () => {
    expect((await bench.call("GET", `/zones/${"e".repeat(32)}`)).errors[0]?.code).toBe(9109);
    for (const product of ["load_balancers/pools", "pages/projects", "workers/domains"]) {
      const { status, errors } = await bench.call("GET", `/accounts/${"e".repeat(32)}/${product}`);
      expect([status, errors[0]?.code]).toEqual([403, 10000]);
    }
  });
});

test("errors may lack messages and result", async () => {
  bench.simulator.world.switches.bareErrors = true;
  const { messages, result, errors } = await bench.call("GET", "/no/such/route");
  expect({ messages, result }).toEqual({ messages: undefined, result: undefined });
  expect(errors).toHaveLength(1);
});
