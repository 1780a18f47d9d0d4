// Decides what Cloudflare has to have so that it tells us at once what happens there: one webhook destination, a policy
// for each Pages project that is an endpoint, and two for the pools. Ours is what carries this installation's marker.
import { carriesMarker, describeWith } from "./marker.ts";

export interface AlertingWish {
  readonly installation: string;
  /** Where our webhooks come in; null where nobody said. */
  readonly url: string | null;
  /** Pages projects that are endpoints, with the id by which policies name them; null where it couldn't be read. */
  readonly projects: readonly { readonly name: string; readonly id: string | null }[];
  readonly poolIds: readonly string[];
}

export interface FoundDestination {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly createdAt: string;
  readonly lastSuccessAt: string | null;
  readonly lastFailureAt: string | null;
}

export interface FoundPolicy {
  readonly id: string;
  readonly description: string;
  readonly alertType: string;
  readonly enabled: boolean;
  readonly filters: Readonly<Record<string, readonly string[]>>;
  readonly mechanisms: Readonly<Record<string, readonly { readonly id: string }[]>>;
  readonly createdAt: string;
}

export interface AlertingFound {
  readonly destinations: readonly FoundDestination[];
  readonly policies: readonly FoundPolicy[];
}

/** The destination whose secret we set, as we remember it: Cloudflare never shows a secret. */
export interface KnownSecret {
  readonly destinationId: string;
  /** Whether it is the one that is set now. */
  readonly isCurrent: boolean;
}

export interface WantedPolicy {
  /** `deploys-<project>`, `pool-health` or `pool-enablement`. */
  readonly key: string;
  readonly name: string;
  readonly alertType: string;
  readonly project: string | null;
  /** Null where they can't be said, because the project's id isn't known. */
  readonly filters: Readonly<Record<string, readonly string[]>> | null;
}

/** How one policy stands: `differs` names Cloudflare's members. */
export interface PolicyState {
  readonly wanted: WantedPolicy;
  readonly found: FoundPolicy | null;
  readonly state: "in_place" | "missing" | "differs" | "unknown";
  readonly differs: readonly string[];
}

export interface AlertingState {
  readonly destination: FoundDestination | null;
  readonly urlDiffers: boolean;
  readonly secret: "current" | "outdated" | "unknown";
  readonly policies: readonly PolicyState[];
  /** Ours, and wanted no more: of projects that are endpoints no longer, and twins. */
  readonly surplus: { readonly destinations: readonly string[]; readonly policies: readonly FoundPolicy[] };
  readonly inPlace: boolean;
}

const markerFor = (installation: string, key: string): string =>
  `understudy:${installation}:notifications:${key}`;

export function destinationName(installation: string): string {
  return describeWith("Understudy", markerFor(installation, "destination"));
}

/** The key of a policy of this installation; null of everybody else's. */
function keyIn(description: string, installation: string): string | null {
  const key = /:notifications:([a-z0-9-]+)$/.exec(description)?.[1];
  if (key === undefined) return null;
  return carriesMarker(description, markerFor(installation, key)) ? key : null;
}

export function wantedPolicies({ projects, poolIds }: AlertingWish): readonly WantedPolicy[] {
  const deploys = projects.map(({ name, id }) => ({
    key: `deploys-${name}`,
    name: `Understudy: deploys of ${name}`,
    alertType: "pages_event_alert",
    project: name,
    filters:
      id === null
        ? null
        : {
            project_id: [id],
            environment: ["ENVIRONMENT_PRODUCTION"],
            event: ["EVENT_DEPLOYMENT_SUCCESS", "EVENT_DEPLOYMENT_FAILED"],
          },
  }));
  if (poolIds.length === 0) return deploys;
  const pools = { pool_id: poolIds.toSorted() };
  return [
    ...deploys,
    {
      key: "pool-health",
      name: "Understudy: health of its pools",
      alertType: "load_balancing_health_alert",
      project: null,
      filters: { ...pools, new_health: ["Unhealthy", "Healthy"], event_source: ["pool"] },
    },
    {
      key: "pool-enablement",
      name: "Understudy: pools enabled or disabled",
      alertType: "load_balancing_pool_enablement_alert",
      project: null,
      filters: { ...pools, enabled: ["true", "false"] },
    },
  ];
}

/** Cloudflare promises no order. */
const sameSet = (left: readonly string[] = [], right: readonly string[] = []): boolean =>
  left.length === right.length && left.every((one) => right.includes(one));

function sameFilters(found: FoundPolicy["filters"], wanted: FoundPolicy["filters"]): boolean {
  const names = new Set([...Object.keys(found), ...Object.keys(wanted)]);
  return [...names].every((name) => sameSet(found[name], wanted[name]));
}

function differencesOf(
  found: FoundPolicy,
  { alertType, filters }: WantedPolicy,
  destinationId: string | null,
  twins: readonly string[],
): string[] {
  const told = (found.mechanisms["webhooks"] ?? []).map(({ id }) => id);
  const isTold = destinationId !== null && told.includes(destinationId);
  return [
    ...(found.alertType === alertType ? [] : ["alert_type"]),
    ...(found.enabled ? [] : ["enabled"]),
    ...(filters === null || sameFilters(found.filters, filters) ? [] : ["filters"]),
    ...(isTold && !told.some((id) => twins.includes(id)) ? [] : ["mechanisms"]),
  ];
}

const oldestFirst = <T extends { readonly id: string; readonly createdAt: string }>(all: readonly T[]): T[] =>
  all.toSorted((left, right) =>
    left.createdAt === right.createdAt
      ? Number(left.id > right.id) || -1
      : Number(left.createdAt > right.createdAt) || -1,
  );

/** How it stands: the destination whose secret we know goes before an older twin. */
export function compareAlerting(
  wish: AlertingWish,
  found: AlertingFound,
  known: KnownSecret | null,
): AlertingState {
  const name = destinationName(wish.installation);
  const ours = oldestFirst(found.destinations.filter((one) => carriesMarker(one.name, name)));
  const destination = ours.find(({ id }) => id === known?.destinationId) ?? ours[0] ?? null;
  const twins = ours.filter(({ id }) => id !== destination?.id).map(({ id }) => id);
  const policiesOfOurs = oldestFirst(found.policies).flatMap((policy) => {
    const key = keyIn(policy.description, wish.installation);
    return key === null ? [] : [{ key, policy }];
  });
  const kept = new Set<string>();
  const policies = wantedPolicies(wish).map((wanted): PolicyState => {
    const policy = policiesOfOurs.find(({ key }) => key === wanted.key)?.policy ?? null;
    if (policy !== null) kept.add(policy.id);
    const differs = policy === null ? [] : differencesOf(policy, wanted, destination?.id ?? null, twins);
    const state =
      wanted.filters === null
        ? "unknown"
        : policy === null
          ? "missing"
          : differs.length > 0
            ? "differs"
            : "in_place";
    return { wanted, found: policy, state, differs };
  });
  const surplus = {
    destinations: twins,
    policies: policiesOfOurs.map(({ policy }) => policy).filter(({ id }) => !kept.has(id)),
  };
  const secret =
    destination === null || known?.destinationId !== destination.id
      ? "unknown"
      : known.isCurrent
        ? "current"
        : "outdated";
  const urlDiffers = destination !== null && wish.url !== null && destination.url !== wish.url;
  const inPlace =
    destination !== null &&
    !urlDiffers &&
    secret === "current" &&
    policies.every(({ state }) => state === "in_place") &&
    surplus.destinations.length + surplus.policies.length === 0;
  return { destination, urlDiffers, secret, policies, surplus, inPlace };
}

/** All of it, since PUT replaces; whom else somebody lets it tell stays told. */
export function policyBody(
  { wanted, found }: PolicyState,
  installation: string,
  destinationId: string,
  twins: readonly string[],
): object {
  const told = (found?.mechanisms["webhooks"] ?? []).filter(
    ({ id }) => id !== destinationId && !twins.includes(id),
  );
  return {
    name: wanted.name,
    description: describeWith("Made by Understudy.", markerFor(installation, wanted.key)),
    alert_type: wanted.alertType,
    enabled: true,
    filters: wanted.filters ?? {},
    mechanisms: {
      ...found?.mechanisms,
      webhooks: [...told.map(({ id }) => ({ id })), { id: destinationId }],
    },
  };
}
