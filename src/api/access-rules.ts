// Which scope each route needs. A new route gets its line here; one without a line is for an unlimited admin alone.
import type { Scope } from "../failover/access.ts";

/**
 * What a route is about, as far as a token can be limited to some failovers:
 *
 *     failover   the failover that {id} names: one that the token isn't for is a 404
 *     operation  the same, of the failover that the operation {id} is about
 *     visible    several failovers: the route shows only those of `visibleTo(c)`
 *     named      a failover that the body names: the route calls `requireName(c, name)` once it has read it
 *     tokens     tokens: the route compares them with what the caller itself may do
 *     account    the whole account or fleet: only for tokens that are not limited
 */
export type Subject = "failover" | "operation" | "visible" | "named" | "tokens" | "account";

export type AccessRule =
  /** Asks for nothing. */
  | "open"
  /** The route decides by itself: a signature, or an answer that says less without a token. */
  | "itself"
  | { readonly scope: Scope; readonly about: Subject };

const read = (about: Subject): AccessRule => ({ scope: "read", about });
/** What acts on a failover that exists and changes neither its spec nor its stage. */
const operate = (about: Subject): AccessRule => ({ scope: "operate", about });
const admin = (about: Subject): AccessRule => ({ scope: "admin", about });

export const ACCESS_RULES: Readonly<Record<string, AccessRule>> = {
  "GET /healthz": "open",
  "GET /openapi.json": "open",
  "GET /docs": "open",
  "GET /docs/{file}": "open",
  "GET /readyz": "itself",

  "GET /v1/failovers": read("visible"),
  "POST /v1/failovers": admin("named"),
  "GET /v1/failovers/{id}": read("failover"),
  "PATCH /v1/failovers/{id}": admin("failover"),
  "DELETE /v1/failovers/{id}": admin("failover"),
  // It takes over whatever load balancer there is, under a name of the caller's choice.
  "POST /v1/import": admin("account"),

  "POST /v1/failovers/{id}/promote": admin("failover"),
  "POST /v1/failovers/{id}/demote": admin("failover"),

  "POST /v1/failovers/{id}/switch-over": operate("failover"),
  "POST /v1/failovers/{id}/switch-back": operate("failover"),
  "POST /v1/failovers/{id}/pause": operate("failover"),
  "POST /v1/failovers/{id}/resume": operate("failover"),

  "GET /v1/failovers/{id}/drills": read("failover"),
  "POST /v1/failovers/{id}/drills": operate("failover"),
  "GET /v1/failovers/{id}/drills/{drill}": read("failover"),
  "POST /v1/failovers/{id}/drills/{drill}/abort": operate("failover"),
  "POST /v1/failovers/{id}/abort": operate("failover"),

  "GET /v1/failovers/{id}/plan": read("failover"),
  // Whoever sees drift in role within its time of grace has to decide between these two.
  "POST /v1/failovers/{id}/reconcile": operate("failover"),
  "POST /v1/failovers/{id}/adopt": operate("failover"),
  "GET /v1/failovers/{id}/explain": read("failover"),
  "GET /v1/failovers/{id}/probes": read("failover"),
  "GET /v1/failovers/{id}/preflight": read("failover"),
  "POST /v1/preflight": read("named"),

  "GET /v1/events": read("visible"),
  "GET /v1/failovers/{id}/events": read("failover"),
  "GET /v1/events/export": read("visible"),
  "GET /v1/failovers/{id}/events/export": read("failover"),
  // What it says is about the whole chain.
  "GET /v1/audit/verify": read("account"),

  "GET /v1/operations/{id}": read("operation"),
  "POST /v1/operations/{id}/cancel": operate("operation"),
  // Of a promotion the route demands what a promotion demands.
  "POST /v1/operations/{id}/approve": operate("operation"),
  "POST /v1/operations/{id}/reject": operate("operation"),

  "GET /v1/fleet": read("visible"),
  "POST /v1/fleet/freeze": operate("account"),
  "DELETE /v1/fleet/freeze": operate("account"),
  "POST /v1/fleet/agree": operate("account"),
  "POST /v1/fleet/switch-over": operate("account"),

  "POST /webhooks/cloudflare": "itself",
  "POST /webhooks/deploys": "itself",
  // What they hold is about the whole account.
  "GET /v1/webhooks": read("account"),
  "GET /v1/webhooks/{id}": read("account"),
  "POST /v1/webhooks/{id}/replay": operate("account"),

  "GET /v1/setup/notifications": read("account"),
  "POST /v1/setup/notifications": admin("account"),

  // A channel may hear of every failover, and its URL decides who reads it.
  "GET /v1/channels": read("account"),
  "POST /v1/channels": admin("account"),
  "GET /v1/channels/{id}": read("account"),
  "PATCH /v1/channels/{id}": admin("account"),
  "DELETE /v1/channels/{id}": admin("account"),
  "GET /v1/channels/{id}/deliveries": read("account"),
  "GET /v1/channels/{id}/deliveries/{delivery}": read("account"),
  "POST /v1/channels/{id}/redeliver": operate("account"),
  "POST /v1/channels/{id}/test": operate("account"),

  "GET /v1/tokens": admin("tokens"),
  "POST /v1/tokens": admin("tokens"),
  "GET /v1/tokens/{id}": admin("tokens"),
  "DELETE /v1/tokens/{id}": admin("tokens"),
};

/** `path` as in the OpenAPI document. */
export function accessRuleOf(method: string, path: string): AccessRule {
  return ACCESS_RULES[`${method.toUpperCase()} ${path}`] ?? admin("account");
}
