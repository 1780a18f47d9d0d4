import { afterEach, describe, expect, it, vi } from "vitest";
import type { Effect } from "../simulator/simulator.ts";
import { CHECKS } from "../../src/failover/preflight/preflight.ts";
import { checkNamed, complaints, GOLDEN, goldenStage, PREFLIGHT, type Check } from "./golden.ts";
import type { Answer, Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
});

const EFFECTS: readonly (readonly [what: string, effect: Effect])[] = [
  ["a 500", { kind: "status", status: 500, when: "before" }],
  ["a 403", { kind: "status", status: 403, code: 10000, message: "Authentication error", when: "before" }],
  ["a 429", { kind: "rate-limit", retryAfterSeconds: 1 }],
  ["HTML", { kind: "status", status: 502, when: "before", body: "html" }],
  ["no answer in time", { kind: "timeout", when: "before" }],
  ["an empty body", { kind: "status", status: 200, when: "before", body: "empty" }],
  ["null", { kind: "status", status: 200, when: "before", body: "null" }],
];

/** Nothing is claimed beyond what was seen: no failure but of the token's permissions, and each gap has its reason. */
function expectHonest({ checks }: { checks: Check[] }, effect: Effect): void {
  const isForbidden = effect.kind === "status" && effect.status === 403;
  const claims = checks.filter(({ outcome }) => outcome === "fail" || outcome === "warn");
  const allowed = isForbidden ? ["token-permissions", "token-valid", "load-balancing-enabled"] : [];
  expect(
    claims.filter(({ id }) => !allowed.includes(id)).map(({ id, message }) => `${id}: ${message}`),
  ).toEqual([]);
  for (const { outcome, message } of checks)
    if (outcome === "unknown") expect(message).toMatch(/\S{3,}.*\.$/);
}

async function asked(stage: Stage, ask: () => Promise<Answer>): Promise<Answer["body"]> {
  stage.forgetCalls();
  const { status, body } = await ask();
  expect(status).toBe(200);
  expect(body.checks).toHaveLength(CHECKS.length);
  expect(stage.simulator.calls.length).toBeLessThanOrEqual(20);
  expect(stage.writes()).toEqual([]);
  return body;
}

const SAVED = (stage: Stage) => stage.call("GET", PREFLIGHT);
const UNSAVED = (stage: Stage) =>
  stage.call("POST", "/v1/preflight", { ...GOLDEN, name: "other", hostname: "other.example.com" });

describe("with every call of Cloudflare's failing in turn", () => {
  it.each(EFFECTS)(
    "by %s, it answers, claims nothing that it doesn't know, and writes nothing",
    async (_, effect) => {
      const stage = goldenStage();
      stage.simulator.world.addDnsRecord("example.com", {
        type: "A",
        name: "other.example.com",
        content: "80.1.1.1",
      });
      await stage.ready(GOLDEN);
      for (const ask of [SAVED, UNSAVED]) {
        const whole = await asked(stage, () => ask(stage));
        expectHonest(whole, { kind: "drop", when: "before" });
        const known = whole.checks.filter(({ outcome }: Check) => outcome === "pass").length;
        for (let nth = 1; ; nth += 1) {
          const fault = stage.simulator.faults.add({ match: { nth }, effect });
          const body = await asked(stage, () => ask(stage));
          fault.remove();
          expectHonest(body, effect);
          expect(body.checks.filter(({ outcome }: Check) => outcome === "pass").length).toBeLessThanOrEqual(
            known,
          );
          if (effect.kind === "rate-limit") await stage.pass(2);
          if (fault.hits === 0) {
            // Each of them had its turn.
            expect(nth).toBeGreaterThan(12);
            break;
          }
        }
      }
    },
  );

  it.each(EFFECTS)("all by %s, hardly anything is known, and that is said", async (_, effect) => {
    const stage = goldenStage();
    await stage.ready(GOLDEN);
    stage.simulator.faults.add({ match: { times: Infinity }, effect });
    const body = await asked(stage, () => SAVED(stage));
    expectHonest(body, effect);
    for (const id of ["zone-active", "certificate", "endpoint-health", "foreign-routing", "quota"])
      expect([id, checkNamed(body, id).outcome]).toEqual([id, id === "quota" ? "pass" : "unknown"]);
  });
});

describe("where the world doesn't answer", () => {
  it.each(["timeout", "refused", "unavailable", "servfail"] as const)(
    "a resolver that is out of order (%s) leaves addresses unknown",
    async (outage) => {
      const stage = goldenStage();
      await stage.ready(GOLDEN);
      stage.simulator.world.resolver.outage = outage;
      const body = await asked(stage, () => SAVED(stage));
      expect(complaints(body).map((one) => one.replace(/:.*/, ""))).toEqual([
        "unknown endpoint-resolves",
        "unknown address-public",
        "unknown address-proxied",
        "unknown page-rule",
      ]);
    },
  );

  it("endpoints that hang keep the answer no longer than a few of the monitor's timeouts", async () => {
    const stage = goldenStage();
    await stage.ready({ ...GOLDEN, monitor: { timeout: 1, retries: 0 } });
    const { world } = stage.simulator;
    world.addOrigin({ address: "hanging.example.net", failure: "timeout" });
    const startedAt = performance.now();
    const { status, body } = await stage.call("POST", "/v1/preflight", {
      ...GOLDEN,
      name: "other",
      hostname: "other.example.com",
      monitor: { timeout: 1, retries: 0 },
      primary: { address: "hanging.example.net" },
      secondary: { address: "hanging.example.net", port: 8080 },
    });
    expect(status).toBe(200);
    expect(performance.now() - startedAt).toBeLessThan(5000);
    expect(checkNamed(body, "endpoint-answers")).toMatchObject({
      outcome: "warn",
      message: expect.stringMatching(/primary.*within 1 second.*secondary.*within 1 second/),
    });
  });
});
