// Does what webhooks ask for, which is to look: what happened is read from Cloudflare's API, never from what they say.
import { fail, ok, type Result } from "../failover/results.ts";
import { commit, loadRecords } from "../store/failovers.ts";
import {
  loadWaitingWebhooks,
  loadWebhook,
  replayWebhook,
  settleWebhook,
  type StoredWebhook,
  type WebhookOutcome,
} from "../store/webhooks.ts";
import { hintOf } from "../webhooks/hints.ts";
import type { Context } from "./context.ts";
import { keepOutcome } from "./idempotency-keys.ts";
import { lookBetween } from "./look-between.ts";
import { servedProjects } from "./served-projects.ts";
import { watchPages } from "./watch-pages.ts";

const AT_ONCE = 100;
/** Whoever sends many gets one look for all that came meanwhile. */
const PAUSE_MS = 1_000;

function namesOf(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

/** Looks at the projects that these name, and answers for each webhook what came of it. */
async function lookAtProjects(
  context: Context,
  webhooks: readonly StoredWebhook[],
): Promise<ReadonlyMap<string, WebhookOutcome>> {
  const outcomes = new Map<string, WebhookOutcome>();
  if (webhooks.length === 0) return outcomes;
  const now = context.clock.now();
  const records = await loadRecords(context.db, context.accountId, { all: true }, now, () => undefined);
  const known = [...servedProjects(records).keys()];
  const wanted = new Map<string, readonly string[]>();
  for (const webhook of webhooks) {
    const { project } = hintOf(webhook);
    // What Cloudflare writes of a project is not documented: any mention of one of ours will do, and none means all.
    const mentioned = known.filter((name) => webhook.body.includes(`"${name}"`));
    const projects =
      project === null
        ? mentioned.length > 0
          ? mentioned
          : known
        : known.filter((name) => name === project);
    if (projects.length > 0) wanted.set(webhook.id, projects);
    const message =
      project === null
        ? "no failover has a Pages project as an endpoint"
        : `the Pages project ${project} is no failover's endpoint`;
    if (projects.length === 0) outcomes.set(webhook.id, { result: "ignored", message });
  }
  const projects = [...new Set([...wanted.values()].flat())];
  if (projects.length === 0) return outcomes;
  const readAt = context.clock.now();
  const read = await context.deployments("heal").servingOf(projects);
  const [first] = wanted.keys();
  const deployed = await watchPages(context, { records, read, readAt, noticedBy: first ?? "webhook" });
  for (const [id, asked] of wanted) {
    const news = asked.filter((name) => deployed.includes(name));
    const missing = asked.filter((name) => !read.serving.has(name));
    const outcome: WebhookOutcome =
      missing.length > 0
        ? {
            result: "unreadable",
            message: `${namesOf(missing)} could not be read: ${read.unreadable ?? "not found"}`,
          }
        : news.length > 0
          ? {
              result: "looked",
              message: `a new deployment of ${namesOf(news)} was found: its standby event says what it is worth`,
            }
          : { result: "looked", message: `${namesOf(asked)} was looked at: nothing is new` };
    outcomes.set(id, outcome);
  }
  return outcomes;
}

async function hearBatch(context: Context, webhooks: readonly StoredWebhook[]): Promise<void> {
  const about = (what: ReturnType<typeof hintOf>["about"]) =>
    webhooks.filter((webhook) => hintOf(webhook).about === what);
  const outcomes = new Map(await lookAtProjects(context, about("pages")));
  const balancing = about("load-balancing");
  if (balancing.length > 0) {
    const names = await lookBetween(context, balancing.map(({ body }) => body).join("\n"));
    const message = names.length === 0 ? "there is no failover to look at" : `${namesOf(names)}: looked at`;
    for (const { id } of balancing)
      outcomes.set(id, { result: names.length === 0 ? "ignored" : "looked", message });
  }
  for (const { id, type } of about("nothing"))
    outcomes.set(id, { result: "ignored", message: `nothing follows from ${type}` });
  const at = context.clock.now();
  await commit(
    context.db,
    [...outcomes].map(([id, outcome]) => settleWebhook(context.db, id, outcome, at)),
  );
}

/** By what one Coordinator remembers, whoever it acts for. */
const lastHeardAt = new WeakMap<Context["snapshots"], number>();

/** All that wait. One that can't be done anything about is settled too: the next tick looks in any case. */
export function hearWebhooks(context: Context): Promise<void> {
  return context.alone("webhooks", async () => {
    for (;;) {
      const waiting = await loadWaitingWebhooks(context.db, context.accountId, AT_ONCE);
      if (waiting.length === 0) return;
      const sinceMs = context.clock.now() - (lastHeardAt.get(context.snapshots) ?? Number.NEGATIVE_INFINITY);
      if (sinceMs >= 0 && sinceMs < PAUSE_MS) await context.clock.sleep(PAUSE_MS - sinceMs);
      lastHeardAt.set(context.snapshots, context.clock.now());
      await hearBatch(context, await loadWaitingWebhooks(context.db, context.accountId, AT_ONCE));
    }
  });
}

export async function replayStored(context: Context, id: string): Promise<Result<{ webhookId: string }>> {
  const found = await loadWebhook(context.db, context.accountId, id);
  if (found === null)
    return fail("not-found", "There is no webhook with this id: they are kept for thirty days.");
  await commit(context.db, [replayWebhook(context.db, id), ...keepOutcome(context, { webhookId: id })]);
  await hearWebhooks(context);
  return ok({ webhookId: id });
}
