// Asks everything that the checks are made from, in the order of its importance.
import { createSnapshots, findSharers, type Reading, type Snapshot } from "../snapshot.ts";
import type { Priority } from "../../cloudflare/budget.ts";
import type { PagesState } from "../../cloudflare/inspection.ts";
import type { SharedAnswers } from "../../cloudflare/meter.ts";
import { CLOUDFLARE_CIDRS, isAddressLiteral } from "../../failover/addresses.ts";
import { completeSpec, type Spec } from "../../failover/complete.ts";
import { SIDES, type Facts, type Side } from "../../failover/failover.ts";
import { findZone, isInZone } from "../../failover/hostnames.ts";
import { ROLES } from "../../failover/marker.ts";
import type { Observed } from "../../failover/plan.ts";
import type { Asked, Inspection, PreflightFacts } from "../../failover/preflight/facts.ts";
import type { FieldError } from "../../failover/results.ts";
import { hostnameProblems } from "../../failover/spec-rules.ts";
import type { SpecInput } from "../../failover/spec.ts";
import { endpointTarget } from "../../probing/targets.ts";
import type { FailoverRecord } from "../../store/failovers.ts";
import { loadTick } from "../../store/ticks.ts";
import { findHeld } from "../check-spec.ts";
import type { Context } from "../context.ts";
import { observe } from "../observe.ts";
import { findTakenNames } from "../taken-names.ts";
import { ask, bySide, mapped, notAsked, type Questions } from "./ask.ts";
import { gatherHealth, gatherReferences, readPreview, startPreview } from "./gather-balancing.ts";
import { gatherDomains, gatherLatest, gatherProject, pagesFacts, type Project } from "./gather-pages.ts";
import {
  gatherClaims,
  gatherCustomHostnames,
  gatherInterference,
  gatherRecords,
  gatherZone,
  recordsOfTestHostname,
  recordsUnderneath,
  type RecordsOf,
} from "./gather-zone.ts";

/** Every preflight costs at most so many calls of Cloudflare's API. */
export const MOST_CALLS = 20;
/** After that nothing new is asked: an answer with gaps is better than none. A tick waits less long than a person. */
const MOST_MS = { tick: 15_000, person: 30_000 } as const;
/** Kept back for asking what became of the preview. */
const PREVIEW_CALLS = 1;

export interface Subject {
  readonly input: SpecInput;
  /** Null of a spec that isn't saved. */
  readonly record: FailoverRecord | null;
  readonly priority: Priority;
  /** A look that is fresh enough, in the place of one of its own. */
  readonly snapshot?: Snapshot;
  /** False leaves Cloudflare's preview out. */
  readonly withPreview?: boolean;
  /** Answers that were read for another subject of the same batch. */
  readonly shared?: SharedAnswers;
}

function listed(reading: Reading | undefined): Asked<true> {
  if (reading === undefined) return notAsked("the zone is not known");
  if (reading.ok) return { state: "known", value: true };
  return { state: reading.kind === "forbidden" ? "forbidden" : "unreadable", why: reading.why };
}

function countOf(reading: Reading | undefined): number | null {
  return reading?.ok === true && reading.listing.complete ? reading.listing.objects.length : null;
}

function countOrigins(pools: Reading): number | null {
  if (!pools.ok || !pools.listing.complete) return null;
  return pools.listing.objects
    .map(({ origins }) => (Array.isArray(origins) ? origins.length : 0))
    .reduce((sum, count) => sum + count, 0);
}

/** The zone and the projects' subdomains, as far as they are known by now. */
function factsFrom(
  input: SpecInput,
  known: Facts,
  zones: Asked<readonly { id: string; name: string }[]>,
  projects: Readonly<Record<Side, Project>>,
): Facts {
  const subdomains = { ...known.subdomains };
  for (const side of SIDES) {
    const project = projects[side];
    // What is stored stays: that it is another by now is for a check to say.
    if (project?.state.state === "known") subdomains[project.name] ??= project.state.value.subdomain;
  }
  const zone = known.zone ?? (zones.state === "known" ? findZone(input.hostname, zones.value) : null);
  return { zone: zone === null ? null : { id: zone.id, name: zone.name }, subdomains };
}

async function inspectEndpoint(context: Context, spec: Spec, side: Side): Promise<Inspection | null> {
  const target = endpointTarget(spec, side);
  return target === null ? null : context.inspector.inspect(target, spec[side].marker);
}

/** Only where Host is neither the address nor in the failover's own zone does it matter what it resolves to. */
async function hostAddresses(context: Context, spec: Spec, zone: Facts["zone"], side: Side) {
  const { address, host_header: host } = spec[side];
  if (address === null || host === null || host === address) return null;
  return zone !== null && isInZone(host, zone.name) ? null : context.resolve(host);
}

async function gatherTaken(
  context: Context,
  spec: Spec,
  record: FailoverRecord | null,
  snapshot: Snapshot,
): Promise<readonly FieldError[]> {
  const claimant = record?.failover ?? { id: "", ids: {}, imported: null };
  const held = await findHeld(context, spec, claimant.id);
  return [...held, ...findTakenNames(context.installation, spec, claimant, snapshot)];
}

function observedNothing(sharedWith: readonly string[]): Observed {
  const absent = { state: "absent" } as const;
  return { monitor: absent, primary: absent, secondary: absent, load_balancer: absent, sharedWith };
}

/** The projects among the endpoints that name this custom domain, whatever its status. */
function projectsNaming(domain: string, projects: Readonly<Record<Side, Project>>): string[] {
  const names = (state: PagesState): boolean => state.domains.includes(domain);
  return SIDES.flatMap((side) => {
    const project = projects[side];
    return project?.state.state === "known" && names(project.state.value) ? project.name : [];
  });
}

/** Where the endpoint's own name lies in the failover's zone, its record says more than what it resolves to. */
async function recordsOfEndpoint(
  address: string | null,
  zone: Facts["zone"],
  recordsOf: RecordsOf,
): Promise<PreflightFacts["records"]["endpoints"][Side]> {
  return zone !== null && address !== null && isInZone(address, zone.name) ? recordsOf(address) : null;
}

async function observed(
  context: Context,
  record: FailoverRecord | null,
  snapshot: Snapshot,
  priority: Priority,
): Promise<Observed> {
  return record === null
    ? observedNothing(findSharers(snapshot, [], undefined))
    : (await observe(context, record.failover, snapshot, priority)).observed;
}

/**
 * In the order of its importance: where the calls run out, what is left is unknown, and that is what would be no more
 * than a warning.
 */
export async function gatherFacts(given: Context, subject: Subject): Promise<PreflightFacts> {
  const { input, record, priority } = subject;
  const startedAt = given.clock.now();
  const mostMs = priority === "poll" ? MOST_MS.tick : MOST_MS.person;
  const isOver = () => given.clock.now() - startedAt > mostMs;
  const limits = { most: MOST_CALLS, reserved: PREVIEW_CALLS, shared: subject.shared, isOver };
  const { account, inspection, meter } = given.inspecting(priority, limits);
  const questions: Questions = { account, inspection };
  // Whatever looks at objects counts as well.
  const context: Context = {
    ...given,
    cloudflare: () => account,
    snapshots: createSnapshots(() => account, given.clock),
  };
  const known: Facts = record?.failover.facts ?? { zone: null, subdomains: {} };
  const isThere = (roles: readonly (typeof ROLES)[number][]): boolean =>
    record !== null && roles.every((role) => record.failover.ids[role] !== undefined);

  const [token, zones, projects] = await Promise.all([
    ask(() => inspection.token()),
    isThere(SIDES) ? notAsked("the pools are in place") : ask(() => account.zones()),
    bySide((side) => gatherProject(questions, input[side])),
  ]);
  const facts = factsFrom(input, known, zones, projects);
  const spec = completeSpec(input, facts);
  const zoneId = facts.zone?.id ?? null;
  const inspecting = bySide((side) => inspectEndpoint(given, spec, side));
  const hosts = bySide((side) => hostAddresses(given, spec, facts.zone, side));

  const [zone, snapshot, recordsOf] = await Promise.all([
    gatherZone(questions, input.hostname, zoneId),
    subject.snapshot ?? context.snapshots.take(zoneId === null ? [] : [zoneId], priority),
    gatherRecords(questions, zoneId),
  ]);
  const { hostname: name, test_hostname: testName } = spec;
  const hostname = await recordsUnderneath(name, facts.zone, recordsOf);
  const [started, health, usage, claims, customHostnames, domains, testHostname, endpoints, seen] =
    await Promise.all([
      subject.withPreview === false
        ? notAsked("the pools' own health decides")
        : startPreview(given, questions, record),
      gatherHealth(questions, record, spec),
      isThere(ROLES) ? notAsked("nothing has to be created") : ask(() => inspection.usage()),
      gatherClaims(questions, zoneId, name),
      gatherCustomHostnames(questions, zoneId, name, projectsNaming(name, projects), hostname),
      bySide((side) => gatherDomains(account, projects[side], input[side])),
      recordsOfTestHostname(testName, record?.failover.stage ?? "draft", recordsOf),
      bySide((side) => recordsOfEndpoint(spec[side].address, facts.zone, recordsOf)),
      observed(context, record, snapshot, priority),
    ]);
  const [references, cloudflareRanges, latest] = await Promise.all([
    gatherReferences(questions, record),
    SIDES.some((side) => isAddressLiteral(spec[side].address ?? ""))
      ? ask(() => account.addressRanges())
      : notAsked("no endpoint is given by an IP address"),
    bySide((side) => gatherLatest(questions, projects[side])),
  ]);
  const interference = await gatherInterference(questions, zoneId, name, { token, ...claims });
  meter.release();
  const preview = await readPreview(given, questions, started, record);

  const tick = await loadTick(given.db, given.accountId);
  const lastSample = record?.samples.at(-1) ?? null;
  const balancers = snapshot.loadBalancers.get(zoneId ?? "");
  return {
    now: given.clock.now(),
    accountId: given.accountId,
    installation: given.installation,
    spec,
    facts,
    hostnameErrors: hostnameProblems(spec, facts.zone),
    failover: record?.failover ?? null,
    refused: refusedBefore(record),
    zoneNames: mapped(zones, (all) => all.map((one) => one.name)),
    token,
    zone,
    usage,
    counts: {
      monitors: countOf(snapshot.monitors),
      pools: countOf(snapshot.pools),
      origins: countOrigins(snapshot.pools),
      loadBalancers: countOf(balancers),
    },
    lists: {
      monitors: listed(snapshot.monitors),
      pools: listed(snapshot.pools),
      loadBalancers: listed(balancers),
    },
    observed: seen,
    taken: await gatherTaken(given, spec, record, snapshot),
    references,
    health,
    preview,
    pages: {
      primary: pagesFacts(projects.primary, domains.primary, latest.primary),
      secondary: pagesFacts(projects.secondary, domains.secondary, latest.secondary),
    },
    records: { hostname, testHostname, endpoints },
    customHostnames,
    ...claims,
    ...interference,
    inspections: await inspecting,
    hostAddresses: await hosts,
    cloudflareRanges: cloudflareRanges.state === "known" ? cloudflareRanges.value : CLOUDFLARE_CIDRS,
    lastProbes: { primary: lastSample?.primary ?? null, secondary: lastSample?.secondary ?? null },
    lastTickAt: tick?.startedAt ?? null,
    lastSampleAt: lastSample?.tick ?? null,
    calls: meter.calls(),
  };
}

/** Cloudflare's own words about a write that it refused. */
function refusedBefore(record: FailoverRecord | null): string | null {
  const { sync, message } = record?.status ?? {};
  return sync === "blocked" && message?.startsWith("Cloudflare refused") === true ? message : null;
}
