// Checks of the Pages projects that are endpoints.
import type { Side } from "../failover.ts";
import { fail, given, pass, unknown, warn, type Check, type Finding } from "./check.ts";
import { DOCUMENTATION } from "./documentation.ts";
import { PERMISSIONS } from "./permissions.ts";
import type { DeploymentFacts, PagesFacts, PreflightFacts } from "./facts.ts";

const DAY_MS = 86_400_000;
/** A stand-in that nobody deployed for this long is likely to show yesterday's site. */
const OLD_AFTER_MS = 30 * DAY_MS;

/** Only of an endpoint that is a Pages project; what can't be read of it is unknown. */
function ofPages(
  judge: (pages: PagesFacts, facts: PreflightFacts, side: Side) => Finding | null,
): (facts: PreflightFacts, side: Side) => Finding | null {
  return (facts, side) => {
    const asked = facts.pages[side];
    if (asked === null) return null;
    if (asked.state === "known") return judge(asked.value, facts, side);
    return given(asked, () => pass(""));
  };
}

function evidenceOf(deployment: DeploymentFacts) {
  const { id, outcome, commit, createdAt } = deployment;
  return {
    deployment: id,
    outcome,
    commit,
    created_at: createdAt === null ? null : new Date(createdAt).toISOString(),
  };
}

const permission = PERMISSIONS.pages;

export const PAGES_CHECKS: readonly Check[] = [
  {
    id: "pages-project",
    asks: "Does the Pages project exist in the account?",
    worst: "fail",
    means: "the endpoint has nothing to answer with",
    remedy: "Correct {endpoint}.pages_project, or create a Pages project of that name and deploy to it.",
    documentation: DOCUMENTATION.upload,
    permission,
    judgeEndpoint: (facts, side) => {
      const asked = facts.pages[side];
      const project = facts.spec[side].pages_project;
      if (asked === null || project === undefined) return null;
      if (asked.state === "missing")
        return fail(`the account has no Pages project "${project}"`, { project });
      return given(asked, ({ subdomain }) =>
        pass(`the Pages project ${project} exists`, { project, subdomain }),
      );
    },
  },
  {
    id: "pages-deployment",
    asks: "Has the Pages project a successful production deployment?",
    worst: "fail",
    means: "its site answers with an error",
    remedy: "Deploy the project from its production branch, and wait until the deployment has succeeded.",
    documentation: DOCUMENTATION.production,
    follows: ["pages-project"],
    permission,
    judgeEndpoint: ofPages(({ project, serving }) =>
      serving === null
        ? fail(`the Pages project ${project} has no successful production deployment`, { project })
        : pass(`the Pages project ${project} serves the deployment ${serving.id.slice(0, 8)}`, {
            project,
            ...evidenceOf(serving),
          }),
    ),
  },
  {
    id: "pages-latest-deployment",
    asks: "Did the Pages project's latest production deployment succeed?",
    worst: "warn",
    means: "the site still shows an older version",
    remedy: "Read that deployment's log in the dashboard, mend the build and deploy again.",
    documentation: DOCUMENTATION.debugging,
    follows: ["pages-project", "pages-deployment"],
    permission,
    judgeEndpoint: ofPages(({ project, latest }) =>
      given(latest, (deployment) => {
        if (deployment === null) return unknown(`${project} was never deployed to production`, { project });
        const evidence = { project, ...evidenceOf(deployment) };
        return deployment.outcome === "failed"
          ? warn(
              `the latest production deployment of ${project}, ${deployment.id.slice(0, 8)}, failed`,
              evidence,
            )
          : pass(`the latest production deployment of ${project} is ${deployment.outcome}`, evidence);
      }),
    ),
  },
  {
    id: "pages-subdomain",
    asks: "Is the endpoint's address the subdomain that the Pages project has now?",
    worst: "fail",
    means: "requests go to a name that is not this project's",
    remedy:
      "PATCH the failover with {endpoint}.address and host_header set to the project's present name, in the place of {endpoint}.pages_project.",
    documentation: DOCUMENTATION.tutorial,
    follows: ["pages-project"],
    permission,
    judgeEndpoint: ofPages(({ project, subdomain }, { facts, spec }, side) => {
      if (spec[side].custom_domain !== undefined) return null;
      const known = Object.hasOwn(facts.subdomains, project) ? facts.subdomains[project] : undefined;
      const evidence = { project, subdomain, used: spec[side].address };
      return known === undefined || known === subdomain
        ? pass(`the Pages project ${project} answers as ${subdomain}`, evidence)
        : fail(
            `the Pages project ${project} answers as ${subdomain} now, and the ${side} endpoint is still ${known}`,
            evidence,
            `PATCH the failover with {"${side}": {"pages_project": null, "address": "${subdomain}", "host_header": "${subdomain}"}}.`,
          );
    }),
  },
  {
    id: "pages-custom-domain",
    asks: "Is the custom domain that stands for the Pages project active?",
    worst: "fail",
    means: "the project does not answer to that name",
    remedy:
      "Add the name under Custom domains of the Pages project and wait until it is active, or leave {endpoint}.custom_domain out, so that the project's own name is used.",
    documentation: DOCUMENTATION.pagesDomains,
    follows: ["pages-project"],
    permission,
    judgeEndpoint: ofPages(({ project, domainStatus }, { spec }, side) => {
      const domain = spec[side].custom_domain;
      if (domain === undefined) return null;
      return given(domainStatus, (byName) => {
        const status = Object.hasOwn(byName, domain) ? byName[domain] : undefined;
        const evidence = { project, custom_domain: domain, status: status ?? null };
        if (status === undefined)
          return fail(`the name ${domain} is not a custom domain of the Pages project ${project}`, evidence);
        return status === "active"
          ? pass(`the name ${domain} is an active custom domain of ${project}`, evidence)
          : fail(`the custom domain ${domain} of the Pages project ${project} is ${status}`, evidence);
      });
    }),
  },
  {
    id: "deployment-age",
    asks: "Was the secondary's Pages project deployed lately?",
    worst: "warn",
    means: "visitors would get an old site in an outage",
    remedy: "Deploy the stand-in together with the primary, for instance from the same pipeline.",
    documentation: DOCUMENTATION.upload,
    follows: ["pages-project", "pages-deployment"],
    permission,
    judgeEndpoint: (facts, side) => {
      if (side !== "secondary") return null;
      return ofPages(({ project, serving }) => {
        if (serving === null || serving.createdAt === null)
          return unknown(`when ${project} was deployed is not known`, { project });
        const days = Math.floor((facts.now - serving.createdAt) / DAY_MS);
        const evidence = { project, ...evidenceOf(serving), age_days: days };
        return facts.now - serving.createdAt > OLD_AFTER_MS
          ? warn(`what the Pages project ${project} serves was deployed ${days} days ago`, evidence)
          : pass(`what the Pages project ${project} serves was deployed ${days} days ago`, evidence);
      })(facts, side);
    },
  },
];
