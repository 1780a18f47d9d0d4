import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Inspection } from "../../src/failover/preflight/facts.ts";
import type { EndpointMarker } from "../../src/failover/serving.ts";
import { createInspector, type InspectorPorts } from "../../src/probing/inspect.ts";
import { createProber } from "../../src/probing/prober.ts";
import type { ProbeTarget } from "../../src/probing/targets.ts";
import type { Fetch } from "../../src/probing/ways.ts";
import { anEgress, aTarget, forbiddenConnect, forbiddenFetch, SECRET } from "./builders.ts";

const KB = 1024;
const NOWHERE = "/r4nd0m-understudy-preflight";

/** Patient, so that a busy machine makes no difference; those that wait say so. */
const target = (more: Partial<ProbeTarget> = {}) => aTarget({ timeoutMs: 10_000, ...more });

type Answers = (request: Request) => Response | Promise<Response>;

function isResolver(request: Request): boolean {
  return new URL(request.url).hostname === "cloudflare-dns.com";
}

const dns = () => Response.json({ Status: 0, Answer: [{ type: 1, data: "8.8.8.8" }] });

/** An endpoint that answers as the function says, in an Internet that has a resolver. */
function aWorld(answer: Answers, more: Partial<InspectorPorts> = {}) {
  const { asked, egress } = anEgress((request) => (isResolver(request) ? dns() : answer(request)));
  const ports = {
    fetch: forbiddenFetch,
    connect: forbiddenConnect,
    egress,
    random: () => "r4nd0m",
    clock: { now: () => 0 },
    ...more,
  };
  const requests = () => asked.filter((request) => !isResolver(request));
  return { ports, requests, inspector: createInspector(ports), prober: createProber(ports) };
}

async function inspecting(
  answer: Answers,
  more: Partial<ProbeTarget> = {},
  own?: EndpointMarker,
): Promise<Inspection> {
  return aWorld(answer).inspector.inspect(target(more), own);
}

const pathOf = (request: Request) => new URL(request.url).pathname;
const page = (text: string, init: ResponseInit = {}) => new Response(text, init);
const moved = (location: string, status = 301) => new Response(null, { status, headers: { location } });
const absent = () => page("not here", { status: 404 });

/** A page at /, and nothing elsewhere. */
const pageAtRoot =
  (answer: () => Response): Answers =>
  (request) =>
    pathOf(request) === "/" ? answer() : absent();

describe("a good endpoint", () => {
  it("is shown with all that tells it from another", async () => {
    const html = '<html><head><title>The Shop</title><meta name="version" content="1.2.3"></head>';
    expect(
      await inspecting(
        pageAtRoot(() => page(html, { headers: { "x-origin": "a" } })),
        { expectedBody: "the SHOP" },
        { header: "X-Origin", value: "a" },
      ),
    ).toEqual({
      hops: [{ url: "http://www.example.com/", status: 200, location: null }],
      failure: null,
      detail: null,
      status: 200,
      title: "The Shop",
      markerFound: true,
      build: "1.2.3",
      body: expect.stringMatching(/^[0-9a-f]{16}$/),
      expectedBodyAt: 19,
      absentPath: { status: 404, sameBody: false },
      addresses: { state: "known", value: ["8.8.8.8"] },
    });
  });

  it("is asked twice: for the monitor's path and for one that can't exist, by the same way", async () => {
    const { inspector, requests } = aWorld(
      pageAtRoot(() => page("x")),
      {
        secretHeader: { name: "x-probe-secret", value: SECRET },
      },
    );
    const asking = { scheme: "https", port: 8443, viaCloudflare: true, headers: [["x-own", "1"]] } as const;
    await inspector.inspect(target(asking), undefined);
    expect(requests().map(({ url }) => url)).toEqual([
      "https://origin.example.net:8443/",
      `https://origin.example.net:8443${NOWHERE}`,
    ]);
    for (const request of requests()) {
      expect(Object.fromEntries(request.headers)).toMatchObject({
        host: "www.example.com",
        "user-agent": "Understudy/1 (+probe)",
        "x-own": "1",
        "x-probe-secret": SECRET,
      });
    }
  });

  it.each([
    ["has the marker", { body: "BUILT" }, true],
    ["lacks the marker", { body: "other" }, false],
    ["has none to look for", undefined, null],
  ])("%s: %j is %s", async (_, own, markerFound) => {
    expect(
      (
        await inspecting(
          pageAtRoot(() => page("built by make")),
          {},
          own,
        )
      ).markerFound,
    ).toBe(markerFound);
  });
});

describe("a redirect", () => {
  const toTls: Answers = (request) =>
    request.url.startsWith("http:") ? moved(`https://www.example.com${pathOf(request)}?q=1`) : page("there");

  it("to TLS is seen in the hops, without its query", async () => {
    expect((await inspecting(toTls)).hops).toEqual([
      { url: "http://www.example.com/", status: 301, location: "https://www.example.com/" },
      { url: "https://www.example.com/", status: 200, location: null },
    ]);
  });

  it("that the monitor doesn't follow fails as for a probe, and is followed nevertheless", async () => {
    const seen = await inspecting(toTls, { followRedirects: false });
    expect(seen).toMatchObject({ failure: "status", detail: "answered 301, expected 200", status: 200 });
    expect(seen.hops).toHaveLength(2);
  });

  it.each([true, false])(
    "to another host is the last hop and never followed there (monitor follows: %s)",
    async (followRedirects) => {
      const { inspector, requests } = aWorld(() =>
        moved("https://user:pw@login.example.org/start?token=abc"),
      );
      const seen = await inspector.inspect(target({ followRedirects }), undefined);
      expect(seen.hops).toEqual([
        { url: "http://www.example.com/", status: 301, location: "https://login.example.org/start" },
      ]);
      expect(seen.failure).toBe(followRedirects ? "redirect" : "status");
      expect(seen.absentPath).toBeNull();
      expect(requests()).toHaveLength(1);
    },
  );

  it("that leaves after one that stays is the last of two hops", async () => {
    const answer: Answers = (request) => moved(pathOf(request) === "/" ? "/a" : "http://origin.example.net/");
    expect((await inspecting(answer)).hops.map(({ location }) => location)).toEqual([
      "http://www.example.com/a",
      "http://origin.example.net/",
    ]);
  });

  it.each([true, false])(
    "is followed five times and no more (monitor follows: %s)",
    async (followRedirects) => {
      const { inspector, requests } = aWorld((request) => moved(`${pathOf(request)}a`));
      const seen = await inspector.inspect(target({ followRedirects }), undefined);
      expect(seen.hops).toHaveLength(6);
      expect(requests()).toHaveLength(6);
      expect(seen.failure).toBe(followRedirects ? "redirect" : "status");
    },
  );

  it("to what is no page is told by its scheme", async () => {
    expect((await inspecting(() => moved("mailto:a@example.com"))).hops[0]?.location).toBe(
      "mailto:a@example.com",
    );
  });

  it("to what is no URL is one that leads nowhere", async () => {
    expect((await inspecting(() => moved("http://[bad"))).hops[0]?.location).toBe("(no URL)");
  });

  it("to a login of Cloudflare Access is a challenge, and ends the way", async () => {
    const login = "https://team.cloudflareaccess.com/cdn-cgi/access/login/www.example.com";
    for (const followRedirects of [true, false]) {
      const seen = await inspecting(() => moved(`${login}?kid=1`, 302), { followRedirects });
      expect(seen).toMatchObject({ failure: "challenged", status: 302, absentPath: null });
      expect(seen.hops).toEqual([{ url: "http://www.example.com/", status: 302, location: login }]);
    }
  });
});

describe("a path that can't exist", () => {
  it("that answers the same page is a soft 404", async () => {
    expect((await inspecting(() => page("one for all"))).absentPath).toEqual({ status: 200, sameBody: true });
  });

  it("that answers another page isn't", async () => {
    const answer: Answers = (request) => page(pathOf(request));
    expect((await inspecting(answer)).absentPath).toEqual({ status: 200, sameBody: false });
  });

  it("that leads back to the page is followed inside of the endpoint", async () => {
    const answer: Answers = (request) => (pathOf(request) === "/" ? page("home") : moved("/"));
    expect((await inspecting(answer)).absentPath).toEqual({ status: 200, sameBody: true });
  });

  it("that leads away is told as it is", async () => {
    const answer: Answers = (request) =>
      pathOf(request) === "/" ? page("home") : moved("https://else.example/");
    expect((await inspecting(answer)).absentPath).toEqual({ status: 301, sameBody: false });
  });

  it("that gives no answer says nothing", async () => {
    const answer: Answers = (request) => {
      if (pathOf(request) !== "/") throw new Error("connection refused");
      return page("home");
    };
    expect(await inspecting(answer)).toMatchObject({ failure: null, status: 200, absentPath: null });
  });

  it("has no body that is the same as no body", async () => {
    expect((await inspecting(() => page(""))).absentPath).toEqual({ status: 200, sameBody: false });
  });

  it("is asked where the page is of a wrong status, too", async () => {
    expect(await inspecting(() => page("down", { status: 500 }))).toMatchObject({
      failure: "status",
      absentPath: { status: 500, sameBody: true },
    });
  });
});

describe("an expected text", () => {
  const at = (offset: number) => pageAtRoot(() => page(`${"x".repeat(offset)}All Is Well`));

  it.each([
    ["at the beginning", 0, null],
    ["just within the first 10 KB", 10 * KB - 11, null],
    ["that ends after them", 10 * KB - 10, "body"],
    ["after them", 20 * KB, "body"],
    ["after what a probe reads", 200 * KB, "body"],
  ])("%s is found where it is", async (_, offset, failure) => {
    const seen = await inspecting(at(offset), { expectedBody: "all is well" });
    expect(seen).toMatchObject({ failure, expectedBodyAt: offset });
  });

  it("after 256 KB isn't looked for", async () => {
    const seen = await inspecting(at(256 * KB), { expectedBody: "all is well" });
    expect(seen).toMatchObject({ failure: "body", expectedBodyAt: null });
  });

  it("that isn't there is null, and nothing is read twice for it", async () => {
    const { inspector, requests } = aWorld(pageAtRoot(() => page("short")));
    const seen = await inspector.inspect(target({ expectedBody: "all is well" }), undefined);
    expect(seen).toMatchObject({ failure: "body", expectedBodyAt: null });
    expect(requests()).toHaveLength(2);
  });

  it("is counted in bytes", async () => {
    const seen = await inspecting(
      pageAtRoot(() => page("ü€ here")),
      { expectedBody: "HERE" },
    );
    expect(seen.expectedBodyAt).toBe(6);
  });

  it("is counted in bytes also where the page isn't UTF-8", async () => {
    const latin1 = () => new Response(Uint8Array.from("\u00fcber hier", (c) => c.charCodeAt(0)));
    expect((await inspecting(pageAtRoot(latin1), { expectedBody: "HIER" })).expectedBodyAt).toBe(5);
  });

  it("in another writing than Latin is counted in bytes, too", async () => {
    const seen = await inspecting(
      pageAtRoot(() => page("ü€ Straße Ü")),
      { expectedBody: "sTraße ü" },
    );
    expect(seen.expectedBodyAt).toBe(6);
  });

  it("is searched in the answer that the monitor judges, also where that is a redirect", async () => {
    const answer: Answers = (request) =>
      pathOf(request) === "/"
        ? new Response("all is well", { status: 301, headers: { location: "/next" } })
        : page("nothing here");
    const more = { followRedirects: false, expectedCodes: "301", expectedBody: "well" };
    expect(await inspecting(answer, more)).toMatchObject({ failure: null, status: 200, expectedBodyAt: 7 });
  });

  it("that nobody expects is null", async () => {
    expect((await inspecting(at(0))).expectedBodyAt).toBeNull();
  });
});

describe("a monitor that asks by HEAD", () => {
  it("doesn't keep the page from being looked at", async () => {
    const { inspector, requests } = aWorld((request) =>
      request.method === "HEAD" ? page("", { headers: { "x-origin": "a" } }) : page("<title>Shop</title>"),
    );
    const seen = await inspector.inspect(target({ method: "HEAD" }), { header: "x-origin" });
    expect(seen).toMatchObject({
      failure: null,
      title: "Shop",
      markerFound: true,
      absentPath: { status: 200, sameBody: true },
    });
    expect(requests().map(({ method }) => method)).toEqual(["HEAD", "GET", "GET"]);
  });
});

describe("a build", () => {
  it.each([
    ["in x-build-id", { "x-build-id": "b1" }, "", "b1"],
    ["in x-version", { "x-version": "2.0" }, "", "2.0"],
    ["in x-commit", { "x-commit": "abc" }, "", "abc"],
    ["in x-deployment-id", { "x-deployment-id": "d1" }, "", "d1"],
    ["in a header before the page", { "x-commit": "abc" }, '<meta name="build" content="b2">', "abc"],
    ["in a meta element", {}, '<meta charset="utf-8"><meta name="build" content="b2">', "b2"],
    ["in any order and quotes", {}, "<META content='b3' data-x=y name=git-commit>", "b3"],
    ["of another name", {}, '<meta name="author" content="somebody">', null],
    ["that is empty", { "x-version": " " }, '<meta name="version" content="">', null],
    ["after one that is empty", {}, '<meta name="build" content=""><meta name="commit" content="c">', "c"],
  ])("%s is found", async (_, headers, html, build) => {
    const init = { headers: headers as Record<string, string> };
    expect((await inspecting(pageAtRoot(() => page(html, init)))).build).toBe(build);
  });
});

describe("an endpoint that gives no answer", () => {
  it("is asked once, and what it resolves to is told", async () => {
    const { inspector, requests } = aWorld(() => {
      throw new Error("connection refused");
    });
    expect(await inspector.inspect(target({ expectedBody: "x" }), { body: "x" })).toEqual({
      hops: [],
      failure: "refused",
      detail: "connection refused",
      status: null,
      title: null,
      markerFound: null,
      build: null,
      body: null,
      expectedBodyAt: null,
      absentPath: null,
      addresses: { state: "known", value: ["8.8.8.8"] },
    });
    expect(requests()).toHaveLength(1);
  });

  it("in time has failed by that, with the hops that came", async () => {
    const answer: Answers = (request) =>
      pathOf(request) === "/" ? moved("/slow") : new Promise<Response>(() => undefined);
    expect(await inspecting(answer, { timeoutMs: 30 })).toMatchObject({
      failure: "timeout",
      detail: "no answer within 0.03 seconds",
      hops: [{ status: 301, location: "http://www.example.com/slow" }],
      status: 301,
      absentPath: null,
    });
  });

  it("to all that goes further than a probe loses only that", async () => {
    const answer: Answers = (request) =>
      pathOf(request) === "/" ? page("<title>Shop</title>") : new Promise<Response>(() => undefined);
    const startedAt = performance.now();
    const seen = await inspecting(answer, { timeoutMs: 40 });
    expect(performance.now() - startedAt).toBeGreaterThan(100);
    expect(seen).toMatchObject({ failure: null, status: 200, title: "Shop", absentPath: null });
  });

  it("has a resolver that doesn't hold it either", async () => {
    const silent: Fetch = async (request) =>
      isResolver(request) ? new Promise<Response>(() => undefined) : absent();
    const { inspector } = aWorld(absent, { egress: { fetch: silent } });
    const seen = await inspector.inspect(target({ timeoutMs: 20 }), undefined);
    expect(seen).toMatchObject({
      status: 404,
      addresses: {
        state: "unreadable",
        why: "what origin.example.net resolves to could not be read within 0.06 seconds",
      },
    });
  });
});

describe("whatever happens", () => {
  it("the secret is never told", async () => {
    const secretHeader = { name: "x-probe-secret", value: SECRET };
    const overTls = target({ scheme: "https", port: 443, viaCloudflare: true });
    const answers: Answers[] = [
      () => {
        throw new Error(`bad header ${SECRET}`);
      },
      (request) => moved(`https://${pathOf(request) === "/" ? "www.example.com" : "else.example"}/${SECRET}`),
      () => page(`<title>${SECRET}</title>`, { headers: { "x-version": SECRET } }),
    ];
    for (const answer of answers) {
      const { inspector } = aWorld(answer, { secretHeader });
      expect(JSON.stringify(await inspector.inspect(overTls, { body: "x" }))).not.toContain(SECRET);
    }
  });

  it("an inspection ends, and fails as the probe does", async () => {
    const anyTarget = fc.record({
      host: fc.oneof(fc.constant("www.example.com"), fc.domain(), fc.string()),
      address: fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6(), fc.string()),
      path: fc.oneof(fc.webPath(), fc.string()),
      port: fc.integer({ min: -1, max: 70_000 }),
      method: fc.constantFrom("GET" as const, "HEAD" as const),
      expectedCodes: fc.constantFrom("200", "2xx", "301", "3xx,403"),
      expectedBody: fc.constantFrom("", "well"),
      followRedirects: fc.boolean(),
      viaCloudflare: fc.boolean(),
    });
    const answer = fc.oneof(
      fc.constantFrom<Answers>(
        () => page("all is well"),
        () => page("no", { status: 500 }),
        () => page("?", { status: 403, headers: { "cf-mitigated": "challenge" } }),
        () => page("error code: 1016", { status: 530, headers: { server: "cloudflare" } }),
        (request) => (pathOf(request) === "/there" ? page("well") : moved("/there")),
        () => {
          throw new Error("tls: untrusted certificate");
        },
      ),
      fc.oneof(fc.webUrl(), fc.webPath()).map(
        (to): Answers =>
          () =>
            moved(to),
      ),
    );
    let failed = 0;
    await fc.assert(
      fc.asyncProperty(anyTarget, answer, async (more, answers) => {
        const { inspector, prober } = aWorld(answers);
        const probe = await prober.probeEndpoint(target(more));
        const { failure, detail } = await inspector.inspect(target(more), undefined);
        expect([failure, detail]).toEqual([probe.failure, probe.detail]);
        if (failure !== null) failed += 1;
      }),
      { numRuns: 300 },
    );
    expect(failed).toBeGreaterThan(50);
    expect(failed).toBeLessThan(300);
  });
});
