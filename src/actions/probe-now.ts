import { completeSpec } from "../failover/complete.ts";
import type { Sample } from "../failover/results.ts";
import type { ServingView } from "../failover/serving.ts";
import { servingOf } from "../failover/status.ts";
import { endpointTarget, hostnameTarget, unknownAddress, type ProbeTarget } from "../probing/targets.ts";
import type { FailoverRecord } from "../store/failovers.ts";
import type { Context } from "./context.ts";

/** Probes both endpoints and one hostname in the same moment, for an operation that waits to see who serves. */
export async function probeNow(
  context: Context,
  { failover, status, samples }: FailoverRecord,
  hostname: string,
): Promise<{ sample: Sample; view: ServingView }> {
  const spec = completeSpec(failover.input, failover.facts);
  const tick = context.clock.now();
  const probe = (target: ProbeTarget | null) =>
    target === null ? unknownAddress() : context.prober.probeEndpoint(target);
  const [primary, secondary, seen] = await Promise.all([
    probe(endpointTarget(spec, "primary")),
    probe(endpointTarget(spec, "secondary")),
    probe(hostnameTarget(spec, hostname)),
  ]);
  const sample: Sample = {
    failoverId: failover.id,
    tick,
    primary,
    secondary,
    hostname: seen,
    asked: hostname,
  };
  return { sample, view: servingOf(failover, status, sample, [...samples, sample]) };
}
