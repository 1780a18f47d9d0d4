import { afterEach, describe, expect, it, vi } from "vitest";
import { PHASES, type RulePhase } from "../simulator/beside-the-balancer.ts";
import { checkNamed, complaints, GOLDEN, goldenStage, preflight, preflightOf, type Check } from "./golden.ts";
import type { Stage } from "./stage.ts";

afterEach(() => {
  vi.useRealTimers();
});

describe("the golden configuration", () => {
  it("passes every check, in at most twenty calls, and changes nothing", async () => {
    const stage = goldenStage();
    await stage.ready(GOLDEN);
    const body = await preflight(stage);
    // Cloudflare shows Page Rules to no token of an account's own.
    expect(complaints(body)).toEqual([expect.stringMatching(/^unknown page-rule/)]);
    expect(body).toMatchObject({ outcome: "pass", revision: 1 });
    expect(body.calls).toBe(stage.simulator.calls.length);
  });

  it("passes every check that can be made before it is saved, and nothing is kept", async () => {
    const stage = goldenStage();
    await stage.minutes(1);
    const body = await preflightOf(stage, GOLDEN);
    expect(complaints(body).filter((one) => !one.startsWith("unknown"))).toEqual([]);
    expect(body).toMatchObject({ failover_id: null, revision: null, outcome: "pass" });
    expect(body.calls).toBe(stage.simulator.calls.length);
    expect((await stage.call("GET", "/v1/failovers")).body.items).toEqual([]);
  });

  it.each<[what: string, otherwise: (stage: Stage) => unknown, spec?: object]>([
    [
      "the primary admits only Cloudflare",
      ({ simulator: { world } }) => (world.origin("origin.example.net").admitsOnlyCloudflare = true),
    ],
    [
      "the project's subdomain has a suffix",
      ({ simulator: { world } }) => (world.pagesProject("shop").subdomain = "shop-4zr.pages.dev"),
    ],
    [
      "a custom domain of the project is the endpoint",
      ({ simulator: { world } }) => {
        world.addPagesDomain("shop", "pages.example.com");
        world.addDnsRecord("example.com", {
          type: "CNAME",
          name: "pages.example.com",
          content: "shop.pages.dev",
          proxied: true,
        });
      },
      { secondary: { ...GOLDEN.secondary, custom_domain: "pages.example.com" } },
    ],
    [
      "a custom hostname of that name is still pending",
      ({ simulator: { world } }) =>
        world.addCustomHostname("example.com", { hostname: "www.example.com", status: "pending" }),
    ],
    [
      "rules, routes and Workers act on other hostnames",
      ({ simulator: { world } }) => {
        world.addRule("example.com", "http_request_origin", {
          expression: '(http.host eq "blog.example.com")',
        });
        world.addRule("example.com", "http_request_dynamic_redirect", { expression: "true", enabled: false });
        world.addRule("example.com", "http_request_cache_settings", {
          expression: "true",
          action_parameters: { cache: false },
        });
        world.addWorkerRoute("example.com", { pattern: "blog.example.com/*", script: "blog" });
        world.addWorkerRoute("example.com", { pattern: "www.example.com/*" });
        world.addWorkerDomain("example.com", { hostname: "api.example.com", service: "api" });
      },
    ],
    [
      "the deep production hostname has an advanced certificate",
      ({ simulator: { world } }) => {
        world.addCertificatePack("example.com", { hosts: ["*.shop.example.com"] });
        world.addDnsRecord("example.com", {
          type: "CNAME",
          name: "www.shop.example.com",
          content: "origin.example.net",
        });
      },
      { hostname: "www.shop.example.com" },
    ],
    [
      "lists come in pages, and empty maps as null",
      ({ simulator: { world } }) =>
        Object.assign(world.switches, { listMode: "paged", nullMaps: "null", emptyHealth: "absent" }),
    ],
    [
      "the latest deployment is a preview",
      ({ simulator: { world } }) => world.deploy("shop", { environment: "preview" }),
    ],
  ])("is still golden where %s", async (_, otherwise, spec = {}) => {
    const stage = goldenStage();
    otherwise(stage);
    await stage.ready({ ...GOLDEN, ...spec });
    const found = complaints(await preflight(stage));
    expect(found.filter((one) => !one.startsWith("unknown"))).toEqual([]);
  });
});

describe("what a preflight costs", () => {
  const twoProjects = {
    primary: { pages_project: "first", custom_domain: "first.example.com" },
    secondary: { pages_project: "shop", custom_domain: "second.example.com" },
    hostname: "www.deep.example.com",
  };

  function everythingToAsk({ simulator: { world } }: Stage): void {
    world.token.kind = "user";
    world.addPagesProject({ name: "first" });
    const domains = { first: "first.example.com", shop: "second.example.com" };
    for (const [project, name] of Object.entries(domains)) {
      world.addPagesDomain(project, name);
      world.deploy(project, { environment: "preview" });
      world.addDnsRecord("example.com", {
        type: "CNAME",
        name,
        content: `${project}.pages.dev`,
        proxied: true,
      });
    }
    for (const phase of Object.keys(PHASES) as RulePhase[])
      world.addRule("example.com", phase, { expression: "true" });
    world.addPageRule("example.com", { url: "*example.com/*" });
  }

  /** Nothing that could refuse a promotion: what is left over is never more than a warning. */
  const MAY_BE_LEFT = ["worker-route", "redirect-rule", "origin-rule", "cache-rule", "page-rule"];

  it("is at most twenty calls where everything has to be asked, and what is left over only warns", async () => {
    const stage = goldenStage();
    everythingToAsk(stage);
    await stage.ready({ ...GOLDEN, ...twoProjects });
    const saved = await preflight(stage);
    const unsaved = await preflightOf(stage, { ...GOLDEN, ...twoProjects, name: "other" });
    console.log(
      `a preflight that would have to ask everything: ${saved.calls} calls saved, ${unsaved.calls} unsaved`,
    );
    for (const { checks } of [saved, unsaved]) {
      const left = checks.filter(({ message }: Check) => message.includes("used up"));
      expect(MAY_BE_LEFT).toEqual(expect.arrayContaining(left.map(({ id }: Check) => id)));
      for (const { outcome, remedy } of left) expect([outcome, remedy]).toEqual(["unknown", null]);
    }
  });

  it("leaves nothing over with rules in every phase", async () => {
    const stage = goldenStage();
    for (const phase of Object.keys(PHASES) as RulePhase[])
      stage.simulator.world.addRule("example.com", phase, { expression: "true" });
    await stage.ready(GOLDEN);
    await preflight(stage);
    const body = await preflight(stage);
    expect(complaints(body)).toEqual([
      expect.stringMatching(/^warn redirect-rule/),
      expect.stringMatching(/^warn origin-rule/),
      expect.stringMatching(/^warn cache-rule/),
      expect.stringMatching(/^unknown page-rule/),
    ]);
    console.log(`a preflight with rules in every phase: ${body.calls} calls`);
  });

  it("finds the wildcard record that answers underneath, as explain does", async () => {
    const stage = goldenStage();
    const { world } = stage.simulator;
    await stage.ready(GOLDEN);
    world.dnsRecords.clear();
    world.addDnsRecord("example.com", {
      type: "CNAME",
      name: "*.example.com",
      content: "origin.example.net",
      proxied: true,
    });
    const body = await preflight(stage);
    expect(checkNamed(body, "record-underneath")).toMatchObject({
      outcome: "pass",
      message: expect.stringContaining("CNAME origin.example.net"),
    });
    expect(checkNamed(body, "test-hostname-free").outcome).toBe("pass");
    const explained = await stage.call("GET", "/v1/failovers/shop/explain?if=load_balancer_disabled");
    expect(explained.body).toMatchObject({ serving: "primary", rule: "record-underneath" });
  });

  it("does not call the hostname unclaimed where nobody could see what it leads to", async () => {
    const stage = goldenStage();
    await stage.ready(GOLDEN);
    stage.simulator.faults.add({
      match: { method: "GET", path: /dns_records/, times: Number.POSITIVE_INFINITY },
      effect: { kind: "status", status: 500, when: "before" },
    });
    expect(checkNamed(await preflight(stage), "custom-hostname").outcome).toBe("unknown");
  });

  it("tells of an active custom domain though the token may not read those of customers", async () => {
    const stage = goldenStage();
    const { world } = stage.simulator;
    await stage.ready(GOLDEN);
    world.addPagesDomain("shop", "www.example.com", "active");
    stage.simulator.faults.add({
      match: { method: "GET", path: /custom_hostnames/, times: Number.POSITIVE_INFINITY },
      effect: { kind: "status", status: 403, when: "before" },
    });
    expect(checkNamed(await preflight(stage), "custom-hostname")).toMatchObject({
      outcome: "fail",
      message: expect.stringContaining("Pages project shop"),
    });
  });

  it("leaves calls for the rest where a long name lies in no zone that it sees", async () => {
    const hostname = `${"a.".repeat(20)}example.org`;
    const body = await preflightOf(goldenStage(), { ...GOLDEN, hostname });
    expect(checkNamed(body, "zone-found").outcome).toBe("fail");
    expect(complaints(body).filter((one) => one.includes("used up"))).toEqual([]);
    expect(checkNamed(body, "load-balancing-enabled").outcome).toBe("pass");
    expect(checkNamed(body, "test-hostname-free").message).toContain("not known before the zone is");
  });

  it("asks name by name in a zone with very many records", async () => {
    const stage = goldenStage();
    const { world } = stage.simulator;
    for (let index = 0; index < 1000; index += 1)
      world.addDnsRecord("example.com", { type: "A", name: `n${index}.example.com`, content: "80.0.0.1" });
    await stage.ready(GOLDEN);
    const body = await preflight(stage);
    expect(complaints(body).filter((one) => !one.startsWith("unknown"))).toEqual([]);
    expect(checkNamed(body, "record-underneath").message).toContain("CNAME origin.example.net");
  });
});
