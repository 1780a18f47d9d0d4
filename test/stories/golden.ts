// The tutorial's pair as the checks of a preflight want it, and how a preflight of it is asked for and read.
import { expect } from "vitest";
import { setStage, SHOP, type Answer, type Stage } from "./stage.ts";

export interface Check {
  readonly id: string;
  readonly outcome: "pass" | "warn" | "fail" | "unknown";
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly message: string;
  readonly remedy: string | null;
  readonly documentation: string;
}

export interface Preflight {
  readonly checks: Check[];
  readonly outcome: string;
  readonly calls: number;
}

/** Each endpoint with a marker of its own. */
export const GOLDEN = {
  ...SHOP,
  primary: { ...SHOP.primary, marker: { body: "primary origin" } },
  secondary: { ...SHOP.secondary, marker: { body: "pages project" } },
};

/** With a token of the account's own. */
export function goldenStage(options: Parameters<typeof setStage>[0] = {}): Stage {
  const stage = setStage(options);
  stage.simulator.world.token.kind = "account";
  return stage;
}

/** What isn't simply fine, for a person to read when a test fails. */
export function complaints({ checks }: Pick<Preflight, "checks">): string[] {
  return checks
    .filter(({ outcome }) => outcome !== "pass")
    .map(({ id, outcome, message }) => `${outcome} ${id}: ${message}`);
}

export function checkNamed({ checks }: Pick<Preflight, "checks">, id: string): Check {
  const found = checks.find((check) => check.id === id);
  if (found === undefined) throw new Error(`there is no check ${id}`);
  return found;
}

export const PREFLIGHT = "/v1/failovers/shop/preflight";

/** Of the saved failover; also counts that it says truly how many calls it took, and that they are few. */
export async function preflight(stage: Stage, query = ""): Promise<Answer["body"]> {
  stage.forgetCalls();
  return read(stage, await stage.call("GET", `${PREFLIGHT}${query}`));
}

export async function preflightOf(stage: Stage, spec: object): Promise<Answer["body"]> {
  stage.forgetCalls();
  return read(stage, await stage.call("POST", "/v1/preflight", spec));
}

function read(stage: Stage, { status, body }: Answer): Answer["body"] {
  expect([status, body.errors]).toEqual([200, undefined]);
  expect(stage.simulator.calls.length).toBeLessThanOrEqual(20);
  expect(stage.writes()).toEqual([]);
  return body;
}
