import type { Snapshot } from "../snapshot.ts";
import type { SharedAnswers } from "../../cloudflare/meter.ts";
import { findPreflightsDue } from "../../store/preflights.ts";
import type { Context } from "../context.ts";
import { loadRecord } from "../load.ts";
import { SYSTEM } from "../record.ts";
import { preflightRecord } from "./run-preflight.ts";

const EVERY_MS = 3_600_000;
/** So many in one tick share what they ask of the account and the zone. */
const MOST_A_TICK = 5;
/** What one may cost where nothing is shared: without that many left, polling comes first. */
const CALLS_TO_SPARE = 60;

/** Repeats the full preflight of those that had none for an hour: what nobody changed here may have changed there. */
export async function repeatPreflights(context: Context, snapshot: Snapshot): Promise<void> {
  if (context.budget.left("poll") < CALLS_TO_SPARE) return;
  const due = await findPreflightsDue(
    context.db,
    context.accountId,
    context.clock.now() - EVERY_MS,
    MOST_A_TICK,
  );
  const shared: SharedAnswers = new Map();
  for (const id of due) {
    if (context.budget.left("poll") < CALLS_TO_SPARE) return;
    const record = await loadRecord(context, id);
    if (!record.ok) continue;
    const request = { priority: "poll", snapshot, shared, origin: SYSTEM } as const;
    await preflightRecord(context, record.value, request);
  }
}
