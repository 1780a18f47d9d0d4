// Checks of whether an endpoint answers well: seen by us from outside, by Cloudflare's health checks, and by its preview.
import { diagnose, diagnoseAnswer, type Diagnosis } from "../diagnosis.ts";
import type { Side } from "../failover.ts";
import type { ProbeFailure, ProbeResult } from "../results.ts";
import { judgePlaces, type PlaceHealth } from "../verdict.ts";
import { fail, given, pass, unknown, warn, type Check, type Evidence, type Finding } from "./check.ts";
import { DOCUMENTATION } from "./documentation.ts";
import type { Inspection, PreflightFacts } from "./facts.ts";
import { CAUSES, looked, REDIRECT_CAUSES } from "./inspected.ts";

/** How much of a body Cloudflare's health checks search (API-FACTS 4). */
const SEARCHED_BYTES = 10_240;

/** Whether Cloudflare finds the endpoint healthy now; null where nobody knows. */
function isHealthyForCloudflare(facts: PreflightFacts, side: Side): boolean | null {
  const health = facts.health[side];
  return health.state === "known" ? judgePlaces(health.value).healthy : null;
}

/** How an endpoint that admits only Cloudflare may turn us away. */
const TURNED_AWAY: readonly ProbeFailure[] = ["refused", "reset", "challenged", "blocked", "timeout"];

function mayAdmitOnlyCloudflare({ failure, status }: Inspection): boolean {
  return failure !== null && (TURNED_AWAY.includes(failure) || status === 403);
}

function byPlace(places: readonly PlaceHealth[]) {
  return places.map(({ place, healthy, reason }) => ({ place, healthy, reason }));
}

function remedyFor(side: Side, diagnosis: Diagnosis | null, mayBeClosed = false): string | undefined {
  if (diagnosis === null) return undefined;
  const closed = mayBeClosed ? "; if it admits only Cloudflare's addresses, nothing has to be done" : "";
  return `At the ${side} endpoint: ${diagnosis.remedy}${closed}.`;
}

/** A closer look as the diagnosis knows our answers; newer than what the last tick brought. */
function answerOf(inspection: Inspection | null): ProbeResult | null {
  if (inspection === null) return null;
  const { failure, detail, status } = inspection;
  return { ok: failure === null, status, latencyMs: null, failure, detail, traits: {}, way: "fetch" };
}

/** What one of Cloudflare's witnesses has against the endpoint, with the likely cause. */
function unhealthy(
  facts: PreflightFacts,
  side: Side,
  who: string,
  reason: string | null,
  evidence: Evidence,
): Finding {
  const { [side]: endpoint, monitor } = facts.spec;
  const probe = answerOf(facts.inspections[side]) ?? facts.lastProbes[side];
  const found = diagnose({ endpoint, monitor, reason: reason ?? "unknown", probe });
  return fail(
    `Cloudflare's ${who} the ${side} endpoint ${endpoint.address ?? ""} unhealthy (${reason ?? "no reason given"})${found === null ? "" : `, probably because ${found.cause}`}`,
    { ...evidence, diagnosis: found?.id ?? null },
    remedyFor(side, found),
  );
}

export const ENDPOINT_CHECKS: readonly Check[] = [
  {
    id: "expected-body",
    asks: "Does the answer hold monitor.expected_body within its first 10 KB?",
    worst: "fail",
    means: "health checks find the endpoint unhealthy",
    remedy:
      "Correct monitor.expected_body, move that text to the beginning of the page, or check a page that holds it.",
    documentation: DOCUMENTATION.errors,
    follows: REDIRECT_CAUSES,
    judgeEndpoint: looked(({ expectedBodyAt, status, failure }, { spec }, side) => {
      const { expected_body: expected } = spec.monitor;
      const evidence = {
        expected_body: expected,
        found_at_byte: expectedBodyAt,
        searched_bytes: SEARCHED_BYTES,
      };
      if (expected === "") return pass("no text is expected", evidence);
      if (status === null || (failure !== null && failure !== "body"))
        return unknown(`the ${side} endpoint gave no answer to search`, evidence);
      if (expectedBodyAt === null)
        return fail(`the ${side} endpoint's answer does not hold "${expected}"`, evidence);
      return expectedBodyAt + expected.length > SEARCHED_BYTES
        ? fail(`the ${side} endpoint's answer holds "${expected}" only at byte ${expectedBodyAt}`, evidence)
        : pass(`the ${side} endpoint's answer holds "${expected}"`, evidence);
    }),
  },
  {
    id: "endpoint-answers",
    asks: "Does the endpoint answer us as the monitor expects?",
    worst: "warn",
    means: "Cloudflare may find it unhealthy as well",
    remedy:
      "Ask the endpoint yourself, with the Host that is named in the evidence, and mend what it answers.",
    documentation: DOCUMENTATION.errors,
    follows: [...CAUSES, "endpoint-health", "preview"],
    judgeEndpoint: looked((inspection, facts, side) => {
      const { failure, detail, status, hops } = inspection;
      const { spec } = facts;
      const { address, host_header: host } = spec[side];
      const evidence = { address, host_header: host, status, failure, detail, hops };
      if (failure === null) return pass(`the ${side} endpoint answers ${status ?? ""}`, evidence);
      const mayBeClosed = mayAdmitOnlyCloudflare(inspection);
      if (mayBeClosed && isHealthyForCloudflare(facts, side) === true)
        return pass(`the ${side} endpoint admits Cloudflare and not us`, evidence);
      const asked = `asked for ${host ?? spec.hostname}${spec.monitor.path} on port ${spec[side].port ?? spec.monitor.port}`;
      const found = diagnoseAnswer({ endpoint: spec[side], monitor: spec.monitor, failure, detail, status });
      const closed = mayBeClosed ? ", unless it admits only Cloudflare's addresses, which is no fault" : "";
      return warn(
        `the ${side} endpoint ${address ?? ""}, ${asked}, does not answer us as expected (${detail ?? failure})${closed}`,
        evidence,
        remedyFor(side, found, mayBeClosed),
      );
    }),
  },
  {
    id: "endpoint-health",
    asks: "Do Cloudflare's health checks find the endpoint healthy?",
    worst: "fail",
    means: "Cloudflare sends no visitors there as long as another pool is healthy",
    remedy: "Mend the cause that the message names.",
    documentation: DOCUMENTATION.health,
    guard: "target-not-ready",
    follows: [...CAUSES, "pools-enabled", "load-balancing-enabled"],
    judgeEndpoint: (facts, side) => {
      if (facts.failover === null) return null;
      return given(facts.health[side], (places) => {
        const { healthy, detail } = judgePlaces(places);
        const evidence = { places: byPlace(places) };
        if (healthy === null)
          return unknown(`Cloudflare has no results of the ${side} endpoint yet`, evidence);
        if (healthy) return pass(`Cloudflare finds the ${side} endpoint healthy`, evidence);
        return unhealthy(facts, side, "health checks find", detail, evidence);
      });
    },
  },
  {
    id: "preview",
    asks: "Does a fresh check by Cloudflare (preview) of the monitor and both pools succeed?",
    worst: "fail",
    means: "the next health checks will find the same",
    remedy: "Mend the cause that the message names.",
    documentation: DOCUMENTATION.errors,
    guard: "target-not-ready",
    follows: [...CAUSES, "pools-enabled", "endpoint-health", "load-balancing-enabled"],
    judgeEndpoint: (facts, side) => {
      if (facts.failover === null) return null;
      return given(facts.preview, (bySide) => {
        const preview = bySide[side];
        if (preview === null) return unknown(`Cloudflare's preview says nothing of the ${side} pool`, {});
        const evidence = { origins: preview.origins };
        if (preview.healthy) return pass(`Cloudflare's preview finds the ${side} endpoint healthy`, evidence);
        const reasons = preview.origins.filter(({ healthy }) => !healthy).map(({ reason }) => reason);
        return unhealthy(facts, side, "preview finds", reasons.join(", ") || null, evidence);
      });
    },
  },
];
