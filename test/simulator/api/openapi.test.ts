// Every answer of every route, held against Cloudflare's own description of it where that is at hand.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import { beforeEach, describe, expect, test } from "vitest";
import { aBench, buildFailover, type Bench, type BuiltFailover } from "../failover-setup.ts";

const FILE = path.resolve(import.meta.dirname, "../../../../shared/cloudflare/openapi-subset.json");

type Json = Record<string, unknown>;

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** OpenAPI 3.0's `nullable` in the words of JSON Schema; what Ajv doesn't know is left out. */
function asJsonSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map((item) => asJsonSchema(item));
  if (!isJson(schema)) return schema;
  const { nullable, example: _example, discriminator: _discriminator, ...rest } = schema;
  const converted: Json = {};
  for (const [member, value] of Object.entries(rest)) {
    converted[member] =
      member === "enum" || member === "default" || member.startsWith("x-") ? value : asJsonSchema(value);
  }
  // The mark of a draft 4 bound, not a bound.
  if (typeof converted["exclusiveMinimum"] === "boolean") delete converted["exclusiveMinimum"];
  return nullable === true ? { anyOf: [{ type: "null" }, converted] } : converted;
}

const pointer = (part: string): string =>
  encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));

function compile(): (operation: string) => ValidateFunction {
  const document: Json = JSON.parse(readFileSync(FILE, "utf8"));
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema({
    $id: "cloudflare",
    ...asJson(asJsonSchema({ components: document["components"], paths: document["paths"] })),
  });
  return (operation) => {
    const [method = "", route = ""] = operation.split(" ");
    const responses = asJson(
      asJson(asJson(asJson(document["paths"])[route])[method.toLowerCase()])["responses"],
    );
    const status = Object.keys(responses).find((code) => code.startsWith("2")) ?? "200";
    const $ref = `cloudflare#/paths/${pointer(route)}/${method.toLowerCase()}/responses/${status}/content/application~1json/schema`;
    return ajv.compile({ $ref });
  };
}

function asJson(value: unknown): Json {
  if (!isJson(value)) throw new Error("the document is not as expected");
  return value;
}

const ACCOUNT = "/accounts/{account_id}";
const BALANCING = `${ACCOUNT}/load_balancers`;
const PROJECTS = `${ACCOUNT}/pages/projects`;
const ZONE = "/zones/{zone_id}";

const monitor = {
  type: "http",
  expected_codes: "200",
  description: "m",
  header: { Host: ["www.example.com"] },
};
const pool = {
  name: "third",
  check_regions: ["WEU"],
  origins: [{ name: "a", address: "a.example.net", port: 8080 }],
};
const lb = { name: "third.example.com", default_pools: ["{pool_id}"], fallback_pool: "{pool_id}" };
const record = { type: "A", name: "a.example.com", content: "203.0.113.1", ttl: 300 };

const ALERTING = `${ACCOUNT}/alerting/v3`;
const WEBHOOKS = `${ALERTING}/destinations/webhooks`;
const destination = { name: "hook", url: "https://hooks.example.org/in", secret: "a secret" };
const policy = {
  name: "deploys",
  alert_type: "pages_event_alert",
  enabled: true,
  mechanisms: { webhooks: [{ id: "{webhook_id}" }] },
  filters: {
    project_id: ["{project_id}"],
    environment: ["ENVIRONMENT_PRODUCTION"],
    event: ["EVENT_DEPLOYMENT_SUCCESS"],
  },
};

/** Operations of the document, with a body where one is sent; names in braces are filled in from the built world. */
const OPERATIONS: [string, object?][] = [
  ["GET /ips"],
  ["GET /user/tokens/verify"],
  ["GET /accounts"],
  [`GET ${ACCOUNT}`],
  ["GET /accounts/{account_identifier}/subscriptions"],
  ["GET /zones"],
  [`GET ${ZONE}`],
  ["GET /zones/{identifier}/subscription"],
  [`GET ${ZONE}/dns_records`],
  [`POST ${ZONE}/dns_records`, record],
  [`GET ${ZONE}/dns_records/{dns_record_id}`],
  [`PATCH ${ZONE}/dns_records/{dns_record_id}`, { proxied: false }],
  [`PUT ${ZONE}/dns_records/{dns_record_id}`, record],
  [`DELETE ${ZONE}/dns_records/{dns_record_id}`],
  [`GET ${ZONE}/ssl/certificate_packs`],
  [`GET ${ZONE}/ssl/certificate_packs/{certificate_pack_id}`],
  [`GET ${ZONE}/ssl/certificate_packs/quota`],
  [`GET ${ZONE}/ssl/universal/settings`],
  [`GET ${ZONE}/load_balancers`],
  [`POST ${ZONE}/load_balancers`, lb],
  [`GET ${ZONE}/load_balancers/{load_balancer_id}`],
  [`PATCH ${ZONE}/load_balancers/{load_balancer_id}`, { session_affinity: "cookie" }],
  [`PUT ${ZONE}/load_balancers/{load_balancer_id}`, lb],
  [`DELETE ${ZONE}/load_balancers/{load_balancer_id}`],
  [`GET ${BALANCING}/monitors`],
  [`POST ${BALANCING}/monitors`, monitor],
  [`GET ${BALANCING}/monitors/{monitor_id}`],
  [`PATCH ${BALANCING}/monitors/{monitor_id}`, { type: "tcp", port: 443 }],
  [`PUT ${BALANCING}/monitors/{monitor_id}`, monitor],
  [`POST ${BALANCING}/monitors/{monitor_id}/preview`, monitor],
  [`GET ${BALANCING}/monitors/{monitor_id}/references`],
  [`GET ${BALANCING}/pools`],
  [`POST ${BALANCING}/pools`, pool],
  [`PATCH ${BALANCING}/pools`, { notification_email: "" }],
  [`GET ${BALANCING}/pools/{pool_id}`],
  [`PATCH ${BALANCING}/pools/{pool_id}`, { enabled: false, latitude: 52, longitude: 4 }],
  [`PUT ${BALANCING}/pools/{pool_id}`, { ...pool, load_shedding: { default_percent: 5 } }],
  [`GET ${BALANCING}/pools/{pool_id}/health`],
  [`POST ${BALANCING}/pools/{pool_id}/preview`, monitor],
  [`GET ${BALANCING}/pools/{pool_id}/references`],
  [`GET ${BALANCING}/preview/{preview_id}`],
  [`GET ${BALANCING}/regions`],
  [`GET ${BALANCING}/regions/{region_id}`],
  // Not search: there the document wants a list and an object at once.
  [`GET ${BALANCING}/usage`],
  [`GET ${PROJECTS}`],
  [`GET ${PROJECTS}/{project_name}`],
  [`GET ${PROJECTS}/{project_name}/deployments`],
  [`GET ${PROJECTS}/{project_name}/deployments/{deployment_id}`],
  [`GET ${PROJECTS}/{project_name}/deployments/{deployment_id}/history/logs`],
  [`POST ${PROJECTS}/{project_name}/deployments/{deployment_id}/retry`],
  [`POST ${PROJECTS}/{project_name}/deployments/{deployment_id}/rollback`],
  [`GET ${PROJECTS}/{project_name}/domains`],
  [`POST ${PROJECTS}/{project_name}/domains`, { name: "new.example.com" }],
  [`GET ${PROJECTS}/{project_name}/domains/{domain_name}`],
  [`PATCH ${PROJECTS}/{project_name}/domains/{domain_name}`, {}],
  [`DELETE ${PROJECTS}/{project_name}/domains/{domain_name}`],
  [`GET ${ALERTING}/available_alerts`],
  [`GET ${ALERTING}/destinations/eligible`],
  [`GET ${WEBHOOKS}`],
  [`POST ${WEBHOOKS}`, destination],
  [`GET ${WEBHOOKS}/{webhook_id}`],
  [`PUT ${WEBHOOKS}/{webhook_id}`, destination],
  [`DELETE ${WEBHOOKS}/{webhook_id}`],
  [`GET ${ALERTING}/policies`],
  [`POST ${ALERTING}/policies`, policy],
  [`GET ${ALERTING}/policies/{policy_id}`],
  [`PUT ${ALERTING}/policies/{policy_id}`, policy],
  [`DELETE ${ALERTING}/policies/{policy_id}`],
];

describe.skipIf(!existsSync(FILE))("Cloudflare's own schema accepts the answer to", () => {
  const validatorOf = existsSync(FILE) ? compile() : () => expect.unreachable();
  let bench: Bench;
  let built: BuiltFailover;

  beforeEach(async () => {
    bench = aBench();
    built = await buildFailover(bench, { lb: { session_affinity: "cookie", steering_policy: "" } });
    bench.simulator.world.addPagesDomain("shop", "stand-in.example.com");
    bench.simulator.world.addReceiver({ address: "hooks.example.org" });
  });

  async function valuesOf(): Promise<Record<string, string>> {
    const { world } = bench.simulator;
    const preview = await bench.call(
      "POST",
      `${bench.account}/load_balancers/pools/${built.primary}/preview`,
      monitor,
    );
    bench.clock.advance(2000);
    const { account } = bench;
    const project = world.pagesProject("shop");
    const hook = await bench.call("POST", `${account}/alerting/v3/destinations/webhooks`, destination);
    const filled = JSON.stringify(policy)
      .replace("{webhook_id}", hook.result.id)
      .replace("{project_id}", project.id);
    const watched = await bench.call("POST", `${account}/alerting/v3/policies`, JSON.parse(filled));
    return {
      account_id: world.account.id,
      account_identifier: world.account.id,
      zone_id: bench.zoneId,
      identifier: bench.zoneId,
      monitor_id: built.monitor,
      pool_id: built.primary,
      load_balancer_id: built.lb,
      preview_id: preview.result.preview_id,
      region_id: "WEU",
      dns_record_id: [...world.dnsRecords.keys()][0] ?? "",
      certificate_pack_id: [...world.certificatePacks.keys()][0] ?? "",
      project_name: "shop",
      deployment_id: world.pagesProject("shop").canonicalId ?? "",
      domain_name: "stand-in.example.com",
      project_id: project.id,
      webhook_id: hook.result.id,
      policy_id: watched.result.id,
    };
  }

  test.each(OPERATIONS)("%s", async (operation, body) => {
    const values = await valuesOf();
    const fill = (template: string): string =>
      template.replaceAll(/\{([a-z_]+)\}/g, (_all, name: string) => values[name] ?? "");
    const [method = "", route = ""] = operation.split(" ");
    const sent: unknown = body === undefined ? undefined : JSON.parse(fill(JSON.stringify(body)));
    const { status, headers: _headers, ...answer } = await bench.call(method, fill(route), sent);
    expect([status === 201 ? 200 : status, answer.errors]).toEqual([200, []]);
    const validate = validatorOf(operation);
    validate(answer);
    expect(validate.errors ?? []).toEqual([]);
  });

  test("a check by the schema can fail", () => {
    const validate = validatorOf(`GET ${BALANCING}/pools`);
    expect(
      validate({ success: true, errors: [], messages: [], result: [{ name: "not a name", origins: 7 }] }),
    ).toBe(false);
  });
});
