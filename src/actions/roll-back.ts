// The one place from which a Pages project is rolled back: what is served is read right before, the intent is stored
// before the call, and a call whose answer was lost is looked after before another is made.
import { CloudflareError } from "../cloudflare/errors.ts";
import { describeDeployment, type ProjectWatch } from "../failover/deploys.ts";
import { LANDS_WITHIN_MS, nextRollbackStep, type Rollback } from "../failover/rollback.ts";
import { landRollback, noticeServing } from "../failover/served-deployment.ts";
import { commit, insertEvents, type FailoverRecord } from "../store/failovers.ts";
import { saveWatch } from "../store/pages.ts";
import type { Context } from "./context.ts";
import { servedProjects } from "./served-projects.ts";
import { rollbackEvents } from "./tell-deploy.ts";

/** When to look what became of a call whose answer was lost. */
const LOOK_AFTER_MS = 5_000;
/** When to try again what could not be asked. */
const RETRY_AFTER_MS = 15_000;

async function save(context: Context, watch: ProjectWatch): Promise<ProjectWatch> {
  await commit(context.db, [saveWatch(context.db, context.accountId, watch)]);
  return watch;
}

async function fail(
  context: Context,
  watch: ProjectWatch,
  rollback: Rollback,
  records: readonly FailoverRecord[],
  why: string,
): Promise<ProjectWatch> {
  const failed = { ...watch, rollback: { ...rollback, status: "failed" as const }, dueAt: null };
  const events = rollbackEvents(context, failed, rollback, records, { succeeded: false, why });
  await commit(context.db, [
    saveWatch(context.db, context.accountId, failed),
    ...insertEvents(context.db, context.accountId, events),
  ]);
  return failed;
}

async function send(
  context: Context,
  watch: ProjectWatch,
  rollback: Rollback,
  records: readonly FailoverRecord[],
): Promise<ProjectWatch> {
  const { project } = watch;
  const now = context.clock.now();
  const sent = {
    ...rollback,
    status: "sent" as const,
    attempts: rollback.attempts + 1,
    deadlineAt: now + LANDS_WITHIN_MS,
  };
  const open = await save(context, { ...watch, rollback: sent, dueAt: now + LOOK_AFTER_MS });
  try {
    await context.deployments("heal").rollBack(project, rollback.to.id);
  } catch (error) {
    if (!(error instanceof CloudflareError)) throw error;
    // It may have taken effect, or may still do so.
    if (error.ambiguous) return open;
    if (error.kind === "rate-limited" || error.kind === "unavailable") {
      const wanted = { ...rollback, deadlineAt: null };
      return save(context, { ...watch, rollback: wanted, dueAt: context.clock.now() + RETRY_AFTER_MS });
    }
    const lacks = error.kind === "forbidden" ? "; the token needs the permission Pages Write" : "";
    return fail(context, open, sent, records, `Cloudflare refused: ${error.message}${lacks}`);
  }
  const served = servedProjects(records).get(project) ?? [];
  return save(context, landRollback(open, false, served, context.clock.now()));
}

export async function advanceRollback(
  context: Context,
  watch: ProjectWatch,
  records: readonly FailoverRecord[],
): Promise<ProjectWatch> {
  const { project, rollback } = watch;
  if (rollback === null) return watch;
  const served = servedProjects(records).get(project) ?? [];
  const deployments = context.deployments("heal");
  let serving;
  let isThere;
  try {
    serving = await deployments.serving(project);
    isThere = serving?.id !== rollback.from.id || (await deployments.isThere(project, rollback.to.id));
  } catch (error) {
    if (!(error instanceof CloudflareError)) throw error;
    const step = nextRollbackStep(rollback, rollback.from.id, "there", context.clock.now());
    if (step.step === "fail") return fail(context, watch, rollback, records, error.message);
    return save(context, { ...watch, dueAt: context.clock.now() + RETRY_AFTER_MS });
  }
  const now = context.clock.now();
  const next = nextRollbackStep(rollback, serving?.id ?? null, isThere ? "there" : "gone", now);
  switch (next.step) {
    case "landed":
      return save(context, landRollback(watch, true, served, now));
    case "overtaken": {
      const overtaken = noticeServing(watch, project, serving, served, "rollback", now);
      if (overtaken !== null) return save(context, overtaken);
      const why = `${describeDeployment(rollback.from)} is not served any more, and nothing else is`;
      return fail(context, watch, rollback, records, why);
    }
    case "wait":
      return save(context, { ...watch, dueAt: next.until });
    case "fail":
      return fail(context, watch, rollback, records, next.why);
    case "send":
      return send(context, watch, rollback, records);
    default:
      return next satisfies never;
  }
}
