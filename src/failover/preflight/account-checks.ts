// Checks of the API token and the account that it is for.
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
import { PERMISSIONS } from "./permissions.ts";

const DAY_MS = 86_400_000;
/** A token that ends sooner than this leaves little time for an errand to whoever may renew it. */
const EXPIRES_SOON_MS = 14 * DAY_MS;

const instant = (at: number): string => new Date(at).toISOString();

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
  const name = facts.facts.zone?.name ?? `of ${facts.spec.hostname}`;
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
    means: "the service can't read or change what it has to",
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
];
