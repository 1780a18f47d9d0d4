import { CloudflareError } from "../cloudflare/errors.ts";
import { completeSpec, type Endpoint, type Spec } from "../failover/complete.ts";
import { desiredObjects, incompleteness, presentHostname } from "../failover/desired.ts";
import {
  explainTraffic,
  suppose,
  type Condition,
  type EndpointState,
  type TrafficState,
} from "../failover/explain.ts";
import { otherSide, SIDES, type Failover, type Side } from "../failover/failover.ts";
import { findForeign } from "../failover/foreign.ts";
import { foundIn, type Observed } from "../failover/plan.ts";
import type { DnsRecordFacts } from "../failover/preflight/facts.ts";
import { fail, ok, type ExplanationView, type Result } from "../failover/results.ts";
import type { FailoverRecord } from "../store/failovers.ts";
import type { Context } from "./context.ts";
import { loadRecord } from "./load.ts";
import { readPoolHealth } from "./look.ts";
import { observe } from "./observe.ts";

/** What is asked of Cloudflare for an explanation may be this old: it is asked again and again with other conditions. */
const LOOK_MAX_AGE_MS = 10_000;

function objectOf(
  observed: Observed,
  role: Side | "load_balancer",
): Readonly<Record<string, unknown>> | null {
  const sighting = observed[role];
  return sighting.state === "found" ? sighting.object : null;
}

function firstOrigin(pool: Readonly<Record<string, unknown>> | null): Readonly<Record<string, unknown>> {
  const origins: unknown = pool?.["origins"];
  const first: unknown = Array.isArray(origins) ? origins[0] : undefined;
  return typeof first === "object" && first !== null ? { ...first } : {};
}

/** What Cloudflare's checks say: as it was read last, or read now where it never was. */
async function healthOf(
  context: Context,
  { failover, health }: FailoverRecord,
  spec: Spec,
  side: Side,
): Promise<EndpointState["health"]> {
  const poolId = failover.ids[side];
  const { address } = spec[side];
  if (poolId === undefined || address === null) return "unknown";
  const known = health[side]?.poolId === poolId ? health[side] : undefined;
  const { healthy } = known ?? (await readPoolHealth(context, poolId, address, undefined, "person"));
  return healthy === null ? "unknown" : healthy ? "healthy" : "unhealthy";
}

async function endpointState(
  context: Context,
  record: FailoverRecord,
  spec: Spec,
  observed: Observed,
  side: Side,
): Promise<EndpointState> {
  const pool = objectOf(observed, side);
  const health = await healthOf(context, record, spec, side);
  const { ok: answers } = record.samples.at(-1)?.[side] ?? {};
  return {
    poolEnabled: pool !== null && pool["enabled"] !== false,
    originEnabled: firstOrigin(pool)["enabled"] !== false,
    health,
    // Our own failing probe alone is no proof: the endpoint may admit only Cloudflare.
    answers: answers === true ? true : answers === false && health === "unhealthy" ? false : null,
  };
}

function sideOf(spec: Spec, matches: (endpoint: Endpoint) => boolean): Side | null {
  return SIDES.find((side) => matches(spec[side])) ?? null;
}

/** What the name points at without a load balancer. */
function underneathOf(spec: Spec, records: readonly DnsRecordFacts[]): TrafficState["underneath"] {
  if (records.length === 0) return null;
  const contents = records.map(({ content }) => content.toLowerCase().replace(/\.$/, ""));
  return sideOf(spec, ({ address }) => address !== null && contents.includes(address)) ?? "other";
}

async function customDomainOf(context: Context, spec: Spec, hostname: string): Promise<Side | null> {
  for (const side of SIDES) {
    const project = spec[side].pages_project;
    if (project === undefined) continue;
    const domains = await context.cloudflare("person").pagesDomains(project);
    if (domains.some(({ name, status }) => name === hostname && status === "active")) return side;
  }
  return null;
}

function orderOf(failover: Failover, pools: unknown): readonly Side[] {
  const ids = Array.isArray(pools) ? pools : [];
  return ids.flatMap((id) => SIDES.find((side) => failover.ids[side] === id) ?? []);
}

/** The state of things from which the pure explanation follows. Throws `CloudflareError`. */
async function lookAtTraffic(
  context: Context,
  record: FailoverRecord,
  hostname: string,
): Promise<TrafficState> {
  const snapshot = await context.snapshots.recent(
    [record.failover.facts.zone?.id ?? ""],
    LOOK_MAX_AGE_MS,
    "person",
  );
  const { failover, observed } = await observe(context, record.failover, snapshot, "person");
  const unseen = [observed.load_balancer, observed.primary, observed.secondary].find(
    ({ state }) => state === "unknown",
  );
  if (unseen?.state === "unknown")
    throw new CloudflareError("unavailable", unseen.why.replace(/^Cloudflare could not be read: /, ""));
  const spec = completeSpec(failover.input, failover.facts);
  const lb = objectOf(observed, "load_balancer") ?? {};
  const adaptive = lb["adaptive_routing"];
  return {
    balanced: lb["name"] === hostname && lb["enabled"] !== false,
    order: orderOf(failover, lb["default_pools"]),
    fallback: SIDES.find((side) => failover.ids[side] === lb["fallback_pool"]) ?? otherSide(failover.active),
    endpoints: {
      primary: await endpointState(context, record, spec, observed, "primary"),
      secondary: await endpointState(context, record, spec, observed, "secondary"),
    },
    failoverAcrossPools:
      typeof adaptive === "object" && adaptive !== null && "failover_across_pools" in adaptive
        ? adaptive.failover_across_pools === true
        : false,
    underneath: underneathOf(
      spec,
      await context.cloudflare("person").dnsRecords(failover.facts.zone?.id ?? "", hostname),
    ),
    customDomain: await customDomainOf(context, spec, hostname),
    foreignRouting: findForeign(
      failover,
      foundIn(observed),
      [],
      desiredObjects(failover, context.installation),
    )
      .filter(({ effect }) => effect === "routes")
      .map(({ message }) => message),
  };
}

/** Who serves the present hostname and why, or who would if the given conditions held. */
export async function explainFailover(
  context: Context,
  reference: string,
  conditions: readonly Condition[],
): Promise<Result<ExplanationView>> {
  const found = await loadRecord(context, reference);
  if (!found.ok) return found;
  const record = found.value;
  const { failover } = record;
  const spec = completeSpec(failover.input, failover.facts);
  const hostname = presentHostname(failover.stage, spec);
  const unknown = (why: string): Result<ExplanationView> =>
    ok({
      serving: "unknown",
      rule: "unreadable",
      path: [why],
      predictable: false,
      hostname,
      conditions,
      affinity: null,
    });
  const missing = incompleteness(failover, spec);
  if (missing !== null || hostname === null) return unknown(missing ?? "the hostname is not known yet");
  if (failover.deleting !== null) return fail("deleting", "the failover is being deleted");
  try {
    const state = await lookAtTraffic(context, record, hostname);
    const explained = explainTraffic(suppose(state, conditions));
    const { session_affinity: kind, session_affinity_ttl: ttl } = spec.load_balancer;
    const affinity =
      kind === "none"
        ? null
        : `session affinity (${kind}) keeps visitors at the endpoint that they had for up to ${ttl ?? "Cloudflare's default of 82800"} seconds while it is healthy: this speaks of new ones`;
    return ok({ ...explained, hostname, conditions, affinity });
  } catch (error) {
    if (error instanceof CloudflareError) return unknown(`Cloudflare could not be read: ${error.message}`);
    throw error;
  }
}
