// Checks of what an endpoint answers: seen by us from outside, by Cloudflare's health checks, and by its preview.
import { diagnose } from "../diagnosis.ts";
import type { Side } from "../failover.ts";
import { judgePlaces, type PlaceHealth } from "../verdict.ts";
import { fail, given, pass, unknown, warn, type Check, type Finding } from "./check.ts";
import type { Inspection, PreflightFacts } from "./facts.ts";

/** How much of a body Cloudflare's health checks search (API-FACTS 4). */
const SEARCHED_BYTES = 10_240;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** Everything that says more exactly why an endpoint doesn't answer well. */
const CAUSES = [
  "pages-project",
  "pages-deployment",
  "pages-subdomain",
  "pages-custom-domain",
  "address-balanced",
  "address-anycast",
  "address-public",
  "address-proxied",
  "host-header-set",
  "endpoint-resolves",
  "access-login",
  "redirect-loop",
  "redirect-leaves",
  "redirects-followed",
  "expected-body",
] as const;

const ADDRESS_CAUSES = CAUSES.slice(0, 10);

/** Only where the endpoint was looked at. */
function looked(
  judge: (inspection: Inspection, facts: PreflightFacts, side: Side) => Finding | null,
): (facts: PreflightFacts, side: Side) => Finding | null {
  return (facts, side) => {
    const inspection = facts.inspections[side];
    return inspection === null
      ? unknown(`the ${side} endpoint could not be looked at`, { reason: "not-asked" })
      : judge(inspection, facts, side);
  };
}

const hostOf = (url: string | null): string | null =>
  url === null ? null : (URL.parse(url)?.hostname.toLowerCase() ?? null);

/** The host that the last hop leads away to; null where the answer came from the endpoint itself. */
function leadsTo({ hops }: Inspection): { readonly host: string; readonly url: string } | null {
  const last = hops.at(-1);
  const [from, to] = [hostOf(last?.url ?? null), hostOf(last?.location ?? null)];
  return last === undefined || last.location === null || to === null || to === from
    ? null
    : { host: to, url: last.location };
}

const isLogin = (url: string): boolean =>
  /^https:\/\/[a-z0-9.-]+\.cloudflareaccess\.com/i.test(url) || url.includes("/cdn-cgi/access/login");

/** Whether Cloudflare finds the endpoint healthy now; null where nobody knows. */
function isHealthyForCloudflare(facts: PreflightFacts, side: Side): boolean | null {
  const health = facts.health[side];
  return health.state === "known" ? judgePlaces(health.value).healthy : null;
}

const EDGE_MAY_DIFFER: readonly (string | null)[] = ["refused", "reset", "challenged", "blocked", "timeout"];

function byPlace(places: readonly PlaceHealth[]) {
  return places.map(({ place, healthy, reason }) => ({ place, healthy, reason }));
}

export const ENDPOINT_CHECKS: readonly Check[] = [
  {
    id: "access-login",
    asks: "Does the endpoint answer without a login page in front of it?",
    worst: "fail",
    means: "health checks and visitors get the login instead of the site",
    remedy: "Let Cloudflare Access bypass this hostname and path, or use an endpoint that is public.",
    documentation: "Access policies",
    follows: ADDRESS_CAUSES,
    judgeEndpoint: looked((inspection, _, side) => {
      const away = leadsTo(inspection);
      const evidence = { hops: inspection.hops };
      return away !== null && isLogin(away.url)
        ? fail(`the ${side} endpoint redirects to a login page (${away.host})`, evidence)
        : pass(`the ${side} endpoint asks for no login`, evidence);
    }),
  },
  {
    id: "redirect-loop",
    asks: "Does the endpoint answer without redirecting to the balanced hostname?",
    worst: "fail",
    means: "visitors would be sent back to the load balancer again and again",
    remedy:
      "Let the endpoint serve that path itself, or give it the host_header for which it does not redirect.",
    documentation: "Load Balancing FAQ",
    follows: ADDRESS_CAUSES,
    judgeEndpoint: looked((inspection, { spec }, side) => {
      const away = leadsTo(inspection);
      const evidence = { hops: inspection.hops };
      return away !== null && (away.host === spec.hostname || away.host === spec.test_hostname)
        ? fail(`the ${side} endpoint redirects to the balanced hostname ${away.host}`, evidence)
        : pass(`the ${side} endpoint does not redirect to the balanced hostname`, evidence);
    }),
  },
  {
    id: "redirect-leaves",
    asks: "Does the endpoint answer without redirecting to another site?",
    worst: "fail",
    means: "visitors leave the balanced hostname, and health checks judge the other site",
    remedy: "Let the endpoint serve that path itself, or check a path that it serves.",
    documentation: "Common error codes",
    follows: [...ADDRESS_CAUSES, "access-login", "redirect-loop"],
    judgeEndpoint: looked((inspection, { spec }, side) => {
      const away = leadsTo(inspection);
      const evidence = { hops: inspection.hops };
      const isOther =
        away !== null &&
        !isLogin(away.url) &&
        away.host !== spec.hostname &&
        away.host !== spec.test_hostname;
      return isOther
        ? fail(`the ${side} endpoint redirects to ${away.url}`, evidence)
        : pass(`the ${side} endpoint does not redirect to another site`, evidence);
    }),
  },
  {
    id: "redirects-followed",
    asks: "Does the monitor follow the redirects that the endpoint answers with?",
    worst: "fail",
    means: "health checks see the redirect instead of the page and find the endpoint unhealthy",
    remedy: "Set monitor.follow_redirects to true, or check with the final scheme and path.",
    documentation: "Monitors",
    follows: ADDRESS_CAUSES,
    judgeEndpoint: looked(({ hops }, { spec }, side) => {
      const [first] = hops;
      const evidence = { hops, follow_redirects: spec.monitor.follow_redirects };
      const redirects = first !== undefined && REDIRECTS.includes(first.status) && first.location !== null;
      const isExpected =
        redirects &&
        spec.monitor.expected_codes
          .split(",")
          .some((code) => code === String(first.status) || code === `${String(first.status)[0]}xx`);
      return redirects && !spec.monitor.follow_redirects && !isExpected
        ? fail(
            `the ${side} endpoint redirects (${first.status} to ${first.location}), which the monitor does not follow`,
            evidence,
          )
        : pass(`redirects of the ${side} endpoint are no obstacle`, evidence);
    }),
  },
  {
    id: "expected-body",
    asks: "Does the answer hold monitor.expected_body within its first 10 KB?",
    worst: "fail",
    means: "health checks find the endpoint unhealthy",
    remedy:
      "Correct monitor.expected_body, move that text to the beginning of the page, or check a page that holds it.",
    documentation: "Common error codes",
    follows: CAUSES.slice(0, -1),
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
    means: "either it would be unhealthy for Cloudflare too, or it admits only Cloudflare",
    remedy:
      "Ask the endpoint yourself with the Host that is named; if it admits only Cloudflare's addresses, nothing has to be done.",
    documentation: "Common error codes",
    follows: CAUSES,
    judgeEndpoint: looked(({ failure, detail, status, hops }, facts, side) => {
      const { address, host_header: host } = facts.spec[side];
      const evidence = { address, host_header: host, status, failure, detail, hops };
      if (failure === null) return pass(`the ${side} endpoint answers ${status ?? ""}`, evidence);
      const said = `the ${side} endpoint does not answer us as expected (${detail ?? failure})`;
      const isAdmitted = isHealthyForCloudflare(facts, side);
      if (isAdmitted === true && (EDGE_MAY_DIFFER.includes(failure) || status === 403))
        return pass(`the ${side} endpoint admits Cloudflare and not us`, evidence);
      return warn(said, evidence);
    }),
  },
  {
    id: "endpoint-health",
    asks: "Do Cloudflare's health checks find the endpoint healthy?",
    worst: "fail",
    means: "Cloudflare would send visitors elsewhere",
    remedy: "Follow the cause that is named.",
    documentation: "Health details",
    guard: "target-not-ready",
    follows: [...CAUSES, "pools-enabled", "load-balancing-enabled"],
    judgeEndpoint: (facts, side) => {
      if (facts.failover === null) return null;
      const health = facts.health[side];
      return given(health, (places) => {
        const { healthy, detail } = judgePlaces(places);
        const evidence = { places: byPlace(places) };
        if (healthy === null)
          return unknown(`Cloudflare has no results of the ${side} endpoint yet`, evidence);
        if (healthy) return pass(`Cloudflare finds the ${side} endpoint healthy`, evidence);
        const found = diagnose({
          endpoint: facts.spec[side],
          monitor: facts.spec.monitor,
          reason: detail ?? "unknown",
          probe: facts.lastProbes[side],
        });
        const cause = found === null ? "" : `: ${found.cause}`;
        const said = `Cloudflare finds the ${side} endpoint unhealthy (${detail ?? "no reason given"})${cause}`;
        return fail(said, { ...evidence, diagnosis: found?.id ?? null }, sentence(found?.remedy));
      });
    },
  },
  {
    id: "preview",
    asks: "Does a fresh check by Cloudflare (preview) of the monitor and both pools succeed?",
    worst: "fail",
    means: "the next health checks will find the endpoint unhealthy",
    remedy: "Follow the reason that Cloudflare gives; GET …/preflight asks again.",
    documentation: "Common error codes",
    guard: "target-not-ready",
    follows: [...CAUSES, "pools-enabled", "endpoint-health", "load-balancing-enabled"],
    judgeEndpoint: (facts, side) => {
      if (facts.failover === null) return null;
      return given(facts.preview, (bySide) => {
        const preview = bySide[side];
        if (preview === null) return unknown(`Cloudflare's preview says nothing of the ${side} pool`, {});
        const evidence = { origins: preview.origins };
        const reasons = preview.origins.filter(({ healthy }) => !healthy).map(({ reason }) => reason);
        return preview.healthy
          ? pass(`Cloudflare's preview finds the ${side} endpoint healthy`, evidence)
          : fail(
              `Cloudflare's preview finds the ${side} endpoint unhealthy (${reasons.join(", ") || "no reason given"})`,
              evidence,
            );
      });
    },
  },
  {
    id: "soft-404",
    asks: "Does the endpoint answer 404 for a path that does not exist?",
    worst: "warn",
    means: "a health check of a page that is gone would still succeed",
    remedy:
      "Set monitor.expected_body to a text of the real page, or check a path that only the working site has; on Pages add a 404.html.",
    documentation: "Serving Pages",
    follows: CAUSES,
    judgeEndpoint: looked(({ absentPath, status, failure }, _, side) => {
      const evidence = { status, absent_path: absentPath };
      if (absentPath === null || failure !== null)
        return unknown(
          `what the ${side} endpoint answers for a path that does not exist is not known`,
          evidence,
        );
      const isGood = absentPath.status >= 200 && absentPath.status < 300;
      if (!isGood) return pass(`a path that does not exist answers ${absentPath.status}`, evidence);
      const same = absentPath.sameBody ? " with the very same page" : "";
      return warn(
        `the ${side} endpoint answers a path that does not exist with ${absentPath.status}${same}`,
        evidence,
      );
    }),
  },
  {
    id: "parity",
    asks: "Do both endpoints show the same site: status, title or marker, build?",
    worst: "warn",
    means: "visitors would notice a failover by more than an outage",
    remedy:
      "Deploy the same version to both; where they differ on purpose, give each endpoint a marker, which says so.",
    documentation: "Use Cloudflare Pages as origin",
    judge: ({ inspections: { primary, secondary } }) => {
      if (primary === null || secondary === null || primary.failure !== null || secondary.failure !== null)
        return unknown("both endpoints have to answer before they can be compared", {});
      const shown = ({ status, title, build, markerFound }: Inspection) => ({
        status,
        title,
        build,
        marker_found: markerFound,
      });
      const evidence = { primary: shown(primary), secondary: shown(secondary) };
      const isMarked = primary.markerFound === true && secondary.markerFound === true;
      const differ = [
        ...(primary.status === secondary.status ? [] : [`status ${primary.status} and ${secondary.status}`]),
        ...(isMarked || primary.title === secondary.title
          ? []
          : [`title "${primary.title ?? ""}" and "${secondary.title ?? ""}"`]),
        ...(primary.build === null || secondary.build === null || primary.build === secondary.build
          ? []
          : [`build ${primary.build} and ${secondary.build}`]),
      ];
      return differ.length === 0
        ? pass(isMarked ? "each endpoint carries its marker" : "both endpoints answer alike", evidence)
        : warn(`the endpoints differ: ${differ.join("; ")}`, evidence);
    },
  },
  {
    id: "marker-found",
    asks: "Does each endpoint's answer carry the marker that the spec gives it?",
    worst: "warn",
    means: "who serves the hostname can't be told by it",
    remedy: "Correct the endpoint's marker in the spec, or add it to the site.",
    documentation: "Use Cloudflare Pages as origin",
    follows: CAUSES,
    judgeEndpoint: looked(({ markerFound, failure }, { spec }, side) => {
      if (spec[side].marker === undefined) return null;
      const evidence = { marker: spec[side].marker };
      if (failure !== null || markerFound === null)
        return unknown(`the ${side} endpoint gave no answer to look into`, evidence);
      return markerFound
        ? pass(`the ${side} endpoint carries its marker`, evidence)
        : warn(`the ${side} endpoint's answer lacks its marker`, evidence);
    }),
  },
];

function sentence(clause: string | undefined): string | undefined {
  return clause === undefined ? undefined : `${clause[0]?.toUpperCase() ?? ""}${clause.slice(1)}.`;
}
