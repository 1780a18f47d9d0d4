// Decides what a failover's status says, from what the last look found and what the witnesses say now.
import { completeSpec, type Spec } from "./complete.ts";
import { brokenDeploy, type ProjectWatch } from "./deploys.ts";
import { presentHostname } from "./desired.ts";
import { diagnose } from "./diagnosis.ts";
import { describeHeldBack, nextDrillAt, type DrillOpening } from "./drill-schedule.ts";
import { decideFailback, failbackFacts, type FailbackSources } from "./failback.ts";
import { SIDES, type Failover, type Side } from "./failover.ts";
import type { Lease } from "./leases.ts";
import type {
  FailoverStatus,
  FailoverView,
  KnownDrift,
  Operation,
  PreflightSummary,
  Sample,
  Serving,
  SideHealth,
  Sync,
  Verdict,
} from "./results.ts";
import type { ForeignRouting } from "./foreign.ts";
import { identifyServing, rememberTraits, type Markers, type ServingView, type Traits } from "./serving.ts";
import { deriveReadiness, deriveSideHealth, type PoolHealth } from "./verdict.ts";

/** What is stored of a look: only what doesn't change from tick to tick while nothing happens. */
export interface StoredStatus {
  readonly sync: Sync;
  readonly message: string;
  readonly drift: readonly KnownDrift[];
  readonly foreign: readonly ForeignRouting[];
  readonly reconciledRevision: number | null;
  /** When Cloudflare was last read for it, as of when this was written; a later look that changed nothing isn't in it. */
  readonly observedAt: number | null;
  /** What was last announced, so that events are written for changes only. */
  readonly announced: {
    readonly verdicts: Readonly<Record<Side, { readonly cloudflare: Verdict; readonly probe: Verdict }>>;
    readonly serving: Serving;
  };
  /** The endpoint's address for which our probe ever had a good answer. */
  readonly probeSucceeded: Readonly<Record<Side, string | null>>;
  /** What each endpoint's answers looked like when they were last good: kept for an outage that outlasts the samples. */
  readonly remembered: { readonly [side in Side]?: Traits };
}

const unannounced = { cloudflare: "unknown", probe: "unknown" } as const;

export function newStatus(message: string): StoredStatus {
  return {
    sync: "converging",
    message,
    drift: [],
    foreign: [],
    reconciledRevision: null,
    observedAt: null,
    announced: { verdicts: { primary: unannounced, secondary: unannounced }, serving: "unknown" },
    probeSucceeded: { primary: null, secondary: null },
    remembered: {},
  };
}

export interface Witnesses {
  readonly health: Readonly<Partial<Record<Side, PoolHealth>>>;
  /** In tick order, oldest first. */
  readonly samples: readonly Sample[];
  /** By the project's name. */
  readonly pages: ReadonlyMap<string, ProjectWatch>;
}

export function markersOf(spec: Spec): Markers {
  const { primary, secondary } = spec;
  return {
    ...(primary.marker === undefined ? {} : { primary: primary.marker }),
    ...(secondary.marker === undefined ? {} : { secondary: secondary.marker }),
  };
}

/** Who serves the hostname of one sample; `stored` helps where an endpoint itself is silent. */
export function servingOf(
  failover: Failover,
  stored: StoredStatus,
  sample: Sample,
  recent: readonly Sample[],
): ServingView {
  const spec = completeSpec(failover.input, failover.facts);
  return identifyServing(sample, markersOf(spec), { ...stored.remembered, ...rememberTraits(recent) });
}

export function deriveServing(
  failover: Failover,
  stored: StoredStatus,
  samples: readonly Sample[],
): { serving: Serving; detail: string } {
  if (failover.stage === "draft") return { serving: "none", detail: "a draft's load balancer is disabled" };
  const last = samples.at(-1);
  if (last === undefined) return { serving: "unknown", detail: "the hostname was not looked at yet" };
  const hostname = presentHostname(failover.stage, completeSpec(failover.input, failover.facts));
  const isOfAnother = last.asked !== undefined && last.asked !== null && last.asked !== hostname;
  if (last.hostname === null || isOfAnother)
    return { serving: "unknown", detail: `${hostname} was not looked at yet` };
  const { serving, detail } = servingOf(failover, stored, last, samples);
  return { serving, detail };
}

export function latest(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}

/** What is probably wrong with an endpoint, as one sentence with the remedy; null where both witnesses are content. */
function complaintOf(
  spec: Spec,
  side: Side,
  health: SideHealth,
  pool: PoolHealth | undefined,
  last: Sample | undefined,
): string | null {
  const isBad = health.verdict === "unhealthy" || health.verdict === "flapping";
  const probe = health.witnesses.find(({ witness }) => witness === "probe");
  if (!isBad && !(health.verdict === "healthy" && probe?.verdict === "unhealthy")) return null;
  const reason = pool?.healthy === false ? (pool.detail ?? "unknown") : null;
  const found = diagnose({
    endpoint: spec[side],
    monitor: spec.monitor,
    reason,
    probe: last?.[side] ?? null,
  });
  if (found === null) return null;
  const said = isBad
    ? `Cloudflare finds the ${side} endpoint ${health.verdict}`
    : `the witnesses disagree about the ${side} endpoint`;
  const why = (isBad ? pool?.detail : probe?.detail) ?? "no reason given";
  return `${said} (${why}): ${found.cause}; ${found.remedy}`;
}

/** What the last deploy broke at an endpoint, whatever the witnesses say by now; null where it broke nothing. */
function brokenDeployOf(failover: Failover, spec: Spec, side: Side, { pages }: Witnesses): string | null {
  const project = spec[side].pages_project;
  return project === undefined ? null : brokenDeploy(pages.get(project), failover.id, side);
}

/** What the failback policy waits for; null where it has nothing to wait for. */
function describeFailback(sources: FailbackSources, now: number): string | null {
  const decision = decideFailback(failbackFacts(sources, now));
  return decision.kind === "wait" ? decision.message : null;
}

export function deriveStatus(
  failover: Failover,
  stored: StoredStatus,
  witnesses: Witnesses,
  lookedAt: number | null,
  now: number,
  waits: string | null = null,
): FailoverStatus {
  const health = {
    primary: deriveSideHealth("primary", witnesses.health.primary, witnesses.samples, now),
    secondary: deriveSideHealth("secondary", witnesses.health.secondary, witnesses.samples, now),
  };
  const { serving, detail } = deriveServing(failover, stored, witnesses.samples);
  // What was found in place is another revision's.
  const isAhead = stored.sync === "synced" && stored.reconciledRevision !== failover.revision;
  // A look at the account before this failover was there didn't see it.
  const seenAt = lookedAt !== null && lookedAt >= failover.createdAt ? lookedAt : null;
  const spec = completeSpec(failover.input, failover.facts);
  const complaints = SIDES.flatMap((side) => [
    complaintOf(spec, side, health[side], witnesses.health[side], witnesses.samples.at(-1)) ?? [],
    brokenDeployOf(failover, spec, side, witnesses) ?? [],
  ]).flat();
  return {
    sync: failover.deleting === null ? (isAhead ? "converging" : stored.sync) : "deleting",
    message: [
      isAhead ? `revision ${failover.revision} is not in place yet` : stored.message,
      ...complaints,
      ...(waits === null ? [] : [waits]),
    ].join(". "),
    drift: stored.drift,
    foreign: stored.foreign,
    health,
    serving,
    servingDetail: detail,
    reconciledRevision: stored.reconciledRevision,
    observedAt: stored.sync === "unknown" ? stored.observedAt : latest(stored.observedAt, seenAt),
  };
}

export function viewOf(
  failover: Failover,
  stored: StoredStatus,
  witnesses: Witnesses,
  more: {
    lookedAt: number | null;
    operation: Operation | null;
    preflight: PreflightSummary | null;
    leases: readonly Lease[];
    freeze: object | null;
    drillOpening: DrillOpening | null;
    now: number;
  },
): FailoverView {
  const waiting = [
    describeFailback({ failover, status: stored, ...witnesses, ...more }, more.now),
    describeHeldBack({ failover, drillOpening: more.drillOpening }, more.now),
  ].filter((sentence) => sentence !== null);
  const waits = waiting.length === 0 ? null : waiting.join(". ");
  const found = deriveStatus(failover, stored, witnesses, more.lookedAt, more.now, waits);
  // Of a failover that is on its way out, what holds it is all there is to say.
  const status =
    failover.deleting === null || more.operation === null
      ? found
      : { ...found, message: more.operation.message };
  const spec = completeSpec(failover.input, failover.facts);
  return {
    id: failover.id,
    name: failover.name,
    revision: failover.revision,
    stage: failover.stage,
    active: failover.active,
    spec,
    facts: failover.facts,
    ids: failover.ids,
    deleting: failover.deleting,
    status,
    readiness: deriveReadiness(
      status.health,
      SIDES.filter((side) => brokenDeployOf(failover, spec, side, witnesses) !== null),
    ),
    operationId: more.operation?.id ?? null,
    preflight: more.preflight,
    nextDrillAt: nextDrillAt({ failover, drillOpening: more.drillOpening }, more.now),
    leases: more.leases,
    createdAt: failover.createdAt,
    updatedAt: failover.updatedAt,
  };
}
