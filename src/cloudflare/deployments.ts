// What Pages projects serve, and the one write to them: going back to an earlier deployment.
import type { Deployment } from "../failover/deploys.ts";
import { isObject, manyOf, oneOf, text, textOf } from "./answers.ts";
import type { Priority } from "./budget.ts";
import { CloudflareError } from "./errors.ts";
import type { Call } from "./transport.ts";

/** By the project's name; null of one that serves nothing yet. */
export interface ServingRead {
  readonly serving: ReadonlyMap<string, Deployment | null>;
  /** Why some of it could not be read; null where nothing failed. */
  readonly unreadable: string | null;
}

/** What is kept between calls: which size of page the list takes, and where it was left. */
export interface ListPosition {
  perPage?: number;
  page?: number;
}

/** Every method throws `CloudflareError` and nothing else; `servingOf` throws nothing. */
export interface CloudflareDeployments {
  /** What a project serves. */
  serving(project: string): Promise<Deployment | null>;
  /** What these projects serve, as far as so few calls tell; what is left out is read first the next time. */
  servingOf(projects: readonly string[]): Promise<ServingRead>;
  /** Whether this successful production deployment still exists. */
  isThere(project: string, deploymentId: string): Promise<boolean>;
  /** Makes an earlier production deployment the one that is served; it isn't built again. */
  rollBack(project: string, deploymentId: string): Promise<void>;
}

/** The documented bound of the deployments' list, taken for the projects' as well (API-FACTS 12.2, open). */
const PER_PAGE = 25;
/** What Cloudflare's own command line asks for. */
const SMALL_PAGE = 10;
/** So few are asked for one by one; of more, the list of all is read. */
const FEW = 3;
/** More pages than an account has projects for, by its soft limit, unless pages are small. */
const MOST_PAGES = 8;
const LONGEST_MESSAGE = 200;

const objectIn = (value: unknown, member: string): Record<string, unknown> => {
  const found = isObject(value) ? value[member] : undefined;
  return isObject(found) ? found : {};
};

function instantOf(value: unknown): number | null {
  const at = Date.parse(text(value));
  return Number.isNaN(at) ? null : at;
}

/** Null of anything but a production deployment that is live (API-FACTS 12.1). */
function liveDeployment(value: unknown): Deployment | null {
  if (!isObject(value) || typeof value["id"] !== "string" || value["id"] === "") return null;
  const stage = objectIn(value, "latest_stage");
  const isLive = textOf(stage, "name") === "deploy" && textOf(stage, "status") === "success";
  const isProduction = textOf(value, "environment") === "production";
  if (!isLive || !isProduction || value["is_skipped"] === true) return null;
  const metadata = objectIn(objectIn(value, "deployment_trigger"), "metadata");
  const [line = ""] = textOf(metadata, "commit_message").split(/\r?\n/);
  return {
    id: value["id"],
    commit: textOf(metadata, "commit_hash") || null,
    message: line.trim().slice(0, LONGEST_MESSAGE) || null,
    url: textOf(value, "url") || null,
    liveAt: instantOf(stage["ended_on"]) ?? instantOf(value["created_on"]),
  };
}

function servingIn(project: unknown): Deployment | null {
  const found = isObject(project) ? project : {};
  // Where there is no canonical one the newest may be it: documented as null only before the first success.
  return liveDeployment(found["canonical_deployment"]) ?? liveDeployment(found["latest_deployment"]);
}

export function createDeployments(
  call: Call,
  accountId: string,
  priority: Priority,
  position: ListPosition = {},
): CloudflareDeployments {
  const all = `/accounts/${accountId}/pages/projects`;

  const serving = async (project: string) =>
    servingIn(oneOf(await call(priority, "get", `${all}/${project}`)));

  const readPage = async (page: number) => {
    const perPage = position.perPage ?? PER_PAGE;
    const envelope = await call(priority, "get", all, { query: { page, per_page: perPage } });
    const found = manyOf(envelope);
    const pages = objectIn(envelope, "result_info");
    const last = typeof pages["total_pages"] === "number" ? pages["total_pages"] : null;
    const isLast = last === null ? found.length < perPage : page >= last;
    return { found, isLast };
  };

  /** Page by page from where it was left, until all are found or it has gone round. */
  async function readList(wanted: ReadonlySet<string>, found: Map<string, Deployment | null>): Promise<void> {
    const first = position.page ?? 1;
    let page = first;
    for (let calls = 0; calls < MOST_PAGES && found.size < wanted.size; calls += 1) {
      const read = await readPage(page);
      for (const project of read.found) {
        const name = textOf(project, "name");
        if (wanted.has(name)) found.set(name, servingIn(project));
      }
      page = read.isLast ? 1 : page + 1;
      position.page = page;
      if (page === first) return;
    }
    if (found.size >= wanted.size) position.page = 1;
  }

  async function readEach(names: readonly string[], found: Map<string, Deployment | null>): Promise<void> {
    for (const name of names) {
      try {
        found.set(name, await serving(name));
      } catch (error) {
        // That there is no such project is for the preflight to say.
        if (!(error instanceof CloudflareError) || error.kind !== "not-found") throw error;
      }
    }
  }

  return {
    serving,
    async servingOf(projects) {
      const found = new Map<string, Deployment | null>();
      const read = () =>
        projects.length <= FEW ? readEach(projects, found) : readList(new Set(projects), found);
      try {
        try {
          await read();
        } catch (error) {
          const isTooLarge = error instanceof CloudflareError && error.kind === "invalid";
          if (!isTooLarge || projects.length <= FEW || position.perPage === SMALL_PAGE) throw error;
          position.perPage = SMALL_PAGE;
          position.page = 1;
          await read();
        }
      } catch (error) {
        if (!(error instanceof CloudflareError)) throw error;
        return { serving: found, unreadable: error.message };
      }
      return { serving: found, unreadable: null };
    },
    async isThere(project, deploymentId) {
      try {
        const found = await call(priority, "get", `${all}/${project}/deployments/${deploymentId}`);
        return liveDeployment(found.result) !== null;
      } catch (error) {
        if (error instanceof CloudflareError && error.kind === "not-found") return false;
        throw error;
      }
    },
    async rollBack(project, deploymentId) {
      await call(priority, "post", `${all}/${project}/deployments/${deploymentId}/rollback`);
    },
  };
}
