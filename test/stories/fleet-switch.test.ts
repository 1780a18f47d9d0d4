import { afterEach, describe, expect, it, vi } from "vitest";
import { createFleet } from "./fleet.ts";
import { setStage, type Answer, type Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** Six in testing, one of them without a healthy stand-in. */
async function aFleet(): Promise<Stage> {
  const stage = setStage();
  const { names } = await createFleet(stage, 6);
  stage.simulator.world.addOrigin({ address: "broken.example.net", title: "Broken", up: false });
  const { body } = await stage.call("GET", `/v1/failovers/${names[5]}`);
  const patch = { secondary: { pages_project: null, address: "broken.example.net" } };
  const headers = { "if-match": `"${body.revision}"` };
  expect((await stage.call("PATCH", `/v1/failovers/${names[5]}`, patch, headers)).status).toBe(200);
  await stage.minutes(4);
  for (const name of names.slice(0, 5)) {
    expect(await stage.promote(name)).toMatchObject({
      status: "succeeded",
    });
  }
  stage.forgetCalls();
  return stage;
}

const PATH = "/v1/fleet/switch-over";
const toSecondary = (more: object = {}) => ({
  to: "secondary",
  selector: {},
  reason: "the primary's data centre moves",
  ...more,
});

const actives = async (stage: Stage): Promise<string[]> => {
  const { body } = await stage.call("GET", "/v1/failovers?limit=100");
  return body.items.map(({ name, active }: Answer["body"]) => `${name} ${active}`);
};

describe("switching a fleet over", () => {
  it("says first what would become of each, and writes nothing", { timeout: 120_000 }, async () => {
    const stage = await aFleet();
    const { status, body } = await stage.call("POST", PATH, toSecondary());
    expect(status).toBe(200);
    expect(body.dry_run).toBe(true);
    const outcomes = body.items.map(({ name, outcome }: Answer["body"]) => `${name} ${outcome}`);
    expect(outcomes.toSorted()).toEqual([
      ...["shop-000", "shop-001", "shop-002", "shop-003", "shop-004"].map((name) => `${name} switch`),
      "shop-005 refused",
    ]);
    const refused = body.items.find(({ name }: Answer["body"]) => name === "shop-005");
    expect(refused.refusals).toMatchObject([{ guard: "target-not-ready" }]);
    expect(stage.writes()).toEqual([]);
    expect((await actives(stage)).every((one) => one.endsWith("primary"))).toBe(true);
  });

  it(
    "does it for each by an operation of its own, also where it dies half-way",
    { timeout: 120_000 },
    async () => {
      const stage = await aFleet();
      const { status, body } = await stage.call("POST", PATH, toSecondary({ confirm: true }));
      expect(status).toBe(202);
      expect(body.items).toHaveLength(6);
      await stage.crash();
      for (let looks = 0; looks < 20; looks += 1) {
        await stage.alarms();
        await stage.pass(3);
      }
      expect((await actives(stage)).toSorted()).toEqual([
        ...["shop-000", "shop-001", "shop-002", "shop-003", "shop-004"].map((name) => `${name} secondary`),
        "shop-005 primary",
      ]);
      expect(stage.writes()).toHaveLength(5);
      const statuses = await Promise.all(
        body.items.map(async ({ operation_id: id }: Answer["body"]) => {
          const { body: operation } = await stage.call("GET", `/v1/operations/${id}`);
          return operation.status;
        }),
      );
      expect(statuses.toSorted()).toEqual(["failed", ...Array.from({ length: 5 }, () => "succeeded")]);
    },
  );

  it(
    "takes those that are selected, and says what it does not understand",
    { timeout: 120_000 },
    async () => {
      const stage = await aFleet();
      const chosen = await stage.call("POST", PATH, toSecondary({ selector: { name_pattern: "*-00[12]" } }));
      expect(chosen.status).toBe(422);
      const some = toSecondary({ selector: { name_pattern: "shop-00*", stage: "draft" } });
      expect((await stage.call("POST", PATH, some)).body.items).toMatchObject([{ name: "shop-005" }]);
      const unknown = await stage.call(
        "POST",
        PATH,
        toSecondary({ selector: { names: ["shop-000", "nobody"] } }),
      );
      expect([unknown.status, unknown.body.errors[0].pointer]).toEqual([422, "/selector/names"]);
      // Only by a lease is not there for good.
      const first = (more: object = {}) => toSecondary({ selector: { names: ["shop-000"] }, ...more });
      const away = { to: "secondary", expires_in_seconds: 600, reason: "a new disk" };
      await stage.operate("POST", "/v1/failovers/shop-000/switch-over", away);
      expect((await stage.call("POST", PATH, first())).body.items).toMatchObject([{ outcome: "switch" }]);
      await stage.call("POST", "/v1/fleet/freeze", { reason: "black friday" });
      const frozen = await stage.call("POST", PATH, first({ confirm: true }));
      expect(frozen).toMatchObject({ status: 409, body: { refusals: [{ guard: "frozen" }] } });
      await stage.call("DELETE", "/v1/fleet/freeze");
      expect((await stage.call("POST", PATH, first({ confirm: true }))).status).toBe(202);
      await stage.alarms();
      expect(await stage.failover("shop-000")).toMatchObject({ active: "secondary", leases: [] });
      expect((await stage.call("POST", PATH, first())).body.items).toMatchObject([{ outcome: "already" }]);
      const nobody = await stage.call("POST", PATH, toSecondary({ selector: { stage: "production" } }));
      expect([nobody.status, nobody.body.errors[0].pointer]).toEqual([422, "/selector"]);
    },
  );
});
