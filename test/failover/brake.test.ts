import { describe, expect, test } from "vitest";
import { isHeldBack, nextBrake, tooMuch, type UnaskedHealing } from "../../src/failover/brake.ts";

const healing = (number: number, given: Partial<UnaskedHealing> = {}): UnaskedHealing => ({
  failoverId: `fo_${number}`,
  planId: `plan_${number}`,
  recreates: false,
  ...given,
});
const healings = (count: number, given: Partial<UnaskedHealing> = {}) =>
  Array.from({ length: count }, (_, number) => healing(number, given));

describe("too much change", () => {
  test.each<[healed: number, fleet: number, isTooMuch: boolean]>([
    [0, 0, false],
    [1, 1, false],
    [10, 10, false],
    [11, 11, true],
    [11, 36, true],
    [11, 37, false],
    [30, 100, false],
    [31, 100, true],
  ])("%i of %i failovers healed: %s", (healed, fleet, isTooMuch) => {
    expect(tooMuch(healings(healed), fleet) !== null).toBe(isTooMuch);
  });

  test.each<[recreated: number, isTooMuch: boolean]>([
    [2, false],
    [3, true],
  ])("objects of %i failovers created again: %s", (recreated, isTooMuch) => {
    expect(tooMuch(healings(recreated, { recreates: true }), 1000) !== null).toBe(isTooMuch);
  });
});

describe("the brake", () => {
  const made = { id: "br_new", now: 1000 };

  test("is on while it is too much, and keeps its id while the plans are the same", () => {
    const first = nextBrake(null, healings(12), 12, { id: "br_1", now: 1 });
    expect(first).toMatchObject({ id: "br_1", engagedAt: 1, agreed: {} });
    expect(isHeldBack(first, "fo_3")).toBe(true);
    expect(isHeldBack(first, "fo_99")).toBe(false);
    expect(nextBrake(first, healings(12), 12, made)).toStrictEqual(first);
    const changed = [...healings(11), healing(11, { planId: "plan_other" })];
    expect(nextBrake(first, changed, 12, made)).toMatchObject({ id: "br_new", engagedAt: 1000 });
  });

  test("goes off once it is less, and leaves nothing behind", () => {
    const first = nextBrake(null, healings(12), 12, made);
    expect(nextBrake(first, healings(4), 12, made)).toBeNull();
    expect(nextBrake(null, [], 12, made)).toBeNull();
  });

  test("lets exactly the agreed plans pass, and counts what is new without them", () => {
    const first = nextBrake(null, healings(12), 20, made);
    const agreed = first === null ? null : { ...first, held: {}, agreed: first.held };
    const same = nextBrake(agreed, healings(12), 20, made);
    expect(Object.keys(same?.held ?? {})).toStrictEqual([]);
    expect(Object.keys(same?.agreed ?? {})).toHaveLength(12);
    // Another plan of the same failovers was never agreed to.
    const others = nextBrake(agreed, healings(13, { planId: "plan_other" }), 13, made);
    expect(Object.keys(others?.held ?? {})).toHaveLength(13);
    expect(others?.agreed).toStrictEqual({});
  });
});
