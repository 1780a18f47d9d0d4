// Cloudflare's notifications: where they go, and of what (API-FACTS 14). Their errors have the code 0; the status tells.
import type { AlertingFound, FoundDestination, FoundPolicy } from "../failover/alerting.ts";
import { isObject, listAll, manyOf, oneOf, text, textOf, type CloudflareObject } from "./answers.ts";
import type { Priority } from "./budget.ts";
import { CloudflareError } from "./errors.ts";
import type { Call } from "./transport.ts";

/** Every method throws `CloudflareError` and nothing else. */
export interface CloudflareAlerting {
  /** All that there is; these lists have no pages. */
  read(): Promise<AlertingFound>;
  /** Whether this account may have webhooks as destinations at all. */
  isEligible(): Promise<boolean>;
  /** Cloudflare posts a test message to the URL first, and refuses where that isn't answered by a 2xx. */
  createDestination(body: DestinationBody): Promise<string>;
  replaceDestination(id: string, body: DestinationBody): Promise<void>;
  deleteDestination(id: string): Promise<void>;
  createPolicy(body: object): Promise<string>;
  replacePolicy(id: string, body: object): Promise<void>;
  deletePolicy(id: string): Promise<void>;
  /** The UUIDs by which policies name Pages projects, by the projects' names; of those that could be found. */
  projectIds(projects: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

export interface DestinationBody {
  readonly name: string;
  readonly url: string;
  readonly secret: string;
}

/** So few are asked for one by one; of more, the list of all is read. */
const FEW = 3;
/** The documented bound of the deployments' list, and what Cloudflare's own command line asks for (API-FACTS 12.2). */
const PAGES_PER_PAGE = 25;
const SMALL_PAGE = 10;

const maybe = (value: unknown): string | null => text(value) || null;

function destinationIn(object: CloudflareObject): FoundDestination {
  return {
    id: object.id,
    name: textOf(object, "name"),
    url: textOf(object, "url"),
    createdAt: textOf(object, "created_at"),
    lastSuccessAt: maybe(object["last_success"]),
    lastFailureAt: maybe(object["last_failure"]),
  };
}

function listsIn<T>(value: unknown, item: (one: unknown) => T[]): Record<string, T[]> {
  const members = isObject(value) ? Object.entries(value) : [];
  return Object.fromEntries(
    members.map(([name, list]) => [name, Array.isArray(list) ? list.flatMap((one) => item(one)) : []]),
  );
}

function policyIn(object: CloudflareObject): FoundPolicy {
  return {
    id: object.id,
    description: textOf(object, "description"),
    alertType: textOf(object, "alert_type"),
    enabled: object["enabled"] === true,
    filters: listsIn(object["filters"], (one) => (typeof one === "string" ? [one] : [])),
    mechanisms: listsIn(object["mechanisms"], (one) =>
      isObject(one) && typeof one["id"] === "string" ? [{ id: one["id"] }] : [],
    ),
    createdAt: textOf(object, "created"),
  };
}

export function createAlerting(call: Call, accountId: string, priority: Priority): CloudflareAlerting {
  const alerting = `/accounts/${accountId}/alerting/v3`;
  const webhooks = `${alerting}/destinations/webhooks`;
  const policies = `${alerting}/policies`;
  const projects = `/accounts/${accountId}/pages/projects`;
  const listProjects = (perPage: number) =>
    listAll((page) => call(priority, "get", projects, { query: { page, per_page: perPage } }));
  return {
    async read() {
      const [destinations, found] = [
        manyOf(await call(priority, "get", webhooks)),
        manyOf(await call(priority, "get", policies)),
      ];
      return {
        destinations: destinations.map((one) => destinationIn(one)),
        policies: found.map((one) => policyIn(one)),
      };
    },
    async isEligible() {
      const { result } = await call(priority, "get", `${alerting}/destinations/eligible`);
      const mechanisms = isObject(result) ? Object.values(result).flat() : [];
      const hooks = mechanisms.filter((one) => isObject(one) && textOf(one, "type").startsWith("webhook"));
      // Which accounts may is documented in two ways: only a plain no is one.
      return hooks.length === 0 || hooks.some((one) => isObject(one) && one["eligible"] !== false);
    },
    createDestination: async (body) => oneOf(await call(priority, "post", webhooks, { body })).id,
    async replaceDestination(id, body) {
      await call(priority, "put", `${webhooks}/${id}`, { body });
    },
    async deleteDestination(id) {
      await call(priority, "delete", `${webhooks}/${id}`);
    },
    createPolicy: async (body) => oneOf(await call(priority, "post", policies, { body })).id,
    async replacePolicy(id, body) {
      await call(priority, "put", `${policies}/${id}`, { body });
    },
    async deletePolicy(id) {
      await call(priority, "delete", `${policies}/${id}`);
    },
    async projectIds(wanted) {
      if (wanted.length > FEW) {
        const { objects } = await listProjects(PAGES_PER_PAGE).catch((error: unknown) => {
          if (error instanceof CloudflareError && error.kind === "invalid") return listProjects(SMALL_PAGE);
          throw error;
        });
        return new Map(objects.map((project) => [textOf(project, "name"), project.id]));
      }
      const ids = new Map<string, string>();
      for (const name of wanted) {
        try {
          ids.set(name, oneOf(await call(priority, "get", `${projects}/${name}`)).id);
        } catch (error) {
          if (!(error instanceof CloudflareError) || error.kind !== "not-found") throw error;
        }
      }
      return ids;
    },
  };
}
