// What the checks of an endpoint's answers share: they judge a closer look at it, and a more exact complaint explains theirs.
import type { Side } from "../failover.ts";
import { unknown, type Finding } from "./check.ts";
import type { Inspection, PreflightFacts } from "./facts.ts";

/** Why requests can't get to the endpoint, or not to its site. */
export const ADDRESS_CAUSES = [
  "pages-project",
  "pages-deployment",
  "pages-subdomain",
  "pages-custom-domain",
  "address-balanced",
  "address-anycast",
  "address-public",
  "address-proxied",
  "pages-host-header",
  "host-header-legal",
  "endpoint-resolves",
] as const;

/** Why they don't end at a page of it. */
export const REDIRECT_CAUSES = [
  ...ADDRESS_CAUSES,
  "access-login",
  "redirect-loop",
  "redirect-leaves",
  "redirects-followed",
] as const;

/** Everything that says more exactly why an endpoint doesn't answer well. */
export const CAUSES = [...REDIRECT_CAUSES, "expected-body"] as const;

/** Only where the endpoint was looked at. */
export function looked(
  judge: (inspection: Inspection, facts: PreflightFacts, side: Side) => Finding | null,
): (facts: PreflightFacts, side: Side) => Finding | null {
  return (facts, side) => {
    const inspection = facts.inspections[side];
    return inspection === null
      ? unknown(`the ${side} endpoint could not be looked at`, { reason: "not-asked" })
      : judge(inspection, facts, side);
  };
}
