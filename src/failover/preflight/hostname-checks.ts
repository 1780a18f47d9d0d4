// Checks of the production and the test hostname: what else claims them, and whether a certificate covers them.
import type { DnsRecordFacts, PreflightFacts, RuleFacts, Asked } from "./facts.ts";
import { PERMISSIONS } from "./permissions.ts";
import { fail, given, pass, unknown, warn, type Check, type Finding } from "./check.ts";
import { DOCUMENTATION } from "./documentation.ts";

function takenAt(facts: PreflightFacts, pointer: string): string | null {
  return facts.taken.find((one) => one.pointer === pointer)?.message ?? null;
}

function judgeTaken(facts: PreflightFacts, pointer: string, free: string): Finding {
  const message = takenAt(facts, pointer);
  if (message !== null) return fail(message, { conflict: message });
  return given(facts.lists.loadBalancers, () => pass(free, { conflict: null }));
}

/** A name is covered by itself, or by the wildcard of its parent: a wildcard stands for exactly one label. */
function covers(host: string, name: string): boolean {
  return host === name || host === `*.${name.split(".").slice(1).join(".")}`;
}

function judgeCertificate(facts: PreflightFacts, hostname: string | null): Finding {
  if (hostname === null) return unknown("the hostname is not known yet", {});
  if (!facts.spec.load_balancer.proxied)
    return pass(`${hostname} is not proxied, so the endpoints' own certificates count`, { proxied: false });
  return given(facts.certificates, (packs) => {
    const fitting = packs.filter(({ hosts }) => hosts.some((host) => covers(host, hostname)));
    const active = fitting.find(({ status }) => status === "active");
    const evidence = { hostname, certificates: fitting };
    if (active !== undefined)
      return pass(`an active ${active.type} certificate covers ${hostname}`, evidence);
    const [pending] = fitting;
    if (pending !== undefined)
      return fail(
        `the ${pending.type} certificate for ${hostname} is ${pending.status}`,
        evidence,
        "Wait until the certificate is active, or mend its validation in the dashboard.",
      );
    const { labels, why, remedy } = uncoveredBecause(facts, hostname);
    return fail(
      `no certificate covers ${hostname}${why}`,
      { ...evidence, labels_under_zone: labels },
      remedy,
    );
  });
}

/** Why Universal SSL, which would have, doesn't cover the name. */
function uncoveredBecause(facts: PreflightFacts, hostname: string) {
  const { zone } = facts.facts;
  const labels =
    zone === null || hostname === zone.name ? 0 : hostname.split(".").length - zone.name.split(".").length;
  if (facts.zone.state === "known" && facts.zone.value.type === "partial")
    return {
      labels,
      why: ": Universal SSL does not cover load balancers of a partial zone",
      remedy: `Create a proxied DNS record for ${hostname}, or order an advanced certificate for it in the dashboard under SSL/TLS > Edge Certificates.`,
    };
  if (facts.universalSsl.state === "known" && !facts.universalSsl.value)
    return {
      labels,
      why: ": Universal SSL is switched off for the zone",
      remedy:
        "Enable Universal SSL in the dashboard under SSL/TLS > Edge Certificates, or upload or order a certificate for the name.",
    };
  const why =
    labels > 1
      ? `: it lies ${labels} labels under ${zone?.name ?? ""}, and Universal SSL covers names of one`
      : "";
  return { labels, why };
}

const said = (records: readonly DnsRecordFacts[]): string =>
  records.map(({ type, content, proxied }) => `${type} ${content}${proxied ? " (proxied)" : ""}`).join(", ");

/** Something in front of the load balancer that may act on the hostname's requests. */
function judgeRules(asked: Asked<readonly RuleFacts[]>, hostname: string, kind: string): Finding {
  return given(asked, (rules) => {
    const evidence = { rules };
    return rules.length === 0
      ? pass(`no ${kind} acts on requests for ${hostname}`, evidence)
      : warn(
          `${rules.length === 1 ? `there is ${kind.startsWith("o") ? "an" : "a"} ${kind}` : `there are ${rules.length} ${kind}s`} that may act on requests for ${hostname}: ${rules.map(({ what }) => what).join(", ")}`,
          evidence,
        );
  });
}

export const HOSTNAME_CHECKS: readonly Check[] = [
  {
    id: "name-free",
    asks: "Are the pools' names free?",
    worst: "fail",
    means: "a pool's name is unique in the account, so ours can't be made",
    remedy: "Give the failover another name, or rename the other pool.",
    documentation: DOCUMENTATION.pools,
    permission: PERMISSIONS.balancing,
    judge: (facts) => {
      const message = takenAt(facts, "/name");
      if (message !== null) return fail(message, { conflict: message });
      return given(facts.lists.pools, () => pass("the pools' names are free or ours", { conflict: null }));
    },
  },
  {
    id: "hostname-free",
    asks: "Has no other load balancer the production hostname?",
    worst: "fail",
    means: "two load balancers can't have one name",
    remedy:
      "Import that load balancer (POST /v1/import), or delete it before this failover is promoted to production.",
    documentation: DOCUMENTATION.balancedNames,
    guard: "hostname-conflict",
    production: true,
    permission: PERMISSIONS.loadBalancers,
    judge: (facts) => judgeTaken(facts, "/hostname", `no other load balancer has ${facts.spec.hostname}`),
  },
  {
    id: "custom-hostname",
    asks: "Is the production hostname no active custom domain of a Pages project or of a SaaS zone?",
    worst: "fail",
    means: "such a hostname comes before the load balancer, which would get no visitors",
    remedy: "Remove the custom domain there before the failover is promoted to production.",
    documentation: DOCUMENTATION.balancedNames,
    guard: "hostname-conflict",
    production: true,
    permission: PERMISSIONS.certificates,
    judge: ({ customHostnames, spec }) =>
      given(customHostnames, (found) =>
        found.length === 0
          ? pass(`nothing else of the account has ${spec.hostname} as a custom domain`, { found })
          : fail(
              found.join("; "),
              { found },
              `Remove ${spec.hostname} there before the failover is promoted to production.`,
            ),
      ),
  },
  {
    id: "certificate",
    asks: "Does an active certificate cover the production hostname?",
    worst: "fail",
    means: "visitors would get a TLS error instead of the site",
    remedy:
      "Order an advanced certificate for the name in the dashboard under SSL/TLS > Edge Certificates, or use a name directly under the zone.",
    documentation: DOCUMENTATION.universalSsl,
    guard: "certificate-missing",
    // What covers neither name is told where it matters first.
    follows: ["test-hostname-certificate"],
    production: true,
    permission: PERMISSIONS.certificates,
    judge: (facts) => judgeCertificate(facts, facts.spec.hostname),
  },
  {
    id: "record-underneath",
    asks: "Is there a DNS record under the production hostname, for when the load balancer gives it up?",
    worst: "warn",
    means: "after a demotion, or with the load balancer disabled, the name would not resolve at all",
    remedy:
      "Keep or create a DNS record of that name that leads to the primary; the load balancer takes precedence over it.",
    documentation: DOCUMENTATION.balancedNames,
    production: true,
    permission: PERMISSIONS.dns,
    judge: ({ records, spec }) =>
      given(records.hostname, (found) =>
        found.length === 0
          ? warn(
              `there is no DNS record for ${spec.hostname}`,
              { records: found },
              `Create a DNS record for ${spec.hostname} that leads to the primary; the load balancer takes precedence over it while it is enabled.`,
            )
          : pass(
              `in production the load balancer takes precedence over ${said(found)}, which answers again after a demotion`,
              { records: found },
            ),
      ),
  },
  {
    id: "test-hostname-free",
    asks: "Is the test hostname used by nothing else?",
    worst: "fail",
    means: "the load balancer can't be tried there, or takes the name away from something else",
    remedy: "Set test_hostname to another name, or remove what has this one.",
    documentation: DOCUMENTATION.balancedNames,
    guard: "hostname-conflict",
    follows: ["hostnames-valid"],
    permission: PERMISSIONS.dns,
    judge: (facts) => {
      const name = facts.spec.test_hostname;
      const message = takenAt(facts, "/test_hostname");
      if (message !== null) return fail(message, { conflict: message });
      return given(facts.records.testHostname, (records) =>
        records.length === 0
          ? pass(`nothing else has ${name}`, { records })
          : warn(
              `${name} has a DNS record already (${said(records)}), which the load balancer takes precedence over`,
              { records },
            ),
      );
    },
  },
  {
    id: "test-hostname-certificate",
    asks: "Does an active certificate cover the test hostname?",
    worst: "fail",
    means: "the failover can't be tried there by https",
    remedy:
      "Set test_hostname to a name directly under the zone, or order an advanced certificate for it in the dashboard under SSL/TLS > Edge Certificates.",
    documentation: DOCUMENTATION.universalSsl,
    guard: "certificate-missing",
    follows: ["hostnames-valid"],
    permission: PERMISSIONS.certificates,
    judge: (facts) => {
      if (facts.failover?.stage === "production")
        return pass("the load balancer has left the test hostname", { stage: "production" });
      return judgeCertificate(facts, facts.spec.test_hostname);
    },
  },
  {
    id: "worker-route",
    asks: "Does no Worker route match the production hostname?",
    worst: "warn",
    means: "the Worker answers first, and decides whether requests reach the load balancer",
    remedy: "Make sure that this Worker passes requests on, or remove its route from the zone.",
    documentation: DOCUMENTATION.routes,
    production: true,
    permission: PERMISSIONS.workerRoutes,
    judge: ({ workerRoutes, spec }) => judgeRules(workerRoutes, spec.hostname, "Worker route"),
  },
  {
    id: "worker-domain",
    asks: "Is the production hostname no custom domain of a Worker?",
    worst: "fail",
    means: "that Worker is what answers there, in the load balancer's place",
    remedy: "Remove the custom domain from the Worker before the failover is promoted to production.",
    documentation: DOCUMENTATION.workerDomains,
    guard: "hostname-conflict",
    production: true,
    permission: PERMISSIONS.workers,
    judge: ({ workerDomains, spec }) =>
      given(workerDomains, (found) =>
        found.length === 0
          ? pass(`${spec.hostname} is no Worker's custom domain`, { domains: found })
          : fail(
              `${spec.hostname} is a custom domain of ${found.map(({ what }) => what).join(", ")}`,
              { domains: found },
              `Remove the custom domain ${spec.hostname} from ${found.map(({ what }) => what).join(", ")} before the failover is promoted to production.`,
            ),
      ),
  },
  {
    id: "redirect-rule",
    asks: "Does no redirect rule act on the production hostname?",
    worst: "warn",
    means: "visitors are redirected before the load balancer is asked",
    remedy: "Check that the rule is meant for this hostname, or exclude the hostname from it.",
    documentation: DOCUMENTATION.redirects,
    production: true,
    permission: PERMISSIONS.redirects,
    judge: ({ redirectRules, spec }) => judgeRules(redirectRules, spec.hostname, "redirect rule"),
  },
  {
    id: "origin-rule",
    asks: "Does no origin rule act on the production hostname?",
    worst: "warn",
    means: "it can send requests to another endpoint, port or Host than the load balancer chose",
    remedy: "Check that the rule is a wanted exception, or exclude the hostname from it.",
    documentation: DOCUMENTATION.originRules,
    production: true,
    permission: PERMISSIONS.origins,
    judge: ({ originRules, spec }) => judgeRules(originRules, spec.hostname, "origin rule"),
  },
  {
    id: "cache-rule",
    asks: "Does no rule cache everything on the production hostname?",
    worst: "warn",
    means:
      "visitors may get a cached page of the endpoint that no longer serves, and who serves can't be seen",
    remedy:
      "Exclude the hostname's HTML from caching, or keep its edge lifetime shorter than you can wait after a failover.",
    documentation: DOCUMENTATION.cacheRules,
    production: true,
    permission: PERMISSIONS.caching,
    judge: ({ cacheRules, spec }) => judgeRules(cacheRules, spec.hostname, "cache rule"),
  },
  {
    id: "page-rule",
    asks: "Does no Page Rule redirect, override or cache the production hostname?",
    worst: "warn",
    means: "it acts before or after the load balancer, which then does not alone decide what visitors get",
    remedy: "Check that the rule is meant for this hostname, or exclude the hostname from it.",
    documentation: DOCUMENTATION.pageRules,
    production: true,
    permission: PERMISSIONS.pageRules,
    judge: ({ pageRules, spec }) => judgeRules(pageRules, spec.hostname, "Page Rule"),
  },
];
