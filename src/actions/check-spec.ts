import { CloudflareError } from "../cloudflare/errors.ts";
import { isAddressLiteral, isInCidrs } from "../failover/addresses.ts";
import { completeSpec, type Spec } from "../failover/complete.ts";
import { SIDES, type Facts } from "../failover/failover.ts";
import { fail, ok, type FieldError, type Result } from "../failover/results.ts";
import { specProblems } from "../failover/spec-rules.ts";
import type { SpecInput } from "../failover/spec.ts";
import { findHolders } from "../store/failovers.ts";
import type { Context } from "./context.ts";
import { readFacts } from "./resolve-facts.ts";
import { findTakenNames, type Claimant } from "./taken-names.ts";

/** How old a look may be on which a name is called free: Cloudflare itself has the last word on that. */
const LOOK_MAX_AGE_MS = 10_000;

export interface CheckedSpec {
  readonly spec: Spec;
  readonly facts: Facts;
  /** What could not be checked because Cloudflare could not be read; it is checked again when it can. */
  readonly unchecked: string | null;
}

async function inCloudflaresRanges(context: Context, spec: Spec): Promise<FieldError[]> {
  const literal = SIDES.filter(
    (side) => spec[side].address !== null && isAddressLiteral(spec[side].address ?? ""),
  );
  if (literal.length === 0) return [];
  try {
    const ranges = await context.cloudflare("person").addressRanges();
    return literal
      .filter((side) => isInCidrs(spec[side].address ?? "", ranges))
      .map((side) => ({
        pointer: `/${side}/address`,
        message:
          "is one of Cloudflare's anycast addresses, which can change at any time: give the endpoint's hostname",
      }));
  } catch (error) {
    // The copy of the published ranges that we carry was checked already.
    if (error instanceof CloudflareError) return [];
    throw error;
  }
}

/** Names and hostnames of a spec that another failover of ours has. */
export async function findHeld(context: Context, spec: Spec, failoverId: string): Promise<FieldError[]> {
  const names = [spec.hostname, ...(spec.test_hostname === null ? [] : [spec.test_hostname])];
  const holders = await findHolders(
    context.db,
    context.accountId,
    { name: spec.name, hostnames: names },
    failoverId,
  );
  return holders.flatMap((holder) => {
    const has = [holder.hostname, holder.test_hostname];
    return [
      ...(holder.name === spec.name
        ? [{ pointer: "/name", message: `"${spec.name}" is the name of ${holder.id}` }]
        : []),
      ...(has.includes(spec.hostname)
        ? [{ pointer: "/hostname", message: `${spec.hostname} belongs to the failover ${holder.name}` }]
        : []),
      ...(spec.test_hostname !== null && has.includes(spec.test_hostname)
        ? [
            {
              pointer: "/test_hostname",
              message: `${spec.test_hostname} belongs to the failover ${holder.name}`,
            },
          ]
        : []),
    ];
  });
}

/**
 * Whether a spec can be had as it stands, as far as can be told now. What Cloudflare can't be asked at the moment is
 * no reason to refuse: it is left open and checked again by the reconciliation.
 */
export async function checkSpec(
  context: Context,
  input: SpecInput,
  known: Facts,
  claimant: Claimant,
): Promise<Result<CheckedSpec>> {
  const { facts, errors, unreadable } = await readFacts(context, input, known, "person");
  const spec = completeSpec(input, facts);
  const problems = [
    ...errors,
    ...specProblems(spec, facts.zone),
    ...(await inCloudflaresRanges(context, spec)),
  ];
  if (problems.length > 0) {
    return fail("invalid", "The spec is not usable; `errors` names every fault.", {
      errors: problems,
    });
  }
  const taken = await findHeld(context, spec, claimant.id);
  if (taken.length === 0 && facts.zone !== null) {
    const zones = [facts.zone.id];
    const seen = await context.snapshots.recent(zones, LOOK_MAX_AGE_MS, "person");
    if (findTakenNames(context.installation, spec, claimant, seen).length > 0) {
      // What was deleted a moment ago may still stand in a shared look: only a new one refuses.
      const snapshot = await context.snapshots.take(zones, "person");
      taken.push(...findTakenNames(context.installation, spec, claimant, snapshot));
    }
  }
  const [first] = taken;
  if (first !== undefined) return fail("taken", first.message, { errors: taken });
  return ok({ spec, facts, unchecked: unreadable });
}
