// Decides what waits for a second person, what that person is shown, and whether they may decide about it.
import type { Spec } from "./complete.ts";
import type { Explanation } from "./explain.ts";
import type { Side, Stage } from "./failover.ts";
import { refusal } from "./guards.ts";
import { hasEnded } from "./operations.ts";
import type { Change } from "./plan.ts";
import type { Actor, Operation, Refusal } from "./results.ts";

/** Whoever is asked comes within the hour, or what they would see is another situation. */
const APPROVAL_LASTS_MS = 3_600_000;

export type ApprovableAction = "promote" | "switch-over";

/** What would happen: all that a person agrees to. */
export interface Prospect {
  readonly action: ApprovableAction;
  /** A stage or an endpoint. */
  readonly to: Stage | Side;
  readonly before: { readonly revision: number; readonly stage: Stage; readonly active: Side };
  readonly after: { readonly stage: Stage; readonly active: Side };
  /** When it would begin, ms since the epoch; null at once. */
  readonly at: number | null;
  /** Of a switch-over, for how long; null for good. */
  readonly expiresInSeconds: number | null;
  /** Of a promotion, for how long it is watched; null of a switch-over. */
  readonly bakeSeconds: number | null;
  /** Who would get visitors afterwards, and why; null where nothing could be seen to predict from. */
  readonly prediction: Pick<Explanation, "serving" | "rule" | "path"> | null;
  /** What would be written to Cloudflare for it. */
  readonly changes: readonly Change[];
  /** Guards that stand against it and are overridden. */
  readonly overridden: readonly string[];
}

/** Two prospects of which this is the same are one plan: the sentences tell of the moment, and don't count. */
export function contentOf({ prediction, ...rest }: Prospect): unknown {
  return { ...rest, serving: prediction?.serving ?? null, rule: prediction?.rule ?? null };
}

/** What an operation of kind `approval` remembers. */
export interface ApprovalState {
  /** The id of the plan that was seen. */
  readonly plan: string;
  readonly prospect: Prospect;
  /** As it was asked for. */
  readonly request: Readonly<Record<string, unknown>>;
  readonly reason: string | null;
}

export function approvalOf({ kind, state }: Operation): ApprovalState | null {
  return kind === "approval" ? (state as unknown as ApprovalState) : null;
}

/** It can be overridden, by an admin: at night there may be one person. */
export function guardApproval({ approval }: Pick<Spec, "approval">): Refusal[] {
  if (approval === "none") return [];
  return [
    refusal("approval-required", "another person has to approve it: the spec says `approval: required`"),
  ];
}

/** Whoever may change a spec alone must not become their own second person by it. */
export function guardApprovalKept(before: Pick<Spec, "approval">, after: Pick<Spec, "approval">): Refusal[] {
  if (before.approval === "none" || after.approval === "required") return [];
  const message = "with this change nobody would have to approve promotions and switch-overs any more";
  return [refusal("approval-required", message)];
}

/** What waits for its hour has to be approved before it. */
export function approvalEndsAt(now: number, at: number | null): number {
  return Math.min(now + APPROVAL_LASTS_MS, at ?? Number.POSITIVE_INFINITY);
}

const isSame = (one: Actor, other: Actor) => one.kind === other.kind && one.name === other.name;

/** Why nobody, or not this one, decides about it now; null where they may. */
export function whyUndecidable(
  operation: Operation,
  by: Actor,
  now: number,
): { readonly message: string; readonly refusals: readonly Refusal[] } | null {
  const plainly = (message: string) => ({ message, refusals: [] });
  if (operation.kind !== "approval") return plainly(`a ${operation.kind} waits for nobody's approval`);
  if (hasEnded(operation)) return plainly(`nothing is left to decide: ${operation.message}`);
  if (now >= operation.deadlineAt) return plainly("it has expired: ask for it anew");
  if (!isSame(operation.origin.actor, by)) return null;
  const message = `${by.name} asked for it, so that another person has to decide; to withdraw it, cancel it`;
  return { message, refusals: [refusal("own-request", message, { asked_by: by })] };
}

/** What the person saw isn't what would happen by now. */
export function guardPlan(
  seen: string,
  now: { readonly plan: string; readonly prospect: Prospect },
): Refusal[] {
  if (seen === now.plan) return [];
  const { before, after, prediction } = now.prospect;
  const message =
    "it would not do by now what was to be approved: ask for it anew, and look at what it would do";
  return [
    refusal("plan-changed", message, {
      seen,
      plan: now.plan,
      before,
      after,
      serving: prediction?.serving ?? null,
    }),
  ];
}
