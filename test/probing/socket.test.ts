// The platform's own sockets against a real server: what no fake can promise.
import { describe, expect, inject, it } from "vitest";
import { createProber } from "../../src/probing/prober.ts";
import { connect } from "../../src/probing/socket.ts";
import type { ProbeTarget } from "../../src/probing/targets.ts";

const ports = inject("endpointPorts");

const prober = createProber({
  fetch: () => Promise.reject(new Error("fetch was not to be used")),
  connect,
  clock: { now: () => Date.now() },
});

function target(more: Partial<ProbeTarget>): ProbeTarget {
  return {
    kind: "endpoint",
    scheme: "http",
    address: "127.0.0.1",
    port: ports.http,
    path: "/",
    host: "www.example.com",
    method: "GET",
    expectedCodes: "200",
    expectedBody: "",
    followRedirects: true,
    allowInsecure: false,
    timeoutMs: 3000,
    headers: [],
    markers: {},
    viaCloudflare: false,
    ...more,
  };
}

describe("a real socket", () => {
  it("asks 127.0.0.1 for another name, and the endpoint hears it", async () => {
    const result = await prober.probeEndpoint(
      target({ markers: { primary: { header: "x-asked-for", value: "www.example.com" } } }),
    );
    expect(result).toMatchObject({
      ok: true,
      status: 200,
      way: "socket",
      traits: { title: "asked for www.example.com", marker: "primary" },
    });
  });

  it("asks with HEAD for no body", async () => {
    const result = await prober.probeEndpoint(target({ method: "HEAD" }));
    expect(result).toMatchObject({ ok: true, status: 200 });
    expect(result.traits["body"]).toBeUndefined();
  });

  it.each([
    ["where nobody listens", { port: ports.closed }, "refused"],
    ["that hangs up", { port: ports.hangingUp }, "reset"],
    ["that says nothing", { port: ports.silent, timeoutMs: 150 }, "timeout"],
    ["that speaks no TLS", { scheme: "https" }, "tls"],
    ["that stays silent to TLS", { scheme: "https", port: ports.silent, timeoutMs: 150 }, "timeout"],
  ] as const)("to an endpoint %s", async (_, more, failure) => {
    expect(await prober.probeEndpoint(target(more))).toMatchObject({ ok: false, failure, status: null });
  });
});
