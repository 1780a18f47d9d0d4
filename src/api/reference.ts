import type { ReaderPort } from "../actions/reader-port.ts";
import type { FailoverView } from "../failover/results.ts";
import { problem, type ProblemError } from "./problem.ts";

const FAILOVER_ID = /^fo_[A-Za-z0-9]+$/;

/** Names can't hold an underscore, so that an id is never taken for a name. */
export function isFailoverId(reference: string): boolean {
  return FAILOVER_ID.test(reference);
}

export function noSuchFailover(): ProblemError {
  return problem("not-found", "There is no failover with this id or name.");
}

/** By id or name; ends the request where there is none. */
export async function findFailover(reader: ReaderPort, reference: string): Promise<FailoverView> {
  const failover = await reader.findFailover(reference);
  if (failover === null) throw noSuchFailover();
  return failover;
}
