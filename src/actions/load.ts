import { fail, ok, type Result } from "../failover/results.ts";
import { loadRecords, type FailoverRecord } from "../store/failovers.ts";
import type { Context } from "./context.ts";

/** A failover with all that is known of it, by id or name. */
export async function loadRecord(context: Context, reference: string): Promise<Result<FailoverRecord>> {
  const [record] = await loadRecords(context.db, context.accountId, { reference }, context.clock.now());
  return record === undefined
    ? fail("not-found", `there is no failover with the id or name "${reference}"`)
    : ok(record);
}

/**
 * Loads a failover, waits until nothing else is done to it, and loads it again as it is by then; `before` is what it was
 * when it was asked for.
 */
export async function aloneWith<T>(
  context: Context,
  reference: string,
  work: (record: FailoverRecord, before: FailoverRecord) => Promise<Result<T>>,
): Promise<Result<T>> {
  const found = await loadRecord(context, reference);
  if (!found.ok) return found;
  const { id } = found.value.failover;
  return context.alone(id, async () => {
    const record = await loadRecord(context, id);
    return record.ok ? work(record.value, found.value) : record;
  });
}
