// How a preflight puts its questions: each stands for itself, so that one without an answer hides no other.
import type { CloudflareAccount } from "../../cloudflare/account.ts";
import { CloudflareError } from "../../cloudflare/errors.ts";
import type { CloudflareInspection } from "../../cloudflare/inspection.ts";
import type { Side } from "../../failover/failover.ts";
import type { Asked } from "../../failover/preflight/facts.ts";

/** Whom it asks. */
export interface Questions {
  readonly account: CloudflareAccount;
  readonly inspection: CloudflareInspection;
}

/** Puts one question; that it has no answer is an answer too. */
export async function ask<T>(question: () => Promise<T>): Promise<Asked<T>> {
  try {
    return { state: "known", value: await question() };
  } catch (error) {
    if (!(error instanceof CloudflareError)) throw error;
    const why = error.message;
    if (error.kind === "forbidden") return { state: "forbidden", why };
    return { state: error.kind === "not-found" ? "missing" : "unreadable", why };
  }
}

export function notAsked(why: string): Asked<never> {
  return { state: "not-asked", why };
}

export const NOT_SAVED = notAsked("the spec is not saved");

/** What can only be asked once something else is known. */
export async function whenKnown<T, U>(first: Asked<T>, next: (value: T) => Promise<U>): Promise<Asked<U>> {
  return first.state === "known" ? ask(() => next(first.value)) : first;
}

export function mapped<T, U>(asked: Asked<T>, change: (value: T) => U): Asked<U> {
  return asked.state === "known" ? { state: "known", value: change(asked.value) } : asked;
}

export async function bySide<T>(work: (side: Side) => Promise<T>): Promise<Record<Side, T>> {
  const [primary, secondary] = await Promise.all([work("primary"), work("secondary")]);
  return { primary, secondary };
}
