// Whether whoever asks may: decided here alone, by the route's access rule, before a body is read.
import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { Among } from "../actions/reader-port.ts";
import { hasScope, isUnlimited, mayTouch, type Principal, type Scope } from "../failover/access.ts";
import { fail, type Result } from "../failover/results.ts";
import { accessRuleOf, type AccessRule } from "./access-rules.ts";
import { authenticate, type Unauthenticated } from "./authentication.ts";
import type { ApiDependencies, ApiEnv } from "./dependencies.ts";
import { problem, type ProblemError } from "./problem.ts";
import { clientKey, isOverLimit, tooManyRequests } from "./rate-limit.ts";
import { noSuchFailover } from "./reference.ts";

const REALM = 'Bearer realm="understudy"';
const invalidToken = (detail: string) => ({
  detail,
  challenge: `${REALM}, error="invalid_token", error_description="${detail}"`,
});

const ANSWERS: Readonly<
  Record<Exclude<Unauthenticated, "keys-unreachable">, { detail: string; challenge: string }>
> = {
  missing: { detail: "Send a token: Authorization: Bearer <token>.", challenge: REALM },
  malformed: {
    detail: "The Authorization header is not of the form Bearer <token>.",
    challenge: `${REALM}, error="invalid_request"`,
  },
  unknown: invalidToken("This token is not valid."),
  expired: invalidToken("This token has expired."),
  revoked: invalidToken("This token was revoked."),
  "jwt-invalid": invalidToken("The JWT of Cloudflare Access is not valid for this service."),
  "jwt-expired": invalidToken("The JWT of Cloudflare Access has expired."),
};

function insufficientScope(scope: Scope, detail: string): ProblemError {
  return problem("forbidden", detail, {
    headers: { "www-authenticate": `${REALM}, error="insufficient_scope", scope="${scope}"` },
  });
}

/** Which of the handlers to come is the route's own; -1 where only the answers for other paths and methods are left. */
function routeIndex(c: Context<ApiEnv>): number {
  return matchedRoutes(c).findIndex(({ method }) => method !== "ALL");
}

function ruleOf(c: Context<ApiEnv>): AccessRule | null {
  const route = matchedRoutes(c)[routeIndex(c)];
  return route === undefined ? null : accessRuleOf(route.method, route.path.replaceAll(/:(\w+)/g, "{$1}"));
}

/** {id} exactly as the route will read it: to decode it here in another way would be a way around this check. */
function idOf(c: Context<ApiEnv>): string {
  const { routeIndex: own } = c.req;
  c.req.routeIndex = routeIndex(c);
  const id = c.req.param("id");
  c.req.routeIndex = own;
  return id ?? "";
}

/** Work that the answer doesn't wait for; outside of a Worker's request it just runs. */
export function afterwards(c: Context<ApiEnv>, work: Promise<void>): void {
  try {
    c.executionCtx.waitUntil(work);
  } catch {
    // Only Hono's tests have no execution context.
  }
}

/** What a page of another site makes a browser send comes from elsewhere, and says so; other callers say nothing. */
function isCrossSite({ req }: Context<ApiEnv>): boolean {
  if (["GET", "HEAD"].includes(req.method)) return false;
  const site = req.header("sec-fetch-site");
  if (site !== undefined) return site !== "same-origin" && site !== "none";
  const origin = req.header("origin");
  return origin !== undefined && origin !== new URL(req.url).origin;
}

async function admit(c: Context<ApiEnv>, dependencies: ApiDependencies): Promise<Principal> {
  const { limits, clock, log } = dependencies;
  const found = await authenticate(c.req.raw.headers, dependencies);
  if (!found.ok) {
    if (found.why === "keys-unreachable") {
      const detail = "The keys of Cloudflare Access can't be read, so that nobody can be let in by it now.";
      throw problem("unavailable", detail, { headers: { "retry-after": "5" } });
    }
    const client = clientKey(c.req.header("cf-connecting-ip") ?? null);
    if (await isOverLimit(limits.failures, `failures:${client}`)) {
      throw tooManyRequests(
        clock.now(),
        null,
        "Too many requests without a valid token came from this address.",
      );
    }
    const { detail, challenge } = ANSWERS[found.why];
    throw problem("unauthorized", detail, { headers: { "www-authenticate": challenge } });
  }
  const { principal, byBrowser } = found;
  if (await isOverLimit(limits.requests, principal.key)) {
    throw tooManyRequests(clock.now(), limits.requestsPerMinute, "Too many requests.");
  }
  if (byBrowser && isCrossSite(c)) {
    throw problem("forbidden", "This request was made by a page of another site.");
  }
  const note = found.afterwards?.().catch((error: unknown) => {
    log({ level: "warn", message: "the use of a token could not be noted", error: String(error) });
  });
  if (note !== undefined) afterwards(c, note);
  return principal;
}

/** The failovers that the principal may read, by id and name. */
async function readable({ reader }: ApiDependencies, principal: Principal) {
  return (await reader.failoverNames()).filter(({ name }) => mayTouch(principal, "read", name));
}

async function requireFailover(
  dependencies: ApiDependencies,
  principal: Principal,
  scope: Scope,
  reference: string,
  otherwise: ProblemError,
): Promise<void> {
  const found = (await readable(dependencies, principal)).find(
    ({ id, name }) => id === reference || name === reference,
  );
  if (found === undefined) throw otherwise;
  if (!mayTouch(principal, scope, found.name)) {
    throw insufficientScope(scope, `For this failover this needs the scope ${scope}.`);
  }
}

async function requireSubject(
  c: Context<ApiEnv>,
  dependencies: ApiDependencies,
  { scope, about }: Exclude<AccessRule, string>,
): Promise<void> {
  const principal = c.get("principal");
  if (isUnlimited(principal, scope)) return;
  const id = idOf(c);
  switch (about) {
    case "failover":
      return requireFailover(dependencies, principal, scope, id, noSuchFailover());
    case "operation": {
      const none = problem("not-found", "There is no operation with this id.");
      const operation = await dependencies.reader.findOperation(id);
      return requireFailover(dependencies, principal, scope, operation?.failoverId ?? "", none);
    }
    case "visible":
      c.set(
        "visible",
        (await readable(dependencies, principal)).map((one) => one.id),
      );
      return;
    case "named":
    case "tokens":
      return;
    case "account":
      throw insufficientScope(
        scope,
        `This is about all failovers: it needs the scope ${scope} without a limit to some of them.`,
      );
    default:
      about satisfies never;
  }
}

/** Stands before every route. Below /v1 it doesn't say which paths there are to whom it doesn't know. */
export function authorize(dependencies: ApiDependencies): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const rule = ruleOf(c);
    const isApi = /^\/v1(\/|$)/.test(c.req.path);
    if (rule === "open" || rule === "itself" || (rule === null && !isApi)) return next();
    const principal = await admit(c, dependencies);
    c.set("principal", principal);
    c.set("visible", null);
    if (rule === null) return next();
    c.set("scope", rule.scope);
    if (!hasScope(principal, rule.scope)) {
      throw insufficientScope(rule.scope, `This needs the scope ${rule.scope}.`);
    }
    await requireSubject(c, dependencies, rule);
    return next();
  };
}

/** For routes that decide by themselves: whoever asks has to have this scope, for whichever failover. */
export async function requireScope(
  c: Context<ApiEnv>,
  dependencies: ApiDependencies,
  scope: Scope,
): Promise<void> {
  const principal = await admit(c, dependencies);
  if (!hasScope(principal, scope)) throw insufficientScope(scope, `This needs the scope ${scope}.`);
}

/** For what a request asks for beyond its route: of the same subject, whoever asks has to have this scope as well. */
export async function requireFurther(
  c: Context<ApiEnv>,
  dependencies: ApiDependencies,
  scope: Scope,
): Promise<void> {
  const rule = ruleOf(c);
  if (rule === null || typeof rule === "string") return;
  if (!hasScope(c.get("principal"), scope)) throw insufficientScope(scope, `This needs the scope ${scope}.`);
  await requireSubject(c, dependencies, { ...rule, scope });
}

/** To do alone what two have to agree to is for admins. */
export async function requireOverride(
  c: Context<ApiEnv>,
  dependencies: ApiDependencies,
  override: readonly string[] | undefined,
): Promise<void> {
  if (override?.includes("approval-required") === true) await requireFurther(c, dependencies, "admin");
}

/** Of which failovers a list may tell; for routes about what is `visible`. */
export function visibleTo(c: Context<ApiEnv>): Among {
  return c.get("visible");
}

/** For routes about a failover that the body names. */
export function requireName(c: Context<ApiEnv>, name: string): void {
  const scope = c.get("scope");
  if (mayTouch(c.get("principal"), scope, name)) return;
  throw insufficientScope(scope, "This token is limited to failovers of other names.");
}

/** Who has a name or hostname already is nothing for a token that isn't for them: it hears only that it is taken. */
export function withoutOthers<T>(c: Context<ApiEnv>, result: Result<T>): Result<T> {
  if (result.ok || result.failure.code !== "taken" || isUnlimited(c.get("principal"), "read")) return result;
  const errors = (result.failure.errors ?? []).map(({ pointer }) => ({ pointer, message: "is taken" }));
  return fail("taken", "A name or hostname is taken already.", { errors });
}
