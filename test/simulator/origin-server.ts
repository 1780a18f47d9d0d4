import { failed, type Ask, type Outcome } from "./exchange.ts";
import type { Origin, OriginAnswer } from "./objects.ts";

function reachable(origin: Origin, ask: Ask): boolean {
  if (ask.place === undefined) return true;
  return !ask.place.some((name) => origin.unreachableFrom.includes(name));
}

function isCloudflare(ask: Ask): boolean {
  return ask.from === "edge" || ask.from === "health-check";
}

/** A server that redirects or fails as a whole does so for every path. */
function absentPage(origin: Origin, path: string): OriginAnswer | undefined {
  return path === "/" || origin.redirectTo !== undefined || origin.status >= 300
    ? undefined
    : origin.notFound;
}

/** How a web server somewhere on the Internet answers, and remembers that it did. */
export function askOrigin(origin: Origin, ask: Ask): Outcome {
  const outcome = answerOf(origin, ask);
  if (outcome.kind === "answer") {
    const { method, path, headers, body = "" } = ask;
    origin.received?.push({ method, path, headers, body, status: outcome.status });
  }
  return outcome;
}

function answerOf(origin: Origin, ask: Ask): Outcome {
  if (!reachable(origin, ask)) return failed("timeout", origin.latencyMs);
  if (!origin.up) return failed("refused");
  if (origin.ports !== undefined && !origin.ports.includes(ask.port)) return failed("refused");
  if (origin.admitsOnlyCloudflare === true && !isCloudflare(ask)) return failed("refused");
  if (origin.failure !== undefined) {
    const tls = origin.failure.startsWith("tls");
    const forgiven =
      ask.scheme === "http" || (ask.allowInsecure === true && origin.failure !== "tls-handshake");
    if (!(tls && forgiven)) return failed(origin.failure, origin.latencyMs);
  }
  const known = origin.hosts === undefined || origin.hosts.includes(ask.host);
  if (!known && ask.scheme === "https" && ask.allowInsecure !== true)
    return failed("tls-name", origin.latencyMs);
  if (!known) return answer(origin, { status: 404, body: "no such site", headers: {} });
  if (origin.admitsOnlyCloudflare === "403" && !isCloudflare(ask)) {
    return answer(origin, { status: 403, body: "forbidden", headers: {} });
  }
  const path = ask.path.split("?")[0] ?? "/";
  return answer(origin, origin.perPath[path] ?? absentPage(origin, path) ?? origin);
}

function answer(origin: Origin, given: OriginAnswer): Outcome {
  const location = given.redirectTo;
  return {
    kind: "answer",
    status: location === undefined || (given.status ?? 200) >= 300 ? (given.status ?? 200) : 301,
    headers: {
      "content-type": "text/html; charset=utf-8",
      ...given.headers,
      ...(location === undefined ? {} : { location }),
    },
    body: given.body ?? (given === origin ? "" : origin.body),
    latencyMs: origin.latencyMs,
    servedBy: origin.address,
    address: origin.address,
  };
}
