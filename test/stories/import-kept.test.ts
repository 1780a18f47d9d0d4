import { describe, expect, it } from "vitest";
import type { Body } from "../../src/failover/desired.ts";
import { ROLES, type Role } from "../../src/failover/marker.ts";
import { ACCOUNT, CLICKED, make, objectAt, setOldStage, ZONE, type Existing, type Ids } from "./existing.ts";
import { eventsOf, rowsOf, sentWrites } from "./ledger.ts";
import { callCloudflare } from "./somebody.ts";
import type { Answer, Stage } from "./stage.ts";

const importing = (stage: Stage, body: object) =>
  stage.call("POST", "/v1/import", { hostname: "www.example.com", name: "shop", ...body });

interface Unsayable {
  readonly what: string;
  readonly role: Role;
  readonly path: string;
  /** What confirming without `keep_foreign` names. */
  readonly guard: "foreign-routing" | "not-importable";
  /** Members of the objects as they were made. */
  readonly made?: Partial<Record<Role, Body>>;
  /** What somebody does after that. */
  readonly and?: (stage: Stage, ids: Ids) => Promise<unknown>;
  /** Whether it is still told afterwards, and whether nobody can tell any more who gets visitors. */
  readonly told?: false;
  /** For how long nothing may be written; two minutes unless given. */
  readonly ticks?: number;
  readonly unpredictable?: true;
  /** What asking for it to be healed sends; absent where it can't be. */
  readonly healed?: Body;
}

const origin = (existing: Existing, side: "primary" | "secondary", members: Body): Body => {
  const [given] = existing[side]["origins"] as Body[];
  return { origins: [{ ...given, ...members }] };
};

const patch = (kind: "pools" | "load_balancer", id: string, body: (ids: Ids) => Body) => {
  return async (stage: Stage, ids: Ids) =>
    callCloudflare(stage, "PATCH", kind === "pools" ? `${ACCOUNT}/pools/${id}` : `${ZONE}/${id}`, body(ids));
};
const balancer = (body: (ids: Ids) => Body) => (stage: Stage, ids: Ids) =>
  patch("load_balancer", ids.load_balancer, body)(stage, ids);

async function thirdPool(stage: Stage, ids: Ids): Promise<string> {
  const body = {
    name: "theirs",
    monitor: ids.monitor,
    check_regions: ["WNAM"],
    origins: [{ name: "theirs", address: "standby.example.net" }],
  };
  return (await callCloudflare(stage, "POST", `${ACCOUNT}/pools`, body)).id;
}

const UNSAYABLE: Unsayable[] = [
  {
    what: "a rule",
    ticks: 20,
    role: "load_balancer",
    path: "rules",
    guard: "foreign-routing",
    and: balancer(({ secondary }) => ({
      rules: [{ name: "to Pages", condition: "", overrides: { default_pools: [secondary] } }],
    })),
    unpredictable: true,
    healed: { rules: [] },
  },
  ...(["region_pools", "country_pools", "pop_pools"] as const).map((path, index): Unsayable => ({
    what: `pools by place (${path})`,
    role: "load_balancer",
    path,
    guard: "foreign-routing",
    and: balancer(({ secondary }) => ({ [path]: { [["WEU", "DE", "AMS"][index] ?? ""]: [secondary] } })),
    unpredictable: true,
    healed: { [path]: {} },
  })),
  {
    what: "pool sets",
    role: "load_balancer",
    path: "pool_sets",
    guard: "foreign-routing",
    made: { load_balancer: { pool_sets: [{ name: "theirs" }] } },
    unpredictable: true,
    healed: { pool_sets: [] },
  },
  {
    what: "another steering policy",
    role: "load_balancer",
    path: "steering_policy",
    guard: "foreign-routing",
    made: { load_balancer: { steering_policy: "random" } },
    unpredictable: true,
    healed: { steering_policy: "off" },
  },
  {
    what: "the primary as fallback",
    role: "load_balancer",
    path: "fallback_pool",
    guard: "not-importable",
    and: balancer(({ primary }) => ({ fallback_pool: primary })),
  },
  {
    what: "a third pool as fallback",
    role: "load_balancer",
    path: "fallback_pool",
    guard: "foreign-routing",
    // Its monitor is another one, or that would be shared as well.
    and: async (stage, ids) => {
      const { id } = await callCloudflare(stage, "POST", `${ACCOUNT}/monitors`, CLICKED.monitor);
      const pool = await thirdPool(stage, { ...ids, monitor: id });
      return balancer(() => ({ fallback_pool: pool }))(stage, ids);
    },
    unpredictable: true,
  },
  {
    what: "a pool that somebody else uses",
    ticks: 20,
    role: "load_balancer",
    path: "default_pools",
    guard: "foreign-routing",
    and: async (stage, { primary }) =>
      callCloudflare(stage, "POST", ZONE, {
        name: "theirs.example.com",
        default_pools: [primary],
        fallback_pool: primary,
      }),
  },
  {
    what: "a monitor that somebody else uses",
    role: "monitor",
    path: "references",
    guard: "not-importable",
    and: thirdPool,
    told: false,
  },
  {
    what: "checks from other regions",
    role: "secondary",
    path: "check_regions",
    guard: "not-importable",
    made: { secondary: { check_regions: ["WEU", "ENAM"] } },
    healed: { check_regions: ["WNAM"] },
  },
  {
    what: "a pool that is always healthy",
    role: "primary",
    path: "minimum_origins",
    guard: "foreign-routing",
    made: { primary: { minimum_origins: 0 } },
    unpredictable: true,
    healed: { minimum_origins: 1 },
  },
  {
    what: "a disabled pool",
    role: "secondary",
    path: "enabled",
    guard: "not-importable",
    made: { secondary: { enabled: false } },
    healed: { enabled: true },
  },
  {
    what: "a disabled endpoint",
    role: "secondary",
    path: "origins.my-pages-website.enabled",
    guard: "not-importable",
    made: { secondary: origin(CLICKED, "secondary", { enabled: false }) },
  },
  {
    what: "an endpoint of weight 0",
    role: "secondary",
    path: "origins.my-pages-website.weight",
    guard: "foreign-routing",
    made: { secondary: origin(CLICKED, "secondary", { weight: 0 }) },
    unpredictable: true,
  },
  {
    what: "an endpoint of half the weight",
    role: "primary",
    path: "origins.my-website.weight",
    guard: "not-importable",
    made: { primary: origin(CLICKED, "primary", { weight: 0.5 }) },
  },
  {
    what: "an interval that leaves checks no time",
    role: "monitor",
    path: "interval",
    guard: "not-importable",
    made: { monitor: { interval: 15, timeout: 5, retries: 2 } },
    healed: { interval: 60, expected_codes: "200" },
  },
  {
    what: "load shedding",
    role: "primary",
    path: "load_shedding",
    guard: "foreign-routing",
    made: {
      primary: {
        load_shedding: {
          default_percent: 30,
          default_policy: "random",
          session_percent: 0,
          session_policy: "hash",
        },
      },
    },
    unpredictable: true,
  },
  {
    what: "a zone whose settings checks use",
    role: "monitor",
    path: "probe_zone",
    guard: "not-importable",
    made: { monitor: { probe_zone: "example.com" } },
  },
];

async function found({ made = {}, and }: Unsayable): Promise<{ stage: Stage; ids: Ids }> {
  const stage = setOldStage();
  const existing: Existing = {
    monitor: { ...CLICKED.monitor, ...made.monitor },
    primary: { ...CLICKED.primary, ...made.primary },
    secondary: { ...CLICKED.secondary, ...made.secondary },
    load_balancer: { ...CLICKED.load_balancer, ...made.load_balancer },
  };
  const ids = await make(stage, existing);
  await and?.(stage, ids);
  stage.forgetCalls();
  return { stage, ids };
}

const everything = (stage: Stage, ids: Ids) =>
  ROLES.map((role) => ({ ...objectAt(stage, role, ids[role]), description: null }));

const keys = (stage: Stage): string[][] =>
  sentWrites(stage).map(({ body }) => Object.keys(body as Body).toSorted());

describe("what a spec can't say", () => {
  it.each(UNSAYABLE)("is listed and refused: $what", async (one) => {
    const { stage } = await found(one);
    const { role, path, guard } = one;
    const { status, body } = await importing(stage, {});
    expect(status).toBe(200);
    expect(body.importable).toBe(false);
    expect(body.foreign).toEqual([
      { role, path, message: expect.stringMatching(/^[a-z]/), class: "foreign", keepable: true },
    ]);
    expect(body.refusals).toEqual([expect.objectContaining({ guard, overridable: true })]);
    expect(body.refusals[0].message).toContain("keep_foreign");
    const refused = await importing(stage, { confirm: true });
    expect(refused.status).toBe(409);
    expect(refused.body.refusals).toEqual(body.refusals);
    expect(stage.writes()).toEqual([]);
    expect(await rowsOf("SELECT id FROM failovers")).toEqual([]);
    expect((await importing(stage, { keep_foreign: true })).body).toMatchObject({
      importable: true,
      refusals: [],
      foreign: body.foreign,
    });
  });

  it.each(UNSAYABLE)("is left alone where that is asked for, and told: $what", async (one) => {
    const { stage, ids } = await found(one);
    const { role, path } = one;
    const before = everything(stage, ids);
    const { status, body } = await importing(stage, { confirm: true, keep_foreign: true });
    expect(status).toBe(201);
    expect(keys(stage)).toEqual([
      ["description", "expected_codes"],
      ["description"],
      ["description"],
      ["description"],
    ]);
    stage.forgetCalls();
    await stage.minutes(one.ticks ?? 2);
    expect(stage.writes()).toEqual([]);
    expect(everything(stage, ids)).toEqual(before);
    const after = await stage.failover();
    const told = one.told === false ? [] : [expect.objectContaining({ role, path, class: "foreign" })];
    expect(after.status).toMatchObject({ sync: "synced", drift: [] });
    expect(after.status.foreign).toEqual(told);
    const { body: plan } = await stage.call("GET", "/v1/failovers/shop/plan");
    expect(plan).toMatchObject({ changes: [], refusals: [] });
    const { body: explained } = await stage.call("GET", "/v1/failovers/shop/explain");
    expect(explained.predictable).toBe(one.unpredictable !== true);
    const [imported] = (await eventsOf(body.id)).filter(({ type }) => type === "failover.imported");
    expect(imported?.data["kept"]).toEqual([expect.objectContaining({ role, path })]);
  });

  it.each(UNSAYABLE)("stays as it is while drift beside it is healed: $what", async (one) => {
    const { stage, ids } = await found(one);
    await importing(stage, { confirm: true, keep_foreign: true });
    const before = everything(stage, ids);
    const { world } = stage.simulator;
    for (const side of ["primary", "secondary"] as const) {
      const origins = (world.pools.get(ids[side])?.origins ?? []).map((given) => {
        return { ...given, header: { Host: ["edited.example.com"] } };
      });
      world.edit("pool", ids[side], { name: `edited-${side}`, origins });
    }
    world.edit("monitor", ids.monitor, { path: "/edited" });
    world.edit("load_balancer", ids.load_balancer, { adaptive_routing: { failover_across_pools: false } });
    stage.forgetCalls();
    await stage.minutes(1);
    expect(keys(stage)).toEqual([
      ["expected_codes", "path"],
      ["name", "origins"],
      ["name", "origins"],
      ["adaptive_routing"],
    ]);
    expect(everything(stage, ids)).toEqual(before);
    await stage.minutes(1);
    expect(stage.writes()).toHaveLength(4);
  });

  it.each(UNSAYABLE)("is healed by asking and by nothing else: $what", async (one) => {
    const { stage } = await found(one);
    await importing(stage, { confirm: true, keep_foreign: true });
    const { body: patched } = await stage.call(
      "PATCH",
      "/v1/failovers/shop",
      { drift: { role: "heal", safety: "heal", cosmetic: "heal", foreign: "heal" } },
      { "if-match": '"1"' },
    );
    expect(patched.spec.drift.foreign).toBe("heal");
    stage.forgetCalls();
    await stage.minutes(2);
    await stage.operate("POST", "/v1/failovers/shop/reconcile");
    expect(stage.writes()).toEqual([]);
    const operation = await stage.operate("POST", "/v1/failovers/shop/reconcile", { heal_foreign: true });
    expect(operation.status).toBe("succeeded");
    const sent = sentWrites(stage).map(({ body }) => body as Body);
    const stays = ["load_shedding", "probe_zone", "default_pools", "references"].includes(one.path);
    expect(sent).toHaveLength(stays ? 0 : 1);
    if (one.healed !== undefined) expect(sent).toEqual([one.healed]);
    const { body: plan } = await stage.call("GET", "/v1/failovers/shop/plan");
    expect(plan.changes).toEqual([]);
    await stage.minutes(2);
    expect(stage.writes()).toHaveLength(sent.length);
    const { status } = await stage.failover();
    expect(status).toMatchObject({ sync: "synced", drift: [] });
    const told = stays && one.told !== false;
    expect(status.foreign).toHaveLength(told ? 1 : 0);
    if (told) expect(operation.message).toContain("can't be healed here");
  });

  it("is no longer left alone once the spec speaks of it", async () => {
    const one = UNSAYABLE.find(({ path }) => path === "check_regions");
    if (one === undefined) throw new Error("there is no such case");
    const { stage, ids } = await found(one);
    await importing(stage, { confirm: true, keep_foreign: true });
    stage.forgetCalls();
    const patched: Answer = await stage.call(
      "PATCH",
      "/v1/failovers/shop",
      { check_regions: ["OC"] },
      { "if-match": '"1"' },
    );
    expect(patched.status).toBe(200);
    await stage.minutes(1);
    expect(objectAt(stage, "primary", ids.primary)["check_regions"]).toEqual(["OC"]);
    expect(objectAt(stage, "secondary", ids.secondary)["check_regions"]).toEqual(["OC"]);
    expect((await stage.failover()).status).toMatchObject({ sync: "synced", foreign: [] });
  });
});
