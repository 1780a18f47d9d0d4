// API-FACTS 12.1: projects and deployments as they come to be.
import { bareName } from "./addresses.ts";
import { recordFor, zoneOf } from "./dns.ts";
import { newUuid, timestamp } from "./identity.ts";
import type { PagesDeployment, PagesDomain, PagesProject, PagesStage } from "./objects.ts";
import type { State } from "./state.ts";

export interface DeployOptions {
  success?: boolean;
  body?: string;
  /** What its pages answer, where it builds and doesn't work. */
  status?: number;
  message?: string;
  environment?: "production" | "preview";
  commit?: string;
  branch?: string;
  skipped?: boolean;
  /** How long ago it was made. */
  ageSeconds?: number;
}

const STAGES = ["queued", "initialize", "clone_repo", "build", "deploy"] as const;

function stagesOf(at: string, success: boolean, skipped: boolean): PagesStage[] {
  return STAGES.map((name, index) => {
    // A failure happens in the build, and later stages stay idle.
    const reached = success || index <= 3;
    const status = skipped
      ? "skipped"
      : !reached
        ? "idle"
        : !success && name === "build"
          ? "failure"
          : "success";
    return { name, status, started_on: reached ? at : null, ended_on: reached ? at : null };
  });
}

export function defaultPage(project: string): string {
  return `<!doctype html><title>${project}</title><p>pages project ${project}</p>`;
}

/** Adds a deployment, newest first; the newest successful production deployment becomes canonical. */
export function deploy(
  state: State,
  now: number,
  project: PagesProject,
  options: DeployOptions = {},
): PagesDeployment {
  const { success = true, environment = "production", skipped = false } = options;
  const id = newUuid(state);
  const shortId = id.slice(0, 8);
  const madeAt = now - (options.ageSeconds ?? 0) * 1000;
  const at = timestamp(state, madeAt);
  const stages = stagesOf(at, success, skipped);
  const latest = stages.findLast((stage) => stage.status !== "idle") ?? stages[0];
  const branch = options.branch ?? (environment === "production" ? project.production_branch : "preview");
  const current = project.deployments.find((known) => known.id === project.canonicalId);
  const deployment: PagesDeployment = {
    id,
    short_id: shortId,
    project_id: project.id,
    project_name: project.name,
    environment,
    url: `https://${shortId}.${project.subdomain}`,
    aliases: environment === "production" ? null : [`https://${branch}.${project.subdomain}`],
    stages,
    latest_stage: latest ?? { name: "queued", status: "idle", started_on: null, ended_on: null },
    deployment_trigger: {
      type: "ad_hoc",
      metadata: {
        branch,
        commit_hash: options.commit ?? id.replaceAll("-", "").padEnd(40, "0"),
        commit_message: options.message ?? "Deploy",
      },
    },
    is_skipped: skipped,
    skip_reason: skipped ? "commit_message" : null,
    created_on: at,
    modified_on: at,
    body: options.body ?? current?.body ?? defaultPage(project.name),
    ...(options.status === undefined ? {} : { status: options.status }),
  };
  const isOlder = (known: PagesDeployment): boolean => Date.parse(known.created_on) <= madeAt;
  const position = project.deployments.findIndex((known) => isOlder(known));
  project.deployments.splice(position === -1 ? project.deployments.length : position, 0, deployment);
  const serves = success && !skipped && environment === "production";
  if (serves && (current === undefined || isOlder(current))) project.canonicalId = id;
  return deployment;
}

/** A custom domain becomes active once its name leads to the project, in a zone of the account. */
export function validateDomain(state: State, project: PagesProject, domain: PagesDomain): PagesDomain {
  const zone = zoneOf(state, domain.name);
  const record = zone === null ? null : recordFor(state, zone, domain.name);
  const leads = record !== null && record.type === "CNAME" && bareName(record.content) === project.subdomain;
  return { ...domain, status: leads && zone?.status === "active" ? "active" : "pending" };
}
