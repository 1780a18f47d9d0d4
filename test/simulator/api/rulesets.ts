// Rulesets of a zone: the list without rules, and the entry point of each phase with them.
import { Hono } from "hono";
import { PHASES, type RulePhase } from "../beside-the-balancer.ts";
import type { Ruleset } from "../objects.ts";
import { allows, type Permission, type Token } from "../permissions.ts";
import { ok, zoneOfCall, type CallEnv } from "./call.ts";
import { visible, type Shown } from "./paging.ts";
import { Refusal } from "./refusal.ts";

const PERMISSION_OF: Record<RulePhase, Permission> = {
  http_request_dynamic_redirect: "Dynamic URL Redirects Read",
  http_request_origin: "Origin Read",
  http_request_cache_settings: "Cache Settings Read",
};

/** One that Cloudflare makes and every zone may use: a list holds more than the zone's own. */
const MANAGED: Shown = {
  id: "efb7b8c949ac4650a09736fc376e9aee",
  name: "Cloudflare Managed Ruleset",
  description: "Created by the Cloudflare security team",
  kind: "managed",
  phase: "http_request_firewall_managed",
  version: "138",
  last_updated: "2026-10-01T09:00:00.000000Z",
};

function isKnown(phase: string): phase is RulePhase {
  return phase in PHASES;
}

/** The list of methods accepts any one of them; for an entry point people needed the phase's own. */
function allowsRulesets(token: Token, phase: string | null): boolean {
  if (phase !== null && isKnown(phase)) return allows(token, PERMISSION_OF[phase]);
  return Object.values(PERMISSION_OF).some((permission) => allows(token, permission));
}

/** Without a code, as it was seen from this product. */
function unauthorizedRequest(): Refusal {
  return new Refusal(403, null, "request is not authorized");
}

function withoutRules({ zone_id: _zone, rules: _rules, ...shown }: Ruleset): Shown {
  return shown;
}

export const rulesets = new Hono<CallEnv>()
  .get("/", (c) => {
    const zone = zoneOfCall(c);
    const { state } = c.env;
    if (!allowsRulesets(state.token, null)) throw unauthorizedRequest();
    const own = [...state.rulesets.values()].filter(({ zone_id }) => zone_id === zone.id);
    return ok(c, visible(c, [MANAGED, ...own.map((ruleset) => withoutRules(ruleset))]));
  })
  .get("/phases/:phase/entrypoint", (c) => {
    const zone = zoneOfCall(c);
    const { state } = c.env;
    const phase = c.req.param("phase");
    if (!allowsRulesets(state.token, phase)) throw unauthorizedRequest();
    const found = [...state.rulesets.values()].find(
      (ruleset) => ruleset.zone_id === zone.id && ruleset.phase === phase,
    );
    // A phase that nobody has touched has no entry point.
    if (found === undefined)
      throw new Refusal(404, 10003, `could not find entrypoint ruleset in the "${phase}" phase`);
    return ok(c, { ...withoutRules(found), rules: found.rules });
  });
