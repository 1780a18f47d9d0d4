import { describe, expect, test } from "vitest";
import {
  compareAlerting,
  destinationName,
  policyBody,
  type AlertingFound,
  type AlertingWish,
  type FoundPolicy,
} from "../../src/failover/alerting.ts";
import { lacksOf } from "../../src/failover/alerting-view.ts";

const wish: AlertingWish = {
  installation: "ab12cd34",
  url: "https://understudy.test/webhooks/cloudflare",
  projects: [{ name: "shop", id: "uuid-of-shop" }],
  poolIds: ["p2", "p1"],
};
const destination = {
  id: "d1",
  name: destinationName("ab12cd34"),
  url: "https://understudy.test/webhooks/cloudflare",
  createdAt: "2026-11-23T12:00:00Z",
  lastSuccessAt: null,
  lastFailureAt: null,
};
const known = { destinationId: "d1", isCurrent: true };

/** As Cloudflare shows what a set-up from nothing writes. */
function setUp(change: (policy: FoundPolicy) => FoundPolicy = (policy) => policy): AlertingFound {
  const { policies } = compareAlerting(wish, { destinations: [destination], policies: [] }, known);
  const stored = policies.map((policy, at): FoundPolicy => {
    const body = policyBody(policy, "ab12cd34", "d1", []) as Record<string, never>;
    return change({
      id: `a${at}`,
      description: body["description"] ?? "",
      alertType: body["alert_type"] ?? "",
      enabled: body["enabled"] ?? false,
      filters: body["filters"] ?? {},
      mechanisms: body["mechanisms"] ?? {},
      createdAt: `2026-11-23T12:00:0${at}Z`,
    });
  });
  return { destinations: [destination], policies: stored };
}

const statesOf = (found: AlertingFound) =>
  compareAlerting(wish, found, known).policies.map(({ state, differs }) => [state, ...differs]);

describe("Cloudflare's notifications", () => {
  test("are in place once all that is wanted was written", () => {
    const state = compareAlerting(wish, setUp(), known);
    expect([state.inPlace, lacksOf(state)]).toEqual([true, []]);
  });

  test.each<[string, (policy: FoundPolicy) => FoundPolicy]>([
    [
      "another order of a filter's values",
      (one) => ({
        ...one,
        filters: Object.fromEntries(
          Object.entries(one.filters)
            .toReversed()
            .map(([name, values]) => [name, values.toReversed()]),
        ),
      }),
    ],
    [
      "somebody else who is told as well",
      (one) => ({ ...one, mechanisms: { ...one.mechanisms, email: [{ id: "a@example.com" }] } }),
    ],
    ["a filter without values", (one) => ({ ...one, filters: { ...one.filters, slo: [] } })],
  ])("differ in nothing by %s", (_, change) => {
    expect(compareAlerting(wish, setUp(change), known).inPlace).toBe(true);
  });

  test.each<[string, (policy: FoundPolicy) => FoundPolicy]>([
    ["alert_type", (one) => ({ ...one, alertType: "other" })],
    ["enabled", (one) => ({ ...one, enabled: false })],
    ["filters", (one) => ({ ...one, filters: { ...one.filters, slo: ["99.9"] } })],
    ["mechanisms", (one) => ({ ...one, mechanisms: { webhooks: [{ id: "d9" }] } })],
  ])("differ in %s, and say so", (member, change) => {
    expect(statesOf(setUp(change))).toEqual(Array.from({ length: 3 }, () => ["differs", member]));
  });

  test.each([
    ["another installation's", "Made by Understudy. understudy:zzzzzzzz:notifications:deploys-shop"],
    ["a marker that isn't at the end", "understudy:ab12cd34:notifications:deploys-shop, mine now"],
    ["a longer word before it", "xunderstudy:ab12cd34:notifications:deploys-shop"],
    ["nobody's", ""],
  ])("are not ours by %s, and are left alone", (_, description) => {
    const theirs = setUp((policy) => ({ ...policy, description }));
    const { policies, surplus } = compareAlerting(wish, theirs, known);
    expect(policies.map(({ state }) => state)).toEqual(["missing", "missing", "missing"]);
    expect(surplus).toEqual({ destinations: [], policies: [] });
  });

  test("of a project that is no endpoint any more are wanted no more", () => {
    const { surplus, inPlace } = compareAlerting({ ...wish, projects: [] }, setUp(), known);
    expect([inPlace, surplus.policies.map(({ id }) => id)]).toEqual([false, ["a0"]]);
  });

  test("of a project whose id can't be read are neither made nor removed", () => {
    const unread = { ...wish, projects: [{ name: "shop", id: null }] };
    const state = compareAlerting(unread, setUp(), known);
    expect([state.policies[0]?.state, state.surplus.policies]).toEqual(["unknown", []]);
    expect(lacksOf(state)).toMatchObject([{ id: "project" }]);
  });

  test("have one destination: whose secret is known, or the oldest, and the others are twins", () => {
    const older = { ...destination, id: "d0", createdAt: "2020-01-01T00:00:00Z" };
    const both = { ...setUp(), destinations: [destination, older] };
    expect(compareAlerting(wish, both, known)).toMatchObject({
      destination: { id: "d1" },
      surplus: { destinations: ["d0"] },
    });
    expect(compareAlerting(wish, both, null)).toMatchObject({ destination: { id: "d0" }, secret: "unknown" });
  });

  test.each([
    ["another secret", { ...known, isCurrent: false }, destination.url, ["secret"]],
    ["a secret that nobody knows", null, destination.url, ["secret"]],
    ["another URL", known, "https://elsewhere.test/", ["destination"]],
  ])("lack something where the destination has %s", (_, secret, url, lacks) => {
    const found = { ...setUp(), destinations: [{ ...destination, url }] };
    expect(lacksOf(compareAlerting(wish, found, secret)).map(({ id }) => id)).toEqual(lacks);
  });
});
