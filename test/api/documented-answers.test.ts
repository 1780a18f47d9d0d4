// Every problem that the document has for a route can be provoked there. That there is no other is shown by all tests of
// the API: what they are answered is held against the document (conformance.ts).
import { describe, expect, it } from "vitest";
import { operationsOf, servedDocument, type Operation, type Schema } from "./document.ts";
import { inMemoryService } from "./in-memory-service.ts";

const document = await servedDocument();
const operations = operationsOf(document);

/** What any route may answer, whatever it is about: other tests show these. */
const SHARED = ["400", "401", "403", "429", "500", "503"];

const IDS: Readonly<Record<string, string>> = {
  failovers: "shop",
  operations: "op_abc",
  tokens: "tok_abc",
  webhooks: "wh_1",
  channels: "ch_abc",
  deliveries: "dl_abc",
  drills: "dr_abc",
  docs: "swagger-ui.css",
};

/** What Cloudflare's notifications carry; pipelines may come with a token. */
const SIGNED = { "cf-webhook-auth": "test-webhook-secret-Lm58" };

/** Each parameter names what stands before it. */
function pathTo(template: string, ids: Readonly<Record<string, string>>): string {
  return template.replaceAll(/([a-z-]+)\/\{\w+\}/g, (_all, kind: string) => `${kind}/${ids[kind] ?? "none"}`);
}

function exampleOf(schema: Schema | undefined): unknown {
  if (schema === undefined) return undefined;
  const name = schema.$ref?.replace("#/components/schemas/", "");
  if (name !== undefined) return exampleOf(document.components["schemas"]?.[name]);
  if (schema.example !== undefined) return schema.example;
  const members = Object.entries(schema.properties ?? {}).filter(([member]) =>
    schema.required?.includes(member),
  );
  return Object.fromEntries(members.map(([member, one]) => [member, exampleOf(one)]));
}

function bodyOf({ requestBody }: Operation): unknown {
  const content = requestBody?.content as Record<string, { schema: Schema }> | undefined;
  return exampleOf(content?.["application/json"]?.schema);
}

interface Attempt {
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly query?: string;
  /** Without If-Match. */
  readonly unconditional?: true;
  readonly ids?: Readonly<Record<string, string>>;
  readonly failure?: "invalid" | "not-found" | "taken" | "refused" | "revision-mismatch";
}

/** Ways to go wrong, by the status that they lead to; of several one has to. */
const WAYS: Readonly<Record<string, readonly Attempt[]>> = {
  "404": [{ ids: {} }, { failure: "not-found" }],
  "409": [{ failure: "refused" }, { failure: "taken" }],
  // Which revision it is by now only the Coordinator knows.
  "412": [{ failure: "revision-mismatch" }],
  "413": [{ body: `{"name":"${"x".repeat(1_100_000)}"}` }],
  "415": [{ headers: { "content-type": "text/plain" } }],
  "422": [
    { body: { nobody: "knows this" } },
    { query: "?limit=0" },
    { query: "?mode=none" },
    { query: "?type=DRIFT" },
    { failure: "invalid" },
  ],
  "428": [{ unconditional: true }],
};

const cases = operations.flatMap(({ method, path, operation }) =>
  Object.keys(operation.responses)
    .filter((status) => Number(status) >= 400 && !SHARED.includes(status))
    .map((status) => ({ method, path, status, operation })),
);

describe("a problem that is described", () => {
  it("is looked for at every route", () => {
    expect(cases.length).toBeGreaterThan(100);
    expect(cases.filter(({ status }) => WAYS[status] === undefined)).toEqual([]);
  });

  it("is a 412 or a 428 exactly where If-Match may or must be sent", () => {
    for (const { path, method, operation } of operations) {
      const parameters = JSON.stringify(operation.parameters ?? []);
      const statuses = Object.keys(operation.responses);
      const at = `${method} ${path}`;
      expect([at, statuses.includes("412")]).toEqual([at, parameters.includes("/IfMatch")]);
      expect([at, statuses.includes("428")]).toEqual([at, parameters.includes("/IfMatchRequired")]);
    }
  });

  it.each(cases)(
    "is answered where it is provoked: $method $path → $status",
    async ({ method, path, status, operation }) => {
      const answered: number[] = [];
      for (const { headers = {}, query = "", ids = IDS, failure, unconditional, ...attempt } of WAYS[
        status
      ] ?? []) {
        const { world, ask } = inMemoryService();
        world.failure = failure === undefined ? null : { code: failure, detail: "provoked" };
        const body = attempt.body ?? bodyOf(operation);
        const isEmpty = method === "GET" || operation.requestBody === undefined;
        const answer = await ask(`${pathTo(path, ids)}${query}`, {
          method,
          headers: { ...(unconditional === true ? {} : { "if-match": "*" }), ...SIGNED, ...headers },
          ...(isEmpty ? {} : { body }),
        });
        answered.push(answer.status);
      }
      expect(answered).toContain(Number(status));
    },
  );
});
