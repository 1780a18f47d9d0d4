// What a hostname leads to once no load balancer has it.
import { namesAnswering } from "../failover/hostnames.ts";
import type { DnsRecordFacts } from "../failover/preflight/facts.ts";
import type { Context } from "./context.ts";

/** The records that answer for a hostname: a wildcard's where it has none of its own. Throws `CloudflareError`. */
export async function recordsAnswering(
  context: Context,
  zone: { readonly id: string; readonly name: string },
  hostname: string,
): Promise<readonly DnsRecordFacts[]> {
  for (const name of namesAnswering(hostname, zone.name)) {
    const records = await context.cloudflare("person").dnsRecords(zone.id, name);
    if (records.length > 0) return records;
  }
  return [];
}
