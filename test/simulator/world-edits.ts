// Somebody in the dashboard: writes that don't come through the API, and follow Cloudflare's habits all the same.
import { noteByHand } from "./audit-log.ts";
import { followWrites } from "./health-checks.ts";
import { timestamp } from "./identity.ts";
import type {
  CertificatePack,
  CustomHostname,
  DnsRecord,
  LoadBalancer,
  Monitor,
  PageRule,
  PagesProject,
  Pool,
  Ruleset,
  WorkerDomain,
  WorkerRoute,
  Zone,
} from "./objects.ts";
import type { State } from "./state.ts";

export interface Kinds {
  monitor: Monitor;
  pool: Pool;
  load_balancer: LoadBalancer;
  zone: Zone;
  dns_record: DnsRecord;
  certificate_pack: CertificatePack;
  pages_project: PagesProject;
  worker_route: WorkerRoute;
  worker_domain: WorkerDomain;
  ruleset: Ruleset;
  page_rule: PageRule;
  custom_hostname: CustomHostname;
}

export type Kind = keyof Kinds;

function mapsOf(state: State): { [K in Kind]: Map<string, Kinds[K]> } {
  return {
    monitor: state.monitors,
    pool: state.pools,
    load_balancer: state.loadBalancers,
    zone: state.zones,
    dns_record: state.dnsRecords,
    certificate_pack: state.certificatePacks,
    pages_project: state.pagesProjects,
    worker_route: state.workerRoutes,
    worker_domain: state.workerDomains,
    ruleset: state.rulesets,
    page_rule: state.pageRules,
    custom_hostname: state.customHostnames,
  };
}

export function found<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new Error(`the simulated world has no ${what}`);
  return value;
}

/** Merges top-level members; `modified_on`, a pool's `disabled_at` and the order of its endpoints follow. */
export function editObject<K extends Kind>(
  state: State,
  now: number,
  kind: K,
  id: string,
  patch: Partial<Kinds[K]>,
): Kinds[K] {
  const map: Map<string, Kinds[K]> = mapsOf(state)[kind];
  const before = found(map.get(id), `${kind} ${id}`);
  map.set(id, {
    ...before,
    ...patch,
    ...("modified_on" in before ? { modified_on: timestamp(state, now) } : {}),
  });
  const pool = kind === "pool" ? state.pools.get(id) : undefined;
  if (pool !== undefined) {
    pool.origins = pool.origins.toSorted((left, right) => (left.name < right.name ? -1 : 1));
    if (pool.enabled) delete pool.disabled_at;
    else pool.disabled_at ??= pool.modified_on;
  }
  noteByHand(state, now, "PATCH", kind, id);
  followWrites(state, now);
  return found(map.get(id), `${kind} ${id}`);
}

export function removeObject(state: State, now: number, kind: Kind, id: string): void {
  const map: Map<string, unknown> = mapsOf(state)[kind];
  found(map.get(id), `${kind} ${id}`);
  map.delete(id);
  if (kind === "zone") {
    for (const part of [
      state.dnsRecords,
      state.certificatePacks,
      state.loadBalancers,
      state.workerRoutes,
      state.workerDomains,
      state.rulesets,
      state.pageRules,
      state.customHostnames,
    ]) {
      for (const [key, value] of part) if (value.zone_id === id) part.delete(key);
    }
  }
  noteByHand(state, now, "DELETE", kind, id);
  followWrites(state, now);
}
