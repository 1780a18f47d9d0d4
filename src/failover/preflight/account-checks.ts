// Checks of the token, the account and its subscription.
import { ROLES } from "../marker.ts";
import { describeAbsence } from "../refused-writes.ts";
import {
  fail,
  given,
  isForbidden,
  pass,
  unknown,
  warn,
  type Check,
  type Finding,
  type NeededPermission,
} from "./check.ts";
import { DOCUMENTATION } from "./documentation.ts";
import type { Asked, PreflightFacts } from "./facts.ts";

const DAY_MS = 86_400_000;
/** A token that ends sooner than this leaves little time for an errand to whoever may renew it. */
const EXPIRES_SOON_MS = 14 * DAY_MS;
/** API-FACTS 8: what a plan below Enterprise allows at most. */
const CEILINGS = { pools: 20, monitors: 30, loadBalancers: 20, origins: 20 } as const;
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

interface AskedWith {
  readonly permission: NeededPermission;
  readonly answers: readonly (Asked<unknown> | null)[];
}

/** What the service can't do its work without, and the questions that show whether it is there. */
function neededFor({ lists, preview, zone, records, pages }: PreflightFacts): AskedWith[] {
  return [
    { permission: PERMISSIONS.balancing, answers: [lists.monitors, lists.pools, preview] },
    { permission: PERMISSIONS.loadBalancers, answers: [lists.loadBalancers] },
    { permission: PERMISSIONS.zone, answers: [zone] },
    { permission: PERMISSIONS.dns, answers: [records.hostname] },
    { permission: PERMISSIONS.pages, answers: [pages.primary, pages.secondary] },
  ];
}

function missingOf(asked: readonly AskedWith[]): NeededPermission[] {
  return asked.filter(({ answers }) => answers.some(isForbidden)).map(({ permission }) => permission);
}

const listed = (missing: readonly NeededPermission[]): string =>
  missing.map(({ group, scope }) => `${group} (${scope})`).join(", ");

function judgePermissions(facts: PreflightFacts): Finding {
  const needed = neededFor(facts);
  const missing = missingOf(needed);
  const evidence = { missing };
  const inZone = needed.filter(({ permission }) => permission.scope === "zone");
  const name = facts.facts.zone?.name ?? "";
  if (inZone.every(({ answers }) => answers.some(isForbidden)))
    return fail(
      `the API token may do nothing with the zone ${name}`,
      evidence,
      `Include the zone ${name} in the API token's zone resources, with the permissions ${listed(inZone.map(({ permission }) => permission))}.`,
    );
  if (missing.length > 0)
    return fail(
      `the API token lacks ${listed(missing)}`,
      evidence,
      `Add to the API token: ${listed(missing)}, for this account and the zone ${name}.`,
    );
  if (isForbidden(facts.certificates))
    return warn(
      `the API token lacks ${listed([PERMISSIONS.certificates])}, without which no certificate can be checked`,
      { missing: [PERMISSIONS.certificates] },
      `Add to the API token: ${listed([PERMISSIONS.certificates])}, for the zone ${name}.`,
    );
  if (facts.refused !== null && /authenticat|authoriz|permission/i.test(facts.refused)) {
    // Whether a token may write shows only when it writes.
    const { loadBalancers, balancing } = PERMISSIONS;
    const lacked = listed([/the load balancer/i.test(facts.refused) ? loadBalancers : balancing]);
    const remedy = `Add to the API token: ${lacked}, for this account and the zone ${name}.`;
    return fail(facts.refused, { ...evidence, refusal: facts.refused }, remedy);
  }
  return facts.lists.pools.state === "known"
    ? pass("every permission that was used was there", evidence)
    : unknown("nothing could be read with the API token", { reason: facts.lists.pools.state });
}

/** The counts are "used" where they agree with what is there, else "allowed" (open, API-FACTS 6.5). */
function allowance(
  facts: PreflightFacts,
  kind: keyof typeof CEILINGS,
): { limit: number; source: string } | null {
  const { usage, counts, zone } = facts;
  if (usage.state !== "known") return null;
  const areUsed = usage.value.pools === counts.pools && usage.value.monitors === counts.monitors;
  const limit = usage.value[kind];
  if (!areUsed && limit !== null) return { limit, source: "which Cloudflare reports as the account's limit" };
  const isEnterprise = zone.state === "known" && zone.value.plan.toLowerCase().includes("enterprise");
  return isEnterprise ? null : { limit: CEILINGS[kind], source: "the limit of every plan below Enterprise" };
}

const KINDS = [
  { kind: "monitors", one: "monitor", roles: ["monitor"] },
  { kind: "pools", one: "pool", roles: ["primary", "secondary"] },
  { kind: "origins", one: "endpoint", roles: ["primary", "secondary"] },
  { kind: "loadBalancers", one: "load balancer", roles: ["load_balancer"] },
] as const;

function shortages(facts: PreflightFacts) {
  return KINDS.flatMap(({ kind, one, roles }) => {
    const wanted = roles.filter((role) => facts.failover?.ids[role] === undefined).length;
    const have = facts.counts[kind];
    const allowed = allowance(facts, kind);
    if (wanted === 0 || have === null || allowed === null || have + wanted <= allowed.limit) return [];
    return [{ what: wanted === 1 ? one : `${one}s`, have, wanted, ...allowed }];
  });
}

export const ACCOUNT_CHECKS: readonly Check[] = [
  {
    id: "token-valid",
    asks: "Does Cloudflare accept the API token, for another two weeks at least?",
    worst: "fail",
    means: "without it nothing at Cloudflare can be read or changed",
    remedy:
      "Create an API token with the permissions that the README lists, and set it with `npx wrangler secret put CF_API_TOKEN`.",
    documentation: DOCUMENTATION.createToken,
    judge: ({ token, now }) => {
      if (token.state === "forbidden")
        return fail(`Cloudflare refuses the API token of CF_API_TOKEN (${token.why})`, {
          reason: token.state,
        });
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
    remedy:
      "Create an API token that the account owns, with the same permissions, and set it with `npx wrangler secret put CF_API_TOKEN`.",
    documentation: DOCUMENTATION.accountTokens,
    follows: ["token-valid"],
    judge: ({ token }) =>
      given(token, ({ owner }) =>
        owner === "account"
          ? pass("the API token belongs to the account", { owner })
          : warn("the API token is a person's", { owner }),
      ),
  },
  {
    id: "token-permissions",
    asks: "Has the API token every permission that the service needs?",
    worst: "fail",
    means: "what needs it can't be read or changed",
    remedy:
      "Add the missing permission groups to the API token, for the scope that is named, and include this account and zone in its resources.",
    documentation: DOCUMENTATION.permissions,
    follows: ["token-valid"],
    judge: judgePermissions,
  },
  {
    id: "account-match",
    asks: "Does the zone belong to the account of CF_ACCOUNT_ID?",
    worst: "fail",
    means: "a load balancer can't use monitors and pools of another account",
    remedy:
      "Set CF_ACCOUNT_ID to the id of the account that owns the zone, with a token of that account, or use a hostname of a zone of this account.",
    documentation: DOCUMENTATION.accountIds,
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
      "In the Cloudflare dashboard go to Load Balancing, select Enable Load Balancing and choose a plan: it is a paid add-on of the account.",
    documentation: DOCUMENTATION.enable,
    follows: ["token-valid", "token-permissions"],
    judge: ({ usage, refused, observed, lists }) => {
      const said = refused === null ? null : describeAbsence(refused);
      if (said !== null)
        return fail(`Load Balancing is not enabled for the account (${refused ?? ""})`, { refusal: refused });
      if (observed.load_balancer.state === "found")
        return pass("there is a load balancer already", { load_balancer: "found" });
      if (usage.state === "known") {
        const evidence = { ...usage.value };
        const { originsPerPool, minimumInterval } = usage.value;
        return originsPerPool === 0 || minimumInterval === 0
          ? fail("Load Balancing is not enabled for the account: its limits are all zero", evidence)
          : pass("the account has load-balancing limits of its own", evidence);
      }
      // The lists need the same permission: where they can be read and the usage can't, it isn't for lack of that.
      const isAbsent = usage.state === "forbidden" || usage.state === "missing";
      if (isAbsent && lists.pools.state === "known")
        return fail(
          `Load Balancing is not enabled for the account: Cloudflare shows no usage of it (${usage.why})`,
          {
            reason: usage.state,
          },
        );
      return given(usage, () => pass(""));
    },
  },
  {
    id: "quota",
    asks: "Is there room for the objects that would be created?",
    worst: "fail",
    means: "Cloudflare would refuse to create them",
    remedy:
      "Delete what is not used any more in the dashboard under Load Balancing, or raise the limits of the Load Balancing subscription.",
    documentation: DOCUMENTATION.limitations,
    follows: ["token-valid", "token-permissions", "load-balancing-enabled"],
    judge: (facts) => {
      const short = shortages(facts);
      const wanted = ROLES.filter((role) => facts.failover?.ids[role] === undefined);
      if (wanted.length === 0) return pass("nothing has to be created", { to_create: [] });
      if (short.length > 0) {
        const said = short.map(
          ({ what, have, wanted: more, limit, source }) =>
            `${more} more ${what} beside the ${have} that there are would exceed ${limit}, ${source}`,
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
    remedy: "Set monitor.interval to at least what the plan allows.",
    documentation: DOCUMENTATION.monitors,
    follows: ["load-balancing-enabled"],
    judge: ({ spec, usage, observed, refused }) => {
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
      if (refused !== null && /interval/i.test(refused)) return fail(refused, evidence);
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
    remedy: 'Set check_regions to one region, such as ["WNAM"]; only Enterprise may check from everywhere.',
    documentation: DOCUMENTATION.limitations,
    follows: ["load-balancing-enabled"],
    judge: ({ spec, zone, observed, refused }) => {
      const regions = spec.check_regions;
      const plan = zone.state === "known" ? zone.value.plan : null;
      const evidence = { check_regions: regions, plan };
      if (observed.primary.state === "found" && observed.secondary.state === "found")
        return pass("the pools are in place with their regions", evidence);
      if (refused !== null && /region|data cent/i.test(refused)) return fail(refused, evidence);
      const isEnterprise = plan?.toLowerCase().includes("enterprise") === true;
      if (regions.includes("ALL_REGIONS")) {
        if (isEnterprise) return pass("Enterprise may check from every region", evidence);
        return plan === null
          ? unknown("the plan is not known, and only Enterprise may check from every region", evidence)
          : fail(
              `check_regions names ALL_REGIONS, which is for Enterprise, and the zone's plan is ${plan}`,
              evidence,
            );
      }
      return regions.length === 1 || isEnterprise
        ? pass(`checking from ${regions.join(", ")} is allowed`, evidence)
        : warn(
            `check_regions names ${regions.length} regions, and how many the plan ${plan ?? ""} allows is not published`,
            evidence,
          );
    },
  },
];
