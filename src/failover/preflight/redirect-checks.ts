// Checks of where an endpoint's redirects lead, hop by hop.
import { fail, pass, type Check } from "./check.ts";
import { DOCUMENTATION } from "./documentation.ts";
import type { Inspection } from "./facts.ts";
import { ADDRESS_CAUSES, looked } from "./inspected.ts";

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

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

export const REDIRECT_CHECKS: readonly Check[] = [
  {
    id: "access-login",
    asks: "Does the endpoint answer without a login page in front of it?",
    worst: "fail",
    means: "health checks and visitors get the login instead of the site",
    remedy:
      "Add a bypass policy for this endpoint in Cloudflare Access, or set {endpoint}.address to a site that is public.",
    documentation: DOCUMENTATION.accessPolicies,
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
    asks: "Does the endpoint answer without redirecting to the balanced hostname or without end?",
    worst: "fail",
    means: "visitors would be sent around in circles",
    remedy:
      "Let the endpoint serve that path itself, or set {endpoint}.host_header to the name for which it does not redirect.",
    documentation: DOCUMENTATION.redirectLoops,
    follows: ADDRESS_CAUSES,
    judgeEndpoint: looked((inspection, { spec }, side) => {
      const away = leadsTo(inspection);
      const evidence = { hops: inspection.hops };
      const last = inspection.hops.at(-1)?.location ?? null;
      if (away !== null && (away.host === spec.hostname || away.host === spec.test_hostname))
        return fail(
          `the ${side} endpoint, asked for ${spec[side].host_header ?? "its address"}, redirects to the balanced hostname ${away.host}`,
          evidence,
          `Let the endpoint serve ${spec.monitor.path} itself, or set {endpoint}.host_header to ${away.host} if it serves that name without redirecting.`,
        );
      return inspection.failure === "redirect" && away === null
        ? fail(
            `the ${side} endpoint redirects again and again, at last to ${last ?? "what is no URL"} (more than ${inspection.hops.length - 1} times)`,
            evidence,
            "Let the endpoint answer without a redirect in the end; one that redirects http to https has to know https when it comes: check its proxy's settings, or set monitor.type to https and Cloudflare's SSL/TLS encryption mode to Full.",
          )
        : pass(`the ${side} endpoint does not redirect in circles`, evidence);
    }),
  },
  {
    id: "redirect-leaves",
    asks: "Does the endpoint answer without redirecting to another site?",
    worst: "fail",
    means: "visitors leave the balanced hostname, and health checks judge the other site",
    remedy:
      "Let the endpoint serve monitor.path itself, set monitor.path to a page that it serves, or set {endpoint}.host_header to the name for which it does not redirect.",
    documentation: DOCUMENTATION.errors,
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
        ? fail(`the ${side} endpoint redirects to another site, ${away.url}`, evidence)
        : pass(`the ${side} endpoint does not redirect to another site`, evidence);
    }),
  },
  {
    id: "redirects-followed",
    asks: "Does the monitor follow the redirects that the endpoint answers with?",
    worst: "fail",
    means: "health checks see the redirect instead of the page and find the endpoint unhealthy",
    remedy:
      "Set monitor.follow_redirects to true, or set monitor.type and monitor.path to what the endpoint answers without a redirect.",
    documentation: DOCUMENTATION.monitors,
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
];
