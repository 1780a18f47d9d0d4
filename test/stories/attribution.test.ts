import { describe, expect, it } from "vitest";
import { rowsOf } from "./ledger.ts";
import { idOf, pathOf } from "./somebody.ts";
import { setStage, type Answer, type Stage } from "./stage.ts";

const asked = (stage: Stage) =>
  stage.simulator.calls.filter(({ path }) => path.endsWith("/logs/audit")).length;

async function eventsOf(stage: Stage, type: string): Promise<Answer["body"][]> {
  return (await stage.call("GET", `/v1/failovers/shop/events?type=${type}`)).body.items;
}

/** A shop at which somebody takes the Host header off a pool. */
async function aDrift(lagMs: number | null): Promise<Stage> {
  const stage = setStage();
  const { world } = stage.simulator;
  const failover = await stage.ready();
  if (lagMs !== null) Object.assign(world.switches, { auditLog: "readable", auditLogLagMs: lagMs });
  world.somebody.email = "bob@example.com";
  const id = idOf(failover, "secondary");
  const origins = world.pools.get(id)?.origins.map(({ header: _header, ...origin }) => origin) ?? [];
  await stage.pass(20);
  world.edit("pool", id, { origins });
  await stage.minutes(1);
  return stage;
}

describe("whose doing drift was", () => {
  it("is told where the audit log can be read, in one call, and healing doesn't wait for it", async () => {
    const stage = await aDrift(0);
    const [drift] = await eventsOf(stage, "drift.detected");
    expect(await eventsOf(stage, "drift.healed")).toHaveLength(1);
    expect(await eventsOf(stage, "drift.attributed")).toMatchObject([
      {
        data: {
          event_id: drift.id,
          by: {
            actor: "bob@example.com",
            context: "dash",
            action: "update",
            at: "2035-01-01T00:03:20.000Z",
            source: "audit log",
          },
        },
      },
    ]);
    expect(asked(stage)).toBe(1);
    await stage.minutes(3);
    expect(asked(stage)).toBe(1);
    expect((await stage.call("GET", "/readyz")).body).not.toHaveProperty("audit_log_unreadable");
    expect((await stage.call("GET", "/v1/audit/verify")).body.ok).toBe(true);
  });

  it("names the token of a tool, and never our own", async () => {
    const stage = setStage();
    const { world } = stage.simulator;
    world.switches.auditLog = "readable";
    world.addToken({ value: "terraform-token-Ab12", name: "terraform" });
    const failover = await stage.ready();
    const request = new Request(`https://api.cloudflare.test/client/v4${pathOf(failover, "primary")}`, {
      method: "PATCH",
      headers: { authorization: "Bearer terraform-token-Ab12", "content-type": "application/json" },
      body: JSON.stringify({ minimum_origins: 2 }),
    });
    expect((await stage.simulator.api(request)).status).toBe(200);
    await stage.minutes(2);
    const [{ data } = { data: null }] = await eventsOf(stage, "drift.attributed");
    expect(data.by).toMatchObject({ actor: "terraform", context: "api_token", token_name: "terraform" });
    expect(await eventsOf(stage, "drift.attributed")).toHaveLength(1);
  });

  it("is told later where the log lags behind", async () => {
    const stage = await aDrift(5 * 60_000);
    expect(await eventsOf(stage, "drift.attributed")).toEqual([]);
    await stage.minutes(8);
    expect(await eventsOf(stage, "drift.attributed")).toHaveLength(1);
    expect(asked(stage)).toBe(4);
    expect(await rowsOf("SELECT * FROM unattributed")).toEqual([]);
  });

  it("is given up where it never comes", async () => {
    const never = await aDrift(86_400_000);
    await never.minutes(31);
    expect(await eventsOf(never, "drift.attributed")).toEqual([]);
    expect(asked(never)).toBe(6);
    expect(await rowsOf("SELECT * FROM unattributed")).toEqual([]);
  });

  it("is not told without the permission, and that is said once and asked once an hour", async () => {
    const stage = await aDrift(null);
    expect(await eventsOf(stage, "drift.healed")).toHaveLength(1);
    expect(await eventsOf(stage, "drift.attributed")).toEqual([]);
    expect((await stage.call("GET", "/readyz")).body).toMatchObject({
      status: "ok",
      audit_log_unreadable: expect.stringContaining("audit log can't be read"),
    });
    const { world } = stage.simulator;
    const id = idOf(await stage.failover(), "primary");
    world.switches.auditLog = "readable";
    world.edit("pool", id, { minimum_origins: 2 });
    await stage.minutes(2);
    expect(asked(stage)).toBe(1);
    await stage.pass(3_600);
    world.edit("pool", id, { minimum_origins: 2 });
    await stage.minutes(1);
    expect(await eventsOf(stage, "drift.attributed")).toHaveLength(1);
    expect((await stage.call("GET", "/readyz")).body).not.toHaveProperty("audit_log_unreadable");
  });

  it("is asked for again where the log could not be reached", async () => {
    const stage = setStage();
    const { world, faults } = stage.simulator;
    const failover = await stage.ready();
    world.switches.auditLog = "readable";
    faults.add({ match: { path: "/logs/audit" }, effect: { kind: "status", status: 503, when: "before" } });
    world.edit("pool", idOf(failover, "primary"), { minimum_origins: 2 });
    await stage.minutes(1);
    expect(await eventsOf(stage, "drift.attributed")).toEqual([]);
    await stage.minutes(1);
    expect(await eventsOf(stage, "drift.attributed")).toHaveLength(1);
  });
});
