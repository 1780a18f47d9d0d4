// What a preflight asks about the Pages projects that are endpoints.
import type { CloudflareAccount } from "../../cloudflare/account.ts";
import type { PagesState } from "../../cloudflare/inspection.ts";
import type { Asked, DeploymentFacts, PagesFacts } from "../../failover/preflight/facts.ts";
import type { SpecInput } from "../../failover/spec.ts";
import { ask, mapped, notAsked, type Questions } from "./ask.ts";

type EndpointInput = SpecInput["primary"];

/** Null of an endpoint that is no Pages project. */
export type Project = { readonly name: string; readonly state: Asked<PagesState> } | null;

export async function gatherProject(
  { inspection }: Questions,
  { pages_project: name }: EndpointInput,
): Promise<Project> {
  return name === undefined ? null : { name, state: await ask(() => inspection.pages(name)) };
}

/** The status of each custom domain, where one stands for the project. */
export async function gatherDomains(
  account: CloudflareAccount,
  project: Project,
  { custom_domain: domain }: EndpointInput,
): Promise<PagesFacts["domainStatus"]> {
  if (project === null || domain === undefined) return notAsked("no custom domain is used");
  if (project.state.state !== "known") return project.state;
  return mapped(await ask(() => account.pagesDomains(project.name)), (domains) =>
    Object.fromEntries(domains.map(({ name, status }) => [name, status])),
  );
}

/** The newest production deployment; the newest of any environment says it already where it is one. */
export async function gatherLatest(
  { inspection }: Questions,
  project: Project,
): Promise<Asked<DeploymentFacts | null>> {
  if (project === null || project.state.state !== "known") return notAsked("the project could not be read");
  const { latest, serving } = project.state.value;
  const isProduction = latest?.environment === "production" || (latest !== null && latest.id === serving?.id);
  return isProduction
    ? { state: "known", value: latest }
    : ask(() => inspection.latestProduction(project.name));
}

export function pagesFacts(
  project: Project,
  domainStatus: PagesFacts["domainStatus"],
  latest: PagesFacts["latest"],
): Asked<PagesFacts> | null {
  if (project === null) return null;
  const { name, state } = project;
  return mapped(state, ({ subdomain, domains, serving }) => ({
    project: name,
    subdomain,
    domains,
    serving,
    latest,
    domainStatus,
  }));
}
