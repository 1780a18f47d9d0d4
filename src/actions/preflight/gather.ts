import { createSnapshots, findSharers, type Reading, type Snapshot } from "../snapshot.ts";
import type { CloudflareAccount } from "../../cloudflare/account.ts";
import type { Priority } from "../../cloudflare/budget.ts";
import type { CloudflareInspection } from "../../cloudflare/inspection.ts";
import type { SharedAnswers } from "../../cloudflare/meter.ts";
import { CLOUDFLARE_CIDRS, isAddressLiteral } from "../../failover/addresses.ts";
import { completeSpec, type Spec } from "../../failover/complete.ts";
import { desiredObjects } from "../../failover/desired.ts";
import { SIDES, type Facts, type Side } from "../../failover/failover.ts";
import { findZone, isInZone } from "../../failover/hostnames.ts";
import type { Observed } from "../../failover/plan.ts";
import type {
  Asked,
  Inspection,
  PagesFacts,
  PreflightFacts,
  PreviewFacts,
} from "../../failover/preflight/facts.ts";
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
import { ask, mapped, notAsked, whenKnown } from "./ask.ts";
import { gatherCustomHostnames, gatherZone } from "./gather-zone.ts";

/** Every preflight costs at most so many calls of Cloudflare's API. */
const MOST_CALLS = 20;
/** Kept back for asking what became of the preview. */
const PREVIEW_CALLS = 1;
const PREVIEW_POLLS = 3;
const PREVIEW_PAUSE_MS = 1000;

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

interface Questions {
  readonly account: CloudflareAccount;
  readonly inspection: CloudflareInspection;
}

const NOT_SAVED = notAsked("the spec is not saved");

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

async function gatherPages(
  { account, inspection }: Questions,
  project: string,
  domain: string | undefined,
): Promise<Asked<PagesFacts>> {
  return whenKnown(await ask(() => inspection.pages(project)), async (state): Promise<PagesFacts> => {
    const isNewest = state.latest !== null && state.latest.id === state.serving?.id;
    const isProduction = state.latest?.environment === "production";
    return {
      project,
      subdomain: state.subdomain,
      domains: state.domains,
      serving: state.serving,
      // The newest of any environment says it already where it is a production deployment.
      latest:
        isNewest || isProduction
          ? { state: "known", value: state.latest }
          : await ask(() => inspection.latestProduction(project)),
      domainStatus:
        domain === undefined
          ? notAsked("no custom domain is used")
          : mapped(await ask(() => account.pagesDomains(project)), (domains) =>
              Object.fromEntries(domains.map(({ name, status }) => [name, status])),
            ),
    };
  });
}

async function bySide<T>(work: (side: Side) => Promise<T>): Promise<Record<Side, T>> {
  const [primary, secondary] = await Promise.all([work("primary"), work("secondary")]);
  return { primary, secondary };
}

/** The zone and the projects' subdomains, as far as they are known by now. */
function factsFrom(
  input: SpecInput,
  known: Facts,
  zones: Asked<readonly { id: string; name: string }[]>,
  pages: Readonly<Record<Side, Asked<PagesFacts> | null>>,
): Facts {
  const subdomains = { ...known.subdomains };
  for (const side of SIDES) {
    const found = pages[side];
    // What is stored stays: that it is another by now is for a check to say.
    if (found?.state === "known") subdomains[found.value.project] ??= found.value.subdomain;
  }
  const zone = known.zone ?? (zones.state === "known" ? findZone(input.hostname, zones.value) : null);
  return { zone: zone === null ? null : { id: zone.id, name: zone.name }, subdomains };
}

/** A zone of another account, if that is where the hostname lies. */
async function foreignZone(inspection: CloudflareInspection, hostname: string) {
  const labels = hostname.split(".");
  for (let from = 0; from <= labels.length - 2; from += 1) {
    const found = await inspection.zoneNamed(labels.slice(from).join("."));
    if (found !== null) return found;
  }
  return null;
}

async function gatherZoneFacts(
  inspection: CloudflareInspection,
  hostname: string,
  zone: Facts["zone"],
): Promise<PreflightFacts["zone"]> {
  if (zone !== null) return ask(() => inspection.zone(zone.id));
  const found = await ask(() => foreignZone(inspection, hostname));
  if (found.state !== "known") return found;
  return found.value === null ? notAsked("the zone is not known") : { state: "known", value: found.value };
}

async function startPreview(
  context: Context,
  { inspection }: Questions,
  record: FailoverRecord | null,
): Promise<Asked<string>> {
  const monitorId = record?.failover.ids.monitor;
  if (record === null) return NOT_SAVED;
  if (monitorId === undefined) return notAsked("the monitor does not exist yet");
  const { monitor } = desiredObjects(record.failover, context.installation, record.applied);
  return ask(() => inspection.startPreview(monitorId, monitor));
}

async function readPreview(
  context: Context,
  { inspection }: Questions,
  started: Asked<string>,
  { ids }: { readonly ids: Readonly<Partial<Record<string, string>>> },
): Promise<PreflightFacts["preview"]> {
  if (started.state !== "known") return started;
  for (let polls = 1; polls <= PREVIEW_POLLS; polls += 1) {
    const seen = await ask(() => inspection.preview(started.value));
    if (seen.state !== "known") return seen;
    const { value } = seen;
    if (value !== null) {
      const of = (side: Side): PreviewFacts | null => value.get(ids[side] ?? "") ?? null;
      return { state: "known", value: { primary: of("primary"), secondary: of("secondary") } };
    }
    if (polls < PREVIEW_POLLS) await context.clock.sleep(PREVIEW_PAUSE_MS);
  }
  return { state: "unreadable", why: "Cloudflare's preview had not finished in time" };
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

/** The pools of a saved failover, and what uses them beside its own load balancer. */
async function gatherReferences({ inspection }: Questions, record: FailoverRecord | null) {
  const { primary, secondary, load_balancer: own } = record?.failover.ids ?? {};
  const pools = [primary, secondary].filter((id) => id !== undefined);
  if (pools.length === 0) return notAsked("the pools do not exist yet");
  return mapped(await ask(() => inspection.poolUsers(pools)), (users) => [
    ...new Set(users.filter(({ id }) => id !== own).map(({ name }) => name)),
  ]);
}

/**
 * Asks everything that the checks are made from, in the order of its importance: where the calls run out, what is left
 * is unknown. Every question stands for itself, so that one without an answer hides no other.
 */
export async function gatherFacts(given: Context, subject: Subject): Promise<PreflightFacts> {
  const { input, record, priority } = subject;
  const limits = { most: MOST_CALLS, reserved: PREVIEW_CALLS, shared: subject.shared };
  const { account, inspection, meter } = given.inspecting(priority, limits);
  const questions = { account, inspection };
  // Whatever looks at objects counts as well.
  const context: Context = {
    ...given,
    cloudflare: () => account,
    snapshots: createSnapshots(() => account, given.clock),
  };
  const known: Facts = record?.failover.facts ?? { zone: null, subdomains: {} };
  const isWhole = record !== null && SIDES.every((side) => record.failover.ids[side] !== undefined);

  const [token, zones, pages] = await Promise.all([
    ask(() => inspection.token()),
    isWhole ? notAsked("the pools are in place") : ask(() => account.zones()),
    bySide(async (side) => {
      const { pages_project: project, custom_domain: domain } = input[side];
      return project === undefined ? null : gatherPages(questions, project, domain);
    }),
  ]);
  const facts = factsFrom(input, known, zones, pages);
  const spec = completeSpec(input, facts);
  const zoneId = facts.zone?.id ?? null;
  const inspecting = bySide((side) => inspectEndpoint(given, spec, side));
  const hosts = bySide((side) => hostAddresses(given, spec, facts.zone, side));

  const [zone, snapshot, hostnameRecords] = await Promise.all([
    gatherZoneFacts(inspection, input.hostname, facts.zone),
    subject.snapshot ?? context.snapshots.take(zoneId === null ? [] : [zoneId], priority),
    zoneId === null
      ? notAsked("the zone is not known")
      : ask(() => account.dnsRecords(zoneId, spec.hostname)),
  ]);
  const started =
    subject.withPreview === false
      ? notAsked("the pools' own health decides")
      : await startPreview(given, questions, record);
  const health = await bySide(async (side): Promise<PreflightFacts["health"][Side]> => {
    const poolId = record?.failover.ids[side];
    const { address } = spec[side];
    if (poolId === undefined || address === null)
      return record === null ? NOT_SAVED : notAsked("the pool does not exist yet");
    return mapped(await ask(() => account.poolHealth(poolId)), (byAddress) => byAddress.get(address) ?? []);
  });
  const isComplete = record !== null && Object.keys(record.failover.ids).length === 4;
  const usage = isComplete ? notAsked("nothing has to be created") : await ask(() => inspection.usage());
  const zonePart = await gatherZone(inspection, zoneId, spec.hostname, token);
  const references = await gatherReferences(questions, record);
  const isUntested = record === null || record.failover.stage === "draft";
  const testName = spec.test_hostname;
  const [testHostname, endpointRecords, customHostnames, cloudflareRanges] = await Promise.all([
    isUntested && zoneId !== null && testName !== null
      ? ask(() => account.dnsRecords(zoneId, testName))
      : notAsked("the load balancer has been there already"),
    bySide(async (side) => {
      const { address } = spec[side];
      const isHere = facts.zone !== null && address !== null && isInZone(address, facts.zone.name);
      return isHere && zoneId !== null ? ask(() => account.dnsRecords(zoneId, address)) : null;
    }),
    gatherCustomHostnames(
      account,
      inspection,
      zoneId,
      spec.hostname,
      SIDES.flatMap((side) => {
        const found = pages[side];
        return found?.state === "known" && found.value.domains.includes(spec.hostname)
          ? found.value.project
          : [];
      }),
      hostnameRecords,
    ),
    SIDES.some((side) => isAddressLiteral(spec[side].address ?? ""))
      ? ask(() => account.addressRanges())
      : notAsked("no endpoint is given by an IP address"),
  ]);
  meter.release();
  const preview = await readPreview(given, questions, started, record?.failover ?? { ids: {} });
  const poolIds = [record?.failover.ids.primary, record?.failover.ids.secondary].filter(
    (id) => id !== undefined,
  );
  const seen =
    record === null
      ? observedNothing(findSharers(snapshot, poolIds, undefined))
      : (await observe(context, record.failover, snapshot, priority)).observed;
  const tick = await loadTick(given.db, given.accountId);
  const lastSample = record?.samples.at(-1) ?? null;
  return {
    now: given.clock.now(),
    accountId: given.accountId,
    installation: given.installation,
    spec,
    facts,
    hostnameErrors: hostnameProblems(spec, facts.zone),
    failover: record?.failover ?? null,
    refused: refusedBefore(record),
    zoneNames: mapped(zones, (all) => all.map(({ name }) => name)),
    token,
    zone,
    usage,
    counts: {
      monitors: countOf(snapshot.monitors),
      pools: countOf(snapshot.pools),
      origins: countOrigins(snapshot.pools),
      loadBalancers: countOf(snapshot.loadBalancers.get(zoneId ?? "")),
    },
    lists: {
      monitors: listed(snapshot.monitors),
      pools: listed(snapshot.pools),
      loadBalancers: listed(snapshot.loadBalancers.get(zoneId ?? "")),
    },
    observed: seen,
    taken: await gatherTaken(given, spec, record, snapshot),
    references,
    health,
    preview,
    pages,
    records: { hostname: hostnameRecords, testHostname, endpoints: endpointRecords },
    customHostnames,
    ...zonePart,
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
