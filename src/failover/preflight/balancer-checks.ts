// Checks of the pools and the load balancer as they stand at Cloudflare: whether a failover would happen as intended.
import { SIDES } from "../failover.ts";
import { findForeignRouting } from "../foreign.ts";
import { describeRole } from "../plan.ts";
import { fail, given, pass, unknown, warn, type Check } from "./check.ts";
import type { PreflightFacts } from "./facts.ts";

type Body = Readonly<Record<string, unknown>>;

function objectOf(
  { observed }: PreflightFacts,
  role: "primary" | "secondary" | "load_balancer",
): Body | null {
  const sighting = observed[role];
  return sighting.state === "found" ? sighting.object : null;
}

function isEnabled(pool: Body): boolean {
  const origins: unknown = pool["origins"];
  const [first]: unknown[] = Array.isArray(origins) ? origins : [];
  const isOriginOff =
    typeof first === "object" && first !== null && "enabled" in first && first.enabled === false;
  return pool["enabled"] !== false && !isOriginOff;
}

export const BALANCER_CHECKS: readonly Check[] = [
  {
    id: "pools-enabled",
    asks: "Is the pool enabled, and its endpoint too?",
    worst: "fail",
    means: "it gets no visitors and its health is not checked",
    remedy: "Enable it in the dashboard, or reconcile: the service puts back what it made.",
    documentation: "Pools",
    guard: "target-not-ready",
    judgeEndpoint: (facts, side) => {
      const pool = objectOf(facts, side);
      if (pool === null) return null;
      const evidence = {
        pool: pool["name"],
        enabled: pool["enabled"],
        disabled_at: pool["disabled_at"] ?? null,
      };
      return isEnabled(pool)
        ? pass(`${describeRole(side)} is enabled`, evidence)
        : fail(`${describeRole(side)} or its endpoint is disabled`, evidence);
    },
  },
  {
    id: "fallback-pool",
    asks: "Is the fallback pool the secondary, as the tutorial has it, and enabled?",
    worst: "fail",
    means: "with no healthy pool left visitors get something else than intended, or error 530",
    remedy: "Reconcile, or set the fallback pool of the load balancer to the secondary pool and enable that.",
    documentation: "Health details",
    follows: ["pools-enabled"],
    judge: (facts) => {
      const lb = objectOf(facts, "load_balancer");
      const secondary = objectOf(facts, "secondary");
      if (lb === null) return unknown("there is no load balancer to look at yet", {});
      const fallback = lb["fallback_pool"];
      const intended = facts.failover?.ids.secondary ?? null;
      const evidence = { fallback_pool: fallback ?? null, intended };
      if (intended === null) return unknown("the secondary pool is not known yet", evidence);
      const isAdopted = facts.failover?.adopted.some(({ path }) => path === "fallback_pool") === true;
      if (fallback !== intended && !isAdopted)
        return fail("the load balancer's fallback pool is not the secondary pool", evidence);
      return secondary !== null && !isEnabled(secondary)
        ? fail("the load balancer's fallback pool is disabled", evidence)
        : pass("the fallback pool is the secondary and enabled", evidence);
    },
  },
  {
    id: "failover-across-pools",
    asks: "May a request that fails be tried at the other pool (failover_across_pools)?",
    worst: "warn",
    means: "with one endpoint a pool, visitors see errors until health checks have noticed an outage",
    remedy: "Set load_balancer.adaptive_routing.failover_across_pools to true.",
    documentation: "Adaptive routing",
    judge: ({ spec }) => {
      const { failover_across_pools: across } = spec.load_balancer.adaptive_routing;
      return across
        ? pass("a request that fails is tried at the other pool", { failover_across_pools: across })
        : warn("failover_across_pools is off", { failover_across_pools: across });
    },
  },
  {
    id: "pool-shared",
    asks: "Are the pools used by this load balancer alone?",
    worst: "fail",
    means: "a change for one of them, such as disabling a pool, changes the other as well",
    remedy: "Give the other load balancer pools of its own.",
    documentation: "Pools",
    guard: "foreign-routing",
    judge: ({ failover, references, observed }) => {
      const { sharedWith } = observed;
      const known = references.state === "known" ? references.value : [];
      const others = [...new Set([...sharedWith, ...known])];
      if (others.length > 0)
        return fail(`a pool of this failover is also used by ${others.join(", ")}`, { used_by: others });
      if (failover === null) return pass("the pools are yet to be made", { used_by: [] });
      return given(references, () => pass("the pools are used by this load balancer alone", { used_by: [] }));
    },
  },
  {
    id: "foreign-routing",
    asks: "Does no rule or map of somebody else on the load balancer send visitors past the pair?",
    worst: "fail",
    means: "nobody can tell which endpoint visitors get",
    remedy: "Remove it in the dashboard, or reconcile with heal_foreign.",
    documentation: "Load balancing rules",
    guard: "foreign-routing",
    judge: (facts) => {
      const lb = objectOf(facts, "load_balancer");
      if (lb === null)
        return facts.failover === null
          ? pass("the load balancer is yet to be made", { foreign: [] })
          : unknown("there is no load balancer to look at", {});
      const foreign = findForeignRouting(lb, []);
      return foreign.length === 0
        ? pass("the load balancer has no routing but the pair", { foreign })
        : fail(foreign.map(({ message }) => message).join("; "), { foreign });
    },
  },
  {
    id: "objects-in-place",
    asks: "Are monitor, pools and load balancer there, with this service's marker?",
    worst: "fail",
    means: "the failover is not complete",
    remedy:
      "Reconcile; where an object lost its marker, put the marker back at the end of its description or import it.",
    documentation: "Load balancing components",
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
      if (refused !== null) return fail(refused, evidence);
      if (absent.length > 0) return fail(`${absent.map(describeRole).join(", ")} does not exist`, evidence);
      if (unmarked.length > 0)
        return fail(`${unmarked.map(describeRole).join(", ")} lost the marker`, evidence);
      const unseen = roles.filter((role) => observed[role].state === "unknown");
      return unseen.length > 0
        ? unknown(`${unseen.map(describeRole).join(", ")} could not be seen`, evidence)
        : pass("all four objects are there and ours", evidence);
    },
  },
];
