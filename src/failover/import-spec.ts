// Reads the spec out of Cloudflare's objects: everything that a spec can say, defaults left out where they hold.
import { canonical, defaultAffinitySeconds, originPath } from "./canonical.ts";
import { completeSpec } from "./complete.ts";
import type { Body } from "./desired.ts";
import type { Facts, Side } from "./failover.ts";
import { fieldErrors } from "./field-errors.ts";
import { objectsIn, textIn, type Parts } from "./import-parts.ts";
import type { FieldError } from "./results.ts";
import { specInputSchema, type SpecInput } from "./spec.ts";
import { spelled } from "./spelled.ts";

type Members = Record<string, unknown>;

/** The Pages project whose own name an address is. */
export interface ProjectAt {
  readonly project: string;
  readonly subdomain: string;
}

export interface ReadRequest {
  readonly name: string;
  readonly hostname: string;
  readonly projects: Readonly<Partial<Record<Side, ProjectAt>>>;
}

const all = () => true;

/** Drops what isn't there. */
function defined(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

const unless = <T>(value: T, nothing: T): T | undefined =>
  JSON.stringify(value) === JSON.stringify(nothing) ? undefined : value;

/** What might be the project's name, by the address: a subdomain can carry a suffix where the plain one was taken. */
export function projectCandidates(pool: Body): string[] {
  const { address, host } = originOf(pool);
  const label = /^([a-z0-9-]+)\.pages\.dev$/.exec(address)?.[1];
  if (label === undefined || host !== address) return [];
  return [...new Set([label, label.replace(/-[^-]+$/, "")])];
}

export interface Origin {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly host: string | null;
}

/** The one endpoint of a pool. */
export function originOf(pool: Body): Origin {
  const name = textIn(objectsIn(pool["origins"])[0] ?? {}, "name");
  const is = canonical("pool", pool, all);
  const at = (member: string) => is.get(`${originPath(name)}.${member}`);
  const [address, hosts] = [at("address"), at("header.Host")];
  const host: unknown = Array.isArray(hosts) ? hosts[0] : undefined;
  return {
    name,
    address: typeof address === "string" ? address : "",
    port: Number(at("port") ?? 0),
    host: typeof host === "string" ? host : null,
  };
}

function readEndpoint(pool: Body, at: ProjectAt | undefined): Members {
  const { address, port, host } = originOf(pool);
  return defined({
    ...(at === undefined ? { address, host_header: host ?? "" } : { pages_project: at.project }),
    port: unless(port, 0),
    description: textIn(pool, "description"),
  });
}

function readMonitor(monitor: Body): Members {
  const is = canonical("monitor", monitor, all);
  const { header: _, consecutive_up: up, consecutive_down: down, ...members } = Object.fromEntries(is);
  return defined({
    ...members,
    // As they are spelled: names may be compared, but need not be written, in lower case.
    header: unless(monitor["header"] ?? {}, {}),
    consecutive_up: unless(up, 0),
    consecutive_down: unless(down, 0),
  });
}

/** Compared in lower case, written with a capital. */
const capital = (value: unknown): string => String(value).replace(/^[a-z]/, (letter) => letter.toUpperCase());

function readAffinity(is: ReadonlyMap<string, unknown>, affinity: unknown): Members {
  const attribute = (member: string) => is.get(`session_affinity_attributes.${member}`);
  const byHeader = affinity === "header";
  const attributes = defined({
    samesite: unless(capital(attribute("samesite")), "Auto"),
    secure: unless(capital(attribute("secure")), "Auto"),
    drain_duration: unless(attribute("drain_duration"), 0),
    zero_downtime_failover: unless(attribute("zero_downtime_failover"), "none"),
    // Left over from another affinity they mean nothing.
    headers: byHeader ? attribute("headers") : undefined,
    require_all_headers: unless(attribute("require_all_headers"), false),
  });
  const ttl =
    affinity === "none"
      ? undefined
      : unless(is.get("session_affinity_ttl"), defaultAffinitySeconds(affinity));
  return defined({ session_affinity_ttl: ttl, session_affinity_attributes: unless(attributes, {}) });
}

function readLoadBalancer(loadBalancer: Body): Members {
  const is = canonical("load_balancer", loadBalancer, all);
  const [proxied, affinity] = [is.get("proxied"), is.get("session_affinity")];
  return defined({
    proxied,
    ttl: proxied === true ? undefined : unless(is.get("ttl"), 30),
    session_affinity: affinity,
    ...readAffinity(is, affinity),
    adaptive_routing: { failover_across_pools: is.get("adaptive_routing.failover_across_pools") },
    description: is.get("description"),
  });
}

/** Null means every data centre, which a spec calls ALL_REGIONS. */
function readRegions(pool: Body): unknown {
  return canonical("pool", pool, all).get("check_regions") ?? ["ALL_REGIONS"];
}

/** Every member that can be read, as JSON, whether or not a spec may have such a value. */
export function readMembers(parts: Parts, { name, hostname, projects }: ReadRequest): Members {
  return {
    name,
    hostname,
    primary: readEndpoint(parts.primary, projects.primary),
    secondary: readEndpoint(parts.secondary, projects.secondary),
    monitor: readMonitor(parts.monitor),
    check_regions: readRegions(parts.primary),
    load_balancer: readLoadBalancer(parts.load_balancer),
  };
}

/** Members that a failover can do without knowing: what Cloudflare has is left alone then. */
const DISPENSABLE = /^\/(monitor\/(interval|timeout|retries)|check_regions(\/\d+)?)$/;

function without(members: Members, pointer: string): Members {
  const [outer = "", inner] = pointer.slice(1).split("/");
  const { [outer]: given, ...others } = members;
  if (inner === undefined || typeof given !== "object" || given === null || Array.isArray(given))
    return others;
  const { [inner]: _, ...kept } = given as Members;
  return { ...others, [outer]: kept };
}

/** The spec, or every member that no spec may have. What can be left alone is left out. */
export function parseMembers(
  members: Members,
): { readonly input: SpecInput } | { readonly errors: readonly FieldError[] } {
  const parsed = specInputSchema.safeParse(members);
  if (parsed.success) return { input: parsed.data };
  const errors = fieldErrors(parsed.error.issues, specInputSchema, members);
  const pointers = errors.map(({ pointer }) => pointer).filter((pointer) => DISPENSABLE.test(pointer));
  const less = pointers.reduce(without, members);
  if (spelled(less) !== spelled(members)) return parseMembers(less);
  // The interval goes with the others: without them there is nothing that it has to exceed.
  const timing = ["/monitor/timeout", "/monitor/retries"].reduce(without, members);
  return pointers.length > 0 && spelled(timing) !== spelled(members) ? parseMembers(timing) : { errors };
}

/** Leaves out, one by one, what the spec says without it as well. */
export function withoutDefaults(input: SpecInput, facts: Facts): SpecInput {
  const completed = (members: Members) => spelled(completeSpec(members as SpecInput, facts));
  let left: Members = { ...input };
  const wanted = completed(left);
  const attempt = (outer: string, inner?: string) => {
    const less = without(left, inner === undefined ? `/${outer}` : `/${outer}/${inner}`);
    if (completed(less) === wanted) left = less;
  };
  for (const outer of ["primary", "secondary", "monitor", "load_balancer"]) {
    const given = left[outer];
    if (typeof given === "object" && given !== null)
      for (const inner of Object.keys(given)) attempt(outer, inner);
  }
  for (const outer of ["check_regions", "monitor", "load_balancer"]) attempt(outer);
  return left as SpecInput;
}
