// What the account's audit log says of who changed what: version 2 of it, which also has what is done by hand in the
// dashboard. It lags behind, and reading it needs a permission of its own.
import type { AuditEntry } from "../failover/attribution.ts";
import { isObject, text, textOf } from "./answers.ts";
import type { Priority } from "./budget.ts";
import { CloudflareError } from "./errors.ts";
import type { Call } from "./transport.ts";

/** One page; the newest come first, and they are what matters. */
const MOST = 1000;

export interface CloudflareAuditLog {
  /** Changes between two instants (ms since the epoch), but for this token's own. Throws `CloudflareError`. */
  changes(since: number, before: number): Promise<readonly AuditEntry[]>;
}

/** The id of the token that asks; it never changes. */
export interface RememberedToken {
  id?: string;
}

function entryOf(item: unknown): (AuditEntry & { readonly tokenId: string }) | null {
  if (!isObject(item)) return null;
  const part = (name: string) => (isObject(item[name]) ? item[name] : {});
  const [action, actor, resource] = [part("action"), part("actor"), part("resource")];
  const at = Date.parse(textOf(action, "time"));
  if (Number.isNaN(at) || textOf(action, "result") === "failure" || textOf(action, "type") === "view")
    return null;
  const kind = textOf(actor, "type");
  return {
    id: textOf(item, "id"),
    at,
    actor: textOf(actor, "email") || textOf(actor, "token_name") || kind || "somebody",
    kind,
    context: textOf(actor, "context"),
    tokenName: textOf(actor, "token_name") || null,
    tokenId: textOf(actor, "token_id"),
    action: textOf(action, "type"),
    resourceId: textOf(resource, "id"),
    uri: text(part("raw")["uri"]),
  };
}

export function createAuditLog(
  call: Call,
  accountId: string,
  priority: Priority,
  remembered: RememberedToken,
): CloudflareAuditLog {
  async function tokenId(): Promise<string> {
    if (remembered.id !== undefined) return remembered.id;
    for (const owner of ["/user", `/accounts/${accountId}`]) {
      try {
        const { result } = await call(priority, "get", `${owner}/tokens/verify`);
        if (isObject(result)) remembered.id = textOf(result, "id");
        return remembered.id ?? "";
      } catch (error) {
        if (!(error instanceof CloudflareError) || error.kind === "rate-limited") throw error;
      }
    }
    return "";
  }

  return {
    async changes(since, before) {
      const [from, to] = [since, before].map((at) => new Date(at).toISOString());
      const { result } = await call(priority, "get", `/accounts/${accountId}/logs/audit`, {
        query: { since: from ?? "", before: to ?? "", direction: "desc", limit: MOST },
      });
      const entries = (Array.isArray(result) ? result : []).map(entryOf).filter((entry) => entry !== null);
      if (entries.length === 0) return [];
      const own = await tokenId();
      return entries.filter((entry) => entry.tokenId === "" || entry.tokenId !== own);
    },
  };
}
