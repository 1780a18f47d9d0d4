import { beforeEach, describe, expect, test } from "vitest";
import { aBench, buildFailover, type Bench } from "../failover-setup.ts";

let bench: Bench;
let path: string;

beforeEach(() => {
  bench = aBench();
  path = `${bench.account}/load_balancers/monitors`;
});

test("fills in what Cloudflare fills in", async () => {
  const { status, result } = await bench.call("POST", path, { expected_codes: "200" });
  expect(status).toBe(200);
  expect(result).toMatchObject({
    type: "http",
    method: "GET",
    path: "/",
    port: 0,
    timeout: 5,
    retries: 2,
    interval: 60,
    description: "",
    expected_body: "",
    header: {},
    follow_redirects: false,
    allow_insecure: false,
    consecutive_up: 0,
    consecutive_down: 0,
  });
  expect(result.id).toMatch(/^[0-9a-f]{32}$/);
  expect(result.modified_on).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
});

test("gives a tcp monitor its own method and no HTTP members", async () => {
  const { result } = await bench.call("POST", path, {
    type: "tcp",
    port: 5432,
    follow_redirects: true,
    path: "/x",
  });
  expect(result).toMatchObject({
    method: "connection_established",
    port: 5432,
    follow_redirects: false,
    path: "",
    expected_codes: "",
  });
});

describe("refuses", () => {
  const cases: [string, Record<string, unknown>, string][] = [
    ["an interval below the plan's", { interval: 30 }, "interval is not in range [60, 3600]"],
    ["an interval above an hour", { interval: 3601 }, "interval is not in range [60, 3600]"],
    ["a time-out of zero", { timeout: 0 }, "timeout is not in range [1, 10]"],
    ["six retries", { retries: 6 }, "retries is not in range [0, 5]"],
    ["a port that doesn't exist", { port: 70000 }, "port is not in range [0, 65535]"],
    ["an unknown type", { type: "gopher" }, "type must be one of"],
    ["http without expected codes", { expected_codes: "" }, "expected_codes is required"],
    ["tcp without a port", { type: "tcp" }, "port is required"],
    ["another User-Agent", { header: { "user-agent": ["me"] } }, "User-Agent"],
    ["a number where text belongs", { description: 7 }, "description must be a string"],
  ];
  test.each(cases)("%s", async (_what, member, message) => {
    const { status, errors, success, result } = await bench.call("POST", path, {
      expected_codes: "200",
      ...member,
    });
    expect({ status, success, result }).toEqual({ status: 400, success: false, result: null });
    expect(errors[0]?.code).toBe(1002);
    expect(errors[0]?.message).toContain(message);
    expect(errors[0]?.message).toMatch(/: validation failed$/);
    expect(bench.simulator.world.monitors.size).toBe(0);
  });

  test.each([
    ["pro", "[60, 3600]"],
    ["business", "[15, 3600]"],
    ["enterprise", "[10, 3600]"],
    ["none", "[0, 0]"],
  ] as const)("an interval of 5 seconds on plan %s within %s", async (profile, range) => {
    const other = aBench({ profile });
    const { errors } = await other.call("POST", path, { expected_codes: "200", interval: 5 });
    expect(errors[0]?.message).toContain(`interval is not in range ${range}`);
  });

  test("a body that isn't JSON", async () => {
    const { status, success } = await bench.call("POST", path, "{");
    expect({ status, success }).toEqual({ status: 400, success: false });
  });

  test("more monitors than the plan has", async () => {
    bench.simulator.world.limits.monitors = 1;
    await bench.call("POST", path, { expected_codes: "200" });
    const { status, errors } = await bench.call("POST", path, { expected_codes: "200" });
    expect(status).toBe(400);
    expect(errors[0]?.message).toContain("quota");
  });
});

test("makes a twin when a POST is repeated, since nothing of a monitor is unique", async () => {
  const body = { expected_codes: "200", description: "marker" };
  const first = await bench.call("POST", path, body);
  const second = await bench.call("POST", path, body);
  expect(second.result.id).not.toBe(first.result.id);
  expect((await bench.call("GET", path)).result).toHaveLength(2);
});

test("changes only the sent members by PATCH, and returns the others to their defaults by PUT", async () => {
  const sent = {
    expected_codes: "2xx",
    description: "mine",
    interval: 120,
    header: { Host: ["a.example.com"] },
  };
  const { result } = await bench.call("POST", path, sent);
  const patched = await bench.call("PATCH", `${path}/${result.id}`, { timeout: 3 });
  expect(patched.result).toMatchObject({ ...sent, timeout: 3, created_on: result.created_on });
  const replaced = await bench.call("PUT", `${path}/${result.id}`, { expected_codes: "200" });
  expect(replaced.result).toMatchObject({
    description: "",
    interval: 60,
    timeout: 5,
    header: {},
    id: result.id,
  });
});

test("ignores members that it doesn't know", async () => {
  const { status, result } = await bench.call("POST", path, { expected_codes: "200", colour: "red" });
  expect(status).toBe(200);
  expect(result).not.toHaveProperty("colour");
});

test.each([
  ["as-sent", "x-Test"],
  ["lower", "x-test"],
  ["canonical", "X-Test"],
] as const)("spells header names %s", async (headerCase, expected) => {
  bench.simulator.world.switches.headerCase = headerCase;
  const { result } = await bench.call("POST", path, { expected_codes: "200", header: { "x-Test": ["1"] } });
  expect(Object.keys(result.header)).toEqual([expected]);
});

test("reads zeros back as zeros or not at all", async () => {
  const { switches } = bench.simulator.world;
  switches.portReadback = "absent";
  switches.consecutiveReadback = "absent";
  const { result } = await bench.call("POST", path, { expected_codes: "200", consecutive_up: 2 });
  expect(result).not.toHaveProperty("port");
  expect(result).not.toHaveProperty("consecutive_down");
  expect(result.consecutive_up).toBe(2);
});

test("moves modified_on on a write without effect, unless switched off", async () => {
  const { result } = await bench.call("POST", path, { expected_codes: "200" });
  const write = async (): Promise<string> => {
    bench.clock.advance(1000);
    return (await bench.call("PATCH", `${path}/${result.id}`, { timeout: 5 })).result.modified_on;
  };
  const moved = await write();
  expect(moved).not.toBe(result.modified_on);
  bench.simulator.world.switches.noopMovesModifiedOn = false;
  expect(await write()).toBe(moved);
});

test.each([
  ["412/1005", 412, 1005],
  ["400/1002", 400, 1002],
] as const)("won't delete a monitor in use and says so with %s", async (inUse, status, code) => {
  bench.simulator.world.switches.inUse = inUse;
  const { monitor } = await buildFailover(bench);
  const refused = await bench.call("DELETE", `${path}/${monitor}`);
  expect(refused.status).toBe(status);
  expect(refused.errors[0]?.code).toBe(code);
  expect(refused.errors[0]?.message).toContain("referenced");
  expect(bench.simulator.world.monitors.has(monitor)).toBe(true);
});

test("deletes a monitor that nobody uses, and knows it no more", async () => {
  const { result } = await bench.call("POST", path, { expected_codes: "200" });
  expect((await bench.call("DELETE", `${path}/${result.id}`)).result).toEqual({ id: result.id });
  const gone = await bench.call("GET", `${path}/${result.id}`);
  expect([gone.status, gone.errors[0]?.code]).toEqual([404, 1001]);
});
