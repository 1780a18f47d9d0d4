// Checks of the token, the account and its subscription.
import { describeAbsence } from "../refused-writes.ts";
import { fail, given, isForbidden, pass, unknown, warn, type Check, type NeededPermission } from "./check.ts";
import type { Asked, PreflightFacts } from "./facts.ts";

const DAY_MS = 86_400_000;
/** A token that ends sooner than this leaves little time for an errand to whoever may renew it. */
const EXPIRES_SOON_MS = 14 * DAY_MS;
/** API-FACTS 8: what a plan below Enterprise allows at most. */
const CEILINGS = { pools: 20, monitors: 30, loadBalancers: 20 } as const;
/** Allowed on every plan, whichever of Cloudflare's pages is right about the others (API-FACTS 4). */
const SAFE_INTERVAL = 60;

const instant = (at: number): string => new Date(at).toISOString();

export const PERMISSIONS = {
  balancing: { group: "Load Balancing: Monitors and Pools Write", scope: "account" },
  loadBalancers: { group: "Load Balancers Write", scope: "zone" },
  zone: { group: "Zone Read", scope: "zone" },
  dns: { group: "DNS Read", scope: "zone" },
  certificates: { group: "SSL and Certificates Read", scope: "zone" },
  pages: { group: "Pages Read", scope: "account" },
  workerRoutes: { group: "Workers Routes Read", scope: "zone" },
  workers: { group: "Workers Scripts Read", scope: "account" },
  redirects: { group: "Dynamic URL Redirects Read", scope: "zone" },
  origins: { group: "Origin Read", scope: "zone" },
  pageRules: { group: "Page Rules Read", scope: "zone" },
  caching: { group: "Cache Settings Read", scope: "zone" },
} as const satisfies Record<string, NeededPermission>;

/** What the service can't do its work without, and the question that shows whether it is there. */
function missingPermissions(facts: PreflightFacts): NeededPermission[] {
  const asked: readonly (readonly [NeededPermission, Asked<unknown> | null])[] = [
    [PERMISSIONS.balancing, facts.lists.monitors],
    [PERMISSIONS.balancing, facts.lists.pools],
    [PERMISSIONS.balancing, facts.preview],
    [PERMISSIONS.loadBalancers, facts.lists.loadBalancers],
    [PERMISSIONS.zone, facts.zone],
    [PERMISSIONS.dns, facts.records.hostname],
    [PERMISSIONS.certificates, facts.certificates],
    [PERMISSIONS.pages, facts.pages.primary],
    [PERMISSIONS.pages, facts.pages.secondary],
  ];
  return [...new Set(asked.filter(([, answer]) => isForbidden(answer)).map(([permission]) => permission))];
}

/** The counts are "used" where they agree with what is there, else "allowed" (open, API-FACTS 6.5). */
function allowance(
  facts: PreflightFacts,
  kind: "pools" | "monitors" | "loadBalancers",
): { limit: number; source: string } | null {
  const { usage, counts, zone } = facts;
  if (usage.state !== "known") return null;
  const areUsed = usage.value.pools === counts.pools && usage.value.monitors === counts.monitors;
  const limit = usage.value[kind];
  if (!areUsed && limit !== null) return { limit, source: "the usage that Cloudflare reports" };
  const isEnterprise = zone.state === "known" && zone.value.plan.toLowerCase().includes("enterprise");
  return isEnterprise ? null : { limit: CEILINGS[kind], source: "the limit of plans below Enterprise" };
}

const KINDS = [
  { kind: "monitors", needs: 1, roles: ["monitor"] },
  { kind: "pools", needs: 2, roles: ["primary", "secondary"] },
  { kind: "loadBalancers", needs: 1, roles: ["load_balancer"] },
] as const;

function shortages(facts: PreflightFacts) {
  return KINDS.flatMap(({ kind, roles }) => {
    const wanted = roles.filter((role) => facts.failover?.ids[role] === undefined).length;
    const have = facts.counts[kind];
    const allowed = allowance(facts, kind);
    if (wanted === 0 || have === null || allowed === null || have + wanted <= allowed.limit) return [];
    return [{ kind, have, wanted, ...allowed }];
  });
}

export const ACCOUNT_CHECKS: readonly Check[] = [
  {
    id: "token-valid",
    asks: "Does Cloudflare accept the API token, for another two weeks at least?",
    worst: "fail",
    means: "without it nothing at Cloudflare can be read or changed",
    remedy: "Create an API token with the permissions of the README and set it as the secret CF_API_TOKEN.",
    documentation: "Create API token",
    judge: ({ token, now }) => {
      if (token.state === "forbidden") return fail("Cloudflare refuses the API token", { reason: token.why });
      return given(token, ({ status, expiresAt, owner }) => {
        const evidence = { status, owner, expires_at: expiresAt === null ? null : instant(expiresAt) };
        if (status !== "active") return fail(`the API token is ${status}`, evidence);
        if (expiresAt === null) return pass("the API token is active and does not expire", evidence);
        if (expiresAt <= now) return fail(`the API token expired at ${instant(expiresAt)}`, evidence);
        if (expiresAt - now > EXPIRES_SOON_MS)
          return pass(`the API token is active until ${instant(expiresAt)}`, evidence);
        return warn(`the API token expires at ${instant(expiresAt)}`, evidence);
      });
    },
  },
  {
    id: "token-owner",
    asks: "Does the API token belong to the account rather than to a person?",
    worst: "warn",
    means:
      "its limit of 1200 requests in five minutes is shared with that person's dashboard and other tokens, and it ends with that person's access",
    remedy: "Create an account-owned API token and set it as the secret CF_API_TOKEN.",
    documentation: "Account API tokens",
    follows: ["token-valid"],
    judge: ({ token }) =>
      given(token, ({ owner }) =>
        owner === "account"
          ? pass("the API token belongs to the account", { owner })
          : warn("the API token is a user's", { owner }),
      ),
  },
  {
    id: "token-permissions",
    asks: "Has the API token every permission that the service needs?",
    worst: "fail",
    means: "what needs it can't be read or changed",
    remedy:
      "Add the missing permission groups to the API token, for the scope that is named, and include this account and zone in its resources.",
    documentation: "API token permissions",
    follows: ["token-valid"],
    judge: (facts) => {
      const missing = missingPermissions(facts);
      if (missing.length > 0) {
        const named = missing.map(({ group, scope }) => `${group} (${scope})`).join(", ");
        return fail(
          `the API token lacks ${named}`,
          { missing },
          `Add to the API token: ${named}; and include this account and zone in its resources.`,
        );
      }
      return facts.lists.pools.state === "known"
        ? pass("every permission that was used was there", { missing: [] })
        : unknown("nothing could be read with the API token", { reason: facts.lists.pools.state });
    },
  },
  {
    id: "account-match",
    asks: "Does the zone belong to the account of CF_ACCOUNT_ID?",
    worst: "fail",
    means: "a load balancer can't use monitors and pools of another account",
    remedy: "Set CF_ACCOUNT_ID to the account that owns the zone, or move the zone.",
    documentation: "Find account and zone IDs",
    judge: ({ zone, accountId }) =>
      given(zone, (seen) => {
        const evidence = { zone: seen.name, zone_account: seen.accountId, account: accountId };
        if (seen.accountId === null) return unknown("Cloudflare does not say whose zone it is", evidence);
        return seen.accountId === accountId
          ? pass(`the zone ${seen.name} belongs to the account`, evidence)
          : fail(`the zone ${seen.name} belongs to another account (${seen.accountId})`, evidence);
      }),
  },
  {
    id: "load-balancing-enabled",
    asks: "Is Load Balancing enabled for the account?",
    worst: "fail",
    means: "monitors, pools and load balancers can't be created",
    remedy:
      "Enable Load Balancing in the dashboard under Traffic > Load Balancing (a paid add-on), then reconcile.",
    documentation: "Enable Load Balancing",
    follows: ["token-valid", "token-permissions"],
    judge: ({ usage, refused, observed, lists }) => {
      const said = refused === null ? null : describeAbsence(refused);
      if (said !== null) return fail("Load Balancing is not enabled", { refusal: refused });
      if (observed.load_balancer.state === "found")
        return pass("there is a load balancer already", { load_balancer: "found" });
      if (usage.state === "known") {
        const evidence = { ...usage.value };
        const { originsPerPool, minimumInterval } = usage.value;
        return originsPerPool === 0 || minimumInterval === 0
          ? fail("the account's load-balancing usage is all zeros", evidence)
          : pass("the account has load-balancing limits of its own", evidence);
      }
      // The lists need the same permission: where they can be read and the usage can't, it isn't for lack of that.
      const isAbsent = usage.state === "forbidden" || usage.state === "missing";
      if (isAbsent && lists.pools.state === "known")
        return fail(`Cloudflare shows no load-balancing usage of the account (${usage.why})`, {
          reason: usage.state,
        });
      return given(usage, () => pass(""));
    },
  },
  {
    id: "quota",
    asks: "Is there room for the objects that would be created?",
    worst: "fail",
    means: "Cloudflare would refuse to create them",
    remedy: "Delete what is not used any more, or raise the limits of the Load Balancing subscription.",
    documentation: "Limitations",
    follows: ["token-valid", "token-permissions", "load-balancing-enabled"],
    judge: (facts) => {
      const short = shortages(facts);
      const wanted = KINDS.flatMap(({ roles }) => roles).filter(
        (role) => facts.failover?.ids[role] === undefined,
      );
      if (wanted.length === 0) return pass("nothing has to be created", { to_create: [] });
      if (short.length > 0) {
        const said = short.map(
          ({ kind, have, wanted: more, limit, source }) =>
            `${more} more ${kind === "loadBalancers" ? "load balancers" : kind} beside ${have} exceed ${limit} (${source})`,
        );
        return fail(said.join("; "), { shortages: short });
      }
      return given(facts.usage, (usage) =>
        pass("there is room for what would be created", { to_create: wanted, usage, counts: facts.counts }),
      );
    },
  },
  {
    id: "monitor-interval",
    asks: "Does the plan allow the monitor's interval?",
    worst: "fail",
    means: "Cloudflare refuses the monitor",
    remedy: "Raise monitor.interval to what the plan allows.",
    documentation: "Monitors",
    follows: ["load-balancing-enabled"],
    judge: ({ spec, usage, observed }) => {
      const { interval } = spec.monitor;
      const least = usage.state === "known" ? usage.value.minimumInterval : null;
      const evidence = { interval_seconds: interval, minimum_seconds: least };
      const isThere = observed.monitor.state === "found" && observed.monitor.object["interval"] === interval;
      if (isThere) return pass(`the monitor runs every ${interval} seconds`, evidence);
      if (least !== null && interval < least)
        return fail(
          `an interval of ${interval} seconds is below the plan's minimum of ${least}`,
          evidence,
          `Set monitor.interval to ${least} or more.`,
        );
      if (least !== null || interval >= SAFE_INTERVAL)
        return pass(`an interval of ${interval} seconds is allowed`, evidence);
      return unknown(
        `whether the plan allows an interval of ${interval} seconds could not be read`,
        evidence,
      );
    },
  },
  {
    id: "check-regions",
    asks: "Does the plan allow the regions from which health is checked?",
    worst: "fail",
    means: "Cloudflare refuses the pools",
    remedy: "Name one region in check_regions, such as WNAM; only Enterprise may check from everywhere.",
    documentation: "Limitations",
    follows: ["load-balancing-enabled"],
    judge: ({ spec, zone, observed }) => {
      const regions = spec.check_regions;
      const plan = zone.state === "known" ? zone.value.plan : null;
      const evidence = { check_regions: regions, plan };
      if (observed.primary.state === "found" && observed.secondary.state === "found")
        return pass("the pools are in place with their regions", evidence);
      const isEnterprise = plan?.toLowerCase().includes("enterprise") === true;
      if (regions.includes("ALL_REGIONS")) {
        if (isEnterprise) return pass("Enterprise may check from every region", evidence);
        return plan === null
          ? unknown("the plan is not known, and only Enterprise may check from every region", evidence)
          : fail(`ALL_REGIONS is for Enterprise, and the zone's plan is ${plan}`, evidence);
      }
      return regions.length === 1 || isEnterprise
        ? pass(`checking from ${regions.join(", ")} is allowed`, evidence)
        : warn(
            `how many regions the plan ${plan ?? ""} allows is not published, and ${regions.length} are asked for`,
            evidence,
          );
    },
  },
];
