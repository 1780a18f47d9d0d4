import { completeSpec } from "../failover/complete.ts";
import { incompleteness } from "../failover/desired.ts";
import { refusal } from "../failover/guards.ts";
import { planChanges } from "../failover/plan.ts";
import { ok, type PlanView, type Refusal, type Result } from "../failover/results.ts";
import type { Context } from "./context.ts";
import { loadRecord } from "./load.ts";
import { observe } from "./observe.ts";
import { readFacts } from "./resolve-facts.ts";

/** The same plan has the same id, and another one has another. */
export async function planId(content: unknown): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(content)));
  const bytes = [...new Uint8Array(digest).subarray(0, 8)];
  return `plan_${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function unreadable(why: string): Refusal {
  return refusal("target-not-ready", why, { reason: why });
}

/** What would change if everything were put in place now, from a look taken for this very question. */
export async function planFailover(context: Context, reference: string): Promise<Result<PlanView>> {
  // It only looks, so it waits for nobody and keeps nobody waiting.
  const record = await loadRecord(context, reference);
  if (!record.ok) return record;
  const { failover: stored, applied } = record.value;
  const nothing = { failoverId: stored.id, revision: stored.revision, changes: [], foreign: [] };
  const unseen = (why: string) => ok({ id: "plan_unknown", ...nothing, refusals: [unreadable(why)] });
  const { facts, errors, unreadable: why } = await readFacts(context, stored.input, stored.facts, "person");
  const failover = { ...stored, facts };
  const missing = incompleteness(failover, completeSpec(failover.input, facts));
  if (missing !== null) return unseen(errors[0]?.message ?? why ?? missing);
  const snapshot = await context.snapshots.take([facts.zone?.id ?? ""], "person");
  const observation = await observe(context, failover, snapshot, "person");
  const plan = planChanges(observation.failover, observation.observed, context.installation, applied);
  // All four objects are mostly out of sight for one and the same reason.
  const refusals = [...new Set([...plan.unknown, ...plan.blocked])].map(unreadable);
  const id = await planId([plan.failoverId, plan.revision, plan.changes]);
  return ok({ ...nothing, id, changes: plan.changes, foreign: plan.foreign, refusals });
}
