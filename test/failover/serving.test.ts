import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ProbeFailure, ProbeResult, Sample } from "../../src/failover/results.ts";
import { identifyServing, rememberTraits, type Traits } from "../../src/failover/serving.ts";

function answered(traits: Traits, more: Partial<ProbeResult> = {}): ProbeResult {
  return { ok: true, status: 200, latencyMs: 5, failure: null, detail: null, traits, way: "fetch", ...more };
}

function failed(failure: ProbeFailure, status: number | null = null, traits: Traits = {}): ProbeResult {
  return answered(traits, { ok: false, failure, status, detail: `${failure} ${status ?? ""}`.trim() });
}

const PHP = answered({ body: "aaaa", title: "Shop", "x-powered-by": "PHP/8", "content-type": "text/html" });
const PAGES = answered({ body: "bbbb", title: "Shop, static", etag: '"e1"', "content-type": "text/html" });
const HEADER = { header: "x-origin", value: "x" };

function serving(
  hostname: ProbeResult | null,
  primary = PHP,
  secondary = PAGES,
  markers = {},
  remembered = {},
): string {
  return identifyServing({ primary, secondary, hostname }, markers, remembered).serving;
}

describe("without markers, the hostname is served by", () => {
  it.each([
    ["the endpoint with the same body", answered({ body: "aaaa" }), "primary"],
    [
      "the endpoint with the same body, though a weaker trait is the other's",
      answered({ body: "bbbb", title: "Shop" }),
      "secondary",
    ],
    [
      "the endpoint with the same etag, weakened on the way",
      answered({ body: "cccc", etag: 'W/"e1"' }),
      "secondary",
    ],
    [
      "the endpoint with the same etag, marked with the encoding",
      answered({ etag: '"e1-gzip"' }),
      "secondary",
    ],
    [
      "the endpoint with the same title, where the body is neither's",
      answered({ body: "cccc", title: "Shop" }),
      "primary",
    ],
    [
      "the endpoint with the same revealing header",
      answered({ body: "cccc", "x-powered-by": "PHP/8" }),
      "primary",
    ],
    ["nobody known, where all is neither's", answered({ body: "cccc", title: "Parked" }), "unknown"],
    ["nobody known, where only what both have agrees", answered({ "content-type": "text/html" }), "unknown"],
    ["nobody known, where a bad answer shares a title", failed("status", 404, { title: "Shop" }), "unknown"],
    [
      "nobody known, where a bad answer shares a header",
      failed("status", 500, { "x-powered-by": "PHP/8" }),
      "unknown",
    ],
    ["nobody known, where it wasn't looked at", null, "unknown"],
  ])("%s", (_, hostname, expected) => {
    expect(serving(hostname)).toBe(expected);
  });

  it("nobody known where weak headers contradict each other", () => {
    const primary = answered({ "x-powered-by": "A", "content-type": "text/html" });
    const secondary = answered({ "x-powered-by": "B", "content-type": "text/html; charset=utf-8" });
    const view = identifyServing(
      {
        primary,
        secondary,
        hostname: answered({ "x-powered-by": "A", "content-type": "text/html; charset=utf-8" }),
      },
      {},
    );
    expect(view).toMatchObject({ serving: "unknown", distinguishable: true });
    expect(view.detail).toContain("content-type is the secondary's, its x-powered-by the primary's");
  });

  it("the endpoint whose own error page it is", () => {
    const broken = failed("status", 503, { body: "eeee", title: "Sorry" });
    expect(serving(failed("status", 503, { body: "eeee", title: "Sorry" }), broken)).toBe("primary");
    expect(serving(failed("status", 500, { body: "eeee", title: "Sorry" }), broken)).toBe("unknown");
    expect(serving(answered({ body: "bbbb" }), broken)).toBe("secondary");
  });
});

describe("nothing serves", () => {
  it.each([
    ["the edge finds no pool", failed("status", 530, { edge_error: "1016" })],
    ["the edge can't connect", failed("status", 522)],
    ["the name resolves to a prohibited address", failed("status", 403, { edge_error: "1000" })],
    ["the name doesn't resolve", failed("dns")],
  ])("where %s", (_, hostname) => {
    expect(serving(hostname)).toBe("none");
  });

  it("also where an endpoint behind Cloudflare shows the very same error page", () => {
    const down = failed("status", 530, { body: "eeee", edge_error: "1016" });
    expect(serving(down, down)).toBe("none");
  });
});

describe("one look can't say who serves", () => {
  it.each(["challenged", "cached", "blocked", "timeout"] as const)("where the answer is %s", (failure) => {
    expect(serving(failed(failure, 200, { marker: "primary", body: "aaaa" }))).toBe("unknown");
  });

  it.each(["refused", "reset", "tls", "protocol", "unreachable"] as const)(
    "where the hostname is %s",
    (failure) => {
      expect(serving(failed(failure))).toBe("unknown");
    },
  );

  it("where an error of the edge only refuses the one who asks", () => {
    expect(serving(failed("status", 403, { edge_error: "1020" }))).toBe("unknown");
  });

  it("where both endpoints answer alike, and says what would help", () => {
    const view = identifyServing({ primary: PHP, secondary: PHP, hostname: PHP }, {});
    expect(view).toMatchObject({ serving: "unknown", distinguishable: false });
    expect(view.detail).toContain("give each endpoint a marker");
  });
});

describe("an endpoint that gives us no answer", () => {
  it.each([
    failed("refused"),
    failed("timeout"),
    failed("status", 403, { body: "ffff" }),
    failed("challenged", 403, { body: "ffff" }),
    failed("status", 522, { body: "ffff" }),
  ])("isn't compared with, because it may serve the same content to Cloudflare: $detail", (silent) => {
    const view = identifyServing({ primary: silent, secondary: PAGES, hostname: PAGES }, {});
    expect(view).toMatchObject({ serving: "unknown", distinguishable: false });
    expect(view.detail).toContain("the primary gave no answer of its own");
  });

  it("is compared with as it was when it last answered well", () => {
    const remembered = { primary: PHP.traits };
    expect(serving(PAGES, failed("refused"), PAGES, {}, remembered)).toBe("secondary");
    expect(serving(PHP, failed("refused"), PAGES, {}, remembered)).toBe("primary");
    expect(serving(PAGES, failed("refused"), PAGES, {}, { primary: PAGES.traits })).toBe("unknown");
  });

  it("is remembered by its latest good answer, in whatever order the samples come", () => {
    const at = (tick: number, primary: ProbeResult): Sample => {
      return { failoverId: "fo_1", tick, primary, secondary: failed("refused"), hostname: null };
    };
    const samples = [at(3, failed("status", 500, { body: "eeee" })), at(2, PHP), at(1, PAGES)];
    expect(rememberTraits(samples)).toEqual({ primary: PHP.traits });
    expect(rememberTraits([])).toEqual({});
  });
});

describe("with markers", () => {
  const marked = answered({ ...PHP.traits, marker: "primary" });
  const stand = answered({ ...PHP.traits, marker: "secondary" });

  it("the answer that carries one is its endpoint's, whatever else agrees", () => {
    const markers = { primary: HEADER, secondary: HEADER };
    expect(serving(answered({ marker: "secondary", body: "aaaa" }), marked, stand, markers)).toBe(
      "secondary",
    );
    expect(serving(answered({ marker: "primary" }), marked, failed("refused"), markers)).toBe("primary");
    expect(serving(failed("status", 500, { marker: "primary" }), failed("refused"), stand, markers)).toBe(
      "primary",
    );
  });

  it("the answer that carries neither is nobody's", () => {
    expect(serving(answered({ body: "cccc" }), marked, stand, { primary: HEADER, secondary: HEADER })).toBe(
      "unknown",
    );
  });

  it("a good answer without the only marker is the other endpoint's", () => {
    expect(serving(answered({ body: "cccc" }), PHP, stand, { secondary: HEADER })).toBe("primary");
    expect(serving(failed("status", 404, { body: "cccc" }), PHP, stand, { secondary: HEADER })).toBe(
      "unknown",
    );
  });

  it("an answer that looks like the marked endpoint's but lacks its marker is nobody's", () => {
    const secondary = answered({ ...PAGES.traits, marker: "secondary" });
    const view = identifyServing({ primary: PHP, secondary, hostname: PAGES }, { secondary: HEADER });
    expect(view.serving).toBe("unknown");
    expect(view.detail).toContain("marker is missing");
  });

  it("a marker that the other endpoint carries too decides nothing", () => {
    const both = { primary: HEADER, secondary: HEADER };
    expect(serving(answered({ marker: "primary" }), marked, answered({ marker: "primary" }), both)).toBe(
      "unknown",
    );
    const everywhere = answered({ marker: "both" });
    expect(serving(everywhere, everywhere, everywhere, both)).toBe("unknown");
  });
});

describe("for every sample", () => {
  const name = fc.constantFrom(
    "body",
    "etag",
    "title",
    "last-modified",
    "content-type",
    "x-powered-by",
    "server",
  );
  const traits = fc.dictionary(name, fc.constantFrom("a", "b", "c"));
  const marker = fc.constantFrom({}, { marker: "primary" }, { marker: "secondary" }, { marker: "both" });
  const failure = fc.constantFrom<ProbeFailure>(
    "refused",
    "timeout",
    "status",
    "body",
    "cached",
    "dns",
    "challenged",
  );
  const status = fc.constantFrom(200, 403, 503, 530);
  const result = fc.oneof(
    fc.tuple(traits, marker).map(([t, m]) => answered({ ...t, ...m })),
    fc.tuple(failure, status, traits).map(([f, s, t]) => failed(f, s, t)),
    failure.map((f) => failed(f)),
  );

  it("exchanging the endpoints exchanges the answer", () => {
    const swap: Record<string, string> = { primary: "secondary", secondary: "primary" };
    const swapped = (given: ProbeResult): ProbeResult => {
      const own = given.traits["marker"];
      return own === undefined ? given : { ...given, traits: { ...given.traits, marker: swap[own] ?? own } };
    };
    fc.assert(
      fc.property(result, result, result, (primary, secondary, hostname) => {
        const view = identifyServing({ primary, secondary, hostname }, {});
        const mirror = identifyServing(
          { primary: swapped(secondary), secondary: swapped(primary), hostname: swapped(hostname) },
          {},
        );
        expect(mirror.serving).toBe(swap[view.serving] ?? view.serving);
        expect(mirror.distinguishable).toBe(view.distinguishable);
      }),
      { numRuns: 2000 },
    );
  });

  it("endpoints that answer alike are never told apart, and every answer has a sentence", () => {
    fc.assert(
      fc.property(result, traits, (hostname, alike) => {
        const side = answered(alike);
        const unmarked = { ...hostname, traits: { ...hostname.traits, marker: "" } };
        const view = identifyServing({ primary: side, secondary: side, hostname: unmarked }, {});
        expect(["unknown", "none"]).toContain(view.serving);
        expect(view.distinguishable).toBe(false);
        expect(view.detail).not.toBe("");
      }),
    );
  });
});
