import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mergePatch } from "../../src/failover/merge-patch.ts";

describe("the examples of RFC 7396, appendix A", () => {
  const cases: [string, string, string][] = [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', "{}"],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', "null", "null"],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ["[1,2]", '{"a":"b","c":null}', '{"a":"b"}'],
    ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ];
  test.each(cases)("%s with %s is %s", (target, patch, result) => {
    expect(mergePatch(JSON.parse(target), JSON.parse(patch))).toStrictEqual(JSON.parse(result));
  });
});

const json = fc.jsonValue({ maxDepth: 4 });
const hasNull = (value: unknown): boolean =>
  value === null || (typeof value === "object" && Object.values(value).some(hasNull));

describe("merging a patch", () => {
  test("changes neither the target nor the patch", () => {
    fc.assert(
      fc.property(json, json, (target, patch) => {
        const before = structuredClone([target, patch]);
        mergePatch(target, patch);
        expect([target, patch]).toStrictEqual(before);
      }),
      { numRuns: 300 },
    );
  });

  test("twice is merging once", () => {
    fc.assert(
      fc.property(json, json, (target, patch) => {
        const once = mergePatch(target, patch);
        expect(mergePatch(once, patch)).toStrictEqual(once);
      }),
      { numRuns: 500 },
    );
  });

  test("that is the target without nulls gives the target back", () => {
    fc.assert(
      fc.property(
        json.filter((value) => !hasNull(value)),
        (target) => {
          expect(mergePatch(target, target)).toStrictEqual(target);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("with a member called __proto__ pollutes nothing", () => {
    const merged = mergePatch({}, JSON.parse('{"__proto__":{"polluted":true}}'));
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
    expect(Object.hasOwn(Object(merged), "__proto__")).toBe(true);
    expect(Object(merged).polluted).toBeUndefined();
  });
});
