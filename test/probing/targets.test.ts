import { describe, expect, it } from "vitest";
import { completeSpec } from "../../src/failover/complete.ts";
import { specInputSchema } from "../../src/failover/spec.ts";
import { endpointTarget, hostnameTarget, unknownAddress } from "../../src/probing/targets.ts";

function aSpec(
  more: Record<string, unknown> = {},
  subdomains: Record<string, string> = { shop: "shop-4xk.pages.dev" },
) {
  const input = specInputSchema.parse({
    name: "shop",
    hostname: "www.example.com",
    primary: { address: "origin.example.net" },
    secondary: { pages_project: "shop" },
    ...more,
  });
  return completeSpec(input, { zone: { id: "z", name: "example.com" }, subdomains });
}

describe("an endpoint's probe", () => {
  it("asks what the tutorial's monitor asks, with the Host that the load balancer sends", () => {
    expect(endpointTarget(aSpec(), "primary")).toMatchObject({
      kind: "endpoint",
      scheme: "http",
      address: "origin.example.net",
      port: 80,
      path: "/",
      host: "www.example.com",
      method: "GET",
      expectedCodes: "200",
      expectedBody: "",
      followRedirects: true,
      timeoutMs: 5000,
      viaCloudflare: false,
    });
  });

  it("goes to a Pages project by its own name, through Cloudflare", () => {
    expect(endpointTarget(aSpec(), "secondary")).toMatchObject({
      address: "shop-4xk.pages.dev",
      host: "shop-4xk.pages.dev",
      viaCloudflare: true,
    });
  });

  it("has no target while the project's subdomain isn't known", () => {
    expect(endpointTarget(aSpec({}, {}), "secondary")).toBeNull();
    expect(unknownAddress()).toMatchObject({ ok: false, failure: "unreachable", status: null, traits: {} });
  });

  it("passes the production hostname where the visitor's Host is passed through", () => {
    const primary = { address: "origin.example.net", host_header: null };
    expect(endpointTarget(aSpec({ primary }), "primary")?.host).toBe("www.example.com");
  });

  it("may use a plain fetch where the address is the name to ask for, but never for an IP address", () => {
    const named = { address: "origin.example.net", host_header: "origin.example.net" };
    expect(endpointTarget(aSpec({ primary: named }), "primary")?.viaCloudflare).toBe(true);
    expect(endpointTarget(aSpec({ primary: { address: "8.8.8.8" } }), "primary")?.viaCloudflare).toBe(false);
  });

  it("goes to the endpoint's own port before the monitor's", () => {
    const monitor = { type: "https", port: 8443 };
    expect(endpointTarget(aSpec({ monitor }), "primary")).toMatchObject({ scheme: "https", port: 8443 });
    const primary = { address: "origin.example.net", port: 9443 };
    expect(endpointTarget(aSpec({ monitor, primary }), "primary")?.port).toBe(9443);
  });

  it("carries the monitor's headers except those that are the probe's own or could break out of their line", () => {
    const header = {
      Host: ["evil.example"],
      "user-agent": ["x"],
      "X-Probe": ["1", "2"],
      "X-Bad": ["a\r\nX-Injected: b"],
    };
    const spec = aSpec();
    const withHeaders = { ...spec, monitor: { ...spec.monitor, header } };
    expect(endpointTarget(withHeaders, "primary")?.headers).toEqual([
      ["X-Probe", "1"],
      ["X-Probe", "2"],
    ]);
  });

  it("looks for both endpoints' markers, because either may turn out to answer", () => {
    const primary = { address: "origin.example.net", marker: { header: "X-Origin" } };
    expect(endpointTarget(aSpec({ primary }), "secondary")?.markers).toEqual({
      primary: { header: "X-Origin" },
      secondary: undefined,
    });
  });
});

describe("a hostname's probe", () => {
  it("goes the visitors' way: https, the default port, the edge's certificate", () => {
    const spec = aSpec({
      monitor: { path: "/health", port: 8080, expected_codes: "2xx", allow_insecure: true, timeout: 2 },
    });
    expect(hostnameTarget(spec, "lb-shop.example.com")).toMatchObject({
      kind: "hostname",
      scheme: "https",
      address: "lb-shop.example.com",
      host: "lb-shop.example.com",
      port: 443,
      path: "/health",
      expectedCodes: "2xx",
      allowInsecure: false,
      timeoutMs: 5000,
      viaCloudflare: true,
    });
  });
});
