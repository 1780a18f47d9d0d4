import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressProblem, isAddressLiteral } from "../../src/failover/addresses.ts";
import {
  findZone,
  hostnameProblem,
  isInZone,
  namesAnswering,
  normalizeHostname,
} from "../../src/failover/hostnames.ts";

describe("a hostname's normal form", () => {
  it.each([
    [" WWW.Example.COM ", "www.example.com"],
    ["www.example.com.", "www.example.com"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["BÜCHER.example.", "xn--bcher-kva.example"],
    ["例え。example。", "xn--r8jz45g.example"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
    ["www.example.com..", "www.example.com.."],
    ["127.1", "127.1"],
    ["https://Example.com/", "https://example.com/"],
    ["user@bücher.example", "user@bücher.example"],
    ["bü\tcher.example", "bü\tcher.example"],
    ["", ""],
  ])("of %j is %j", (text, expected) => {
    expect(normalizeHostname(text)).toBe(expected);
  });

  it("is its own normal form, whatever the text", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary" }), fc.domain(), fc.string({ unit: "grapheme" })),
        (text) => {
          const once = normalizeHostname(text);
          expect(normalizeHostname(once)).toBe(once);
        },
      ),
    );
  });
});

describe("a hostname", () => {
  it.each([
    ["", "is empty"],
    ["example", "single label"],
    ["https://www.example.com", "scheme"],
    ["www.example.com/health", "path"],
    ["www.example.com?x=1", "path"],
    ["www.example.com:8080", "port"],
    ["user@example.com", "user name"],
    ["*.example.com", "wildcard"],
    ["8.8.8.8", "IP address"],
    ["2a00:1450::1", "IP address"],
    ["[2a00:1450::1]", "IP address"],
    ["_dmarc.example.com", "underscore"],
    ["-a.example.com", "hyphen"],
    ["a-.example.com", "hyphen"],
    ["a..example.com", "empty label"],
    ["www.example.com..", "empty label"],
    [".example.com", "empty label"],
    ["a b.example.com", "characters"],
    [`${"a".repeat(64)}.example.com`, "at most 63"],
    [`${"a.".repeat(125)}example.com`, "at most 253"],
    ["localhost", "reserved"],
    ["printer.local", "reserved"],
    ["app.localhost", "reserved"],
    ["db.internal", "reserved"],
    ["x.invalid", "reserved"],
    ["x.test", "reserved"],
    ["x.onion", "reserved"],
    ["nas.home.arpa", "reserved"],
    ["nas.lan", "reserved"],
    ["intra.corp", "reserved"],
    ["nas.home", "reserved"],
  ])("is refused: %j (%s)", (name, reason) => {
    expect(hostnameProblem(name)).toContain(reason);
  });

  it.each([
    "example.com",
    "www.example.com",
    "origin.example.net",
    "shop.example",
    "shop.pages.dev",
    "a.b.c.d.e.example.com",
    "1.example.com",
    "0x7f.example.com",
    "local.example.com",
    "latest.com",
    "mylan.com",
    "xn--bcher-kva.example",
    "a--b.example.com",
    `${"a".repeat(63)}.example.com`,
  ])("is accepted: %s", (name) => {
    expect(hostnameProblem(name)).toBeNull();
  });

  it.each(["0x7f.1", "2130706433", "127.1", "0177.0.0.1", "0x7f000001", "127.0.1", "10.0.0.010", "1.2.3.0x"])(
    "is not an address in an odd notation: %s",
    (text) => {
      expect(hostnameProblem(normalizeHostname(text))).toContain("unusual notation");
    },
  );

  it("never is what a URL parser takes for an address, however it is written", () => {
    const number = fc.oneof(
      fc.nat(0xffff).map(String),
      fc.nat(0xffff).map((n) => `0x${n.toString(16)}`),
      fc.nat(0xffff).map((n) => `0${n.toString(8)}`),
    );
    const digits = fc.constantFrom("127.0.0.1", "127。0。0。1", "①②⑦.1");
    const written = fc.oneof(
      fc.array(number, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(".")),
      digits,
    );
    fc.assert(
      fc.property(written, (text) => {
        const name = normalizeHostname(text);
        expect(hostnameProblem(name)).not.toBeNull();
        // As an endpoint's address it may become a literal, which then has to pass as one.
        expect(isAddressLiteral(name) && text !== name && addressProblem(name) === null).toBe(false);
      }),
    );
  });

  it("that is accepted is a URL's hostname unchanged", () => {
    const text = fc.oneof(
      fc.domain(),
      fc.string({
        unit: fc.constantFrom("a", "b", "1", "0x", "xn--", ".", "-", "_", ":", "/", "*", "@", "é"),
      }),
    );
    fc.assert(
      fc.property(text, (candidate) => {
        const name = normalizeHostname(candidate);
        expect(hostnameProblem(name) ?? new URL(`https://${name}/`).hostname).toBe(
          hostnameProblem(name) ?? name,
        );
      }),
      { numRuns: 2000 },
    );
  });
});

describe("zones", () => {
  const zones = [
    { id: "z1", name: "example.com" },
    { id: "z2", name: "shop.example.com" },
    { id: "z3", name: "ample.com" },
  ];

  it("hold their own name and what lies under it, but not what merely ends alike", () => {
    expect(isInZone("example.com", "example.com")).toBe(true);
    expect(isInZone("a.b.example.com", "example.com")).toBe(true);
    expect(isInZone("WWW.example.com.", "Example.com")).toBe(true);
    expect(isInZone("notexample.com", "example.com")).toBe(false);
    expect(isInZone("com", "example.com")).toBe(false);
    expect(isInZone("example.com", "")).toBe(false);
  });

  it("are found by the longest match, in whatever order they are listed", () => {
    expect(findZone("www.shop.example.com", zones)?.id).toBe("z2");
    expect(findZone("www.shop.example.com", zones.toReversed())?.id).toBe("z2");
    expect(findZone("shop.example.com", zones)?.id).toBe("z2");
    expect(findZone("www.example.com", zones)?.id).toBe("z1");
    expect(findZone("www.example.org", zones)).toBeNull();
  });
});

it.each([
  ["example.com", ["example.com"]],
  ["www.example.com", ["www.example.com", "*.example.com"]],
  ["a.b.example.com", ["a.b.example.com", "*.b.example.com", "*.example.com"]],
])("answering for %s are the records of %j", (hostname, names) => {
  expect(namesAnswering(hostname, "example.com")).toEqual(names);
});
