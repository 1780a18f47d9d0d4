import { completeSpec } from "../failover/complete.ts";
import type { Served } from "../failover/deploys.ts";
import { SIDES } from "../failover/failover.ts";
import { pausedUntil } from "../failover/leases.ts";
import type { Wish } from "../failover/rollback.ts";
import type { FailoverRecord } from "../store/failovers.ts";

/** The endpoints that each Pages project is; a failover that is on its way out has none any more. */
export function servedProjects(records: readonly FailoverRecord[]): ReadonlyMap<string, readonly Served[]> {
  const served = new Map<string, Served[]>();
  for (const { failover } of records) {
    if (failover.deleting !== null) continue;
    const spec = completeSpec(failover.input, failover.facts);
    for (const side of SIDES) {
      const project = spec[side].pages_project;
      if (project === undefined) continue;
      served.set(project, [...(served.get(project) ?? []), { failoverId: failover.id, side }]);
    }
  }
  return served;
}

export function recordOf(records: readonly FailoverRecord[], failoverId: string): FailoverRecord | undefined {
  return records.find(({ failover }) => failover.id === failoverId);
}

/** What each failover that shares the project wants done about a broken deployment. */
export function wishesOf(
  records: readonly FailoverRecord[],
  served: readonly Served[],
  now: number,
): readonly Wish[] {
  return served.flatMap(({ failoverId }) => {
    const record = recordOf(records, failoverId);
    if (record === undefined) return [];
    const { name, on_broken_deploy: policy } = completeSpec(record.failover.input, record.failover.facts);
    return [{ name, policy, paused: pausedUntil(record.leases, now) !== null }];
  });
}
