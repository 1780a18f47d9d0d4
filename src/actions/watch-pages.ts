// Notices which production deployments the Pages projects serve that are endpoints, whoever told us to look.
import type { ServingRead } from "../cloudflare/deployments.ts";
import {
  isVerified,
  recoverBySamples,
  type Deployment,
  type ProjectWatch,
  type Served,
} from "../failover/deploys.ts";
import { noticeServing } from "../failover/served-deployment.ts";
import type { Sample } from "../failover/results.ts";
import { commit, insertEvents, loadRecords, setDue, type FailoverRecord } from "../store/failovers.ts";
import { loadDueProjects, loadWatch, postponeProject, saveWatch } from "../store/pages.ts";
import type { Context } from "./context.ts";
import { inParallel } from "./in-parallel.ts";
import { recordOf, servedProjects } from "./served-projects.ts";
import { recoveredEvents } from "./tell-deploy.ts";
import { advanceWatch } from "./verify-deploy.ts";

const WIDTH = 5;
/** What failed for a reason of our own is tried again after this long. */
const AFTER_FAULT_MS = 30_000;

export interface Sighting {
  readonly records: readonly FailoverRecord[];
  readonly read: ServingRead;
  /** When reading began, ms since the epoch. */
  readonly readAt: number;
  /** `cron`, or the id of a webhook. */
  readonly noticedBy: string;
}

interface News {
  readonly watch: ProjectWatch;
  /** Whether a deployment is new, or only what is known of one. */
  readonly isNew: boolean;
  readonly recovered: ProjectWatch["verification"] | null;
}

function newsOf(
  known: ProjectWatch | null,
  project: string,
  serving: Deployment | null,
  served: readonly Served[],
  { records, readAt, noticedBy }: Sighting,
  now: number,
): News | null {
  // What was read before the last news, or while it was made, may be older than that.
  const isOlder = known !== null && readAt <= known.verification.startedAt;
  const noticed = isOlder ? null : noticeServing(known, project, serving, served, noticedBy, now);
  if (noticed !== null) {
    const isNew = noticed.verification !== known?.verification;
    return { watch: noticed, isNew: isNew && known !== null, recovered: null };
  }
  if (known === null) return null;
  const samplesOf = (id: string): readonly Sample[] => recordOf(records, id)?.samples ?? [];
  const recovered = recoverBySamples(known.verification, samplesOf, now);
  if (recovered === null) return null;
  const verified = isVerified(recovered) ? recovered.deployment : known.verified;
  return { watch: { ...known, verification: recovered, verified }, isNew: false, recovered };
}

function logFault(context: Context, project: string, error: unknown): void {
  context.log({
    level: "error",
    message: "a Pages project could not be looked at",
    pages_project: project,
    error: String(error),
  });
}

/** Compares what is served with what is known, and takes what is new as far as it goes now. Writes nothing otherwise. */
export async function watchPages(context: Context, sighting: Sighting): Promise<readonly string[]> {
  const { records, read } = sighting;
  const deployed: string[] = [];
  await inParallel([...servedProjects(records)], WIDTH, async ([project, served]) => {
    const serving = read.serving.get(project) ?? null;
    const known = records[0]?.pages.get(project) ?? null;
    // Most of the time there is nothing, and nobody has to wait for that.
    if (newsOf(known, project, serving, served, sighting, context.clock.now()) === null) return;
    try {
      await context.alone(`pages:${project}`, async () => {
        const stored = await loadWatch(context.db, context.accountId, project);
        const news = newsOf(stored, project, serving, served, sighting, context.clock.now());
        if (news === null) return;
        const events =
          news.recovered === null || stored === null
            ? []
            : recoveredEvents(context, news.watch, stored, records);
        await commit(context.db, [
          saveWatch(context.db, context.accountId, news.watch),
          ...insertEvents(context.db, context.accountId, events),
          // A deploy may come with other changes: Cloudflare is looked at as a whole, too.
          ...(news.isNew
            ? served.map(({ failoverId }) => setDue(context.db, failoverId, context.clock.now()))
            : []),
        ]);
        if (news.isNew) deployed.push(project);
        await advanceWatch(context, news.watch, records);
      });
    } catch (error) {
      logFault(context, project, error);
    }
  });
  return deployed;
}

/** The projects whose next step is due by now. */
export async function advanceDueProjects(context: Context): Promise<void> {
  const now = context.clock.now();
  const due = await loadDueProjects(context.db, context.accountId, now);
  if (due.length === 0) return;
  const records = await loadRecords(context.db, context.accountId, { all: true }, now, () => undefined);
  await inParallel(due, WIDTH, async (project) => {
    try {
      await context.alone(`pages:${project}`, async () => {
        const watch = await loadWatch(context.db, context.accountId, project);
        // One that makes no sense would be due for ever; the next tick watches the project anew.
        if (watch === null)
          await commit(context.db, [postponeProject(context.db, context.accountId, project, null)]);
        else await advanceWatch(context, watch, records);
      });
    } catch (error) {
      logFault(context, project, error);
      // Due at once again it would spin.
      const later = context.clock.now() + AFTER_FAULT_MS;
      await commit(context.db, [postponeProject(context.db, context.accountId, project, later)]);
    }
  });
}
