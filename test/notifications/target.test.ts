import { describe, expect, it } from "vitest";
import {
  addressesProblem,
  redactorFor,
  requestTarget,
  shownUrl,
  urlProblem,
} from "../../src/notifications/target.ts";

describe("a URL that may be sent to", () => {
  it.each([
    "https://hooks.slack.com/services/T0/B0/xyz",
    "https://example.com/hook?token=abc",
    "https://user:pass@example.com/hook",
    "https://example.com:443/hook",
    "https://8.8.8.8/hook",
    "https://104.16.0.1/hook",
    "https://[2a00:1450:4001:81b::200e]/hook",
  ])("%s", (url) => {
    expect(urlProblem(url)).toBeNull();
  });

  it.each([
    "http://example.com/hook",
    "ftp://example.com/",
    "file:///etc/passwd",
    "example.com/hook",
    "https://",
    "https://example.com:8443/",
    "https://example.com:80/",
    "https://localhost/",
    "https://db.internal/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://intranet/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://192.0.2.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::ffff:8.8.8.8]/",
    "https://[64:ff9b::a00:1]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fe80::1]/",
    "https://[fc00::1]/",
    "https://[fd12:3456::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    `https://example.com/${"a".repeat(2048)}`,
  ])("is not %s", (url) => {
    expect(urlProblem(url)).not.toBeNull();
  });

  it("is not one whose name resolves to anything that isn't public", () => {
    expect(addressesProblem("example.com", ["93.184.216.34", "2a00:1450::1"])).toBeNull();
    expect(addressesProblem("evil.example", ["93.184.216.34", "10.0.0.1"])).toContain("evil.example");
    expect(addressesProblem("evil.example", ["::ffff:127.0.0.1"])).not.toBeNull();
  });
});

describe("what is shown of a URL", () => {
  it.each([
    ["slack", "https://hooks.slack.com/services/T0/B0/xyz", "https://hooks.slack.com/…"],
    ["discord", "https://discord.com/api/webhooks/1/abc", "https://discord.com/…"],
    ["teams", "https://prod-1.logic.azure.com/workflows/x?sig=y", "https://prod-1.logic.azure.com/…"],
    ["webhook", "https://user:pass@example.com/hook?token=abc#x", "https://example.com/…"],
    ["webhook", "https://hooks.example.com/catch/1234/s3cret", "https://hooks.example.com/…"],
    ["webhook", "https://example.com/?s3cret", "https://example.com/…"],
    ["webhook", "https://example.com", "https://example.com/"],
    ["pagerduty", "https://events.eu.pagerduty.com/v2/enqueue", "https://events.eu.pagerduty.com/v2/enqueue"],
    ["pagerduty", "https://events.pagerduty.com/v2/enqueue", "https://events.pagerduty.com/v2/enqueue"],
  ] as const)("%s %s: %s", (type, url, shown) => {
    expect(shownUrl(type, url)).toBe(shown);
  });

  it("is no part of it in what is quoted", () => {
    const redact = redactorFor("https://user:pa%24sword@example.com/services/abc?token=t0ken-1", [
      "whsec_abc",
    ]);
    const quoted = redact(
      "POST https://user:pa%24sword@example.com/services/abc?token=t0ken-1 pa$sword /services/abc whsec_abc failed",
    );
    expect(quoted).not.toMatch(/pa\$sword|pa%24sword|services|t0ken|whsec/);
    expect(quoted).toContain("failed");
  });

  it("goes into the request without userinfo and fragment", () => {
    expect(requestTarget("https://user:p%C3%A4ss@example.com/hook?a=b#c")).toEqual({
      url: "https://example.com/hook?a=b",
      authorization: `Basic ${btoa(String.fromCodePoint(...new TextEncoder().encode("user:päss")))}`,
    });
    expect(requestTarget("https://example.com/hook")).toEqual({
      url: "https://example.com/hook",
      authorization: null,
    });
  });
});
