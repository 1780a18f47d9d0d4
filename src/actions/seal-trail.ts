// Seals what happened since the last tick. Only the Coordinator does.
import { genesisOf, sealEvents } from "../failover/trail.ts";
import { commit } from "../store/failovers.ts";
import { extendTrail, isSealedByAnother, loadUnsealed } from "../store/trail.ts";
import type { Context } from "./context.ts";
import { sha256 } from "./sha256.ts";

/** So many in one tick: what a busy one leaves over, the next ones seal. */
const MOST_EVENTS = 1000;

/**
 * Goes on with the chain in one batch with its head, by compare-and-set: a Coordinator that was killed left all of it
 * behind or nothing, and of two that live at once one seals and the other finds it done.
 */
export async function sealTrail({ db, accountId, installation, clock, log }: Context): Promise<void> {
  try {
    const { trail, events } = await loadUnsealed(db, accountId, MOST_EVENTS);
    if (events.length === 0) return;
    const head = trail?.head ?? (await genesisOf(installation, accountId, sha256));
    const sealing = await sealEvents(accountId, head, events, sha256);
    await commit(db, extendTrail(db, accountId, head, sealing, clock.now()));
  } catch (error) {
    // Somebody was faster, or has meddled with the chain, which GET /v1/audit/verify shows.
    const level = isSealedByAnother(error) ? "warn" : "error";
    log({ level, message: "events could not be sealed", error: String(error) });
  }
}
