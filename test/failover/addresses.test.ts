import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addressProblem,
  CLOUDFLARE_CIDRS,
  isAddressLiteral,
  isInCidrs,
} from "../../src/failover/addresses.ts";

describe("an address literal", () => {
  it.each([
    "8.8.8.8",
    "0.0.0.0",
    "255.255.255.255",
    "2a00:1450:4001:81b::200e",
    "::",
    "::1",
    "1::",
    "1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7::",
    "::ffff:10.0.0.1",
    "64:ff9b::8.8.8.8",
    "1:2:3:4:5:6:1.2.3.4",
    "[2a00:1450:4001:81b::200e]",
    "2A00:1450::ABCD",
  ])("is %s", (text) => {
    expect(isAddressLiteral(text)).toBe(true);
  });

  it.each([
    "",
    "127.1",
    "0x7f.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "08.8.8.8",
    "8.8.8.256",
    "8.8.8",
    "8.8.8.8.",
    "8.8.8.8:80",
    "8.8.8.8/32",
    " 8.8.8.8",
    "[8.8.8.8]",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "1::2::3",
    ":1",
    "1:",
    ":::",
    "12345::",
    "fe80::1%eth0",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "example.com",
    "[::1",
  ])("is not %j", (text) => {
    expect(isAddressLiteral(text)).toBe(false);
  });
});

describe("an address as an endpoint", () => {
  it.each([
    ["0.0.0.0", "unspecified"],
    ["0.1.2.3", "this network"],
    ["10.255.0.1", "private"],
    ["172.16.0.1", "private"],
    ["172.31.255.255", "private"],
    ["192.168.1.1", "private"],
    ["100.64.0.1", "carrier-grade NAT"],
    ["100.127.255.255", "carrier-grade NAT"],
    ["127.0.0.1", "loopback"],
    ["169.254.169.254", "link-local"],
    ["192.0.2.1", "documentation"],
    ["198.51.100.7", "documentation"],
    ["203.0.113.10", "documentation"],
    ["198.18.0.1", "benchmarking"],
    ["198.19.255.255", "benchmarking"],
    ["224.0.0.1", "multicast"],
    ["240.0.0.1", "reserved"],
    ["255.255.255.255", "broadcast"],
    ["::", "unspecified"],
    ["::1", "loopback"],
    ["fe80::1", "link-local"],
    ["febf::1", "link-local"],
    ["fc00::1", "unique-local"],
    ["fd12:3456::1", "unique-local"],
    ["fec0::1", "site-local"],
    ["ff02::1", "multicast"],
    ["2001:db8::1", "documentation"],
    ["3fff:1::1", "documentation"],
    ["2001:2::1", "benchmarking"],
    ["100::1", "discard-only"],
    ["::ffff:10.0.0.1", "private"],
    ["::ffff:7f00:1", "loopback"],
    ["::ffff:104.16.0.1", "anycast"],
    ["::ffff:8.8.8.8", "give the IPv4 address itself"],
    ["::10.0.0.1", "private"],
    ["64:ff9b::a00:1", "private"],
    ["2002:7f00:1::", "loopback"],
    ["4000::1", "2000::/3"],
    ["104.16.132.229", "hostname instead"],
    ["172.67.1.1", "hostname instead"],
    ["2606:4700::6810:84e5", "hostname instead"],
    ["2a06:98c7::1", "hostname instead"],
    ["[2a00:1450:4001:81b::200e]", "brackets"],
    ["[::1]", "loopback"],
    ["example.com", "not an IP address"],
  ])("is refused: %s (%s)", (text, reason) => {
    expect(addressProblem(text)).toContain(reason);
  });

  it.each([
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.1",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "104.15.255.255",
    "104.28.0.0",
    "2a00:1450:4001:81b::200e",
    "2a06:98c8::1",
    "2607:f8b0::1",
  ])("is accepted: %s", (text) => {
    expect(addressProblem(text)).toBeNull();
  });

  it("is refused at the first and the last address of each of Cloudflare's ranges", () => {
    expect(CLOUDFLARE_CIDRS).toHaveLength(22);
    for (const [text, last] of [
      ["173.245.48.0", "173.245.63.255"],
      ["162.158.0.0", "162.159.255.255"],
      ["131.0.72.0", "131.0.75.255"],
      ["2400:cb00::", "2400:cb00:ffff:ffff:ffff:ffff:ffff:ffff"],
    ] as const) {
      expect(addressProblem(text)).toContain("anycast");
      expect(addressProblem(last)).toContain("anycast");
    }
  });
});

function binary(octets: readonly number[]): string {
  return octets.map((octet) => octet.toString(2).padStart(8, "0")).join("");
}

describe("membership in ranges", () => {
  const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
  const groups = fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 });

  it("agrees with the leading bits of an IPv4 address", () => {
    fc.assert(
      fc.property(octets, octets, fc.integer({ min: 0, max: 32 }), (a, b, length) => {
        const expected = binary(a).slice(0, length) === binary(b).slice(0, length);
        expect(isInCidrs(a.join("."), [`${b.join(".")}/${length}`])).toBe(expected);
      }),
    );
  });

  it("doesn't depend on how an IPv6 address is written", () => {
    fc.assert(
      fc.property(groups, fc.integer({ min: 0, max: 128 }), (parts, length) => {
        const full = parts.map((part) => part.toString(16).padStart(4, "0")).join(":");
        const short = new URL(`http://[${full}]`).hostname;
        expect(isAddressLiteral(full)).toBe(true);
        expect(isInCidrs(short, [`${full}/${length}`])).toBe(true);
        expect(isInCidrs(full.toUpperCase(), [`${short.slice(1, -1)}/128`])).toBe(true);
      }),
    );
  });

  it("is refused to another family, to what is no address and to what is no range", () => {
    expect(isInCidrs("10.0.0.1", ["::/0"])).toBe(false);
    expect(isInCidrs("::1", ["0.0.0.0/0"])).toBe(false);
    expect(isInCidrs("example.com", ["0.0.0.0/0", "::/0"])).toBe(false);
    expect(isInCidrs("10.0.0.1", ["", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/x"])).toBe(false);
  });
});

it("never throws, whatever the text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(() => [addressProblem(text), isAddressLiteral(text), isInCidrs(text, [text])]).not.toThrow();
    }),
  );
});
