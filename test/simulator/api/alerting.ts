// Notifications: where they go and what of (API-FACTS 14.1 and 14.5).
import { Hono } from "hono";
import { kindOfAddress } from "../addresses.ts";
import { lookAround, postTest } from "../alerting.ts";
import { newUuid, timestamp } from "../identity.ts";
import type { AlertPolicy, WebhookDestination } from "../objects.ts";
import type { State } from "../state.ts";
import { object, text, type Body } from "./body.ts";
import { needs, ok, readBody, type Call, type CallEnv } from "./call.ts";
import { visible, type Shown } from "./paging.ts";
import { Refusal } from "./refusal.ts";

const READ = needs("Notifications Read");
const WRITE = needs("Notifications Write");

const option = (key: string, range: string, values: readonly string[] | null) => ({
  Key: key,
  ComparisonOperator: "==",
  Range: range,
  AvailableValues: values?.map((ID) => ({ ID, Description: ID })) ?? null,
});

/** Only those of interest; `1-n` marks a filter that a policy must have (seen for Pages alone). */
const TYPES = {
  Pages: [
    {
      type: "pages_event_alert",
      display_name: "Project updates",
      description: "Events of a Pages project.",
      filter_options: [
        option("project_id", "1-n", null),
        option("environment", "1-n", ["ENVIRONMENT_PREVIEW", "ENVIRONMENT_PRODUCTION"]),
        option("event", "1-n", [
          "EVENT_DEPLOYMENT_STARTED",
          "EVENT_DEPLOYMENT_FAILED",
          "EVENT_DEPLOYMENT_SUCCESS",
        ]),
      ],
    },
  ],
  "Load Balancing": [
    {
      type: "load_balancing_health_alert",
      display_name: "Load Balancing Health Alert",
      description: "A pool or an endpoint changes its health.",
      filter_options: [
        option("pool_id", "0-n", null),
        option("new_health", "0-n", ["Unhealthy", "Healthy"]),
        option("event_source", "0-n", ["pool", "origin"]),
      ],
    },
    {
      type: "load_balancing_pool_enablement_alert",
      display_name: "Pool Enablement",
      description: "A pool is enabled or disabled.",
      filter_options: [option("pool_id", "0-n", null), option("enabled", "0-n", ["true", "false"])],
    },
  ],
};

/** The alerting API answers with code 0 where others have one (API-FACTS 3). */
const zero = (status: number, message: string) => new Refusal(status, 0, message);

function shown({ secret: _secret, ...destination }: WebhookDestination): Shown {
  return destination;
}

function everything(c: Call, objects: Shown[]): Response {
  const items = visible(c, objects);
  return ok(c, items, { page: 1, per_page: items.length, count: items.length, total_count: items.length });
}

function checkTarget(state: State, url: string): void {
  const target = URL.canParse(url) ? new URL(url) : null;
  const isWeb = target !== null && ["http:", "https:"].includes(target.protocol);
  const isPublic = target !== null && target.port === "" && kindOfAddress(target.hostname) === "hostname";
  if (!isWeb || (!isPublic && state.switches.webhookTargets === "public"))
    throw zero(400, "Invalid webhook URL");
}

async function readDestination(c: Call): Promise<Pick<WebhookDestination, "name" | "url" | "secret">> {
  const { state, post } = c.env;
  const body = await readBody(c);
  const sent = { name: text(body, "name", ""), url: text(body, "url", ""), secret: text(body, "secret", "") };
  if (!state.switches.webhooksEligible)
    throw zero(403, "This account is not entitled to use webhook destinations");
  if (sent.name === "") throw zero(400, "Webhook name is required");
  checkTarget(state, sent.url);
  if (!(await postTest(state, sent, post))) throw zero(422, "Webhook test failed");
  return sent;
}

function destinationOf(c: Call): WebhookDestination {
  const found = c.env.state.destinations.get(c.req.param("id") ?? "");
  if (found === undefined) throw zero(404, "Webhook not found");
  return found;
}

function policyOf(c: Call): AlertPolicy {
  const found = c.env.state.alertPolicies.get(c.req.param("id") ?? "");
  if (found === undefined) throw zero(404, "Policy not found");
  return found;
}

function listsIn(body: Body, member: string): Record<string, unknown[]> {
  const lists = Object.entries(object(body, member));
  if (!lists.every((entry): entry is [string, unknown[]] => Array.isArray(entry[1])))
    throw zero(400, `Invalid ${member}`);
  return Object.fromEntries(lists);
}

function readMechanisms(state: State, body: Body): AlertPolicy["mechanisms"] {
  const mechanisms = Object.entries(listsIn(body, "mechanisms")).map(([kind, targets]) => {
    const ids = targets.map((target) =>
      typeof target === "object" && target !== null && "id" in target ? String(target.id) : "",
    );
    if (kind === "webhooks" && !ids.every((id) => state.destinations.has(id)))
      throw zero(400, "Invalid webhook id");
    return [kind, ids.map((id) => ({ id }))] as const;
  });
  if (mechanisms.every(([, targets]) => targets.length === 0))
    throw new Refusal(400, 17102, "At least one delivery mechanism is required");
  return Object.fromEntries(mechanisms);
}

function readFilters(body: Body, type: string): AlertPolicy["filters"] {
  const filters = Object.fromEntries(
    Object.entries(listsIn(body, "filters")).map(([key, values]) => [key, values.map(String)]),
  );
  const known = Object.values(TYPES)
    .flat()
    .find((one) => one.type === type);
  if (known === undefined) throw new Refusal(400, 17004, "Invalid alert type");
  const options = known.filter_options;
  const missing = options.filter(({ Key, Range }) => Range === "1-n" && (filters[Key] ?? []).length === 0);
  if (missing.length > 0) throw new Refusal(400, 17103, "Filters are required for this alert type");
  const isAllowed = ([key, values]: [string, string[]]): boolean => {
    const allowed = options.find(({ Key }) => Key === key);
    const choices = allowed?.AvailableValues?.map(({ ID }) => ID) ?? null;
    return allowed !== undefined && values.every((value) => choices === null || choices.includes(value));
  };
  if (!Object.entries(filters).every((filter) => isAllowed(filter))) throw zero(400, "Invalid filters");
  return filters;
}

/** PUT replaces: what isn't sent is gone. */
async function readPolicy(c: Call): Promise<Omit<AlertPolicy, "id" | "created" | "modified">> {
  const body = await readBody(c);
  const name = text(body, "name", "");
  if (name === "" || typeof body["enabled"] !== "boolean") throw zero(400, "name and enabled are required");
  const type = text(body, "alert_type", "");
  return {
    name,
    description: text(body, "description", ""),
    alert_type: type,
    enabled: body["enabled"],
    filters: readFilters(body, type),
    mechanisms: readMechanisms(c.env.state, body),
  };
}

function storePolicy(c: Call, policy: AlertPolicy): Response {
  const { state } = c.env;
  if (state.alertPolicies.size === 0) lookAround(state);
  state.alertPolicies.set(policy.id, policy);
  return ok(c, { id: policy.id });
}

export const alerting = new Hono<CallEnv>()
  .get("/available_alerts", READ, (c) => ok(c, TYPES))
  .get("/destinations/eligible", READ, (c) => {
    const one = (type: string, eligible: boolean) => [{ type, eligible, ready: eligible }];
    const { webhooksEligible } = c.env.state.switches;
    return ok(c, { email: one("email", true), webhooks: one("webhook", webhooksEligible) });
  })
  .get("/destinations/webhooks", READ, (c) =>
    everything(c, [...c.env.state.destinations.values()].map(shown)),
  )
  .post("/destinations/webhooks", WRITE, async (c) => {
    const sent = await readDestination(c);
    const { state, now } = c.env;
    const id = newUuid(state);
    const at = timestamp(state, now);
    const rest = { type: "generic", created_at: at, last_success: at, last_failure: null };
    state.destinations.set(id, { id, ...sent, ...rest });
    const answer = ok(c, { id });
    return new Response(answer.body, { status: 201, headers: answer.headers });
  })
  .get("/destinations/webhooks/:id", READ, (c) => ok(c, shown(destinationOf(c))))
  .put("/destinations/webhooks/:id", WRITE, async (c) => {
    const before = destinationOf(c);
    const sent = await readDestination(c);
    c.env.state.destinations.set(before.id, { ...before, ...sent });
    return ok(c, { id: before.id });
  })
  .delete("/destinations/webhooks/:id", WRITE, (c) => {
    c.env.state.destinations.delete(destinationOf(c).id);
    return ok(c, null);
  })
  .get("/policies", READ, (c) =>
    everything(
      c,
      Array.from(c.env.state.alertPolicies.values(), (policy): Shown => ({ ...policy })),
    ),
  )
  .post("/policies", WRITE, async (c) => {
    const sent = await readPolicy(c);
    const { state, now } = c.env;
    const at = timestamp(state, now);
    return storePolicy(c, { id: newUuid(state), ...sent, created: at, modified: at });
  })
  .get("/policies/:id", READ, (c) => ok(c, policyOf(c)))
  .put("/policies/:id", WRITE, async (c) => {
    const { id, created } = policyOf(c);
    const sent = await readPolicy(c);
    return storePolicy(c, { id, ...sent, created, modified: timestamp(c.env.state, c.env.now) });
  })
  .delete("/policies/:id", WRITE, (c) => {
    c.env.state.alertPolicies.delete(policyOf(c).id);
    return ok(c, null);
  });
