import { drillStateOf } from "../failover/drill-report.ts";
import { fail, ok, type Origin, type Result } from "../failover/results.ts";
import { loadDrill } from "../store/drills.ts";
import { commit, insertEvents } from "../store/failovers.ts";
import type { Context } from "./context.ts";
import { keepOutcome, okForGood } from "./idempotency-keys.ts";
import type { AbortRequest } from "./coordinator-port.ts";
import { aloneWith } from "./load.ts";
import { endDrillLease, preempt } from "./preempt.ts";

/** Ends a drill now: from then on what was before is wanted, and restored at once. Asked twice it is still one end. */
export function abortDrill(
  context: Context,
  reference: string,
  { drillId, reason }: AbortRequest,
  origin: Origin,
): Promise<Result<{ operationId: string }>> {
  return aloneWith(context, reference, async (record) => {
    const { failover, operation } = record;
    const running = operation?.kind === "drill" ? operation : null;
    if (running === null || (drillId !== undefined && drillStateOf(running).drillId !== drillId)) {
      const asked = drillId === undefined ? null : await loadDrill(context.db, failover.id, drillId);
      if (asked?.status === "aborted") return okForGood(context, { operationId: asked.operationId });
      if (asked !== null) return fail("refused", `the drill has ${asked.report.verdict ?? "ended"} already`);
      return drillId === undefined
        ? fail("refused", "no drill is under way")
        : fail("not-found", "the failover has no drill with this id");
    }
    const why = `aborted by ${origin.actor.name}${reason === undefined ? "" : `: ${reason}`}`;
    const preempted = preempt(context, running, why, origin);
    const diversion = endDrillLease(context, record, origin);
    await commit(context.db, [
      ...preempted.writes,
      ...diversion.writes,
      ...insertEvents(context.db, context.accountId, [...preempted.events, ...diversion.events]),
      ...keepOutcome(context, { operationId: running.id }),
    ]);
    return ok({ operationId: running.id });
  });
}
