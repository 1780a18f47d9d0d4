import { describe, expect, it } from "vitest";
import { createDeployments, type ListPosition } from "../../src/cloudflare/deployments.ts";
import { CloudflareError, type Envelope } from "../../src/cloudflare/errors.ts";
import type { Call } from "../../src/cloudflare/transport.ts";

const stage = (name: string, status: string) => ({ name, status, ended_on: "2026-01-01T00:00:05Z" });

function aDeployment(given: object = {}) {
  return {
    id: "d-1",
    environment: "production",
    url: "https://d-1.shop.pages.dev",
    latest_stage: stage("deploy", "success"),
    deployment_trigger: { metadata: { commit_hash: "abc", commit_message: "Fix\r\n\r\nmore" } },
    created_on: "2026-01-01T00:00:00Z",
    ...given,
  };
}

const aProject = (name: string, canonical: unknown = aDeployment({ id: `of-${name}` })) => ({
  id: `id-${name}`,
  name,
  canonical_deployment: canonical,
});

interface Asked {
  readonly path: string;
  readonly page: number | undefined;
  readonly perPage: number | undefined;
}

/** An account of so many projects, p1 and so on; a page of more than `largest` is refused. */
function anAccount(count: number, { largest = 25, withInfo = true } = {}) {
  const asked: Asked[] = [];
  const names = Array.from({ length: count }, (_, index) => `p${index + 1}`);
  const call: Call = async (_priority, _method, path, { query = {} } = {}): Promise<Envelope> => {
    const [page, perPage] = [Number(query["page"]), Number(query["per_page"])];
    asked.push({ path: path.replace(/^.*\/pages/, ""), page, perPage });
    if (!path.endsWith("/projects")) return { success: true, result: aProject(path.split("/").at(-1) ?? "") };
    if (perPage > largest)
      throw new CloudflareError("invalid", "invalid per_page (code 8000024)", { status: 400 });
    const result = names.slice((page - 1) * perPage, page * perPage).map((name) => aProject(name));
    const info = { page, per_page: perPage, total_pages: Math.ceil(count / perPage) };
    return { success: true, result, ...(withInfo ? { result_info: info } : {}) };
  };
  const position: ListPosition = {};
  const port = () => createDeployments(call, "a1", "poll", position);
  return { port, asked, position };
}

const pagesOf = (asked: readonly Asked[]) => asked.map(({ page }) => page);

describe("what many projects serve", () => {
  it("is asked for one by one where they are few", async () => {
    const { port, asked } = anAccount(100);
    const { serving, unreadable } = await port().servingOf(["p1", "p70"]);
    expect([serving.get("p1")?.id, serving.get("p70")?.id, unreadable]).toEqual(["of-p1", "of-p70", null]);
    expect(asked).toHaveLength(2);
  });

  it("is not asked for where there is none", async () => {
    const { port, asked } = anAccount(3);
    expect((await port().servingOf([])).serving.size).toBe(0);
    expect(asked).toEqual([]);
  });

  it.each([true, false])(
    "is read from the list, no further than needed; with result_info: %s",
    async (withInfo) => {
      const { port, asked } = anAccount(60, { withInfo });
      const { serving } = await port().servingOf(["p1", "p2", "p26", "p27"]);
      expect(serving.size).toBe(4);
      expect(pagesOf(asked)).toEqual([1, 2]);
    },
  );

  it("is read from the list to its end where one of them isn't in it", async () => {
    const { port, asked } = anAccount(60, { withInfo: false });
    const { serving } = await port().servingOf(["p1", "p2", "p3", "gone"]);
    expect([...serving.keys()]).toEqual(["p1", "p2", "p3"]);
    expect(pagesOf(asked)).toEqual([1, 2, 3]);
  });

  it("is read by smaller pages where the large ones are refused, from then on", async () => {
    const { port, asked } = anAccount(30, { largest: 10 });
    const wanted = ["p1", "p12", "p23", "p30"];
    expect((await port().servingOf(wanted)).serving.size).toBe(4);
    expect((await port().servingOf(wanted)).serving.size).toBe(4);
    expect(asked.map(({ perPage }) => perPage)).toEqual([25, 10, 10, 10, 10, 10, 10]);
  });

  it("is read in turns where there are more pages than a tick may ask for", async () => {
    const { port, asked } = anAccount(300);
    const wanted = ["p1", "p150", "p210", "p299"];
    const first = await port().servingOf(wanted);
    expect([...first.serving.keys()]).toEqual(["p1", "p150"]);
    expect(pagesOf(asked)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const second = await port().servingOf(wanted);
    expect([...second.serving.keys()]).toContain("p299");
    expect(pagesOf(asked).slice(8, 12)).toEqual([9, 10, 11, 12]);
  });

  it("is as much as could be read where something fails, and says why", async () => {
    const call: Call = async (_priority, _method, path) => {
      if (path.endsWith("/p2")) throw new CloudflareError("unavailable", "HTTP 503 with an HTML page");
      if (path.endsWith("/p0")) throw new CloudflareError("not-found", "no such project");
      return { success: true, result: aProject("p1") };
    };
    const { serving, unreadable } = await createDeployments(call, "a1", "poll").servingOf(["p0", "p1", "p2"]);
    expect([...serving.keys()]).toEqual(["p1"]);
    expect(unreadable).toBe("HTTP 503 with an HTML page");
  });
});

describe("what one project serves", () => {
  const servingOf = async (project: object) => {
    const call: Call = async () => ({ success: true, result: { id: "x", ...project } });
    return createDeployments(call, "a1", "poll").serving("shop");
  };

  it("is its canonical deployment, in our words", async () => {
    expect(await servingOf(aProject("shop"))).toEqual({
      id: "of-shop",
      commit: "abc",
      message: "Fix",
      url: "https://d-1.shop.pages.dev",
      liveAt: Date.UTC(2026, 0, 1, 0, 0, 5),
    });
  });

  it.each<[string, object, string | null]>([
    [
      "the latest where none is canonical",
      { canonical_deployment: null, latest_deployment: aDeployment() },
      "d-1",
    ],
    ["not a preview", { latest_deployment: aDeployment({ environment: "preview" }) }, null],
    [
      "not what is being built",
      { latest_deployment: aDeployment({ latest_stage: stage("build", "active") }) },
      null,
    ],
    [
      "not what failed",
      { latest_deployment: aDeployment({ latest_stage: stage("deploy", "failure") }) },
      null,
    ],
    ["not what was skipped", { latest_deployment: aDeployment({ is_skipped: true }) }, null],
    ["nothing where the answer is odd", { canonical_deployment: "d-1", latest_deployment: { id: 7 } }, null],
    [
      "one of which little is known",
      { canonical_deployment: aDeployment({ url: 7, deployment_trigger: null, created_on: "" }) },
      "d-1",
    ],
  ])("is %s", async (_, project, id) => {
    expect((await servingOf(project))?.id ?? null).toBe(id);
  });
});

describe("an earlier deployment", () => {
  it.each<[string, () => Promise<Envelope>, boolean]>([
    ["is there", async () => ({ success: true, result: aDeployment() }), true],
    [
      "is not there where Cloudflare doesn't find it",
      async () => Promise.reject(new CloudflareError("not-found", "Deployment not found.")),
      false,
    ],
    [
      "is no place to go back to where it isn't live",
      async () => ({ success: true, result: aDeployment({ is_skipped: true }) }),
      false,
    ],
  ])("%s", async (_, call, isThere) => {
    expect(await createDeployments(call, "a1", "heal").isThere("shop", "d-1")).toBe(isThere);
  });

  it("is not known to be gone where Cloudflare can't say", async () => {
    const call: Call = async () => Promise.reject(new CloudflareError("unavailable", "down"));
    await expect(createDeployments(call, "a1", "heal").isThere("shop", "d-1")).rejects.toThrow("down");
  });
});
