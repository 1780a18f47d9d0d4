// What a preflight asks about the objects of a saved failover: their health, a fresh check of it, and who else uses them.
import { desiredObjects } from "../../failover/desired.ts";
import type { Side } from "../../failover/failover.ts";
import type { Asked, PreflightFacts, PreviewFacts } from "../../failover/preflight/facts.ts";
import type { FailoverRecord } from "../../store/failovers.ts";
import type { Context } from "../context.ts";
import { ask, bySide, mapped, notAsked, NOT_SAVED, type Questions } from "./ask.ts";

const PREVIEW_POLLS = 3;
const PREVIEW_PAUSE_MS = 1000;

export async function startPreview(
  context: Context,
  { inspection }: Pick<Questions, "inspection">,
  record: FailoverRecord | null,
): Promise<Asked<string>> {
  if (record === null) return NOT_SAVED;
  const monitorId = record.failover.ids.monitor;
  if (monitorId === undefined) return notAsked("the monitor does not exist yet");
  const { monitor } = desiredObjects(record.failover, context.installation, record.applied);
  return ask(() => inspection.startPreview(monitorId, monitor));
}

export async function readPreview(
  { clock }: Pick<Context, "clock">,
  { inspection }: Pick<Questions, "inspection">,
  started: Asked<string>,
  record: FailoverRecord | null,
  mostPolls = PREVIEW_POLLS,
): Promise<PreflightFacts["preview"]> {
  if (started.state !== "known") return started;
  const ids = record?.failover.ids;
  for (let polls = 1; polls <= mostPolls; polls += 1) {
    const seen = await ask(() => inspection.preview(started.value));
    if (seen.state !== "known") return seen;
    const { value } = seen;
    if (value !== null) {
      const of = (side: Side): PreviewFacts | null => value.get(ids?.[side] ?? "") ?? null;
      return { state: "known", value: { primary: of("primary"), secondary: of("secondary") } };
    }
    if (polls < mostPolls) await clock.sleep(PREVIEW_PAUSE_MS);
  }
  return { state: "unreadable", why: "Cloudflare's preview had not finished in time" };
}

export function gatherHealth(
  { account }: Questions,
  record: FailoverRecord | null,
  addresses: Readonly<Record<Side, { readonly address: string | null }>>,
): Promise<PreflightFacts["health"]> {
  return bySide(async (side) => {
    if (record === null) return NOT_SAVED;
    const poolId = record.failover.ids[side];
    const { address } = addresses[side];
    if (poolId === undefined || address === null) return notAsked("the pool does not exist yet");
    return mapped(await ask(() => account.poolHealth(poolId)), (byAddress) => byAddress.get(address) ?? []);
  });
}

/** What uses the pools of a saved failover beside its own load balancer, by name. */
export async function gatherReferences(
  { inspection }: Questions,
  record: FailoverRecord | null,
): Promise<PreflightFacts["references"]> {
  const { primary, secondary, load_balancer: own } = record?.failover.ids ?? {};
  const pools = [primary, secondary].filter((id) => id !== undefined);
  if (pools.length === 0) return notAsked("the pools do not exist yet");
  return mapped(await ask(() => inspection.poolUsers(pools)), (users) => [
    ...new Set(users.filter(({ id }) => id !== own).map(({ name }) => name)),
  ]);
}
