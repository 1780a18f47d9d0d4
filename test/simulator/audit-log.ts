// The account's audit log: who changed what, by the API or by hand.
import { newId, timestamp } from "./identity.ts";
import type { State } from "./state.ts";

export interface AuditLogEntry {
  id: string;
  action: { type: string; result: "success"; time: string; description: string };
  actor: {
    type: "user";
    context: "dash" | "api_token";
    email?: string;
    id: string;
    ip_address: string;
    token_id?: string;
    token_name?: string;
  };
  raw: { method: string; uri: string; status_code: number };
  resource: { id: string; product: string; type: string };
}

/** The log is not kept for ever. */
const MOST = 1_000;
const VERBS: Readonly<Record<string, string>> = {
  POST: "create",
  PUT: "update",
  PATCH: "update",
  DELETE: "delete",
};

function note(
  state: State,
  now: number,
  method: string,
  uri: string,
  resourceId: string,
  actor: Omit<AuditLogEntry["actor"], "type" | "id" | "ip_address">,
): void {
  const type = VERBS[method];
  if (state.switches.auditLog !== "readable" || type === undefined) return;
  const time = timestamp(state, now);
  state.auditLog.push({
    id: newId(state),
    action: { type, result: "success", time, description: `${type} by ${actor.context}` },
    actor: { type: "user", id: "60000000000000000000000000000001", ip_address: "192.0.2.7", ...actor },
    raw: { method, uri, status_code: 200 },
    resource: { id: resourceId, product: "load_balancing", type: uri.split("/").at(-2) ?? "" },
  });
  state.auditLog.splice(0, Math.max(0, state.auditLog.length - MOST));
}

/** By somebody in the dashboard. */
export function noteByHand(
  state: State,
  now: number,
  method: "PATCH" | "DELETE",
  kind: string,
  id: string,
): void {
  note(state, now, method, `/${kind}s/${id}`, id, { context: "dash", email: state.somebody.email });
}

/** By whoever has the token of a call that changed something. */
export function noteCall(
  state: State,
  now: number,
  call: { method: string; path: string; authorization: string | null; resultId: string },
): void {
  const value = call.authorization?.replace(/^Bearer /, "");
  const other = state.otherTokens.find((token) => token.value === value);
  const token = other ?? { id: state.token.id, name: "understudy" };
  const actor = { context: "api_token", token_id: token.id, token_name: token.name } as const;
  const id = /([0-9a-f]{32})$/.exec(call.path)?.[1] ?? call.resultId;
  note(state, now, call.method, call.path, id, actor);
}
