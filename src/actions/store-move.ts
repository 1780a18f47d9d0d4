import { completeSpec } from "../failover/complete.ts";
import { presentHostname } from "../failover/desired.ts";
import type { Failover, Stage } from "../failover/failover.ts";
import { newOperation } from "../failover/operations.ts";
import type { FailoverEvent, Operation, Origin, Refusal } from "../failover/results.ts";
import { updateIntent, type FailoverRecord, type Write } from "../store/failovers.ts";
import { deleteLeases } from "../store/leases.ts";
import type { Context } from "./context.ts";
import { leaseEnded } from "./end-leases.ts";
import { eventOf, guardsOverridden } from "./record.ts";

/** A move to another stage as it is stored: the intent, the operation that carries it out, and what is said of it. */
export interface StoredMove {
  /** Not among the writes: it may have to come after the end of another one. */
  readonly operation: Operation;
  readonly writes: readonly Write[];
  readonly events: readonly FailoverEvent[];
}

const STEPS = {
  testing: ["write", "read back", "observe"],
  production: ["write", "read back", "observe", "bake"],
} as const;

/** `underneath` are the records that answer where no load balancer does; null where they could not be read. */
export function sayWhatVisitorsGet(hostname: string, underneath: unknown): string {
  if (!Array.isArray(underneath))
    return `what visitors of ${hostname} get then is not known, for its DNS records could not be read`;
  const get = underneath.length === 0 ? "nothing: there is no DNS record" : underneath.join(", ");
  return `visitors of ${hostname} get ${get}`;
}

function sentence(to: Stage, { stage, input }: Failover, underneath: unknown): string {
  const way = `on the way from ${stage} to ${to}`;
  return stage === "production" ? `${way}; ${sayWhatVisitorsGet(input.hostname, underneath)}` : way;
}

/** `more` is what the operation has to remember beside the stages. */
export function newMove(
  context: Context,
  { failover, leases }: FailoverRecord,
  to: Stage,
  asked: {
    readonly kind: "promote" | "demote";
    readonly reason: string | null;
    readonly overridden: readonly Refusal[];
    readonly origin: Origin;
    readonly more: Readonly<Record<string, unknown>>;
  },
): StoredMove {
  const { kind, reason, overridden, origin, more } = asked;
  const spec = completeSpec(failover.input, failover.facts);
  const now = context.clock.now();
  const moved: Failover = { ...failover, stage: to, revision: failover.revision + 1, updatedAt: now };
  const steps = kind === "promote" && to !== "draft" ? STEPS[to] : ["write", "read back"];
  // A demotion ends whatever moves traffic for a while; a promotion goes on with the order that is in force.
  const ended = kind === "demote" ? leases.filter(({ active }) => active !== null) : [];
  const operation = newOperation(
    {
      id: context.newId("op"),
      failoverId: failover.id,
      kind,
      message: sentence(to, failover, more["underneath"]),
      origin,
    },
    steps,
    {
      from: failover.stage,
      to,
      hostname: presentHostname(to, spec),
      revision: moved.revision,
      ended,
      ...more,
    },
    now,
  );
  const data = {
    before: { stage: failover.stage },
    after: { stage: to },
    operation_id: operation.id,
    reason,
    ...(failover.stage === "production" ? { visitors_get: more["underneath"] ?? null } : {}),
  };
  return {
    operation,
    writes: [
      updateIntent(context.db, moved, spec.test_hostname, failover.revision, now),
      ...deleteLeases(context.db, ended),
    ],
    events: [
      eventOf(context, `failover.${kind}_started`, failover.id, origin, data),
      ...ended.map((lease) => leaseEnded(context, lease, "replaced", origin)),
      ...guardsOverridden(context, failover.id, reason ?? undefined, overridden, origin),
    ],
  };
}
