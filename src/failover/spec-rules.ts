// Decides which members of a spec don't go together. Each rule says what would be right, with its source.
import type { Endpoint, Spec } from "./complete.ts";
import { longestMs } from "./drill.ts";
import { SIDES, type Facts, type Side } from "./failover.ts";
import { hostnameProblem, isInZone } from "./hostnames.ts";
import type { FieldError } from "./results.ts";
import { lengthMs } from "./windows.ts";

/** A problem inside of one object; `path` leads from that object to the member. */
interface MemberProblem {
  readonly path: string[];
  readonly message: string;
}

/** The tutorial's values, where a rule looks at completed values. */
/** For how long a promotion to production is watched. */
export const BAKE_SECONDS = { default: 300, most: 3600 } as const;

export const MONITOR_DEFAULTS = { interval: 60, timeout: 5, retries: 2 } as const;

interface MonitorTiming {
  readonly method?: string | undefined;
  readonly expected_body?: string | undefined;
  readonly interval?: number | undefined;
  readonly timeout?: number | undefined;
  readonly retries?: number | undefined;
}

/** API-FACTS 4. */
export function monitorProblems(given: MonitorTiming): MemberProblem[] {
  const interval = given.interval ?? MONITOR_DEFAULTS.interval;
  const longest =
    ((given.retries ?? MONITOR_DEFAULTS.retries) + 1) * (given.timeout ?? MONITOR_DEFAULTS.timeout);
  const problems: MemberProblem[] = [];
  if (interval <= longest) {
    const message = `must exceed (retries + 1) * timeout, here ${longest} seconds: a check must end before the next begins`;
    problems.push({ path: ["interval"], message });
  }
  if (given.method === "HEAD" && (given.expected_body ?? "") !== "") {
    const message = "can't be found in an answer to HEAD, which has no body: use the method GET";
    problems.push({ path: ["expected_body"], message });
  }
  return problems;
}

/** For how many seconds a visitor may be kept at one endpoint, by affinity. */
const AFFINITY_TTL = { cookie: [1800, 604800], ip_cookie: [1800, 604800], header: [30, 3600] } as const;

interface Affinity {
  readonly proxied?: boolean | undefined;
  readonly ttl?: number | undefined;
  readonly session_affinity?: "none" | keyof typeof AFFINITY_TTL | undefined;
  readonly session_affinity_ttl?: number | undefined;
  readonly session_affinity_attributes?:
    | {
        readonly samesite?: string | undefined;
        readonly secure?: string | undefined;
        readonly zero_downtime_failover?: string | undefined;
        readonly headers?: readonly string[] | undefined;
      }
    | undefined;
}

function affinityTtlProblem(affinity: keyof typeof AFFINITY_TTL | "none", ttl: number): string | null {
  if (affinity === "none") return "has a meaning only with a session_affinity of cookie, ip_cookie or header";
  const [least, most] = AFFINITY_TTL[affinity];
  return ttl >= least && ttl <= most
    ? null
    : `must be ${least} to ${most} seconds with session_affinity ${affinity}`;
}

function attributeProblems(
  affinity: string,
  attributes: NonNullable<Affinity["session_affinity_attributes"]>,
): Record<string, string | false> {
  const byHeader = affinity === "header";
  const headers = attributes.headers ?? [];
  return {
    secure:
      attributes.samesite === "None" &&
      attributes.secure === "Never" &&
      "must be Auto or Always where samesite is None: browsers drop such a cookie otherwise",
    zero_downtime_failover:
      byHeader &&
      attributes.zero_downtime_failover === "sticky" &&
      "must be none or temporary with session_affinity header: sticky needs a cookie",
    headers:
      byHeader && headers.length === 0
        ? "must name at least one header with session_affinity header"
        : !byHeader && headers.length > 0 && "has a meaning only with session_affinity header",
  };
}

/** API-FACTS 7. */
export function loadBalancerProblems(given: Affinity): MemberProblem[] {
  const affinity = given.session_affinity ?? "none";
  const cookie = affinity === "cookie" || affinity === "ip_cookie";
  const ttl = given.session_affinity_ttl;
  const found: Record<string, string | false | null> = {
    ttl: given.proxied !== false && given.ttl !== undefined && "has a meaning only where proxied is false",
    session_affinity:
      cookie &&
      given.proxied === false &&
      `can be ${affinity} only where proxied is true: the proxy sets the cookie`,
    session_affinity_ttl: ttl !== undefined && affinityTtlProblem(affinity, ttl),
  };
  const attributes = attributeProblems(affinity, given.session_affinity_attributes ?? {});
  return [
    ...Object.entries(found).map(([member, message]) => ({ path: [member], message })),
    ...Object.entries(attributes).map(([member, message]) => ({
      path: ["session_affinity_attributes", member],
      message,
    })),
  ].flatMap(({ path, message }) => (typeof message === "string" ? [{ path, message }] : []));
}

/** The member that gave an endpoint its address. */
function pointerOf(side: Side, endpoint: Endpoint): string {
  const member =
    endpoint.pages_project === undefined
      ? "address"
      : endpoint.custom_domain === undefined
        ? "pages_project"
        : "custom_domain";
  return `/${side}/${member}`;
}

/** A Pages project is one endpoint under whichever of its names; elsewhere port and Host can tell two apart. */
export function areSameEndpoint({ primary, secondary, monitor }: Spec): boolean {
  if (primary.pages_project !== undefined && primary.pages_project === secondary.pages_project) return true;
  if (primary.address === null || secondary.address === null) return false;
  if (primary.address !== secondary.address) return false;
  const isPages = primary.pages_project !== undefined || secondary.pages_project !== undefined;
  if (isPages) return true;
  const standard = monitor.type === "https" ? 443 : 80;
  return (
    (primary.port ?? standard) === (secondary.port ?? standard) &&
    primary.host_header === secondary.host_header
  );
}

export function hostnameProblems(spec: Spec, zone: Facts["zone"]): FieldError[] {
  const problems: FieldError[] = [];
  const add = (pointer: string, message: string) => problems.push({ pointer, message });
  const { hostname, test_hostname: testHostname } = spec;
  if (zone !== null && !isInZone(hostname, zone.name)) {
    add("/hostname", `must be ${zone.name} or lie under it: that is the zone of this failover`);
  }
  if (testHostname === null) return problems;
  const problem = hostnameProblem(testHostname);
  if (problem !== null) add("/test_hostname", problem);
  if (testHostname === hostname) {
    add("/test_hostname", "must differ from hostname: the load balancer is tried here before it goes there");
  }
  if (zone !== null && !isInZone(testHostname, zone.name)) {
    add(
      "/test_hostname",
      `must lie in ${zone.name}, the zone of hostname: a load balancer can't change zones`,
    );
  }
  return problems;
}

/** A window that no drill fits into would be skipped week by week. */
function drillProblems({ drills: { schedule }, hostname, monitor }: Spec): FieldError[] {
  if (schedule === null) return [];
  const { windows, method, hold_seconds: holdSeconds, confirm } = schedule;
  const longest = Math.max(
    longestMs("reorder", holdSeconds, monitor),
    method === "reorder" ? 0 : longestMs("disable-primary", holdSeconds, monitor),
  );
  const short = windows.flatMap((window, index) => {
    if (lengthMs(window) >= longest) return [];
    const minutes = lengthMs(window) / 60_000;
    const message = `closes ${minutes} minutes after it opens, and a drill that holds for ${holdSeconds} seconds may take ${Math.ceil(longest / 60_000)}: leave it more time${method === "reorder" ? "" : ", or give the method reorder, which takes less"}`;
    return [{ pointer: `/drills/schedule/windows/${index}/to`, message }];
  });
  if (confirm === undefined || confirm === hostname) return short;
  const message = `must be "${hostname}", whose visitors the drills in production move; without it they are skipped there`;
  return [...short, { pointer: "/drills/schedule/confirm", message }];
}

/**
 * What is wrong with a completed spec across its members; empty where nothing is. Pointers lead into the request's
 * body. As long as the zone is not known (null), what depends on it passes.
 */
export function specProblems(spec: Spec, zone: Facts["zone"] = null): FieldError[] {
  const problems = hostnameProblems(spec, zone);
  for (const side of SIDES) {
    const { address } = spec[side];
    if (address === null || (address !== spec.hostname && address !== spec.test_hostname)) continue;
    const balanced = address === spec.hostname ? "hostname" : "test_hostname";
    problems.push({
      pointer: pointerOf(side, spec[side]),
      message: `is the balanced ${balanced} itself, so traffic would go in circles: give the name under which this endpoint alone answers`,
    });
  }
  for (const side of SIDES) {
    const { pages_project: project, address, host_header: host } = spec[side];
    if (project === undefined || address === null || host === address) continue;
    problems.push({
      pointer: `/${side}/host_header`,
      message: `must be ${address}: a Pages project answers only to its own names; leave it out, or give another name as custom_domain`,
    });
  }
  problems.push(...drillProblems(spec));
  const hasPages = SIDES.some((side) => spec[side].pages_project !== undefined);
  if (spec.on_broken_deploy === "rollback" && !hasPages) {
    problems.push({
      pointer: "/on_broken_deploy",
      message:
        "rolls a Pages project back, and neither endpoint is one: leave it out, or give a pages_project",
    });
  }
  if (areSameEndpoint(spec)) {
    problems.push({
      pointer: pointerOf("secondary", spec.secondary),
      message: "must be another endpoint than primary: it can't stand in for itself",
    });
  }
  return problems;
}
