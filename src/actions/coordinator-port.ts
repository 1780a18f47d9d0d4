import type { Condition } from "../failover/explain.ts";
import type { ExplanationView, Origin, PlanView, Result } from "../failover/results.ts";
import type { SpecInput } from "../failover/spec.ts";

export interface TransitionRequest {
  readonly to?: "testing" | "production" | "draft";
  readonly override?: readonly string[];
  readonly reason?: string;
  /** From If-Match, where it was sent. */
  readonly revision?: number;
}

export interface ReconcileAsked {
  /** Somebody else's routing goes as well, and what an import left alone. */
  readonly healForeign?: boolean;
  readonly revision?: number;
}

/**
 * The one writer, as everybody else sees it. Whatever answers `ok` is stored; the work itself follows.
 * `reference` is a failover's id or name. Failures are values: an error class does not survive the way to a Durable Object.
 */
export interface CoordinatorPort {
  /** Value: the new failover's id. */
  createFailover(input: SpecInput, origin: Origin): Promise<Result<{ failoverId: string }>>;
  /** `patch` is a JSON merge patch of the spec's members; `revision` is from If-Match and required. */
  patchFailover(
    reference: string,
    patch: Readonly<Record<string, unknown>>,
    revision: number,
    origin: Origin,
  ): Promise<Result<{ failoverId: string; revision: number }>>;
  deleteFailover(
    reference: string,
    request: { mode: "destroy" | "orphan"; revision: number; override: readonly string[]; reason?: string },
    origin: Origin,
  ): Promise<Result<{ operationId: string }>>;
  promote(
    reference: string,
    request: TransitionRequest,
    origin: Origin,
  ): Promise<Result<{ operationId: string }>>;
  demote(
    reference: string,
    request: TransitionRequest,
    origin: Origin,
  ): Promise<Result<{ operationId: string }>>;
  reconcile(
    reference: string,
    request: ReconcileAsked,
    origin: Origin,
  ): Promise<Result<{ operationId: string }>>;
  /** Accepts the present drift of class role as wanted. */
  adopt(
    reference: string,
    request: { reason: string; revision?: number },
    origin: Origin,
  ): Promise<Result<{ failoverId: string; revision: number }>>;
  /** Reads Cloudflare afresh; where that fails the plan has a refusal that says so, never an exception. */
  plan(reference: string): Promise<Result<PlanView>>;
  /** Who serves the present hostname and by which rule, or who would if all of the conditions held. */
  explain(reference: string, conditions: readonly Condition[]): Promise<Result<ExplanationView>>;
  tick(): Promise<void>;
}
