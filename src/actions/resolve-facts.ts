import type { Priority } from "../cloudflare/budget.ts";
import { CloudflareError } from "../cloudflare/errors.ts";
import { completeSpec } from "../failover/complete.ts";
import type { Facts, Failover } from "../failover/failover.ts";
import { findZone } from "../failover/hostnames.ts";
import type { FieldError } from "../failover/results.ts";
import type { SpecInput } from "../failover/spec.ts";
import { commit, NameTaken, saveFacts } from "../store/failovers.ts";
import type { Context } from "./context.ts";

export interface ReadFacts {
  readonly facts: Facts;
  /** What Cloudflare says is wrong with the spec. */
  readonly errors: readonly FieldError[];
  /** What could not be read and may come right by itself. */
  readonly unreadable: string | null;
}

/** Reads the zone and the Pages projects that a spec leans on; what `known` has is not read again. */
export async function readFacts(
  context: Pick<Context, "cloudflare">,
  input: SpecInput,
  known: Facts,
  priority: Priority,
): Promise<ReadFacts> {
  const account = context.cloudflare(priority);
  const errors: FieldError[] = [];
  let unreadable: string | null = null;
  let { zone } = known;
  const subdomains: Record<string, string> = { ...known.subdomains };

  const attempt = async (read: () => Promise<void>): Promise<void> => {
    try {
      await read();
    } catch (error) {
      if (!(error instanceof CloudflareError)) throw error;
      unreadable ??= error.message;
    }
  };

  if (zone === null) {
    await attempt(async () => {
      const zones = await account.zones();
      zone = findZone(input.hostname, zones);
      if (zone !== null) return;
      const seen = zones.map(({ name }) => name).join(", ") || "none";
      const message = `${input.hostname} lies in no zone that the Cloudflare token can see (${seen})`;
      errors.push({ pointer: "/hostname", message });
    });
  }
  for (const side of ["primary", "secondary"] as const) {
    const { pages_project: project, custom_domain: domain } = input[side];
    if (project === undefined || (Object.hasOwn(subdomains, project) && domain === undefined)) continue;
    await attempt(async () => {
      try {
        const { subdomain, domains } = await account.pagesProject(project);
        subdomains[project] = subdomain;
        if (domain === undefined || domains.includes(domain)) return;
        const message = `${domain} is not a custom domain of the Pages project ${project} (it has ${domains.join(", ") || "none"})`;
        errors.push({ pointer: `/${side}/custom_domain`, message });
      } catch (error) {
        if (!(error instanceof CloudflareError) || error.kind !== "not-found") throw error;
        const message = `the account has no Pages project "${project}"`;
        errors.push({ pointer: `/${side}/pages_project`, message });
      }
    });
  }
  return { facts: { zone, subdomains }, errors, unreadable };
}

/** Catches up on what could not be read when the failover was created. */
export async function resolveFacts(
  context: Context,
  failover: Failover,
  priority: Priority,
): Promise<{ failover: Failover; problem: { why: string; definite: boolean } | null }> {
  const { facts, errors, unreadable } = await readFacts(context, failover.input, failover.facts, priority);
  const resolved = { ...failover, facts };
  if (JSON.stringify(facts) !== JSON.stringify(failover.facts)) {
    const { test_hostname: testHostname } = completeSpec(failover.input, facts);
    try {
      await commit(context.db, [saveFacts(context.db, resolved, testHostname)]);
    } catch (error) {
      if (!(error instanceof NameTaken)) throw error;
      // Only now is it known which name that would be.
      const why = `the test hostname ${testHostname} is another failover's: give this one another test_hostname`;
      return { failover, problem: { why, definite: true } };
    }
  }
  const [error] = errors;
  if (error !== undefined) return { failover: resolved, problem: { why: error.message, definite: true } };
  if (unreadable === null) return { failover: resolved, problem: null };
  return {
    failover: resolved,
    problem: { why: `Cloudflare could not be read: ${unreadable}`, definite: false },
  };
}
