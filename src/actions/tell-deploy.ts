// What is told of a deployment: one event for each endpoint that it serves.
import { completeSpec } from "../failover/complete.ts";
import {
  describeDeployment,
  type Deployment,
  type DeployOutcome,
  type EndpointVerification,
  type Look,
  type ProjectWatch,
} from "../failover/deploys.ts";
import { compareEndpoints } from "../failover/preflight/likeness-checks.ts";
import type { FailoverEvent, Origin } from "../failover/results.ts";
import type { Rollback } from "../failover/rollback.ts";
import { endpointTarget } from "../probing/targets.ts";
import type { FailoverRecord } from "../store/failovers.ts";
import type { Context } from "./context.ts";
import { bySide } from "./preflight/ask.ts";
import { eventOf, SYSTEM } from "./record.ts";
import { recordOf } from "./served-projects.ts";

const EVENT_TYPES = {
  verified: "standby.verified",
  broken: "standby.broken",
  unknown: "standby.unverified",
} as const satisfies Record<DeployOutcome, string>;

const SAID = {
  verified: "is good",
  broken: "is broken",
  unknown: "could not be verified",
} as const satisfies Record<DeployOutcome, string>;

export function shownDeployment({ id, commit, message, url }: Deployment) {
  return { id, commit_hash: commit, commit_message: message, url };
}

const shownLook = ({ at, found, seen }: Look) => ({ at: new Date(at).toISOString(), found, seen });

/** Whether the endpoints show the same site, as the preflight compares them; a difference is a warning and no more. */
async function compare(context: Context, { failover }: FailoverRecord) {
  const spec = completeSpec(failover.input, failover.facts);
  const inspections = await bySide(async (side) => {
    const target = endpointTarget(spec, side);
    return target === null ? null : context.inspector.inspect(target, spec[side].marker);
  });
  const { outcome, found } = compareEndpoints(inspections);
  return { outcome, message: found };
}

/** Who made us look: somebody's webhook, or the service itself. */
function originOf(noticedBy: string): Origin {
  return noticedBy.startsWith("wh_")
    ? { actor: { kind: "webhook", name: noticedBy }, requestId: null }
    : SYSTEM;
}

/** `next` is what will be done about a broken one. */
export async function outcomeEvent(
  context: Context,
  watch: ProjectWatch,
  endpoint: EndpointVerification,
  record: FailoverRecord,
  next: string | null,
): Promise<FailoverEvent> {
  const { project, verification } = watch;
  const { deployment, noticedBy } = verification;
  const outcome = endpoint.outcome ?? "unknown";
  const seen = endpoint.looks.at(-1)?.seen ?? "nothing";
  const parity = outcome === "verified" ? await compare(context, record) : null;
  const what = `the deployment ${describeDeployment(deployment)} of the Pages project ${project}`;
  const message = `${what} ${SAID[outcome]} as the ${endpoint.side} endpoint: ${seen}`;
  return eventOf(context, EVENT_TYPES[outcome], record.failover.id, originOf(noticedBy), {
    endpoint: endpoint.side,
    active: record.failover.active === endpoint.side,
    pages_project: project,
    deployment: shownDeployment(deployment),
    message: next === null ? message : `${message}; ${next}`,
    looks: endpoint.looks.map(shownLook),
    parity,
    noticed_by: noticedBy,
  });
}

/** An endpoint that wasn't found good after the deploy, and is by now: each that changed. */
export function recoveredEvents(
  context: Context,
  watch: ProjectWatch,
  before: ProjectWatch,
  records: readonly FailoverRecord[],
): FailoverEvent[] {
  const { project, verification } = watch;
  const { deployment, endpoints, why, noticedBy } = verification;
  // What was there from the beginning is no news.
  if (why === "first-seen") return [];
  return endpoints.flatMap((endpoint, index) => {
    const record = recordOf(records, endpoint.failoverId);
    const outcome = before.verification.endpoints[index]?.outcome;
    if (record === undefined || outcome === endpoint.outcome) return [];
    const what = `the deployment ${describeDeployment(deployment)} of the Pages project ${project}`;
    const event = eventOf(context, EVENT_TYPES.verified, record.failover.id, SYSTEM, {
      endpoint: endpoint.side,
      active: record.failover.active === endpoint.side,
      pages_project: project,
      deployment: shownDeployment(deployment),
      message: `${what} is good as the ${endpoint.side} endpoint by now: our probes succeed again`,
      before: outcome,
      looks: [],
      parity: null,
      noticed_by: noticedBy,
    });
    return [event];
  });
}

/** How a rollback ended, told to every failover that has the project as an endpoint. */
export function rollbackEvents(
  context: Context,
  watch: ProjectWatch,
  rollback: Rollback,
  records: readonly FailoverRecord[],
  ended: { readonly succeeded: boolean; readonly why: string },
): FailoverEvent[] {
  const type = ended.succeeded ? "standby.rolled_back" : "standby.rollback_failed";
  return watch.verification.endpoints.flatMap((endpoint) => {
    const record = recordOf(records, endpoint.failoverId);
    if (record === undefined) return [];
    const from = describeDeployment(rollback.from);
    const to = describeDeployment(rollback.to);
    const said = ended.succeeded
      ? `the Pages project ${watch.project} was rolled back from ${from} to ${to}`
      : `the Pages project ${watch.project} could not be rolled back from ${from} to ${to}`;
    const event = eventOf(context, type, record.failover.id, SYSTEM, {
      endpoint: endpoint.side,
      active: record.failover.active === endpoint.side,
      pages_project: watch.project,
      from: shownDeployment(rollback.from),
      to: shownDeployment(rollback.to),
      evidence: rollback.confirmed ? "observed" : "probes only",
      message: `${said}: ${ended.why}`,
      looks: endpoint.looks.map(shownLook),
    });
    return [event];
  });
}
