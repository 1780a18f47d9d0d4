// Says whom a change of order does not move: visitors whom session affinity keeps at their endpoint.
import { defaultAffinitySeconds } from "./canonical.ts";
import type { LoadBalancerSpec } from "./complete.ts";

/** A clause with the time to live; null without affinity. */
export function describeAffinity({
  session_affinity: kind,
  session_affinity_ttl: ttl,
}: Pick<LoadBalancerSpec, "session_affinity" | "session_affinity_ttl">): string | null {
  if (kind === "none") return null;
  const seconds = ttl ?? `Cloudflare's default of ${defaultAffinitySeconds(kind)}`;
  return `session affinity (${kind}) keeps visitors at the endpoint that they had for up to ${seconds} seconds`;
}
