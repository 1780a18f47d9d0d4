import type { SharedAnswers } from "../../cloudflare/meter.ts";
import { findPreflightsDue } from "../../store/preflights.ts";
import type { Context } from "../context.ts";
import { inParallel } from "../in-parallel.ts";
import { loadRecord } from "../load.ts";
import { SYSTEM } from "../record.ts";
import type { Snapshot } from "../snapshot.ts";
import { MOST_CALLS } from "./gather.ts";
import { preflightRecord } from "./run-preflight.ts";

const EVERY_MS = 3_600_000;
/** So many in one tick, at once, share what they ask of the account and the zone. */
const MOST_A_TICK = 5;
/** Polling comes first: so many of its calls stay free. */
const CALLS_TO_SPARE = 60;

/** Repeats the full preflight of those that had none for an hour: what nobody changed here may have changed there. */
export async function repeatPreflights(context: Context, snapshot: Snapshot): Promise<void> {
  const affordable = Math.floor((context.budget.left("poll") - CALLS_TO_SPARE) / MOST_CALLS);
  const most = Math.min(MOST_A_TICK, affordable);
  // Without the lists nearly nothing could be told: it waits for the tick that reads them.
  if (most <= 0 || !snapshot.monitors.ok || !snapshot.pools.ok) return;
  const before = context.clock.now() - EVERY_MS;
  // More than will be made, so that one that can't be made keeps no other from its own.
  const due = await findPreflightsDue(context.db, context.accountId, before, most * 4);
  const shared: SharedAnswers = new Map();
  let made = 0;
  await inParallel(due, most, async (id) => {
    if (made >= most) return;
    try {
      const record = await loadRecord(context, id);
      if (!record.ok) return;
      const request = { priority: "poll", snapshot, shared, origin: SYSTEM } as const;
      await preflightRecord(context, record.value, request);
      made += 1;
    } catch (error) {
      context.log({
        level: "error",
        message: "a preflight could not be made",
        failover_id: id,
        error: String(error),
      });
    }
  });
}
