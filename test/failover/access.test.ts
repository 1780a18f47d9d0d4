import { array, assert, constantFrom, property } from "fast-check";
import { describe, expect, it } from "vitest";
import {
  covers,
  hasScope,
  isUnlimited,
  mayTouch,
  SCOPES,
  scopeOf,
  tokenState,
  type Grant,
  type Scope,
} from "../../src/failover/access.ts";
import { accessGrantsSchema, principalOf } from "../../src/failover/access-grants.ts";

const who = (...grants: [Scope, readonly string[] | null][]) => ({
  grants: grants.map(([scope, failovers]): Grant => ({ scope, failovers })),
});

describe("scopes", () => {
  it("include those before them", () => {
    const table = SCOPES.map((given) => SCOPES.filter((wanted) => hasScope(who([given, null]), wanted)));
    expect(table).toEqual([["read"], ["read", "operate"], ["read", "operate", "admin"]]);
  });

  it("count by the highest", () => {
    expect(scopeOf(["read", "admin", "operate"])).toBe("admin");
    expect(scopeOf(["operate", "read"])).toBe("operate");
  });
});

describe("limits to failovers", () => {
  it.each<[readonly string[] | null, string, boolean]>([
    [null, "shop", true],
    [["shop"], "shop", true],
    [["shop"], "shop-2", false],
    [["shop-*"], "shop-2", true],
    [["shop-*"], "shop", false],
    [["blog", "*-eu"], "shop-eu", true],
    [[], "shop", false],
  ])("%j is for %s: %s", (failovers, name, expected) => {
    expect(mayTouch(who(["operate", failovers]), "operate", name)).toBe(expected);
  });

  it("belong to their own scope when somebody has several grants", () => {
    const both = who(["read", null], ["operate", ["shop"]]);
    expect(mayTouch(both, "read", "blog")).toBe(true);
    expect(mayTouch(both, "operate", "blog")).toBe(false);
    expect(mayTouch(both, "operate", "shop")).toBe(true);
    expect([isUnlimited(both, "read"), isUnlimited(both, "operate")]).toEqual([true, false]);
  });
});

describe("what a principal may give away", () => {
  it.each<[string, ReturnType<typeof who>, Grant, boolean]>([
    ["everything of everything", who(["admin", null]), { scope: "admin", failovers: null }, true],
    ["a part of everything", who(["admin", null]), { scope: "read", failovers: ["shop"] }, true],
    ["no more failovers", who(["admin", ["shop-*"]]), { scope: "read", failovers: null }, false],
    ["no other failovers", who(["admin", ["shop-*"]]), { scope: "read", failovers: ["blog"] }, false],
    ["no wider pattern", who(["admin", ["shop-*"]]), { scope: "read", failovers: ["shop*"] }, false],
    ["the same pattern", who(["admin", ["shop-*"]]), { scope: "admin", failovers: ["shop-*"] }, true],
    ["a narrower pattern", who(["admin", ["shop-*"]]), { scope: "read", failovers: ["shop-*-eu"] }, true],
    [
      "not one pattern too many",
      who(["admin", ["shop-*"]]),
      { scope: "read", failovers: ["shop-1", "x"] },
      false,
    ],
    ["no higher scope", who(["operate", null]), { scope: "admin", failovers: ["shop"] }, false],
    [
      "each by a grant of its own",
      who(["admin", ["a"]], ["admin", ["b"]]),
      { scope: "admin", failovers: ["a", "b"] },
      true,
    ],
    [
      "no scope of another grant",
      who(["admin", ["a"]], ["read", ["b"]]),
      { scope: "admin", failovers: ["b"] },
      false,
    ],
  ])("%s", (_, principal, asked, expected) => {
    expect(covers(principal, asked)).toBe(expected);
  });

  it("never reaches a failover that its maker doesn't", () => {
    const letters = constantFrom("a", "b", "-", "*", "*");
    const patterns = array(
      array(letters, { minLength: 1, maxLength: 5 }).map((all) => all.join("")),
      {
        minLength: 1,
        maxLength: 2,
      },
    );
    const name = array(constantFrom("a", "b", "-"), { maxLength: 6 }).map((all) => all.join(""));
    let given = 0;
    assert(
      property(patterns, patterns, name, (own, asked, called) => {
        const maker = who(["admin", own]);
        if (!covers(maker, { scope: "read", failovers: asked })) return;
        given += 1;
        if (mayTouch(who(["read", asked]), "read", called))
          expect(mayTouch(maker, "read", called)).toBe(true);
      }),
      { numRuns: 2000 },
    );
    expect(given).toBeGreaterThan(100);
  });
});

describe("a token", () => {
  it.each<[number | null, number | null, string]>([
    [null, null, "active"],
    [1001, null, "active"],
    [1000, null, "expired"],
    [null, 500, "revoked"],
    [2000, 500, "revoked"],
    [900, 950, "expired"],
    [900, 850, "revoked"],
  ])("that expires at %s and was revoked at %s is %s at 1000", (expiresAt, revokedAt, state) => {
    expect(tokenState({ expiresAt, revokedAt }, 1000)).toBe(state);
  });
});

describe("grants for Cloudflare Access", () => {
  const grants = accessGrantsSchema.parse([
    { group: "ops", scopes: ["operate"] },
    { email: "Ann@Example.com", scopes: ["admin"], failovers: ["shop-*"] },
    { email_domain: "example.com", scopes: ["read"] },
    { service_token: "e3.access", scopes: ["read", "operate"], failovers: ["shop-1"] },
  ]);

  it.each<[string, Record<string, unknown>, string[] | null]>([
    ["an address of the domain", { email: "bob@example.com" }, ["read *"]],
    ["an address, in any case", { email: "ANN@example.com" }, ["admin shop-*", "read *"]],
    ["a group in the claims", { email: "x@other.com", groups: ["dev", "ops"] }, ["operate *"]],
    ["a group among custom claims", { email: "x@other.com", custom: { groups: ["ops"] } }, ["operate *"]],
    ["a group as an object", { email: "x@other.com", groups: [{ id: "7", name: "ops" }] }, ["operate *"]],
    ["one group as a text", { email: "x@other.com", groups: "ops" }, ["operate *"]],
    ["a service token", { common_name: "e3.access", sub: "" }, ["operate shop-1"]],
    ["an address of a domain that only ends alike", { email: "bob@notexample.com" }, []],
    ["an address of a domain below", { email: "bob@mail.example.com" }, []],
    ["an address with the domain before the @", { email: "example.com@other.com" }, []],
    [
      "a person whose certificate is called like a service token",
      { email: "x@other.com", common_name: "e3.access" },
      [],
    ],
    ["a service token that claims a group", { common_name: "other.access", groups: ["ops"] }, []],
    ["groups of another form", { email: "x@other.com", groups: { ops: true } }, []],
    ["nobody", { sub: "7335d417" }, null],
    ["an address that is none", { email: 7, common_name: "" }, null],
  ])("gives %s what is for them", (_, claims, expected) => {
    const given = principalOf(claims, grants)?.grants;
    expect(given?.map(({ scope, failovers }) => `${scope} ${failovers?.join() ?? "*"}`) ?? null).toEqual(
      expected,
    );
  });

  it("calls a person by the address, and a service token so that no token of ours is meant", () => {
    expect(principalOf({ email: "Ann@Example.com" }, grants)?.actor).toEqual({
      kind: "person",
      name: "ann@example.com",
    });
    expect(principalOf({ common_name: "e3.access" }, grants)?.actor).toEqual({
      kind: "token",
      name: "access:e3.access",
    });
  });

  it.each([
    [{ group: "ops" }],
    [{ group: "ops", scopes: [] }],
    [{ group: "ops", scopes: ["root"] }],
    [{ group: "ops", email: "a@b.c", scopes: ["read"] }],
    [{ scopes: ["read"] }],
    [{ group: "", scopes: ["read"] }],
    [{ group: "ops", scopes: ["read"], failovers: ["Shop?"] }],
    [{ group: "ops", scopes: ["read"], failovers: [] }],
    [{ group: "ops", scopes: ["read"], failover: ["shop"] }],
  ])("refuses the grant %j", (grant) => {
    expect(accessGrantsSchema.safeParse([grant]).success).toBe(false);
  });
});
