// Cloudflare's edge: what it does with a request for any hostname.
import { claimOn, loadBalancerFor, pagesProjectAt, recordFor, zoneOf, type Claim } from "./dns.ts";
import { connect } from "./connect.ts";
import { defaultPort, failed, fromCloudflare, type Answer, type Ask, type Outcome } from "./exchange.ts";
import type { DnsRecord, LoadBalancer, OriginFailure, Zone } from "./objects.ts";
import { askPages } from "./pages-server.ts";
import type { State } from "./state.ts";
import { affinityOf, chooseEndpoints, routingOf, stickyEndpoint, type Endpoint } from "./steering.ts";

/** What a visitor sees when the edge can't get an answer from an endpoint. */
const EDGE_STATUS: Record<OriginFailure, number> = {
  refused: 521,
  timeout: 522,
  unreachable: 523,
  reset: 520,
  garbage: 520,
  dns: 530,
  tls: 526,
  "tls-name": 526,
  "tls-handshake": 525,
};

/** Zero-downtime failover retries on these (API-FACTS 16.6). */
const RETRIED = new Set([521, 522, 523, 525, 526]);

const unresolvable = (): Answer => fromCloudflare(530, "<title>Origin DNS error</title>error code: 1016");

export function isCovered(state: State, zone: Zone, hostname: string): boolean {
  const wildcard = `*.${hostname.split(".").slice(1).join(".")}`;
  return [...state.certificatePacks.values()].some(
    (pack) =>
      pack.zone_id === zone.id &&
      pack.status === "active" &&
      (pack.hosts.includes(hostname) || pack.hosts.includes(wildcard)),
  );
}

export function askEdge(state: State, now: number, ask: Ask): Outcome {
  if (pagesProjectAt(state, ask.host) !== null) return askPages(state.pagesProjects.values(), ask);
  const zone = zoneOf(state, ask.host);
  const claim = claimOn(state, ask.host);
  if (zone === null || zone.status !== "active") {
    if (claim !== null) return answerClaim(state, now, claim, ask);
    return ask.scheme === "https" ? failed("tls-handshake") : fromCloudflare(409, "error code: 1001");
  }
  // A custom domain brings its own certificate; the edge has none for a name outside the packs (API-FACTS 11.2).
  if (ask.scheme === "https" && !hasCertificate(claim) && !isCovered(state, zone, ask.host))
    return failed("tls-handshake");
  if (isChallenged(zone, ask)) {
    const challenge = fromCloudflare(403, "<title>Just a moment...</title>");
    challenge.headers["cf-mitigated"] = "challenge";
    return challenge;
  }
  return throughCache(state, now, ask, () => route(state, now, zone, ask));
}

function hasCertificate(claim: Claim | null): boolean {
  return claim !== null && (claim.kind !== "saas" || claim.customHostname.ssl.status === "active");
}

function isChallenged(zone: Zone, ask: Ask): boolean {
  const rule = zone.challengesWorkers;
  if (ask.from !== "worker" || rule === false) return false;
  return rule === true || ask.headers[rule.unlessHeader.toLowerCase()] !== rule.value;
}

function throughCache(state: State, now: number, ask: Ask, ask0: () => Answer): Answer {
  const stored = state.cached.get(ask.host);
  if (stored === undefined) return ask0();
  if (stored !== null) {
    const age = String(Math.floor((now - stored.storedAt) / 1000));
    return {
      ...fromCloudflare(stored.status, stored.body, "cache"),
      headers: { ...stored.headers, "cf-cache-status": "HIT", age },
    };
  }
  const fresh = ask0();
  if (fresh.status === 200) {
    state.cached.set(ask.host, { storedAt: now, status: 200, headers: fresh.headers, body: fresh.body });
  }
  return { ...fresh, headers: { ...fresh.headers, "cf-cache-status": "MISS" } };
}

function route(state: State, now: number, zone: Zone, ask: Ask): Answer {
  const claim = claimOn(state, ask.host);
  const lb = loadBalancerFor(state, zone, ask.host);
  // A custom hostname (SaaS, Pages) of the same name beats the load balancer (API-FACTS 11.1); a Worker's custom
  // domain makes the Worker the origin of the name.
  const beats = claim?.kind === "worker" || state.switches.pagesCustomDomainBeatsLb;
  if (claim !== null && (lb === null || beats)) {
    const answer = answerClaim(state, now, claim, ask);
    return answer.kind === "answer" ? answer : unresolvable();
  }
  if (lb !== null) return balance(state, now, lb, ask);
  const record = recordFor(state, zone, ask.host);
  return record === null ? unresolvable() : forward(state, now, record, ask);
}

function answerClaim(state: State, now: number, claim: Claim, ask: Ask): Outcome {
  switch (claim.kind) {
    case "pages":
      return askPages(state.pagesProjects.values(), ask);
    case "worker": {
      const { service } = claim.domain;
      return fromCloudflare(
        200,
        `<!doctype html><title>${service}</title><p>worker ${service}</p>`,
        "worker",
      );
    }
    case "saas": {
      const server = claim.customHostname.custom_origin_server;
      const answer =
        server === undefined
          ? fromCloudflare(200, "<!doctype html><title>SaaS</title><p>fallback origin</p>")
          : fetchFrom(state, now, { ...ask, hops: 0 }, server, defaultPort(ask.scheme), ask.host);
      return { ...answer, servedBy: "custom hostname" };
    }
    default:
      return claim satisfies never;
  }
}

/** From the edge to one machine: the visitor's scheme, path and method, and the endpoint's Host. */
function fetchFrom(state: State, now: number, ask: Ask, address: string, port: number, host: string): Answer {
  const outcome = connect(state, now, {
    ...ask,
    from: "edge",
    address,
    port,
    host,
    hops: (ask.hops ?? 0) + 1,
  });
  if (outcome.kind === "failed") {
    const status = EDGE_STATUS[outcome.failure];
    if (status === 530) return unresolvable();
    return fromCloudflare(status, `<title>example | ${status}</title>error code: ${status}`);
  }
  return {
    ...outcome,
    headers: { ...outcome.headers, server: "cloudflare", "cf-ray": "8d0000000000aaaa-AMS" },
  };
}

function forward(state: State, now: number, record: DnsRecord, ask: Ask): Answer {
  // A proxied name that points at another name of the zone goes on to that name's own content.
  const target = record.content.toLowerCase();
  const targetZone = zoneOf(state, target);
  const next = targetZone === null ? null : recordFor(state, targetZone, target);
  if (next !== null && next.proxied && next.id !== record.id && (ask.hops ?? 0) < 4) {
    return forward(state, now, next, { ...ask, hops: (ask.hops ?? 0) + 1 });
  }
  const answer = fetchFrom(
    state,
    now,
    { ...ask, hops: 0 },
    record.content,
    defaultPort(ask.scheme),
    ask.host,
  );
  return { ...answer, servedBy: "dns" };
}

function balance(state: State, now: number, lb: LoadBalancer, ask: Ask): Answer {
  const { fixedResponse } = routingOf(lb, ask);
  if (fixedResponse !== null && fixedResponse !== undefined) {
    const answer = fromCloudflare(fixedResponse.status_code ?? 200, fixedResponse.message_body ?? "");
    answer.headers["content-type"] = fixedResponse.content_type ?? "text/plain";
    if (fixedResponse.location !== undefined) answer.headers["location"] = fixedResponse.location;
    return answer;
  }
  const cookie = /(?:^|;\s*)__cflb=([^;]+)/.exec(ask.headers["cookie"] ?? "")?.[1] ?? null;
  const sticky = stickyEndpoint(state, lb, cookie);
  const candidates = chooseEndpoints(state, lb, ask);
  const first = sticky ?? candidates[0];
  // No enabled pool and no enabled fallback: 530 with 1016 (API-FACTS 10).
  if (first === undefined) return unresolvable();
  let endpoint: Endpoint = first;
  let answer = fetchEndpoint(state, now, ask, endpoint);
  if (RETRIED.has(answer.status)) {
    const second = retryEndpoint(state, lb, candidates, first);
    if (second !== undefined) {
      endpoint = second;
      answer = fetchEndpoint(state, now, ask, second);
    }
  }
  if (["cookie", "ip_cookie"].includes(lb.session_affinity) && sticky === null) {
    answer.headers["set-cookie"] =
      `__cflb=${affinityOf(endpoint.pool, endpoint.origin)}; SameSite=Lax; path=/; HttpOnly; Max-Age=${lb.session_affinity_ttl}`;
  }
  return { ...answer, servedBy: endpoint.pool.name, address: endpoint.origin.address };
}

/** One retry: in the same pool, or in another where `failover_across_pools` is on. */
function retryEndpoint(
  state: State,
  lb: LoadBalancer,
  candidates: Endpoint[],
  first: Endpoint,
): Endpoint | undefined {
  const others = candidates.filter((candidate) => candidate.origin.address !== first.origin.address);
  const inPool = others.find((candidate) => candidate.pool.id === first.pool.id);
  if (inPool !== undefined || !lb.adaptive_routing.failover_across_pools) return inPool;
  const across = others.find((candidate) => candidate.pool.id !== first.pool.id);
  if (across !== undefined) return across;
  const fallback = state.pools.get(lb.fallback_pool);
  const origin = fallback?.origins.find((candidate) => candidate.enabled && candidate.weight > 0);
  if (fallback === undefined || origin === undefined || !fallback.enabled) return undefined;
  return fallback.id === first.pool.id ? undefined : { pool: fallback, origin };
}

function fetchEndpoint(state: State, now: number, ask: Ask, { origin }: Endpoint): Answer {
  const port = (origin.port ?? 0) === 0 ? defaultPort(ask.scheme) : (origin.port ?? 0);
  return fetchFrom(state, now, ask, origin.address, port, origin.header?.Host?.[0] ?? ask.host);
}
