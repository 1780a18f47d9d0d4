// `Prefer: wait=N` (RFC 7240): a caller may wait for an operation here in the place of polling.
import type { Context } from "hono";
import type { Operation } from "../failover/results.ts";
import type { ApiDependencies, ApiEnv } from "./dependencies.ts";

const LONGEST_WAIT_SECONDS = 60;
const POLL_MS = 500;

/** Null where no wait was asked for; a preference in a bad form is ignored, as the RFC says. */
export function preferredWaitSeconds(header: string | undefined): number | null {
  for (const preference of (header ?? "").split(",")) {
    const seconds = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*(;.*)?$/i.exec(preference)?.[1];
    if (seconds !== undefined) return Math.min(Number(seconds), LONGEST_WAIT_SECONDS);
  }
  return null;
}

export function hasEnded({ status }: Pick<Operation, "status">): boolean {
  return status !== "pending" && status !== "running";
}

/** The operation as it is after the preferred wait. One that was just stored and isn't there is our fault. */
export async function awaitOperation(
  c: Context<ApiEnv>,
  { reader, clock }: Pick<ApiDependencies, "reader" | "clock">,
  operationId: string,
): Promise<Operation> {
  const seconds = preferredWaitSeconds(c.req.header("prefer"));
  if (seconds !== null) c.header("Preference-Applied", `wait=${seconds}`);
  const until = clock.now() + (seconds ?? 0) * 1000;
  for (;;) {
    const operation = await reader.findOperation(operationId);
    if (operation === null) throw new Error(`operation ${operationId} was accepted but is not stored`);
    const left = until - clock.now();
    if (hasEnded(operation) || left <= 0) return operation;
    await clock.sleep(Math.min(POLL_MS, left));
  }
}
