// Forgets events that are older than they have to be kept, and leaves a checkpoint from which the rest is verified.
import { walkChain } from "../failover/trail.ts";
import { commit } from "../store/failovers.ts";
import { findPrunable, loadTrailPage, pruneTrail } from "../store/trail.ts";
import type { Context } from "./context.ts";
import { sha256 } from "./sha256.ts";
import { entriesOf } from "./trail-entries.ts";

/** So many at once, and so often in one go. */
const CHUNK = 500;
const MOST_CHUNKS = 10;

/**
 * Prunes only what is sealed and verifies: where somebody meddled with the trail, what shows that is kept. `before` is in
 * ms since the epoch.
 */
export async function pruneEvents(context: Context, before: number): Promise<void> {
  const { db, accountId, clock, log } = context;
  for (let chunks = 0; chunks < MOST_CHUNKS; chunks += 1) {
    const upTo = await findPrunable(db, accountId, before, CHUNK);
    if (upTo === null) return;
    const page = await loadTrailPage(db, accountId, null, CHUNK);
    const { trail } = page;
    if (trail === null) return;
    const entries = entriesOf(page, CHUNK).entries.filter(({ seq }) => seq <= upTo);
    const { reached, count, broken } = await walkChain(accountId, trail.start, entries, sha256);
    if (broken !== null) {
      log({ level: "error", message: "the trail is broken, and nothing more of it is pruned", ...broken });
    }
    if (count === 0) return;
    await commit(db, pruneTrail(db, accountId, trail.start, reached, clock.now()));
    if (broken !== null || count < CHUNK) return;
  }
}
