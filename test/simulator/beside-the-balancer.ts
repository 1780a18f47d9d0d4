// Seeding what else may act on a hostname, before the load balancer or in its place.
import { bareName } from "./addresses.ts";
import { newId, newUuid, timestamp } from "./identity.ts";
import type { CustomHostname, PageRule, RulesetRule, WorkerDomain, WorkerRoute, Zone } from "./objects.ts";
import type { State } from "./state.ts";

/** Phases whose rules can take a request away from the load balancer, and what their rules do. */
export const PHASES = {
  http_request_dynamic_redirect: {
    action: "redirect",
    parameters: {
      from_value: {
        status_code: 301,
        target_url: { value: "https://elsewhere.example/" },
        preserve_query_string: false,
      },
    },
  },
  http_request_origin: { action: "route", parameters: { origin: { host: "elsewhere.example" } } },
  http_request_cache_settings: {
    action: "set_cache_settings",
    parameters: { cache: true, edge_ttl: { mode: "override_origin", default: 7200 } },
  },
} as const;

export type RulePhase = keyof typeof PHASES;

export interface RuleOptions {
  expression: string;
  action?: string;
  action_parameters?: Record<string, unknown>;
  description?: string;
  enabled?: boolean;
}

export interface PageRuleOptions {
  /** As in `*example.com/*`. */
  url: string;
  /** A forwarding to another place unless told. */
  actions?: PageRule["actions"];
  status?: PageRule["status"];
}

export interface CustomHostnameOptions {
  hostname: string;
  /** "active" unless told, as is the certificate's. */
  status?: string;
  sslStatus?: string;
  custom_origin_server?: string;
}

type Maps = Pick<State, "workerRoutes" | "workerDomains" | "rulesets" | "pageRules" | "customHostnames">;

export interface BesideTheBalancer extends Maps {
  /** A route without script switches Workers off where it matches. */
  addWorkerRoute(zoneName: string, route: { pattern: string; script?: string }): WorkerRoute;
  addWorkerDomain(zoneName: string, domain: { hostname: string; service: string }): WorkerDomain;
  /** Adds a rule at the end of the phase's entry point, which it makes where there is none. */
  addRule(zoneName: string, phase: RulePhase, rule: RuleOptions): RulesetRule;
  addPageRule(zoneName: string, rule: PageRuleOptions): PageRule;
  addCustomHostname(zoneName: string, customHostname: CustomHostnameOptions): CustomHostname;
}

function stored<T extends { id: string }>(map: Map<string, T>, object: T): T {
  map.set(object.id, object);
  return object;
}

export function besideTheBalancer(
  state: State,
  now: () => number,
  zoneNamed: (name: string) => Zone,
): BesideTheBalancer {
  const { workerRoutes, workerDomains, rulesets, pageRules, customHostnames } = state;
  return {
    workerRoutes,
    workerDomains,
    rulesets,
    pageRules,
    customHostnames,

    addWorkerRoute: (zoneName, route) =>
      stored(workerRoutes, { id: newId(state), zone_id: zoneNamed(zoneName).id, ...route }),

    addWorkerDomain: (zoneName, { hostname, service }) =>
      stored(workerDomains, {
        id: newId(state),
        zone_id: zoneNamed(zoneName).id,
        zone_name: zoneName,
        hostname: bareName(hostname),
        service,
        environment: "production",
        cert_id: newUuid(state),
      }),

    addRule: (zoneName, phase, rule) => {
      const zone_id = zoneNamed(zoneName).id;
      const at = timestamp(state, now());
      const id = newId(state);
      const { action, parameters } = PHASES[phase];
      const added: RulesetRule = {
        id,
        version: "1",
        action,
        action_parameters: parameters,
        description: "",
        enabled: true,
        ...rule,
        last_updated: at,
        ref: id,
      };
      const before = [...rulesets.values()].find(
        (known) => known.zone_id === zone_id && known.phase === phase,
      );
      stored(rulesets, {
        id: before?.id ?? newId(state),
        zone_id,
        name: "default",
        description: "",
        kind: "zone",
        phase,
        version: String(Number(before?.version ?? 0) + 1),
        rules: [...(before?.rules ?? []), added],
        last_updated: at,
      });
      return added;
    },

    addPageRule: (zoneName, { url, actions, status = "active" }) => {
      const zone_id = zoneNamed(zoneName).id;
      const at = timestamp(state, now());
      const others = [...pageRules.values()].filter((known) => known.zone_id === zone_id);
      return stored(pageRules, {
        id: newId(state),
        zone_id,
        targets: [{ target: "url", constraint: { operator: "matches", value: url } }],
        actions: actions ?? [
          { id: "forwarding_url", value: { url: "https://elsewhere.example/", status_code: 302 } },
        ],
        // A new rule stands above the others.
        priority: others.length + 1,
        status,
        created_on: at,
        modified_on: at,
      });
    },

    addCustomHostname: (zoneName, { hostname, status = "active", sslStatus = "active", ...rest }) =>
      stored(customHostnames, {
        id: newUuid(state),
        zone_id: zoneNamed(zoneName).id,
        hostname: bareName(hostname),
        status,
        ssl: {
          id: newUuid(state),
          type: "dv",
          method: "txt",
          status: sslStatus,
          certificate_authority: "google",
        },
        ...rest,
        created_at: timestamp(state, now()),
      }),
  };
}
