import { completeSpec } from "../failover/complete.ts";
import { SIDES, type Side } from "../failover/failover.ts";
import type { FailoverEvent, Verdict, WitnessView } from "../failover/results.ts";
import { rememberTraits } from "../failover/serving.ts";
import { deriveServing, type StoredStatus } from "../failover/status.ts";
import { deriveSideHealth, type PoolHealth } from "../failover/verdict.ts";
import { commit, insertEvents, savePoolHealth, saveStatus, type FailoverRecord } from "../store/failovers.ts";
import type { Context } from "./context.ts";
import { eventOf, HEALTH_CHECKS, SYSTEM } from "./record.ts";

function verdictOf(witnesses: readonly WitnessView[], witness: WitnessView["witness"]): WitnessView {
  const found = witnesses.find((one) => one.witness === witness);
  return found ?? { witness, verdict: "unknown", since: null, observedAt: null, detail: null };
}

/**
 * Judges the witnesses and who serves, and writes an event for each change and for nothing else. `health` holds what
 * was read in this tick. Answers the status as it is stored now.
 */
export async function announceVerdicts(
  context: Context,
  record: FailoverRecord,
  status: StoredStatus,
  health: Readonly<Partial<Record<Side, PoolHealth>>>,
): Promise<StoredStatus> {
  const { failover, samples } = record;
  const now = context.clock.now();
  const events: FailoverEvent[] = [];
  const verdicts = { ...status.announced.verdicts };
  const probeSucceeded = { ...status.probeSucceeded };
  const spec = completeSpec(failover.input, failover.facts);
  let { remembered } = status;
  for (const side of SIDES) {
    const judged = deriveSideHealth(side, health[side] ?? record.health[side], samples, now);
    const before = status.announced.verdicts[side];
    const after: Record<"cloudflare" | "probe", Verdict> = { ...before };
    for (const witness of ["cloudflare", "probe"] as const) {
      const { verdict, detail } = verdictOf(judged.witnesses, witness);
      after[witness] = verdict;
      if (verdict === before[witness]) continue;
      const data = { endpoint: side, witness, before: before[witness], after: verdict, detail };
      const origin = witness === "cloudflare" ? HEALTH_CHECKS : SYSTEM;
      events.push(eventOf(context, "health.changed", failover.id, origin, data));
    }
    // What a good answer looks like is kept for the time when there is none.
    if (before.probe === "healthy" && after.probe !== "healthy")
      remembered = { ...remembered, ...rememberTraits(samples) };
    if (samples.at(-1)?.[side].ok === true) probeSucceeded[side] = spec[side].address;
    verdicts[side] = after;
  }
  const { serving, detail } = deriveServing(failover, status, samples);
  if (serving !== status.announced.serving) {
    const data = { before: status.announced.serving, after: serving, detail };
    events.push(eventOf(context, "serving.changed", failover.id, SYSTEM, data));
  }
  const next: StoredStatus = { ...status, announced: { verdicts, serving }, probeSucceeded, remembered };
  await commit(context.db, [
    ...(JSON.stringify(next) === JSON.stringify(status) ? [] : [saveStatus(context.db, failover.id, next)]),
    ...SIDES.flatMap((side) =>
      health[side] === undefined ? [] : [savePoolHealth(context.db, failover, side, health[side])],
    ),
    ...insertEvents(context.db, context.accountId, events),
  ]);
  return next;
}
