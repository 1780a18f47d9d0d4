import { guardApprovalKept } from "../failover/approval.ts";
import { completeSpec } from "../failover/complete.ts";
import { fieldErrors } from "../failover/field-errors.ts";
import { SIDES, type Facts, type Failover, type Side } from "../failover/failover.ts";
import { keptAfter } from "../failover/foreign.ts";
import { guardChange, guardOperation, guardRevision, withoutOverridden } from "../failover/guards.ts";
import { mergePatch } from "../failover/merge-patch.ts";
import { fail, ok, type FieldError, type Origin, type Result } from "../failover/results.ts";
import { specInputSchema, type SpecInput } from "../failover/spec.ts";
import { spelled } from "../failover/spelled.ts";
import {
  commit,
  forgetWitnesses,
  insertEvents,
  NameTaken,
  RevisionConflict,
  updateIntent,
  type FailoverRecord,
} from "../store/failovers.ts";
import { checkSpec } from "./check-spec.ts";
import type { Context } from "./context.ts";
import { leaveZone } from "./leave-zone.ts";
import { aloneWith } from "./load.ts";
import { eventOf, guardsOverridden } from "./record.ts";
import { tryChange } from "./try-change.ts";

export interface PatchRequest {
  readonly revision: number;
  readonly override?: readonly string[];
  readonly reason?: string;
}

type Patched = Result<{ failoverId: string; revision: number }>;

/** Members that say where a load balancer answers can change only while nobody uses it. */
function fixedMembers(failover: Failover, input: SpecInput): FieldError[] {
  if (failover.stage === "draft") return [];
  const changed = (["hostname", "test_hostname"] as const).filter(
    (member) => failover.input[member] !== input[member],
  );
  return changed.map((member) => ({
    pointer: `/${member}`,
    message: `can change only in draft, and this failover is in ${failover.stage}: demote it first`,
  }));
}

/** A zone or Pages project that the new spec leans on is read anew; what is unchanged isn't. */
function keptFacts({ input: before, facts }: Failover, input: SpecInput): Facts {
  const used = [before.primary.pages_project, before.secondary.pages_project];
  const subdomains = Object.entries(facts.subdomains).filter(([project]) => used.includes(project));
  return {
    zone: before.hostname === input.hostname ? facts.zone : null,
    subdomains: Object.fromEntries(subdomains),
  };
}

/** The endpoints whose witnesses measured something else before: what they said is no evidence any more. */
function otherEndpoints(before: Failover, after: Failover): Side[] {
  const measured = ({ input, facts }: Failover, side: Side) => {
    const spec = completeSpec(input, facts);
    const { address, port, host_header: host } = spec[side];
    // How many checks make a verdict says how soon it comes, and not of what.
    const { description: _, consecutive_up: __, consecutive_down: ___, ...monitor } = spec.monitor;
    return spelled([address, port, host, monitor]);
  };
  return SIDES.filter((side) => measured(before, side) !== measured(after, side));
}

async function patch(
  context: Context,
  record: FailoverRecord,
  change: Readonly<Record<string, unknown>>,
  request: PatchRequest,
  origin: Origin,
): Promise<Patched> {
  const { failover, operation } = record;
  const [stale] = guardRevision(failover, request.revision);
  if (stale !== undefined) return fail("revision-mismatch", stale.message, { refusals: [stale] });
  if (failover.deleting !== null) return fail("deleting", "the failover is being deleted");
  const running = guardOperation(operation);
  if (running.length > 0) return fail("refused", "the failover can't be changed now", { refusals: running });

  const merged = mergePatch(failover.input, change);
  const parsed = specInputSchema.safeParse(merged);
  if (!parsed.success) {
    return fail("invalid", "the spec would not be valid with this patch", {
      errors: fieldErrors(parsed.error.issues, specInputSchema, merged),
    });
  }
  const input = parsed.data;
  const completed = (one: SpecInput) => spelled(completeSpec(one, failover.facts));
  if (completed(input) === completed(specInputSchema.parse(failover.input))) {
    return ok({ failoverId: failover.id, revision: failover.revision });
  }
  const fixed = fixedMembers(failover, input);
  if (fixed.length > 0) return fail("invalid", "a member is fixed in this stage", { errors: fixed });
  const checked = await checkSpec(context, input, keptFacts(failover, input), failover);
  if (!checked.ok) return checked;

  const placed = await leaveZone(context, failover, input, checked.value.facts, origin);
  if (!placed.ok) return placed;
  const facts = placed.value;
  const spec = completeSpec(input, facts);
  const next: Failover = { ...failover, input, facts, revision: failover.revision + 1 };
  const measuredAnew = otherEndpoints(failover, next);
  const refusals = [
    ...guardApprovalKept(completeSpec(failover.input, failover.facts), spec),
    ...guardChange(await tryChange(context, record, next, measuredAnew)),
  ];
  const left = withoutOverridden(refusals, request.override ?? []);
  if (left.length > 0) {
    const detail = `the change is refused: ${left.map(({ message }) => message).join("; ")}`;
    return fail("refused", detail, { refusals: left });
  }
  const now = context.clock.now();
  const changed: Failover = { ...next, updatedAt: now, imported: keptAfter(failover, next) };
  const event = eventOf(context, "failover.updated", failover.id, origin, {
    before: failover.input,
    after: input,
    patch: change,
  });
  const overridden = guardsOverridden(context, failover.id, request.reason, refusals, origin);
  try {
    await commit(context.db, [
      updateIntent(context.db, changed, spec.test_hostname, failover.revision, now),
      ...forgetWitnesses(context.db, failover.id, measuredAnew, now),
      ...insertEvents(context.db, context.accountId, [event, ...overridden]),
    ]);
  } catch (error) {
    if (error instanceof RevisionConflict) return fail("revision-mismatch", error.message);
    if (!(error instanceof NameTaken)) throw error;
    const message = `this ${error.column} is another failover's`;
    return fail("taken", message, { errors: [{ pointer: `/${error.column}`, message }] });
  }
  return ok({ failoverId: failover.id, revision: changed.revision });
}

/** Merges a patch into the spec; one that changes nothing raises no revision. */
export function patchFailover(
  context: Context,
  reference: string,
  change: Readonly<Record<string, unknown>>,
  request: PatchRequest,
  origin: Origin,
): Promise<Patched> {
  return aloneWith(context, reference, (record) => patch(context, record, change, request, origin));
}
