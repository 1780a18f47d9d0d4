import { CloudflareError } from "../cloudflare/errors.ts";
import { describeAffinity } from "../failover/affinity.ts";
import { completeSpec, type Spec } from "../failover/complete.ts";
import { incompleteness, presentHostname } from "../failover/desired.ts";
import { explainTraffic, suppose, type Condition, type TrafficState } from "../failover/explain.ts";
import { SIDES, type Side } from "../failover/failover.ts";
import { balancedTraffic, underneathOf } from "../failover/traffic.ts";
import { fail, ok, type ExplanationView, type Result } from "../failover/results.ts";
import type { FailoverRecord } from "../store/failovers.ts";
import type { Context } from "./context.ts";
import { loadRecord } from "./load.ts";
import { readPoolHealth } from "./look.ts";
import { observe } from "./observe.ts";
import { recordsAnswering } from "./underneath.ts";

/** What is asked of Cloudflare for an explanation may be this old: it is asked again and again with other conditions. */
const LOOK_MAX_AGE_MS = 10_000;

/** What Cloudflare's checks say: as it was read last, or read now where it never was. */
async function healthOf(
  context: Context,
  { failover, health }: FailoverRecord,
  spec: Spec,
  side: Side,
): Promise<boolean | null> {
  const poolId = failover.ids[side];
  const { address } = spec[side];
  if (poolId === undefined || address === null) return null;
  const known = health[side]?.poolId === poolId ? health[side] : undefined;
  return (known ?? (await readPoolHealth(context, poolId, address, undefined, "person"))).healthy;
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
  const [primary, secondary] = [
    await healthOf(context, record, spec, "primary"),
    await healthOf(context, record, spec, "secondary"),
  ];
  const last = record.samples.at(-1);
  const probed = { primary: last?.primary.ok ?? null, secondary: last?.secondary.ok ?? null };
  const witnesses = { health: { primary, secondary }, probed };
  const { zone } = failover.facts;
  if (zone === null) throw new CloudflareError("unavailable", "the zone is not known yet");
  return {
    ...balancedTraffic(failover, observed, witnesses, context.installation, hostname),
    underneath: underneathOf(spec, await recordsAnswering(context, zone, hostname)),
    customDomain: await customDomainOf(context, spec, hostname),
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
    const kept = describeAffinity(spec.load_balancer);
    const affinity = kept === null ? null : `${kept} while it is healthy: this speaks of new ones`;
    return ok({ ...explained, hostname, conditions, affinity });
  } catch (error) {
    if (error instanceof CloudflareError) return unknown(`Cloudflare could not be read: ${error.message}`);
    throw error;
  }
}
