// Takes one Pages project's next step: a look at what was deployed, or a step of going back. Each is stored before the
// next, so that it goes on wherever it was stopped.
import { CloudflareError } from "../cloudflare/errors.ts";
import { completeSpec } from "../failover/complete.ts";
import {
  endUndecided,
  foldLooks,
  isDecided,
  isVerified,
  lookOf,
  LOOKS_IN_A_ROW,
  nextLookAt,
  type EndpointVerification,
  type Look,
  type ProjectWatch,
  type Verification,
} from "../failover/deploys.ts";
import type { FailoverEvent } from "../failover/results.ts";
import { beginRollback, decideRollback } from "../failover/rollback.ts";
import { noticeServing } from "../failover/served-deployment.ts";
import { cloudflareWitness } from "../failover/verdict.ts";
import { endpointTarget, type ProbeTarget } from "../probing/targets.ts";
import { commit, insertEvents, type FailoverRecord } from "../store/failovers.ts";
import { saveWatch } from "../store/pages.ts";
import type { Context } from "./context.ts";
import { inParallel } from "./in-parallel.ts";
import { advanceRollback } from "./roll-back.ts";
import { recordOf, servedProjects, wishesOf } from "./served-projects.ts";
import { outcomeEvent, rollbackEvents } from "./tell-deploy.ts";

/** Between two looks of one step. */
const PAUSE_MS = 250;
/** Endpoints of a shared project differ in what is asked of them; the rest of an invocation's connections stay free. */
const WIDTH = 3;

function targetOf(
  { failoverId, side }: EndpointVerification,
  project: string,
  records: readonly FailoverRecord[],
): ProbeTarget | null {
  const record = recordOf(records, failoverId);
  if (record === undefined || record.failover.deleting !== null) return null;
  const spec = completeSpec(record.failover.input, record.failover.facts);
  return spec[side].pages_project === project ? endpointTarget(spec, side) : null;
}

/** One look at each endpoint that isn't decided yet; those that are asked the same are asked once. */
async function lookOnce(
  context: Context,
  project: string,
  verification: Verification,
  records: readonly FailoverRecord[],
): Promise<Verification> {
  const undecided = verification.endpoints.filter(({ outcome }) => outcome === null);
  const targets = new Map<string, ProbeTarget>();
  const keys = new Map<EndpointVerification, string>();
  for (const endpoint of undecided) {
    const target = targetOf(endpoint, project, records);
    if (target === null) continue;
    const key = JSON.stringify(target);
    targets.set(key, target);
    keys.set(endpoint, key);
  }
  const results = new Map<string, Awaited<ReturnType<Context["prober"]["probeEndpoint"]>>>();
  await inParallel([...targets], WIDTH, async ([key, target]) => {
    results.set(key, await context.prober.probeEndpoint(target));
  });
  const now = context.clock.now();
  return foldLooks(verification, (endpoint): Look | null => {
    const result = results.get(keys.get(endpoint) ?? "");
    if (result === undefined) return null;
    const health = recordOf(records, endpoint.failoverId)?.health[endpoint.side];
    return lookOf(result, cloudflareWitness(health, now).verdict, now);
  });
}

/** What a step sees: one look while it settles, as many as decide afterwards. */
async function lookUntilDecided(
  context: Context,
  watch: ProjectWatch,
  records: readonly FailoverRecord[],
): Promise<Verification> {
  let { verification } = watch;
  for (let looks = 0; looks < LOOKS_IN_A_ROW; looks += 1) {
    if (looks > 0) await context.clock.sleep(PAUSE_MS);
    verification = await lookOnce(context, watch.project, verification, records);
    if (isDecided(verification) || context.clock.now() < verification.settledAt) break;
  }
  const now = context.clock.now();
  const isOver = !isDecided(verification) && nextLookAt(verification, now) === null;
  return isOver ? endUndecided(verification, now) : verification;
}

/** Whether Cloudflare names by now what it was rolled back to, or something that nobody expected. */
async function confirmServing(
  context: Context,
  watch: ProjectWatch,
  records: readonly FailoverRecord[],
): Promise<ProjectWatch> {
  const { rollback, project } = watch;
  if (rollback === null || rollback.status !== "verifying" || rollback.confirmed) return watch;
  try {
    const serving = await context.deployments("heal").serving(project);
    const served = servedProjects(records).get(project) ?? [];
    return noticeServing(watch, project, serving, served, "rollback", context.clock.now()) ?? watch;
  } catch (error) {
    if (!(error instanceof CloudflareError)) throw error;
    return watch;
  }
}

/** What came of it for each endpoint. */
async function tell(
  context: Context,
  watch: ProjectWatch,
  records: readonly FailoverRecord[],
  next: string | null,
): Promise<FailoverEvent[]> {
  const events: FailoverEvent[] = [];
  for (const endpoint of watch.verification.endpoints) {
    const record = recordOf(records, endpoint.failoverId);
    if (record === undefined) continue;
    events.push(
      await outcomeEvent(context, watch, endpoint, record, endpoint.outcome === "broken" ? next : null),
    );
  }
  return events;
}

/** How it ended after a rollback. */
function afterRollback(
  context: Context,
  watch: ProjectWatch,
  records: readonly FailoverRecord[],
): { watch: ProjectWatch; events: FailoverEvent[] } {
  const { rollback, verification } = watch;
  if (rollback === null || !isDecided(verification)) return { watch, events: [] };
  const succeeded = isVerified(verification);
  const ended = { ...rollback, status: succeeded ? ("done" as const) : ("failed" as const) };
  const bad = verification.endpoints.find(({ outcome }) => outcome !== "verified");
  const seen = (bad ?? verification.endpoints[0])?.looks.at(-1)?.seen ?? "nothing";
  const why = succeeded ? `it is good: ${seen}` : `what it returned to was not found good: ${seen}`;
  const events = rollbackEvents(context, watch, ended, records, { succeeded, why });
  // What is broken by now is no place to go back to, until it is found good again.
  const verified = bad?.outcome === "broken" ? null : watch.verified;
  return { watch: { ...watch, rollback: ended, verified }, events };
}

async function afterDeploy(
  context: Context,
  watch: ProjectWatch,
  records: readonly FailoverRecord[],
): Promise<{ watch: ProjectWatch; events: FailoverEvent[] }> {
  const { verification, project } = watch;
  const now = context.clock.now();
  // What is done about it is decided when all endpoints are: until then nobody is told of it, all in one.
  if (!isDecided(verification)) return { watch, events: [] };
  if (isVerified(verification)) {
    const good = { ...watch, verified: verification.deployment };
    return { watch: good, events: await tell(context, good, records, null) };
  }
  const served = servedProjects(records).get(project) ?? [];
  const decision = decideRollback(watch, wishesOf(records, served, now));
  switch (decision.kind) {
    case "none":
      return { watch, events: await tell(context, watch, records, null) };
    case "report": {
      const next = `it is not rolled back: ${decision.why}`;
      return { watch, events: await tell(context, watch, records, next) };
    }
    case "rollback": {
      const rollback = beginRollback(verification.deployment, decision.to, now);
      const next = `it is being rolled back to ${decision.to.id.slice(0, 8)}`;
      const events = await tell(context, watch, records, next);
      return { watch: { ...watch, rollback }, events };
    }
    default:
      return decision satisfies never;
  }
}

/** One step of looking. */
async function advanceLooks(
  context: Context,
  given: ProjectWatch,
  records: readonly FailoverRecord[],
): Promise<ProjectWatch> {
  const watch = await confirmServing(context, given, records);
  const verification = await lookUntilDecided(context, watch, records);
  const looked = { ...watch, verification };
  const after =
    verification.why === "rolled-back"
      ? afterRollback(context, looked, records)
      : await afterDeploy(context, looked, records);
  const now = context.clock.now();
  const isWanted = after.watch.rollback?.status === "wanted";
  const next = { ...after.watch, dueAt: isWanted ? now : nextLookAt(verification, now) };
  await commit(context.db, [
    saveWatch(context.db, context.accountId, next),
    ...insertEvents(context.db, context.accountId, after.events),
  ]);
  return next;
}

/** All steps that are due now. Whoever calls it has the project for itself. */
export async function advanceWatch(
  context: Context,
  given: ProjectWatch,
  records: readonly FailoverRecord[],
): Promise<void> {
  let watch = given;
  // A verification, a rollback and what follows it: more steps than that are never due at once.
  for (let steps = 0; steps < 4; steps += 1) {
    if (watch.dueAt === null || watch.dueAt > context.clock.now()) return;
    const isOpen = watch.rollback?.status === "wanted" || watch.rollback?.status === "sent";
    watch = isOpen
      ? await advanceRollback(context, watch, records)
      : await advanceLooks(context, watch, records);
  }
}
