// One thing that is wrong in the golden configuration, and what a preflight has to say of it.
import { describe, expect, it } from "vitest";
import type { World } from "../simulator/simulator.ts";
import { GOLDEN, goldenStage, preflight, preflightOf, type Check } from "./golden.ts";
import { CHECKS } from "../../src/failover/preflight/preflight.ts";
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
  /** Why it is nothing to a promotion: that heals first, and doesn't try whether the token may write. */
  readonly promotes?: "heals" | "does not ask";
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
  await stage.minutes(1);
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

interface Refused {
  readonly guard: string;
  readonly overridable: boolean;
  readonly facts: { readonly checks?: readonly Pick<Check, "id" | "message" | "remedy">[] };
}

/** Each failing check refuses the way to testing under its guard, unless it is about production; no other outcome does. */
async function expectRefusals(
  stage: Stage,
  { checks }: { checks: Check[] },
  { promotes }: Misconfiguration,
): Promise<void> {
  const { body } = await stage.call("POST", "/v1/failovers/shop/promote");
  const refusals: Refused[] = body.refusals ?? [];
  const told = refusals.flatMap(({ guard, facts }) =>
    (facts.checks ?? []).map(({ id, message, remedy }) => ({ guard, id, message, remedy })),
  );
  const failing = CHECKS.flatMap((check) => {
    const result = checks.find(({ id, outcome }) => id === check.id && outcome === "fail");
    if (result === undefined || check.production === true || promotes !== undefined) return [];
    return [{ guard: check.guard ?? "preflight-failed", id: check.id, remedy: result.remedy }];
  });
  const named = [...new Set(told.map(({ guard, id, remedy }) => JSON.stringify({ guard, id, remedy })))];
  expect(named.toSorted()).toEqual(failing.map((one) => JSON.stringify(one)).toSorted());
  for (const { message } of told) expect(message).toMatch(/^\S.*\.$/);
  if (!checks.some(({ outcome }) => outcome === "fail")) expect(refusals).toEqual([]);
}

/** Each row on a stage of its own. How many there are stands in the report. */
export function tell(when: string, ask: typeof saved, rows: readonly Row[]): void {
  describe(`${rows.length} misconfigurations ${when}`, () => {
    it.each(rows)("%s", async (_, row) => {
      const stage = goldenStage();
      const found = await ask(stage, row);
      judge(found, row);
      if (ask === saved) await expectRefusals(stage, found, row);
    });
  });
}
