import { loadRecords } from "../store/failovers.ts";
import type { Context } from "./context.ts";
import { inParallel } from "./in-parallel.ts";
import { lookAt, readHealth } from "./tick.ts";

const WIDTH = 5;
/** What was read a moment ago serves the next that ask. */
const SHARED_FOR_MS = 5_000;

/**
 * A look between the minutes, because somebody says that there is news: at the failovers that a text names by the id of
 * an object, or at all where it names none. Which pools' health is worth a reading their list says itself.
 */
export async function lookBetween(context: Context, text: string): Promise<readonly string[]> {
  const now = context.clock.now();
  const turns = context.allTurns();
  const all = await loadRecords(context.db, context.accountId, { all: true }, now, () => undefined);
  const there = all.filter(({ failover }) => failover.deleting === null);
  const named = there.filter(({ failover }) => Object.values(failover.ids).some((id) => text.includes(id)));
  const records = named.length > 0 ? named : there;
  const zoneIds = records.flatMap(({ failover }) => failover.facts.zone?.id ?? []);
  const before = context.budget.left("poll");
  const snapshot = await context.snapshots.recent(zoneIds, SHARED_FOR_MS, "poll");
  const read = await readHealth(context, records, snapshot, before - context.budget.left("poll"));
  await inParallel(records, WIDTH, async (record) => {
    const { id } = record.failover;
    try {
      await lookAt(context, record, turns.get(id) ?? 0, snapshot, read);
    } catch (error) {
      context.log({
        level: "error",
        message: "a failover could not be looked at",
        failover_id: id,
        error: String(error),
      });
    }
  });
  return records.map(({ failover }) => failover.name);
}
