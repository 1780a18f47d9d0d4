import { beforeEach, describe, expect, test } from "vitest";
import { aBench, type Bench } from "./failover-setup.ts";
import type { World } from "./simulator.ts";

let bench: Bench;
let world: World;
let path: string;

beforeEach(() => {
  bench = aBench();
  world = bench.simulator.world;
  path = `${bench.account}/pages/projects`;
});

describe("a project", () => {
  test("shows its newest good production deployment as canonical and the newest of any kind as latest", async () => {
    const good = world.deploy("shop", { commit: "a".repeat(40) });
    const failed = world.deploy("shop", { success: false });
    const { result } = await bench.call("GET", `${path}/shop`);
    expect(result).toMatchObject({
      name: "shop",
      subdomain: "shop.pages.dev",
      domains: ["shop.pages.dev"],
      source: null,
    });
    expect(result.canonical_deployment).toMatchObject({
      id: good.id,
      environment: "production",
      latest_stage: { name: "deploy", status: "success" },
      deployment_trigger: { metadata: { branch: "main", commit_hash: "a".repeat(40) } },
    });
    expect(result.latest_deployment).toMatchObject({
      id: failed.id,
      latest_stage: { name: "build", status: "failure" },
    });
    expect(result.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(result.canonical_deployment).not.toHaveProperty("body");
  });

  test("has no canonical deployment before its first production deployment", async () => {
    world.addPagesProject({ name: "new", deployments: [] });
    expect((await bench.call("GET", `${path}/new`)).result).toMatchObject({
      canonical_deployment: null,
      latest_deployment: null,
    });
    expect(world.visit("https://new.pages.dev/").status).toBe(404);
  });

  test("may have been deployed long ago", async () => {
    world.addPagesProject({ name: "old", deployments: [{ ageSeconds: 90 * 86_400 }] });
    const { result } = await bench.call("GET", `${path}/old`);
    expect(result.canonical_deployment.created_on).toMatch(/^2026-08-04T12:00:00/);
    expect(result.canonical_deployment.latest_stage.ended_on).toMatch(/^2026-08-04T12:00:00/);
  });

  test("lists an older deployment after the newer ones, and doesn't serve it", async () => {
    const [serving] = world.pagesProject("shop").deployments;
    const older = world.deploy("shop", { ageSeconds: 60, body: "<title>older</title>" });
    const oldest = world.deploy("shop", { ageSeconds: 120 });
    expect((await bench.call("GET", `${path}/shop`)).result.canonical_deployment.id).toBe(serving?.id);
    const { result } = await bench.call("GET", `${path}/shop/deployments`);
    expect(result.map(({ id }: { id: string }) => id)).toEqual([serving?.id, older.id, oldest.id]);
    expect(world.visit("https://shop.pages.dev/").body).not.toContain("older");
  });

  test("isn't made canonical by a preview or a skipped deployment", async () => {
    const before = (await bench.call("GET", `${path}/shop`)).result.canonical_deployment.id;
    world.deploy("shop", { environment: "preview" });
    const skipped = world.deploy("shop", { skipped: true });
    expect(skipped).toMatchObject({ is_skipped: true, latest_stage: { status: "skipped" } });
    expect((await bench.call("GET", `${path}/shop`)).result.canonical_deployment.id).toBe(before);
  });

  test("may have a subdomain that its name doesn't tell", async () => {
    world.addPagesProject({ name: "taken", subdomain: "taken-4x1.pages.dev" });
    expect((await bench.call("GET", `${path}/taken`)).result.subdomain).toBe("taken-4x1.pages.dev");
    expect(world.visit("https://taken-4x1.pages.dev/").status).toBe(200);
    expect(world.visit("https://taken.pages.dev/").error).toBe("dns: unknown host");
  });

  test.each([
    ["/nothing", 404, 8000007],
    ["/shop/deployments/none", 404, 8000009],
    ["/shop/domains/none.example", 404, 8000021],
    ["/shop/deployments?per_page=26", 400, 8000024],
    ["?per_page=100", 400, 8000024],
  ])("%s answers %i with %i", async (suffix, status, code) => {
    const reply = await bench.call("GET", `${path}${suffix}`);
    expect([reply.status, reply.errors[0]?.code]).toEqual([status, code]);
  });
});

describe("deployments", () => {
  test("are listed newest first, by environment, 25 a page", async () => {
    const preview = world.deploy("shop", { environment: "preview" });
    for (let made = 0; made < 30; made += 1) world.deploy("shop");
    const first = await bench.call("GET", `${path}/shop/deployments?env=production&page=1&per_page=25`);
    expect(first.result).toHaveLength(25);
    expect(first.result_info).toMatchObject({ total_count: 31, total_pages: 2 });
    expect(first.result[0].id).toBe(world.pagesProject("shop").deployments[0]?.id);
    const previews = await bench.call("GET", `${path}/shop/deployments?env=preview`);
    expect(previews.result).toMatchObject([{ id: preview.id, aliases: ["https://preview.shop.pages.dev"] }]);
  });

  test("can be retried, which makes a new one that succeeds", async () => {
    const failed = world.deploy("shop", { success: false, commit: "b".repeat(40) });
    const { result } = await bench.call("POST", `${path}/shop/deployments/${failed.id}/retry`);
    expect(result).toMatchObject({ latest_stage: { name: "deploy", status: "success" } });
    expect(result.deployment_trigger.metadata.commit_hash).toBe("b".repeat(40));
    expect((await bench.call("GET", `${path}/shop`)).result.canonical_deployment.id).toBe(result.id);
  });

  test("can be rolled back to, if they are good and of production", async () => {
    const old = world.deploy("shop", { body: "<title>old</title>" });
    world.deploy("shop", { body: "<title>new</title>" });
    expect(world.visit("https://shop.pages.dev/").body).toContain("new");
    expect((await bench.call("POST", `${path}/shop/deployments/${old.id}/rollback`)).status).toBe(200);
    expect(world.visit("https://shop.pages.dev/").body).toContain("old");
    for (const options of [{ success: false }, { environment: "preview" as const }, { skipped: true }]) {
      const { id } = world.deploy("shop", options);
      expect((await bench.call("POST", `${path}/shop/deployments/${id}/rollback`)).status).toBe(400);
    }
  });

  test("can't be deleted while active in production", async () => {
    const first = world.pagesProject("shop").canonicalId;
    const refused = await bench.call("DELETE", `${path}/shop/deployments/${first}`);
    expect([refused.status, refused.errors[0]?.code]).toEqual([400, 8000034]);
    world.deploy("shop");
    expect((await bench.call("DELETE", `${path}/shop/deployments/${first}`)).status).toBe(200);
    expect(world.pagesProject("shop").deployments).toHaveLength(1);
  });
});

describe("custom domains", () => {
  test("become active when validated after their record leads to the project", async () => {
    const added = await bench.call("POST", `${path}/shop/domains`, { name: "shop.example.com" });
    expect(added.result).toMatchObject({ name: "shop.example.com", status: "pending" });
    world.addDnsRecord("example.com", {
      type: "CNAME",
      name: "shop",
      content: "shop.pages.dev",
      proxied: true,
    });
    const validated = await bench.call("PATCH", `${path}/shop/domains/shop.example.com`, {});
    expect(validated.result.status).toBe("active");
    expect(world.visit("https://shop.example.com/").body).toContain("pages project shop");
    expect((await bench.call("GET", `${path}/shop`)).result.domains).toEqual([
      "shop.pages.dev",
      "shop.example.com",
    ]);
  });

  test("can't be added twice, and are gone once deleted", async () => {
    world.addPagesDomain("shop", "shop.example.com");
    const again = await bench.call("POST", `${path}/shop/domains`, { name: "shop.example.com" });
    expect([again.status, again.errors[0]?.code]).toEqual([400, 8000018]);
    expect((await bench.call("GET", `${path}/shop/domains`)).result).toHaveLength(1);
    expect((await bench.call("DELETE", `${path}/shop/domains/shop.example.com`)).status).toBe(200);
    expect((await bench.call("GET", `${path}/shop/domains`)).result).toEqual([]);
  });

  test("answer even if the zone isn't of the account", () => {
    world.addPagesDomain("shop", "shop.elsewhere.example");
    expect(world.visit("https://shop.elsewhere.example/").status).toBe(200);
  });
});

describe("serving", () => {
  test("sends http to https on the same host and path", () => {
    const visit = world.visit("http://shop.pages.dev/a?b=c");
    expect([visit.status, visit.headers["location"]]).toEqual([301, "https://shop.pages.dev/a?b=c"]);
  });

  test.each([
    ["/index.html", "/"],
    ["/about.html", "/about"],
    ["/docs/index.html?x=1", "/docs/?x=1"],
    ["/docs/index", "/docs/"],
  ])("sends %s to the clean path %s", (asked, location) => {
    const visit = world.visit(`https://shop.pages.dev${asked}`);
    expect([visit.status, visit.headers["location"]]).toEqual([308, location]);
  });

  test("has a page of its own for what isn't there, unless it is a single-page application", () => {
    const absent = world.visit("https://shop.pages.dev/no/such/page?x=1");
    expect(absent).toMatchObject({ status: 404, servedBy: "shop.pages.dev" });
    expect(absent.body).not.toContain("pages project shop");
    expect(world.visit("https://shop.pages.dev/health")).toMatchObject({ status: 200 });
    world.addPagesProject({ name: "app", spa: true });
    expect(world.visit("https://app.pages.dev/no/such/page").body).toContain("pages project app");
  });

  test("has the headers of Pages and an etag that follows the content", () => {
    const before = world.visit("https://shop.pages.dev/");
    expect(before.headers).toMatchObject({
      server: "cloudflare",
      "content-type": "text/html; charset=utf-8",
    });
    expect(before.headers["cf-ray"]).toBeDefined();
    world.deploy("shop", { body: "<title>other</title>" });
    const after = world.visit("https://shop.pages.dev/");
    expect(after.headers["etag"]).toMatch(/^"[0-9a-f]+"$/);
    expect(after.headers["etag"]).not.toBe(before.headers["etag"]);
  });

  test("shows each deployment at its own address and a branch at its alias", () => {
    const { url } = world.deploy("shop", {
      environment: "preview",
      branch: "next",
      body: "<title>next</title>",
    });
    expect(world.visit(`${url}/`).body).toContain("next");
    expect(world.visit("https://next.shop.pages.dev/").body).toContain("next");
    expect(world.visit("https://shop.pages.dev/").body).toContain("pages project shop");
    expect(world.visit("https://unknown.shop.pages.dev/").status).toBe(404);
  });

  test("answers only to the names it knows", async () => {
    const request = new Request("https://shop.pages.dev/", { headers: { host: "www.example.com" } });
    const response = await bench.simulator.egress(request);
    expect(response.status).toBe(403);
    expect(await response.text()).toContain("1000");
  });
});
