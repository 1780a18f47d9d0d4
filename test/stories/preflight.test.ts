import { afterEach, describe, expect, it, vi } from "vitest";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
});

interface Check {
  readonly id: string;
  readonly outcome: string;
  readonly message: string;
  readonly remedy: string | null;
}

/** What isn't simply fine, for a person to read when a test fails. */
function complaints({ checks }: { checks: Check[] }): string[] {
  return checks
    .filter(({ outcome }) => outcome !== "pass")
    .map(({ id, outcome, message }) => `${outcome} ${id}: ${message}`);
}

const PATH = "/v1/failovers/shop/preflight";

/** The tutorial's pair as the checks want it: each endpoint with a marker, and a token of the account's own. */
const GOLDEN = {
  ...SHOP,
  primary: { ...SHOP.primary, marker: { body: "primary origin" } },
  secondary: { ...SHOP.secondary, marker: { body: "pages project" } },
};

function goldenStage(): Stage {
  const stage = setStage();
  stage.simulator.world.token.kind = "account";
  return stage;
}

async function preflight(stage: Stage, query = ""): Promise<Answer["body"]> {
  const { status, body } = await stage.call("GET", `${PATH}${query}`);
  expect(status).toBe(200);
  return body;
}

describe("the golden configuration", () => {
  it("passes every check, in at most twenty calls, and changes nothing", async () => {
    const stage = goldenStage();
    await stage.ready(GOLDEN);
    stage.forgetCalls();
    const body = await preflight(stage);
    // Cloudflare shows Page Rules to no token of an account's own.
    expect(complaints(body)).toEqual([expect.stringMatching(/^unknown page-rule/)]);
    expect(body).toMatchObject({ outcome: "unknown", revision: 1 });
    expect(body.calls).toBe(stage.simulator.calls.length);
    expect(body.calls).toBeLessThanOrEqual(20);
    expect(stage.writes()).toEqual([]);
  });

  it("passes every check that can be made before it is saved, and nothing is kept", async () => {
    const stage = goldenStage();
    await stage.minutes(1);
    stage.forgetCalls();
    const { status, body } = await stage.call("POST", "/v1/preflight", GOLDEN);
    expect(status).toBe(200);
    expect(complaints(body).filter((one) => !one.startsWith("unknown"))).toEqual([]);
    expect(body).toMatchObject({ failover_id: null, revision: null });
    expect(body.calls).toBe(stage.simulator.calls.length);
    expect((await stage.call("GET", "/v1/failovers")).body.items).toEqual([]);
  });
});
