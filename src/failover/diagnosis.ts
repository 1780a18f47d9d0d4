// Decides what is probably wrong with an endpoint that Cloudflare finds unhealthy, or about which the two witnesses
// disagree, and what would mend it. The reasons are Cloudflare's words (API-FACTS 10.1), which are no contract: they
// are matched by a part of them, without regard to case.
import type { Endpoint, MonitorSpec } from "./complete.ts";
import type { ProbeFailure, ProbeResult } from "./results.ts";

export interface Diagnosis {
  /** Stable; one for each row of the tables below. */
  readonly id: string;
  /** What is probably wrong, in a sentence. */
  readonly cause: string;
  /** What to do, in a sentence. */
  readonly remedy: string;
}

export interface Symptoms {
  readonly endpoint: Endpoint;
  readonly monitor: MonitorSpec;
  /** The commonest `failure_reason` of the places that found it unhealthy; null where Cloudflare finds it healthy. */
  readonly reason: string | null;
  /** Our own latest answer; null where there is none. */
  readonly probe: ProbeResult | null;
}

interface Row {
  readonly id: string;
  readonly reason: RegExp;
  readonly cause: string;
  readonly remedy: string;
}

const REASONS: readonly Row[] = [
  {
    id: "tls-untrusted",
    reason: /untrusted cert/i,
    cause: "the endpoint's certificate is not signed by an authority that Cloudflare trusts",
    remedy:
      "install a public certificate or one of Cloudflare's Origin CA; monitor.allow_insecure is the last resort",
  },
  {
    id: "tls-name",
    reason: /name mismatch|unrecognized name/i,
    cause: "the endpoint's certificate does not cover the Host that the health check asks for",
    remedy: "set host_header to a name that the certificate covers",
  },
  {
    id: "tls-protocol",
    reason: /tls (protocol|handshake)|handshake failure/i,
    cause: "the port that is checked does not speak TLS as the monitor expects",
    remedy: "let monitor.type and the port agree: https with 443, http with 80",
  },
  {
    id: "timeout",
    reason: /time ?out/i,
    cause:
      "the endpoint did not answer within the monitor's timeout: it is too slow, or a firewall drops the requests",
    remedy:
      "let a lighter monitor.path be checked, raise monitor.timeout, or admit Cloudflare's address ranges",
  },
  {
    id: "connection-failed",
    reason: /connection failed|connection refused/i,
    cause: "nothing accepts connections on the port that is checked",
    remedy: "start the server, open the port, and admit Cloudflare's address ranges in the firewall",
  },
  {
    id: "connection-reset",
    reason: /reset by peer/i,
    cause:
      "the endpoint closes the connection: a firewall, or TLS where plain text is expected (or the other way round)",
    remedy: "admit Cloudflare's address ranges, and let monitor.type and the port agree",
  },
  {
    id: "unreachable",
    reason: /no route|unreachable/i,
    cause: "Cloudflare finds no way to the endpoint's address",
    remedy: "check the address and the routing in front of it",
  },
  {
    id: "dns-internal",
    reason: /dns internal/i,
    cause:
      "the endpoint's name leads to an internal address or to a name that Cloudflare proxies, which is not checked",
    remedy: "give the endpoint's own hostname; for a Pages project give pages_project",
  },
  {
    id: "dns-unknown",
    reason: /unknown host|dns/i,
    cause: "the endpoint's name does not resolve",
    remedy: "correct the endpoint's address or its DNS record",
  },
  {
    id: "body-mismatch",
    reason: /body mismatch/i,
    cause: "the answer does not hold monitor.expected_body in its first 10 KB",
    remedy:
      "correct expected_body, move that text to the beginning of the page, or check a page that holds it",
  },
  {
    id: "code-mismatch",
    reason: /code mismatch/i,
    cause: "the endpoint answers with a status that is not among monitor.expected_codes",
    remedy: "let monitor.path name a page that answers as expected, or correct expected_codes",
  },
  {
    id: "invalid-response",
    reason: /invalid response/i,
    cause: "what answers on that port does not speak HTTP, or a proxy in front of the endpoint fails",
    remedy: "check the port and the server behind it",
  },
  {
    id: "checks-in-a-row",
    reason: /good checks in a row/i,
    cause: "its checks pass, but not yet as often in a row as monitor.consecutive_up wants",
    remedy: "wait until they have, or lower monitor.consecutive_up",
  },
  {
    id: "monitor-config",
    reason: /config error/i,
    cause: "Cloudflare can't use the monitor as it is set",
    remedy: "correct the monitor in the spec; GET …/plan shows how it differs from what is in place",
  },
];

const UNKNOWN: Omit<Row, "reason"> = {
  id: "unknown",
  cause: "Cloudflare gives no reason that is known here",
  remedy: "look at the pool in Cloudflare's dashboard; if it stays like this, ask Cloudflare's support",
};

const isRedirect = (status: number | null): boolean =>
  status !== null && [301, 302, 303, 307, 308].includes(status);

/** What both witnesses say together is worth more than either alone: the first row that fits decides. */
const COMBINATIONS: readonly {
  readonly fits: (symptoms: Symptoms) => boolean;
  readonly diagnosis: Diagnosis;
}[] = [
  {
    fits: ({ reason, endpoint }) =>
      /code mismatch/i.test(reason ?? "") &&
      endpoint.pages_project !== undefined &&
      endpoint.host_header === null,
    diagnosis: {
      id: "pages-host-missing",
      cause:
        "the Pages project is asked without its own name as Host, and answers to no other; visitors would get error 1000",
      remedy: "leave host_header out of the endpoint, so that the project's own name is sent",
    },
  },
  {
    fits: ({ reason, probe, monitor }) =>
      /code mismatch/i.test(reason ?? "") && isRedirect(probe?.status ?? null) && !monitor.follow_redirects,
    diagnosis: {
      id: "redirect-not-followed",
      cause: "the endpoint redirects, and the monitor does not follow redirects",
      remedy: "set monitor.follow_redirects to true, or check the page that it redirects to",
    },
  },
  {
    fits: ({ reason, probe }) => /code mismatch/i.test(reason ?? "") && probe?.failure === "redirect",
    diagnosis: {
      id: "redirect-leaves",
      cause: "the endpoint redirects to another hostname, such as the balanced one or a login page",
      remedy:
        "let the endpoint answer monitor.path itself, or give the host_header that it does not redirect",
    },
  },
  {
    fits: ({ reason, probe, endpoint }) =>
      /code mismatch/i.test(reason ?? "") && probe?.ok === true && endpoint.host_header === null,
    diagnosis: {
      id: "host-missing",
      cause:
        "the endpoint answers us well under the production hostname, but Cloudflare's checks ask it without a Host of its own",
      remedy: "set host_header to the production hostname",
    },
  },
  {
    fits: ({ reason, probe }) => /code mismatch/i.test(reason ?? "") && probe?.ok === true,
    diagnosis: {
      id: "only-cloudflare-refused",
      cause:
        "the endpoint answers us well and Cloudflare's checks with another status: a firewall or bot rule treats them differently",
      remedy:
        "admit the User-Agent Cloudflare-Traffic-Manager and Cloudflare's address ranges at the endpoint",
    },
  },
  {
    fits: ({ reason, probe }) =>
      /code mismatch/i.test(reason ?? "") && probe?.ok === false && (probe.status ?? 0) >= 500,
    diagnosis: {
      id: "server-error",
      cause: "the endpoint answers with an error of its own",
      remedy: "look into the log of the server, and mend what makes it answer so",
    },
  },
  {
    fits: ({ reason, probe }) =>
      /code mismatch/i.test(reason ?? "") &&
      probe?.ok === false &&
      [400, 403, 404, 410, 421].includes(probe.status ?? 0),
    diagnosis: {
      id: "path-or-host",
      cause: "the endpoint has no such page, or not under the Host that it is asked for",
      remedy:
        "set monitor.path to a page that it has, and host_header to the name under which it has that page",
    },
  },
  {
    fits: ({ reason, probe }) =>
      /time ?out|connection failed|reset/i.test(reason ?? "") && probe?.ok === true,
    diagnosis: {
      id: "only-cloudflare-blocked",
      cause:
        "the endpoint answers us but not Cloudflare's checks: its firewall does not admit Cloudflare's address ranges",
      remedy: "admit Cloudflare's published address ranges in the endpoint's firewall",
    },
  },
  {
    fits: ({ reason, probe }) => reason === null && probe?.ok === false && probe.failure === "redirect",
    diagnosis: {
      id: "probe-redirected",
      cause: "Cloudflare finds the endpoint healthy, but it redirects us to another hostname",
      remedy:
        "check whether visitors are redirected as well: what monitor.path answers may not be what they get",
    },
  },
  {
    fits: ({ reason, probe }) =>
      reason === null &&
      probe?.ok === false &&
      (probe.status === 403 || ["refused", "reset", "challenged", "blocked"].includes(probe.failure ?? "")),
    diagnosis: {
      id: "probe-not-admitted",
      cause: "the endpoint admits Cloudflare and not us, which is a good setting for an origin",
      remedy: "nothing has to be done: Cloudflare's verdict alone decides",
    },
  },
  {
    fits: ({ reason, probe }) => reason === null && probe?.ok === false,
    diagnosis: {
      id: "probe-only",
      cause: "Cloudflare finds the endpoint healthy, but our probe does not",
      remedy: "look at the probe's detail: what we see, visitors of some regions may see as well",
    },
  },
];

/** Of a wrong status it is of interest which one that is. */
function withStatus(diagnosis: Diagnosis, { reason, probe }: Symptoms): Diagnosis {
  const isStatus = /code mismatch/i.test(reason ?? "") && probe?.ok === false && probe.status !== null;
  return isStatus ? { ...diagnosis, cause: `${diagnosis.cause} (we get ${probe.status})` } : diagnosis;
}

/** What Cloudflare would call the same; what it has no word for is left to the probe's own detail. */
const REASON_FOR: Readonly<Partial<Record<ProbeFailure, string>>> = {
  dns: "DNS unknown host",
  refused: "TCP connection failed",
  timeout: "HTTP timeout occurred",
  reset: "Connection reset by peer",
  unreachable: "No route to host",
  status: "Response code mismatch",
  body: "Response body mismatch",
  protocol: "HTTP invalid response",
};

/** What is probably wrong with an endpoint of which only our own answer is known. */
export function diagnoseAnswer(seen: {
  readonly endpoint: Endpoint;
  readonly monitor: MonitorSpec;
  readonly failure: ProbeFailure;
  readonly detail: string | null;
  readonly status: number | null;
}): Diagnosis | null {
  const { endpoint, monitor, failure, detail, status } = seen;
  const isKnown = REASONS.some((row) => row.reason.test(detail ?? ""));
  const tls = isKnown && detail !== null ? detail : "TLS untrusted certificate";
  const reason = failure === "tls" ? tls : (REASON_FOR[failure] ?? null);
  if (reason === null) return null;
  const probe = { ok: false, status, latencyMs: null, failure, detail, traits: {}, way: "fetch" } as const;
  return diagnose({ endpoint, monitor, reason, probe });
}

/** Null where both witnesses are content. */
export function diagnose(symptoms: Symptoms): Diagnosis | null {
  const { reason } = symptoms;
  const combination = COMBINATIONS.find(({ fits }) => fits(symptoms));
  if (combination !== undefined) return withStatus(combination.diagnosis, symptoms);
  if (reason === null || /no failures/i.test(reason)) return null;
  const { id, cause, remedy } = REASONS.find((row) => row.reason.test(reason)) ?? UNKNOWN;
  return withStatus({ id, cause, remedy }, symptoms);
}
