// What is asked of whom: the probes that follow from a spec.
import { isAddressLiteral } from "../failover/addresses.ts";
import type { Spec } from "../failover/complete.ts";
import type { Side } from "../failover/failover.ts";
import type { ProbeResult } from "../failover/results.ts";
import type { Markers } from "../failover/serving.ts";

export interface ProbeTarget {
  readonly kind: "endpoint" | "hostname";
  readonly scheme: "http" | "https";
  /** Whom to connect to: a hostname or an IP address. */
  readonly address: string;
  readonly port: number;
  readonly path: string;
  /** The name to ask for: Host, and over TLS the server name that the certificate has to cover. */
  readonly host: string;
  readonly method: "GET" | "HEAD";
  readonly expectedCodes: string;
  readonly expectedBody: string;
  readonly followRedirects: boolean;
  readonly allowInsecure: boolean;
  readonly timeoutMs: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Both endpoints', because either may turn out to answer. */
  readonly markers: Markers;
  /** Pages, proxied and same-named hosts: a plain fetch reaches them, and a socket may not. */
  readonly viaCloudflare: boolean;
}

/** A visitor is more patient than a monitor, and a failover at the edge takes its time. */
const HOSTNAME_TIMEOUT_MS = 5000;

/** What a monitor's headers can't change about a probe: these are the probe's own. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "host",
  "user-agent",
  "connection",
  "content-length",
  "transfer-encoding",
  "accept-encoding",
  "expect",
  "upgrade",
  "te",
]);

function monitorHeaders(spec: Spec): [string, string][] {
  return Object.entries(spec.monitor.header ?? {})
    .filter(([name]) => !OWN_HEADERS.has(name.toLowerCase()))
    .flatMap(([name, values]) => values.map((value): [string, string] => [name, value]))
    .filter(([, value]) => /^[\t\x20-\x7e]*$/.test(value));
}

function expectations(spec: Spec) {
  const { method, expected_codes, expected_body, follow_redirects, allow_insecure, path } = spec.monitor;
  return {
    path,
    method,
    expectedCodes: expected_codes,
    expectedBody: expected_body,
    followRedirects: follow_redirects,
    allowInsecure: allow_insecure,
    headers: monitorHeaders(spec),
    markers: { primary: spec.primary.marker, secondary: spec.secondary.marker },
  };
}

/**
 * The probe of one endpoint: the monitor's question with the Host that the load balancer would send; the endpoint's own
 * port wins over the monitor's, as it does at Cloudflare. Null while the address isn't known.
 */
export function endpointTarget(spec: Spec, side: Side): ProbeTarget | null {
  const endpoint = spec[side];
  if (endpoint.address === null) return null;
  const address = endpoint.address.replace(/^\[(.*)\]$/, "$1");
  const host = endpoint.host_header ?? spec.hostname;
  return {
    ...expectations(spec),
    kind: "endpoint",
    scheme: spec.monitor.type,
    address,
    port: endpoint.port ?? spec.monitor.port,
    host,
    timeoutMs: spec.monitor.timeout * 1000,
    viaCloudflare: !isAddressLiteral(address) && (endpoint.pages_project !== undefined || host === address),
  };
}

/** The probe of a hostname as a visitor sees it: by https, checked against the monitor's expectations. */
export function hostnameTarget(spec: Spec, hostname: string): ProbeTarget {
  return {
    ...expectations(spec),
    kind: "hostname",
    scheme: "https",
    address: hostname,
    port: 443,
    host: hostname,
    // The edge's certificate isn't the endpoint's: what the monitor forgives there, no visitor forgives here.
    allowInsecure: false,
    timeoutMs: Math.max(spec.monitor.timeout * 1000, HOSTNAME_TIMEOUT_MS),
    viaCloudflare: true,
  };
}

/** The result for an endpoint without a target. */
export function unknownAddress(): ProbeResult {
  return {
    ok: false,
    status: null,
    latencyMs: null,
    failure: "unreachable",
    detail: "the endpoint's address is not known: Cloudflare has not told the Pages project's subdomain",
    traits: {},
    way: "fetch",
  };
}
