import { describe, expect, it } from "vitest";
import { GUARD_IDS } from "../../src/failover/guards.ts";
import { specInputSchema } from "../../src/failover/spec.ts";
import { operationsOf, servedDocument, type Document } from "./document.ts";
import { inMemoryService } from "./in-memory-service.ts";

const document = await servedDocument();
const operations = operationsOf(document);

type Visit = (node: Record<string, unknown>, at: string) => void;

function walk(node: unknown, visit: Visit, at = "#"): void {
  if (typeof node !== "object" || node === null) return;
  if (!Array.isArray(node)) visit({ ...node }, at);
  for (const [key, inner] of Object.entries(node)) {
    // An example may hold anything; what looks like a schema in it is none.
    if (key !== "example") walk(inner, visit, `${at}/${key}`);
  }
}

function resolve(reference: string, within: Document): unknown {
  return reference
    .slice(2)
    .split("/")
    .reduce<unknown>(
      (node, part) => (typeof node === "object" && node !== null ? Reflect.get(node, part) : undefined),
      within,
    );
}

function everyPlaceWhere(wrong: (node: Record<string, unknown>) => boolean): string[] {
  const places: string[] = [];
  walk(document, (node, at) => {
    if (wrong(node)) places.push(at);
  });
  return places;
}

describe("/openapi.json", () => {
  it("says that it is OpenAPI 3.1 and what it describes", () => {
    expect(document.openapi).toMatch(/^3\.1\.\d$/);
    expect(document.info).toMatchObject({ title: "Understudy", version: expect.any(String) });
  });

  it("refers only to what is there", () => {
    const references: string[] = [];
    walk(document, (node) => {
      if (typeof node["$ref"] === "string") references.push(node["$ref"]);
    });
    expect(references.length).toBeGreaterThan(50);
    expect(references.filter((reference) => resolve(reference, document) === undefined)).toEqual([]);
  });

  it("uses every component that it has", () => {
    const text = JSON.stringify(document);
    const unused = ["schemas", "parameters", "responses"].flatMap((kind) =>
      Object.keys(document.components[kind] ?? {})
        .map((name) => `#/components/${kind}/${name}`)
        .filter((reference) => !text.includes(`"${reference}"`)),
    );
    expect(unused).toEqual(["#/components/responses/Problem405"]);
  });

  it("has none of OpenAPI 3.0's words for null", () => {
    expect(everyPlaceWhere((node) => "nullable" in node)).toEqual([]);
  });

  it("describes every member of every schema", () => {
    const undescribed: string[] = [];
    walk(document, ({ properties }, at) => {
      if (typeof properties !== "object" || properties === null || at.endsWith("/properties")) return;
      for (const [name, member] of Object.entries(properties)) {
        const target = typeof member.$ref === "string" ? resolve(member.$ref, document) : member;
        if (typeof target?.description !== "string" || target.description === "") {
          undescribed.push(`${at}/properties/${name}`);
        }
      }
    });
    expect(undescribed).toEqual([]);
  });

  it("describes every parameter, header and answer", () => {
    const parameters = operations
      .flatMap(({ operation }) => operation.parameters ?? [])
      .map(({ $ref, ...own }) => (typeof $ref === "string" ? resolve($ref, document) : own));
    expect(parameters.length).toBeGreaterThan(30);
    for (const parameter of parameters)
      expect(parameter).toMatchObject({ description: expect.stringMatching(/./) });
    const answers = operations.flatMap(({ operation }) => Object.values(operation.responses));
    expect(answers.filter((one) => !("$ref" in one) && !one["description"])).toEqual([]);
  });

  it("describes every tag that an operation has, and no other", () => {
    const used = new Set(operations.flatMap(({ operation }) => operation.tags ?? []));
    expect(document.tags.map(({ name }) => name).toSorted()).toEqual([...used].toSorted());
    expect(operations.filter(({ operation }) => operation.tags?.length !== 1)).toEqual([]);
  });

  it("names every operation once", () => {
    const names = operations.map(({ operation }) => operation.operationId);
    expect(names.every((name) => /^[a-z][A-Za-z]+$/.test(name ?? ""))).toBe(true);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(operations)("gives $method $path a summary and a good answer", ({ operation }) => {
    expect(operation.summary).toMatch(/^[A-Z]/);
    expect(Object.keys(operation.responses)).toContainEqual(expect.stringMatching(/^2\d\d$/));
  });

  it.each(operations.filter(({ tokenRequired }) => tokenRequired))(
    "says that $method $path may answer 401, 500 and 503",
    ({ operation }) => {
      expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(["401", "500", "503"]));
    },
  );

  it.each(
    operations.filter(({ path, operation }) => path.startsWith("/v1") && operation.requestBody !== undefined),
  )("says that $method $path with its body may answer 400, 413, 415 and 422", ({ operation }) => {
    expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(["400", "413", "415", "422"]));
  });

  // What comes from a stranger's program is taken or not: no member of it is ours to judge.
  it.each(operations.filter(({ path }) => path.startsWith("/webhooks")))(
    "says that $method $path may answer 400, 401 and 413",
    ({ operation }) => {
      expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(["400", "401", "413"]));
    },
  );

  it("knows operations with a body", () => {
    expect(operations.filter(({ operation }) => operation.requestBody !== undefined).length).toBeGreaterThan(
      5,
    );
  });

  it("declares the parameters that a path has", () => {
    for (const { path, operation } of operations) {
      const declared = (operation.parameters ?? [])
        .filter((parameter) => parameter["in"] === "path")
        .map((parameter) => parameter["name"]);
      expect(declared).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    }
  });

  it("demands If-Match on PATCH and DELETE, and on nothing else", () => {
    const demanding = operations.filter(({ operation }) =>
      JSON.stringify(operation.parameters ?? []).includes("IfMatchRequired"),
    );
    expect(demanding.map(({ method }) => method).toSorted()).toEqual(["DELETE", "PATCH"]);
  });

  it("has a failover to create with exactly the members that are validated", () => {
    const asked = document.components["schemas"]?.["NewFailover"];
    expect(Object.keys(asked?.properties ?? {})).toEqual(Object.keys(specInputSchema.shape));
    expect(asked).toMatchObject({ additionalProperties: false });
  });

  it("has a patch in which every member but the name may be left out or null", () => {
    const patch = document.components["schemas"]?.["FailoverPatch"];
    const members = Object.entries(patch?.properties ?? {});
    const changeable = Object.keys(specInputSchema.shape).filter((name) => name !== "name");
    expect(members.map(([name]) => name)).toEqual(changeable);
    expect(patch).not.toHaveProperty("required");
    const nullable = members.filter(
      ([, { type, anyOf }]) => [type].flat().includes("null") || anyOf?.some((form) => form.type === "null"),
    );
    expect(nullable.map(([name]) => name)).toEqual(changeable);
  });

  it("names every guard where one may be overridden", () => {
    expect(JSON.stringify(document.components["schemas"]?.["Promotion"])).toContain(
      JSON.stringify(GUARD_IDS).slice(1, -1),
    );
  });

  it("agrees with the routes that there are", () => {
    const { app } = inMemoryService();
    const served = app.routes
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    const described = operations.map(({ method, path }) => `${method} ${path}`);
    expect([...new Set(served)].toSorted()).toEqual(described.toSorted());
  });
});
