// API-FACTS 12.3: how Cloudflare Pages answers.
import { fromCloudflare, type Ask, type Outcome } from "./exchange.ts";
import type { PagesDeployment, PagesProject } from "./objects.ts";

/** The deployment that a host name shows: production, a branch alias, or one deployment's own address. */
function deploymentAt(project: PagesProject, host: string): PagesDeployment | null {
  if (
    host === project.subdomain ||
    project.domains.some((domain) => domain.name === host && domain.status === "active")
  ) {
    return project.deployments.find((deployment) => deployment.id === project.canonicalId) ?? null;
  }
  return (
    project.deployments.find(
      (deployment) =>
        isLive(deployment) &&
        (deployment.url === `https://${host}` || (deployment.aliases ?? []).includes(`https://${host}`)),
    ) ?? null
  );
}

function isLive(deployment: PagesDeployment): boolean {
  const { name, status } = deployment.latest_stage;
  return name === "deploy" && status === "success" && !deployment.is_skipped;
}

function isKnownHost(project: PagesProject, host: string): boolean {
  return (
    host === project.subdomain ||
    host.endsWith(`.${project.subdomain}`) ||
    project.domains.some((domain) => domain.name === host && domain.status === "active")
  );
}

function etag(body: string): string {
  let hash = 0x811c9dc5;
  for (const character of body) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return `"${(hash >>> 0).toString(16).padStart(8, "0")}"`;
}

const NOT_FOUND_PAGE = "<!doctype html><title>Not found</title><p>there is no such page</p>";

/** The project that answers is found by Host, whatever project the address belongs to. */
export function askPages(projects: Iterable<PagesProject>, ask: Ask): Outcome {
  let project: PagesProject | undefined;
  for (const candidate of projects) if (isKnownHost(candidate, ask.host)) project = candidate;
  // Any other Host is not served: Error 1000 for visitors, a response code mismatch for a monitor.
  if (project === undefined) {
    return fromCloudflare(403, "<title>DNS points to prohibited IP</title>error code: 1000");
  }
  const redirect = (location: string, status: number): Outcome => {
    const answer = fromCloudflare(status, "", project.subdomain);
    answer.headers["location"] = location;
    return { ...answer, address: project.subdomain };
  };
  if (ask.scheme === "http") return redirect(`https://${ask.host}${ask.path}`, 301);
  const [path = "/", query] = ask.path.split("?");
  const clean = path.replace(/\/index(\.html)?$/, "/").replace(/\.html$/, "");
  if (clean !== path) return redirect(query === undefined ? clean : `${clean}?${query}`, 308);
  const deployment = deploymentAt(project, ask.host);
  if (deployment === null)
    return fromCloudflare(404, "<title>Nothing is here yet</title>", project.subdomain);
  const found = (project.spa ?? true) || ["/", ...(project.paths ?? [])].includes(clean);
  const body = found ? deployment.body : NOT_FOUND_PAGE;
  const answer = fromCloudflare(found ? (deployment.status ?? 200) : 404, body, project.subdomain);
  answer.headers = {
    ...answer.headers,
    "content-type": "text/html; charset=utf-8",
    "cache-control": "public, max-age=0, must-revalidate",
    etag: etag(body),
  };
  return { ...answer, address: project.subdomain };
}
