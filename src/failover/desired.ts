// Decides which monitor, pools and load balancer should exist now: a pure function of the failover.
import { completeSpec, type Endpoint, type Spec } from "./complete.ts";
import { otherSide, type Failover, type Side } from "./failover.ts";
import { describeWith, markerOf, type Role } from "./marker.ts";

/** A body in Cloudflare's own member names. */
export type Body = Readonly<Record<string, unknown>>;
export type Desired = Readonly<Record<Role, Body>>;

/** Stands in a plan for the id of an object that is yet to be made. */
export function placeholder(role: Role): string {
  return `(the new ${role === "primary" || role === "secondary" ? `${role} pool` : role})`;
}

/** An imported pool keeps the name that it had. */
export function poolName({ name, imported }: Pick<Failover, "name" | "imported">, side: Side): string {
  return imported?.pools[side] ?? `${name}-${side}`;
}

/** The name under which the load balancer answers in the failover's stage; null while the zone isn't known. */
export function presentHostname(stage: Failover["stage"], spec: Spec): string | null {
  return stage === "production" ? spec.hostname : spec.test_hostname;
}

/** What is missing before anything can be made, as a sentence; null where nothing is. */
export function incompleteness(failover: Failover, spec: Spec): string | null {
  if (failover.facts.zone === null)
    return `the zone of ${spec.hostname} could not be read from Cloudflare yet`;
  for (const endpoint of [spec.primary, spec.secondary]) {
    if (endpoint.address === null) {
      return `the subdomain of the Pages project ${endpoint.pages_project} could not be read from Cloudflare yet`;
    }
  }
  return null;
}

function desiredMonitor(spec: Spec): Body {
  const { description, ...members } = spec.monitor;
  return { ...members, description };
}

function desiredOrigin(endpoint: Endpoint, name: string): Body {
  return {
    name,
    address: endpoint.address,
    enabled: true,
    weight: 1,
    ...(endpoint.port === undefined ? {} : { port: endpoint.port }),
    ...(endpoint.host_header === null ? {} : { header: { Host: [endpoint.host_header] } }),
  };
}

function desiredPool(failover: Failover, spec: Spec, side: Side): Body {
  return {
    name: poolName(failover, side),
    description: spec[side].description,
    enabled: failover.disabled !== side,
    minimum_origins: 1,
    monitor: failover.ids.monitor ?? placeholder("monitor"),
    check_regions: spec.check_regions,
    origins: [desiredOrigin(spec[side], failover.imported?.origins[side] ?? side)],
  };
}

function desiredLoadBalancer(failover: Failover, spec: Spec): Body {
  const pool = (side: Side) => failover.ids[side] ?? placeholder(side);
  const { proxied, adaptive_routing, session_affinity, description, ...details } = spec.load_balancer;
  return {
    name: presentHostname(failover.stage, spec),
    description,
    enabled: failover.stage !== "draft",
    proxied,
    default_pools: [pool(failover.active), pool(otherSide(failover.active))],
    fallback_pool: pool("secondary"),
    steering_policy: "off",
    session_affinity,
    adaptive_routing,
    ...details,
  };
}

export type Applied = Readonly<Partial<Record<Role, Body>>>;

/** What a monitor's member that a spec no longer gives goes back to: left as it is, it would go on acting. */
const RESETS: Body = { consecutive_up: 0, consecutive_down: 0, header: {} };

function withResets(monitor: Body, applied: Body | undefined): Body {
  const dropped = Object.entries(RESETS).filter(([member]) => applied?.[member] !== undefined);
  return { ...Object.fromEntries(dropped), ...monitor };
}

/** `applied` is what was last in place: an optional member that stood there is ours ever after. */
export function desiredObjects(failover: Failover, installation: string, applied: Applied = {}): Desired {
  const spec = completeSpec(failover.input, failover.facts);
  const bodies: Record<Role, Body> = {
    monitor: withResets(desiredMonitor(spec), applied.monitor),
    primary: desiredPool(failover, spec, "primary"),
    secondary: desiredPool(failover, spec, "secondary"),
    load_balancer: desiredLoadBalancer(failover, spec),
  };
  const marked = (role: Role): Body => {
    const { description } = bodies[role];
    const text = typeof description === "string" ? description : "";
    return { ...bodies[role], description: describeWith(text, markerOf(installation, failover.id, role)) };
  };
  return {
    monitor: marked("monitor"),
    primary: marked("primary"),
    secondary: marked("secondary"),
    load_balancer: marked("load_balancer"),
  };
}
