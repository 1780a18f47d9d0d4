import { describe, expect, it } from "vitest";
import type { Body } from "../../src/failover/desired.ts";
import type { Role } from "../../src/failover/marker.ts";
import { ACCOUNT, CLICKED, make, setOldStage, ZONE, type Existing, type Ids } from "./existing.ts";
import { rowsOf } from "./ledger.ts";
import { callCloudflare } from "./somebody.ts";
import { SHOP, type Stage } from "./stage.ts";

const importing = (stage: Stage, body: object = {}) =>
  stage.call("POST", "/v1/import", { hostname: "www.example.com", name: "shop", ...body });

interface Hopeless {
  readonly what: string;
  readonly made?: Partial<Record<Role, Body>>;
  /** What somebody does beforehand, and after it was made. */
  readonly first?: (stage: Stage) => Promise<unknown>;
  readonly and?: (stage: Stage, ids: Ids) => Promise<unknown>;
  readonly guard?: "hostname-conflict";
  readonly says: RegExp;
}

const [web] = CLICKED.primary["origins"] as Body[];

async function monitorOf(stage: Stage, body: Body): Promise<string> {
  return (await callCloudflare(stage, "POST", `${ACCOUNT}/monitors`, body)).id;
}

const patchPool =
  (side: "primary" | "secondary", body: (stage: Stage) => Promise<Body>) =>
  async (stage: Stage, ids: Ids): Promise<unknown> =>
    callCloudflare(stage, "PATCH", `${ACCOUNT}/pools/${ids[side]}`, await body(stage));

const HOPELESS: Hopeless[] = [
  {
    what: "a disabled load balancer",
    made: { load_balancer: { enabled: false } },
    says: /www\.example\.com is disabled, so nobody is served by it: enable it first/,
  },
  {
    what: "one pool",
    and: async (stage, ids) =>
      callCloudflare(stage, "PATCH", `${ZONE}/${ids.load_balancer}`, { default_pools: [ids.primary] }),
    says: /has 1 default pool; a failover has exactly two/,
  },
  {
    what: "three pools",
    and: async (stage, ids) => {
      const third = await callCloudflare(stage, "POST", `${ACCOUNT}/pools`, {
        name: "third",
        monitor: await monitorOf(stage, CLICKED.monitor),
        check_regions: ["WNAM"],
        origins: [{ name: "third", address: "standby.example.net" }],
      });
      const default_pools = [ids.primary, ids.secondary, third.id];
      return callCloudflare(stage, "PATCH", `${ZONE}/${ids.load_balancer}`, { default_pools });
    },
    says: /has 3 default pools; a failover has exactly two/,
  },
  {
    what: "several endpoints in a pool",
    made: { primary: { origins: [web, { name: "second", address: "standby.example.net" }] } },
    says: /the primary pool primary has 2 endpoints; a failover knows exactly one/,
  },
  {
    what: "a pool without a monitor",
    and: patchPool("secondary", async () => ({ monitor: "" })),
    says: /the secondary pool secondary has no monitor: give both pools one monitor first/,
  },
  {
    what: "two monitors",
    and: patchPool("secondary", async (stage) => ({ monitor: await monitorOf(stage, CLICKED.monitor) })),
    says: /the two pools have different monitors/,
  },
  {
    what: "a monitor that only connects",
    made: { monitor: { type: "tcp", port: 443 } },
    says: /the monitor is of type tcp; a failover's health checks are http or https/,
  },
  {
    what: "a method that our probes don't use",
    made: { monitor: { method: "POST" } },
    says: /monitor\.method must be one of "GET", "HEAD"/,
  },
  {
    what: "both endpoints the same",
    made: {
      secondary: { origins: [{ ...web, name: "again", header: { Host: ["www.example.com"] } }] },
      primary: { origins: [{ ...web, header: { Host: ["www.example.com"] } }] },
    },
    says: /secondary\.address must be another endpoint than primary/,
  },
  {
    what: "an endpoint that is the balanced hostname",
    made: { primary: { origins: [{ name: "loop", address: "www.example.com" }] } },
    says: /primary\.address is the balanced hostname itself/,
  },
  {
    what: "objects of a failover of ours",
    first: async (stage) => {
      await make(stage, CLICKED);
      await importing(stage, { name: "first", confirm: true });
      const { cloudflare } = await stage.failover("first");
      await callCloudflare(stage, "PATCH", `${ZONE}/${cloudflare.load_balancer_id}`, {
        name: "elsewhere.example.com",
      });
    },
    made: {
      monitor: { description: "before" },
      primary: { name: "p2" },
      secondary: { name: "s2" },
    },
    and: async (stage, ids) => {
      const { cloudflare } = await stage.failover("first");
      const default_pools = [cloudflare.primary_pool_id, cloudflare.secondary_pool_id];
      return callCloudflare(stage, "PATCH", `${ZONE}/${ids.load_balancer}`, { default_pools });
    },
    says: /the primary pool carries the marker of the failover first/,
  },
  {
    what: "an object that is ours and lost its marker",
    first: async (stage) => {
      await make(stage, CLICKED);
      await importing(stage, { name: "first", confirm: true });
      const { cloudflare } = await stage.failover("first");
      const unmarked = { description: "unmarked", expected_codes: "200" };
      for (const path of [
        `${ACCOUNT}/monitors/${cloudflare.monitor_id}`,
        `${ACCOUNT}/pools/${cloudflare.primary_pool_id}`,
        `${ACCOUNT}/pools/${cloudflare.secondary_pool_id}`,
      ])
        await callCloudflare(stage, "PATCH", path, unmarked);
      await callCloudflare(stage, "PATCH", `${ZONE}/${cloudflare.load_balancer_id}`, {
        name: "elsewhere.example.com",
      });
    },
    made: { primary: { name: "p2" }, secondary: { name: "s2" } },
    and: async (stage, ids) => {
      const { cloudflare } = await stage.failover("first");
      const default_pools = [cloudflare.primary_pool_id, cloudflare.secondary_pool_id];
      return callCloudflare(stage, "PATCH", `${ZONE}/${ids.load_balancer}`, { default_pools });
    },
    says: /the monitor is one of the failover first's objects already/,
  },
  {
    what: "objects of another installation",
    made: { secondary: { description: "theirs understudy:abcd1234:fo_Xy1:secondary" } },
    says: /the secondary pool carries the marker of a failover of another installation of this service \(abcd1234\)/,
  },
  {
    what: "a name that is taken",
    first: async (stage) =>
      stage
        .call("POST", "/v1/failovers", { ...SHOP, hostname: "other.example.com" })
        .then(() => stage.alarms()),
    says: /"shop" is the name of fo_\w+; give another name/,
  },
  {
    what: "a hostname that is a failover's already",
    first: async (stage) =>
      stage.call("POST", "/v1/failovers", { ...SHOP, name: "first" }).then(() => stage.alarms()),
    guard: "hostname-conflict",
    says: /www\.example\.com belongs to the failover first/,
  },
  {
    what: "a test hostname that somebody's load balancer has",
    and: async (stage, { primary }) =>
      callCloudflare(stage, "POST", ZONE, {
        name: "lb-shop.example.com",
        default_pools: [primary],
        fallback_pool: primary,
      }),
    says: /lb-shop\.example\.com already has the load balancer \w+, which is somebody else's; give another name/,
  },
];

describe("a load balancer that can't be a failover", () => {
  it.each(HOPELESS)("is refused with a sentence, whatever is to be kept: $what", async (one) => {
    const stage = setOldStage();
    await one.first?.(stage);
    const existing: Existing = {
      monitor: { ...CLICKED.monitor, ...one.made?.monitor },
      primary: { ...CLICKED.primary, ...one.made?.primary },
      secondary: { ...CLICKED.secondary, ...one.made?.secondary },
      load_balancer: { ...CLICKED.load_balancer, ...one.made?.load_balancer },
    };
    const ids = await make(stage, existing);
    await one.and?.(stage, ids);
    stage.forgetCalls();
    const before = await rowsOf("SELECT id FROM failovers");
    const { status, body } = await importing(stage, { keep_foreign: true });
    expect(status).toBe(200);
    expect(body.importable).toBe(false);
    const said = body.refusals.find(({ message }: { message: string }) => one.says.test(message));
    expect(said, JSON.stringify(body.refusals)).toMatchObject({
      guard: one.guard ?? "not-importable",
      overridable: false,
    });
    const refused = await importing(stage, { keep_foreign: true, confirm: true });
    expect(refused.status).toBe(409);
    expect(refused.body.refusals).toEqual(body.refusals);
    expect(refused.body.detail).toMatch(one.says);
    expect(stage.writes()).toEqual([]);
    expect(await rowsOf("SELECT id FROM failovers")).toEqual(before);
  });
});

describe("an import that makes no sense", () => {
  it.each([
    [
      { hostname: "nowhere.example.com" },
      "/hostname",
      /example\.com has no .* nowhere\.example\.com; it has: www\.example\.com/,
    ],
    [{ hostname: "www.example.org" }, "/hostname", /lies in no zone that .* \(example\.com\)/],
    [{ hostname: "*.example.com" }, "/hostname", /is a wildcard/],
    [{ hostname: undefined }, "/hostname", /is required/],
    [{ name: "Not a name" }, "/name", /lower-case letters/],
    [{ confirm: "yes" }, "/confirm", /must be true or false/],
    [{ keep_foreigners: true }, "/keep_foreigners", /is not known/],
    [{ hostname: "understudy.test" }, "/hostname", /./],
  ])("names the member that is wrong: %j", async (body, pointer, says) => {
    const stage = setOldStage();
    await make(stage, CLICKED);
    const { status, body: problem } = await importing(stage, body);
    expect(status).toBe(422);
    expect(problem.errors).toEqual([{ pointer, message: expect.stringMatching(says) }]);
    expect(stage.writes()).toEqual([]);
  });

  it("finds the load balancer however its name is spelled", async () => {
    const stage = setOldStage();
    stage.simulator.world.switches.lowercaseNames = false;
    await make(stage, { ...CLICKED, load_balancer: { ...CLICKED.load_balancer, name: "WWW.Example.com" } });
    const { body } = await importing(stage, { hostname: "Www.example.COM.", name: undefined });
    expect(body).toMatchObject({ importable: true, spec: { name: "www-example-com" } });
  });

  it.each(["monitors", "pools", "load_balancers", "zones"])(
    "does nothing while the %s can't be read",
    async (list) => {
      const stage = setOldStage();
      await make(stage, CLICKED);
      stage.simulator.faults.add({
        match: { method: "GET", path: new RegExp(`/${list}$`), times: Number.POSITIVE_INFINITY },
        effect: { kind: "status", status: 500, when: "before" },
      });
      const { status, body } = await importing(stage, { confirm: true });
      expect(status).toBe(503);
      expect(body.detail).toContain("Cloudflare could not be read, so nothing was imported");
      expect(stage.writes()).toEqual([]);
      expect(await rowsOf("SELECT id FROM failovers")).toEqual([]);
    },
  );

  it("believes no list that came in part", async () => {
    const stage = setOldStage();
    const ids = await make(stage, CLICKED);
    stage.simulator.faults.add({
      match: { method: "GET", path: /\/pools$/ },
      effect: { kind: "partial-list", omit: ({ id }) => id === ids.primary },
    });
    const { status, body } = await importing(stage, { confirm: true });
    expect(status).toBe(409);
    expect(body.detail).toContain(`the pool ${ids.primary} is not in Cloudflare's list: try again`);
    expect(stage.writes()).toEqual([]);
  });
});
