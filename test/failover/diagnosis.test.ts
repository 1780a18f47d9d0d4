import { describe, expect, it } from "vitest";
import { completeSpec } from "../../src/failover/complete.ts";
import { diagnose, diagnoseAnswer, type Symptoms } from "../../src/failover/diagnosis.ts";
import type { ProbeResult } from "../../src/failover/results.ts";
import { specInputSchema } from "../../src/failover/spec.ts";
import { FACTS, SMALLEST } from "./builders.ts";

const SPEC = completeSpec(specInputSchema.parse(SMALLEST), FACTS);

const good: ProbeResult = {
  ok: true,
  status: 200,
  latencyMs: 20,
  failure: null,
  detail: null,
  traits: {},
  way: "fetch",
};
const bad = (change: Partial<ProbeResult>): ProbeResult => ({ ...good, ok: false, status: null, ...change });

const symptoms = (change: Partial<Symptoms>): Symptoms => ({
  endpoint: SPEC.primary,
  monitor: SPEC.monitor,
  reason: null,
  probe: null,
  ...change,
});

describe("each reason of Cloudflare's has its cause and remedy", () => {
  const cases: [reason: string, id: string, remedy: RegExp][] = [
    ["TCP connection failed", "connection-failed", /open the port/],
    ["TCP timeout", "timeout", /raise monitor\.timeout/],
    ["HTTP timeout occurred", "timeout", /lighter monitor\.path/],
    ["Response code mismatch", "code-mismatch", /expected_codes/],
    ["Response body mismatch", "body-mismatch", /expected_body/],
    ["TLS untrusted certificate", "tls-untrusted", /Origin CA/],
    ["TLS name mismatch", "tls-name", /host_header/],
    ["TLS unrecognized name", "tls-name", /host_header/],
    ["TLS protocol error", "tls-protocol", /https with 443/],
    ["TLS handshake failure", "tls-protocol", /https with 443/],
    ["No route to host", "unreachable", /routing/],
    ["Network unreachable", "unreachable", /address/],
    ["Connection reset by peer", "connection-reset", /Cloudflare's address ranges/],
    ["HTTP invalid response", "invalid-response", /server behind it/],
    ["DNS unknown host", "dns-unknown", /DNS record/],
    ["DNS internal", "dns-internal", /pages_project/],
    ["Monitor config error", "monitor-config", /monitor in the spec/],
    ["Other", "unknown", /dashboard/],
  ];

  it.each(cases)("%s is %s", (reason, id, remedy) => {
    const found = diagnose(symptoms({ reason: `${reason} in 3 of 3 places` }));
    expect(found).toMatchObject({ id, remedy: expect.stringMatching(remedy) });
    expect(diagnose(symptoms({ reason: reason.toUpperCase() }))?.id).toBe(id);
  });
});

describe("what both witnesses say together is worth more", () => {
  const mismatch = "Response code mismatch in 3 of 3 places";
  const cases: [string, Partial<Symptoms>, string | null][] = [
    [
      "a Pages endpoint without its Host",
      { reason: mismatch, endpoint: { ...SPEC.secondary, host_header: null } },
      "pages-host-missing",
    ],
    [
      "a redirect that isn't followed",
      {
        reason: mismatch,
        probe: bad({ status: 301, failure: "status" }),
        monitor: { ...SPEC.monitor, follow_redirects: false },
      },
      "redirect-not-followed",
    ],
    [
      "a redirect to another hostname",
      { reason: mismatch, probe: bad({ status: 302, failure: "redirect" }) },
      "redirect-leaves",
    ],
    [
      "a Host that only we send",
      { reason: mismatch, probe: good, endpoint: { ...SPEC.primary, host_header: null } },
      "host-missing",
    ],
    [
      "another status for Cloudflare than for us",
      { reason: mismatch, probe: good },
      "only-cloudflare-refused",
    ],
    [
      "a firewall that keeps Cloudflare out",
      { reason: "TCP timeout in 3 of 3 places", probe: good },
      "only-cloudflare-blocked",
    ],
    [
      "the same wrong status for both",
      { reason: mismatch, probe: bad({ status: 204, failure: "status" }) },
      "code-mismatch",
    ],
    [
      "an error of the server for both",
      { reason: mismatch, probe: bad({ status: 503, failure: "status" }) },
      "server-error",
    ],
    [
      "a page that is there for neither",
      { reason: mismatch, probe: bad({ status: 404, failure: "status" }) },
      "path-or-host",
    ],
    ["an origin that admits only Cloudflare", { probe: bad({ failure: "refused" }) }, "probe-not-admitted"],
    [
      "an origin that answers us with 403",
      { probe: bad({ status: 403, failure: "status" }) },
      "probe-not-admitted",
    ],
    ["a redirect that only we get", { probe: bad({ status: 302, failure: "redirect" }) }, "probe-redirected"],
    ["another failure that only we see", { probe: bad({ failure: "dns" }) }, "probe-only"],
    ["nothing wrong", { probe: good }, null],
    ["nothing known of our own", {}, null],
    [
      "checks that pass again, but not often enough in a row",
      { reason: "not enough good checks in a row yet in 3 of 3 places", probe: good },
      "checks-in-a-row",
    ],
    ["Cloudflare's word for all is well", { reason: "No failures" }, null],
  ];

  it.each(cases)("%s", (_, change, id) => {
    expect(diagnose(symptoms(change))?.id ?? null).toBe(id);
  });

  it("says which status we get where both get a wrong one", () => {
    const found = diagnose(symptoms({ reason: mismatch, probe: bad({ status: 503, failure: "status" }) }));
    expect(found?.cause).toContain("we get 503");
  });
});

describe("of an endpoint that only we have asked", () => {
  const answer = (
    failure: "tls" | "refused" | "status" | "redirect",
    detail: string,
    status: number | null,
  ) => diagnoseAnswer({ endpoint: SPEC.primary, monitor: SPEC.monitor, failure, detail, status })?.id ?? null;

  it.each([
    ["refused", "connection refused", null, "connection-failed"],
    ["tls", "tls: name mismatch", null, "tls-name"],
    [
      "tls",
      "TLS failed: no trusted certificate for www.example.com, or no TLS at all",
      null,
      "tls-untrusted",
    ],
    ["status", "answered 404, expected 200", 404, "path-or-host"],
    ["redirect", "redirect leaves the endpoint: https://elsewhere.example/", 301, null],
  ] as const)("%s (%s) is what Cloudflare would call the same", (failure, detail, status, id) => {
    expect(answer(failure, detail, status)).toBe(id);
  });
});
