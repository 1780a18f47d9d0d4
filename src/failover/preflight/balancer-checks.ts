// Checks of the pools and the load balancer as they stand at Cloudflare: whether a failover would happen as intended.
import { SIDES } from "../failover.ts";
import { findForeignRouting, isKept } from "../foreign.ts";
import { findUnaccounted } from "../traffic.ts";
import type { Role } from "../marker.ts";
import { describeRole, foundIn } from "../plan.ts";
import { fail, given, pass, unknown, warn, type Check, type Finding } from "./check.ts";
import { DOCUMENTATION } from "./documentation.ts";
import type { PreflightFacts } from "./facts.ts";

type Body = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Body =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function objectOf(
  { observed }: PreflightFacts,
  role: "primary" | "secondary" | "load_balancer",
): Body | null {
  const sighting = observed[role];
  return sighting.state === "found" ? sighting.object : null;
}

const originsOf = (pool: Body): Body[] => {
  const origins: unknown = pool["origins"];
  return Array.isArray(origins) ? origins.filter(isObject) : [];
};

/** What of the pool is switched off; null where it can get visitors. */
function disabledIn(pool: Body): "pool" | "endpoint" | null {
  if (pool["enabled"] === false) return "pool";
  return originsOf(pool)[0]?.["enabled"] === false ? "endpoint" : null;
}

/** As a person finds it in the dashboard. */
function named(role: Role, object: Body): string {
  const name = object["name"];
  return typeof name === "string" ? `${describeRole(role)} (${name})` : describeRole(role);
}

/** What is the matter with a pool that should be the fallback. */
function judgeFallback(facts: PreflightFacts, lb: Body, secondary: Body): Finding {
  const { fallback_pool: fallback, name } = lb;
  const intended = facts.failover?.ids.secondary ?? null;
  const primary = objectOf(facts, "primary");
  const evidence = { load_balancer: name, fallback_pool: fallback ?? null, intended };
  const { failover } = facts;
  const isMeant =
    failover !== null &&
    (failover.adopted.some(({ path }) => path === "fallback_pool") ||
      isKept(failover, "load_balancer", "fallback_pool"));
  if (fallback !== intended && !isMeant) {
    const isPrimary = fallback === facts.failover?.ids.primary && primary !== null;
    const actual = isPrimary ? named("primary", primary) : `another pool (${JSON.stringify(fallback)})`;
    return fail(
      `the fallback pool of the load balancer ${String(name)} is ${actual}, and not ${named("secondary", secondary)}`,
      evidence,
      `Set the fallback pool of the load balancer to ${String(secondary["name"])}, or POST …/reconcile, which does.`,
    );
  }
  return disabledIn(secondary) === null
    ? pass("the fallback pool is the secondary and enabled", evidence)
    : fail(`the fallback pool, ${named("secondary", secondary)}, is disabled`, evidence);
}

/** What members of ours that somebody else changed do to who gets a visitor. */
function besideThePair({ failover, observed }: PreflightFacts, lb: Body): readonly string[] {
  const ids: readonly unknown[] = SIDES.map((side) => failover?.ids[side]);
  const pools: unknown = lb["default_pools"];
  const others = Array.isArray(pools) ? pools.filter((id) => !ids.includes(id)) : [];
  const pastThePair = others.map(
    (id) => `the load balancer ${String(lb["name"])} also has the pool ${String(id)}`,
  );
  return [...pastThePair, ...findUnaccounted(foundIn(observed))];
}

const REFUSED_REMEDY =
  "Correct the spec or the account as the message says; the service then tries again by itself.";

export const BALANCER_CHECKS: readonly Check[] = [
  {
    id: "pools-enabled",
    asks: "Is the pool enabled, and its endpoint too?",
    worst: "fail",
    means: "it gets no visitors, and Cloudflare does not check its health",
    remedy:
      "Enable it again in the dashboard under Load Balancing > Pools, or POST …/reconcile, which puts everything back as the spec has it.",
    documentation: DOCUMENTATION.pools,
    guard: "target-not-ready",
    judgeEndpoint: (facts, side) => {
      const pool = objectOf(facts, side);
      if (pool === null) return null;
      const { name, enabled, disabled_at: disabledAt } = pool;
      const evidence = { pool: name, enabled, disabled_at: disabledAt ?? null };
      const disabled = disabledIn(pool);
      if (disabled === null) return pass(`${named(side, pool)} is enabled`, evidence);
      const what = disabled === "pool" ? named(side, pool) : `the endpoint in ${named(side, pool)}`;
      return fail(`${what} is disabled`, evidence);
    },
  },
  {
    id: "fallback-pool",
    asks: "Is the fallback pool the secondary, as the tutorial has it, and enabled?",
    worst: "fail",
    means:
      "once no pool is healthy, visitors get that pool instead of the secondary, or error 530 if it is disabled",
    remedy: "Enable the fallback pool, or POST …/reconcile, which does.",
    documentation: DOCUMENTATION.health,
    follows: ["pools-enabled"],
    judge: (facts) => {
      const lb = objectOf(facts, "load_balancer");
      const secondary = objectOf(facts, "secondary");
      return lb === null || secondary === null
        ? unknown("the load balancer or the secondary pool can't be looked at yet", {
            reason: facts.failover === null ? "not-asked" : "unseen",
          })
        : judgeFallback(facts, lb, secondary);
    },
  },
  {
    id: "failover-across-pools",
    asks: "May a request that fails be tried at the other pool (failover_across_pools)?",
    worst: "warn",
    means: "with one endpoint a pool, visitors see errors until health checks have noticed an outage",
    remedy: "Set load_balancer.adaptive_routing.failover_across_pools to true.",
    documentation: DOCUMENTATION.adaptiveRouting,
    judge: (facts) => {
      const wanted = facts.spec.load_balancer.adaptive_routing.failover_across_pools;
      const lb = objectOf(facts, "load_balancer");
      const routing = lb?.["adaptive_routing"];
      // What is there counts where something is: Cloudflare's own default is off.
      const across = lb === null ? wanted : isObject(routing) && routing["failover_across_pools"] === true;
      const evidence = { failover_across_pools: across, wanted };
      if (across) return pass("a request that fails is tried at the other pool", evidence);
      const { mode } = facts.spec.failback;
      if (!wanted && mode !== "automatic")
        return pass(`off, so that only the order says who serves: failback is ${mode}`, evidence);
      return wanted
        ? warn(
            "the load balancer has failover_across_pools switched off, and the spec has it on",
            evidence,
            "POST …/reconcile, which switches failover_across_pools on again, or set load_balancer.adaptive_routing.failover_across_pools to false if this is meant.",
          )
        : warn("the spec has failover_across_pools off", evidence);
    },
  },
  {
    id: "pool-shared",
    asks: "Are the pools used by this load balancer alone?",
    worst: "fail",
    means: "a change for one of them, such as disabling a pool, changes the other as well",
    remedy: "Give the other load balancer pools of its own.",
    documentation: DOCUMENTATION.pools,
    guard: "foreign-routing",
    judge: ({ failover, references, observed }) => {
      const { sharedWith } = observed;
      const known = references.state === "known" ? references.value : [];
      const others = [...new Set([...sharedWith, ...known])];
      if (others.length > 0)
        return fail(
          `a pool of this failover is also used by ${others.join(", ")}`,
          { used_by: others },
          `Give ${others.join(", ")} pools of its own, with the same endpoints if need be.`,
        );
      if (failover === null) return pass("the pools are yet to be made", { used_by: [] });
      return given(references, () => pass("the pools are used by this load balancer alone", { used_by: [] }));
    },
  },
  {
    id: "foreign-routing",
    asks: "Does no rule or map of somebody else on the load balancer send visitors past the pair?",
    worst: "fail",
    means: "visitors may be sent past the pair, and nobody can tell which endpoint they get",
    remedy:
      "Remove it from the load balancer in the dashboard, or POST …/reconcile with heal_foreign, which does.",
    documentation: DOCUMENTATION.customRules,
    guard: "foreign-routing",
    judge: (facts) => {
      const lb = objectOf(facts, "load_balancer");
      if (lb === null)
        return facts.failover === null
          ? pass("the load balancer is yet to be made", { foreign: [] })
          : unknown("there is no load balancer to look at", {});
      const foreign = findForeignRouting(lb, []);
      const beside = besideThePair(facts, lb);
      if (foreign.length === 0 && beside.length > 0)
        return fail(
          beside.join("; "),
          { foreign, beside },
          "Undo that in the dashboard under Load Balancing, or POST …/reconcile, which puts everything back as the spec has it (with heal_foreign also what an import left alone).",
        );
      return foreign.length === 0
        ? pass("the load balancer has no routing but the pair", { foreign })
        : fail(
            `the load balancer ${String(lb["name"])} has ${foreign.map(({ path }) => path).join(" and ")} beside the pair's pools`,
            { foreign },
            `Remove ${foreign.map(({ path }) => path).join(" and ")} from the load balancer in the dashboard, or POST …/reconcile with {"heal_foreign": true}, which does.`,
          );
    },
  },
  {
    id: "objects-in-place",
    asks: "Are monitor, pools and load balancer there, with this service's marker?",
    worst: "fail",
    means: "the failover is not complete, and what is not marked as the service's is not touched",
    remedy:
      "POST …/reconcile makes what is missing; where an object lost its marker, put it back at the end of its description.",
    documentation: DOCUMENTATION.components,
    guard: "target-not-ready",
    follows: [
      "load-balancing-enabled",
      "quota",
      "monitor-interval",
      "check-regions",
      "token-permissions",
      "name-free",
      "hostname-free",
      "test-hostname-free",
      "host-header-legal",
    ],
    judge: ({ failover, observed, installation, refused }) => {
      if (failover === null) return pass("the objects are yet to be made", {});
      const roles = [...SIDES, "monitor", "load_balancer"] as const;
      const absent = roles.filter((role) => observed[role].state === "absent");
      const marker = `understudy:${installation}:${failover.id}:`;
      const unmarked = roles.filter((role) => {
        const sighting = observed[role];
        return sighting.state === "found" && !String(sighting.object["description"]).includes(marker);
      });
      const evidence = { ids: failover.ids, absent, unmarked, refused };
      if (refused !== null) return fail(refused, evidence, REFUSED_REMEDY);
      if (absent.length > 0)
        return fail(
          absent.map((role) => `${describeRole(role)} does not exist`).join("; "),
          evidence,
          "Wait a minute or POST …/reconcile: the service makes what is missing.",
        );
      if (unmarked.length > 0)
        return fail(
          unmarked.map((role) => `${describeRole(role)} lost its marker`).join("; "),
          evidence,
          `Put the marker back at the end of its description: ${unmarked.map((role) => `${marker}${role}`).join("; ")} (or import the load balancer).`,
        );
      const unseen = roles.filter((role) => observed[role].state === "unknown");
      return unseen.length > 0
        ? unknown(`${unseen.map(describeRole).join(", ")} could not be seen`, evidence)
        : pass("all four objects are there and ours", evidence);
    },
  },
];
