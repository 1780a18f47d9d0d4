// Checks of what the account's subscription and plan allow.
import { ROLES } from "../marker.ts";
import { describeAbsence } from "../refused-writes.ts";
import { fail, given, pass, unknown, warn, type Check, type Finding } from "./check.ts";
import { DOCUMENTATION } from "./documentation.ts";
import type { PreflightFacts, UsageFacts } from "./facts.ts";

/** API-FACTS 8: what a plan below Enterprise allows at most. */
const CEILINGS = { pools: 20, monitors: 30, loadBalancers: 20, origins: 20 } as const;
/** Allowed on every plan, whichever of Cloudflare's pages is right about the others (API-FACTS 4). */
const SAFE_INTERVAL = 60;

interface Allowance {
  readonly limit: number;
  readonly source: string;
  /** How many there are in the whole account. */
  readonly have: number;
}

/** The counts are "used" where they agree with what is there, else "allowed" (open, API-FACTS 6.5). */
function allowance(
  { counts }: PreflightFacts,
  usage: UsageFacts,
  plan: string,
  kind: keyof typeof CEILINGS,
): Allowance | null {
  const areUsed = usage.pools === counts.pools && usage.monitors === counts.monitors;
  const [said, seen] = [usage[kind], counts[kind] ?? 0];
  if (!areUsed && said !== null)
    return { limit: said, source: "which Cloudflare reports as the account's limit", have: seen };
  // What an Enterprise contract allows is not shown.
  if (plan.toLowerCase().includes("enterprise")) return null;
  const source = "the limit of every plan below Enterprise";
  return { limit: CEILINGS[kind], source, have: Math.max(said ?? 0, seen) };
}

const KINDS = [
  { kind: "monitors", one: "monitor", roles: ["monitor"] },
  { kind: "pools", one: "pool", roles: ["primary", "secondary"] },
  { kind: "origins", one: "endpoint", roles: ["primary", "secondary"] },
  { kind: "loadBalancers", one: "load balancer", roles: ["load_balancer"] },
] as const;

function shortages(facts: PreflightFacts, usage: UsageFacts, plan: string) {
  return KINDS.flatMap(({ kind, one, roles }) => {
    const wanted = roles.filter((role) => facts.failover?.ids[role] === undefined).length;
    const allowed = allowance(facts, usage, plan, kind);
    if (wanted === 0 || allowed === null || allowed.have + wanted <= allowed.limit) return [];
    return [{ what: wanted === 1 ? one : `${one}s`, wanted, ...allowed }];
  });
}

function judgeQuota(facts: PreflightFacts): Finding {
  const { counts, usage, zone } = facts;
  const wanted = ROLES.filter((role) => facts.failover?.ids[role] === undefined);
  if (wanted.length === 0) return pass("nothing has to be created", { to_create: [] });
  return given(usage, (said) => {
    const evidence = { to_create: wanted, usage: said, counts };
    if (Object.values(counts).includes(null) || zone.state !== "known")
      return unknown("how many objects there are, or the zone's plan, could not be read", evidence);
    const short = shortages(facts, said, zone.value.plan);
    if (short.length === 0) return pass("there is room for what would be created", evidence);
    const told = short.map(
      ({ what, have, wanted: more, limit, source }) =>
        `${more} more ${what} beside the ${have} that there are would exceed ${limit}, ${source}`,
    );
    return fail(told.join("; "), { ...evidence, shortages: short });
  });
}

export const PLAN_CHECKS: readonly Check[] = [
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
        return fail(
          `Load Balancing is not enabled for the account, as its answer shows: ${refused?.split("; ")[0] ?? ""}`,
          { refusal: refused },
        );
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
    means: "Cloudflare would refuse to create what is missing",
    remedy:
      "Delete what is not used any more in the dashboard under Load Balancing, or raise the limits of the Load Balancing subscription.",
    documentation: DOCUMENTATION.limitations,
    follows: ["token-valid", "token-permissions", "load-balancing-enabled"],
    judge: judgeQuota,
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
        : {
            ...warn(
              `check_regions names ${regions.length} regions, and how many the plan ${plan ?? ""} allows is not published`,
              evidence,
            ),
            means: "Cloudflare may refuse the pools",
          };
    },
  },
];
