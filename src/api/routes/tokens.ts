import { createRoute, z } from "@hono/zod-openapi";
import { covers, grantOf, type Token } from "../../failover/access.ts";
import { originOf } from "../authentication.ts";
import { readBody } from "../body.ts";
import * as contract from "../contract.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { once } from "../idempotency-key.ts";
import { pageQuerySchema, pageRequest } from "../pagination.ts";
import { problem, valueOf } from "../problem.ts";
import { createRouter } from "../router.ts";
import { listSchema } from "../schemas.ts";
import { newTokenSchema, presentToken, tokenRequestSchema, tokenSchema } from "../token-schema.ts";

const tags = ["Tokens"];
const oneSchema = z.object({
  id: z.string().meta({ description: "The token's id.", example: "tok_3Vb8" }),
});

const create = createRoute({
  method: "post",
  path: "/",
  operationId: "createToken",
  tags,
  summary: "Make a token",
  description: "The answer shows it, this once: only its hash is stored.",
  parameters: [contract.idempotencyKey, contract.requestIdParameter],
  request: { body: contract.jsonBody("TokenRequest") },
  responses: {
    201: contract.answer("Made.", newTokenSchema, contract.HEADERS.location),
    ...contract.problems("taken", "payload-too-large", "unsupported-media-type", "invalid"),
  },
});

const list = createRoute({
  method: "get",
  path: "/",
  operationId: "listTokens",
  tags,
  summary: "List the tokens, newest first",
  description:
    "Also those that have expired or were revoked; not those that are wider than the one that asks.",
  parameters: [contract.requestIdParameter],
  request: { query: pageQuerySchema },
  responses: {
    200: contract.answer("One page.", listSchema(tokenSchema, "TokenList")),
    ...contract.problems("invalid"),
  },
});

const get = createRoute({
  method: "get",
  path: "/{id}",
  operationId: "getToken",
  tags,
  summary: "Get a token, but for its secret",
  parameters: [contract.requestIdParameter],
  request: { params: oneSchema },
  responses: { 200: contract.answer("The token.", tokenSchema), ...contract.problems("not-found") },
});

const revoke = createRoute({
  method: "delete",
  path: "/{id}",
  operationId: "revokeToken",
  tags,
  summary: "Revoke a token",
  description: "From now on it opens nothing. It stays in the list.",
  parameters: [contract.requestIdParameter],
  request: { params: oneSchema },
  responses: { 204: { description: "It is revoked." }, ...contract.problems("not-found") },
});

export function tokenRoutes({ tokens, clock }: ApiDependencies) {
  return createRouter()
    .openapi(create, async (c) => {
      const { name, scopes, failovers = null, expires_at: expires } = await readBody(c, tokenRequestSchema);
      const expiresAt = expires === undefined || expires === null ? null : Date.parse(expires);
      const request = { name, scopes, failovers, expiresAt };
      if (!covers(c.get("principal"), grantOf(request))) {
        throw problem("forbidden", "Nobody makes a token that may do more than they may themselves.");
      }
      const { token, secret } = await once(c, (caller) => tokens.create(request, caller));
      c.header("Location", `/v1/tokens/${token.id}`);
      return c.json({ ...presentToken(token, clock.now()), token: secret }, 201);
    })
    .openapi(list, async (c) => {
      const { items, nextCursor } = await tokens.list(pageRequest(c.req.valid("query")));
      const shown = items.filter((token) => covers(c.get("principal"), grantOf(token)));
      return c.json(
        { items: shown.map((token) => presentToken(token, clock.now())), next_cursor: nextCursor },
        200,
      );
    })
    .openapi(get, async (c) => {
      const token = await findToken(c.req.valid("param").id, c.get("principal"));
      return c.json(presentToken(token, clock.now()), 200);
    })
    .openapi(revoke, async (c) => {
      const { id } = await findToken(c.req.valid("param").id, c.get("principal"));
      valueOf(await tokens.revoke(id, originOf(c)));
      return c.body(null, 204);
    });

  /** A wider token is none of the caller's business: it can't be seen, nor taken from its owner. */
  async function findToken(id: string, principal: Parameters<typeof covers>[0]): Promise<Token> {
    const token = await tokens.find(id);
    if (token === null || !covers(principal, grantOf(token))) {
      throw problem("not-found", "There is no token with this id.");
    }
    return token;
  }
}
