import { describe, expect, it } from "vitest";
import { findDoer, nextAsk, type AuditEntry } from "../../src/failover/attribution.ts";

const ID = "17b5962d775c646f3f9725cbc7a53df4";
const NOON = Date.UTC(2026, 10, 23, 12);
const ABOUT = { objectIds: ["other", ID], since: NOON - 60_000, detectedAt: NOON };

function anEntry(id: string, secondsBefore: number, more: Partial<AuditEntry> = {}): AuditEntry {
  return {
    id,
    at: NOON - secondsBefore * 1000,
    actor: "ann@example.com",
    kind: "user",
    context: "dash",
    tokenName: null,
    action: "update",
    resourceId: ID,
    uri: "",
    ...more,
  };
}

describe("whose doing a drift was", () => {
  it.each<[string, AuditEntry[], string | null]>([
    ["is nobody's without entries", [], null],
    ["is who changed the object", [anEntry("a", 30)], "a"],
    [
      "is known by the path where no object is named",
      [anEntry("a", 30, { resourceId: "", uri: `/accounts/x/load_balancers/pools/${ID}?y` })],
      "a",
    ],
    ["is not who changed another object", [anEntry("a", 30, { resourceId: "third" })], null],
    ["is the last of several", [anEntry("a", 40), anEntry("c", 10), anEntry("b", 20)], "c"],
    ["is not who changed it before we last looked", [anEntry("a", 70)], null],
    ["is not who changed it after it was noticed", [anEntry("a", -10)], null],
    ["allows for clocks that differ a little", [anEntry("a", 63), anEntry("b", -3)], "b"],
  ])("%s", (_what, entries, id) => {
    expect(findDoer(entries, ABOUT)?.id ?? null).toBe(id);
  });

  it("is asked for with growing pauses, and given up after half an hour", () => {
    const asks = [NOON];
    for (let asked = 1; asked < 20; asked += 1) {
      const next = nextAsk(asked, asks.at(-1) ?? NOON);
      if (next === null) break;
      asks.push(next);
    }
    expect(asks.map((at) => (at - NOON) / 60_000)).toEqual([0, 1, 3, 7, 15, 30]);
  });
});
