import { describe, expect, it } from "vitest";
import { createResolve } from "../../src/probing/resolve.ts";
import { anEgress, forbiddenFetch } from "./builders.ts";

type Records = readonly { readonly type: number; readonly data: string }[];
interface Zone {
  readonly a?: Records;
  readonly aaaa?: Records;
  readonly status?: number;
}

const ALIAS = { type: 5, data: "origin.example.org." };
const a = (data: string) => ({ type: 1, data });
const aaaa = (data: string) => ({ type: 28, data });

function dnsJson(zone: Zone, request: Request): Response {
  const type = new URL(request.url).searchParams.get("type");
  const records = (type === "A" ? zone.a : zone.aaaa) ?? [];
  const Answer = records.map((record) => ({ name: "origin.example.net", TTL: 60, ...record }));
  return Response.json({
    Status: zone.status ?? 0,
    TC: false,
    Question: [],
    ...(Answer.length > 0 ? { Answer } : {}),
  });
}

/** A resolver behind the egress service that answers as the function says. */
function resolverThat(answer: (request: Request) => Response | Promise<Response>) {
  const { asked, egress } = anEgress(answer);
  return { asked, resolve: createResolve({ fetch: forbiddenFetch, egress }) };
}

const resolving = (zone: Zone, name = "origin.example.net") =>
  resolverThat((request) => dnsJson(zone, request)).resolve(name);

describe("a name", () => {
  it("has its IPv4 and IPv6 addresses, each once, without the aliases on the way", async () => {
    const zone = {
      a: [ALIAS, a("8.8.8.8"), a("8.8.4.4"), a("8.8.8.8")],
      aaaa: [ALIAS, aaaa("2A00:1450::0:1")],
    };
    expect(await resolving(zone)).toEqual({
      state: "known",
      value: ["8.8.8.8", "8.8.4.4", "2a00:1450::1"],
    });
  });

  it("may have addresses of one kind only", async () => {
    expect(await resolving({ a: [a("8.8.8.8")] })).toEqual({ state: "known", value: ["8.8.8.8"] });
    expect(await resolving({ aaaa: [aaaa("2a00:1450::1")] })).toEqual({
      state: "known",
      value: ["2a00:1450::1"],
    });
  });

  it("is asked of Cloudflare's resolver, once for each kind, in JSON", async () => {
    const { asked, resolve } = resolverThat((request) => dnsJson({ a: [a("8.8.8.8")] }, request));
    await resolve("xn--bcher-kva.example");
    const base = "https://cloudflare-dns.com/dns-query?name=xn--bcher-kva.example";
    expect(asked.map(({ url }) => url).toSorted()).toEqual([`${base}&type=A`, `${base}&type=AAAA`]);
    for (const { headers, method } of asked) {
      expect(method).toBe("GET");
      expect(headers.get("accept")).toBe("application/dns-json");
      expect(headers.get("host")).toBe("cloudflare-dns.com");
    }
  });

  it("can't put anything else into the question", async () => {
    const { asked, resolve } = resolverThat((request) => dnsJson({ a: [a("8.8.8.8")] }, request));
    await resolve("a.example&type=TXT#?x");
    for (const { url } of asked) expect(new URL(url).searchParams.get("name")).toBe("a.example&type=TXT#?x");
  });

  it("is asked by plain fetch where there is no egress service", async () => {
    const { asked, egress } = anEgress((request) => dnsJson({ a: [a("8.8.8.8")] }, request));
    const resolve = createResolve({ fetch: egress.fetch });
    expect(await resolve("origin.example.net")).toEqual({ state: "known", value: ["8.8.8.8"] });
    expect(asked).toHaveLength(2);
    expect(asked[0]?.cache).toBe("no-store");
  });

  it.each([
    ["that doesn't exist", { status: 3 }, "does not exist in the DNS (NXDOMAIN)"],
    ["without records", {}, "has no address in the DNS"],
    ["that is only an alias", { a: [ALIAS], aaaa: [ALIAS] }, "has no address in the DNS"],
  ])("%s is missing", async (_, zone: Zone, why) => {
    expect(await resolving(zone)).toEqual({
      state: "missing",
      why: expect.stringContaining(`origin.example.net ${why}`),
    });
  });

  it.each([
    ["a resolver's error", () => Response.json({ Status: 2 }), "DNS error 2"],
    ["a status", () => new Response("busy", { status: 503 }), "status 503"],
    ["a page", () => new Response("<html>"), "no JSON"],
    ["other JSON", () => Response.json({ answer: [] }), "not as expected"],
    ["an array", () => Response.json([]), "not as expected"],
    [
      "51 answers",
      () => Response.json({ Status: 0, Answer: Array.from({ length: 51 }, () => a("8.8.8.8")) }),
      "not as expected",
    ],
    ["a huge answer", () => Response.json({ Status: 0, Answer: [a("8".repeat(200_000))] }), "no JSON"],
    [
      "an address that is none",
      () => Response.json({ Status: 0, Answer: [a("8.8.8.8.8"), aaaa("x")] }),
      "no address",
    ],
    ["no answer", () => Promise.reject(new Error("connection refused")), "connection refused"],
  ])("of which there is %s is unreadable", async (_, answer: () => Response | Promise<Response>, why) => {
    const said = await resolverThat(answer).resolve("origin.example.net");
    expect(said).toEqual({
      state: "unreadable",
      why: expect.stringMatching(
        new RegExp(`^what origin.example.net resolves to could not be read: .*${why}`),
      ),
    });
  });

  it("is unreadable where only half of the answer came: what is wrong may be in the other half", async () => {
    const { resolve } = resolverThat((request) =>
      request.url.endsWith("AAAA")
        ? new Response("busy", { status: 503 })
        : dnsJson({ a: [a("8.8.8.8")] }, request),
    );
    expect(await resolve("origin.example.net")).toMatchObject({ state: "unreadable" });
  });

  it("may have fifty addresses", async () => {
    const many = Array.from({ length: 50 }, (_, index) => a(`8.8.8.${index}`));
    expect(await resolving({ a: many })).toMatchObject({ state: "known", value: { length: 50 } });
  });
});

describe("an IP address", () => {
  it.each([
    ["8.8.8.8", "8.8.8.8"],
    ["10.0.0.1", "10.0.0.1"],
    ["2A00:1450::0:1", "2a00:1450::1"],
    ["[2a00:1450::1]", "2a00:1450::1"],
  ])("%s answers itself, without a request", async (given, address) => {
    const { asked, resolve } = resolverThat(() => Response.json({ Status: 2 }));
    expect(await resolve(given)).toEqual({ state: "known", value: [address] });
    expect(asked).toEqual([]);
  });
});

describe("a resolver that never answers", () => {
  it("is waited for until the deadline and no longer", async () => {
    const { asked, egress } = anEgress(() => new Promise<Response>(() => undefined));
    const resolve = createResolve({ fetch: forbiddenFetch, egress }, 30);
    expect(await resolve("origin.example.net")).toEqual({
      state: "unreadable",
      why: "what origin.example.net resolves to could not be read: no answer within 0.03 seconds",
    });
    expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, true]);
  });
});
