import { describe, expect, test } from "vitest";
import { isSelected, unknownNames, type FleetSelection } from "../../src/failover/selection.ts";
import { fitsWildcard } from "../../src/failover/wildcard.ts";

describe("a pattern", () => {
  test.each<[pattern: string, text: string, fits: boolean]>([
    ["shop", "shop", true],
    ["shop", "shops", false],
    ["*", "", true],
    ["*", "shop", true],
    ["shop-*", "shop-a", true],
    ["shop-*", "shop", false],
    ["*-eu", "shop-eu", true],
    ["*-eu", "shop-eu-2", false],
    ["s*p", "shop", true],
    ["s*p", "sp", true],
    ["s*op*p", "shop", false],
    ["a*a", "a", false],
    ["**shop**", "my-shop-2", true],
    ["shop.", "shopx", false],
    [`${"*".repeat(49)}x`, "a".repeat(50), false],
  ])("%s over %s: %s", (pattern, text, fits) => {
    expect(fitsWildcard(pattern, text)).toBe(fits);
  });
});

describe("a selection", () => {
  const shop = { name: "shop-eu", stage: "production" } as const;
  test.each<[selection: FleetSelection, selected: boolean]>([
    [{}, true],
    [{ names: ["shop-eu", "blog"] }, true],
    [{ names: ["blog"] }, false],
    [{ stage: "production" }, true],
    [{ stage: "draft" }, false],
    [{ namePattern: "shop-*", stage: "production" }, true],
    [{ namePattern: "blog-*", stage: "production" }, false],
    [{ names: ["shop-eu"], namePattern: "blog*" }, false],
  ])("%j: %s", (selection, selected) => {
    expect(isSelected(selection, shop)).toBe(selected);
  });

  test("names whom nobody knows", () => {
    expect(unknownNames({ names: ["a", "b"] }, ["b"])).toStrictEqual(["a"]);
    expect(unknownNames({}, ["b"])).toStrictEqual([]);
  });
});
