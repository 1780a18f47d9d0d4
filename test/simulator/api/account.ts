import { Hono } from "hono";
import { CLOUDFLARE_IPV4, CLOUDFLARE_IPV6 } from "../addresses.ts";
import type { State } from "../state.ts";
import { accountScope, needs, ok, type Call, type CallEnv } from "./call.ts";
import { paged, visible, ZONE_PAGING, type Shown } from "./paging.ts";
import { authenticationError, Refusal } from "./refusal.ts";

function presentAccount(state: State): Record<string, unknown> {
  return {
    id: state.account.id,
    name: state.account.name,
    type: "standard",
    settings: { enforce_twofactor: false },
    created_on: "2020-01-01T00:00:00.000000Z",
  };
}

/** An informational message of code 10000 stands beside the result (API-FACTS 1.2). */
function verified(c: Call): Response {
  const { token } = c.env.state;
  const expired = token.expiresOn !== null && Date.parse(token.expiresOn) <= c.env.now;
  const status = expired ? "expired" : token.status;
  return c.json({
    success: true,
    errors: [],
    messages:
      status === "active" ? [{ code: 10000, message: "This API Token is valid and active", type: null }] : [],
    result: { id: token.id, status, ...(token.expiresOn === null ? {} : { expires_on: token.expiresOn }) },
  });
}

export const account = new Hono<CallEnv>()
  .get("/ips", (c) =>
    ok(c, {
      ipv4_cidrs: CLOUDFLARE_IPV4,
      ipv6_cidrs: CLOUDFLARE_IPV6,
      etag: "38f79d050aa027e3be3865e495dcc9bc",
    }),
  )
  .get("/user/tokens/verify", (c) => {
    // Account-owned tokens are refused here although they work elsewhere (API-FACTS 1.2).
    if (c.env.state.token.kind === "account") throw new Refusal(401, 1000, "Invalid API Token");
    return verified(c);
  })
  .get("/accounts", needs("Account Settings Read"), (c) => {
    if (c.env.state.token.kind === "account")
      throw new Refusal(400, 1001, "account-owned tokens can not list accounts");
    return paged(c, [presentAccount(c.env.state)], ZONE_PAGING);
  })
  .get("/accounts/:account", accountScope, needs("Account Settings Read"), (c) =>
    ok(c, presentAccount(c.env.state)),
  )
  .get("/accounts/:account/logs/audit", accountScope, needs("Account Settings Read"), (c) => {
    const { switches, auditLog } = c.env.state;
    if (switches.auditLog === "forbidden") throw authenticationError();
    const [since = 0, before = 0] = ["since", "before"].map((name) => Date.parse(c.req.query(name) ?? ""));
    if (Number.isNaN(since) || Number.isNaN(before))
      throw new Refusal(400, 1000, "since and before are required");
    const found = auditLog
      .filter(({ action }) => {
        const at = Date.parse(action.time);
        return at >= since && at < before && at + switches.auditLogLagMs <= c.env.now;
      })
      .toReversed()
      .slice(0, Number(c.req.query("limit") ?? 100));
    return c.json({ success: true, errors: [], result: found, result_info: { count: String(found.length) } });
  })
  .get("/accounts/:account/tokens/verify", accountScope, (c) => {
    if (c.env.state.token.kind === "user") throw new Refusal(401, 1000, "Invalid API Token");
    return verified(c);
  })
  .get("/accounts/:account/subscriptions", accountScope, needs("Billing Read"), (c) => {
    const all = visible(
      c,
      [...c.env.state.subscriptions.values()].map((subscription) =>
        Object.assign<Shown, object>({}, subscription),
      ),
    );
    return ok(c, all, { page: 1, per_page: 20, count: all.length, total_count: all.length });
  });
