import { afterEach, describe, expect, it, vi } from "vitest";
import { checkNamed, GOLDEN, goldenStage, preflight } from "./golden.ts";
import type { Answer, Stage } from "./stage.ts";
import { UNDRILLED } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
});

const PROMOTE = "/v1/failovers/shop/promote";
const DEEP = "www.shop.example.com";

type World = Stage["simulator"]["world"];

type Conflict = [what: string, seed: (world: World) => unknown, check: string, guard: string, spec?: object];

const CONFLICTS: Conflict[] = [
  [
    "an active Pages custom domain",
    (world) => world.addPagesDomain("shop", "www.example.com"),
    "custom-hostname",
    "hostname-conflict",
  ],
  [
    "a custom hostname of Cloudflare for SaaS",
    (world) => world.addCustomHostname("example.com", { hostname: "www.example.com" }),
    "custom-hostname",
    "hostname-conflict",
  ],
  [
    "a Worker's custom domain",
    (world) => world.addWorkerDomain("example.com", { hostname: "www.example.com", service: "landing" }),
    "worker-domain",
    "hostname-conflict",
  ],
  [
    "a name that no certificate covers",
    (world) =>
      world.addDnsRecord("example.com", { type: "CNAME", name: DEEP, content: "origin.example.net" }),
    "certificate",
    "certificate-missing",
    { hostname: DEEP },
  ],
];

describe("what claims the production hostname", () => {
  it.each<Conflict>(CONFLICTS)(
    "%s is no obstacle to testing, refuses production, and can be overridden by name",
    async (_, seed, id, guard, spec = {}) => {
      const stage = goldenStage();
      seed(stage.simulator.world);
      await stage.ready({ ...GOLDEN, ...spec });
      const check = checkNamed(await preflight(stage), id);
      expect(check.outcome).toBe("fail");
      expect(await stage.promote()).toMatchObject({ status: "succeeded" });
      await stage.minutes(1);
      const refused = await stage.call("POST", PROMOTE, UNDRILLED);
      expect(refused.status).toBe(409);
      expect(refused.body.refusals).toMatchObject([
        {
          guard,
          overridable: true,
          message: check.message.replace(/\.$/, ""),
          facts: { checks: [{ id, message: check.message, remedy: check.remedy }] },
        },
      ]);
      const other = await stage.call("POST", PROMOTE, {
        override: ["preflight-failed", "drill-missing"],
        reason: "we know",
      });
      expect(other.body.refusals).toMatchObject([{ guard }]);
      const overridden = await stage.call("POST", PROMOTE, {
        override: [guard, "drill-missing"],
        reason: "we know",
      });
      expect(overridden.status).toBe(202);
      const { body } = await stage.call("GET", "/v1/failovers/shop/events?limit=100");
      expect(body.items.find(({ type }: Answer["body"]) => type === "guard.overridden")).toMatchObject({
        data: {
          reason: "we know",
          guards: [
            { guard, message: expect.stringContaining(check.message.slice(0, 20)) },
            { guard: "drill-missing" },
          ],
        },
      });
    },
  );
});

describe("several at once", () => {
  it("are told together, each under its guard", async () => {
    const stage = goldenStage();
    const { world } = stage.simulator;
    await stage.ready(GOLDEN);
    for (const zone of world.zones.values()) zone.paused = true;
    world.certificatePacks.clear();
    world.origin("origin.example.net").redirectTo = "https://elsewhere.example/";
    const { body } = await stage.call("POST", PROMOTE);
    expect(body.refusals).toMatchObject([
      {
        guard: "preflight-failed",
        message: expect.stringMatching(/paused.*; .*elsewhere\.example/),
        facts: { checks: [{ id: "zone-paused" }, { id: "redirect-leaves" }] },
      },
      { guard: "certificate-missing", facts: { checks: [{ id: "test-hostname-certificate" }] } },
    ]);
    const half = await stage.call("POST", PROMOTE, { override: ["preflight-failed"], reason: "a rehearsal" });
    expect(half.body.refusals).toMatchObject([{ guard: "certificate-missing" }]);
  });
});
