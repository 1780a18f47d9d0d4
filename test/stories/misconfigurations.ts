// One thing that is wrong in the golden configuration, and what a preflight has to say of it.
import { describe, expect, it } from "vitest";
import type { World } from "../simulator/simulator.ts";
import { GOLDEN, goldenStage, preflight, preflightOf, type Check } from "./golden.ts";
import type { Stage } from "./stage.ts";

type Seed = (world: World, stage: Stage) => unknown;

export interface Misconfiguration {
  /** Without it the account is as `seed` leaves it, and what is wrong stands in the spec. */
  readonly seed?: Seed;
  /** Members of the spec that differ from the golden ones. */
  readonly spec?: object;
  /** Of a failover that is in place already; how many minutes pass before the preflight. */
  readonly later?: number;
  /** What the failing or warning checks are: all of them. */
  readonly checks: Readonly<Record<string, "fail" | "warn">>;
  /** Checks that can't be made for it, and say why. */
  readonly unknown?: readonly string[];
  /** What the first check's message has to name. */
  readonly says: RegExp;
  /** What its remedy has to name. */
  readonly remedy: RegExp;
}

export type Row = readonly [what: string, Misconfiguration];

function merged(spec: object | undefined): object {
  const whole: Record<string, unknown> = { ...GOLDEN };
  for (const [member, value] of Object.entries(spec ?? {})) {
    const given: unknown = whole[member];
    const isNested = typeof given === "object" && !("pages_project" in value || "address" in value);
    whole[member] = isNested ? { ...given, ...value } : value;
  }
  return whole;
}

export async function saved(stage: Stage, row: Misconfiguration): Promise<{ checks: Check[] }> {
  const { world } = stage.simulator;
  const seedsLater = row.later !== undefined;
  if (!seedsLater) await row.seed?.(world, stage);
  const { status, body } = await stage.call("POST", "/v1/failovers", merged(row.spec));
  if (status !== 201) throw new Error(`creating answered ${status}: ${JSON.stringify(body)}`);
  await stage.alarms();
  await stage.minutes(3);
  if (seedsLater) {
    await row.seed?.(world, stage);
    await stage.minutes(row.later);
  }
  return preflight(stage);
}

export async function unsaved(stage: Stage, row: Misconfiguration): Promise<{ checks: Check[] }> {
  await row.seed?.(stage.simulator.world, stage);
  await stage.minutes(1);
  return preflightOf(stage, merged(row.spec));
}

/** Exactly what the row names is wrong, with a remedy, and nothing that could not be seen is claimed. */
function judge({ checks }: { checks: Check[] }, row: Misconfiguration): void {
  const bad = checks.filter(({ outcome }) => outcome === "fail" || outcome === "warn");
  const found = Object.fromEntries(bad.map(({ id, outcome }) => [id, outcome]));
  const told = bad.map(({ id, message }) => `${id}: ${message}`).join("\n");
  expect(found, told).toEqual(row.checks);
  const [id = ""] = Object.keys(row.checks);
  const check = checks.find((one) => one.id === id);
  expect(check?.message).toMatch(row.says);
  expect(check?.remedy).toMatch(row.remedy);
  for (const { remedy, documentation } of bad) {
    expect(remedy).toMatch(/^[A-Z].*\.$/);
    expect(documentation).not.toBe("");
  }
  const unmade = checks.filter(({ outcome }) => outcome === "unknown").map((one) => one.id);
  expect(unmade).toEqual(expect.arrayContaining([...(row.unknown ?? [])]));
}

/** Each row on a stage of its own. How many there are stands in the report. */
export function tell(when: string, ask: typeof saved, rows: readonly Row[]): void {
  describe(`${rows.length} misconfigurations ${when}`, () => {
    it.each(rows)("%s", async (_, row) => {
      judge(await ask(goldenStage(), row), row);
    });
  });
}
