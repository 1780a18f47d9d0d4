import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createProber, type ProberPorts } from "../../src/probing/prober.ts";
import type { ProbeTarget } from "../../src/probing/targets.ts";
import type { Connect, Fetch, ProbeSocket } from "../../src/probing/ways.ts";
import { anEgress, aTarget, forbiddenConnect, forbiddenFetch, SECRET } from "./builders.ts";

function aProber(ports: Partial<ProberPorts>) {
  let now = 1000;
  const clock = { now: () => (now += 7) };
  return createProber({ fetch: forbiddenFetch, connect: forbiddenConnect, clock, ...ports });
}

async function throughEgress(response: Response | Error, more: Partial<ProbeTarget> = {}) {
  const { egress } = anEgress(() => {
    if (response instanceof Error) throw response;
    return response;
  });
  return aProber({ egress }).probeEndpoint(aTarget(more));
}

interface Played {
  readonly connects: {
    hostname: string;
    port: number;
    secureTransport: string;
    serverName: string | null;
    sent: string;
  }[];
  readonly connect: Connect;
}

/** Sockets that play one answer each. */
function sockets(answers: readonly (string | { refuse?: string; broken?: string })[]): Played {
  const connects: Played["connects"] = [];
  const connect: Connect = ({ hostname, port }, { secureTransport }) => {
    const seen = {
      hostname,
      port,
      secureTransport,
      serverName: null as string | null,
      sent: "",
    };
    const answer = answers[connects.length] ?? "";
    connects.push(seen);
    const broken = typeof answer === "string" ? undefined : answer.broken;
    const refuse = typeof answer === "string" ? undefined : answer.refuse;
    const text = typeof answer === "string" ? answer : "";
    const socket: ProbeSocket = {
      readable: new ReadableStream({
        start(controller) {
          if (text !== "") controller.enqueue(new TextEncoder().encode(text));
          controller.close();
        },
      }),
      writable: new WritableStream({
        write(bytes: Uint8Array) {
          if (broken !== undefined) throw new Error(broken);
          seen.sent += new TextDecoder().decode(bytes);
        },
      }),
      opened: refuse === undefined ? Promise.resolve({}) : Promise.reject(new Error(refuse)),
      closed: refuse === undefined ? Promise.resolve() : Promise.reject(new Error(refuse)),
      close: async () => undefined,
      startTls({ expectedServerHostname }) {
        seen.serverName = expectedServerHostname;
        return socket;
      },
    };
    return socket;
  };
  return { connects, connect };
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Origin: a\r\n\r\nhello";

describe("the egress service", () => {
  it("gets the address in the URL and the name in Host, with our headers and no secret", async () => {
    const { asked, egress } = anEgress(() => new Response("hello"));
    const prober = aProber({ egress, secretHeader: { name: "x-probe-secret", value: SECRET } });
    const result = await prober.probeEndpoint(
      aTarget({ address: "2a00:1450::1", port: 8080, path: "/a b?c=ü", headers: [["x-own", "1"]] }),
    );
    expect(result).toMatchObject({
      ok: true,
      status: 200,
      failure: null,
      detail: null,
      way: "egress",
      latencyMs: 7,
    });
    const [request] = asked;
    expect(request?.url).toBe("http://[2a00:1450::1]:8080/a%20b?c=%C3%BC");
    expect(Object.fromEntries(request?.headers ?? [])).toEqual({
      accept: "*/*",
      "accept-encoding": "identity",
      host: "www.example.com",
      "user-agent": "Understudy/1 (+probe)",
      "x-own": "1",
    });
    expect(request?.redirect).toBe("manual");
  });

  it("carries the secret only over TLS and only to what stands behind Cloudflare", async () => {
    const withSecret = async (more: Partial<ProbeTarget>) => {
      const { asked, egress } = anEgress(() => new Response());
      const secretHeader = { name: "x-probe-secret", value: SECRET };
      await aProber({ egress, secretHeader }).probeEndpoint(aTarget(more));
      return asked[0]?.headers.get("x-probe-secret") ?? null;
    };
    expect(await withSecret({ scheme: "https", port: 443, viaCloudflare: true })).toBe(SECRET);
    expect(await withSecret({ viaCloudflare: true })).toBeNull();
    expect(await withSecret({ scheme: "https", port: 443 })).toBeNull();
  });

  it.each([
    ["connection refused", "refused"],
    ["timed out", "timeout"],
    ["no route to host", "unreachable"],
    ["connection reset by peer", "reset"],
    ["dns: unknown host", "dns"],
    ["tls: untrusted certificate", "tls"],
    ["tls: name mismatch", "tls"],
    ["tls: handshake failure", "tls"],
    ["tls: connection reset", "tls"],
    ["dns: timed out", "dns"],
    ["invalid http response", "protocol"],
    ["connect ECONNREFUSED 10.0.0.1:80", "refused"],
    ["getaddrinfo ENOTFOUND x.example", "dns"],
    ["address not allowed", "blocked"],
    ["something else", "unreachable"],
  ])("that throws %j has failed by %s", async (message, failure) => {
    expect(await throughEgress(new Error(message))).toEqual({
      ok: false,
      status: null,
      latencyMs: null,
      failure,
      detail: message,
      traits: {},
      way: "egress",
    });
  });

  it("may be wrangler's local one, which answers 500 for an exception", async () => {
    const headers = { "mf-experimental-error-stack": "true" };
    const thrown = new Response(JSON.stringify({ name: "Error", message: "connection refused" }), {
      status: 500,
      headers,
    });
    expect(await throughEgress(thrown)).toMatchObject({
      failure: "refused",
      status: null,
      detail: "connection refused",
    });
    expect(await throughEgress(new Response("?", { status: 500, headers }))).toMatchObject({
      failure: "unreachable",
    });
    const payload = encodeURIComponent(JSON.stringify({ message: "timed out" }));
    const silent = new Response(null, {
      status: 500,
      headers: { ...headers, "mf-experimental-error-stack-payload": payload },
    });
    expect(await throughEgress(silent, { method: "HEAD" })).toMatchObject({ failure: "timeout" });
  });

  it("can't hold a probe beyond its deadline, even if it heeds no signal", async () => {
    const { egress } = anEgress(() => new Promise<Response>(() => undefined));
    const result = await aProber({ egress }).probeEndpoint(aTarget({ timeoutMs: 30 }));
    expect(result).toMatchObject({
      ok: false,
      failure: "timeout",
      detail: "no answer within 0.03 seconds",
      latencyMs: null,
    });
  });

  it("can't hold a probe by a body without end or rest", async () => {
    const stuck = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(10)) });
    expect(await throughEgress(new Response(stuck), { timeoutMs: 30 })).toMatchObject({ failure: "timeout" });
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(10_000)) });
    expect(await throughEgress(new Response(endless))).toMatchObject({ ok: true });
  });
});

describe("a socket", () => {
  it("asks an address for another name", async () => {
    const { connects, connect } = sockets([OK]);
    const result = await aProber({ connect }).probeEndpoint(aTarget({ port: 8080, path: "/health" }));
    expect(result).toMatchObject({ ok: true, status: 200, way: "socket" });
    expect(connects).toMatchObject([
      { hostname: "origin.example.net", port: 8080, secureTransport: "off", serverName: null },
    ]);
    expect(connects[0]?.sent).toMatch(/^GET \/health HTTP\/1.1\r\nHost: www.example.com\r\n/);
  });

  it("expects over TLS a certificate of the name that it asks for", async () => {
    const { connects, connect } = sockets([OK]);
    await aProber({ connect }).probeEndpoint(aTarget({ scheme: "https", port: 443, address: "8.8.8.8" }));
    expect(connects).toMatchObject([
      { hostname: "8.8.8.8", port: 443, secureTransport: "starttls", serverName: "www.example.com" },
    ]);
  });

  it.each([
    [
      "refused by an address",
      { refuse: "proxy request failed, cannot connect to the specified address" },
      { address: "8.8.8.8" },
      "refused",
    ],
    [
      "refused by a name",
      { refuse: "proxy request failed, cannot connect to the specified address" },
      {},
      "refused",
    ],
    ["broken before TLS", { broken: "internal error; reference = abc" }, { scheme: "https" }, "tls"],
    [
      "broken before TLS that a monitor would forgive",
      { broken: "internal error; reference = abc" },
      { scheme: "https", allowInsecure: true },
      "blocked",
    ],
    ["broken without TLS", { broken: "internal error; reference = abc" }, {}, "reset"],
    ["lost", { broken: "Network connection lost." }, {}, "reset"],
    ["closed at once", "", {}, "reset"],
    ["garbage", "220 mail.example.net ESMTP\r\n", {}, "protocol"],
    ["to Cloudflare's own address", OK, { address: "104.16.1.1" }, "blocked"],
    ["to the mail port", OK, { port: 25 }, "blocked"],
  ] as const)("is %s", async (_, answer, more, failure) => {
    const result = await aProber({ connect: sockets([answer]).connect }).probeEndpoint(aTarget(more));
    expect(result).toMatchObject({ ok: false, failure, status: null, way: "socket" });
    expect(result.detail).not.toContain("reference");
  });

  it("can't be held by a connection that never opens", async () => {
    const { connect } = sockets([OK]);
    const never: Connect = (address, options) => {
      const socket = connect(address, options);
      return { ...socket, opened: new Promise(() => undefined), closed: new Promise(() => undefined) };
    };
    expect(await aProber({ connect: never }).probeEndpoint(aTarget({ timeoutMs: 30 }))).toMatchObject({
      failure: "timeout",
    });
  });
});

describe("a plain fetch", () => {
  const viaCloudflare = { viaCloudflare: true, address: "shop.pages.dev", host: "shop.pages.dev" };

  it("is used for what stands behind Cloudflare, without cache and cookies", async () => {
    const asked: Request[] = [];
    const fetch: Fetch = async (request) => {
      asked.push(request);
      return new Response("hello");
    };
    const result = await aProber({ fetch }).probeEndpoint(
      aTarget({ ...viaCloudflare, scheme: "https", port: 443 }),
    );
    expect(result).toMatchObject({ ok: true, way: "fetch" });
    expect(asked[0]).toMatchObject({ url: "https://shop.pages.dev/", redirect: "manual", cache: "no-store" });
    expect(asked[0]?.headers.get("user-agent")).toBe("Understudy/1 (+probe)");
    expect(asked[0]?.headers.has("cookie")).toBe(false);
  });

  it.each([
    ["Network connection lost.", "http", "reset"],
    ["internal error; reference = abc", "http", "dns"],
    ["internal error; reference = abc", "https", "tls"],
    ["The operation was aborted due to timeout", "http", "timeout"],
  ] as const)("that throws %j over %s has failed by %s", async (message, scheme, failure) => {
    const fetch: Fetch = () => Promise.reject(new Error(message));
    expect(await aProber({ fetch }).probeEndpoint(aTarget({ ...viaCloudflare, scheme }))).toMatchObject({
      failure,
      status: null,
    });
  });

  it.each([
    [520, "", "protocol"],
    [521, "", "refused"],
    [522, "", "timeout"],
    [523, "", "unreachable"],
    [524, "", "timeout"],
    [525, "", "tls"],
    [526, "", "tls"],
    [530, "error code: 1016", "dns"],
    [403, "error code: 1003", "blocked"],
    [530, "error code: 1033", "status"],
    [403, "go away", "status"],
  ] as const)("understands the edge's %i %s as %s", async (status, body, failure) => {
    const fetch: Fetch = async () => new Response(body, { status, headers: { server: "cloudflare" } });
    expect(await aProber({ fetch }).probeEndpoint(aTarget(viaCloudflare))).toMatchObject({ failure, status });
  });
});

/** Answers with these redirects, then with a page. */
function redirecting(...locations: readonly string[]) {
  let count = 0;
  return anEgress(() => {
    const location = locations[count];
    count += 1;
    return location === undefined
      ? new Response("there")
      : new Response(null, { status: 302, headers: { location } });
  });
}

const moved = () => new Response(null, { status: 301, headers: { location: "https://www.example.com/" } });
const challenge = () => new Response("?", { status: 403, headers: { "cf-mitigated": "challenge" } });

describe("a redirect", () => {
  it.each([
    [["/next"], ["http://origin.example.net/", "http://origin.example.net/next"]],
    [["https://www.example.com/"], ["http://origin.example.net/", "https://origin.example.net/"]],
    [
      ["https://www.example.com:8443/x?y"],
      ["http://origin.example.net/", "https://origin.example.net:8443/x?y"],
    ],
    [
      ["//WWW.example.com/a", "../b"],
      ["http://origin.example.net/", "http://origin.example.net/a", "http://origin.example.net/b"],
    ],
  ])("to %j is followed to the same endpoint", async (locations, urls) => {
    const { asked, egress } = redirecting(...locations);
    expect(await aProber({ egress }).probeEndpoint(aTarget())).toMatchObject({ ok: true, status: 200 });
    expect(asked.map((request) => request.url)).toEqual(urls);
    expect(new Set(asked.map((request) => request.headers.get("host")))).toEqual(
      new Set(["www.example.com"]),
    );
  });

  it("to TLS opens a socket to the same address, for the same name", async () => {
    const { connects, connect } = sockets([
      "HTTP/1.1 301 Moved\r\nLocation: https://www.example.com/\r\nContent-Length: 0\r\n\r\n",
      OK,
    ]);
    expect(await aProber({ connect }).probeEndpoint(aTarget({ port: 8080 }))).toMatchObject({ ok: true });
    expect(connects).toMatchObject([
      { hostname: "origin.example.net", port: 8080, serverName: null },
      { hostname: "origin.example.net", port: 443, serverName: "www.example.com" },
    ]);
  });

  it("to another host isn't followed, and its query isn't told", async () => {
    const { asked, egress } = redirecting("https://user:pass@login.example.org/start?token=abc");
    expect(await aProber({ egress }).probeEndpoint(aTarget())).toMatchObject({
      ok: false,
      status: 302,
      failure: "redirect",
      detail: "redirect leaves the endpoint: https://login.example.org/start",
    });
    expect(asked).toHaveLength(1);
  });

  it.each(["ftp://www.example.com/", "javascript:alert(1)", "http://[bad"])(
    "to %s isn't followed",
    async (location) => {
      const { egress } = redirecting(location);
      expect(await aProber({ egress }).probeEndpoint(aTarget())).toMatchObject({ failure: "redirect" });
    },
  );

  it("is followed five times and no more", async () => {
    const five = redirecting("/1", "/2", "/3", "/4", "/5");
    expect(await aProber({ egress: five.egress }).probeEndpoint(aTarget())).toMatchObject({ ok: true });
    const six = redirecting("/1", "/2", "/3", "/4", "/5", "/6");
    expect(await aProber({ egress: six.egress }).probeEndpoint(aTarget())).toMatchObject({
      failure: "redirect",
    });
    expect(six.asked).toHaveLength(6);
  });

  it("is judged as it is where redirects aren't followed", async () => {
    const more = { followRedirects: false };
    expect(await throughEgress(moved(), more)).toMatchObject({ failure: "status", status: 301 });
    expect(await throughEgress(moved(), { ...more, expectedCodes: "301" })).toMatchObject({ ok: true });
  });

  it("to a login of Cloudflare Access is a challenge, followed or not", async () => {
    for (const followRedirects of [true, false]) {
      const location = "https://team.cloudflareaccess.com/cdn-cgi/access/login/www.example.com?kid=1";
      const login = new Response(null, { status: 302, headers: { location } });
      expect(await throughEgress(login, { followRedirects, expectedCodes: "3xx" })).toMatchObject({
        failure: "challenged",
      });
    }
  });
});

describe("an answer", () => {
  it.each([
    ["200", 200, true],
    ["200", 204, false],
    ["2xx", 204, true],
    ["2XX", 301, false],
    ["200,301, 4xx", 404, true],
    ["20", 200, false],
  ])("where %s is expected and %i comes: %s", async (expectedCodes, status, ok) => {
    const result = await throughEgress(new Response(null, { status }), {
      expectedCodes,
      followRedirects: false,
    });
    expect(result.ok).toBe(ok);
    expect(result.failure).toBe(ok ? null : "status");
  });

  it("has the expected text in its first 10 KB, in whatever case", async () => {
    const expectedBody = "Alles GUT";
    expect(await throughEgress(new Response("... alles gut ..."), { expectedBody })).toMatchObject({
      ok: true,
    });
    expect(await throughEgress(new Response("down"), { expectedBody })).toMatchObject({
      failure: "body",
      status: 200,
    });
    const late = new Response(`${" ".repeat(10 * 1024)}alles gut`);
    expect(await throughEgress(late, { expectedBody })).toMatchObject({ failure: "body" });
  });

  it("may be a challenge, which isn't the endpoint's", async () => {
    expect(await throughEgress(challenge())).toMatchObject({ failure: "challenged", status: 403 });
    expect(await throughEgress(challenge(), { expectedCodes: "403" })).toMatchObject({
      failure: "challenged",
    });
  });

  it.each([
    [{ "cf-cache-status": "HIT" }, "cached"],
    [{ "cf-cache-status": "STALE" }, "cached"],
    [{ "cf-cache-status": "updating" }, "cached"],
    [{ age: "12" }, "cached"],
    [{ "cf-cache-status": "DYNAMIC" }, null],
    [{ "cf-cache-status": "MISS", age: "0" }, null],
    [{ age: "soon" }, null],
  ])("with %j is, for the hostname, %s", async (headers, failure) => {
    const response = () => new Response("x", { headers: headers as Record<string, string> });
    expect((await throughEgress(response(), { kind: "hostname" })).failure).toBe(failure);
    expect((await throughEgress(response())).ok).toBe(true);
  });

  it("of the hostname keeps the edge's status and code", async () => {
    const headers = { server: "cloudflare", "cf-ray": "1" };
    const none = new Response("<title>Origin DNS error</title>error code: 1016", { status: 530, headers });
    expect(await throughEgress(none, { kind: "hostname" })).toMatchObject({
      failure: "status",
      status: 530,
      traits: { edge_error: "1016" },
    });
  });

  it("has the traits that tell endpoints apart", async () => {
    const headers = {
      etag: '"e"',
      "content-type": "text/html",
      "last-modified": "Mon, 01 Jan 2026 00:00:00 GMT",
      "x-powered-by": "PHP",
      "x-served-by": "cache-1",
      server: "nginx",
    };
    const result = await throughEgress(new Response("<TITLE lang=en> The\n Shop </TITLE>", { headers }));
    expect(result.traits).toEqual({
      body: "ef01bab4f639668e",
      title: "The Shop",
      etag: '"e"',
      "content-type": "text/html",
      "last-modified": "Mon, 01 Jan 2026 00:00:00 GMT",
      "x-powered-by": "PHP",
      server: "nginx",
    });
    expect((await throughEgress(new Response(null, { headers: { server: "cloudflare" } }))).traits).toEqual(
      {},
    );
  });

  it.each([
    [{ header: "X-Origin" }, undefined, "primary"],
    [{ header: "x-origin", value: "a" }, undefined, "primary"],
    [{ header: "x-origin", value: "b" }, undefined, undefined],
    [{ body: "BUILT by make" }, undefined, "primary"],
    [{ header: "x-origin", body: "absent" }, undefined, undefined],
    [undefined, { body: "built" }, "secondary"],
    [{ header: "X-Origin" }, { body: "built" }, "both"],
    [{}, {}, undefined],
  ])("carries the marker of %j or %j: %s", async (primary, secondary, expected) => {
    const response = new Response("Built by make", { headers: { "X-Origin": "a" } });
    const result = await throughEgress(response, { markers: { primary, secondary } });
    expect(result.traits["marker"]).toBe(expected);
  });
});

describe("whatever happens", () => {
  it("the secret is never told", async () => {
    const secretHeader = { name: "x-probe-secret", value: SECRET };
    const target = aTarget({ scheme: "https", port: 443, viaCloudflare: true });
    const answers: (() => Response)[] = [
      () => {
        throw new Error(`bad header ${SECRET}`);
      },
      () => new Response(null, { status: 302, headers: { location: `https://else.example/${SECRET}` } }),
      () => new Response(`<title>${SECRET}</title>`, { headers: { etag: `"${SECRET}"` } }),
    ];
    for (const answer of answers) {
      const result = await aProber({ egress: anEgress(answer).egress, secretHeader }).probeEndpoint(target);
      expect(JSON.stringify(result)).not.toContain(SECRET);
    }
  });

  it("a probe ends with a result", async () => {
    const target = fc.record({
      host: fc.oneof(fc.domain(), fc.string()),
      address: fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6(), fc.string()),
      path: fc.oneof(fc.webPath(), fc.string()),
      port: fc.integer({ min: -1, max: 70_000 }),
      expectedCodes: fc.string(),
      viaCloudflare: fc.boolean(),
      headers: fc.array(fc.tuple(fc.string(), fc.string())),
    });
    const location = fc.option(fc.oneof(fc.webUrl(), fc.webPath()), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(target, location, fc.boolean(), async (more, to, throws) => {
        const { egress } = anEgress(() => {
          if (throws) throw "a thrown string"; // oxlint-disable-line no-throw-literal
          return new Response("x", to === undefined ? {} : { status: 301, headers: { location: to } });
        });
        const result = await aProber({ egress }).probeEndpoint(aTarget(more));
        expect(result.ok).toBe(result.failure === null);
        expect(result.ok).toBe(result.detail === null);
      }),
    );
  });
});
