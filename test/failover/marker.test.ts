import { describe, expect, test } from "vitest";
import {
  carriesMarker,
  describeWith,
  kindOf,
  markerOf,
  ROLES,
  withoutMarker,
} from "../../src/failover/marker.ts";

const marker = markerOf("k3v9x2ma", "fo_1", "primary");

describe("the marker", () => {
  test("names installation, failover and role", () => {
    expect(marker).toBe("understudy:k3v9x2ma:fo_1:primary");
  });

  test.each([
    ["production website understudy:k3v9x2ma:fo_1:primary", true],
    ["understudy:k3v9x2ma:fo_1:primary", true],
    ["understudy:k3v9x2ma:fo_11:primary", false],
    ["understudy:k3v9x2ma:fo_1:primary ", false],
    ["understudy:k3v9x2ma:fo_1:primary, see wiki", false],
    ["xunderstudy:k3v9x2ma:fo_1:primary", false],
    ["understudy:k3v9x2ma:fo_1:PRIMARY", false],
    ["", false],
    [null, false],
    [undefined, false],
    [7, false],
  ])("in %j is carried: %s", (description, carried) => {
    expect(carriesMarker(description, marker)).toBe(carried);
  });

  test.each(["", "production website", "ends in a blank "])(
    "is found where it was put behind %j, and only there",
    (text) => {
      const description = describeWith(text, marker);
      expect(carriesMarker(description, marker)).toBe(true);
      expect(carriesMarker(description, markerOf("k3v9x2ma", "fo_1", "secondary"))).toBe(false);
      expect(withoutMarker(description, marker)).toBe(text.trimEnd());
    },
  );

  test("is not taken off what doesn't carry it", () => {
    expect(withoutMarker("mine", marker)).toBe("mine");
  });

  test("every role has a kind", () => {
    expect(ROLES.map(kindOf)).toStrictEqual(["monitor", "pool", "pool", "load_balancer"]);
  });
});
