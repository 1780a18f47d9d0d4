// Which lasting troubles there are, and which events begin and end them.
import type { EventType } from "../failover/events.ts";
import { SIDES, type Side } from "../failover/failover.ts";
import type { FailoverEvent } from "../failover/results.ts";
import { listed, textIn, textsIn } from "./facts.ts";
import type { Severity } from "./notification.ts";
import type { Subject } from "./subject.ts";

export const INCIDENT_KINDS = [
  "primary-unhealthy",
  "secondary-unhealthy",
  "serving",
  "diverted",
  "blocked",
  "unreadable",
  "drift",
  "foreign-routing",
  "preflight",
  "primary-deploy",
  "secondary-deploy",
  "brake",
] as const;
export type IncidentKind = (typeof INCIDENT_KINDS)[number];

/** What an event says of a trouble: that it is there now, or that it isn't. */
export interface Change {
  readonly kind: IncidentKind;
  readonly isOpen: boolean;
  /** Cloudflare's own word for it: a change of many within ten minutes. */
  readonly flaps?: true;
  /** What happened, as one sentence or two. */
  readonly detail: string | null;
}

/** How a trouble is called when it begins, ends, and keeps coming and going. */
interface Naming {
  readonly severity: (subject: Subject | null) => Severity;
  readonly opened: (name: string, subject: Subject | null) => string;
  readonly closed: (name: string, subject: Subject | null) => string;
  /** For many failovers at once. */
  readonly many: string;
  readonly remedy: (subject: Subject | null) => string | null;
}

const isBad = (subject: Subject | null, side: "primary" | "secondary") =>
  subject?.verdicts[side] === "unhealthy" || subject?.verdicts[side] === "flapping";
const likelyCause = (subject: Subject | null) => subject?.message ?? null;

const deployTo = (side: Side): Naming => ({
  severity: () => "warning",
  opened: (name) => `${name}: what was deployed broke the ${side}`,
  closed: (name) => `${name}: the ${side} serves no broken deploy any more`,
  many: `what was deployed broke the ${side}`,
  remedy: () => "Mend the deployment, or roll the Pages project back to its last good one.",
});

export const INCIDENTS: Readonly<Record<IncidentKind, Naming>> = {
  "primary-unhealthy": {
    severity: (subject) => (isBad(subject, "secondary") ? "critical" : "warning"),
    opened: (name) => `${name}: the primary is unhealthy`,
    closed: (name) => `${name}: the primary is healthy again`,
    many: "the primary is unhealthy",
    remedy: likelyCause,
  },
  "secondary-unhealthy": {
    severity: (subject) => (isBad(subject, "primary") ? "critical" : "warning"),
    opened: (name) => `${name}: the secondary is unhealthy, so nothing could stand in`,
    closed: (name) => `${name}: the secondary is healthy again`,
    many: "the secondary is unhealthy",
    remedy: likelyCause,
  },
  serving: {
    severity: () => "critical",
    opened: (name, subject) => `${name}: no endpoint serves ${subject?.hostname ?? "it"}`,
    closed: (name, subject) => `${name}: ${subject?.hostname ?? "it"} is served again`,
    many: "no endpoint serves",
    remedy: (subject) =>
      `Bring one endpoint back. ${subject?.message ?? "GET …/explain says who would serve, and why."}`,
  },
  diverted: {
    severity: () => "warning",
    opened: (name, subject) =>
      `${name}: served by the ${subject?.serving ?? "other endpoint"}, not as wanted`,
    closed: (name, subject) =>
      `${name}: served by the ${subject?.active ?? "active endpoint"} again, as wanted`,
    many: "visitors get the other endpoint",
    remedy: (subject) =>
      `Look at the ${subject?.active ?? "active"} endpoint; GET …/explain says why traffic goes where it goes.`,
  },
  blocked: {
    severity: () => "warning",
    opened: (name) => `${name}: something stands in the way at Cloudflare`,
    closed: (name) => `${name}: nothing stands in the way any more`,
    many: "something stands in the way at Cloudflare",
    remedy: () =>
      "Take away what stands in the way, or change the spec; until then it is not kept as wanted.",
  },
  unreadable: {
    severity: () => "warning",
    opened: (name) => `${name}: its state at Cloudflare can't be read`,
    closed: (name) => `${name}: its state at Cloudflare can be read again`,
    many: "the state at Cloudflare can't be read",
    remedy: () => "Check the API token and Cloudflare's status page. Nothing is changed meanwhile.",
  },
  drift: {
    severity: () => "warning",
    opened: (name) => `${name}: somebody changed it at Cloudflare`,
    closed: (name) => `${name}: everything at Cloudflare is as wanted again`,
    many: "somebody changed it at Cloudflare",
    remedy: () => "Keep it with POST …/adopt, or have it put right now with POST …/reconcile.",
  },
  "foreign-routing": {
    severity: () => "warning",
    opened: (name) => `${name}: routing that isn't ours can bypass it`,
    closed: (name) => `${name}: no other routing bypasses it any more`,
    many: "routing that isn't ours can bypass it",
    remedy: () => 'Take it away at Cloudflare, or with POST …/reconcile {"heal_foreign": true}.',
  },
  preflight: {
    severity: () => "warning",
    opened: (name) => `${name}: it would not be ready for a failover`,
    closed: (name) => `${name}: every check passes again`,
    many: "checks fail",
    remedy: () => "GET …/preflight names for each check what would mend it.",
  },
  "primary-deploy": deployTo("primary"),
  "secondary-deploy": deployTo("secondary"),
  brake: {
    severity: () => "critical",
    opened: () => "Healing waits for a person: too much would change at once",
    closed: () => "Healing goes on",
    many: "healing waits",
    remedy: () => "Look at GET /v1/fleet, and agree with POST /v1/fleet/agree if these changes are right.",
  },
};

function changesOfHealth(event: FailoverEvent): Change[] {
  const side = textIn(event, "endpoint");
  // Our own probe steers nothing; what it finds is shown in the status.
  if (textIn(event, "witness") !== "cloudflare" || (side !== "primary" && side !== "secondary")) return [];
  const after = textIn(event, "after");
  const kind = `${side}-unhealthy` as const;
  const detail = textIn(event, "detail");
  const told = `Cloudflare finds the ${side} endpoint ${after ?? "unknown"}${detail === null ? "" : `: ${detail}`}.`;
  if (after === "unhealthy") return [{ kind, isOpen: true, detail: told }];
  if (after === "flapping") return [{ kind, isOpen: true, flaps: true, detail: told }];
  return after === "healthy" ? [{ kind, isOpen: false, detail: told }] : [];
}

/** Who should serve may have changed since: what counts is who should by now. */
function isAsWanted(subject: Subject | null, serving: string | null): Change[] {
  if (subject === null || (serving !== "primary" && serving !== "secondary")) return [];
  const detail = `The ${serving} answers ${subject.hostname ?? "its hostname"}; the ${subject.active} is the active endpoint.`;
  return [{ kind: "diverted", isOpen: serving !== subject.active, detail }];
}

function changesOfServing(event: FailoverEvent, subject: Subject | null): Change[] {
  const after = textIn(event, "after");
  const detail = textIn(event, "detail");
  const said = detail === null ? null : `Seen from one place: ${detail}.`;
  // A draft's load balancer is disabled: nobody serves it, as intended.
  if (after === "none") return [{ kind: "serving", isOpen: subject?.stage !== "draft", detail: said }];
  if (after === "unknown") return [];
  return [{ kind: "serving", isOpen: false, detail: said }, ...isAsWanted(subject, after)];
}

function changesOfSync(event: FailoverEvent): Change[] {
  const after = textIn(event, "after");
  const message = textIn(event, "message");
  if (after === "unknown") return [{ kind: "unreadable", isOpen: true, detail: message }];
  if (after === "deleting" || after === null) return [];
  return [
    { kind: "unreadable", isOpen: false, detail: message },
    { kind: "blocked", isOpen: after === "blocked", detail: message },
  ];
}

/** What is healed in the same breath isn't lasting. */
function isHeld(event: FailoverEvent): boolean {
  const { drift } = event.data;
  const healings = Array.isArray(drift) ? drift.length : 0;
  const healAts = textsIn(event, "drift", "heal_at");
  return healAts.length < healings || healAts.some((healAt) => Date.parse(healAt) > event.at);
}

const changed = (event: FailoverEvent) => `Changed: ${listed(textsIn(event, "drift", "path"))}.`;

function changesOfDrift(event: FailoverEvent, subject: Subject | null): Change[] {
  if (event.type === "drift.detected") {
    const [healAt] = textsIn(event, "drift", "heal_at");
    const when = healAt === undefined ? "It is not put right by itself." : `It is put right at ${healAt}.`;
    return isHeld(event) ? [{ kind: "drift", isOpen: true, detail: `${changed(event)} ${when}` }] : [];
  }
  return subject?.drifted === true ? [] : [{ kind: "drift", isOpen: false, detail: changed(event) }];
}

const foreign = (isOpen: boolean) => (event: FailoverEvent, subject: Subject | null) =>
  !isOpen && subject?.foreign === true
    ? []
    : [{ kind: "foreign-routing", isOpen, detail: listed(textsIn(event, "foreign", "message")) } as const];

/** Nobody looks any more at what was deployed to an endpoint that is another one now. */
function changesOfSpec(event: FailoverEvent): Change[] {
  const project = (when: "before" | "after", side: Side) => textIn(event, when, side, "pages_project");
  return SIDES.filter((side) => project("before", side) !== project("after", side)).map((side) => ({
    kind: `${side}-deploy` as const,
    isOpen: false,
    detail: `The ${side} is another endpoint now.`,
  }));
}

type ReadChanges = (event: FailoverEvent, subject: Subject | null) => readonly Change[];

const brake = (isOpen: boolean) => (event: FailoverEvent) => [
  { kind: "brake", isOpen, detail: textIn(event, "message") } as const,
];

/** Both endpoints may be Pages projects: that one is good says nothing of the other. */
const deployed = (isOpen: boolean) => (event: FailoverEvent) => {
  const side = textIn(event, "endpoint") === "primary" ? "primary" : "secondary";
  return [{ kind: `${side}-deploy`, isOpen, detail: textIn(event, "message") } as const];
};

const READERS: Readonly<Partial<Record<EventType, ReadChanges>>> = {
  "health.changed": changesOfHealth,
  "serving.changed": changesOfServing,
  "sync.changed": changesOfSync,
  "drift.detected": changesOfDrift,
  "drift.healed": changesOfDrift,
  "drift.resolved": changesOfDrift,
  "drift.adopted": changesOfDrift,
  "foreign_routing.detected": foreign(true),
  "foreign_routing.resolved": foreign(false),
  "failover.latched": (_, subject) => isAsWanted(subject, subject?.serving ?? null),
  "failover.updated": changesOfSpec,
  "failover.switched_over": (_, subject) => isAsWanted(subject, subject?.serving ?? null),
  "preflight.failed": (event) => [
    { kind: "preflight", isOpen: true, detail: listed(textsIn(event, "failed", "message")) },
  ],
  "preflight.passed": () => [{ kind: "preflight", isOpen: false, detail: null }],
  "standby.broken": deployed(true),
  "standby.rolled_back": deployed(false),
  "standby.verified": deployed(false),
  "fleet.braked": brake(true),
  "fleet.brake_agreed": brake(false),
  "fleet.brake_released": brake(false),
};

/** What an event says of lasting troubles; nothing where it says something else. */
export function changesOf(event: FailoverEvent, subject: Subject | null): readonly Change[] {
  return READERS[event.type as EventType]?.(event, subject) ?? [];
}
