// API-FACTS 14: what Cloudflare notifies of, which policies want to hear of it, and how it is posted.
import { isPoolHealthy } from "./health-verdict.ts";
import { newId, timestamp } from "./identity.ts";
import type { AlertPolicy, PagesDeployment, Pool, SeenState, WebhookDestination } from "./objects.ts";
import type { State } from "./state.ts";

/** Answers the status, or null where no answer came. */
export type Post = (url: string, body: object, secret: string | null) => Promise<number | null>;

export const TEST_MESSAGE =
  "Hello World! This is a test message sent from https://cloudflare.com. If you can see this, your webhook is configured properly.";

interface Alert {
  readonly type: string;
  /** What its filters are held against; a filter that a policy doesn't have lets everything pass. */
  readonly traits: Readonly<Record<string, string>>;
  readonly text: string;
  /** Of its members nothing is documented. */
  readonly data: object;
}

export function createPost(deliver: (request: Request) => Promise<Response>): Post {
  return async (url, body, secret) => {
    const headers = {
      "content-type": "application/json",
      "user-agent": "cloudflare-notifications",
      ...(secret === null ? {} : { "cf-webhook-auth": secret }),
    };
    try {
      const answer = await deliver(
        new Request(url, { method: "POST", headers, body: JSON.stringify(body), redirect: "manual" }),
      );
      await answer.arrayBuffer();
      return answer.status;
    } catch {
      return null;
    }
  };
}

export async function postTest(
  state: State,
  destination: Pick<WebhookDestination, "url" | "secret">,
  post: Post,
): Promise<boolean> {
  const { url, secret } = destination;
  const status = await post(
    url,
    { text: TEST_MESSAGE },
    secret === "" || !state.switches.testHasSecret ? null : secret,
  );
  return status !== null && status >= 200 && status < 300;
}

function ofDeployment(deployment: PagesDeployment): Alert | null {
  const { name, status } = deployment.latest_stage;
  if (deployment.is_skipped) return null;
  const good = name === "deploy" && status === "success";
  return {
    type: "pages_event_alert",
    traits: {
      project_id: deployment.project_id,
      environment: deployment.environment === "production" ? "ENVIRONMENT_PRODUCTION" : "ENVIRONMENT_PREVIEW",
      event: good ? "EVENT_DEPLOYMENT_SUCCESS" : "EVENT_DEPLOYMENT_FAILED",
    },
    text: `Deployment of ${deployment.project_name} ${good ? "succeeded" : "failed"}`,
    data: { project_name: deployment.project_name, deployment_id: deployment.id },
  };
}

function ofPool(pool: Pool, before: NonNullable<SeenState>, now: NonNullable<SeenState>): Alert[] {
  const data = { pool_id: pool.id, pool_name: pool.name };
  const health = now.healthy === true ? "Healthy" : "Unhealthy";
  return [
    ...(before.healthy !== null && now.healthy !== null && before.healthy !== now.healthy
      ? [
          {
            type: "load_balancing_health_alert",
            traits: { pool_id: pool.id, new_health: health, event_source: "pool" },
            text: `Pool ${pool.name} is now ${health}`,
            data: { ...data, new_health: health, event_source: "pool" },
          },
        ]
      : []),
    ...(before.enabled === now.enabled
      ? []
      : [
          {
            type: "load_balancing_pool_enablement_alert",
            traits: { pool_id: pool.id, enabled: String(now.enabled) },
            text: `Pool ${pool.name} was ${now.enabled ? "enabled" : "disabled"}`,
            data: { ...data, enabled: now.enabled },
          },
        ]),
  ];
}

function deploymentsOf(state: State): PagesDeployment[] {
  return [...state.pagesProjects.values()].flatMap(({ deployments }) => deployments);
}

/** While it isn't checked a pool is what it was found to be. */
const stateOf = (state: State, pool: Pool): NonNullable<SeenState> => ({
  enabled: pool.enabled,
  healthy: isPoolHealthy(state, pool) ?? state.seen.get(pool.id)?.healthy ?? null,
});

/** A policy hears only of what comes after it. */
export function lookAround(state: State): void {
  const pools = Array.from(state.pools.values(), (pool) => [pool.id, stateOf(state, pool)] as const);
  state.seen.clear();
  for (const { id } of deploymentsOf(state)) state.seen.set(id, null);
  for (const [id, seen] of pools) state.seen.set(id, seen);
}

function findAlerts(state: State): Alert[] {
  const alerts: Alert[] = [];
  for (const deployment of deploymentsOf(state)) {
    const alert = state.seen.has(deployment.id) ? null : ofDeployment(deployment);
    if (alert !== null) alerts.push(alert);
  }
  for (const pool of state.pools.values()) {
    const before = state.seen.get(pool.id) ?? null;
    if (before !== null) alerts.push(...ofPool(pool, before, stateOf(state, pool)));
  }
  return alerts;
}

const wants = (policy: AlertPolicy, alert: Alert): boolean =>
  policy.enabled &&
  policy.alert_type === alert.type &&
  Object.entries(policy.filters).every(
    ([name, values]) => values.length === 0 || values.includes(alert.traits[name] ?? ""),
  );

/** Posts what happened since it was last looked at, to whomever a policy names. */
export async function sendAlerts(state: State, now: number, post: Post): Promise<void> {
  if (state.alertPolicies.size === 0) return;
  const alerts = findAlerts(state);
  // Before anything is posted: whoever is told may ask again at once.
  lookAround(state);
  const times = { once: 1, twice: 2, never: 0 }[state.switches.alertsArrive];
  for (const alert of alerts) {
    const correlation = newId(state);
    for (const policy of [...state.alertPolicies.values()].filter((one) => wants(one, alert))) {
      const body = {
        name: policy.name,
        text: alert.text,
        data: alert.data,
        ts: Math.floor(now / 1000),
        account_id: state.account.id,
        policy_id: policy.id,
        policy_name: policy.name,
        alert_type: alert.type,
        alert_correlation_id: correlation,
      };
      for (const { id } of policy.mechanisms["webhooks"] ?? []) {
        for (let time = 0; time < times; time += 1) await postTo(state, now, id, body, post);
      }
    }
  }
}

async function postTo(state: State, now: number, id: string, body: object, post: Post): Promise<void> {
  const destination = state.destinations.get(id);
  if (destination === undefined) return;
  const status = await post(destination.url, body, destination.secret === "" ? null : destination.secret);
  const member = status !== null && status >= 200 && status < 300 ? "last_success" : "last_failure";
  const current = state.destinations.get(id);
  if (current !== undefined) state.destinations.set(id, { ...current, [member]: timestamp(state, now) });
}
