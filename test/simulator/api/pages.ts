import { Hono } from "hono";
import { newUuid, timestamp } from "../identity.ts";
import type { PagesDeployment, PagesDomain, PagesProject } from "../objects.ts";
import { deploy, validateDomain } from "../pages-projects.ts";
import type { Switches } from "../switches.ts";
import { text } from "./body.ts";
import { needs, ok, readBody, type Call, type CallEnv } from "./call.ts";
import { paged, PAGES_PAGING, visible } from "./paging.ts";
import { invalid, Refusal } from "./refusal.ts";

const READ = needs("Pages Read");
const WRITE = needs("Pages Write");

function projectOf(c: Call): PagesProject {
  const name = c.req.param("project");
  for (const project of c.env.state.pagesProjects.values()) if (project.name === name) return project;
  throw new Refusal(
    404,
    8000007,
    "Project not found. The specified project name does not match any of your existing projects.",
  );
}

function deploymentOf(c: Call): PagesDeployment {
  const found = projectOf(c).deployments.find((deployment) => deployment.id === c.req.param("deployment"));
  if (found === undefined) throw new Refusal(404, 8000009, "Deployment not found.");
  return found;
}

function domainOf(c: Call): PagesDomain {
  const found = projectOf(c).domains.find((domain) => domain.name === c.req.param("domain"));
  if (found === undefined) throw new Refusal(404, 8000021, "The domain you have requested does not exist.");
  return found;
}

function presentDeployment(deployment: PagesDeployment): Record<string, unknown> {
  const { body: _body, status: _status, ...shown } = deployment;
  return {
    ...shown,
    env_vars: {},
    build_config: { build_command: null, destination_dir: null, root_dir: null },
  };
}

function presentDomain(c: Call, domain: PagesDomain): Record<string, unknown> {
  const active = domain.status === "active";
  return {
    id: domain.id,
    domain_id: domain.id,
    name: domain.name,
    status: domain.status,
    created_on: domain.created_on,
    certificate_authority: "google",
    zone_tag: [...c.env.state.zones.values()].find((zone) => domain.name.endsWith(zone.name))?.id ?? "",
    verification_data: { status: active ? "active" : "pending" },
    validation_data: { status: active ? "active" : "initializing", method: "http" },
  };
}

/** Whether it is what is served after a rollback, or the newest successful one as ever, is open (API-FACTS 12.1). */
function canonicalOf(project: PagesProject, { canonicalDeployment }: Switches): PagesDeployment | undefined {
  if (canonicalDeployment === "served")
    return project.deployments.find((deployment) => deployment.id === project.canonicalId);
  return project.deployments.find(
    (deployment) => deployment.environment === "production" && isSuccessful(deployment),
  );
}

function presentProject(project: PagesProject, switches: Switches): Record<string, unknown> {
  const canonical = canonicalOf(project, switches);
  const [latest] = project.deployments;
  return {
    id: project.id,
    name: project.name,
    subdomain: project.subdomain,
    domains: [project.subdomain, ...project.domains.map((domain) => domain.name)],
    production_branch: project.production_branch,
    canonical_deployment: canonical === undefined ? null : presentDeployment(canonical),
    latest_deployment: latest === undefined ? null : presentDeployment(latest),
    source: null,
    build_config: { build_command: null, destination_dir: null, root_dir: null },
    deployment_configs: { preview: { env_vars: {} }, production: { env_vars: {} } },
    created_on: project.created_on,
  };
}

function isSuccessful(deployment: PagesDeployment): boolean {
  const { name, status } = deployment.latest_stage;
  return name === "deploy" && status === "success" && !deployment.is_skipped;
}

export const pages = new Hono<CallEnv>()
  .get("/", READ, (c) => {
    const projects = [...c.env.state.pagesProjects.values()].map((project) =>
      presentProject(project, c.env.state.switches),
    );
    return paged(c, projects, PAGES_PAGING);
  })
  .get("/:project", READ, (c) => ok(c, presentProject(projectOf(c), c.env.state.switches)))
  .get("/:project/deployments", READ, (c) => {
    const environment = c.req.query("env");
    const deployments = projectOf(c).deployments.filter(
      (deployment) => environment === undefined || deployment.environment === environment,
    );
    return paged(
      c,
      deployments.map((deployment) => presentDeployment(deployment)),
      PAGES_PAGING,
    );
  })
  .get("/:project/deployments/:deployment", READ, (c) => ok(c, presentDeployment(deploymentOf(c))))
  .get("/:project/deployments/:deployment/history/logs", READ, (c) => {
    const { created_on } = deploymentOf(c);
    return ok(c, {
      total: 1,
      includes_container_logs: true,
      data: [{ ts: created_on, line: "Success: deployed" }],
    });
  })
  .post("/:project/deployments/:deployment/retry", WRITE, (c) => {
    const failed = deploymentOf(c);
    const { environment, body } = failed;
    const commit = failed.deployment_trigger.metadata.commit_hash;
    return ok(
      c,
      presentDeployment(deploy(c.env.state, c.env.now, projectOf(c), { environment, body, commit })),
    );
  })
  .post("/:project/deployments/:deployment/rollback", WRITE, (c) => {
    const deployment = deploymentOf(c);
    if (deployment.environment !== "production" || !isSuccessful(deployment)) {
      throw new Refusal(400, 8000039, "Only a successful production deployment can be rolled back to.");
    }
    projectOf(c).canonicalId = deployment.id;
    return ok(c, presentDeployment(deployment));
  })
  .delete("/:project/deployments/:deployment", WRITE, (c) => {
    const project = projectOf(c);
    const deployment = deploymentOf(c);
    if (deployment.id === project.canonicalId) {
      throw new Refusal(400, 8000034, "The active production deployment can not be deleted.");
    }
    project.deployments.splice(project.deployments.indexOf(deployment), 1);
    return ok(c, null);
  })
  .get("/:project/domains", READ, (c) => {
    const shown = visible(
      c,
      projectOf(c).domains.map((domain) => presentDomain(c, domain)),
    );
    return ok(c, shown, { page: 1, per_page: 100, count: shown.length, total_count: shown.length });
  })
  .post("/:project/domains", WRITE, async (c) => {
    const body = await readBody(c);
    const { state, now } = c.env;
    const project = projectOf(c);
    const name = text(body, "name", "").toLowerCase();
    if (name === "") throw invalid("name is required");
    if (project.domains.some((domain) => domain.name === name)) {
      throw new Refusal(400, 8000018, "You have already added this custom domain.");
    }
    const id = newUuid(state);
    const domain = validateDomain(state, project, {
      id,
      name,
      status: "initializing",
      created_on: timestamp(state, now),
    });
    project.domains.push(domain);
    return ok(c, presentDomain(c, domain));
  })
  .get("/:project/domains/:domain", READ, (c) => ok(c, presentDomain(c, domainOf(c))))
  // PATCH retries the validation.
  .patch("/:project/domains/:domain", WRITE, (c) => {
    const project = projectOf(c);
    const before = domainOf(c);
    const domain = validateDomain(c.env.state, project, before);
    project.domains.splice(project.domains.indexOf(before), 1, domain);
    return ok(c, presentDomain(c, domain));
  })
  .delete("/:project/domains/:domain", WRITE, (c) => {
    const project = projectOf(c);
    project.domains.splice(project.domains.indexOf(domainOf(c)), 1);
    return ok(c, null);
  });
