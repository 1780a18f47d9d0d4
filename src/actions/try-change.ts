import { completeSpec, type Spec } from "../failover/complete.ts";
import { SIDES, type Failover, type Side } from "../failover/failover.ts";
import { targetFacts, type Tried } from "../failover/guards.ts";
import { spelled } from "../failover/spelled.ts";
import { endpointTarget } from "../probing/targets.ts";
import type { FailoverRecord } from "../store/failovers.ts";
import type { Context } from "./context.ts";
import { readPreview, startPreview } from "./preflight/gather-balancing.ts";

/** A person waits for it, and a check of Cloudflare's takes as long as the endpoint's timeout. */
const MOST_POLLS = 12;
const LIMITS = { most: 1 + MOST_POLLS, reserved: 0 } as const;

async function probe(context: Context, spec: Spec, endpoint: Side): Promise<Tried> {
  const target = endpointTarget(spec, endpoint);
  if (target === null) return { endpoint, by: "probe", ok: null, detail: "its address is not known yet" };
  const { ok, detail } = await context.prober.probeEndpoint(target);
  return { endpoint, by: "probe", ok, detail: detail ?? "it answers well" };
}

/** A preview checks the pools' present endpoints by other settings. */
async function preview(context: Context, record: FailoverRecord, sides: readonly Side[]): Promise<Tried[]> {
  const questions = context.inspecting("person", LIMITS);
  const started = await startPreview(context, questions, record);
  const seen = await readPreview(context, questions, started, record, MOST_POLLS);
  return sides.map((endpoint) => {
    if (seen.state !== "known") return { endpoint, by: "preview", ok: null, detail: seen.why };
    const found = seen.value[endpoint];
    if (found === null)
      return { endpoint, by: "preview", ok: null, detail: "Cloudflare's preview says nothing of it" };
    const reasons = found.origins.filter(({ healthy }) => !healthy).map(({ reason }) => reason);
    return { endpoint, by: "preview", ok: found.healthy, detail: reasons.join(", ") || "no reason given" };
  });
}

/**
 * Tries a change in production before it is stored: Cloudflare's preview of another monitor, and our probe of another
 * endpoint, which Cloudflare can't check before it stands in the pool. `sides` are those that would be measured anew.
 */
export async function tryChange(
  context: Context,
  record: FailoverRecord,
  next: Failover,
  sides: readonly Side[],
): Promise<readonly Tried[]> {
  const { failover } = record;
  if (failover.stage !== "production" || sides.length === 0) return [];
  const [before, after] = [failover, next].map(({ input, facts }) => completeSpec(input, facts));
  if (before === undefined || after === undefined) return [];
  const isAnother = (side: Side): boolean => {
    const where = ({ [side]: { address, port, host_header: host } }: Spec) => spelled([address, port, host]);
    return where(before) !== where(after);
  };
  const moved = SIDES.filter(isAnother);
  const stays = sides.filter((side) => !moved.includes(side));
  // Where our probe never got through, it says nothing about what changed.
  const { probeSucceededBefore } = targetFacts(record, record.health, context.clock.now());
  const probed = [...moved, ...stays.filter((side) => probeSucceededBefore[side])];
  const [probes, previews] = await Promise.all([
    Promise.all(probed.map((side) => probe(context, after, side))),
    stays.length === 0 ? [] : preview(context, { ...record, failover: next }, stays),
  ]);
  return [...probes, ...previews];
}
