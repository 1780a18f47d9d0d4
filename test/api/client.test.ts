import { readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createClient } from "../../src/client.ts";
import { example } from "./client-example.ts";
import { inMemoryService, TOKEN } from "./in-memory-service.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(path.join(ROOT, file), "utf8");

/** What stands between the braces of the example's function, as if it stood alone. */
function bodyOf(source: string): string {
  const lines = source.split("\n");
  const first = lines.findIndex((line) => line.startsWith("export async function example("));
  const last = lines.indexOf("}", first);
  return lines
    .slice(first + 1, last)
    .map((line) => line.replace(/^ {2}/, ""))
    .join("\n");
}

function aClient(token = TOKEN) {
  const { app, world } = inMemoryService();
  const reached: string[] = [];
  const client = createClient("https://understudy.test", token, {
    fetch: async (input, init) => {
      const request = new Request(input, init);
      reached.push(`${request.method} ${new URL(request.url).pathname}`);
      return app.request(request);
    },
  });
  return { client, world, reached };
}

describe("the typed client", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("does what the README shows", async () => {
    const [, shown = ""] =
      /```ts\nimport \{ createClient \} from "understudy\/client";\n\n([^`]+)\n```/.exec(read("README.md")) ??
      [];
    const [setting = "", ...lines] = shown.split("\n");
    expect(setting).toBe('const [address, token] = ["https://understudy.example.workers.dev", "ust_…"];');
    expect(lines.join("\n").replace(/^console\.log\((.*)\);$/m, "return $1;")).toBe(
      bodyOf(read("test/api/client-example.ts")),
    );
    const { app, world } = inMemoryService();
    vi.stubGlobal("fetch", async (...given: Parameters<typeof fetch>) => app.request(new Request(...given)));
    expect(await example("https://understudy.test", TOKEN)).toBe("running");
    expect(world.actions.map(({ verb }) => verb)).toEqual(["createFailover", "promote"]);
  });

  it("is what the package exports under the name that the README uses", () => {
    expect(JSON.parse(read("package.json"))).toMatchObject({ exports: { "./client": "./src/client.ts" } });
  });

  it("knows what each status answers", async () => {
    const { client } = aClient();
    const answer = await client.v1.failovers[":id"].$get({ param: { id: "shop" } });
    if (answer.status !== 200) throw new Error(`answered ${answer.status}`);
    const failover = await answer.json();
    expect(failover.status.readiness satisfies "ready" | "degraded" | "not_ready").toBe("degraded");

    const none = await client.v1.failovers[":id"].$get({ param: { id: "store" } });
    if (none.status !== 404) throw new Error(`answered ${none.status}`);
    const problem = await none.json();
    expect(problem.title satisfies string).toBe("Not found");
  });

  it("sends the token, queries and bodies, and reaches every kind of route", async () => {
    const { client, reached } = aClient();
    const answers = [
      await client.healthz.$get(),
      await client.v1.events.$get({ query: { limit: "5" } }),
      await client.v1.fleet.freeze.$post({ json: { reason: "change freeze" } }),
      await client.v1.failovers[":id"]["switch-over"].$post({
        param: { id: "shop" },
        json: { to: "secondary", reason: "a new disk" },
      }),
      await client.v1.setup.notifications.$get(),
      await client.v1.tokens.$post({ json: { name: "pipeline", scopes: ["operate"] } }),
      await client.v1.failovers[":id"].$patch(
        { param: { id: "shop" }, query: {}, json: { monitor: { path: "/healthz" } } },
        { headers: { "if-match": '"3"' } },
      ),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 202, 200, 201, 200]);
    expect(reached).toHaveLength(answers.length);
  });

  it("refuses in the types what the API refuses", async () => {
    const { client } = aClient();
    const answer = await client.v1.failovers[":id"]["switch-over"].$post({
      param: { id: "shop" },
      // @ts-expect-error -- a switch-over needs a reason
      json: { to: "secondary" },
    });
    expect(answer.status).toBe(422);
  });

  it("is let in by its token alone", async () => {
    const { client } = aClient("ust_of-nobody");
    expect((await client.v1.failovers.$get({ query: {} })).status).toBe(401);
  });
});
