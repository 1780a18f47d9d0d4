import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { inMemoryService } from "./in-memory-service.ts";

/** As deployed: the real files of the package, by the binding of wrangler.toml. */
function withAssets() {
  const service = inMemoryService();
  service.world.assets = env.ASSETS;
  return service;
}

const FILES = [
  ["/docs/swagger-ui-bundle.js", /javascript/],
  ["/docs/swagger-ui.css", /css/],
  ["/docs/favicon-32x32.png", /png/],
  ["/docs/start.js", /javascript/],
] as const;

describe("/docs", () => {
  it("is a page for everybody, and all that it loads is its own", async () => {
    const { ask } = withAssets();
    const answer = await ask("/docs", { token: null });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toMatch(/^text\/html/);
    const page = await answer.text();
    const loaded = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url);
    expect(loaded.toSorted()).toEqual([...FILES.map(([path]) => path), "/openapi.json"].toSorted());
    expect(page).not.toMatch(/<script>|\son\w+=|style=/);
  });

  it.each(FILES)("serves %s, to be kept for a day", async (path, type) => {
    const { ask } = withAssets();
    const answer = await ask(path, { token: null });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toMatch(type);
    expect(answer.headers.get("cache-control")).toBe("public, max-age=86400");
    expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(100);
  });

  it("lets scripts and requests go to this service alone", async () => {
    const { ask } = withAssets();
    for (const path of ["/docs", ...FILES.map(([file]) => file)]) {
      const { headers } = await ask(path, { token: null });
      const policy = headers.get("content-security-policy") ?? "";
      expect(policy, path).toContain("default-src 'none'; script-src 'self';");
      expect(policy, path).not.toMatch(/unsafe-eval|script-src[^;]*unsafe|https?:|\*/);
      expect(headers.get("x-content-type-options"), path).toBe("nosniff");
    }
  });

  it("says that a file has not changed", async () => {
    const { ask } = withAssets();
    const first = await ask("/docs/swagger-ui.css", { token: null });
    await first.arrayBuffer();
    const etag = first.headers.get("etag") ?? "";
    expect(etag).not.toBe("");
    const again = await ask("/docs/swagger-ui.css", { token: null, headers: { "if-none-match": etag } });
    expect(again.status).toBe(304);
    expect(again.headers.get("cache-control")).toBe("public, max-age=86400");
  });

  it.each(["/docs/index.html", "/docs/swagger-ui-bundle.js.map", "/docs/package.json", "/docs/none.js"])(
    "has nothing else of the package: %s is a 404",
    async (path) => {
      const { ask } = withAssets();
      expect((await ask(path, { token: null })).status).toBe(404);
    },
  );

  it("stands before the files: none is served from the root", async () => {
    const { ask } = withAssets();
    expect((await ask("/swagger-ui.css", { token: null })).status).toBe(404);
  });
});
