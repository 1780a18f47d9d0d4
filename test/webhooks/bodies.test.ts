import { describe, expect, test } from "vitest";
import { parseAlert } from "../../src/webhooks/cloudflare-alert.ts";
import { parseDeploy } from "../../src/webhooks/deploy-hook.ts";
import { hintOf } from "../../src/webhooks/hints.ts";

const TEST_TEXT =
  "Hello World! This is a test message sent from https://cloudflare.com. If you can see this, your webhook is configured properly.";

describe("what Cloudflare sends", () => {
  test.each<[string, unknown, object]>([
    ["its test message", { text: TEST_TEXT }, { ok: true, type: "test", isTest: true }],
    [
      "a message that only looks like its test",
      { text: TEST_TEXT, data: {} },
      { ok: true, type: "message", isTest: false },
    ],
    ["a message without a type", { text: "hello" }, { ok: true, type: "message", isTest: false }],
    [
      "an alert",
      { alert_type: "pages_event_alert", data: 7 },
      { ok: true, type: "pages_event_alert", isTest: false },
    ],
    [
      "an alert with little else",
      { alert_type: "new_thing" },
      { ok: true, type: "new_thing", isTest: false },
    ],
    ["an alert whose type is too long to keep", { alert_type: "x".repeat(500) }, { type: "x".repeat(100) }],
    ["neither text nor type", { data: {} }, { ok: false }],
    ["text that is none", { text: 7 }, { ok: false }],
    ["a list", [{ text: "hello" }], { ok: false }],
    ["null", null, { ok: false }],
  ])("%s", (_, body, parsed) => {
    expect(parseAlert(JSON.stringify(body))).toMatchObject(parsed);
  });

  test("is refused where it is no JSON", () => {
    expect(parseAlert("<html>")).toMatchObject({ ok: false });
  });
});

describe("what a pipeline sends", () => {
  test.each([
    [{ pages_project: "shop" }],
    [
      {
        pages_project: "shop",
        deployment_id: null,
        environment: "production",
        commit: "abc",
        runner: { os: "linux" },
      },
    ],
  ])("%j is taken", (body) => {
    expect(parseDeploy(JSON.stringify(body))).toEqual({ ok: true, deploy: { project: "shop" } });
  });

  test.each([
    ["{", ""],
    ["[]", ""],
    ["null", ""],
    ['"shop"', ""],
    ["{}", "/pages_project"],
    ['{"pages_project": ""}', "/pages_project"],
    ['{"pages_project": 7}', "/pages_project"],
    ['{"pages_project": "shop", "commit": 7}', "/commit"],
    ['{"pages_project": "shop", "deployment_id": ["x"]}', "/deployment_id"],
    [`{"pages_project": "${"x".repeat(64)}"}`, "/pages_project"],
  ])("%s is refused at %j", (body, pointer) => {
    expect(parseDeploy(body)).toMatchObject({ ok: false, errors: [{ pointer }] });
  });
});

test.each([
  ["cloudflare", "pages_event_alert", "{}", { about: "pages", project: null }],
  ["cloudflare", "load_balancing_health_alert", "{}", { about: "load-balancing", project: null }],
  ["cloudflare", "load_balancing_pool_enablement_alert", "{}", { about: "load-balancing", project: null }],
  ["cloudflare", "universal_ssl_event_type", "{}", { about: "nothing", project: null }],
  ["cloudflare", "constructor", "{}", { about: "nothing", project: null }],
  ["cloudflare", "test", "{}", { about: "nothing", project: null }],
  ["deploys", "deploy", '{"pages_project":"shop"}', { about: "pages", project: "shop" }],
  ["deploys", "deploy", "{}", { about: "nothing", project: null }],
] as const)("a webhook of %s, %s with %s, says where to look: %j", (source, type, body, hint) => {
  expect(hintOf({ source, type, body })).toEqual(hint);
});
