// Where Node's own tools can look at it: the document by the OpenAPI specification, and its examples by its schemas.
import { Validator as SchemaValidator } from "@cfworker/json-schema";
import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, it } from "vitest";
import { servedDocument, type Schema } from "./document.ts";

const document = await servedDocument();
const schemas = document.components["schemas"] ?? {};

function resolved(schema: Schema): Schema {
  const name = /^#\/components\/schemas\/(\w+)$/.exec(schema.$ref ?? "")?.[1];
  return name === undefined ? schema : (schemas[name] ?? {});
}

/** Of its own, or put together from what it is made of. */
function hasExample(schema: Schema): boolean {
  const { example, properties, items, anyOf, oneOf, allOf, type, enum: words } = resolved(schema);
  if (example !== undefined || words?.length === 1 || type === "null") return true;
  const forms = anyOf ?? oneOf ?? allOf;
  if (forms !== undefined) return forms.every((form) => hasExample(form));
  if (properties !== undefined) return Object.values(properties).every((member) => hasExample(member));
  return items !== undefined && hasExample(items);
}

/** Every schema, wherever it stands, with its place. */
function everySchema(): [string, Schema][] {
  const found: [string, Schema][] = [];
  const visit = (node: unknown, at: string, isSchema: boolean): void => {
    if (typeof node !== "object" || node === null) return;
    if (isSchema) found.push([at, node]);
    for (const [key, inner] of Object.entries(node)) {
      if (key === "example" || key === "enum") continue;
      const below = `${at}/${key}`;
      const isMap = isSchema && key === "properties";
      if (isMap) for (const [name, one] of Object.entries(inner)) visit(one, `${below}/${name}`, true);
      else
        visit(
          inner,
          below,
          key === "schema" ||
            key === "items" ||
            (at.endsWith("/schemas") && !isSchema) ||
            /\/(anyOf|oneOf|allOf)$/.test(at),
        );
    }
  };
  visit(document, "#", false);
  return found;
}

const all = everySchema();

describe("the OpenAPI document", () => {
  it("is valid by the specification of OpenAPI 3.1", async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate({ ...document });
    expect(errors ?? []).toEqual([]);
    expect([valid, validator.version]).toEqual([true, "3.1"]);
  });

  it("would be found invalid with a fault in it", async () => {
    const { info: _, ...rest } = structuredClone(document);
    expect((await new Validator().validate(rest)).valid).toBe(false);
  });

  it("has an example for every member of every schema, and for every parameter", () => {
    expect(all.length).toBeGreaterThan(1000);
    // What an item or a form is like is seen in the example of the whole.
    const whole = all.filter(([at]) => !/\/(items|anyOf\/\d+)$/.test(at));
    const without = whole.filter(([, schema]) => schema.$ref === undefined && !hasExample(schema));
    expect(without.map(([at, schema]) => `${at} ${JSON.stringify(schema).slice(0, 100)}`)).toEqual([]);
  });

  it("has examples that are as their schemas say", () => {
    const $defs: Record<string, object> = JSON.parse(
      JSON.stringify(schemas).replaceAll("#/components/schemas/", "#/$defs/"),
    );
    const wrong = all.flatMap(([at, schema]) => {
      if (schema.example === undefined) return [];
      const own: object = JSON.parse(JSON.stringify(schema).replaceAll("#/components/schemas/", "#/$defs/"));
      const { valid, errors } = new SchemaValidator({ ...own, $defs }, "2020-12", false).validate(
        schema.example,
      );
      return valid
        ? []
        : [`${at} ${JSON.stringify(schema.example)}: ${errors.map(({ error }) => error).join(" ")}`];
    });
    expect(wrong).toEqual([]);
  });
});
