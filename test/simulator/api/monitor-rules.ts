// API-FACTS 4: what Cloudflare fills in and refuses when a monitor is written, and how it reads back (9).
import { newId, timestamp } from "../identity.ts";
import type { Monitor } from "../objects.ts";
import type { State } from "../state.ts";
import { choice, flag, number, object, text, whole, type Body } from "./body.ts";
import { invalid } from "./refusal.ts";

const TYPES = ["http", "https", "tcp", "udp_icmp", "icmp_ping", "smtp"] as const;

export function isHttp(type: string): boolean {
  return type === "http" || type === "https";
}

function headersOf(state: State, body: Body): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const [name, values] of Object.entries(object(body, "header"))) {
    if (!Array.isArray(values) || !values.every((value) => typeof value === "string")) {
      throw invalid("header values must be lists of strings");
    }
    if (name.toLowerCase() === "user-agent") throw invalid("header User-Agent can not be overridden");
    headers[spell(state, name)] = [...values];
  }
  return headers;
}

function spell(state: State, name: string): string {
  if (state.switches.headerCase === "lower") return name.toLowerCase();
  if (state.switches.headerCase === "as-sent") return name;
  return name.toLowerCase().replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

export function fillMonitor(state: State, now: number, body: Body, before?: Monitor): Monitor {
  const type = choice(body, "type", "http", TYPES);
  const http = isHttp(type);
  const { minimumInterval, maximumInterval } = state.limits;
  const expectedCodes = text(body, "expected_codes", "");
  if (http && expectedCodes === "") throw invalid("expected_codes is required");
  const port = whole(body, "port", 0, 0, 65535);
  if (port === 0 && ["tcp", "udp_icmp", "smtp"].includes(type)) throw invalid("port is required");
  const id = before?.id ?? newId(state);
  const at = timestamp(state, now);
  return {
    id,
    type,
    description: text(body, "description", ""),
    method: text(body, "method", "") || (http ? "GET" : type === "tcp" ? "connection_established" : ""),
    path: http ? text(body, "path", "") || "/" : "",
    header: http ? headersOf(state, body) : {},
    port,
    timeout: whole(body, "timeout", 5, 1, 10),
    retries: whole(body, "retries", 2, 0, 5),
    interval: number(body, "interval", 60, minimumInterval, maximumInterval),
    expected_codes: http ? expectedCodes : "",
    expected_body: http ? text(body, "expected_body", "") : "",
    follow_redirects: http && flag(body, "follow_redirects", false),
    allow_insecure: http && flag(body, "allow_insecure", false),
    consecutive_up: whole(body, "consecutive_up", 0),
    consecutive_down: whole(body, "consecutive_down", 0),
    probe_zone: text(body, "probe_zone", ""),
    created_on: before?.created_on ?? at,
    modified_on: at,
  };
}

export function presentMonitor(state: State, monitor: Monitor): Record<string, unknown> {
  const { switches } = state;
  const shown: Record<string, unknown> = { ...monitor };
  if (monitor.port === 0 && switches.portReadback !== "zero") delete shown["port"];
  for (const member of ["consecutive_up", "consecutive_down"] as const) {
    if (monitor[member] === 0 && switches.consecutiveReadback === "absent") delete shown[member];
  }
  return shown;
}
