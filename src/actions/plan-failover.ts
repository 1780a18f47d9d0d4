import { completeSpec } from "../failover/complete.ts";
import { incompleteness } from "../failover/desired.ts";
import { refusal } from "../failover/guards.ts";
import { planChanges } from "../failover/plan.ts";
import { ok, type PlanView, type Refusal, type Result } from "../failover/results.ts";
import type { Context } from "./context.ts";
import { aloneWith } from "./load.ts";
import { observe } from "./observe.ts";
import { resolveFacts } from "./resolve-facts.ts";

/** The same plan has the same id, and another one has another. */
async function planId(content: unknown): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(content)));
  const bytes = [...new Uint8Array(digest).subarray(0, 8)];
  return `plan_${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function unreadable(why: string): Refusal {
  return refusal("target-not-ready", why, { reason: why });
}

/** What would change if everything were put in place now, from a look taken for this very question. */
export function planFailover(context: Context, reference: string): Promise<Result<PlanView>> {
  return aloneWith(context, reference, async (record) => {
    let { failover } = record;
    const nothing = { failoverId: failover.id, revision: failover.revision, changes: [], foreign: [] };
    if (incompleteness(failover, completeSpec(failover.input, failover.facts)) !== null) {
      const resolved = await resolveFacts(context, failover, "person");
      failover = resolved.failover;
      if (resolved.problem !== null) {
        return ok({ id: "plan_unknown", ...nothing, refusals: [unreadable(resolved.problem.why)] });
      }
    }
    const snapshot = await context.snapshots.take([failover.facts.zone?.id ?? ""], "person");
    const observation = await observe(context, failover, snapshot, "person");
    const plan = planChanges(
      observation.failover,
      observation.observed,
      context.installation,
      record.applied,
    );
    // All four objects are mostly out of sight for one and the same reason.
    const refusals = [...new Set([...plan.unknown, ...plan.blocked])].map(unreadable);
    const id = await planId([plan.failoverId, plan.revision, plan.changes]);
    return ok({ ...nothing, id, changes: plan.changes, foreign: plan.foreign, refusals });
  });
}
